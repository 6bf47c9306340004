"""The proof that policies permit what access lists permit, packet by packet, or the exact differences.

Lives here: an own reading of policies over sets of packets (docs/intents.md: the first policy that matches decides; a
policy takes the replies too), compared with the access lists for every pair of zones and each direction. Must not know:
how policies were found: it would be no proof otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from clos.controller.intent.model import ALLOW, Policy, Service
from clos.controller.migrate.segmentation.conversations import path
from clos.controller.migrate.segmentation.planes import Plane, Wanted, planes
from clos.controller.migrate.segmentation.rules import Place
from clos.controller.migrate.segmentation.services import Kind, Ports
from clos.controller.migrate.segmentation.targets import EXACT
from clos.controller.migrate.segmentation.translate import Translated
from clos.controller.migrate.segmentation.verdicts import Filter, Verdict, judge, told_apart
from clos.controller.migrate.segmentation.words import TCP
from clos.controller.migrate.segmentation.zones import Zone

MORE, LESS = "permits", "denies"
"""What the fabric does with packets of a difference."""

GroupsOf = Callable[[Zone], frozenset[str]]


class Gap(NamedTuple):
    """Packets of one kind between two zones that fare differently, and the line that decides in the legacy network."""

    fabric: str
    place: Place
    reason: str
    source: Zone
    target: Zone
    plane: Plane
    flavours: frozenset[int]
    box: tuple[Ports, Ports]
    """Source ports, destination ports."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared. ``gaps`` empty: the policies permit exactly what the lists permit."""

    pairs: int
    """Ordered pairs of a source and a destination endpoint (or prefix outside)."""
    gaps: tuple[Gap, ...]
    unused: tuple[Place, ...]
    """Lines that decide about no packet between anybody that was found."""

    @property
    def equal(self) -> bool:
        return not self.gaps


def prove(translated: Translated, policies: Iterable[Policy], groups_of: GroupsOf) -> Proof:
    """Compares access lists and ``policies``, of which ``groups_of`` tells whom they are for."""
    policies = tuple(policies)
    gaps: list[Gap] = []
    used: set[Place] = set()
    memo: dict[object, tuple[_Compared, ...]] = {}
    pairs = 0
    for a, b in translated.pairs():
        there, back = path(a, b, translated.edges), path(b, a, translated.edges)
        rows = tuple(_concerning(policies, groups_of(a), groups_of(b)))
        key = (there, back, rows)
        if key not in memo:
            memo[key] = _compare(*key, translated.how)
        for compared in memo[key]:
            used |= compared.used
            ends = (a, b) if compared.forward else (b, a)
            gaps += (gap._replace(source=ends[0], target=ends[1]) for gap in compared.gaps)
        pairs += _ordered(a, b)
    return Proof(pairs, tuple(gaps), tuple(_unused(translated, used)))


def _ordered(a: Zone, b: Zone) -> int:
    sizes = [len(zone.members) if zone.vlan is not None else len(zone.routes) for zone in (a, b)]
    return sizes[0] * (sizes[0] - 1) if a is b else 2 * sizes[0] * sizes[1]


def _unused(translated: Translated, used: set[Place]) -> Iterator[Place]:
    for edge in translated.edges.values():
        for rules in edge:
            for rule in rules or ():
                if rule.place.line and rule.place not in used:
                    yield rule.place


class _Row(NamedTuple):
    """A policy as it concerns two zones: which of them may open."""

    forward: bool
    backward: bool
    allow: bool
    services: tuple[Service, ...]


def _concerning(policies: Iterable[Policy], a: frozenset[str], b: frozenset[str]) -> Iterator[_Row]:
    for policy in policies:
        forward = policy.source in a and policy.target in b
        backward = policy.source in b and policy.target in a
        if forward or backward:
            yield _Row(forward, backward, policy.action == ALLOW, policy.services)


class _Compared(NamedTuple):
    forward: bool
    gaps: tuple[Gap, ...]
    used: frozenset[Place]


def _compare(there: Filter, back: Filter, rows: tuple[_Row, ...], how: str) -> tuple[_Compared, ...]:
    cut = planes((*told_apart(there, True), *told_apart(back, False), *_told_apart(rows)))
    goes, comes = judge(cut, there, True), judge(cut, back, False)
    found = []
    for forward, legacy, opposite in ((True, goes, comes), (False, comes, goes)):
        fabric = [_passing(plane, rows, forward) for plane in cut]
        gaps = tuple(_gaps(cut, legacy, opposite, fabric, forward, how))
        found.append(_Compared(forward, gaps, frozenset(each.place for each in legacy.decided)))
    return tuple(found)


