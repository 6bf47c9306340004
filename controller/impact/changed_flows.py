"""The packets whose fate an intent's change changes: exactly those, as products of senders, addresses and traffic.

Lives here: every way a packet may have a fate in an intent, compared before and after. Must not know: words, rules.
What an endpoint addresses to itself is no fabric's business and in no flow.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from clos.controller.impact.endpoint_pairs import (
    AffectedTenants,
    EndpointPair,
    Paired,
    PermissionChanges,
    Role,
    Snapshot,
    pairs,
    receiving,
    role,
)
from clos.controller.impact.policy_classes import Attachment, EndpointView, Network
from clos.controller.impact.traffic_sets import Traffic
from clos.controller.intent.model import ROUTER_MAC, Intent
from clos.fabric.topology import PortRef

ROUTED, BRIDGED, ASKED, PINGED, BROADCAST = "routed", "bridged", "arp", "ping", "broadcast"
VIA_ROUTED, VIA_BRIDGED = "routed via", "bridged via"
WAYS = {
    ROUTED: "IPv4 to the gateway's MAC address, time to live above 1, for the IP address of a receiver",
    BRIDGED: "IPv4 to the MAC address of a receiver",
    ASKED: "ARP requests for an IP address",
    PINGED: "ICMP echo requests to the gateway's MAC address, for the IP address of a gateway",
    BROADCAST: "IPv4 to any group MAC address, but for control frames of legacy networks",
    VIA_ROUTED: "as routed, before or after the change to a waypoint first: whose the IP address is matters not",
    VIA_BRIDGED: "as bridged, before or after the change to a waypoint first",
}
"""How packets are addressed."""

GAINED, LOST, ALTERED = "gained", "lost", "altered"
"""Delivered (or answered) now and not before; before and not now; both times, but not alike."""


NOBODY = Role(None, None)


class DeliveryPoint(NamedTuple):
    """Where a network's frames are handed over."""

    ports: tuple[PortRef, ...]
    vlan: int


class Target(NamedTuple):
    """An endpoint as a bridged frame is addressed to it."""

    ports: tuple[PortRef, ...]
    vlan: int
    mac: int


class Flow(NamedTuple):
    """From each of ``senders`` to each of ``receivers`` but itself, by one way, the packets of ``traffic``.

    ``senders``: ends, whose packets bear both their addresses. ``receivers``: ends (routed), targets (bridged), spots
    (broadcast), IP addresses (arp, ping, routed via), MAC addresses (bridged via). ``traffic`` matters only where
    packets are routed or bridged.
    """

    change: str
    way: str
    senders: tuple[Attachment, ...]
    receivers: tuple[Attachment, ...] | tuple[Target, ...] | tuple[DeliveryPoint, ...] | tuple[int, ...]
    traffic: Traffic = ()


class Segment(NamedTuple):
    """Where a party's frames are bridged: its network, and the ports behind which that goes on without the fabric."""

    network: Network
    border: tuple[PortRef, ...] = ()

    def meets(self, other: Segment | None) -> bool:
        """Whether the fabric bridges between the two."""
        if other is None or self.network != other.network:
            return False
        return not self.border or self.border != other.border


class EndpointRole(NamedTuple):
    """What decides a party's fates besides its addresses: role, and segments before and after."""

    role: Role
    before: Segment | None
    after: Segment | None


def flows(
    old: Snapshot, new: Snapshot, who: AffectedTenants, paired: Paired, shifts: PermissionChanges
) -> tuple[Flow, ...]:
    """Every packet that has another fate after the change, but for those that a waypoint gets; sorted, none empty."""
    near, routed = concerned(paired.near, who), concerned(paired.routed, who)
    networks = _Networks(old, new)
    found = [*_routed(paired.routed, who, shifts), *networks.pinged(routed)]
    return tuple(sorted((*found, *_bridged(near, shifts), *networks.asked(near), *networks.broadcast(near))))


