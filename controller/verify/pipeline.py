"""One switch and all packets at once: OpenFlow 1.3's pipeline over boxes.

Lives here: instructions, action lists, action sets, groups with liveness. What leaves by a port is the caller's
business (``leave``). Written from the specification, not from the evaluator: the two are witnesses of each other.
Meters let everything pass: rates are no claim of the prover's.

Source: OpenFlow 1.3.5 §5.1, §5.6 (groups), §5.9 (instructions), §5.10 (action sets), §5.12 (actions).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, Protocol

from controller.verify.domain import Unmodelled
from controller.verify.frame import SAME, Frame
from controller.verify.outcome import DROPPED, Filter, Gated, Partition, Piece, any_of, arrives, both, joined, plain
from controller.verify.ready import Ready, State
from controller.verify.rewrite import rewrite
from controller.verify.space import Box, Limits, Space, limits_of
from controller.verify.tables import Candidates, Cell, Pool, Table
from fabric import action as act
from fabric.fields import FIELDS
from fabric.rule import ALL, FAST_FAILOVER, SELECT, Bucket, GroupEntry, Instructions, Rule
from fabric.topology import PortRef

MAX_CHAIN = 32
"""Groups nested deeper lead back to themselves; a switch cuts them."""

_RANK: dict[type, int] = {
    act.CopyTtlIn: 1, act.PopVlan: 2, act.PopMpls: 2, act.PopPbb: 2, act.PushMpls: 3, act.PushPbb: 4, act.PushVlan: 5,
    act.CopyTtlOut: 6, act.DecNwTtl: 7, act.DecMplsTtl: 7, act.SetField: 8, act.Move: 8, act.SetNwTtl: 8,
    act.SetMplsTtl: 8, act.SetQueue: 9, act.Group: 10, act.Output: 11,
}  # fmt: skip
"""The order of an action set (§5.10)."""

Changed = tuple[list[tuple[Box, Frame]], list[Box]]
"""Packets that go on, in parts, and what they look like then; and those that are gone."""
Changes = dict[tuple[tuple[Any, ...], Box, Frame], Changed]
"""What actions make of packets."""
Filters = dict[tuple[tuple[int, int], ...], tuple[Filter | None, tuple[tuple[int, Candidates], ...]]]
"""Filters by what they are made of, shared by all switches of a fabric; what they are made of lives on with them."""


class Beyond(Protocol):
    """What lies beyond a switch: links and hosts; and the memory that serves all switches."""

    def leave(self, port: PortRef, state: State, tell: Tell | None) -> Partition:
        """What becomes of packets that leave by a port which is up."""

    def recall(self, where: GroupAt, state: State, broad: bool) -> Partition:
        """What becomes of packets at a group, remembered; ``broad``: whatever their outermost tag is."""

    def looked(self, cell: Cell, box: Box, frame: Frame) -> None:
        """Packets were looked up among a cell's rules."""

    def grouped(self, model: Model, group: int) -> None:
        """A group was looked up."""


class Place(NamedTuple):
    """A table of a switch, with the registers that packets have there; ``port``: where they came in by, when that
    matters, else 0."""

    switch: str
    port: int
    table: int
    metadata: int
    tunnel: int
    write: tuple[Any, ...]


Then = Callable[[State], Partition]
Defer = Callable[["Visit", int, State], Partition | None]
Tell = Callable[[str, str, Rule | None], None]
"""Hears, for a trace, what happens: a line, the switch, the rule if one was met."""


class Touch(NamedTuple):
    """Somebody who looked at something that changed: at these rules of a cell, or (None) at anything."""

    user: Any
    cell: Cell | None = None
    changed: list[Ready] | None = None


class GroupAt(NamedTuple):
    """A group of a switch; ``port``: where packets came in by, when that matters, else 0."""

    switch: str
    group: int
    port: int


SOMEWHERE = 0
"""The port packets came in by when that is some host's port, it does not matter which: what goes back by it goes to
port IN_PORT, what goes out by a host's port is taken not to have come in there."""
ELSEWHERE = -1
"""The port packets came in by when that is any link but those that they are sent out by: ``Visit.ports``."""


class PortMatters(Exception):
    """Packets that came in by any link were asked about, and it matters by which."""


