"""What becomes of a box of packets, kept to be read many times through whatever was done to them before.

A summary speaks of fresh variables: of packets as they reach a place, whoever sent them. Must not know: places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count
from weakref import WeakValueDictionary

from clos.controller.verify.dataplane.outcome import Outcome, Plain, seen_from
from clos.controller.verify.effort import Effort
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace, Limits, limits_of
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform, preimage, seen_in

Row = tuple[Limits, Outcome]

_WORTH = 4


class Summary:
    """A partition of ``box``; ``serial`` is its own. Rows that ask for one value of the ``key_field`` slot are found by
    it."""

    __slots__ = ("__weakref__", "_by_atom", "_key_field", "_others", "box", "parts", "rows", "serial")

    def __init__(self, box: Box, parts: Plain, serial: int) -> None:
        self.box, self.parts, self.serial = box, parts, serial
        self.rows: tuple[Row, ...] = tuple([(limits_of(box, part), outcome) for part, outcome in parts])
        self._by_atom: dict[int, list[Row]] = {}
        self._others: Sequence[Row] = self.rows
        self._key_field = _key_field(self.rows)
        if self._key_field is not None:
            self._index(self._key_field)

    def _index(self, key_field: int) -> None:
        others: list[Row] = []
        for row in self.rows:
            atom = next((bits for slot, bits in row[0] if slot == key_field), 0)
            if atom and atom & atom - 1 == 0:
                self._by_atom.setdefault(atom, []).append(row)
            else:
                others.append(row)
        self._others = others

    def read(self, space: HeaderSpace, box: Box, frame: HeaderTransform, effort: Effort) -> Plain:
        """The partition of a box of packets that were changed as the frame says; they are in ``self.box`` now."""
        if frame == UNCHANGED and box == self.box:
            return self.parts
        found: Plain = []
        near = self._near(space, box, frame)
        effort.spend(1 + (len(near) >> 3))
        for limits, outcome in near:
            part = preimage(space, box, frame, limits) if limits else box
            if part is not None:
                found.append((part, seen_from(frame, outcome)))
        effort.spend(len(found))
        return found

    def _near(self, space: HeaderSpace, box: Box, frame: HeaderTransform) -> Sequence[Row]:
        """The rows that may speak of these packets."""
        if self._key_field is None:
            return self.rows
        atoms = seen_in(space, box, frame, self._key_field)
        if atoms & atoms - 1 == 0:
            return [*self._by_atom.get(atoms, ()), *self._others]
        near = [row for atom, rows in self._by_atom.items() if atom & atoms for row in rows]
        return [*near, *self._others]


class SummaryPool:
    """One object for equal summaries, so that what is read from one is known of all."""

    def __init__(self) -> None:
        self._serials = count()
        self._equal: WeakValueDictionary[object, Summary] = WeakValueDictionary()
        self._by_parts: WeakValueDictionary[int, Summary] = WeakValueDictionary()

    def new(self, box: Box, parts: Plain) -> Summary:
        """A summary that is like no other."""
        return Summary(box, parts, next(self._serials))

    def interned(self, box: Box, parts: Plain) -> Summary:
        """The summary of this partition."""
        known = self._by_parts.get(id(parts))
        if known is not None and known.parts is parts and known.box == box:
            return known
        made = self.new(box, parts)
        found = self._equal.setdefault((box, made.rows), made)
        self._by_parts[id(found.parts)] = found
        return found


def _key_field(rows: Sequence[Row]) -> int | None:
    """The slot that the most rows want one value of; None when it is not worth it."""
    counts = Counter(slot for limits, _ in rows for slot, bits in limits if bits & bits - 1 == 0)
    best = max(counts, key=lambda slot: (counts[slot], -slot), default=None)
    return best if best is not None and counts[best] >= _WORTH else None
