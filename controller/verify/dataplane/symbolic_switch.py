"""A switch as the prover sees it: its tables, its groups with liveness; both may be edited.

Lives here: what can be said of a switch whatever packets are asked about, and who said they had looked. Must not know:
what becomes of packets (``pipeline``), links. Source: OpenFlow 1.3.5 §5.3, §5.6 (groups).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from clos.controller.verify.dataplane.flow_table import Pool, RegisterContext, RuleList, SymbolicTable
from clos.controller.verify.dataplane.locations import ANY_LINK, PortMatters
from clos.controller.verify.dataplane.memo import Dependent, Readers
from clos.controller.verify.dataplane.outcome import AclFilter
from clos.controller.verify.dataplane.prepared_rule import PreparedRule
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace, Limits, limits_of
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import ALL, FAST_FAILOVER, SELECT, Bucket, GroupEntry, Rule

Changed = tuple[list[tuple[Box, HeaderTransform]], list[Box]]
"""Packets that go on, in parts, and what they look like then; and those that are gone."""
Changes = dict[tuple[tuple[Any, ...], Box, HeaderTransform], Changed]
"""What actions make of packets."""
Filters = dict[tuple[tuple[int, int], ...], tuple[AclFilter | None, tuple[tuple[int, RuleList], ...]]]
"""Filters by what they are made of, shared by all switches of a fabric; what they are made of lives on with them."""

FLOODS = frozenset({act.ALL, act.FLOOD})
BY_PORT = FLOODS | {act.IN_PORT}
"""Outputs that depend on the port a packet came in by."""


class DependencyRecorder(Protocol):
    """Remembers who looked at what."""

    def record_read(self, cell: RegisterContext, box: Box, frame: HeaderTransform) -> None:
        """Packets were looked up among a cell's rules."""


class BucketChoice(NamedTuple):
    """A group's buckets that packets may take; ``sends``: ports at which it matters whether a packet came in there,
    None = all; ``pushes``: every bucket puts a tag on, so that the outermost one before is none of its business."""

    entry: GroupEntry
    chosen: list[Bucket]
    sends: frozenset[int] | None
    pushes: bool