class Model:
    """A switch as the prover sees it, which may be edited. ``ports``: all that exist; ``links``: those that
    lead to switches; ``dead``: without carrier."""

    __slots__ = (
        "_apart",
        "_asked",
        "_askers",
        "_behind",
        "_crowded",
        "_filters",
        "_flooding",
        "_pool",
        "_sieves",
        "_users",
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
        space: Space,
        rules: Iterable[Ready],
        groups: Iterable[GroupEntry],
        ports: Iterable[int],
        links: Iterable[int],
        dead: frozenset[int],
        shared: tuple[Pool, Filters, Changes],
    ) -> None:
        self.name, self.space = name, space
        self._pool, self._filters, self.changed = shared
        held: dict[int, list[Ready]] = {}
        for ready in rules:
            held.setdefault(ready.rule.table, []).append(ready)
        self.tables = {number: Table(space, some, self._pool) for number, some in held.items()}
        self.groups = {entry.group: entry for entry in groups}
        self._ways: dict[int, Way] = {}
        self._asked: dict[tuple[int, int], None] = {}
        self._behind: dict[int, frozenset[int]] = {}
        self._sieves: dict[tuple[int, int, int, int], tuple[Filter | None, list[Cell]]] = {}
        self._apart: dict[int, frozenset[int] | None] = {}
        self._askers: dict[int, dict[Any, None]] = {}
        self._crowded: frozenset[int] | None = None
        self._flooding: bool | None = None
        self._users: dict[int, dict[Any, None]] = {}
        self.ports, self.links, self.dead = frozenset(ports), frozenset(links), dead

    def table(self, number: int) -> Table:
        """A flow table; one that holds nothing is empty."""
        found = self.tables.get(number)
        if found is None:
            found = self.tables[number] = Table(self.space, (), self._pool)
        return found

    def edit(self, gone: list[Ready], come: list[Ready], groups: Mapping[int, GroupEntry | None]) -> list[Touch]:
        """Take rules away, put others in, and have other groups (None: none). All those who looked at what changed."""
        tables: dict[int, tuple[list[Ready], list[Ready]]] = {}
        for which, some in enumerate((gone, come)):
            for ready in some:
                tables.setdefault(ready.rule.table, ([], []))[which].append(ready)
        users: list[Touch] = []
        apart = dict(self._apart)
        for number, (out, into) in tables.items():
            for cell, changed in self.table(number).edit(out, into):
                users += [Touch(user, cell, changed) for user in cell.touched(self.space, changed)]
        for number, entry in groups.items():
            if entry is None:
                self.groups.pop(number, None)
            else:
                self.groups[number] = entry
            users += [Touch(user) for user in self._users.get(number, ())]
        self._sieves.clear()
        if groups:
            self._ways.clear()
            self._behind.clear()
            self._flooding = None
        self._apart.clear()
        self._crowded = None
        for number, ports in apart.items():
            if self.apart(number) != ports:
                users += [Touch(user) for user in self._askers.get(number, ())]
        return users

    def own(self, rule: Rule) -> Rule:
        """The rule that the switch holds with this one's priority and match: its cookie may be another."""
        for ready in self.table(rule.table).every():
            if ready.priority == rule.priority and ready.rule.match == rule.match:
                return ready.rule
        return rule

    def users(self, group: int) -> dict[Any, None]:
        """Those who looked a group up; it need not exist."""
        return self._users.setdefault(group, {})

    def behind(self, number: int) -> frozenset[int]:
        """The groups that decide what a group does: itself, those it sends to, those whose liveness it watches."""
        known = self._behind.get(number)
        if known is None:
            waiting, seen = [number], {number}
            while waiting:
                entry = self.groups.get(waiting.pop())
                for bucket in entry.buckets if entry is not None else ():
                    more = {a.group for a in bucket.actions if isinstance(a, act.Group)}
                    more |= set() if bucket.watch_group is None else {bucket.watch_group}
                    more -= seen
                    seen |= more
                    waiting += more
            known = self._behind[number] = frozenset(seen)
        return known

    def cell(self, number: int, port: int, metadata: int, tunnel: int) -> Cell:
        """The rules of a table that packets with these registers may meet."""
        table = self.table(number)
        if port == ELSEWHERE and table.by_port:
            raise PortMatters
        return table.cell(port, metadata, tunnel)

    def filter(self, number: int, port: int, metadata: int, tunnel: int, beyond: Beyond) -> Filter | None:
        """What tables from this one on do, when all they do is to let packets go on or to stop them."""
        known = self._sieves.get((number, port, metadata, tunnel))
        if known is not None:
            for cell in known[1]:
                beyond.looked(cell, self.space.full, SAME)
            return known[0]
        cells: list[Cell] = []
        found = self._filter(number, port, metadata, tunnel, beyond, cells)
        self._sieves[number, port, metadata, tunnel] = found, cells
        return found

    def _filter(
        self, number: int, port: int, metadata: int, tunnel: int, beyond: Beyond, cells: list[Cell]
    ) -> Filter | None:
        """The same, not from memory; ``cells`` takes those that were looked at."""
        met: list[tuple[int, Candidates]] = []
        waiting = [number]
        while waiting:
            here = waiting.pop()
            cell = self.cell(here, port, metadata, tunnel)
            cells.append(cell)
            beyond.looked(cell, self.space.full, SAME)
            sifts, gotos, _ = cell.candidates.sieve
            if not sifts or not cell.candidates.levels:
                return None
            met.append((here, cell.candidates))
            waiting += [goto for goto in gotos if all(goto != seen for seen, _ in met) and goto not in waiting]
        key = tuple([(here, id(found)) for here, found in met])
        if key not in self._filters:
            self._filters[key] = _sieve(self.space, number, dict(met)), tuple(met)
        return self._filters[key][0]

    def askers(self, number: int) -> dict[Any, None]:
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
        return self.crowded(), *tables, *[self.between(*asked) for asked in self._asked]

    def crowded(self) -> frozenset[int]:
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

    def alive(self, bucket: Bucket, asked: frozenset[int] = frozenset()) -> bool:
        """A bucket lives while a port or group that it watches does, or if it watches none (§5.6.1)."""
        port, watched = bucket.watch_port, bucket.watch_group
        if port is None and watched is None:
            return True
        if port is not None and port in self.ports and port not in self.dead:
            return True
        if watched is None or watched in asked or watched not in self.groups:
            return False
        return any(self.alive(each, asked | {watched}) for each in self.groups[watched].buckets)

    def buckets(self, entry: GroupEntry) -> list[Bucket]:
        """The buckets packets may take."""
        alive = self.alive
        if entry.type == SELECT:
            return [bucket for bucket in entry.buckets if bucket.weight and alive(bucket)]
        if entry.type == FAST_FAILOVER:
            return [bucket for bucket in entry.buckets if alive(bucket)][:1]
        return list(entry.buckets if entry.type == ALL else entry.buckets[:1])

    def way(self, entry: GroupEntry) -> Way:
        """How packets go through a group; worked out once."""
        known = self._ways.get(entry.group)
        if known is None:
            chosen, sends = self.buckets(entry), self.sends(entry.group)
            anywhere = not sends.isdisjoint(BY_PORT)
            pushes = all(any(type(action) is act.PushVlan for action in bucket.actions) for bucket in chosen)
            known = self._ways[entry.group] = Way(entry, chosen, None if anywhere else sends, pushes)
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


