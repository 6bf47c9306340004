"""What access lists permit between two zones, as exact sets, with the line that decides each packet.

Lives here: first match decides, list after list. Must not know: where lists stand, policies. A packet must pass every
list on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clos.controller.migrate.segmentation.planes import Plane, Wanted
from clos.controller.migrate.segmentation.rules import Place
from clos.controller.migrate.segmentation.services import Service

NO_LIST = Place("", "no access list", 0, "permit ip any any")
"""What decides where no list stands on the way."""

Sets = tuple[tuple[int, ...], ...]
"""By plane and flavour: points."""


class Row(NamedTuple):
    """A rule as it concerns two zones: its addresses match; what they match in part is a condition."""

    permit: bool
    services: tuple[Service, ...]
    place: Place


Filter = tuple[tuple[Row, ...], ...]
"""The lists that a packet passes one after the other."""


class Decided(NamedTuple):
    """Points of a plane's flavour that a line decides about; ``stage``: which list of the filter it stands in."""

    plane: int
    flavour: int
    points: int
    permit: bool
    stage: int
    place: Place


class Verdict(NamedTuple):
    """What a filter permits, and why."""

    permitted: Sets
    decided: tuple[Decided, ...]

    def deciders(self, plane: int, flavour: int, points: int) -> Iterable[Decided]:
        """Lines that decide about the points, cut down to them."""
        for each in self.decided:
            if (each.plane, each.flavour) == (plane, flavour) and each.points & points:
                yield each._replace(points=each.points & points)


def told_apart(filters: Filter, forward: bool) -> Iterable[Wanted]:
    """What the lists tell apart; ``forward``: of packets from ``a`` to ``b``."""
    for rows in filters:
        for row in rows:
            for service in row.services:
                a, b = (service.sources, service.targets) if forward else (service.targets, service.sources)
                yield Wanted(service.proto, a, b, service.conditions)


def judge(planes: Sequence[Plane], filters: Filter, forward: bool) -> Verdict:
    """What passes all lists; each point is decided by the first list that denies it, else by lines of every list."""
    decided: list[Decided] = []
    permitted = []
    if not filters:
        everything = [(n, f, plane.full) for n, plane in enumerate(planes) for f in range(len(plane.flavours))]
        decided = [Decided(*each, True, 0, NO_LIST) for each in everything]
    for number, plane in enumerate(planes):
        passing = [plane.full] * len(plane.flavours)
        for stage, rows in enumerate(filters):
            passing = _stage(number, plane, rows, passing, forward, stage, decided)
        permitted.append(tuple(passing))
    return Verdict(tuple(permitted), tuple(decided))


def _stage(
    number: int,
    plane: Plane,
    rows: tuple[Row, ...],
    arriving: list[int],
    forward: bool,
    stage: int,
    decided: list[Decided],
) -> list[int]:
    """What of the arriving points one list lets through."""
    left, passing = list(arriving), [0] * len(arriving)
    for row in rows:
        for service in row.services:
            if service.proto not in (plane.proto, None):
                continue
            a, b = (service.sources, service.targets) if forward else (service.targets, service.sources)
            points = plane.points(a, b)
            for each, flavour in enumerate(plane.flavours):
                taken = points & left[each] if service.conditions <= flavour.holds else 0
                if taken:
                    left[each] &= ~taken
                    passing[each] |= taken if row.permit else 0
                    decided.append(Decided(number, each, taken, row.permit, stage, row.place))
        if not any(left):
            break
    return passing
