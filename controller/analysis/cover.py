"""Is a box within a union of boxes, and which of them does that take?

The answer is exact. Lives here: the search. Must not know: rules, fields, priorities.

The search cuts each dimension only where others begin or end and writes a stretch as the set of the others that have
it, a bit each. Going through the dimensions, the others that may still have a point are the intersection of the sets
met so far: none left means a point in no box, and an intersection met before need not be followed again. Stretches
with more others than another one can be left out. Where such intersections multiply, so does the work: hence ``limit``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from clos.controller.analysis.interval_boxes import Box, Interval


class Covering(NamedTuple):
    """Numbers of others that cover a box together, and those of them that are known to be needed whatever the rest."""

    by: frozenset[int]
    needed: frozenset[int]


Cover = Callable[[Box, Sequence[Box]], Covering | None]
"""Covers a box by others that all meet it; None if even all of them do not."""


class Multiplied(Exception):
    """The search was given up: more intersections than its limit."""


def cover(box: Box, others: Sequence[Box], limit: int | None = None) -> Covering | None:
    """A covering of the box by others, which must all meet it; None if even all of them do not cover it.

    Raises Multiplied: more than ``limit`` intersections (None: without limit, however long it takes).
    """
    return None if _has_clear_point(box, others) else _Search(box, others, limit).run()


def least_cover(box: Box, others: Sequence[Box], how: Cover = cover, free: int = 0) -> tuple[int, ...] | None:
    """Numbers of others that cover the box together, none of which can be spared; earlier ones are rather kept.

    The first ``free`` others are there in any case: all of them are told, and none of the rest that they can spare.
    """
    found = how(box, others)
    if found is None:
        return None
    given = set(range(free))
    kept = sorted(found.by | given)
    for number in sorted(found.by - found.needed - given, reverse=True):
        rest = [each for each in kept if each != number]
        fewer = how(box, [others[each] for each in rest]) if number in kept else None
        if fewer is not None:
            kept = sorted({rest[each] for each in fewer.by} | given)
    return tuple(kept)


def _has_clear_point(box: Box, others: Sequence[Box]) -> bool:
    """Whether the point where, one dimension after another, fewest others are is in none of them: a first guess."""
    for each, bounds in enumerate(box):
        value = _thinnest(bounds, [other[each] for other in others])
        if value is not None:
            others = [other for other in others if other[each][0] <= value <= other[each][1]]
    return not others


def _thinnest(bounds: Interval, intervals: Sequence[Interval]) -> int | None:
    """The lowest value that fewest intervals have; None if all intervals have every value."""
    first, last = bounds
    parts = [(max(first, start), end) for start, end in intervals if start > first or end < last]
    if not parts:
        return None
    steps = Counter(start for start, _ in parts)
    steps.subtract(end + 1 for _, end in parts if end < last)
    steps[first] += 0
    values = sorted(steps)
    return min(zip(accumulate(steps[value] for value in values), values, strict=True))[1]


class _Layer(NamedTuple):
    """One dimension: the sets of others at its stretches, supersets left out, and the others that have all of it."""

    sets: frozenset[int]
    throughout: int


class _Search:
    """One search. ``found`` gathers others until there is one in every intersection that is left over."""

    def __init__(self, box: Box, others: Sequence[Box], limit: int | None) -> None:
        layers = (_layer(bounds, [other[each] for other in others]) for each, bounds in enumerate(box))
        self.layers = sorted((layer for layer in layers if layer is not None), key=lambda layer: len(layer.sets))
        self.limit = limit
        self.met: list[set[int]] = [set() for _ in self.layers]
        self.everyone = (1 << len(others)) - 1
        self.onward = [self.everyone]
        """Per layer, and after the last: the others that have all of the dimensions from there on."""
        for layer in reversed(self.layers):
            self.onward.insert(0, self.onward[0] & layer.throughout)
        self.steps = self.found = self.needed = 0

    def run(self) -> Covering | None:
        covered = self.everyone and self._covered(0, self.everyone)
        return Covering(_numbers(self.found), _numbers(self.needed)) if covered else None

    def _covered(self, depth: int, among: int) -> bool:
        through = among & self.onward[depth]
        if through:
            if not through & self.found:
                self.found |= through & -through
            if not among & among - 1:
                self.needed |= among
            return True
        met = self.met[depth]
        new = {among & each for each in self.layers[depth].sets} - met
        if 0 in new:
            return False
        met |= new
        self.steps += len(new)
        if self.limit is not None and self.steps > self.limit:
            raise Multiplied
        return all(self._covered(depth + 1, each) for each in sorted(new, key=int.bit_count))


def _numbers(among: int) -> frozenset[int]:
    return frozenset(number for number in range(among.bit_length()) if among >> number & 1)


def _layer(bounds: Interval, intervals: Sequence[Interval]) -> _Layer | None:
    """The layer of a dimension; None if every interval spans it."""
    first, last = bounds
    throughout = 0
    begin: dict[int, int] = {}
    cease: dict[int, int] = {}
    for number, (start, end) in enumerate(intervals):
        if start <= first and end >= last:
            throughout |= 1 << number
            continue
        start = max(start, first)
        begin[start] = begin.get(start, 0) | 1 << number
        if end < last:
            cease[end + 1] = cease.get(end + 1, 0) | 1 << number
    return _Layer(_lowest(first, throughout, begin, cease), throughout) if begin else None


def _lowest(first: int, here: int, begin: dict[int, int], cease: dict[int, int]) -> frozenset[int]:
    """The sets at the stretches from ``first`` on, without those that hold all that the stretch beside them holds."""
    sets = set()
    values = sorted({first, *begin, *cease})
    for value, after in zip(values, [*values[1:], None], strict=True):
        here = here & ~cease.get(value, 0) | begin.get(value, 0)
        joined_only = value != first and value not in cease
        left_only_next = after is not None and after not in begin
        if not (joined_only or left_only_next):
            sets.add(here)
    return frozenset(sets)
