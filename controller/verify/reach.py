"""Where all packets of a port may end up: switches joined by links.

What becomes of packets that enter a switch from a link is worked out once per port and box, for fresh variables,
and then read through whatever was done to a packet before. Loops are found where a packet comes back to a port as it
was. Must not know: intents.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from controller.verify.domain import Unmodelled
from controller.verify.frame import SAME, Frame, image
from controller.verify.outcome import DROPPED, LOOP, Partition, Plain, arrives, plain
from controller.verify.pipeline import Filters, Model, Run, Tell, Visit
from controller.verify.rewrite import TAG_SLOTS, touches
from controller.verify.shapes import ANY_LAYER
from controller.verify.space import FIELD, SHAPE, SLOTS, Box, Space
from controller.verify.summary import BROAD, Row, Summary, broad
from controller.verify.tables import Pool, Ready, State, Table, prepare
from fabric import action as act
from fabric.rule import Rule
from fabric.ruleset import SwitchState
from fabric.topology import PortRef, Topology

MAX_HOPS, MAX_DEPTH = 32, 64
"""Switches in a row, and switches and groups in a row; a longer way is taken for a loop."""

Term = tuple[str, int, int | None]


def actions_of(state: SwitchState) -> Iterable[object]:
    """Every action a switch holds."""
    for rule in state.rules:
        yield from rule.instructions.apply
        yield from rule.instructions.write
    for entry in state.groups:
        for bucket in entry.buckets:
            yield from bucket.actions


def terms_of(states: Iterable[SwitchState]) -> set[Term]:
    """Every value that rules look for or set: what packets must be told apart by."""
    found: set[Term] = set()
    seen: set[int] = set()
    for state in states:
        for rule in state.rules:
            if id(rule) not in seen:
                seen.add(id(rule))
                found.update(term for term in rule.match if term[0] not in _REGISTERS)
        found.update((a.field, a.value, None) for a in actions_of(state) if isinstance(a, act.SetField) and _known(a))
    return found


_REGISTERS = ("in_port", "in_phy_port", "metadata", "tunnel_id")


def _known(action: act.SetField) -> bool:
    return action.field in FIELD or action.field in ("vlan_vid", "vlan_pcp")


class Fabric:
    """A fabric's rules on its links, some of its ports ``down``. Raises Unmodelled for what it cannot reason about."""

    def __init__(
        self,
        topology: Topology,
        states: Mapping[str, SwitchState],
        space: Space,
        down: frozenset[PortRef] = frozenset(),
    ) -> None:
        self.topology, self.space = topology, space
        self.peers, self.hosts = topology.peers, topology.host_at
        self.down = down | {self.peers[port] for port in down if port in self.peers}
        self._ready: dict[int, Ready] = {}
        self._pool: Pool = {}
        self._filters: Filters = {}
        self.models = {name: self._model(name, state) for name, state in states.items()}
        self.live = tuple(sorted(self._looked_at(states)))
        self._memo: dict[tuple[Hashable, Box], Summary] = {}
        self._equal: dict[tuple[Box, tuple[Row, ...]], Summary] = {}
        self._by_parts: dict[int, Summary] = {}
        self._reads: dict[tuple[int, Box, Frame], tuple[Summary, Plain]] = {}
        self._too_wide: set[tuple[Hashable, Box]] = set()
        self._stack: dict[tuple[Hashable, Box], int] = {}
        self._cut = MAX_DEPTH

    def _model(self, name: str, state: SwitchState) -> Model:
        held: dict[int, list[Ready]] = {}
        for rule in state.rules:
            ready = self._ready.get(id(rule))
            if ready is None:
                ready = self._ready[id(rule)] = prepare(rule, self.space)
            held.setdefault(rule.table, []).append(ready)
        tables = {number: Table(self.space, ready, self._pool) for number, ready in held.items()}
        dead = frozenset(port.port for port in self.down if port.switch == name)
        return Model(name, self.space, tables, state.groups, self.topology.ports.get(name, ()), dead, self._filters)

    def _looked_at(self, states: Mapping[str, SwitchState]) -> set[int]:
        """The slots that decide what becomes of a packet once it is on a link."""
        found: set[int] = set()
        for name, state in states.items():
            links = {port.port for port in self.peers if port.switch == name}
            found |= _slots(_reached(state.rules, links))
            for entry in state.groups:
                found.update(slot for bucket in entry.buckets for a in bucket.actions for slot in _touched(a))
        return found

    def entering(self, at: PortRef, box: Box, tell: Tell | None = None) -> Partition:
        """What becomes of the packets of a box that come in at a port from outside, as seen there; perhaps gated."""
        if at in self.down or at.switch not in self.models:
            return [(box, DROPPED)]
        try:
            return self._visit(at, State(box, SAME), tell)
        except RecursionError as deep:
            raise Unmodelled(f"pipelines as deep as those behind {at}") from deep

    def _visit(self, at: PortRef, state: State, tell: Tell | None) -> Partition:
        if tell is not None:
            tell(f"{at.switch} port {at.port}", at.switch, None)
        return Visit(self.models[at.switch], at.port, self, tell).table(0, State(state.box, state.frame))

    def leave(self, port: PortRef, state: State, tell: Tell | None) -> Partition:
        """What becomes of packets that leave by a port which is up."""
        there = self.peers.get(port)
        if there is None:
            if tell is not None:
                end = f"delivered to {self.hosts[port]} at {port}" if port in self.hosts else f"{port} leads nowhere"
                tell(end, port.switch, None)
            return [(state.box, arrives(*port, state.frame) if port in self.hosts else DROPPED)]
        if there.switch not in self.models:
            raise Unmodelled(f"packets to {there.switch}: its rules are not known")
        if tell is not None:
            return self._retold(there, state, tell)
        return self.recall(there, state, BROAD, lambda fresh: self._visit(there, fresh, None))

    def recall(self, place: Hashable, state: State, slots: tuple[int, ...], run: Run) -> Partition:
        """What becomes of packets at a place: remembered, for all values of ``slots`` at once where that can be."""
        box = image(self.space, state.box, state.frame, self.live)
        wide = broad(self.space, box, slots)
        if wide != box and (place, wide) not in self._too_wide:
            try:
                return self._read(self._summary(place, wide, run), state)
            except Unmodelled:
                self._too_wide.add((place, wide))
        return self._read(self._summary(place, box, run), state)

    def _read(self, summary: Summary, state: State) -> Partition:
        if not self._stack:
            return summary.read(self.space, state.box, state.frame)
        key = id(summary), state.box, state.frame
        if key not in self._reads:
            self._reads[key] = summary, summary.read(self.space, state.box, state.frame)
        return self._reads[key][1]

    def _summary(self, place: Hashable, box: Box, run: Run) -> Summary:
        """The summary of a box at a place, which is worked out once. A box that is met again on the way is a loop."""
        key = place, box
        known = self._memo.get(key)
        if known is not None:
            return known
        depth = len(self._stack)
        if key in self._stack or depth >= MAX_DEPTH:
            self._cut = min(self._cut, self._stack.get(key, 0))
            return Summary(box, [(box, arrives(LOOP, 0, SAME))])
        before, self._cut = self._cut, MAX_DEPTH
        self._stack[key] = depth
        try:
            found = self._interned(box, plain(run(State(box, SAME))))
            if self._cut >= depth:
                self._memo[key] = found
        finally:
            del self._stack[key]
            self._cut = min(before, self._cut if self._cut < depth else MAX_DEPTH)
        return found

    def _interned(self, box: Box, parts: Plain) -> Summary:
        """One object for equal summaries, so that what is read from one is known of all."""
        known = self._by_parts.get(id(parts))
        if known is not None and known.box == box:
            return known
        made = Summary(box, parts)
        found = self._equal.setdefault((box, made.rows), made)
        self._by_parts[id(found.parts)] = found
        return found

    def _retold(self, at: PortRef, state: State, tell: Tell) -> Partition:
        """The same without memory, telling every step; for one packet."""
        key = at, image(self.space, state.box, state.frame, tuple(range(SLOTS)))
        if key in self._stack or len(self._stack) >= MAX_HOPS:
            tell(f"{at}: a loop", at.switch, None)
            return [(state.box, arrives(LOOP, 0, SAME))]
        self._stack[key] = len(self._stack)
        try:
            return self._visit(at, State(state.box, state.frame), tell)
        finally:
            del self._stack[key]


