"""What the tables of a switch do to packets as a whole: where each leads, at which ports that matters, what it changes.

Must not know: which packets rules take, what becomes of packets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clos.controller.verify.dataplane.flow_table import SymbolicTable
from clos.controller.verify.dataplane.group_table import BY_PORT, FLOODS, GroupTable
from clos.controller.verify.dataplane.memo import Readers, Watched
from clos.controller.verify.dataplane.rule_counts import RuleCounts
from clos.controller.verify.headerspace.header_space import Limits


class PipelineLayout:
    """What can be said of a switch's tables whatever packets are asked about. ``links``: its ports to switches."""

    __slots__ = ("_apart", "_asked", "_class_tables", "_groups", "_links", "_readers", "_tables")

    def __init__(self, tables: dict[int, SymbolicTable], groups: GroupTable, links: frozenset[int]) -> None:
        self._tables, self._groups, self._links = tables, groups, links
        self._asked: dict[tuple[int, int], None] = {}
        self._apart: dict[int, frozenset[int] | None] = {}
        self._class_tables: frozenset[int] | None = None
        self._readers = Watched(self.apart)

    def known(self) -> dict[int, frozenset[int] | None]:
        """Which ports matter from where on, for those who asked: to be compared by ``edited``."""
        return self._readers.values()

    def edited(self, before: dict[int, frozenset[int] | None]) -> Iterator[Any]:
        """The tables or groups are others now: those who asked which ports matter, where others do."""
        self._apart.clear()
        self._class_tables = None
        return self._readers.differing(before)

    def registers(self) -> Iterable[Readers]:
        """Who rests on which ports matter."""
        return self._readers.registers()

    def drop_unread(self) -> None:
        """Forget what nobody reads."""
        self._readers.drop_unread()

    def dependents(self, number: int) -> Readers:
        """Those who asked which ports matter from a table on."""
        return self._readers.readers(number)

    def apart(self, number: int) -> frozenset[int] | None:
        """The links by which packets may have come in to whom that matters from a table on; None when it may to all."""
        if number not in self._apart:
            self._apart[number] = self._ports_from(number)
        return self._apart[number]

    def _ports_from(self, number: int) -> frozenset[int] | None:
        found: set[int] = set()
        for counts in self._counts_from(number):
            if counts.ported:
                return None
            found |= {port for port, count in counts.outputs.items() if count}
            for group, count in counts.groups.items():
                found |= self._groups.sends(group) if count else set()
        return self._links & found if found.isdisjoint(BY_PORT) else None

    def _counts_from(self, number: int) -> list[RuleCounts]:
        """Of the tables that packets can come to from one."""
        return [self._tables[each].counts for each in self.reached(number) if each in self._tables]

    def reached(self, number: int) -> set[int]:
        """The tables that packets can come to from one, itself among them."""
        waiting, seen = [number], {number}
        while waiting:
            table = self._tables.get(waiting.pop())
            gotos = table.counts.gotos.items() if table is not None else ()
            more = {goto for goto, count in gotos if goto is not None and count} - seen
            seen |= more
            waiting += more
        return seen

    def between(self, table: int, number: int) -> tuple[Limits, ...]:
        """What packets at a table must look like to get to another, which none of those on the way changes; perhaps
        more of them than do. Asked once, it is part of the layout."""
        self._asked[table, number] = None
        found: dict[Limits, None] = {}
        leads = self._tables[table].counts.leads.items() if table in self._tables else ()
        for (goto, limits), count in leads:
            if count and goto is not None and number in self.reached(goto):
                if limits is None:
                    return ((),)
                found[limits] = None
        return tuple(found)

    def kept(self, number: int) -> int:
        """The bits of the metadata that no rule writes from a table on."""
        written = 0
        for counts in self._counts_from(number):
            for mask, count in counts.writes.items():
                written |= mask if count else 0
        return ~written

    def untouched(self, table: int, number: int) -> bool:
        """Whether packets reach a table as they were at another, without their fields being changed on the way."""
        gotos = (goto for counts in self._counts_from(table) for goto, count in counts.changing.items() if count)
        return not any(goto is not None and number in self.reached(goto) for goto in gotos)

    def signature(self) -> tuple[object, ...]:
        """All of the above at once: equal when nothing that was asked for came to be different."""
        tables = [(number, table.counts.layout) for number, table in self._tables.items()]
        return self.class_tables(), *tables, *[self.between(*asked) for asked in self._asked]

    def class_tables(self) -> frozenset[int]:
        """The tables that do the same wherever packets came in, but for what goes back there: no rule floods, and not
        every one looks at the port."""
        if self._class_tables is None:
            some = {number for number, table in self._tables.items() if table.counts.size > table.counts.ported}
            self._class_tables = frozenset(number for number in some if not self._floods(number))
        return self._class_tables

    def _floods(self, number: int) -> bool:
        all_counts = self._counts_from(number)
        if any(counts.outputs[port] for counts in all_counts for port in FLOODS):
            return True
        if not self._groups.any_floods:
            return False
        groups = {group for counts in all_counts for group, count in counts.groups.items() if count}
        return any(not self._groups.sends(group).isdisjoint(FLOODS) for group in groups)
