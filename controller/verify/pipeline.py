"""One switch and all packets at once: OpenFlow 1.3's pipeline over boxes.

Lives here: instructions, action lists, action sets, groups with liveness. What leaves by a port is the caller's
business (``leave``). Written from the specification, not from the evaluator: the two are witnesses of each other.
Meters let everything pass: rates are no claim of the prover's.

Source: OpenFlow 1.3.5 §5.1, §5.6 (groups), §5.9 (instructions), §5.10 (action sets), §5.12 (actions).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import chain
from typing import Any, NamedTuple, Protocol

from controller.verify.domain import Unmodelled
from controller.verify.frame import SAME
from controller.verify.outcome import DROPPED, Filter, Gated, Partition, Piece, any_of, arrives, both, joined, plain
from controller.verify.rewrite import rewrite
from controller.verify.space import VID, Limits, Space, limits_of
from controller.verify.summary import BROAD
from controller.verify.tables import Candidates, State, Table
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

Filters = dict[tuple[tuple[int, int], ...], Filter | None]
"""Filters by what they are made of, shared by all switches of a fabric."""

Run = Callable[[State], Partition]


class Beyond(Protocol):
    """What lies beyond a switch: links and hosts; and the memory that serves all switches."""

    def leave(self, port: PortRef, state: State, tell: Tell | None) -> Partition:
        """What becomes of packets that leave by a port which is up."""

    def recall(self, place: Hashable, state: State, slots: tuple[int, ...], run: Run) -> Partition:
        """What ``run`` makes of packets, remembered by place and made for all values of ``slots`` at once."""


Then = Callable[[State], Partition]
Tell = Callable[[str, str, Rule | None], None]
"""Hears, for a trace, what happens: a line, the switch, the rule if one was met."""


class Model:
    """A switch as the prover sees it. ``ports``: all that exist; ``dead``: those without carrier."""

    __slots__ = ("_filters", "_ways", "dead", "groups", "name", "ports", "space", "tables")

    def __init__(
        self,
        name: str,
        space: Space,
        tables: dict[int, Table],
        groups: Iterable[GroupEntry],
        ports: Iterable[int],
        dead: frozenset[int],
        filters: Filters,
    ) -> None:
        self.name, self.space, self.tables = name, space, tables
        self.groups = {entry.group: entry for entry in groups}
        self._ways: dict[int, Way] = {}
        self.ports, self.dead, self._filters = frozenset(ports), dead, filters

    def filter(self, number: int, port: int, metadata: int, tunnel: int) -> Filter | None:
        """What tables from this one on do, when all they do is to let packets go on or to stop them."""
        met: list[tuple[int, Candidates]] = []
        waiting = [number]
        while waiting:
            here = waiting.pop()
            table = self.tables.get(here)
            if table is None:
                return None
            found = table.candidates(port, metadata, tunnel)
            if not found.sifts:
                return None
            met.append((here, found))
            waiting += [goto for goto in found.gotos if all(goto != seen for seen, _ in met) and goto not in waiting]
        key = tuple([(here, id(found)) for here, found in met])
        if key not in self._filters:
            self._filters[key] = _sieve(self.space, number, dict(met))
        return self._filters[key]

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
            anywhere = not sends.isdisjoint(_BY_PORT)
            known = self._ways[entry.group] = Way(entry, chosen, None if anywhere else sends, _slots_of(chosen))
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
    None = all; ``slots``: those that may be taken broadly."""

    entry: GroupEntry
    chosen: list[Bucket]
    sends: frozenset[int] | None
    slots: tuple[int, ...]


_BY_PORT = frozenset({act.IN_PORT, act.ALL, act.FLOOD})
"""Outputs that depend on the port a packet came in by."""


def _slots_of(chosen: list[Bucket]) -> tuple[int, ...]:
    """The slots that may be taken broadly: the outermost tag's too, where every bucket puts another one on."""
    pushes = all(any(isinstance(action, act.PushVlan) for action in bucket.actions) for bucket in chosen)
    return (*BROAD, VID) if pushes else BROAD


class Visit:
    """Packets at one switch, by the port they came in at. ``tell`` hears what happens, for traces."""

    __slots__ = ("beyond", "model", "port", "tell")

    def __init__(self, model: Model, port: int, beyond: Beyond, tell: Tell | None = None) -> None:
        self.model, self.port, self.beyond, self.tell = model, port, beyond, tell

    def table(self, number: int, state: State) -> Partition:
        """What becomes of packets that go to a table."""
        if state.write and self.tell is None:
            sieve = self.model.filter(number, self.port, state.metadata, state.tunnel)
            if sieve is not None and not any(slot in sieve.slots for slot, _ in state.frame.over):
                return self.gated(sieve, state)
        table = self.model.tables.get(number)
        if table is None:
            self.say(f"  table {number}: empty")
            return [(state.box, DROPPED)]
        found: list[Partition] = []
        for box, rules in table.split(self.port, state):
            here = State(box, *state[1:])
            if not rules:
                self.say(f"  table {number}: no rule matched")
                found.append(_end(here))
                continue
            if self.tell is not None:
                for rule in rules:
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
        if todo.goto is not None:
            return self.table(todo.goto, state)
        return self.apply(in_order(write), state, 0, _end)

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
        if port in (act.ALL, act.FLOOD):
            found = _end(state)
            for each in sorted(model.ports - model.dead - {self.port}):
                found = joined(found, self.leave(each, state), both)
            return found
        if port in (act.NORMAL, act.LOCAL):
            raise Unmodelled(f"output to {act.port_text(port)} on {model.name}")
        where = self.port if port == act.IN_PORT else port
        suppressed = port == self.port or where not in model.ports or where in model.dead
        if self.tell is not None:
            self.say(f"  output to port {where}" + (": nothing leaves" if suppressed else ""))
        return _end(state) if suppressed else self.leave(where, state)

    def group(self, number: int, state: State, depth: int) -> Partition:
        """A group (§5.6): copies through all buckets, or through any live one, or through the first live one."""
        entry = self.model.groups.get(number)
        if entry is None or depth >= MAX_CHAIN:
            self.say(f"  group {number}: does not exist" if entry is None else f"  group {number}: chained too deep")
            return _end(state)
        way = self.model.way(entry)
        if not way.chosen:
            self.say(f"  group {number} ({entry.type}): no live bucket")
            return _end(state)
        if self.tell is not None:
            self.say(f"  group {number} ({entry.type}): {len(way.chosen)} of {len(entry.buckets)} buckets")
            return self.through(way, state, depth)
        matters = way.sends is None or self.port in way.sends
        place = self.model.name, "group", number, self.port if matters else None
        return self.beyond.recall(place, state, way.slots, lambda fresh: self.through(way, fresh, depth))

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
        return self.apply(in_order(write), state, depth + 1, _end)


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
    return Filter(tuple(rows), frozenset().union(*(found.slots for found in met.values())))


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
