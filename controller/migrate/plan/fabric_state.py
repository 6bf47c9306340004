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

from clos.controller.intent.model import Endpoint, Group, Intent, Network, Policy, Service, Tenant
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
            (int(net.network_address), net.prefixlen, int(gateway))
            for net, gateway in zip(vlan.subnets[1:], vlan.gateways[1:], strict=True)
        )
    gateway = None if mac is None else int(vlan.gateways[0])
    return Network(vlan.name, subnet, gateway, vlan.number, True, **_known(Network, more))


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
        routes = (EVERYTHING,) if first.kind in (ROUTER, GATEWAY) and vlan.number not in state.routed else ()
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
                routes,
            ),
        )


def _known(kind: type, more: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in more.items() if key in kind.__dataclass_fields__}  # type: ignore[attr-defined]


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
    return Endpoint(name, network, host, mac, ips[0], labels, **_known(Endpoint, more))


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
    endpoints.update(_beyond(ground, state, transit))
    groups, policies = _policies(ground, endpoints)
    return Tenant(ground.name, networks, endpoints, groups, policies)


def _beyond(ground: Ground, state: FabricState, transit: Transit) -> Iterator[tuple[str, Endpoint]]:
    """Zones that are reached over the transit VLAN, and the routers there, which send what comes from these zones."""
    zones = [z for z in ground.segmentation.translated.zones if z.vlan is None or z.vlan not in state.routed]
    spare = iter(reversed(list(transit.subnet.hosts())))
    mac = transit_mac(transit)
    for zone in zones:
        routes = zone.routes if zone.vlan is None else _prefixes(ground, zone)
        if routes:
            name = f"beyond-{zone.name}"
            yield (
                name,
                _endpoint(name, "transit", ground.border.host, mac, (int(next(spare)),), ((ZONE, zone.name),), routes),
            )
    for device, address in transit.routers.items():
        base = ground.network.devices[device].base_mac
        if base is not None:
            name = f"{device}-transit"
            labels = ((ZONE, "transit-routers"),)
            yield name, _endpoint(name, "transit", ground.border.host, base, (int(address),), labels, (EVERYTHING,))


def transit_mac(transit: Transit) -> int:
    """Of the virtual router that the fabric sends to."""
    return virtual_mac(2, transit.vlan)


def _prefixes(ground: Ground, zone: Zone) -> tuple[IPv4Network, ...]:
    """A zone of a VLAN that is still legacy: its hosts; the VLAN's largest zone has the subnets, too."""
    alike = [z for z in ground.segmentation.translated.zones if z.vlan == zone.vlan]
    if zone is max(alike, key=lambda z: len(z.members)):
        vlan = next(v for v in ground.segmentation.vlans if v.number == zone.vlan)
        return vlan.subnets
    return tuple(IPv4Network(a) for member in zone.members for a in member.addresses)


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
        if all(end in groups for end in ends) and not (local and _away(zones[policy.source], endpoints)):
            policies.append(replace(policy, source=ends[0], target=ends[1]))
    used = {end for policy in policies for end in (policy.source, policy.target)}
    return {name: group for name, group in groups.items() if name in used}, tuple(policies)


def _away(zones: list[Zone], endpoints: Mapping[str, Endpoint]) -> bool:
    """Whether the zones are beyond the transit VLAN: what is within them does not come here."""
    names = {zone.name for zone in zones}
    mine = [e for e in endpoints.values() if dict(e.labels).get(ZONE) in names]
    return all(endpoint.network == "transit" for endpoint in mine)