class SymbolicSwitch:
    """A switch as the prover sees it, which may be edited. ``ports``: all that exist; ``links``: those that
    lead to switches; ``dead``: without carrier."""

    __slots__ = (
        "_apart",
        "_asked",
        "_askers",
        "_crowded",
        "_filters",
        "_flooding",
        "_onlookers",
        "_pool",
        "_sieves",
        "_users",
        "_watchers",
        "_ways",
        "changed",
        "dead",
        "groups",
        "links",
        "name",
        "ports",
        "space",
        "tables",
    )

    def __init__(
        self,
        name: str,
        space: HeaderSpace,
        rules: Iterable[PreparedRule],
        groups: Iterable[GroupEntry],
        ports: Iterable[int],
        links: Iterable[int],
        dead: frozenset[int],
        shared: tuple[Pool, Filters, Changes],
    ) -> None:
        self.name, self.space = name, space
        self._pool, self._filters, self.changed = shared
        held: dict[int, list[PreparedRule]] = {}
        for prepared in rules:
            held.setdefault(prepared.rule.table, []).append(prepared)
        self.tables = {number: SymbolicTable(space, some, self._pool) for number, some in held.items()}
        self.groups = {entry.group: entry for entry in groups}
        self._ways: dict[int, BucketChoice] = {}
        self._asked: dict[tuple[int, int], None] = {}
        self._sieves: dict[tuple[int, int, int, int], tuple[AclFilter | None, list[RegisterContext]]] = {}
        self._apart: dict[int, frozenset[int] | None] = {}
        self._askers: dict[int, dict[Any, None]] = {}
        self._crowded: frozenset[int] | None = None
        self._flooding: bool | None = None
        self._users: dict[int, dict[Any, None]] = {}
        self._watchers: dict[int, dict[Any, None]] = {}
        self._onlookers: dict[int, dict[Any, None]] = {}
        self.ports, self.links, self.dead = frozenset(ports), frozenset(links), dead

    def table(self, number: int) -> SymbolicTable:
        """A flow table; one that holds nothing is empty."""
        found = self.tables.get(number)
        if found is None:
            found = self.tables[number] = SymbolicTable(self.space, (), self._pool)
        return found

    def edit(
        self, gone: list[PreparedRule], come: list[PreparedRule], groups: Mapping[int, GroupEntry | None]
    ) -> list[Dependent]:
        """Take rules away, put others in, and have other groups (None: none). All those who looked at what changed."""
        tables: dict[int, tuple[list[PreparedRule], list[PreparedRule]]] = {}
        for which, some in enumerate((gone, come)):
            for prepared in some:
                tables.setdefault(prepared.rule.table, ([], []))[which].append(prepared)
        users: list[Dependent] = []
        apart = dict(self._apart)
        for number, (out, into) in tables.items():
            for cell, changed in self.table(number).edit(out, into):
                users += [Dependent(user, cell, changed) for user in cell.touched(self.space, changed)]
        self._sieves.clear()
        if groups:
            users += map(Dependent, self._regroup(groups))
        self._apart.clear()
        self._crowded = None
        for number, ports in apart.items():
            if self.apart(number) != ports:
                users += [Dependent(user) for user in self._askers.get(number, ())]
        return users

    def _regroup(self, groups: Mapping[int, GroupEntry | None]) -> Iterator[Any]:
        """Have other groups. Those who looked at them, or at whether others live that now do not, or now do."""
        lived = {number: self.lives(number) for number in self._watchers}
        seen = {number: self.sketch(number) for number in self._onlookers}
        for number, entry in groups.items():
            if entry is None:
                self.groups.pop(number, None)
            else:
                self.groups[number] = entry
            yield from self._users.get(number, ())
        self._ways.clear()
        self._flooding = None
        for number, lives in lived.items():
            if self.lives(number) != lives:
                yield from self._watchers[number]
        for number, sketch in seen.items():
            if self.sketch(number) != sketch:
                yield from self._onlookers[number]

    def own(self, rule: Rule) -> Rule:
        """The rule that the switch holds with this one's priority and match: its cookie may be another."""
        for prepared in self.table(rule.table).every():
            if prepared.priority == rule.priority and prepared.rule.match == rule.match:
                return prepared.rule
        return rule

    def registers(self) -> Iterator[Readers]:
        """Who reads what of the switch: its cells, its groups, what follows from a table on."""
        for table in self.tables.values():
            yield from (cell.users for cell in table.cells())
        for registers in (self._users, self._watchers, self._onlookers, self._askers):
            yield from registers.values()

    def drop_unread(self) -> None:
        """Forget what nobody reads."""
        for table in self.tables.values():
            table.drop_unread()
        for registers in (self._users, self._watchers, self._onlookers, self._askers):
            for number in [number for number, readers in registers.items() if not readers]:
                del registers[number]

    def forget_filters(self) -> None:
        self._sieves.clear()

    def read_by(self, reader: Any, group: int) -> None:
        """Somebody looked at a group's buckets, and is to hear when these change, or come to life or die."""
        self._users.setdefault(group, {})[reader] = None
        entry = self.groups.get(group)
        for bucket in entry.buckets if entry is not None else ():
            if bucket.watch_group is not None:
                self._watchers.setdefault(bucket.watch_group, {})[reader] = None

    def sketched_for(self, reader: Any, group: int) -> None:
        """Somebody asked for a group's sketch, and is to hear when that changes."""
        self._onlookers.setdefault(group, {})[reader] = None

    def sketch(self, group: int) -> tuple[object, ...] | None:
        """A group as those see it who leave what it does to others: at which ports it matters whether packets came in
        there, whether it puts a tag on, whether it does anything. None: there is none."""
        entry = self.groups.get(group)
        if entry is None:
            return None
        _, chosen, sends, pushes = self.way(entry)
        return bool(chosen), sends, pushes, self.sends(group)

    def lives(self, group: int) -> bool:
        """Whether any bucket of a group does."""
        entry = self.groups.get(group)
        return entry is not None and any(self.alive(each) for each in entry.buckets)

    def cell(self, number: int, port: int, metadata: int, tunnel: int) -> RegisterContext:
        """The rules of a table that packets with these registers may meet."""
        table = self.table(number)
        if port == ANY_LINK and table.by_port:
            raise PortMatters
        return table.cell(port, metadata, tunnel)

    def filter(
        self, number: int, port: int, metadata: int, tunnel: int, reader: DependencyRecorder
    ) -> AclFilter | None:
        """What tables from this one on do, when all they do is to let packets go on or to stop them."""
        known = self._sieves.get((number, port, metadata, tunnel))
        if known is not None:
            for cell in known[1]:
                reader.record_read(cell, self.space.full, UNCHANGED)
            return known[0]
        cells: list[RegisterContext] = []
        found = self._filter(number, port, metadata, tunnel, reader, cells)
        self._sieves[number, port, metadata, tunnel] = found, cells
        return found

    def _filter(
        self,
        number: int,
        port: int,
        metadata: int,
        tunnel: int,
        reader: DependencyRecorder,
        cells: list[RegisterContext],
    ) -> AclFilter | None:
        """The same, not from memory; ``cells`` takes those that were looked at."""
        met: list[tuple[int, RuleList]] = []
        waiting = [number]
        while waiting:
            here = waiting.pop()
            cell = self.cell(here, port, metadata, tunnel)
            cells.append(cell)
            reader.record_read(cell, self.space.full, UNCHANGED)
            only_filters, gotos, _ = cell.candidates.acl_filter
            if not only_filters or not cell.candidates.levels:
                return None
            met.append((here, cell.candidates))
            waiting += [goto for goto in gotos if all(goto != seen for seen, _ in met) and goto not in waiting]
        key = tuple([(here, id(found)) for here, found in met])
        if key not in self._filters:
            self._filters[key] = _acl_filter(self.space, number, dict(met)), tuple(met)
        return self._filters[key][0]

    def dependents(self, number: int) -> dict[Any, None]:
        """Those who asked which ports matter from a table on."""
        return self._askers.setdefault(number, {})

    def apart(self, number: int) -> frozenset[int] | None:
        """The links by which packets may have come in to whom that matters from a table on; None when it may to all."""
        if number not in self._apart:
            self._apart[number] = self._ports_from(number)
        return self._apart[number]

    def reached(self, number: int) -> set[int]:
        """The tables that packets can come to from one, itself among them."""
        waiting, seen = [number], {number}
        while waiting:
            table = self.tables.get(waiting.pop())
            gotos = table.gotos.items() if table is not None else ()
            more = {goto for goto, count in gotos if goto is not None and count} - seen
            seen |= more
            waiting += more
        return seen

    def between(self, table: int, number: int) -> tuple[Limits, ...]:
        """What packets at a table must look like to get to another, which none of those on the way changes; perhaps
        more of them than do. Asked once, it is part of the layout."""
        self._asked[table, number] = None
        found: dict[Limits, None] = {}
        for (goto, limits), count in self.table(table).leads.items():
            if count and goto is not None and number in self.reached(goto):
                if limits is None:
                    return ((),)
                found[limits] = None
        return tuple(found)

    def kept(self, number: int) -> int:
        """The bits of the metadata that no rule writes from a table on."""
        written = 0
        for table in (self.tables[each] for each in self.reached(number) if each in self.tables):
            for mask, count in table.writes.items():
                written |= mask if count else 0
        return ~written

    def layout(self) -> tuple[object, ...]:
        """What tables do to packets as a whole: which are crowded, where each leads, what it may change on the way."""
        tables = [(number, table.layout) for number, table in self.tables.items()]
        return self.class_tables(), *tables, *[self.between(*asked) for asked in self._asked]

    def class_tables(self) -> frozenset[int]:
        """The tables that do the same wherever packets came in, but for what goes back there: no rule floods, and not
        every one looks at the port."""
        if self._crowded is None:
            some = {number for number, table in self.tables.items() if number and table.size > table.ported}
            self._crowded = frozenset(number for number in some if not self._floods(number))
        return self._crowded

    def _floods(self, number: int) -> bool:
        tables = [self.tables[each] for each in self.reached(number) if each in self.tables]
        if any(table.outputs[act.ALL] or table.outputs[act.FLOOD] for table in tables):
            return True
        if self._flooding is None:
            sent = (port for entry in self.groups.values() for port in self._sent(entry))
            self._flooding = any(port in (act.ALL, act.FLOOD) for port in sent)
        if not self._flooding:
            return False
        groups = {group for table in tables for group, count in table.groups.items() if count}
        return any(not self.sends(group).isdisjoint((act.ALL, act.FLOOD)) for group in groups)

    @staticmethod
    def _sent(entry: GroupEntry) -> Iterator[int]:
        """The ports that a group's own buckets name."""
        return (a.port for bucket in entry.buckets for a in bucket.actions if type(a) is act.Output)

    def carried(self, write: tuple[Any, ...]) -> tuple[frozenset[int], tuple[int, ...]]:
        """The ports that an action set names, its groups' too; and these groups."""
        ports = {action.port for action in write if type(action) is act.Output}
        groups = tuple(action.group for action in write if type(action) is act.Group)
        return frozenset(ports.union(*map(self.sends, groups))), groups

    def _ports_from(self, number: int) -> frozenset[int] | None:
        found: set[int] = set()
        for table in (self.tables[each] for each in self.reached(number) if each in self.tables):
            if table.ported:
                return None
            found |= {port for port, count in table.outputs.items() if count}
            for group, count in table.groups.items():
                found |= self.sends(group) if count else set()
        return self.links & found if found.isdisjoint(BY_PORT) else None

    def alive(self, bucket: Bucket) -> bool:
        """A bucket lives while a port or group that it watches does, or if it watches none (§5.6.1)."""
        waiting, seen = [bucket], set[int]()
        while waiting:
            port, watched = (each := waiting.pop()).watch_port, each.watch_group
            if port is None and watched is None:
                return True
            if port is not None and port in self.ports and port not in self.dead:
                return True
            if watched is not None and watched not in seen and watched in self.groups:
                seen.add(watched)
                waiting += self.groups[watched].buckets
        return False

    def buckets(self, entry: GroupEntry) -> list[Bucket]:
        """The buckets packets may take."""
        alive = self.alive
        if entry.type == SELECT:
            return [bucket for bucket in entry.buckets if bucket.weight and alive(bucket)]
        if entry.type == FAST_FAILOVER:
            return [bucket for bucket in entry.buckets if alive(bucket)][:1]
        return list(entry.buckets if entry.type == ALL else entry.buckets[:1])

    def way(self, entry: GroupEntry) -> BucketChoice:
        """How packets go through a group; worked out once."""
        known = self._ways.get(entry.group)
        if known is None:
            chosen, sends = self.buckets(entry), self.sends(entry.group)
            anywhere = not sends.isdisjoint(BY_PORT)
            pushes = all(any(type(action) is act.PushVlan for action in bucket.actions) for bucket in chosen)
            known = self._ways[entry.group] = BucketChoice(entry, chosen, None if anywhere else sends, pushes)
        return known

    def sends(self, number: int) -> frozenset[int]:
        """The ports that a group's live buckets name, its chained groups' too."""
        found: set[int] = set()
        waiting, seen = [number], {number}
        while waiting:
            entry = self.groups.get(waiting.pop())
            actions = [a for bucket in self.buckets(entry) for a in bucket.actions] if entry is not None else []
            found.update(a.port for a in actions if isinstance(a, act.Output))
            more = {a.group for a in actions if isinstance(a, act.Group)} - seen
            seen |= more
            waiting += more
        return frozenset(found)


MAX_ROWS = 100_000
"""Rows of a filter; tables that part packets in more ways are followed packet set by packet set."""


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
