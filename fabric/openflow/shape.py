"""Matches that are laid out alike, read in one stroke.

Lives here: shapes, learnt from matches that were read term by term. Must not know: what makes a match legal; a shape
fixes every bit that decides it, so whatever has the shape of a legal match is one.

A switch that tells of 50,000 rules tells of thousands in a row that differ in a few values only. Bytes have a shape
if they equal it in the bits it fixes, which is one operation on two numbers; each value is then a shift away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from clos.fabric.dataplane.match import Match
from clos.fabric.packet.fields import FIELDS

LONGEST = 256
"""Bytes of the longest match that is learnt from."""
KEPT = 32
"""Shapes kept for each length; a bound on what an unfriendly peer can take."""


class Shape(NamedTuple):
    """``fixed``: the bits that must equal ``wanted``; ``terms``: (name, shift, bits, mask) of each, as sorted."""

    fixed: int
    wanted: int
    terms: tuple[tuple[str, int, int, int | None], ...]


_SHAPES: dict[int, tuple[Shape, ...]] = {}
"""By length in bytes, the last one met first."""


def recognise(data: bytes) -> Match | None:
    """The match that the OXM TLVs ``data`` are, if one of their shape was learnt."""
    shapes = _SHAPES.get(len(data), ())
    number = int.from_bytes(data, "big")
    for shape in shapes:
        if number & shape.fixed == shape.wanted:
            if shape is not shapes[0]:
                _SHAPES[len(data)] = (shape, *(other for other in shapes if other is not shape))
            return Match.trusted([(name, number >> shift & bits, mask) for name, shift, bits, mask in shape.terms])
    return None


def learn(data: bytes, match: Match, offsets: Iterable[int]) -> None:
    """These TLVs were found to be this match; ``offsets``: where each term's TLV begins, in the match's order."""
    size = len(data)
    needed = {need for name, _, _ in match for need, _ in FIELDS[name].needs}
    free = 0
    terms = []
    for (name, _, mask), at in zip(match, offsets, strict=True):
        field = FIELDS[name]
        shift = 8 * (size - at - 4 - field.octets)
        bits = field.full if mask is None else mask
        terms.append((name, shift, bits, mask))
        if name not in needed:
            free |= bits << shift
    fixed = (1 << 8 * size) - 1 & ~free
    shape = Shape(fixed, int.from_bytes(data, "big") & fixed, tuple(terms))
    _SHAPES[size] = (shape, *_SHAPES.get(size, ()))[:KEPT]


def forget() -> None:
    """Start afresh."""
    _SHAPES.clear()
