"""What becomes of a box of packets, kept to be read many times through whatever was done to them before.

A summary speaks of fresh variables: of packets as they reach a place, whoever sent them. Must not know: places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from controller.verify.frame import SAME, Frame, pulled, seen_in
from controller.verify.outcome import Outcome, Plain, seen_from
from controller.verify.space import Box, Limits, Space, limits_of

Row = tuple[Limits, Outcome]

_WORTH = 4


class Summary:
    """A partition of ``box``; ``serial`` is its own. Rows that ask for one value of the ``pivot`` slot are found by
    it."""

    __slots__ = ("__weakref__", "_by_atom", "_others", "_pivot", "box", "parts", "rows", "serial")

    def __init__(self, box: Box, parts: Plain, serial: int) -> None:
        self.box, self.parts, self.serial = box, parts, serial
        self.rows: tuple[Row, ...] = tuple([(limits_of(box, part), outcome) for part, outcome in parts])
        self._by_atom: dict[int, list[Row]] = {}
        self._others: Sequence[Row] = self.rows
        self._pivot = _pivot(self.rows)
        if self._pivot is not None:
            self._index(self._pivot)

    def _index(self, pivot: int) -> None:
        others: list[Row] = []
        for row in self.rows:
            atom = next((bits for slot, bits in row[0] if slot == pivot), 0)
            if atom and atom & atom - 1 == 0:
                self._by_atom.setdefault(atom, []).append(row)
            else:
                others.append(row)
        self._others = others

    def read(self, space: Space, box: Box, frame: Frame) -> Plain:
        """The partition of a box of packets that were changed as the frame says; they are in ``self.box`` now."""
        if frame == SAME and box == self.box:
            return self.parts
        found: Plain = []
        for limits, outcome in self._near(space, box, frame):
            part = pulled(space, box, frame, limits) if limits else box
            if part is not None:
                found.append((part, seen_from(frame, outcome)))
        return found

    def _near(self, space: Space, box: Box, frame: Frame) -> Sequence[Row]:
        """The rows that may speak of these packets."""
        if self._pivot is None:
            return self.rows
        atoms = seen_in(space, box, frame, self._pivot)
        if atoms & atoms - 1 == 0:
            return [*self._by_atom.get(atoms, ()), *self._others]
        near = [row for atom, rows in self._by_atom.items() if atom & atoms for row in rows]
        return [*near, *self._others]


def _pivot(rows: Sequence[Row]) -> int | None:
    """The slot that the most rows want one value of; None when it is not worth it."""
    counts = Counter(slot for limits, _ in rows for slot, bits in limits if bits & bits - 1 == 0)
    best = max(counts, key=lambda slot: (counts[slot], -slot), default=None)
    return best if best is not None and counts[best] >= _WORTH else None
