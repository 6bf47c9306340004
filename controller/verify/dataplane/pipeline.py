"""One switch and all packets at once: OpenFlow 1.3's pipeline over boxes.

Lives here: instructions, action lists, action sets, groups with liveness. What leaves by a port is the caller's
business (``leave``). Written from the specification, not from the evaluator: the two are witnesses of each other.
Meters let everything pass: rates are no claim of the prover's.

Source: OpenFlow 1.3.5 §5.1, §5.6 (groups), §5.9 (instructions), §5.10 (action sets), §5.12 (actions).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain
from typing import Any, Protocol

from clos.controller.verify.dataplane.action_set import in_order, written
from clos.controller.verify.dataplane.group_table import BY_PORT, BucketChoice
from clos.controller.verify.dataplane.header_actions import rewrite, rewrite_all
from clos.controller.verify.dataplane.locations import ANY_HOST_PORT, ANY_LINK, GroupPoint, PortMatters, TraceSink
from clos.controller.verify.dataplane.memo import ReadLog
from clos.controller.verify.dataplane.outcome import (
    DROPPED,
    AclFilter,
    Filtered,
    Partition,
    Piece,
    any_of,
    arrives,
    both,
    is_blind,
    joined,
    plain,
)
from clos.controller.verify.dataplane.prepared_rule import PipelineState
from clos.controller.verify.dataplane.symbolic_switch import SymbolicSwitch
from clos.controller.verify.effort import Effort
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import SELECT, Bucket, Instructions
from clos.fabric.topology import PortRef

MAX_CHAIN = 32
"""Groups nested deeper lead back to themselves; a switch cuts them."""


class Surroundings(Protocol):
    """What lies beyond a switch: links and hosts; and the memory that serves all switches."""

    @property
    def effort(self) -> Effort:
        """What the question under way has cost."""

    @property
    def reads(self) -> ReadLog:
        """Who reads what."""

    def leave(self, port: PortRef, state: PipelineState, trace: TraceSink | None) -> Partition:
        """What becomes of packets that leave by a port which is up."""

    def blind(self, end: PortRef, state: PipelineState) -> Partition:
        """What becomes of packets of which nothing more can be said. Raises Unmodelled where that is no answer."""

    def recall(self, where: GroupPoint, state: PipelineState, broad: bool) -> Partition:
        """What becomes of packets at a group, remembered; ``broad``: whatever their outermost tag is."""


Then = Callable[[PipelineState], Partition]
Defer = Callable[["SwitchTraversal", int, PipelineState], Partition | None]


class SwitchTraversal:
    """Packets at one switch, by the port they came in at. ``trace`` hears what happens, for traces; ``defer`` may leave
    what a table does for later. ``ports``: of packets that came in by any link, those that they are sent out by."""

    __slots__ = ("beyond", "defer", "effort", "model", "port", "ports", "reads", "trace")

    def __init__(
        self,
        model: SymbolicSwitch,
        port: int,
        beyond: Surroundings,
        trace: TraceSink | None = None,
        defer: Defer | None = None,
    ) -> None:
        self.model, self.port, self.beyond, self.trace, self.defer = model, port, beyond, trace, defer
        self.effort, self.reads = beyond.effort, beyond.reads
        self.ports: set[int] = set()

    def matters(self, ports: Collection[int] | None) -> bool:
        """Whether it matters by which port packets came in, when they may be sent to these (None: to any)."""
        if self.port == ANY_LINK:
            if ports is None:
                raise PortMatters
            self.ports.update(ports)
            return False
        return ports is None or self.port in ports

    def table(self, number: int, state: PipelineState) -> Partition:
        """What becomes of packets that go to a table."""
        self.effort.down()
        try:
            return self._table(number, state)
        finally:
            self.effort.up()

    def _table(self, number: int, state: PipelineState) -> Partition:
        if state.write and self.trace is None:
            acl_filter = self.model.filters.at(number, self.port, state.metadata, state.tunnel, self.reads)
            if acl_filter is not None and not any(slot in acl_filter.slots for slot, _ in state.frame.rewrites):
                return _filtered(acl_filter, self.apply(in_order(state.write), state, 0, _end))
        cell = self.model.cell(number, self.port, state.metadata, state.tunnel)
        self.reads.record_read(cell, state.box, state.frame)
        found: list[Partition] = []
        self.effort.spend(1 + cell.candidates.weight)
        for box, rules in cell.candidates.split(state.box, state.frame):
            self.effort.spend(1)
            here = PipelineState(box, *state[1:])
            if not rules:
                self.say(f"  table {number}: no rule matched")
                found.append(_end(here))
                continue
            if self.trace is not None:
                for rule in map(self.model.own, rules):
                    self.trace(f"  {rule} cookie {rule.cookie:#x}", self.model.name, rule)
            found.append(any_of([self.perform(rule.instructions, here) for rule in rules], self.effort))
        return found[0] if len(found) == 1 else list(chain.from_iterable(found))

    def say(self, text: str) -> None:
        if self.trace is not None:
            self.trace(text, self.model.name, None)

    def perform(self, todo: Instructions, state: PipelineState) -> Partition:
        """A rule's instructions in the order of §5.9."""
        if todo.apply:
            return self.apply(todo.apply, state, 0, lambda after: self.proceed(todo, after))
        return self.proceed(todo, state)

    def proceed(self, todo: Instructions, state: PipelineState) -> Partition:
        """What follows the applied actions."""
        write = () if todo.clear else state.write
        for action in todo.write:
            write = written(write, action)
        metadata = state.metadata
        if todo.metadata is not None:
            value, mask = todo.metadata
            metadata = metadata & ~mask | value & mask
        state = PipelineState(state.box, state.frame, metadata, state.tunnel, write)
        if todo.goto is None:
            return self.apply(in_order(write), state, 0, _end)
        left = None if self.defer is None else self.defer(self, todo.goto, state)
        return self.table(todo.goto, state) if left is None else left

    def apply(self, actions: tuple[Any, ...], state: PipelineState, depth: int, then: Then) -> Partition:
        """Actions one after the other, then ``then``: sends are copies, changes hold for what follows."""
        sent: Partition | None = None
        for i, action in enumerate(actions):
            if isinstance(action, act.Output | act.Group):
                if isinstance(action, act.Output):
                    more = self.output(action.port, state)
                else:
                    more = self.group(action.group, state, depth)
                sent = more if sent is None else joined(sent, more, both, self.effort)
                if i + 1 == len(actions) and then is _end:
                    return sent
                continue
            goes_on, gone = rewrite(self.model.space, action, state)
            if len(goes_on) != 1 or gone:
                rest = self.split(actions[i + 1 :], goes_on, gone, depth, then)
                return rest if sent is None else joined(sent, rest, both, self.effort)
            state = goes_on[0]
        last = then(state)
        return last if sent is None else joined(sent, last, both, self.effort)

    def split(
        self, actions: tuple[Any, ...], goes_on: list[PipelineState], gone: list[Box], depth: int, then: Then
    ) -> list[Piece]:
        """The actions that follow one which parts packets; some are ``gone``."""
        found: list[Piece] = [(box, DROPPED) for box in gone]
        self.effort.down()
        try:
            for part in goes_on:
                self.effort.spend(1)
                found += self.apply(actions, part, depth, then)
        finally:
            self.effort.up()
        return found

    def leave(self, port: int, state: PipelineState) -> Partition:
        return self.beyond.leave(PortRef(self.model.name, port), state, self.trace)

    def output(self, port: int, state: PipelineState) -> Partition:
        """An output action (§5.12, §7.2.5.1); one to the port the packet came in by goes nowhere (§5.12)."""
        model = self.model
        if port == act.CONTROLLER:
            return [(state.box, arrives(model.name, act.CONTROLLER, state.frame))]
        if is_blind(port):
            return self.beyond.blind(PortRef(model.name, port), state)
        self.matters(None if port in BY_PORT else (port,))
        if port in (act.ALL, act.FLOOD):
            if self.port == ANY_HOST_PORT:
                raise Unmodelled(f"a flood from some port of {model.name}")
            found = _end(state)
            for each in sorted(model.ports - model.dead - {self.port}):
                found = joined(found, self.leave(each, state), both, self.effort)
            return found
        if port == act.IN_PORT and self.port == ANY_HOST_PORT:
            return [(state.box, arrives(model.name, act.IN_PORT, state.frame))]
        where = self.port if port == act.IN_PORT else port
        suppressed = port == self.port or where not in model.ports or where in model.dead
        if self.trace is not None:
            self.say(f"  output to port {where}" + (": nothing leaves" if suppressed else ""))
        return _end(state) if suppressed else self.leave(where, state)

    def group(self, number: int, state: PipelineState, depth: int, through: bool = False) -> Partition:
        """A group (§5.6): copies through all buckets, or through any live one, or through the first live one.

        ``through``: not from memory.
        """
        self.effort.down()
        try:
            return self._group(number, state, depth, through)
        finally:
            self.effort.up()

    def _group(self, number: int, state: PipelineState, depth: int, through: bool) -> Partition:
        self.effort.spend(1)
        groups = self.model.groups
        groups.read(self.reads.reader, number, through)
        entry = groups.entries.get(number)
        if entry is None or depth >= MAX_CHAIN:
            self.say(f"  group {number}: does not exist" if entry is None else f"  group {number}: chained too deep")
            return _end(state)
        way = groups.choice(entry)
        if not way.chosen:
            self.say(f"  group {number} ({entry.type}): no live bucket")
            return _end(state)
        if through:
            return self.through(way, state, depth)
        if self.trace is not None:
            self.say(f"  group {number} ({entry.type}): {len(way.chosen)} of {len(entry.buckets)} buckets")
            return self.through(way, state, depth)
        where = GroupPoint(self.model.name, number, self.port if self.matters(way.sends) else ANY_HOST_PORT)
        return self.beyond.recall(where, state, way.pushes)

    def through(self, way: BucketChoice, state: PipelineState, depth: int) -> Partition:
        """What becomes of packets that a group sends through its buckets."""
        parts = [self.bucket(bucket, state, depth) for bucket in way.chosen]
        if way.entry.type == SELECT:
            return any_of(parts, self.effort)
        found = parts[0]
        for part in parts[1:]:
            found = joined(found, part, both, self.effort)
        return found

    def bucket(self, bucket: Bucket, state: PipelineState, depth: int) -> Partition:
        """A bucket is an action set, run on a copy (§5.6, §5.10)."""
        write: tuple[Any, ...] = ()
        for action in bucket.actions:
            write = written(write, action)
        *changes, sends = in_order(write) or (None,)
        if self.trace is not None or not changes or any(isinstance(each, act.Output | act.Group) for each in changes):
            return self.apply(in_order(write), state, depth + 1, _end)
        parts, gone = rewrite_all(self.model.space, tuple(changes), state, self.model.changes)
        found: list[Piece] = [(box, DROPPED) for box in gone]
        for box, frame in parts:
            found += self.apply((sends,), state._replace(box=box, frame=frame), depth + 1, _end)
        return found


def _filtered(acl_filter: AclFilter, done: Partition) -> Partition:
    """What becomes of packets that a filter lets execute their action set, or stops."""
    return [(box, outcome if outcome == DROPPED else Filtered(acl_filter, outcome)) for box, outcome in plain(done)]


def _end(state: PipelineState) -> Partition:
    return [(state.box, DROPPED)]