class Way(NamedTuple):
    """A group's buckets that packets may take; ``sends``: ports at which it matters whether a packet came in there,
    None = all; ``pushes``: every bucket puts a tag on, so that the outermost one before is none of its business."""

    entry: GroupEntry
    chosen: list[Bucket]
    sends: frozenset[int] | None
    pushes: bool


FLOODS = frozenset({act.ALL, act.FLOOD})
BY_PORT = FLOODS | {act.IN_PORT}
"""Outputs that depend on the port a packet came in by."""


class Visit:
    """Packets at one switch, by the port they came in at. ``tell`` hears what happens, for traces; ``defer`` may leave
    what a table does for later. ``ports``: of packets that came in ELSEWHERE, those that they are sent out by."""

    __slots__ = ("beyond", "defer", "model", "port", "ports", "tell")

    def __init__(
        self, model: Model, port: int, beyond: Beyond, tell: Tell | None = None, defer: Defer | None = None
    ) -> None:
        self.model, self.port, self.beyond, self.tell, self.defer = model, port, beyond, tell, defer
        self.ports: set[int] = set()

    def matters(self, ports: Collection[int] | None) -> bool:
        """Whether it matters by which port packets came in, when they may be sent to these (None: to any)."""
        if self.port == ELSEWHERE:
            if ports is None:
                raise PortMatters
            self.ports.update(ports)
            return False
        return ports is None or self.port in ports

    def table(self, number: int, state: State) -> Partition:
        """What becomes of packets that go to a table."""
        if state.write and self.tell is None:
            sieve = self.model.filter(number, self.port, state.metadata, state.tunnel, self.beyond)
            if sieve is not None and not any(slot in sieve.slots for slot, _ in state.frame.over):
                return self.gated(sieve, state)
        cell = self.model.cell(number, self.port, state.metadata, state.tunnel)
        self.beyond.looked(cell, state.box, state.frame)
        found: list[Partition] = []
        for box, rules in cell.candidates.split(state.box, state.frame):
            here = State(box, *state[1:])
            if not rules:
                self.say(f"  table {number}: no rule matched")
                found.append(_end(here))
                continue
            if self.tell is not None:
                for rule in map(self.model.own, rules):
                    self.tell(f"  {rule} cookie {rule.cookie:#x}", self.model.name, rule)
            found.append(any_of([self.perform(rule.instructions, here) for rule in rules]))
        return found[0] if len(found) == 1 else list(chain.from_iterable(found))

    def gated(self, sieve: Filter, state: State) -> Partition:
        """What becomes of packets that a filter lets execute their action set, or stops."""
        done = plain(self.apply(in_order(state.write), state, 0, _end))
        return [(box, outcome if outcome == DROPPED else Gated(sieve, outcome)) for box, outcome in done]

    def say(self, text: str) -> None:
        if self.tell is not None:
            self.tell(text, self.model.name, None)

    def perform(self, todo: Instructions, state: State) -> Partition:
        """A rule's instructions in the order of §5.9."""
        if todo.apply:
            return self.apply(todo.apply, state, 0, lambda after: self.proceed(todo, after))
        return self.proceed(todo, state)

    def proceed(self, todo: Instructions, state: State) -> Partition:
        """What follows the applied actions."""
        write = () if todo.clear else state.write
        for action in todo.write:
            write = written(write, action)
        metadata = state.metadata
        if todo.metadata is not None:
            value, mask = todo.metadata
            metadata = metadata & ~mask | value & mask
        state = State(state.box, state.frame, metadata, state.tunnel, write)
        if todo.goto is None:
            return self.apply(in_order(write), state, 0, _end)
        left = None if self.defer is None else self.defer(self, todo.goto, state)
        return self.table(todo.goto, state) if left is None else left

    def apply(self, actions: tuple[Any, ...], state: State, depth: int, then: Then) -> Partition:
        """Actions one after the other, then ``then``: sends are copies, changes hold for what follows."""
        for i, action in enumerate(actions):
            if isinstance(action, act.Output | act.Group):
                if isinstance(action, act.Output):
                    sent = self.output(action.port, state)
                else:
                    sent = self.group(action.group, state, depth)
                if i + 1 == len(actions) and then is _end:
                    return sent
                return joined(sent, self.apply(actions[i + 1 :], state, depth, then), both)
            goes_on, gone = rewrite(self.model.space, action, state)
            if len(goes_on) != 1 or gone:
                found: list[Piece] = [(box, DROPPED) for box in gone]
                for part in goes_on:
                    found += self.apply(actions[i + 1 :], part, depth, then)
                return found
            state = goes_on[0]
        return then(state)

    def leave(self, port: int, state: State) -> Partition:
        return self.beyond.leave(PortRef(self.model.name, port), state, self.tell)

    def output(self, port: int, state: State) -> Partition:
        """An output action (§5.12, §7.2.5.1); one to the port the packet came in by goes nowhere (§5.12)."""
        model = self.model
        if port == act.CONTROLLER:
            return [(state.box, arrives(model.name, act.CONTROLLER, state.frame))]
        self.matters(None if port in BY_PORT else (port,))
        if port in (act.ALL, act.FLOOD):
            if self.port == SOMEWHERE:
                raise Unmodelled(f"a flood from some port of {model.name}")
            found = _end(state)
            for each in sorted(model.ports - model.dead - {self.port}):
                found = joined(found, self.leave(each, state), both)
            return found
        if port in (act.NORMAL, act.LOCAL):
            raise Unmodelled(f"output to {act.port_text(port)} on {model.name}")
        if port == act.IN_PORT and self.port == SOMEWHERE:
            return [(state.box, arrives(model.name, act.IN_PORT, state.frame))]
        where = self.port if port == act.IN_PORT else port
        suppressed = port == self.port or where not in model.ports or where in model.dead
        if self.tell is not None:
            self.say(f"  output to port {where}" + (": nothing leaves" if suppressed else ""))
        return _end(state) if suppressed else self.leave(where, state)

    def group(self, number: int, state: State, depth: int, through: bool = False) -> Partition:
        """A group (§5.6): copies through all buckets, or through any live one, or through the first live one.

        ``through``: not from memory.
        """
        self.beyond.grouped(self.model, number)
        entry = self.model.groups.get(number)
        if entry is None or depth >= MAX_CHAIN:
            self.say(f"  group {number}: does not exist" if entry is None else f"  group {number}: chained too deep")
            return _end(state)
        way = self.model.way(entry)
        if not way.chosen:
            self.say(f"  group {number} ({entry.type}): no live bucket")
            return _end(state)
        if through:
            return self.through(way, state, depth)
        if self.tell is not None:
            self.say(f"  group {number} ({entry.type}): {len(way.chosen)} of {len(entry.buckets)} buckets")
            return self.through(way, state, depth)
        where = GroupAt(self.model.name, number, self.port if self.matters(way.sends) else SOMEWHERE)
        return self.beyond.recall(where, state, way.pushes)

    def through(self, way: Way, state: State, depth: int) -> Partition:
        """What becomes of packets that a group sends through its buckets."""
        parts = [self.bucket(bucket, state, depth) for bucket in way.chosen]
        if way.entry.type == SELECT:
            return any_of(parts)
        found = parts[0]
        for part in parts[1:]:
            found = joined(found, part, both)
        return found

    def bucket(self, bucket: Bucket, state: State, depth: int) -> Partition:
        """A bucket is an action set, run on a copy (§5.6, §5.10)."""
        write: tuple[Any, ...] = ()
        for action in bucket.actions:
            write = written(write, action)
        *changes, sends = in_order(write) or (None,)
        if self.tell is not None or not changes or any(isinstance(each, act.Output | act.Group) for each in changes):
            return self.apply(in_order(write), state, depth + 1, _end)
        parts, gone = self.changed(tuple(changes), state)
        found: list[Piece] = [(box, DROPPED) for box in gone]
        for box, frame in parts:
            found += self.apply((sends,), state._replace(box=box, frame=frame), depth + 1, _end)
        return found

    def changed(self, changes: tuple[Any, ...], state: State) -> Changed:
        """Packets changed by actions that send nothing; worked out once."""
        key = changes, state.box, state.frame
        known = self.model.changed.get(key)
        if known is None:
            states, gone = [state], list[Box]()
            for action in changes:
                done = [rewrite(self.model.space, action, each) for each in states]
                states = [each for goes_on, _ in done for each in goes_on]
                gone += [box for _, lost in done for box in lost]
            known = self.model.changed[key] = [(each.box, each.frame) for each in states], gone
        return known


