"""A set of conversations as policies: strips across the plane of ports, the first that takes a point decides.

Lives here: finding such a list, exactly where there is one. Must not know: zones, files. A policy with a service takes
all conversations with that port at the one end, whatever the port at the other: a strip. A set is such a list if and
only if strips can be taken off one after the other, each all in or all out (a decision list of one-literal rules:
Rivest 1987). A policy names ports 1 to 65535: port 0 is in it only where it names none. Where no strip can be taken
off, one is given up: ``spare`` says to which side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.migrate.segmentation.planes import Plane

X, Y = 0, 1


class Strip(NamedTuple):
    """Points whose port class at one end (``axis``) is in ``classes``: in the set or not."""

    axis: int
    classes: int
    inside: bool


def strips(plane: Plane, points: int, otherwise: bool, spare: bool) -> tuple[Strip, ...]:
    """A list that decides all points; those that no strip takes are ``otherwise``.

    With ``spare`` the list may permit more where there is no equal one, else it permits less.
    """
    found = tuple(_taken_off(plane, points, spare))
    return _pruned(plane, found, otherwise)


def inside(plane: Plane, found: tuple[Strip, ...], otherwise: bool) -> int:
    """The points that a list permits."""
    left, permitted = plane.full, 0
    for strip in found:
        taken = _points(plane, strip) & left
        left &= ~taken
        permitted |= taken if strip.inside else 0
    return permitted | (left if otherwise else 0)


def _points(plane: Plane, strip: Strip) -> int:
    width, height = len(plane.xs), len(plane.ys)
    if strip.axis == Y:
        row = (1 << width) - 1
        return sum(row << y * width for y in range(height) if strip.classes >> y & 1)
    return sum(strip.classes << y * width for y in range(height))


def _taken_off(plane: Plane, points: int, spare: bool) -> Iterator[Strip]:
    width, height = len(plane.xs), len(plane.ys)
    columns, rows = (1 << width) - 1, (1 << height) - 1
    row_of = [points >> y * width & columns for y in range(height)]
    column_of = [sum((row_of[y] >> x & 1) << y for y in range(height)) for x in range(width)]
    while columns and rows:
        for axis, lines, mine, other in ((Y, row_of, rows, columns), (X, column_of, columns, rows)):
            full = _named(sum(1 << n for n in _bits(mine) if lines[n] & other == other), mine)
            none = _named(sum(1 << n for n in _bits(mine) if not lines[n] & other), mine)
            if full or none:
                whole = (1 << len(lines)) - 1
                for classes, sign in ((full, True), (none, False)):
                    if classes:
                        yield Strip(axis, whole if classes == mine else classes, sign)
                rows, columns = (rows & ~(full | none), columns) if axis == Y else (rows, columns & ~(full | none))
                break
        else:
            axis, number = _cheapest(row_of, column_of, rows, columns, spare)
            yield Strip(axis, 1 << number, spare)
            rows, columns = (rows & ~(1 << number), columns) if axis == Y else (rows, columns & ~(1 << number))


def _named(found: int, mine: int) -> int:
    """Of the classes those that a service can name: all that are left, or any but port 0."""
    return found if found == mine else found & ~1


def _cheapest(row_of: list[int], column_of: list[int], rows: int, columns: int, spare: bool) -> tuple[int, int]:
    """The line whose giving up changes the fewest points."""
    costs = [((row_of[n] & columns).bit_count(), columns.bit_count(), Y, n) for n in _bits(rows & ~1)]
    costs += [((column_of[n] & rows).bit_count(), rows.bit_count(), X, n) for n in _bits(columns & ~1)]
    _, axis, number = min((total - have if spare else have, axis, n) for have, total, axis, n in costs)
    return axis, number


def _pruned(plane: Plane, found: tuple[Strip, ...], otherwise: bool) -> tuple[Strip, ...]:
    """Without strips that change nothing, the last first."""
    meant = inside(plane, found, otherwise)
    for number in range(len(found) - 1, -1, -1):
        shorter = (*found[:number], *found[number + 1 :])
        if inside(plane, shorter, otherwise) == meant:
            found = shorter
    return found


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
