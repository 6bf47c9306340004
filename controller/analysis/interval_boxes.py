"""Boxes of intervals: sets of packets, one interval of values for each dimension.

A box stands for every point with a coordinate in each of its intervals. Lives here: the value, its laws, and how values
with masks become boxes. Must not know: rules, what a dimension means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Interval = tuple[int, int]
"""(first, last), both included."""
Box = tuple[Interval, ...]

Masked = Mapping[str, tuple[int, int]]
"""(value, mask) by name: all points that agree with the value on the mask's bits; what is not named may be anything."""


def meets(box: Box, other: Box) -> bool:
    """Whether the two have a point in common."""
    for (first, last), (start, end) in zip(box, other, strict=True):  # noqa: SIM110 - the innermost loop
        if first > end or start > last:
            return False
    return True


def within(box: Box, other: Box) -> bool:
    """Whether every point of ``box`` is in ``other``."""
    for (first, last), (start, end) in zip(box, other, strict=True):  # noqa: SIM110 - the same
        if start > first or last > end:
            return False
    return True


def boxes_of(rows: Sequence[Masked], widths: Mapping[str, int]) -> list[Box]:
    """The box of each row; ``widths``: bits by name. Only names that some row has become dimensions.

    A name is cut into pieces, a dimension each, in which every mask given is a prefix: so each row is one box.

    >>> boxes_of([{"vlan": (0b1000, 0b1000)}, {"vlan": (0b0010, 0b0011)}], {"vlan": 4})
    [((0, 3), (2, 3)), ((2, 2), (0, 3))]
    """
    highest: dict[str, int] = {}
    for row in rows:
        for name, (_, mask) in row.items():
            highest[name] = highest.get(name, 1 << widths[name] - 1) | mask & ~(mask >> 1)
    pieces = [(name, low, ones) for name, places in sorted(highest.items()) for low, ones in _pieces(places)]
    anything = dict.fromkeys(highest, (0, 0))
    return [_box({**anything, **row}, pieces) for row in rows]


def _pieces(places: int) -> list[tuple[int, int]]:
    """(lowest place, ones) of the pieces with these highest places; ``ones``: a one for each place of a piece."""
    highest = [place for place in range(places.bit_length()) if places >> place & 1]
    lowest = [0, *(place + 1 for place in highest[:-1])]
    return [(low, (1 << high - low + 1) - 1) for low, high in zip(lowest, highest, strict=True)]


def _box(row: Masked, pieces: Sequence[tuple[str, int, int]]) -> Box:
    return tuple(
        (row[name][0] >> low & ones, (row[name][0] | ~row[name][1]) >> low & ones) for name, low, ones in pieces
    )
