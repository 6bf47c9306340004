"""Flow tables over sets of packets: which rule takes which part of a box; tables may be edited.

A table finds its candidates by what is known exactly (port, metadata), then cuts the box rule by rule, highest priority
first. Must not know: what rules do.

Source: OpenFlow 1.3.5 §5.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.verify.dataplane.prepared_rule import PreparedRule, Registers
from clos.controller.verify.dataplane.rule_counts import RuleCounts
from clos.controller.verify.dataplane.rule_list import Pool, RegisterContext, RuleList
from clos.controller.verify.headerspace.header_space import HeaderSpace
from clos.fabric.dataplane.rule import Rule


class SymbolicTable:
    """One flow table, which may be edited. ``counts``: where its rules send packets."""

    __slots__ = ("_cells", "_idle", "_kinds", "_pool", "_ports", "_space", "_where", "counts")

    def __init__(self, space: HeaderSpace, rules: Iterable[PreparedRule], pool: Pool) -> None:
        self._space, self._pool = space, pool
        self.counts = RuleCounts()
        self._kinds: dict[Registers, dict[Registers, list[PreparedRule]]] = {}
        self._cells: dict[tuple[Registers, ...], RegisterContext] = {}
        self._idle: list[PreparedRule] = []
        self._where: dict[tuple[Registers, Registers], list[RegisterContext]] | None = None
        self._ports: dict[int, list[PreparedRule]] | None = None
        self._fill(list(rules))

    def _fill(self, rules: list[PreparedRule]) -> None:
        """Put rules in, all that was found before forgotten."""
        self._cells.clear()
        self._where = self._ports = None
        kinds = self._kinds
        for prepared in rules:
            if not prepared.possible:
                self._idle.append(prepared)
                continue
            held = kinds.get(prepared.kind)
            if held is None:
                held = kinds[prepared.kind] = {}
            some = held.get(prepared.key)
            if some is None:
                held[prepared.key] = [prepared]
            else:
                some.append(prepared)
        self.counts.add_all(rules)

    @property
    def by_port(self) -> bool:
        """Whether rules look at the port a packet came in by, or once did."""
        return any(ported for ported, _, _ in self._kinds)

    def _count(self, prepared: PreparedRule, by: int) -> None:
        self.counts.count(prepared, by)
        if prepared.port is not None:
            self._ports = None

    def rules(self) -> Iterator[PreparedRule]:
        """All rules that a packet could meet."""
        return (prepared for held in self._kinds.values() for some in held.values() for prepared in some)

    def every(self) -> Iterator[PreparedRule]:
        """All rules, those that no packet can meet too."""
        yield from self.rules()
        yield from self._idle

    def holds(self, rule: Rule, like: PreparedRule) -> PreparedRule | None:
        """The rule held with this one's priority and match, if any; ``like``: this one prepared."""
        kind, key = like.kind, like.key
        for prepared in self._kinds.get(kind, {}).get(key, ()) if like.possible else self._idle:
            if prepared.priority == rule.priority and prepared.rule.match == rule.match:
                return prepared
        return None

    def edit(
        self, gone: list[PreparedRule], come: list[PreparedRule]
    ) -> list[tuple[RegisterContext, list[PreparedRule] | None]]:
        """Take rules away and put others in. The cells that changed, each with the rules that came or went there;
        None for a cell that is a cell no more."""
        for prepared in come:
            if prepared.possible and prepared.kind not in self._kinds:
                return self._afresh(gone, come)
        changed: dict[int, _Changed] = {}
        for prepared, comes in (*((prepared, False) for prepared in gone), *((prepared, True) for prepared in come)):
            self._count(prepared, 1 if comes else -1)
            if not prepared.possible:
                self._idle.append(prepared) if comes else self._idle.remove(prepared)
                continue
            kind, key = prepared.kind, prepared.key
            held = self._kinds[kind].setdefault(key, [])
            if comes:
                held.append(prepared)
            else:
                held.remove(prepared)
            for cell in self._at(kind, key):
                out, into = changed.setdefault(id(cell), _Changed(cell, [], []))[1:]
                (into if comes else out).append(prepared)
        for cell, out, into in changed.values():
            cell.candidates = self._pooled(cell.candidates.edited(out, into))
        return [(cell, out + into) for cell, out, into in changed.values()]

    def _afresh(
        self, gone: list[PreparedRule], come: list[PreparedRule]
    ) -> list[tuple[RegisterContext, list[PreparedRule] | None]]:
        """An edit that brings a new kind of match: what was found by the old kinds is found again when asked for."""
        before: list[tuple[RegisterContext, list[PreparedRule] | None]] = [
            (cell, None) for cell in self._cells.values()
        ]
        for prepared in gone:
            self._count(prepared, -1)
            if prepared.possible:
                kind, key = prepared.kind, prepared.key
                self._kinds[kind][key].remove(prepared)
            else:
                self._idle.remove(prepared)
        self._fill(come)
        return before

    def _at(self, kind: Registers, key: Registers) -> list[RegisterContext]:
        """The cells that rules of a kind and key are in."""
        if self._where is None:
            self._where = {}
            for found, cell in self._cells.items():
                self._note(found, cell)
        return self._where.get((kind, key), [])

    def _note(self, found: tuple[Registers, ...], cell: RegisterContext) -> None:
        if self._where is not None:
            for kind, key in zip(self._kinds, found, strict=True):
                self._where.setdefault((kind, key), []).append(cell)

    def cell(self, port: int, metadata: int, tunnel: int) -> RegisterContext:
        """The rules that packets with these registers may meet, in one object for all registers that meet the same.

        ``port`` 0: rules that look at the port are left out.
        """
        key = tuple([(port if p else 0, metadata & m, tunnel & t) for p, m, t in self._kinds])
        found = self._cells.get(key)
        if found is None:
            lists = (held.get(k, ()) for held, k in zip(self._kinds.values(), key, strict=True))
            prepared = [one for some in lists for one in some]
            ids = tuple(sorted([one.serial for one in prepared]))
            known = self._pool.get(ids)
            found = self._cells[key] = RegisterContext(known or self._pooled(RuleList(self._space, prepared), ids))
            self._note(key, found)
        return found

    def cells(self) -> Iterable[RegisterContext]:
        """All cells that were asked for."""
        return self._cells.values()

    def drop_unread(self) -> None:
        """Forget cells that nobody reads."""
        if not all(cell.users for cell in self._cells.values()):
            self._cells = {key: cell for key, cell in self._cells.items() if cell.users}
            self._where = None

    def _pooled(self, candidates: RuleList, ids: tuple[int, ...] | None = None) -> RuleList:
        if ids is None:
            ids = tuple(sorted([one.serial for level in candidates.levels for one in level.rules]))
        return self._pool.setdefault(ids, candidates)

    def using(self, group: int) -> Iterator[RegisterContext]:
        """The cells that hold rules which send to a group."""
        if self.counts.groups[group]:
            yield from (cell for cell in self._cells.values() if group in cell.candidates.groups)

    def at_port(self, port: int) -> list[PreparedRule]:
        """The rules that look for this very port."""
        if self._ports is None:
            self._ports = {}
            for prepared in self.rules():
                if prepared.port is not None:
                    self._ports.setdefault(prepared.port, []).append(prepared)
        return self._ports.get(port, [])


class _Changed(NamedTuple):
    cell: RegisterContext
    gone: list[PreparedRule]
    come: list[PreparedRule]