def _reached(rules: Iterable[Rule], ports: set[int]) -> list[Rule]:
    """The rules that packets coming in by these ports may meet."""
    tables: dict[int, list[Rule]] = {}
    for rule in rules:
        tables.setdefault(rule.table, []).append(rule)
    waiting, seen, found = [0], {0}, []
    while waiting:
        for rule in tables.get(waiting.pop(), ()):
            port = next((value for name, value, _ in rule.match if name == "in_port"), None)
            if port is not None and port not in ports:
                continue
            found.append(rule)
            goto = rule.instructions.goto
            if goto is not None and goto not in seen:
                seen.add(goto)
                waiting.append(goto)
    return found


def _slots(rules: Iterable[Rule]) -> set[int]:
    found: set[int] = set()
    for rule in rules:
        for name, _, _ in rule.match:
            if name in FIELD:
                found.update((FIELD[name].slot,) if FIELD[name].layer == ANY_LAYER else (SHAPE, FIELD[name].slot))
            elif name in ("eth_type", "ip_proto"):
                found.add(SHAPE)
            elif name.startswith("vlan_"):
                found.update(TAG_SLOTS)
        for action in (*rule.instructions.apply, *rule.instructions.write):
            found.update(_touched(action))
    return found


def _touched(action: object) -> Iterable[int]:
    return () if isinstance(action, act.Output | act.Group) else touches(action)
