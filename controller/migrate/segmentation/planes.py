"""Exact sets of packets between two zones: for each protocol a plane of ports, cut where somebody tells ports apart.

Lives here: planes, sets in them as integers (one bit for each class of port pairs), and the flavours of packets that
ports do not tell apart. Must not know: addresses, access lists as a whole, policies. ``x`` is the port at the first
zone (``a``), ``y`` the one at the second (``b``), whichever way a packet goes: a conversation is one point.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from clos.controller.migrate.segmentation.services import LAST, Condition, Kind, Ports
from clos.controller.migrate.segmentation.words import ICMP, SYN, TCP, WITH_PORTS

MOST_OPAQUE = 8
"""Different conditions that intents have no words for, in one protocol between two zones: 2^8 flavours."""


class TooMany(ValueError):
    """More different conditions than sets can be worked out for."""


class Flavour(NamedTuple):
    """Packets of a plane for which exactly the conditions ``holds`` are true.

    ``opens``: one that begins a conversation is among them. ``base`` numbers what flags or messages make of it, so that
    flavours of one base differ in opaque conditions only.
    """

    holds: frozenset[Condition]
    opens: bool
    base: int


@dataclass(frozen=True, slots=True)
class Plane:
    """Packets of one protocol (None: of all but ``besides``). ``xs``, ``ys``: the first port of each class."""

    proto: int | None
    xs: tuple[int, ...]
    ys: tuple[int, ...]
    flavours: tuple[Flavour, ...]
    besides: tuple[int, ...] = ()

    @property
    def full(self) -> int:
        """All points."""
        return (1 << len(self.xs) * len(self.ys)) - 1

    def points(self, a: Ports, b: Ports) -> int:
        """Ports of ``a`` at the first zone and of ``b`` at the second, which must be unions of classes."""
        row = classes(self.xs, a)
        if not row:
            return 0
        return sum(row << y * len(self.xs) for y in _bits(classes(self.ys, b)))

    def boxes(self, points: int) -> Iterator[tuple[Ports, Ports]]:
        """The points as few boxes: rows that are alike are one box."""
        width = len(self.xs)
        rows: dict[int, int] = {}
        for y in range(len(self.ys)):
            row = points >> y * width & (1 << width) - 1
            if row:
                rows[row] = rows.get(row, 0) | 1 << y
        for row, ys in rows.items():
            yield ports(self.xs, row), ports(self.ys, ys)


@lru_cache(maxsize=65536)
def classes(cuts: tuple[int, ...], wanted: Ports) -> int:
    """The classes that make up ``wanted``, one bit each."""
    found = 0
    for first, last in wanted:
        low, high = bisect_left(cuts, first), bisect_right(cuts, last)
        found |= (1 << high) - (1 << low)
    return found


def ports(cuts: tuple[int, ...], of: int) -> Ports:
    """The ports of classes."""
    ends = (*(cut - 1 for cut in cuts[1:]), LAST)
    return Ports.of(*((cuts[each], ends[each]) for each in _bits(of)))


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


class Wanted(NamedTuple):
    """What somebody tells apart: packets of ``proto`` with ports ``a`` and ``b``, under ``conditions``."""

    proto: int | None
    a: Ports
    b: Ports
    conditions: frozenset[Condition] = frozenset()


def planes(wanted: Iterable[Wanted]) -> tuple[Plane, ...]:
    """Planes in which each of ``wanted`` is a union of classes and flavours. Raises TooMany."""
    everything = tuple(dict.fromkeys(wanted))
    protos = sorted({each.proto for each in everything if each.proto is not None})
    own = (_plane(proto, [w for w in everything if w.proto in (proto, None)]) for proto in protos)
    rest = _plane(None, [w for w in everything if w.proto is None])
    return (*own, replace(rest, besides=tuple(protos)))


def _plane(proto: int | None, wanted: list[Wanted]) -> Plane:
    cut = proto in WITH_PORTS
    xs = _cuts(each.a for each in wanted) if cut else (0,)
    ys = _cuts(each.b for each in wanted) if cut else (0,)
    asked = frozenset().union(*(each.conditions for each in wanted)) if wanted else frozenset()
    return Plane(proto, xs, ys, _flavours(proto, asked))


def _cuts(of: Iterable[Ports]) -> tuple[int, ...]:
    """The first port of each class. Port 0, which no policy can name, is a class of its own."""
    found = {0}
    for wanted in of:
        for first, last in wanted:
            found |= {first, last + 1}
    found -= {LAST + 1}
    return tuple(sorted(found | {1} if len(found) > 1 else found))


@lru_cache(maxsize=4096)
def _flavours(proto: int | None, asked: frozenset[Condition]) -> tuple[Flavour, ...]:
    bases = _bases(proto, sorted(c for c in asked if c.kind is not Kind.OPAQUE))
    opaque = sorted(c for c in asked if c.kind is Kind.OPAQUE)
    if len(opaque) > MOST_OPAQUE:
        texts = ", ".join(c.text for c in opaque)
        raise TooMany(f"{len(opaque)} conditions that intents cannot say stand in one place: {texts}")
    return tuple(
        Flavour(held | extra, opens, number)
        for number, (held, opens) in enumerate(bases.items())
        for extra in _choices(opaque)
    )


def _bases(proto: int | None, asked: list[Condition]) -> dict[frozenset[Condition], bool]:
    """Which of the conditions can be true together, and whether a packet that opens is among those."""
    if proto == TCP:
        packets: Iterable[int] = range(64)
    elif proto == ICMP:
        kinds = {c.value for c in asked} | {next(k for k in range(256) if k not in {c.value for c in asked})}
        codes = {c.mask for c in asked if c.mask >= 0}
        codes.add(next(code for code in range(256) if code not in codes))
        packets = [kind << 8 | code for kind, code in product(sorted(kinds), sorted(codes))]
    else:
        packets = (0,)
    found: dict[frozenset[Condition], bool] = {}
    for packet in packets:
        held = frozenset(c for c in asked if c.takes(packet))
        found[held] = found.get(held, False) or proto != TCP or packet == SYN
    return found


def _choices(opaque: list[Condition]) -> Iterator[frozenset[Condition]]:
    """Every choice of opaque conditions; of two values of one word, ``dscp ef`` and ``dscp af41``, one at most."""
    for chosen in product((False, True), repeat=len(opaque)):
        held = [c for c, taken in zip(opaque, chosen, strict=True) if taken]
        words = [c.text.split()[0] for c in held if c.text.split()[0] in ("dscp", "precedence", "tos", "igmp")]
        if len(words) == len(set(words)):
            yield frozenset(held)


def words(plane: Plane, flavours: frozenset[int]) -> str:
    """What flavours (by number) have in common, in words: ``established``, ``not established``; empty: all of them."""
    if len(flavours) == len(plane.flavours):
        return ""
    asked = sorted(frozenset().union(*(f.holds for f in plane.flavours)))
    for condition in asked:
        having = frozenset(n for n, f in enumerate(plane.flavours) if condition in f.holds)
        if flavours == having:
            return condition.text
        if flavours == frozenset(range(len(plane.flavours))) - having:
            return f"not {condition.text}"
    return " or ".join(_flavour_words(plane.flavours[each], asked) for each in sorted(flavours))


def _flavour_words(flavour: Flavour, asked: list[Condition]) -> str:
    held = [c.text for c in asked if c in flavour.holds]
    missing = [f"not {c.text}" for c in asked if c not in flavour.holds]
    if held and flavour.holds and all(c.kind is Kind.ICMP for c in asked):
        return " ".join(held)
    return " ".join((*held, *missing))
