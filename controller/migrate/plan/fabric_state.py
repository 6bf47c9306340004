"""The fabric's intents in each state of a migration: which VLANs are bridged, which routed, which hosts plugged.

Lives here: from a state to tenants. Must not know: steps, commands, files. VLANs whose gateway is legacy are networks
without a gateway in a tenant of their own, in which everybody may reach everybody: the legacy access lists decide about
what leaves them. From the moment its gateway moves, a VLAN is in the other tenant, and its policies are in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from typing import Any

from clos.controller.intent.model import Endpoint, Group, Intent, Network, Policy, Secondary, Service, Tenant
from clos.controller.migrate.plan.ground import Ground, Transit
from clos.controller.migrate.segmentation.hosts import DEVICE, GATEWAY, HOST, ROUTER, Host, virtual_mac
from clos.controller.migrate.segmentation.vlans import Vlan
from clos.controller.migrate.segmentation.zones import Zone

ZONE = "zone"
"""The label that says which zone an endpoint is in."""
EVERYTHING = IPv4Network("0.0.0.0/0")
ANY = (Service(),)


@dataclass(frozen=True, slots=True)
class FabricState:
    """``bridged``: VLANs that go through; ``routed``: those whose gateway is the fabric's; ``plugged``: hosts."""

    bridged: frozenset[int] = frozenset()
    routed: frozenset[int] = frozenset()
    coexists: bool = False
    plugged: frozenset[str] = frozenset()
    gone: frozenset[int] = field(default=frozenset())
    """VLANs in which legacy routers have no address any more."""

    def bridging(self, vlan: int) -> FabricState:
        return replace(self, bridged=self.bridged | {vlan})

    def coexisting(self) -> FabricState:
        return replace(self, coexists=True)

    def routing(self, vlan: int) -> FabricState:
        return replace(self, routed=self.routed | {vlan})

    def plugging(self, host: str) -> FabricState:
        return replace(self, plugged=self.plugged | {host})

    def without_routers(self, vlan: int) -> FabricState:
        return replace(self, gone=self.gone | {vlan})


def gateway_mac(vlan: Vlan) -> int:
    """The MAC address that hosts of the VLAN have for their gateway."""
    group = vlan.group
    assert group is not None, "only VLANs with HSRP are routed by the fabric"
    return virtual_mac(group.version, group.group, group.virtual_mac)


def intent(ground: Ground, state: FabricState) -> Intent:
    """The intents of a state."""
    tenants = [_bridging(ground, state), _routing(ground, state)]
    return Intent({tenant.name: tenant for tenant in tenants if tenant is not None})


def _bridging(ground: Ground, state: FabricState) -> Tenant | None:
    vlans = [v for v in ground.segmentation.vlans if v.number in state.bridged - state.routed]
    if not vlans:
        return None
    networks = {v.name: _network(v, None) for v in vlans}
    endpoints = {
        name: endpoint
        for v in vlans
        for name, endpoint in _endpoints(ground, state, v, (HOST, DEVICE, ROUTER, GATEWAY), ())
    }
    groups = {v.name: Group(v.name, networks=(v.name,)) for v in vlans if _holds(endpoints, v.name)}
    policies = tuple(Policy(f"within-{name}", name, name, ANY) for name in groups)
    return Tenant(f"{ground.name}-bridged", networks, endpoints, groups, policies)


def _holds(endpoints: Mapping[str, Endpoint], network: str) -> bool:
    return any(endpoint.network == network for endpoint in endpoints.values())


def _network(vlan: Vlan, mac: int | None) -> Network:
    """``mac`` None: the gateway is not the fabric's."""
    subnet = int(vlan.subnets[0].network_address), vlan.subnets[0].prefixlen
    more: dict[str, Any] = {} if mac is None else {"gateway_mac": mac}
    if len(vlan.subnets) > 1:
        more["secondary"] = tuple(
            Secondary((int(net.network_address), net.prefixlen), None if mac is None else int(gateway))
            for net, gateway in zip(vlan.subnets[1:], vlan.gateways[1:], strict=True)
        )
    gateway = None if mac is None else int(vlan.gateways[0])
    return Network(vlan.name, subnet, gateway, vlan.number, True, **more)