def _told_apart(rows: Iterable[_Row]) -> Iterator[Wanted]:
    for row in rows:
        for service in row.services:
            ports = _ports(service)
            for a, b in ((Ports.ANY, ports), (ports, Ports.ANY)):
                yield Wanted(service.proto, a, b)


def _ports(service: Service) -> Ports:
    return Ports.ANY if service.first is None else Ports.of((service.first, service.last or service.first))


def _passing(plane: Plane, rows: Iterable[_Row], forward: bool) -> int:
    """The points at which the fabric lets packets of one direction through: the first policy decides."""
    left, passing = plane.full, 0
    for row in rows:
        taken = 0
        for service in row.services:
            if service.proto in (plane.proto, None):
                asks, answers = (row.forward, row.backward) if forward else (row.backward, row.forward)
                taken |= _points(plane, _ports(service), forward) if asks else 0
                taken |= _points(plane, _ports(service), not forward) if answers else 0
        passing |= taken & left if row.allow else 0
        left &= ~taken
    return passing


def _points(plane: Plane, ports: Ports, at_b: bool) -> int:
    """Points with these ports at ``b`` (a packet to ``b``, or its answer), or at ``a``."""
    return plane.points(Ports.ANY, ports) if at_b else plane.points(ports, Ports.ANY)


def _gaps(
    cut: tuple[Plane, ...], legacy: Verdict, opposite: Verdict, fabric: list[int], forward: bool, how: str
) -> Iterator[Gap]:
    for number, plane in enumerate(cut):
        gaps: dict[tuple[str, Place, str, int], set[int]] = {}
        for flavour in range(len(plane.flavours)):
            permitted = legacy.permitted[number][flavour]
            for word, points in ((MORE, fabric[number] & ~permitted), (LESS, permitted & ~fabric[number])):
                for decided in legacy.deciders(number, flavour, points) if points else ():
                    if decided.permit == (word == LESS) and (word == MORE or decided.stage == 0):
                        for reason, some in _reasons(
                            plane, word, decided.points, legacy.permitted[number], opposite.permitted[number], how
                        ):
                            gaps.setdefault((word, decided.place, reason, some), set()).add(flavour)
        for (word, place, reason, points), flavours in gaps.items():
            for a, b in plane.boxes(points):
                box = (a, b) if forward else (b, a)
                yield Gap(word, place, reason, _NOBODY, _NOBODY, plane, frozenset(flavours), box)


_NOBODY = Zone("", None)

STATE = "the fabric keeps no connection state: an answer is told by its source port, whatever its flags"
KIND = "intents take the protocol as a whole"
ANSWER = "answers pass with what is permitted the other way"
ONE_WAY = "a conversation passes both ways or not at all, and the way back is denied"
NOTHING_OPENS = "these are answers, and nothing that they could answer is permitted"
PARTLY = "other packets of the same kind are denied, and intents take them as a whole"
PORT_PAIRS = "policies tell ports of one end at a time, not of both"


def _reasons(
    plane: Plane, word: str, points: int, legacy: tuple[int, ...], opposite: tuple[int, ...], how: str
) -> Iterator[tuple[str, int]]:
    """The points by why the fabric treats them otherwise."""
    some = reduce(or_, legacy)
    if word == MORE:
        parts = [(STATE if plane.proto == TCP else KIND, points & some), (ANSWER, points & ~some)]
    else:
        back = reduce(or_, opposite)
        opened = reduce(
            or_, (p for ps in (legacy, opposite) for p, f in zip(ps, plane.flavours, strict=True) if f.opens)
        )
        whole = reduce(and_, (*legacy, *opposite))
        opaque = any(c.kind is Kind.OPAQUE for f in plane.flavours for c in f.holds)
        partly = points & back & opened & (~whole if how == EXACT or opaque else 0)
        parts = [(ONE_WAY, points & ~back), (NOTHING_OPENS, points & back & ~opened), (PARTLY, partly)]
        parts.append((PORT_PAIRS, points & back & opened & ~partly))
    yield from ((reason, p) for reason, p in parts if p)
