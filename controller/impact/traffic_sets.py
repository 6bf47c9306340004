"""Sets of IPv4 packets by protocol and ports: what policies speak of, as boxes of intervals.

Lives here: the arithmetic and its one canonical form. Must not know: intents, addresses, rules.
A box is (protocols, target ports, source ports). A packet whose transport header is cut short has no ports, which
is told from port 0 by ``NO_PORT``; a later fragment's ports read 0. No box holds what no packet is: a port where the
protocol has none.

Source: RFC 791, RFC 792, RFC 793, RFC 768, RFC 4960.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from clos.controller.intent.model import Service

NO_PORT = -1
PROTO, TARGET, SOURCE = 0, 1, 2
"""The axes of a box."""

Interval = tuple[int, int]
Box = tuple[Interval, Interval, Interval]
Traffic = tuple[Box, ...]
"""Boxes that have nothing in common; equal sets are equal tuples once ``canonical``."""

PORTED = (6, 17, 132)
"""TCP, UDP, SCTP."""
PORTS: Interval = (0, 0xFFFF)
_ABSENT: Interval = (NO_PORT, NO_PORT)
_GAPS = tuple((one + 1, other - 1) for one, other in pairwise((-1, *PORTED, 256)))

PORTLESS: Traffic = tuple((gap, _ABSENT, _ABSENT) for gap in _GAPS)
"""All packets of protocols that have no ports."""


def of_proto(proto: int) -> Traffic:
    """All packets of a protocol."""
    one = (proto, proto)
    bare: Box = (one, _ABSENT, _ABSENT)
    return (bare, (one, PORTS, PORTS)) if proto in PORTED else (bare,)


EVERYTHING: Traffic = (*PORTLESS, *(box for proto in PORTED for box in of_proto(proto)))


def of_service(service: Service, answers: bool = False) -> Box:
    """The box that cuts a service's packets, or those that answer them, out of any traffic."""
    anywhere = (NO_PORT, 0xFFFF)
    proto = (0, 255) if service.proto is None else (service.proto, service.proto)
    if service.proto is None or service.first is None or service.last is None:
        return proto, anywhere, anywhere
    ports = (service.first, service.last)
    return (proto, anywhere, ports) if answers else (proto, ports, anywhere)


def meet(a: Box, b: Box) -> Box | None:
    """What two boxes have in common; None when nothing."""
    cut = tuple([(max(x[0], y[0]), min(x[1], y[1])) for x, y in zip(a, b, strict=True)])
    return None if any(low > high for low, high in cut) else (cut[0], cut[1], cut[2])


def outside(box: Box, cut: Box) -> Iterator[Box]:
    """The rest of a box, as boxes that have nothing in common."""
    if meet(box, cut) is None:
        yield box
        return
    left = list(box)
    for axis, (low, high) in enumerate(cut):
        held = left[axis]
        for part in ((held[0], low - 1), (high + 1, held[1])):
            part = (max(part[0], held[0]), min(part[1], held[1]))
            if part[0] <= part[1]:
                yield _with(left, axis, part)
        left[axis] = (max(held[0], low), min(held[1], high))


def _with(sides: list[Interval], axis: int, side: Interval) -> Box:
    found = [*sides[:axis], side, *sides[axis + 1 :]]
    return found[0], found[1], found[2]


def common(some: Traffic, others: Iterable[Box]) -> Traffic:
    """What is in both."""
    return tuple([box for b in others for a in some if (box := meet(a, b)) is not None])


def minus(some: Traffic, others: Iterable[Box]) -> Traffic:
    """What is in some and in none of the others."""
    for other in others:
        if not some:
            break
        some = tuple([part for box in some for part in outside(box, other)])
    return some


def within(some: Traffic, others: Traffic) -> bool:
    """Whether all of the first is in the second."""
    return not minus(some, others)


def turned(some: Traffic) -> Traffic:
    """The packets of the other direction: source and target ports change places."""
    return tuple([(proto, source, target) for proto, target, source in some])


def canonical(some: Traffic) -> Traffic:
    """The same set in its one form: as few slices along each axis as there can be."""
    return tuple([(box[0], box[1], box[2]) for box in _sliced(some, PROTO)])


def _sliced(boxes: Iterable[Box], axis: int) -> Iterator[tuple[Interval, ...]]:
    """Slices along an axis, each with those along the axes that follow."""
    held = list(boxes)
    if axis > SOURCE or not held:
        yield from ((),) if held else ()
        return
    edges = sorted({edge for box in held for edge in (box[axis][0], box[axis][1] + 1)})
    slices: list[tuple[Interval, list[tuple[Interval, ...]]]] = []
    for low, after in pairwise(edges):
        rest = list(_sliced((box for box in held if box[axis][0] <= low < after <= box[axis][1] + 1), axis + 1))
        if rest and slices and slices[-1][0][1] == low - 1 and slices[-1][1] == rest:
            slices[-1] = (slices[-1][0][0], after - 1), rest
        elif rest:
            slices.append(((low, after - 1), rest))
    for side, rest in slices:
        yield from ((side, *others) for others in rest)
