"""A switch's state: flow tables, groups, meters and ports, and how flow-mods, group-mods and meter-mods change it.

Lives here: what a switch holds, which changes it refuses, counters. Must not know: what a packet meets
(fabric.dataplane.step), bytes on the wire, time (callers pass it).
Source: OpenFlow 1.3.5 §5.2-§5.8 (what is held), §6.4-§6.6 (how it changes).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from clos.fabric import errors
from clos.fabric.dataplane.accept import (
    MAX_GROUP,
    MAX_METER,
    check_group,
    check_meter,
    check_rule,
    leads_to,
)
from clos.fabric.dataplane.action import ALL_GROUPS, ANY_GROUP, ANY_PORT, Group, Output
from clos.fabric.dataplane.counts import Count, Counts
from clos.fabric.dataplane.edits import Edits
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.dataplane.table import FlowTable
from clos.fabric.errors import SwitchError

__all__ = [
    "ALL_METERS",
    "ALL_TABLES",
    "CHECK_OVERLAP",
    "MAX_GROUP",
    "MAX_METER",
    "RESET_COUNTS",
    "Selection",
    "SwitchModel",
]

ALL_TABLES, ALL_METERS = 0xFF, 0xFFFFFFFF
CHECK_OVERLAP, RESET_COUNTS = 1 << 1, 1 << 2
"""Flags of a rule that change how it is added (OFPFF_*, §7.3.4.1)."""

_GROUP, _METER, _CHAIN = "group", "meter", "chain"
_Use = tuple[str, int]


class Selection(NamedTuple):
    """Which rules a modify, delete or statistics request speaks of (§6.4).

    ``priority`` None: every rule whose match is covered by ``match``; a number: strictly the one rule with that
    match and priority. The other fields narrow it; their defaults do not.
    """

    table: int = ALL_TABLES
    match: Match = ANY
    priority: int | None = None
    cookie: int = 0
    cookie_mask: int = 0
    out_port: int = ANY_PORT
    out_group: int = ANY_GROUP


@dataclass(slots=True)
class SwitchModel:
    """One switch. ``ports``: numbers that exist, fixed once packets are handled; ``down``: those without carrier;
    ``capacity``: rules per table.

    Change it only through its methods; ``clone`` gives an independent twin cheaply, counters at zero.
    """

    ports: set[int] = field(default_factory=set)
    down: set[int] = field(default_factory=set)
    tables: dict[int, FlowTable] = field(default_factory=dict)
    groups: dict[int, GroupEntry] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    capacity: int | None = None
    counts: Counts = field(default_factory=Counts)
    edits: Edits = field(default_factory=Edits)
    """What has changed since somebody last looked (fabric.dataplane.megaflows)."""
    _uses: Counter[_Use] = field(default_factory=Counter)

    @classmethod
    def of(cls, state: SwitchState, ports: Iterable[int]) -> SwitchModel:
        """The switch that holds this state. The state is trusted: references are not checked."""
        model = cls(ports=set(ports))
        for rule in state.rules:
            model.table(rule.table).put(rule)
            model._use(_uses(rule.instructions), 1)
        model.groups = {entry.group: entry for entry in state.groups}
        model.meters = {meter.meter: meter for meter in state.meters}
        for entry in state.groups:
            model._use(_chains(entry), 1)
        return model

    def clone(self) -> SwitchModel:
        return SwitchModel(
            ports=set(self.ports),
            down=set(self.down),
            tables={number: table.copy() for number, table in self.tables.items()},
            groups=dict(self.groups),
            meters=dict(self.meters),
            capacity=self.capacity,
            _uses=self._uses.copy(),
        )

    def table(self, number: int) -> FlowTable:
        return self.tables.setdefault(number, FlowTable())

    def rules(self) -> Iterator[Rule]:
        for number in sorted(self.tables):
            yield from self.tables[number]

    def state(self) -> SwitchState:
        """Everything held, in canonical order."""
        return state_of([Block(self.rules(), self.groups.values(), self.meters.values())])

    def lookup(self, table: int, fields: dict[str, int]) -> Rule | None:
        held = self.tables.get(table)
        return held.lookup(fields) if held is not None else None

    # -- flow-mods (§6.4) ----------------------------------------------------------------------------------

    def add(self, rule: Rule, now: float | None = None) -> Rule | None:
        """OFPFC_ADD. Returns the rule it overwrote; its counters live on unless the rule says RESET_COUNTS.

        ``now``: when, for statistics and timeouts; None keeps no time.
        """
        check_rule(rule, self.groups, self.meters)
        table = self.table(rule.table)
        if rule.flags & CHECK_OVERLAP and (other := table.overlapping(rule)) is not None:
            raise SwitchError(errors.OVERLAP, f"{rule} overlaps {other}")
        if self.capacity is not None and len(table) >= self.capacity and table.find(rule.match, rule.priority) is None:
            raise SwitchError(errors.TABLE_FULL, f"table {rule.table} is full: it holds {self.capacity} rules")
        old = table.put(rule)
        self._replace(old, rule, keep=not rule.flags & RESET_COUNTS)
        if now is not None:
            self.counts.started(rule, now)
        return old

    def modify(self, selection: Selection, instructions: Instructions, *, reset: bool = False) -> tuple[Rule, ...]:
        """OFPFC_MODIFY(_STRICT): new instructions for the selected rules, which are returned as they now are.

        Cookie, timeouts, flags and counters stay (``reset`` zeroes the counters). Nothing selected: nothing done.
        """
        chosen = self.select(selection._replace(out_port=ANY_PORT, out_group=ANY_GROUP))
        changed = tuple(rule._replace(instructions=instructions) for rule in chosen)
        for rule in changed:
            check_rule(rule, self.groups, self.meters)
        for old, new in zip(chosen, changed, strict=True):
            self.table(new.table).put(new)
            self._replace(old, new, keep=not reset)
        return changed

    def delete(self, selection: Selection) -> tuple[Rule, ...]:
        """OFPFC_DELETE(_STRICT). Returns the rules that are gone."""
        chosen = self.select(selection)
        for rule in chosen:
            self.forget(rule)
        return chosen

    def select(self, selection: Selection) -> tuple[Rule, ...]:
        """The selected rules, in table order."""
        table, match, priority = selection[:3]
        numbers = sorted(self.tables) if table == ALL_TABLES else [table] if table in self.tables else []
        found: list[Rule] = []
        for number in numbers:
            if priority is None:
                found += self.tables[number].covered(match)
            elif (rule := self.tables[number].find(match, priority)) is not None:
                found.append(rule)
        return tuple(rule for rule in found if _passes(rule, selection))

    def forget(self, rule: Rule) -> None:
        """Take out a rule that is held, by identity."""
        self.edits.rule(rule)
        self.tables[rule.table].remove(rule)
        self.counts.forget_rule(rule)
        self._use(_uses(rule.instructions), -1)

    def _use(self, uses: list[_Use], times: int) -> None:
        for use in uses:
            self._uses[use] += times

    def _replace(self, old: Rule | None, new: Rule, *, keep: bool) -> None:
        """Book-keeping after ``new`` took the place of ``old``."""
        self.edits.rule(new)
        self._use(_uses(new.instructions), 1)
        if old is None:
            return
        self._use(_uses(old.instructions), -1)
        self.counts.moved(old, new, keep=keep)

    def recall(self, rule: Rule, count: Count | None) -> None:
        """Hold a rule that was held before, with what it had counted; nothing is checked (fabric.dataplane.undo)."""
        self.edits.rule(rule)
        self.table(rule.table).put(rule)
        self._use(_uses(rule.instructions), 1)
        self.counts.recall(rule, count)

    def recall_group(self, number: int, entry: GroupEntry | None) -> None:
        """Hold the group as it was before, None for not at all; nothing is checked (fabric.dataplane.undo)."""
        self.edits.group()
        now = self.groups.pop(number, None)
        self._use([] if now is None else _chains(now), -1)
        self.counts.forget_groups((number,))
        if entry is not None:
            self.groups[number] = entry
            self._use(_chains(entry), 1)

    # -- group-mods and meter-mods (§6.5, §6.6) ------------------------------------------------------------

    def add_group(self, entry: GroupEntry) -> None:
        """OFPGC_ADD."""
        if entry.group in self.groups:
            raise SwitchError(errors.GROUP_EXISTS, f"group {entry.group} exists")
        self._put_group(entry)

    def modify_group(self, entry: GroupEntry) -> None:
        """OFPGC_MODIFY: type and buckets are replaced.

        All counters restart, as on Open vSwitch, where §7.3.4.2 has the group's own go on."""
        if entry.group not in self.groups:
            raise SwitchError(errors.UNKNOWN_GROUP, f"group {entry.group} does not exist")
        self._put_group(entry)

    def _put_group(self, entry: GroupEntry) -> None:
        check_group(entry, self.groups)
        self.edits.group()
        old = self.groups.get(entry.group)
        if old is not None:
            self._use(_chains(old), -1)
            self.counts.forget_groups((entry.group,))
        self.groups[entry.group] = entry
        self._use(_chains(entry), 1)

    def delete_group(self, group: int) -> tuple[Rule, ...]:
        """OFPGC_DELETE, ALL_GROUPS for all of them. Rules that use the group go too and are returned.

        An unknown group is no error; one that another group leads to is (CHAINED_GROUP).
        """
        self.edits.group()
        if group == ALL_GROUPS:
            gone = tuple(rule for rule in self.rules() if any(kind == _GROUP for kind, _ in _uses(rule.instructions)))
            for rule in gone:
                self.forget(rule)
            for held in self.groups.values():
                self._use(_chains(held), -1)
            self.counts.forget_groups(self.groups)
            self.groups.clear()
            return gone
        entry = self.groups.get(group)
        if entry is None:
            return ()
        if self._uses[_CHAIN, group] > 0:
            raise SwitchError(errors.CHAINED_GROUP, f"another group leads to group {group}")
        gone = self._remove_users((_GROUP, group))
        self._use(_chains(entry), -1)
        del self.groups[group]
        self.counts.forget_groups((group,))
        return gone

    def _remove_users(self, use: _Use) -> tuple[Rule, ...]:
        if self._uses[use] <= 0:
            return ()
        gone = tuple(rule for rule in self.rules() if use in _uses(rule.instructions))
        for rule in gone:
            self.forget(rule)
        return gone

    def add_meter(self, meter: Meter) -> None:
        """OFPMC_ADD."""
        check_meter(meter)
        if meter.meter in self.meters:
            raise SwitchError(errors.METER_EXISTS, f"meter {meter.meter} exists")
        self.meters[meter.meter] = meter

    def modify_meter(self, meter: Meter) -> None:
        """OFPMC_MODIFY."""
        if meter.meter not in self.meters:
            raise SwitchError(errors.UNKNOWN_METER, f"meter {meter.meter} does not exist")
        self.meters[meter.meter] = meter

    def delete_meter(self, meter: int) -> tuple[Rule, ...]:
        """OFPMC_DELETE, ALL_METERS for all of them. Rules that use the meter go too and are returned."""
        chosen = tuple(self.meters) if meter == ALL_METERS else (meter,) if meter in self.meters else ()
        gone: tuple[Rule, ...] = ()
        for number in chosen:
            gone += self._remove_users((_METER, number))
            del self.meters[number]
        return gone

    def group_users(self, group: int) -> int:
        """How many references rules and other groups make to the group."""
        return self._uses[_GROUP, group] + self._uses[_CHAIN, group]

    def meter_users(self, meter: int) -> int:
        """How many rules go through the meter."""
        return self._uses[_METER, meter]


def _uses(instructions: Instructions) -> list[_Use]:
    """The groups and the meter that these instructions name."""
    found = [(_GROUP, a.group) for a in (*instructions.apply, *instructions.write) if type(a) is Group]
    if instructions.meter is not None:
        found.append((_METER, instructions.meter))
    return found


def _chains(entry: GroupEntry) -> list[_Use]:
    """The groups that this one's buckets lead to."""
    return [(_CHAIN, group) for group in leads_to(entry)]


def _passes(rule: Rule, selection: Selection) -> bool:
    """Whether the rule is within the cookie, port and group of a selection."""
    if (rule.cookie ^ selection.cookie) & selection.cookie_mask:
        return False
    if selection.out_port == ANY_PORT and selection.out_group == ANY_GROUP:
        return True
    actions = (*rule.instructions.apply, *rule.instructions.write)
    ports = {action.port for action in actions if isinstance(action, Output)} | {ANY_PORT}
    groups = {action.group for action in actions if isinstance(action, Group)} | {ANY_GROUP}
    return selection.out_port in ports and selection.out_group in groups
