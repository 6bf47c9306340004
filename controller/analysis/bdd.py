"""Boxes as binary decision diagrams: what to turn to when the search for a cover multiplies.

A diagram's size follows from the function it stands for and the order of the bits, not from how many boxes were put
together. The diagrams are OxiDD's (the extra ``diagrams``); without it there is no fallback, only a longer search.
Lives here: intervals as diagrams, and coverings by them. Must not know: rules, fields, priorities.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from clos.controller.analysis.cover import Covering
from clos.controller.analysis.interval_boxes import Box, Interval
from clos.controller.verify.headerspace.value_atoms import Unmodelled

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

NODES, REMEMBERED = 1 << 24, 1 << 18
"""How many nodes and remembered operations a set of diagrams may hold: at most some 400 MB, taken as needed."""


def installed() -> bool:
    """Whether the package that draws the diagrams is there."""
    return find_spec("oxidd") is not None


class Diagrams:
    """Diagrams of the points of one box. Each dimension has a bit for each bit in which its ends can differ."""

    def __init__(self, box: Box) -> None:
        """Raises ModuleNotFoundError: OxiDD is not installed."""
        from oxidd.bdd import BDDManager  # noqa: PLC0415 - an extra

        self._manager = BDDManager(NODES, REMEMBERED, 1)
        self._box = box
        self._bits: list[list[BDDFunction]] = []
        for first, last in box:
            fresh = self._manager.add_vars((first ^ last).bit_length())
            self._bits.append([self._manager.var(each) for each in reversed(fresh)])
        self._known: dict[tuple[int, Interval], BDDFunction] = {}

    @property
    def nothing(self) -> BDDFunction:
        return self._manager.false()

    def nodes(self) -> int:
        """How many nodes are in use, those of single bits and intervals included."""
        self._manager.gc()
        return self._manager.num_inner_nodes()

    def point(self, points: BDDFunction) -> tuple[int, ...] | None:
        """One of the points, the lowest value where a bit does not matter; None if there is none."""
        bits = points.pick_cube()
        if bits is None:
            return None
        values, at = [], 0
        for (first, _), places in zip(self._box, self._bits, strict=True):
            offset = 0
            for bit in bits[at : at + len(places)]:
                offset = offset << 1 | bool(bit)
            values.append(first >> len(places) << len(places) | offset)
            at += len(places)
        return tuple(values)

    def of(self, other: Box) -> BDDFunction:
        """The points of the box that another box has too."""
        points = self._manager.true()
        for dimension in range(len(other) - 1, -1, -1):
            points = self._within(dimension, other[dimension]) & points
        return points

    def _within(self, dimension: int, interval: Interval) -> BDDFunction:
        first, last = self._box[dimension]
        start, end = max(first, interval[0]), min(last, interval[1])
        if start > end:
            return self.nothing
        known = self._known.get((dimension, (start, end)))
        if known is None:
            at_least = at_most = self._manager.true()
            for place, bit in enumerate(self._bits[dimension]):
                at_least = bit & at_least if start >> place & 1 else bit | at_least
                at_most = ~bit | at_most if end >> place & 1 else ~bit & at_most
            known = self._known[dimension, (start, end)] = at_least & at_most
        return known


def cover(box: Box, others: Sequence[Box]) -> Covering | None:
    """A covering of the box by others none of which can be spared; None if even all of them do not cover it.

    Raises Unmodelled: the diagrams outgrow their memory.
    """
    try:
        return _cover(Diagrams(box), box, others)
    except MemoryError as fault:
        raise Unmodelled(
            f"{len(others)} overlapping boxes need more than {NODES:,} nodes of decision diagrams"
        ) from fault


def _cover(diagrams: Diagrams, box: Box, others: Sequence[Box]) -> Covering | None:
    left = diagrams.of(box)
    taken: list[tuple[int, BDDFunction, BDDFunction]] = []
    for number, other in enumerate(others):
        points = diagrams.of(other)
        fewer = left & ~points
        if fewer != left:
            taken.append((number, left, points))
        left = fewer
    if left.satisfiable():
        return None
    later, kept = diagrams.nothing, set()
    for number, before, points in reversed(taken):
        if (before & ~later).satisfiable():
            kept.add(number)
            later = later | points
    return Covering(frozenset(kept), frozenset(kept))
