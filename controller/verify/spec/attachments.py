"""Where endpoints are attached, by addresses as atoms of a header space; who may be reached by which address.

Must not know: policies, requirements, rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from clos.controller.intent.model import Endpoint, Intent, Network, Prefix, Tenant
from clos.controller.verify.headerspace.header_space import ETH_DST, IP_DST, Box, HeaderSpace
from clos.controller.verify.spec.policy_space import PolicyClass
from clos.controller.verify.spec.requirements import Requirement, Requirements
from clos.fabric.topology import LEGACY, Topology


class AttachedEndpoint:
    """An endpoint at its host; ``vlan``: the VLAN id its frames come with, None = untagged; ``legacy``: its network
    goes on behind the host's port, where endpoints reach one another."""

    __slots__ = ("endpoint", "legacy", "network", "tenant", "vlan", "who")

    def __init__(
        self, tenant: Tenant, endpoint: Endpoint, vlan: int | None, who: PolicyClass, legacy: bool = False
    ) -> None:
        self.tenant, self.endpoint, self.vlan, self.who, self.legacy = tenant, endpoint, vlan, who, legacy
        self.network: Network = tenant.networks[endpoint.network]

    def beyond(self, other: AttachedEndpoint) -> bool:
        """Whether the other is reached without the fabric: in the same network behind the same legacy host."""
        same = other.legacy and other.endpoint.host == self.endpoint.host
        return same and other.network is self.network


DeliveryKey = tuple[str, str, int | None, AttachedEndpoint, bool]
"""Sender, its network and VLAN id; the endpoint that packets arrive at; whether they are routed."""


class TenantView:
    """A tenant's endpoints and networks by the atoms of a header space. Kept while the tenant stays the same.

    ``turned``: waypoints, each with the groups whose packets it passes on. ``routes``: the prefixes behind endpoints.
    """

    __slots__ = ("arp", "homes", "ips", "macs", "named", "places", "routes", "tenant", "turned", "yes")

    def __init__(
        self, tenant: Tenant, topology: Topology, space: HeaderSpace, who: Callable[[Tenant, Endpoint], PolicyClass]
    ) -> None:
        self.tenant = tenant
        self.places: list[AttachedEndpoint] = []
        self.named: dict[str, AttachedEndpoint] = {}
        self.turned: dict[str, set[str]] = {}
        self.macs: dict[str, dict[int, AttachedEndpoint]] = {name: {} for name in tenant.networks}
        self.homes: dict[str, dict[str, AttachedEndpoint]] = {name: {} for name in tenant.networks}
        self.ips: dict[int, list[AttachedEndpoint]] = {}
        self.routes: list[tuple[Prefix, AttachedEndpoint]] = []
        self.arp: dict[str, dict[int, tuple[int, int, AttachedEndpoint | None]]] = {}
        self.arp.update({name: {} for name in tenant.networks})
        self.yes: dict[DeliveryKey, Requirement] = {}
        mac, ip = space.domain[ETH_DST].of, space.domain[IP_DST].of
        for endpoint in tenant.everyone.values():
            name = endpoint.network
            host = topology.hosts[endpoint.host]
            vlan = tenant.networks[name].vlan if host.tagged else None
            place = AttachedEndpoint(tenant, endpoint, vlan, who(tenant, endpoint), host.mode == LEGACY)
            self.places.append(place)
            self.named[endpoint.name] = place
            if endpoint.outside is None:
                self.macs[name].setdefault(mac(endpoint.mac), place)
            self.homes[name].setdefault(endpoint.host, place)
            for address in endpoint.addresses:
                if place.network.gateway is not None:
                    self.ips.setdefault(ip(address), []).append(place)
                self.arp[name][ip(address)] = address, endpoint.mac, place
            self.routes += [(prefix, place) for prefix in endpoint.routes]
        for network in tenant.networks.values():
            for gateway in network.gateways:
                self.arp[network.name][ip(gateway)] = gateway, network.gateway_mac, None
        for policy in tenant.policies:
            if policy.via is not None:
                self.turned.setdefault(policy.via, set()).update((policy.source, policy.target))

    def drop_requirements(self, endpoints: set[AttachedEndpoint]) -> Iterable[Requirement]:
        """Forget what is required but for these endpoints; what is remembered."""
        self.yes = {key: requirement for key, requirement in self.yes.items() if key[3] in endpoints}
        return self.yes.values()


class RoutedTargets(NamedTuple):
    """Where a tenant's routed packets may go, by address as a set; ``every``: all those addresses; ``gateways``: which
    of them are gateways', as numbers; ``behind``: by router, the addresses behind it, whose longest prefix is its.

    ``of``: the views that this was made of. ``known``: the requirements on boxes of packets, by network, VLAN id and
    kind of profile, whoever sends them; None where an address is several endpoints', so that policy decides whose it
    is, or where waypoints get some packets first, so that policy decides where they go.
    """

    of: tuple[TenantView, ...]
    behind: dict[AttachedEndpoint, int]
    gateways: dict[int, int]
    routes: dict[int, list[AttachedEndpoint]]
    both: dict[int, None]
    every: int
    known: dict[tuple[str, int | None, str], dict[Box, list[Requirements]]] | None


