"""The packets that go to a waypoint first before a change or after it, and not to the same one both times.

Such a packet is handed to the waypoint, whoever it is for: so it is told by the address it bears and not by where its
receiver is. Must not know: words, rules, what waypoints pass on (to everybody else that looks like any other sender).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from clos.controller.impact.changed_flows import (
    ALTERED,
    GAINED,
    LOST,
    VIA_BRIDGED,
    VIA_ROUTED,
    EndpointRole,
    Flow,
    Segment,
    Target,
    concerned,
    grouped,
    rectangles,
    resident,
    segment,
)
from clos.controller.impact.endpoint_pairs import (
    NO_WAYS,
    AffectedTenants,
    EndpointPair,
    Paired,
    PermissionChanges,
    Role,
    Snapshot,
    Ways,
)
from clos.controller.impact.policy_classes import Attachment, Network, PolicyClass, members, place
from clos.controller.impact.traffic_sets import Traffic, canonical, common, minus
from clos.controller.intent.model import Tenant
from clos.fabric.topology import PortRef

Firsts = dict[Target, Traffic]
"""What goes to waypoints first, by where these are."""
Known = dict[int, tuple[PolicyClass, int]]
"""What policies see of those who have an address, and the MAC address that routed packets come to them from."""


def waypoint_flows(
    old: Snapshot, new: Snapshot, who: AffectedTenants, paired: Paired, shifts: PermissionChanges
) -> tuple[Flow, ...]:
    """Every packet that a waypoint gets before the change or after, and that has another fate; sorted, none empty."""
    sides = _WaypointSide(old), _WaypointSide(new)
    routed, near = (
        [EndpointPair(*map(resident, party)) for party in concerned(held, who)] for held in (paired.routed, paired.near)
    )
    seats = grouped((_seat(party), party.told.end) for party in routed if party.before or party.after)
    beside = grouped((_seat(party), party.told.end.place) for party in near if party.before or party.after)
    found = [
        *_flows(VIA_ROUTED, seats, sides, shifts, _WaypointSide.ips),
        *_flows(VIA_BRIDGED, beside, sides, shifts, _WaypointSide.macs),
    ]
    return tuple(sorted(found))


def _seat(party: EndpointPair) -> EndpointRole:
    before, after = party
    role = Role(before and before.who, after and after.who)
    return EndpointRole(role, segment(before), segment(after))


class _WaypointSide:
    """Whom addresses belong to before the change, or after; only in tenants that have waypoints."""

    def __init__(self, side: Snapshot) -> None:
        self._side = side
        self._ips: dict[str, Known] = {}
        self._macs: dict[Network, dict[tuple[PortRef, ...], Known]] = {}
        for tenant in side.intent.tenants.values():
            if any(policy.via for policy in tenant.policies):
                self._add(tenant)

    def _add(self, tenant: Tenant) -> None:
        ips: Known = {}
        for member in members(self._side.intent, self._side.topology, [tenant.name]):
            if member.end.router:
                ips[member.end.ip] = member.who, member.end.router
            by_border = self._macs.setdefault(member.network, {})
            by_border.setdefault(member.border, {})[member.end.mac] = member.who, 0
        self._ips[tenant.name] = ips

    def ips(self, sender: Segment | None) -> Known:
        return self._ips.get(sender.network.tenant, {}) if sender is not None else {}

    def macs(self, sender: Segment | None) -> Known:
        """Whom the fabric bridges to: nobody behind the sender's own legacy host."""
        found: Known = {}
        for border, known in self._macs.get(sender.network, {}).items() if sender is not None else ():
            if not border or border != (sender and sender.border):
                found |= known
        return found

    def firsts(self, ways: Ways) -> Firsts:
        """The same by where the waypoints are: packets see no names."""
        found: Firsts = {}
        for name, traffic in ways.items():
            tenant, _, endpoint = (name or "").partition("/")
            held = self._side.intent.tenants[tenant]
            found[Target(*place(held, held.endpoints[endpoint], self._side.topology)[:3])] = traffic
        return found


Look = Callable[[_WaypointSide, Segment | None], Known]


def _flows(
    way: str,
    seats: Mapping[EndpointRole, list[Attachment]],
    sides: tuple[_WaypointSide, _WaypointSide],
    shifts: PermissionChanges,
    known: Look,
) -> Iterator[Flow]:
    moved = []
    addresses: dict[tuple[Segment | None, Segment | None], dict[tuple[Role, bool], list[int]]] = {}
    for seat in seats:
        place = seat.before, seat.after
        if place not in addresses:
            addresses[place] = _roles(*(known(side, some) for side, some in zip(sides, place, strict=True)))
        for (role, alike), held in addresses[place].items():
            ways = shifts.turned(seat.role, role)
            if ways != (NO_WAYS, NO_WAYS):
                firsts = sides[0].firsts(ways[0]), sides[1].firsts(ways[1])
                moved += [((change, some), (seat, tuple(held))) for change, some in _changes(*firsts, alike)]
    for (change, traffic), related in grouped(moved).items():
        for froms, tos in rectangles(related):
            ends = tuple(sorted(end for seat in froms for end in seats[seat]))
            ips = tuple(sorted({one for held in tos for one in held}))
            own = ends[0].ip if way == VIA_ROUTED else ends[0].mac
            if len(ends) > 1 or ips != (own,):
                yield Flow(change, way, ends, ips, traffic)


def _roles(before: Known, after: Known) -> dict[tuple[Role, bool], list[int]]:
    """Addresses by what policies see of those who have them, and by whether packets come from where they did."""
    nobody = None, 0
    ends = ((one, before.get(one, nobody), after.get(one, nobody)) for one in dict.fromkeys((*before, *after)))
    return grouped(((Role(was[0], now[0]), was[1] == now[1]), one) for one, was, now in ends)


def _changes(before: Firsts, after: Firsts, alike: bool) -> Iterator[tuple[str, Traffic]]:
    """What goes to other waypoints. Not ``alike``: what goes to the same one looks otherwise there."""
    was, now = (tuple(box for traffic in firsts.values() for box in traffic) for firsts in (before, after))
    other = [
        box
        for one, traffic in before.items()
        for two, held in after.items()
        if one != two or not alike
        for box in common(traffic, held)
    ]
    for change, traffic in ((GAINED, minus(now, was)), (LOST, minus(was, now)), (ALTERED, tuple(other))):
        if traffic:
            yield change, canonical(traffic)
