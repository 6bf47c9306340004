"""Tables that only let packets go on or stop them, taken together as one filter.

Switches that hold the same rules have the same filter, as one object, so that what is found out of one is known of
all. Must not know: what becomes of packets that are let go on.
"""

from __future__ import annotations

from collections.abc import Callable

from clos.controller.verify.dataplane.memo import ReadLog
from clos.controller.verify.dataplane.outcome import AclFilter
from clos.controller.verify.dataplane.rule_list import RegisterContext, RuleList
from clos.controller.verify.headerspace.header_space import HeaderSpace, Limits, limits_of
from clos.controller.verify.headerspace.transform import UNCHANGED

Filters = dict[tuple[tuple[int, int], ...], tuple[AclFilter | None, tuple[tuple[int, RuleList], ...]]]
"""Filters by what they are made of, shared by all switches of a fabric; what they are made of lives on with them."""

MAX_ROWS = 100_000
"""Rows of a filter; tables that part packets in more ways are followed packet set by packet set."""

Cells = Callable[[int, int, int, int], RegisterContext]
"""The rules of a table that packets with a port, metadata and tunnel id may meet."""


class AclFilters:
    """The filters of one switch, by the table that they begin at and the registers there."""

    __slots__ = ("_cell", "_known", "_shared", "_space")

    def __init__(self, space: HeaderSpace, cell: Cells, shared: Filters) -> None:
        self._space, self._cell, self._shared = space, cell, shared
        self._known: dict[tuple[int, int, int, int], tuple[AclFilter | None, list[RegisterContext]]] = {}

    def clear(self) -> None:
        """The tables are others now."""
        self._known.clear()

    def at(self, number: int, port: int, metadata: int, tunnel: int, reads: ReadLog) -> AclFilter | None:
        """What tables from this one on do, when all they do is to let packets go on or to stop them."""
        known = self._known.get((number, port, metadata, tunnel))
        if known is not None:
            for cell in known[1]:
                reads.record_read(cell, self._space.full, UNCHANGED)
            return known[0]
        cells: list[RegisterContext] = []
        found = self._follow(number, (port, metadata, tunnel), reads, cells)
        self._known[number, port, metadata, tunnel] = found, cells
        return found

    def _follow(
        self, number: int, registers: tuple[int, int, int], reads: ReadLog, cells: list[RegisterContext]
    ) -> AclFilter | None:
        """The filter from the tables as they are; ``cells`` takes those that were looked at."""
        met: list[tuple[int, RuleList]] = []
        waiting = [number]
        while waiting:
            here = waiting.pop()
            cell = self._cell(here, *registers)
            cells.append(cell)
            reads.record_read(cell, self._space.full, UNCHANGED)
            only_filters, gotos, _ = cell.candidates.acl_filter
            if not only_filters or not cell.candidates.levels:
                return None
            met.append((here, cell.candidates))
            waiting += [goto for goto in gotos if all(goto != seen for seen, _ in met) and goto not in waiting]
        key = tuple([(here, id(found)) for here, found in met])
        if key not in self._shared:
            self._shared[key] = _acl_filter(self._space, number, dict(met)), tuple(met)
        return self._shared[key][0]


def _acl_filter(space: HeaderSpace, first: int, met: dict[int, RuleList]) -> AclFilter | None:
    """The filter that these candidates are together, from table ``first`` on; None when rules tie, or part too much."""
    rows: list[tuple[Limits, bool]] = []
    waiting = [(first, space.full)]
    while waiting:
        number, box = waiting.pop()
        for part, rules in met[number].split(box, UNCHANGED):
            if len(rules) > 1 or len(waiting) + len(rows) >= MAX_ROWS:
                return None
            todo = rules[0].instructions if rules else None
            if todo is not None and todo.goto is not None:
                waiting.append((todo.goto, part))
            else:
                rows.append((limits_of(space.full, part), todo is not None and not todo.clear))
    return AclFilter(tuple(rows), frozenset().union(*(found.acl_filter[2] for found in met.values())))