def _mask(length: int) -> int:
    return (1 << 32) - (1 << 32 - length)


class Attachments:
    """The endpoints of an intent on a topology. ``before``: those of another intent over the same header space and
    topology, of which everything is kept that has not changed."""

    def __init__(
        self,
        intent: Intent,
        topology: Topology,
        space: HeaderSpace,
        who: Callable[[Tenant, Endpoint], PolicyClass],
        before: Attachments | None = None,
    ) -> None:
        self.intent, self.topology, self.space = intent, topology, space
        known = before.views if before else {}
        self.views: dict[str, TenantView] = {
            name: known[name]
            if name in known and known[name].tenant == tenant
            else TenantView(tenant, topology, space, who)
            for name, tenant in intent.tenants.items()
        }
        self._at = self._homes(before)
        self._partners: dict[str, dict[str, None]] = {name: {name: None} for name in intent.tenants}
        for share, _, importer in intent.agreed:
            self._partners[share.tenant][importer] = None
            self._partners[importer][share.tenant] = None
        order = {name: i for i, name in enumerate(intent.tenants)}
        routed = before.routed if before else {}
        self.routed: dict[str, RoutedTargets] = {
            name: self._routed_targets(name, order, routed.get(name)) for name in intent.tenants
        }

    def _homes(self, before: Attachments | None) -> dict[str, list[AttachedEndpoint]]:
        """The endpoints by host: those of tenants that changed are entered again."""
        found: dict[str, list[AttachedEndpoint]] = dict(before._at) if before else {}
        old = before.views if before else {}
        gone = {place for name, view in old.items() if self.views.get(name) is not view for place in view.places}
        for host in {place.endpoint.host for place in gone}:
            found[host] = [place for place in found[host] if place not in gone]
        for name, view in self.views.items():
            if old.get(name) is not view:
                for place in view.places:
                    host = place.endpoint.host
                    found[host] = [*found.get(host, ()), place]
        return found

    def _routed_targets(self, name: str, order: dict[str, int], before: RoutedTargets | None) -> RoutedTargets:
        views = tuple([self.views[partner] for partner in sorted(self._partners[name], key=order.__getitem__)])
        if before is not None and before.of == views:
            return before
        address = self.space.domain[IP_DST].of
        networks = self.intent.tenants[name].networks.values()
        gateways = {address(gateway): gateway for network in networks for gateway in network.gateways}
        routes: dict[int, list[AttachedEndpoint]] = {}
        for view in views:
            for atom, places in view.ips.items():
                routes.setdefault(atom, []).extend(places)
        behind = self._behind(self.views[name], views)
        for place, held in behind.items():
            if held:
                routes[held] = [place]
        every = 0
        for atom in (both := dict.fromkeys([*gateways, *routes])):
            every |= atom
        shared = not self.views[name].turned and all(len(places) == 1 for places in routes.values())
        return RoutedTargets(views, behind, gateways, routes, both, every, {} if shared else None)

    def _behind(self, own: TenantView, views: Iterable[TenantView]) -> dict[AttachedEndpoint, int]:
        """By router of a tenant, the addresses whose longest prefix it has: of its tenant's routes, and of the subnets
        of its tenant and of those it shares with."""
        if not own.routes:
            return {}
        claims: list[tuple[Prefix, AttachedEndpoint | None]] = [*own.routes]
        for network in (network for view in views for network in view.tenant.networks.values()):
            claims += [(subnet, None) for subnet in network.subnets if network.gateway is not None]
        found: dict[AttachedEndpoint, int] = {}
        taken = 0
        for (base, length), place in sorted(claims, key=lambda claim: -claim[0][1]):
            held = self.space.domain[IP_DST].of(base, _mask(length)) & ~taken
            taken |= held
            if place is not None:
                found[place] = found.get(place, 0) | held
        return found

    def elsewhere(self, other: AttachedEndpoint) -> AttachedEndpoint | None:
        """The endpoint that is another intent's too, and in the same network, but at another host."""
        view = self.views.get(other.tenant.name)
        mine = view.named.get(other.endpoint.name) if view is not None else None
        if mine is None or mine.network.name != other.network.name or mine.endpoint.host == other.endpoint.host:
            return None
        return mine

    def behind(self, place: AttachedEndpoint) -> int:
        """The addresses behind an endpoint, as a set."""
        routed = self.routed[place.tenant.name]
        return routed.behind.get(place, 0)

    def router(self, network: Network) -> int:
        """The Ethernet addresses to which packets are sent that the network's gateway is to route, as a set."""
        return 0 if network.gateway is None else self.space.domain[ETH_DST].of(network.gateway_mac)

    def at(self, host: str) -> list[AttachedEndpoint]:
        """The endpoints of a host."""
        return self._at.get(host, [])

    def partners(self, tenant: str) -> Iterable[str]:
        """The tenants with which one shares anything, itself among them."""
        return self._partners.get(tenant, ())
