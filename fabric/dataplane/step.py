"""What one switch does with one packet: the meaning of OpenFlow 1.3.

Lives here: the pipeline, instructions, action lists, action sets, groups. Must not know: links, time, sockets.
Pure: nothing in the switch changes; counters, meters' rates and buffers are the caller's.
Source: OpenFlow 1.3.5 §5 (pipeline §5.1, groups §5.6, instructions §5.9, action set §5.10, actions §5.12).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.accept import check_actions
from clos.fabric.dataplane.action import Action, Group, Output, SetField
from clos.fabric.dataplane.choose import Choose, hash_bucket
from clos.fabric.dataplane.outcome import (
    ACTION,
    INVALID_TTL,
    NO_MATCH,
    Emission,
    Hop,
    PacketIn,
    Pick,
    Step,
)
from clos.fabric.dataplane.rewrite import REWRITES, Expired
from clos.fabric.dataplane.rule import (
    ALL,
    FAST_FAILOVER,
    SELECT,
    Bucket,
    GroupEntry,
    Instructions,
    Rule,
)
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.packet.build import Packet

__all__ = ["Emission", "Hop", "Meters", "PacketIn", "Pick", "Step", "packet_out", "pass_all", "step"]

MAX_CHAIN, MAX_PICKS = 32, 10_000
"""Groups nested deeper, or through more buckets for one packet, are cut: a loop, or as bad as one."""

Meters = Callable[[int, Packet], Packet | None]
"""What a meter makes of a packet: the packet (perhaps remarked), or None when a band drops it."""


def pass_all(meter: int, packet: Packet) -> Packet | None:
    """Meters that never drop."""
    return packet


def step(
    switch: SwitchModel,
    in_port: int,
    packet: Packet,
    choose: Choose = hash_bucket,
    *,
    meters: Meters = pass_all,
    down: Collection[int] = (),
) -> Step:
    """Take a packet that came in by ``in_port`` through the pipeline (§5.1).

    ``choose`` picks buckets of SELECT groups; ``down`` names ports that are dead on top of ``switch.down``.
    """
    run = Run(switch, in_port, choose, meters, down)
    run.pipeline(packet)
    return run.result()


def packet_out(
    switch: SwitchModel,
    in_port: int,
    packet: Packet,
    actions: Iterable[Action],
    choose: Choose = hash_bucket,
    *,
    meters: Meters = pass_all,
    down: Collection[int] = (),
) -> Step:
    """Apply a controller's action list to a packet (§6.1.3); only here may a packet be sent to TABLE.

    ``in_port`` may be act.CONTROLLER. Raises SwitchError for actions no packet could undergo.
    """
    todo = tuple(actions)
    check_actions(todo, switch.groups, from_controller=True)
    run = Run(switch, in_port, choose, meters, down)
    run.from_controller = True
    run.apply(todo, State(packet), 0)
    return run.result()


class State:
    """A packet on its way: its bytes, metadata, tunnel id and action set."""

    __slots__ = ("metadata", "packet", "tunnel", "write")

    def __init__(self, packet: Packet, metadata: int = 0, tunnel: int = 0) -> None:
        self.packet = packet
        self.metadata = metadata
        self.tunnel = tunnel
        self.write: dict[tuple[object, ...], Action] = {}

    def copy(self) -> State:
        return State(self.packet, self.metadata, self.tunnel)


class Run:
    """One step in progress: where its results gather."""

    def __init__(
        self, switch: SwitchModel, in_port: int, choose: Choose, meters: Meters, down: Collection[int]
    ) -> None:
        self.switch, self.in_port, self.choose, self.meters = switch, in_port, choose, meters
        self.dead = switch.down.union(down)
        self.from_controller = False
        self.at: tuple[int, Rule | None] = (0, None)
        self.emissions: list[Emission] = []
        self.packet_ins: list[PacketIn] = []
        self.trail: list[Hop] = []
        self.picks: list[Pick] = []
        self.drops: list[str] = []
        self.notes: list[str] = []

    def result(self) -> Step:
        return Step(
            tuple(self.emissions), tuple(self.packet_ins), tuple(self.trail), tuple(self.picks), tuple(self.drops)
        )

    # -- tables and instructions (§5.1, §5.9) ----------------------------------------------------------------

    def pipeline(self, packet: Packet) -> None:
        state = State(packet)
        table: int | None = 0
        while table is not None:
            rule = self.look(table, state)
            here, self.at, self.notes = table, (table, rule), []
            if rule is None:
                self.drops.append(f"table {table}: no rule matched")
                table = None
            else:
                table = self.perform(rule.instructions, state)
            self.trail.append(Hop(here, rule, tuple(self.notes)))

    def look(self, table: int, state: State) -> Rule | None:
        """The rule that the packet meets in a table."""
        return self.switch.lookup(table, self.fields(state))

    def fields(self, state: State) -> dict[str, int]:
        """What a match can read: the packet's fields and the pipeline's."""
        return {
            **state.packet.headers(),
            "in_port": self.in_port,
            "in_phy_port": self.in_port,
            "metadata": state.metadata,
            "tunnel_id": state.tunnel,
        }

    def perform(self, todo: Instructions, state: State) -> int | None:
        """Perform a rule's instructions in the order of §5.9; returns the next table, None when the packet is done."""
        if todo.meter is not None and not self.metered(todo.meter, state):
            return None
        if todo.apply and not self.apply(todo.apply, state, 0):
            return None
        if todo.clear:
            state.write.clear()
        for action in todo.write:
            state.write[act.set_slot(action)] = action
        if todo.metadata is not None:
            value, mask = todo.metadata
            state.metadata = state.metadata & ~mask | value & mask
        if todo.goto is None:
            self.action_set(state)
        return todo.goto

    def metered(self, meter: int, state: State) -> bool:
        passed = self.meters(meter, state.packet)
        if passed is None:
            self.drop(f"meter {meter}: over its rate")
            return False
        state.packet = passed
        return True

    def action_set(self, state: State) -> None:
        if state.write:
            self.apply(in_set_order(state.write.values()), state, 0)
        elif not (self.emissions or self.packet_ins or self.drops):
            self.drop("action set empty")

    # -- actions (§5.12) -----------------------------------------------------------------------------------------

    def apply(self, actions: Iterable[Action], state: State, depth: int) -> bool:
        """Perform actions in their order; the packet goes on changed, or (False) is gone: its time to live ran out."""
        for action in actions:
            if isinstance(action, Output):
                self.output(action, state)
            elif isinstance(action, Group):
                self.group(action.group, state, depth)
            elif isinstance(action, SetField) and action.field == "tunnel_id":
                state.tunnel = action.value
            else:
                try:
                    state.packet = self.rewrite(action, state.packet)
                except Expired as why:
                    self.to_controller(INVALID_TTL, state, act.MAX_LEN_WHOLE)
                    self.drop(str(why))
                    return False
        return True

    def rewrite(self, action: Action, packet: Packet) -> Packet:
        return REWRITES[type(action)](action, packet)

    def output(self, action: Output, state: State) -> None:
        port = action.port
        if port == act.CONTROLLER:
            rule = self.at[1]
            table_miss = rule is not None and not rule.match and rule.priority == 0
            self.to_controller(NO_MATCH if table_miss else ACTION, state, action.max_len)
        elif port == act.IN_PORT:
            self.emit(self.in_port, state)
        elif port in (act.ALL, act.FLOOD):
            for each in sorted(self.switch.ports - self.dead - {self.in_port}):
                self.emit(each, state)
        elif port == act.TABLE and self.from_controller:
            self.from_controller = False
            self.pipeline(state.packet)
            self.from_controller = True
        elif port > act.MAX_PORT:
            self.drop(f"output to {act.port_text(port)} is not supported")
        elif port == self.in_port:
            self.drop("output to in_port suppressed")
        else:
            self.emit(port, state)

    def emit(self, port: int, state: State) -> None:
        if port not in self.switch.ports:
            self.drop(f"port {act.port_text(port)} does not exist")
        elif port in self.dead:
            self.drop(f"port {port} is down")
        else:
            self.emissions.append(Emission(port, state.packet))

    def to_controller(self, reason: int, state: State, max_len: int) -> None:
        table, rule = self.at
        cookie = rule.cookie if rule is not None else 0xFFFF_FFFF_FFFF_FFFF
        found = PacketIn(reason, state.packet, table, cookie, self.in_port, state.metadata, state.tunnel, max_len)
        self.packet_ins.append(found)

    def drop(self, why: str) -> None:
        self.drops.append(why)
        self.notes.append(why)

    # -- groups (§5.6) -------------------------------------------------------------------------------------------

    def group(self, number: int, state: State, depth: int) -> None:
        entry = self.switch.groups.get(number)
        if entry is None:
            self.drop(f"group {number}: does not exist")
            return
        if depth >= MAX_CHAIN or len(self.picks) >= MAX_PICKS:
            self.drop(f"group {number}: chained too deep")
            return
        chosen = self.buckets(entry, state)
        if not chosen:
            self.drop(f"group {number}: no live bucket")
        self.picks.append(Pick(number, None, len(state.packet)))
        for index in chosen:
            self.picks.append(Pick(number, index, len(state.packet)))
            self.notes.append(f"group {number} bucket {index}")
            self.bucket(entry, index, state.copy(), depth)

    def buckets(self, entry: GroupEntry, state: State) -> tuple[int, ...]:
        """The buckets this packet goes through: all, the chosen, the first live, or the only one (§5.6.1)."""
        if entry.type == SELECT:
            live = tuple(i for i, bucket in enumerate(entry.buckets) if bucket.weight and self.alive(bucket))
            return self.choose(entry, live, state.packet) if live else ()
        if entry.type == FAST_FAILOVER:
            return next(((i,) for i, bucket in enumerate(entry.buckets) if self.alive(bucket)), ())
        return tuple(range(len(entry.buckets)))[: None if entry.type == ALL else 1]

    def bucket(self, entry: GroupEntry, index: int, state: State, depth: int) -> None:
        """Run a bucket's action set on a packet of its own; what happens there stays there."""
        actions = {act.set_slot(action): action for action in entry.buckets[index].actions}
        if not actions:
            self.drop(f"group {entry.group} bucket {index}: no action")
        self.apply(in_set_order(actions.values()), state, depth + 1)

    def alive(self, bucket: Bucket, asked: set[int] | None = None) -> bool:
        """A bucket lives while a port or group it watches does; one that watches nothing always lives (§5.6.1).

        ``asked``: groups that need no second look; those that watch each other in a circle keep nobody alive.
        """
        port, group = bucket.watch_port, bucket.watch_group
        if port is None and group is None:
            return True
        if port is not None and port in self.switch.ports and port not in self.dead:
            return True
        asked = set() if asked is None else asked
        watched = self.switch.groups.get(group) if group is not None and group not in asked else None
        if watched is None:
            return False
        asked.add(watched.group)
        return any(self.alive(each, asked) for each in watched.buckets)


def in_set_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """An action set in the order it is performed (§5.10): a group makes its output void."""
    ordered = sorted(actions, key=_set_rank)
    if any(type(action) is Group for action in ordered):
        return tuple(action for action in ordered if type(action) is not Output)
    return tuple(ordered)


def _set_rank(action: Action) -> tuple[int, int]:
    return act.set_order(action), act.set_field_order(action.field) if isinstance(action, SetField) else 0
