"""Access lists as policies: zones, groups of zones with names, and policies between groups in their order.

Lives here: all pairs of zones put together. Must not know: hosts' ports, the fabric, files. Policies of one pair of
zones never speak of another pair, so their order matters within a pair only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations_with_replacement
from typing import NamedTuple

from clos.controller.intent.model import ALLOW, DENY, Policy, Service
from clos.controller.migrate.segmentation.addresses import Addresses
from clos.controller.migrate.segmentation.conversations import (
    Conversations,
    Edge,
    Edges,
    PolicyRow,
    between,
)
from clos.controller.migrate.segmentation.names import group_names
from clos.controller.migrate.segmentation.planes import Plane
from clos.controller.migrate.segmentation.rectangles import rectangles
from clos.controller.migrate.segmentation.services import Ports
from clos.controller.migrate.segmentation.vlans import Vlan
from clos.controller.migrate.segmentation.zones import Member, Zone, inside, outside

Rows = tuple[PolicyRow, ...]
_ANY: Rows = (PolicyRow(True, True, (Service(),)),)


@dataclass(frozen=True, slots=True)
class ZoneGroup:
    """Zones (by number) under a name."""

    name: str
    zones: frozenset[int]


@dataclass(frozen=True, slots=True)
class Translated:
    """Policies that stand for access lists. ``because``: by policy name, the lines that it comes from."""

    zones: tuple[Zone, ...]
    groups: tuple[ZoneGroup, ...]
    policies: tuple[Policy, ...]
    because: Mapping[str, tuple[str, ...]]
    edges: Edges
    how: str

    def pairs(self) -> Iterator[tuple[Zone, Zone]]:
        """Pairs of zones that the fabric decides about: not those of two zones outside."""
        for a, b in combinations_with_replacement(self.zones, 2):
            if not (a.vlan is None and b.vlan is None) and not (a is b and len(a.members) < 2):
                yield a, b


def translate(
    vlans: Sequence[Vlan], members: Iterable[Member], edges: Edges, reached: Sequence[IPv4Network], how: str
) -> Translated:
    """Policies for the members of the VLANs and for the prefixes outside that are ``reached``. Raises TooMany."""
    zones = _zones(vlans, tuple(members), edges, reached)
    bare = Translated(zones, (), (), {}, edges, how)
    found = {(a.name, b.name): between(a, b, edges, how) for a, b in bare.pairs() if not neighbours(a, b)}
    number = {zone.name: n for n, zone in enumerate(zones)}
    lists: dict[Rows, set[tuple[int, int]]] = {}
    for (a, b), conversations in found.items():
        if conversations.rows:
            _oriented(lists, conversations.rows, number[a], number[b])
    blocks = [
        (rows, sources, targets)
        for rows, pairs in sorted(lists.items(), key=lambda item: (min(item[1]), -len(item[1])))
        for sources, targets in rectangles(pairs, _free(zones, rows), _undirected(rows))
    ]
    local = _local(zones)
    names = group_names(zones, [*local, *(group for _, *both in blocks for group in both)], edges)
    policies, because = _policies(blocks, names, zones, found)
    groups = tuple(ZoneGroup(name, group) for group, name in names.items())
    bridged = tuple(Policy(f"within-{names[group]}"[:63], names[group], names[group], (Service(),)) for group in local)
    return Translated(zones, groups, (*bridged, *policies), because, edges, how)


def neighbours(a: Zone, b: Zone) -> bool:
    """Whether two zones have a subnet in common: no router is between them."""
    return a.vlan is not None and a.vlan == b.vlan and bool(a.subnets & b.subnets)


def _local(zones: Sequence[Zone]) -> tuple[frozenset[int], ...]:
    """Zones by subnet: those that reach one another without a router."""
    places = dict.fromkeys((zone.vlan, net) for zone in zones for net in sorted(zone.subnets))
    here = (
        frozenset(n for n, zone in enumerate(zones) if zone.vlan == vlan and net in zone.subnets)
        for vlan, net in places
    )
    return tuple(dict.fromkeys(here))


def _zones(
    vlans: Sequence[Vlan], members: tuple[Member, ...], edges: Edges, reached: Sequence[IPv4Network]
) -> tuple[Zone, ...]:
    sets = tuple(dict.fromkeys(_sets(edges)))
    zones: list[Zone] = []
    for vlan in vlans:
        mine = [member for member in members if member.vlan == vlan.number]
        zones += inside(vlan.number, vlan.name, vlan.subnets, mine, sets) if mine else ()
    taken = [net for vlan in vlans for net in vlan.subnets]
    return (*zones, *outside(sets, taken, reached))


def _sets(edges: Edges) -> Iterator[Addresses]:
    for edge in edges.values():
        for rules in edge:
            for rule in rules or ():
                yield from (rule.source, rule.target)


def _oriented(lists: dict[Rows, set[tuple[int, int]]], rows: Rows, a: int, b: int) -> None:
    """Adds a pair under its rows, so that the first row opens forward; rows without a direction both ways."""
    if _undirected(rows):
        flat = tuple(row._replace(forward=True) for row in rows)
        lists.setdefault(flat, set()).update({(a, b), (b, a)})
    elif rows[0].forward:
        lists.setdefault(rows, set()).add((a, b))
    else:
        lists.setdefault(tuple(row.turned() for row in rows), set()).add((b, a))


def _undirected(rows: Rows) -> bool:
    """Whether it makes no difference who opens: no service has a port."""
    return all(service.first is None for row in rows for service in row.services)


def _free(zones: Sequence[Zone], rows: Rows) -> set[tuple[int, int]]:
    """Pairs that no policy between VLANs is about: of two zones outside; and, where rows say ``any``, neighbours."""
    alone = {
        pair
        for a, b in combinations_with_replacement(range(len(zones)), 2)
        if rows == _ANY and neighbours(zones[a], zones[b])
        for pair in ((a, b), (b, a))
    }
    out = [n for n, zone in enumerate(zones) if zone.vlan is None]
    return alone | {(a, b) for a in out for b in out}


Block = tuple[Rows, frozenset[int], frozenset[int]]


def _policies(
    blocks: Sequence[Block],
    names: Mapping[frozenset[int], str],
    zones: Sequence[Zone],
    found: Mapping[tuple[str, str], Conversations],
) -> tuple[tuple[Policy, ...], dict[str, tuple[str, ...]]]:
    policies: list[Policy] = []
    because: dict[str, tuple[str, ...]] = {}
    used: dict[str, int] = {}
    for rows, sources, targets in blocks:
        pairs = [pair for a in sorted(sources) for b in sorted(targets) if (pair := _pair(zones, a, b, found))]
        for row in rows:
            ends = (names[sources], names[targets])
            source, target = ends if row.forward else ends[::-1]
            stem = f"{source}-to-{target}"[:56].rstrip("-")
            used[stem] = used.get(stem, 0) + 1
            name = stem if used[stem] == 1 else f"{stem}-{used[stem]}"
            policies.append(Policy(name, source, target, row.services, ALLOW if row.allow else DENY))
            because[name] = _lines(row, pairs) if row.allow else ()
    return tuple(policies), because


class _Pair(NamedTuple):
    """Conversations of two zones; ``turned``: the policy's first zone is at the ports ``y``."""

    conversations: Conversations
    turned: bool


