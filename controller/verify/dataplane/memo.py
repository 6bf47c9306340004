"""Outcomes worked out once, and who rests on each: incremental computation with early cut-off.

A *reader* is whatever rests on something; each thing that can be read keeps its readers. An edit invalidates exactly
what rests on it, and an outcome that comes out equal stops the invalidation there (Adapton, PLDI 2014; "Build systems
à la carte", ICFP 2018). What no living reader rests on is dropped. Must not know: how outcomes come about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple

from clos.controller.verify.dataplane.flow_table import RegisterContext
from clos.controller.verify.dataplane.locations import GroupPoint, PipelinePoint
from clos.controller.verify.dataplane.prepared_rule import PreparedRule
from clos.controller.verify.dataplane.summary import Summary
from clos.controller.verify.headerspace.header_space import Box
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


class Reading:
    """Whoever reads at the moment, of ``of.reader``: entered, this reader does; left, the one before does again."""

    __slots__ = ("_before", "_of", "_reader")

    def __init__(self, of: Any, reader: Any) -> None:
        self._of, self._reader = of, reader

    def __enter__(self) -> None:
        self._before, self._of.reader = self._of.reader, self._reader

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._of.reader = self._before
