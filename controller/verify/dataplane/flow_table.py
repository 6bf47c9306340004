"""Flow tables over sets of packets: which rule takes which part of a box; tables may be edited.

A table finds its candidates by what is known exactly (port, metadata), then cuts the box rule by rule, highest priority
first. Must not know: what rules do.

Source: OpenFlow 1.3.5 §5.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, NamedTuple

from clos.controller.verify.dataplane.prepared_rule import PreparedRule, Registers, cut
from clos.controller.verify.dataplane.priority_level import Hit, PriorityLevel
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace, Limits
from clos.controller.verify.headerspace.transform import HeaderTransform
from clos.fabric.dataplane.rule import Rule


class SymbolicTable:
    """One flow table, which may be edited. ``gotos``, ``groups``, ``outputs``: where its rules send packets, counted;
    ``changing``: of the gotos, those of rules that change packets before; ``leads``: the gotos, each with what rules
    that do nothing else look for (None: rules that do more); ``writes``: masks of metadata that rules write; all of
    them counted. ``ported``: how many rules look at the port a packet came in by."""

    __slots__ = (
        "_cells",
        "_idle",
        "_kinds",
        "_layout",
        "_pool",
        "_ports",
        "_space",
        "_where",
        "changing",
        "gotos",
        "groups",
        "leads",
        "outputs",
        "ported",
        "size",
        "writes",
    )

    def __init__(self, space: HeaderSpace, rules: Iterable[PreparedRule], pool: Pool) -> None:
        self._space, self._pool = space, pool
        self._kinds: dict[Registers, dict[Registers, list[PreparedRule]]] = {}
        self._cells: dict[tuple[Registers, ...], RegisterContext] = {}
        self._idle: list[PreparedRule] = []
        self._where: dict[tuple[Registers, Registers], list[RegisterContext]] | None = None
        self.gotos: Counter[int | None] = Counter()
        self.changing: Counter[int | None] = Counter()
        self.leads: Counter[Lead] = Counter()
        self.writes: Counter[int] = Counter()
        self._ports: dict[int, list[PreparedRule]] | None = None
        self._layout: tuple[object, ...] | None = None
        self.groups: Counter[int] = Counter()
        self.outputs: Counter[int] = Counter()
        self.ported = self.size = 0
        self._fill(list(rules))

    def _fill(self, rules: list[PreparedRule]) -> None:
        """Put rules in, all that was found before forgotten."""
        self._cells.clear()
        self._where = self._ports = self._layout = None
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
        self.gotos.update([prepared.rule.instructions.goto for prepared in rules])
        self.changing.update(
            [prepared.rule.instructions.goto for prepared in rules if prepared.rule.instructions.apply]
        )
        self.leads.update([_lead(prepared) for prepared in rules if prepared.rule.instructions.goto is not None])
        self.writes.update(
            [wrote[1] for prepared in rules if (wrote := prepared.rule.instructions.metadata) is not None]
        )
        self.groups.update([group for prepared in rules for group in prepared.groups])
        self.outputs.update([port for prepared in rules for port in prepared.outputs])
        self.size += len(rules)
        self.ported += sum([prepared.port is not None for prepared in rules])

    @property
    def layout(self) -> tuple[object, ...]:
        """Where its rules lead, where they lead packets that they change, which bits of the metadata they write."""
        if self._layout is None:
            counted = self.gotos, self.changing, self.writes
            self._layout = tuple(frozenset(each for each, count in some.items() if count) for some in counted)
        return self._layout

    @property
    def by_port(self) -> bool:
        """Whether rules look at the port a packet came in by, or once did."""
        return any(ported for ported, _, _ in self._kinds)

    def _count(self, prepared: PreparedRule, by: int) -> None:
        goto, wrote = prepared.rule.instructions.goto, prepared.rule.instructions.metadata
        self._layout = None
        self.gotos[goto] += by
        if prepared.rule.instructions.apply:
            self.changing[goto] += by
        if goto is not None:
            self.leads[_lead(prepared)] += by
        if wrote is not None:
            self.writes[wrote[1]] += by
        for group in prepared.groups:
            self.groups[group] += by
        for port in prepared.outputs:
            self.outputs[port] += by
        self.size += by
        if prepared.port is not None:
            self.ported += by
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
        if self.groups[group]:
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


class RegisterContext:
    """Where a table's packets of some registers are: ``candidates`` are what they may meet there now.

    ``users``: who looked, and at which packets: (box, frame) pairs, None for all.
    """

    __slots__ = ("candidates", "users")

    def __init__(self, candidates: RuleList) -> None:
        self.candidates = candidates
        self.users: dict[Any, dict[tuple[Box, HeaderTransform], None] | None] = {}

    def touched(self, space: HeaderSpace, changed: list[PreparedRule] | None) -> list[Any]:
        """Those who looked at packets that these rules (None: any) may take."""
        return [
            user
            for user, record_read in self.users.items()
            if changed is None
            or record_read is None
            or any(cut(space, one, box, frame)[0] for one in changed for box, frame in record_read)
        ]


class RuleList:
    """Rules that agree with a port and registers, by priority."""

    __slots__ = ("__weakref__", "_groups", "_sieve", "_space", "_weight", "levels")

    def __init__(self, space: HeaderSpace, prepared: Iterable[PreparedRule]) -> None:
        self._space = space
        self._groups: frozenset[int] | None = None
        self._weight: int | None = None
        self._sieve: tuple[bool, tuple[int, ...], frozenset[int]] | None = None
        found: dict[int, list[PreparedRule]] = {}
        for one in prepared:
            found.setdefault(one.priority, []).append(one)
        self.levels = tuple([PriorityLevel(found[priority]) for priority in sorted(found, reverse=True)])

    def edited(self, gone: list[PreparedRule], come: list[PreparedRule]) -> RuleList:
        """The same with some rules less and others more; priorities that keep their rules keep their level."""
        made = RuleList(self._space, ())
        levels = {level.priority: level for level in self.levels}
        left = {one.serial for one in gone}
        for priority in {one.priority for one in (*gone, *come)}:
            out, into = ([one for one in some if one.priority == priority] for some in (gone, come))
            level = levels.get(priority)
            held = [one for one in (level.rules if level else ()) if one.serial not in left] + into
            if held:
                levels[priority] = level.edited(held, out, into) if level else PriorityLevel(held)
            else:
                levels.pop(priority, None)
        made.levels = tuple([levels[priority] for priority in sorted(levels, reverse=True)])
        return made

    @property
    def groups(self) -> frozenset[int]:
        """The groups that they send to."""
        if self._groups is None:
            self._groups = frozenset([g for level in self.levels for one in level.rules for g in one.groups])
        return self._groups

    @property
    def weight(self) -> int:
        """What it counts to look packets up: rules that are tried one by one, eight of them as a box."""
        if self._weight is None:
            self._weight = sum(len(level.rules) for level in self.levels if level.key_field is None) >> 3
        return self._weight

    @property
    def acl_filter(self) -> tuple[bool, tuple[int, ...], frozenset[int]]:
        """Whether they do nothing but let packets go on, or clear the action set and stop; the tables they lead to;
        and the slots they look at."""
        if self._sieve is None:
            prepared = [one for level in self.levels for one in level.rules]
            gotos = {to for one in prepared if (to := one.rule.instructions.goto) is not None}
            slots = frozenset(slot for one in prepared for slot, _ in one.limits)
            self._sieve = all(_sifts(one) for one in prepared), tuple(sorted(gotos)), slots
        return self._sieve

    def split(self, box: Box, frame: HeaderTransform) -> Iterator[Hit]:
        """The box in parts, each with the rules that may take it."""
        left = [box]
        for level in self.levels:
            rest: list[Box] = []
            for part in left:
                yield from level.split(self._space, part, frame, rest)
            left = rest
            if not left:
                return
        for part in left:
            yield part, ()


Pool = MutableMapping[tuple[int, ...], RuleList]
"""Candidates by the serials of their rules, shared by all tables of a fabric."""


Lead = tuple[int | None, Limits | None]
"""The table that a rule leads to, and what it looks for; None when it does more."""


def _lead(prepared: PreparedRule) -> Lead:
    todo = prepared.rule.instructions
    more = todo.apply or todo.write or prepared.vid is not None or prepared.pcp is not None
    return todo.goto, None if more else prepared.limits


def _sifts(prepared: PreparedRule) -> bool:
    todo = prepared.rule.instructions
    acts = todo.apply or todo.write or todo.metadata is not None or (todo.clear and todo.goto is not None)
    return not acts and prepared.vid is None