def _pair(zones: Sequence[Zone], a: int, b: int, found: Mapping[tuple[str, str], Conversations]) -> _Pair | None:
    low, high = (zones[n].name for n in sorted((a, b)))
    conversations = found.get((low, high))
    return _Pair(conversations, a > b) if conversations else None


def _lines(row: PolicyRow, pairs: Iterable[_Pair]) -> tuple[str, ...]:
    """The lines that permit what a row permits, each with the remark before it."""
    lines: dict[str, None] = {}
    for conversations, turned in pairs:
        masks = [_of_row(plane, row, turned) for plane in conversations.planes]
        for verdict in (conversations.there, conversations.back):
            for each in verdict.decided:
                meant = masks[each.plane] & conversations.aimed[each.plane]
                if each.permit and each.points & meant and each.place.line:
                    remark = f" ({each.place.remark})" if each.place.remark else ""
                    lines[f"{each.place.acl} {each.place.line}: {each.place.text}{remark}"] = None
    return tuple(lines)


def _of_row(plane: Plane, row: PolicyRow, turned: bool) -> int:
    """The points of a plane that a row's services are about."""
    points = 0
    for service in row.services:
        if service.proto in (plane.proto, None):
            ports = Ports.ANY if service.first is None else Ports.of((service.first, service.last or service.first))
            at_y = row.forward != turned
            points |= plane.points(Ports.ANY, ports) if at_y else plane.points(ports, Ports.ANY)
    return points


def edges_of(inward: Mapping[int, Edge]) -> Edges:
    """Edges with a list at least."""
    return {vlan: edge for vlan, edge in inward.items() if edge != Edge()}