def _endpoints(
    ground: Ground, state: FabricState, vlan: Vlan, kinds: tuple[str, ...], zones: tuple[Zone, ...]
) -> Iterator[tuple[str, Endpoint]]:
    """The hosts of a VLAN, one endpoint for each MAC address and zone."""
    zone_of = {member.name: zone.name for zone in zones for member in zone.members}
    same: dict[int, list[Host]] = {}
    for host in ground.hosts(vlan.number, *kinds):
        if host.kind != ROUTER or vlan.number not in state.gone:
            same.setdefault(host.mac, []).append(host)
    for mac, hosts in same.items():
        first = hosts[0]
        name = ground.names[first.vlan, first.address]
        zone = zone_of.get(name) or (routers_zone(vlan) if zones else "")
        yield (
            name,
            _endpoint(
                name,
                vlan.name,
                name if name in state.plugged else ground.border.host,
                mac,
                tuple(int(host.address) for host in hosts),
                ((ZONE, zone),) if zone else (),
                (),
            ),
        )


def routers_zone(vlan: Vlan) -> str:
    """The zone of routers' own addresses in a VLAN: they are reached within it only."""
    return f"{vlan.name}-routers"


def _endpoint(
    name: str,
    network: str,
    host: str,
    mac: int,
    ips: tuple[int, ...],
    labels: tuple[tuple[str, str], ...],
    routes: tuple[IPv4Network, ...],
) -> Endpoint:
    more: dict[str, Any] = {}
    if len(ips) > 1:
        more["ips"] = ips[1:]
    if routes:
        more["routes"] = tuple((int(net.network_address), net.prefixlen) for net in routes)
    return Endpoint(name, network, host, mac, ips[0], labels, **more)


def _routing(ground: Ground, state: FabricState) -> Tenant | None:
    transit = ground.transit
    if not state.coexists or transit is None:
        return None
    vlans = [v for v in ground.segmentation.vlans if v.number in state.routed]
    zones = ground.segmentation.translated.zones
    networks = {v.name: _network(v, gateway_mac(v)) for v in vlans}
    networks["transit"] = Network(
        "transit", (int(transit.subnet.network_address), transit.subnet.prefixlen), int(transit.ours), transit.vlan
    )
    endpoints = {
        name: endpoint for v in vlans for name, endpoint in _endpoints(ground, state, v, (HOST, DEVICE, ROUTER), zones)
    }
    beyond = _beyond(ground, transit)
    endpoints[beyond.name] = beyond
    groups, policies = _policies(ground, endpoints)
    if vlans:
        groups |= {
            BEYOND: Group(BEYOND, labels=((ZONE, (BEYOND,)),)),
            "moved": Group("moved", networks=tuple(v.name for v in vlans)),
        }
        policies = (Policy("moved-to-beyond", "moved", BEYOND, ANY), *policies)
    return Tenant(ground.name, networks, endpoints, groups, policies)


BEYOND = "beyond"
"""The zone of everybody whom the legacy router at the transit VLAN routes for; its access lists decide about them."""


def _beyond(ground: Ground, transit: Transit) -> Endpoint:
    """The legacy router: whatever is not in a VLAN that has moved is behind it."""
    name = f"{transit.router}-transit"
    return _endpoint(
        name, "transit", ground.border.host, transit.mac, (int(transit.theirs),), ((ZONE, BEYOND),), (EVERYTHING,)
    )


def _policies(ground: Ground, endpoints: Mapping[str, Endpoint]) -> tuple[dict[str, Group], tuple[Policy, ...]]:
    """The policies whose groups have somebody in them, and within each VLAN its routers, too."""
    translated = ground.segmentation.translated
    present = {value for endpoint in endpoints.values() for key, value in endpoint.labels if key == ZONE}
    zones = {g.name: [translated.zones[n] for n in sorted(g.zones)] for g in translated.groups}
    groups: dict[str, Group] = {}
    policies = []
    for policy in translated.policies:
        local = policy.name.startswith("within-")
        ends = []
        for name in (policy.source, policy.target):
            members = [zone.name for zone in zones[name]]
            if local:
                number = zones[name][0].vlan
                members += [routers_zone(v) for v in ground.segmentation.vlans if v.number == number]
                name = f"at-{name}"[:63]
            ends.append(name)
            here = tuple(member for member in members if member in present)
            if here:
                groups[name] = Group(name, labels=((ZONE, here),))
        if all(end in groups for end in ends):
            policies.append(replace(policy, source=ends[0], target=ends[1]))
    used = {end for policy in policies for end in (policy.source, policy.target)}
    return {name: group for name, group in groups.items() if name in used}, tuple(policies)
