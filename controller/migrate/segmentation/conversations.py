"""What the access lists permit between two zones, and the policies' rows that permit the same.

Lives here: one pair of zones at a time, from lists to rows. Must not know: groups, files, names. Rows are read from the
top, the first that takes a packet decides; packets that none takes are denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from clos.controller.intent.model import Service
from clos.controller.migrate.segmentation.planes import Plane, planes, ports
from clos.controller.migrate.segmentation.rules import Rule
from clos.controller.migrate.segmentation.services import LAST, Condition, Kind, Ports
from clos.controller.migrate.segmentation.strips import Y, inside, strips
from clos.controller.migrate.segmentation.targets import LENIENT, target
from clos.controller.migrate.segmentation.verdicts import Filter, Row, Verdict, judge, told_apart
from clos.controller.migrate.segmentation.words import WITH_PORTS
from clos.controller.migrate.segmentation.zones import Zone


class Edge(NamedTuple):
    """The lists at a VLAN's gateway: for packets that come from the VLAN, and that go to it. None: there is none."""

    inward: tuple[Rule, ...] | None = None
    outward: tuple[Rule, ...] | None = None


Edges = Mapping[int, Edge]


class PolicyRow(NamedTuple):
    """A policy between two zones: ``forward``: the first one opens. ``allow``: or it denies."""

    forward: bool
    allow: bool
    services: tuple[Service, ...]

    def turned(self) -> PolicyRow:
        """The same with the zones swapped."""
        return self._replace(forward=not self.forward)


class Conversations(NamedTuple):
    """One pair of zones. ``aimed``: by plane, what rows shall permit; ``rows``: they may permit less (or more)."""

    planes: tuple[Plane, ...]
    there: Verdict
    back: Verdict
    aimed: tuple[int, ...]
    rows: tuple[PolicyRow, ...]


def between(a: Zone, b: Zone, edges: Edges, how: str) -> Conversations:
    """The conversations of two zones, ``a`` at the ports ``x``."""
    return _conversations(path(a, b, edges), path(b, a, edges), how)


def path(source: Zone, target: Zone, edges: Edges) -> Filter:
    """The lists that packets pass: none within a subnet."""
    if source.vlan is not None and source.vlan == target.vlan and source.subnets & target.subnets:
        return ()
    lists = []
    if source.vlan is not None and (inward := edges.get(source.vlan, Edge()).inward) is not None:
        lists.append(_rows(inward, source, target))
    if target.vlan is not None and (outward := edges.get(target.vlan, Edge()).outward) is not None:
        lists.append(_rows(outward, source, target))
    return tuple(lists)


def _rows(rules: tuple[Rule, ...], source: Zone, target: Zone) -> tuple[Row, ...]:
    """The rules whose addresses concern the zones; addresses of a zone in part are a condition."""
    found = []
    for rule in rules:
        ends = ((source.within(rule.source), "from", rule.source), (target.within(rule.target), "to", rule.target))
        if any(within is False for within, _, _ in ends):
            continue
        partly = {Condition(Kind.OPAQUE, f"{word} {addresses}") for within, word, addresses in ends if within is None}
        services = rule.services
        if partly:
            services = tuple(each._replace(conditions=each.conditions | partly) for each in services)
        found.append(Row(rule.permit, services, rule.place))
        if not partly and all(s.proto is None and not s.conditions for s in services):
            break
    return tuple(found)


@cache
def _conversations(there: Filter, back: Filter, how: str) -> Conversations:
    cut = planes((*told_apart(there, True), *told_apart(back, False)))
    goes, comes = judge(cut, there, True), judge(cut, back, False)
    aimed = tuple(
        target(plane, goes.permitted[number], comes.permitted[number], how) for number, plane in enumerate(cut)
    )
    return Conversations(cut, goes, comes, aimed, _policy_rows(cut, aimed, how == LENIENT))


class _Part(NamedTuple):
    """A strip as a service."""

    forward: bool
    allow: bool
    services: tuple[Service, ...]


def _policy_rows(cut: tuple[Plane, ...], aimed: tuple[int, ...], spare: bool) -> tuple[PolicyRow, ...]:
    """Rows for all planes. What no plane is for is permitted by a last row, ``any``, or by none."""
    rest = bool(aimed[-1])
    queues = [_parts(plane, points, rest, spare) for plane, points in zip(cut[:-1], aimed[:-1], strict=True)]
    queues = [queue for queue in queues if queue]
    found: list[PolicyRow] = []
    while queues:
        heads = [queue[0][:2] for queue in queues]
        forward, allow = max(sorted(set(heads), reverse=True), key=heads.count)
        services: list[Service] = []
        for queue in queues:
            while queue and queue[0][:2] == (forward, allow):
                services += queue.pop(0).services
        queues = [queue for queue in queues if queue]
        found.append(PolicyRow(forward, allow, tuple(services)))
    return (*found, PolicyRow(True, True, (Service(),))) if rest else tuple(found)


def _parts(plane: Plane, points: int, otherwise: bool, spare: bool) -> list[_Part]:
    found = strips(plane, points, otherwise, spare)
    if not _right_side(plane, found, otherwise, points, spare):
        raise AssertionError("a list of strips permits what it must not")
    return [_Part(strip.axis == Y, strip.inside, _services(plane, strip.axis == Y, strip.classes)) for strip in found]


def _right_side(plane: Plane, found: object, otherwise: bool, points: int, spare: bool) -> bool:
    permitted = inside(plane, found, otherwise)  # type: ignore[arg-type]
    return not (points & ~permitted if spare else permitted & ~points)


def _services(plane: Plane, forward: bool, of: int) -> tuple[Service, ...]:
    if plane.proto not in WITH_PORTS:
        return (Service(plane.proto),)
    ranges = ports(plane.ys if forward else plane.xs, of)
    if ranges == Ports.ANY:
        return (Service(plane.proto),)
    return tuple(Service(plane.proto, first, last) for first, last in ranges if 0 <= first <= last <= LAST)