def _sieve(space: Space, first: int, met: dict[int, Candidates]) -> Filter | None:
    """The filter that these candidates are together, from table ``first`` on; None when rules tie."""
    rows: list[tuple[Limits, bool]] = []
    waiting = [(first, space.full)]
    while waiting:
        number, box = waiting.pop()
        for part, rules in met[number].split(box, SAME):
            if len(rules) > 1:
                return None
            todo = rules[0].instructions if rules else None
            if todo is not None and todo.goto is not None:
                waiting.append((todo.goto, part))
            else:
                rows.append((limits_of(space.full, part), todo is not None and not todo.clear))
    return Filter(tuple(rows), frozenset().union(*(found.sieve[2] for found in met.values())))


def _end(state: State) -> Partition:
    return [(state.box, DROPPED)]


def written(write: tuple[Any, ...], action: Any) -> tuple[Any, ...]:
    """An action set with one action more: it takes the place of one of its kind, of its field (§5.10)."""
    slot = _slot(action)
    for i, held in enumerate(write):
        if _slot(held) == slot:
            return (*write[:i], action, *write[i + 1 :])
    return (*write, action)


def _slot(action: Any) -> tuple[type, str]:
    if isinstance(action, act.SetField):
        return act.SetField, action.field
    return type(action), action.target if isinstance(action, act.Move) else ""


def in_order(write: tuple[Any, ...]) -> tuple[Any, ...]:
    """An action set in the order of §5.10; a group makes its output void; set-fields go by OXM number."""
    if len(write) < 2:
        return write
    ordered = sorted(write, key=lambda a: (_RANK[type(a)], FIELDS[a.field].number if type(a) is act.SetField else 0))
    if any(type(action) is act.Group for action in ordered):
        return tuple(action for action in ordered if type(action) is not act.Output)
    return tuple(ordered)
