"""Outcomes worked out once, and who rests on each: incremental computation with early cut-off.

A *reader* is whatever rests on something; each thing that can be read keeps its readers. An edit invalidates exactly
what rests on it, and an outcome that comes out equal stops the invalidation there (Adapton, PLDI 2014; "Build systems
à la carte", ICFP 2018). What no living reader rests on is dropped. Must not know: how outcomes come about.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from clos.controller.verify.dataplane.locations import GroupPoint, PipelinePoint
from clos.controller.verify.dataplane.prepared_rule import PreparedRule
from clos.controller.verify.dataplane.rule_list import RegisterContext
from clos.controller.verify.dataplane.summary import Summary
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform
from clos.fabric.topology import PortRef

Where = PortRef | GroupPoint | PipelinePoint
"""What is remembered: packets that come in by a link, that reach a group, that reach a table."""

Readers = dict[Any, Any]
"""Who rests on something; perhaps with the packets that each is concerned with."""


class Dependent(NamedTuple):
    """A reader of something that changed: of these rules of a cell, or (None) of anything."""

    user: Any
    cell: RegisterContext | None = None
    changed: list[PreparedRule] | None = None


class CachedOutcome:
    """What becomes of a box of packets at a place, and who made use of that. ``ports``: where packets came in by any
    link, the links for which nothing is said."""

    __slots__ = ("box", "place", "ports", "summary", "users", "wide")

    def __init__(self, place: Where, box: Box, wide: bool) -> None:
        self.place, self.box, self.wide = place, box, wide
        self.summary: Summary | None = None
        self.ports: frozenset[int] = frozenset()
        self.users: Readers = {}


Again = Callable[[CachedOutcome], CachedOutcome | None]
"""Works an outcome out again; None when that cannot be done."""


class OutcomeMemo:
    """Outcomes by place and box. ``made``: how many were ever worked out."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Where, Box], CachedOutcome] = {}
        self.made = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, place: Where, box: Box) -> CachedOutcome | None:
        return self._entries.get((place, box))

    def add(self, entry: CachedOutcome) -> None:
        self._entries[entry.place, entry.box] = entry

    def invalidate(self, touched: Iterable[Dependent], again: Again) -> list[Dependent]:
        """Work out again what readers of what changed need; the readers of what came out differently."""
        found = [each for each in touched if not isinstance(each.user, CachedOutcome)]
        suspects = self._suspects([each.user for each in touched if isinstance(each.user, CachedOutcome)])
        for entry in suspects:
            readers = [each for each in entry.users if not isinstance(each, CachedOutcome)]
            if not readers:
                continue
            now = again(entry)
            if now is None or now.summary is not entry.summary or now.ports != entry.ports:
                found += map(Dependent, readers)
            else:
                now.users.update(dict.fromkeys(readers))
        for entry in suspects:
            entry.users.clear()
        return found

    def _suspects(self, waiting: list[CachedOutcome]) -> dict[CachedOutcome, None]:
        """These outcomes and all that rest on them; forgotten."""
        found: dict[CachedOutcome, None] = {}
        while waiting:
            entry = waiting.pop()
            if entry not in found:
                found[entry] = None
                if self._entries.get((entry.place, entry.box)) is entry:
                    del self._entries[entry.place, entry.box]
                waiting += [each for each in entry.users if isinstance(each, CachedOutcome)]
        return found

    def drop_dead(self, registers: list[Readers], living: set[Any]) -> list[CachedOutcome]:
        """Drop what no living reader rests on, here and in the registers of readers; the outcomes that stay."""
        roots, rests_on = self._dependencies(registers, living)
        live: dict[Any, None] = {}
        while roots:
            entry = roots.pop()
            if entry not in live:
                live[entry] = None
                roots += rests_on.get(entry, ())
        for readers in (*registers, *[entry.users for entry in live]):
            for reader in [each for each in readers if each not in live and each not in living]:
                del readers[reader]
        self._entries = {key: entry for key, entry in self._entries.items() if entry in live}
        return list(live)

    def _dependencies(
        self, registers: list[Readers], living: set[Any]
    ) -> tuple[list[CachedOutcome], dict[CachedOutcome, list[CachedOutcome]]]:
        """The outcomes that living readers rest on themselves; and which outcomes each outcome rests on."""
        waiting = [each for readers in registers for each in readers if isinstance(each, CachedOutcome)]
        waiting += self._entries.values()
        roots: list[CachedOutcome] = []
        rests_on: dict[CachedOutcome, list[CachedOutcome]] = {}
        seen: set[CachedOutcome] = set()
        while waiting:
            entry = waiting.pop()
            if entry in seen:
                continue
            seen.add(entry)
            for reader in entry.users:
                if isinstance(reader, CachedOutcome):
                    rests_on.setdefault(reader, []).append(entry)
                    waiting.append(reader)
                elif reader in living:
                    roots.append(entry)
        return roots, rests_on


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Watched(Generic[K, V]):
    """Values that may be others after an edit, by key, and who rests on each: only those hear of the edit whose value
    came out differently. ``compute`` gives the value of a key as things are."""

    __slots__ = ("_compute", "_readers")

    def __init__(self, compute: Callable[[K], V]) -> None:
        self._compute = compute
        self._readers: dict[K, Readers] = {}

    def read(self, key: K, reader: Any) -> None:
        """Somebody rests on a value."""
        self._readers.setdefault(key, {})[reader] = None

    def readers(self, key: K) -> Readers:
        """Those who rest on a value; more may be put there."""
        return self._readers.setdefault(key, {})

    def values(self) -> dict[K, V]:
        """All values that somebody rests on, as they are before an edit."""
        return {key: self._compute(key) for key in self._readers}

    def differing(self, before: dict[K, V]) -> Iterator[Any]:
        """Those who rest on values that were others before."""
        for key, value in before.items():
            if self._compute(key) != value:
                yield from self._readers[key]

    def registers(self) -> Iterable[Readers]:
        return self._readers.values()

    def drop_unread(self) -> None:
        """Forget the values that nobody rests on."""
        for key in [key for key, readers in self._readers.items() if not readers]:
            del self._readers[key]


class ReadLog:
    """Notes of everything that is read who read it. ``reader``: on whose behalf things are read now; it must be
    hashable. ``full``: the box of all packets."""

    __slots__ = ("_full", "reader")

    def __init__(self, full: Box) -> None:
        self._full = full
        self.reader: Any = None

    def record_read(self, cell: RegisterContext, box: Box, frame: HeaderTransform) -> None:
        """Packets were looked up among a cell's rules."""
        if self.reader is None:
            return
        if box == self._full and frame == UNCHANGED:
            cell.users[self.reader] = None
        elif (seen := cell.users.setdefault(self.reader, {})) is not None:
            seen[box, frame] = None

    def asked(self, readers: Readers) -> None:
        """Something was read that has these readers."""
        if self.reader is not None:
            readers[self.reader] = None

    def reading(self, reader: Any) -> Reading:
        """Within it, whatever is read is read on behalf of this reader."""
        return Reading(self, reader)


class Reading:
    """Whoever reads at the moment: entered, this reader does; left, the one before does again."""

    __slots__ = ("_before", "_log", "_reader")

    def __init__(self, log: ReadLog, reader: Any) -> None:
        self._log, self._reader = log, reader

    def __enter__(self) -> None:
        self._before, self._log.reader = self._log.reader, self._reader

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._log.reader = self._before
