"""Which conversations intents shall permit, given what access lists permit either way.

Lives here: the three ways to translate what intents cannot say, each as a set of points of a plane. Must not know: how
policies are written. A conversation passes both ways or not at all, its packets are told by protocol and ports alone.

- STRICT: a conversation that one side may open and the other may answer. Ports that the lists deny stay denied; TCP
  flags and ICMP messages are not told apart, so of those packets the fabric may pass more.
- EXACT: only where every packet, whatever its flags, is permitted both ways. Never one packet more.
- LENIENT: whatever one side may open; answers come along although a list denies them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_

from clos.controller.migrate.segmentation.planes import Plane
from clos.controller.migrate.segmentation.words import TCP

STRICT, EXACT, LENIENT = "strict", "exact", "lenient"

Points = tuple[int, ...]
"""By flavour."""


def target(plane: Plane, there: Points, back: Points, how: str) -> int:
    """Points that policies shall permit; ``there``: what passes from ``a`` to ``b``, ``back``: from ``b`` to ``a``."""
    return _WAYS[how](plane, there, back)


def _strict(plane: Plane, there: Points, back: Points) -> int:
    may = _surely(plane, there) & _surely(plane, back)
    return may & (_opened(plane, there, and_) | _opened(plane, back, and_))


def _exact(plane: Plane, there: Points, back: Points) -> int:
    return reduce(and_, there) & reduce(and_, back)


def _lenient(plane: Plane, there: Points, back: Points) -> int:
    return _opened(plane, there, or_) | _opened(plane, back, or_)


_WAYS: Mapping[str, Callable[[Plane, Points, Points], int]] = {STRICT: _strict, EXACT: _exact, LENIENT: _lenient}


def _by_base(plane: Plane, points: Points, opening: bool) -> Iterable[list[int]]:
    """The points of flavours that share a base, base by base."""
    bases: dict[int, list[int]] = {}
    for flavour, each in zip(plane.flavours, points, strict=True):
        if flavour.opens or not opening:
            bases.setdefault(flavour.base, []).append(each)
    return bases.values()


def _surely(plane: Plane, points: Points) -> int:
    """Where packets of some flags or message pass, whatever else a line may ask."""
    return reduce(or_, (reduce(and_, each) for each in _by_base(plane, points, False)))


def _opened(plane: Plane, points: Points, whatever_else: Callable[[int, int], int]) -> int:
    """Where a packet that opens a conversation passes; ``whatever_else`` joins flavours that opaque conditions part."""
    if plane.proto is not None and plane.proto != TCP:
        return reduce(or_, (reduce(whatever_else, each) for each in _by_base(plane, points, False)))
    return reduce(or_, (reduce(whatever_else, each) for each in _by_base(plane, points, True)), 0)