def concerned(held: Iterable[EndpointPair], who: AffectedTenants) -> list[EndpointPair]:
    """The parties of tenants that changed themselves."""
    return [party for party in held if not who.changed.isdisjoint(party.tenants)]


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def grouped(rows: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Values by key, both in the order they come."""
    found: dict[K, list[V]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


def _end(party: EndpointPair) -> Attachment:
    return party.told.end


def _place(party: EndpointPair) -> Attachment:
    return party.told.end.place


def resident(member: EndpointView | None) -> EndpointView | None:
    """The endpoint, if it is one; not what a waypoint passes on."""
    return None if member is None or member.who.forwarded_by else member


def _network(member: EndpointView | None) -> Network | None:
    """The network that serves the endpoint: carries its broadcast."""
    held = resident(member)
    return held.network if held is not None else None


def segment(member: EndpointView | None) -> Segment | None:
    return None if member is None else Segment(member.network, member.border)


def _routed(seen: list[EndpointPair], who: AffectedTenants, shifts: PermissionChanges) -> Iterator[Flow]:
    """What routers newly deliver, or no longer."""
    ends = {one: [_end(party) for party in held] for one, held in grouped((role(p), p) for p in seen).items()}
    getting = grouped((receiving(role(p)), _end(p)) for p in seen)
    moved = [
        ((change, traffic), (pair[0], pair[1]))
        for pair in pairs(ends, getting, who)
        for shift in (shifts(*pair),)
        for change, traffic in ((GAINED, shift.came), (LOST, shift.went))
        if traffic
    ]
    for (change, traffic), related in grouped(moved).items():
        for senders, receivers in rectangles(related):
            yield from _flow(change, ROUTED, _all(ends, senders), _all(getting, receivers), traffic)


def _all(held: Mapping[K, list[V]], keys: Iterable[K]) -> list[V]:
    return [value for key in keys for value in held[key]]


def _flow(
    change: str, way: str, senders: list[Attachment], receivers: list[Attachment], traffic: Traffic
) -> Iterator[Flow]:
    """The flow, unless nobody but the receiver itself would send it, from whichever of its addresses."""
    if len({(end.ports, end.vlan, end.mac) for end in (*senders, *receivers)}) > 1:
        yield Flow(change, way, tuple(sorted(senders)), tuple(sorted(receivers)), traffic)


def _bridged(local: list[EndpointPair], shifts: PermissionChanges) -> Iterator[Flow]:
    """What is newly handed over within a network, or no longer. A receiver's IP address plays no part."""
    targets: dict[Target, EndpointPair] = {}
    for party in local:
        if receiving(role(party)) == NOBODY:
            continue
        target = Target(*_place(party)[:3])
        other = targets.get(target, EndpointPair(None, None))
        before, after = map(resident, party)
        targets[target] = EndpointPair(before or other.before, after or other.after)
    sending = grouped((_seat(party), _place(party)) for party in local)
    getting = grouped((_seat(party), target) for target, party in targets.items())
    near: dict[Network, list[EndpointRole]] = {}
    for seat in getting:
        for network in {some.network for some in (seat.before, seat.after) if some is not None}:
            near.setdefault(network, []).append(seat)
    moved = []
    for sender in sending:
        beside = [seat for some in (sender.before, sender.after) if some for seat in near.get(some.network, ())]
        for receiver in dict.fromkeys(beside):
            moved += [(key, (sender, receiver)) for key in _handed(sender, receiver, shifts)]
    for (change, traffic), related in grouped(moved).items():
        for senders, receivers in rectangles(related):
            froms, tos = _all(sending, senders), _all(getting, receivers)
            if {end[:3] for end in froms} != set(tos) or len(tos) > 1:
                yield Flow(change, BRIDGED, tuple(sorted(froms)), tuple(sorted(tos)), traffic)


def _seat(party: EndpointPair) -> EndpointRole:
    return EndpointRole(role(party), *map(segment, party))


def _handed(sender: EndpointRole, receiver: EndpointRole, shifts: PermissionChanges) -> Iterator[tuple[str, Traffic]]:
    """What is gained and lost by bridging between two seats: nothing passes that way between networks."""
    was = sender.before is not None and sender.before.meets(receiver.before)
    now = sender.after is not None and sender.after.meets(receiver.after)
    roles = [Role(s.role.before if was else None, s.role.after if now else None) for s in (sender, receiver)]
    shift = shifts(roles[0], receiving(roles[1]))
    yield from ((change, held) for change, held in ((GAINED, shift.came), (LOST, shift.went)) if held)


class _Networks:
    """What networks do by themselves: answer ARP and pings, carry broadcast."""

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._sides = old, new
        self._answers: dict[tuple[int, Segment | None], dict[int, int]] = {}
        self._spots: dict[tuple[int, Network | None], frozenset[DeliveryPoint]] = {}

    def asked(self, local: list[EndpointPair]) -> Iterator[Flow]:
        """ARP requests that are answered now, no longer, or with another address."""
        held = (((segment(resident(p.before)), segment(resident(p.after))), _place(p)) for p in local)
        for (was, now), ends in grouped(held).items():
            before, after = self._answered(0, was), self._answered(1, now)
            for change, ips in grouped(_changes(before, after)).items():
                if len(ends) > 1 or ips != [ends[0].ip]:
                    yield Flow(change, ASKED, tuple(sorted(ends)), tuple(sorted(ips)))

    def _answered(self, side: int, asker: Segment | None) -> dict[int, int]:
        """Who answers in a network: MAC by IP address."""
        key = side, asker
        if key not in self._answers:
            self._answers[key] = _answers(self._sides[side], asker)
        return self._answers[key]

    def pinged(self, local: list[EndpointPair]) -> Iterator[Flow]:
        """Echo requests that gateways answer now, or no longer."""
        held = ((resident(p.before), resident(p.after), _end(p)) for p in local)
        owners = (((was and was.tenant, now and now.tenant), end) for was, now, end in held)
        for (was, now), ends in grouped(owners).items():
            before, after = _gateways(self._sides[0].intent, was), _gateways(self._sides[1].intent, now)
            for change, ips in grouped(_changes(before, after)).items():
                yield Flow(change, PINGED, tuple(sorted(ends)), tuple(sorted(ips)))

    def broadcast(self, local: list[EndpointPair]) -> Iterator[Flow]:
        """Broadcast that hosts get now, or no longer."""
        for (was, now), ends in grouped(((_network(p.before), _network(p.after)), _place(p)) for p in local).items():
            before, after = self._reached(0, was), self._reached(1, now)
            for change, spots in ((GAINED, after - before), (LOST, before - after)):
                senders = [end for end in ends if any(spot.ports != end.ports for spot in spots)]
                if senders:
                    yield Flow(change, BROADCAST, tuple(sorted(senders)), tuple(sorted(spots)))

    def _reached(self, side: int, network: Network | None) -> frozenset[DeliveryPoint]:
        key = side, network
        if key not in self._spots:
            self._spots[key] = frozenset(_spots(self._sides[side], network))
        return self._spots[key]


def _changes(before: Mapping[int, int], after: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    for ip in before.keys() | after.keys():
        if before.get(ip) != after.get(ip):
            yield GAINED if ip not in before else LOST if ip not in after else ALTERED, ip


def _answers(side: Snapshot, asker: Segment | None) -> dict[int, int]:
    if asker is None:
        return {}
    (tenant_name, name), border = asker
    tenant = side.intent.tenants[tenant_name]
    near = (e for e in tenant.endpoints.values() if e.network == name)
    beside = (e for e in near if not border or side.topology.hosts[e.host].ports != border)
    held = tenant.networks[name]
    return {ip: e.mac for e in beside for ip in e.addresses} | dict.fromkeys(held.gateways, held.gateway_mac)


def _gateways(intent: Intent, tenant: str | None) -> dict[int, int]:
    networks = intent.tenants[tenant].networks.values() if tenant is not None else ()
    return {gateway: ROUTER_MAC for network in networks for gateway in network.gateways}


def _spots(side: Snapshot, network: Network | None) -> Iterator[DeliveryPoint]:
    """Where broadcast of a network goes; nowhere unless it asks for it."""
    if network is None:
        return
    tenant = side.intent.tenants[network.tenant]
    held = tenant.networks[network.name]
    if held.broadcast:
        for endpoint in tenant.endpoints.values():
            if endpoint.network == network.name:
                host = side.topology.hosts[endpoint.host]
                yield DeliveryPoint(host.ports, (held.vlan or 0) if host.tagged else 0)


def rectangles(related: Iterable[tuple[K, V]]) -> list[tuple[list[K], list[V]]]:
    """A relation as products that have nothing in common; few, where few can be had by gathering rows or columns."""
    held = list(related)
    rows = _gathered(held)
    columns = [(ones, others) for others, ones in _gathered([(b, a) for a, b in held])]
    return columns if len(columns) < len(rows) else rows


def _gathered(related: list[tuple[K, V]]) -> list[tuple[list[K], list[V]]]:
    rows = {key: tuple(dict.fromkeys(values)) for key, values in grouped(related).items()}
    alike = grouped((frozenset(values), key) for key, values in rows.items())
    return [(keys, list(rows[keys[0]])) for keys in alike.values()]
