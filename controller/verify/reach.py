"""Where all packets of a port may end up: switches joined by links.

What becomes of packets that enter a switch from a link is worked out once per port and box, for fresh variables,
and then read through whatever was done to a packet before. Loops are found where a packet comes back to a port as it
was. Must not know: intents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.verify.domain import Unmodelled
from controller.verify.frame import SAME, Frame, image, pulled
from controller.verify.outcome import DROPPED, LOOP, Outcome, Partition, Piece, arrives, plain, seen_from
from controller.verify.pipeline import Filters, Model, Tell, Visit
from controller.verify.rewrite import TAG_SLOTS, touches
from controller.verify.space import FIELD, SHAPE, Box, Limits, Space, limits_of
from controller.verify.tables import Pool, Ready, State, Table, prepare
from fabric import action as act
from fabric.rule import Rule
from fabric.ruleset import SwitchState
from fabric.topology import PortRef, Topology

MAX_HOPS = 32
"""Switches in a row; a longer way is taken for a loop."""

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
        self._live = tuple(sorted(self._looked_at(states)))
        self._memo: dict[tuple[PortRef, Box], list[tuple[Limits, Outcome]]] = {}
        self._stack: dict[tuple[PortRef, Box], int] = {}
        self._cut = MAX_HOPS

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
        model = self.models[at.switch]

        def leave(port: int, leaving: State) -> Partition:
            return self._leave(PortRef(at.switch, port), leaving.box, leaving.frame, tell)

        if tell is not None:
            tell(f"{at.switch} port {at.port}", at.switch, None)
        return Visit(model, at.port, leave, tell).table(0, State(state.box, state.frame))

    def _leave(self, port: PortRef, box: Box, frame: Frame, tell: Tell | None) -> Partition:
        there = self.peers.get(port)
        if there is None:
            if tell is not None:
                end = f"delivered to {self.hosts[port]} at {port}" if port in self.hosts else f"{port} leads nowhere"
                tell(end, port.switch, None)
            return [(box, arrives(*port, frame) if port in self.hosts else DROPPED)]
        if there.switch not in self.models:
            raise Unmodelled(f"packets to {there.switch}: its rules are not known")
        if tell is not None:
            return self._retold(there, box, frame, tell)
        found: list[Piece] = []
        for limits, outcome in self._arriving(there, image(self.space, box, frame, self._live)):
            part = pulled(self.space, box, frame, limits) if limits else box
            if part is not None:
                found.append((part, seen_from(frame, outcome)))
        return found

    def _arriving(self, at: PortRef, box: Box) -> list[tuple[Limits, Outcome]]:
        """The partition of a box that comes in from a link; each piece as limits within the box."""
        key = at, box
        known = self._memo.get(key)
        if known is not None:
            return known
        depth = len(self._stack)
        if key in self._stack or depth >= MAX_HOPS:
            self._cut = min(self._cut, self._stack.get(key, 0))
            return [((), arrives(LOOP, 0, SAME))]
        before, self._cut = self._cut, MAX_HOPS
        self._stack[key] = depth
        try:
            partition = self._visit(at, State(box, SAME), None)
        finally:
            del self._stack[key]
        found = [(limits_of(box, part), outcome) for part, outcome in plain(partition)]
        if self._cut >= depth:
            self._memo[key] = found
        self._cut = min(before, self._cut if self._cut < depth else MAX_HOPS)
        return found

    def _retold(self, at: PortRef, box: Box, frame: Frame, tell: Tell) -> Partition:
        """The same without memory, telling every step; for one packet."""
        key = at, image(self.space, box, frame, tuple(range(len(box))))
        if key in self._stack or len(self._stack) >= MAX_HOPS:
            tell(f"{at}: a loop", at.switch, None)
            return [(box, arrives(LOOP, 0, SAME))]
        self._stack[key] = len(self._stack)
        try:
            return self._visit(at, State(box, frame), tell)
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
                found.update((SHAPE, FIELD[name].slot))
            elif name in ("eth_type", "ip_proto"):
                found.add(SHAPE)
            elif name.startswith("vlan_"):
                found.update(TAG_SLOTS)
        for action in (*rule.instructions.apply, *rule.instructions.write):
            found.update(_touched(action))
    return found


def _touched(action: object) -> Iterable[int]:
    return () if isinstance(action, act.Output | act.Group) else touches(action)
