"""A device's spanning trees, run by fabric.protocols.pvst on the network's virtual time.

Lives here: from a running configuration to ports and priorities, carrying what changed into trees that run, frames
from port to port. Must not know: how a tree is worked out, layouts.

A device in MST mode has one tree, that of its instance 0, for all VLANs: it hears and speaks IEEE's BPDUs, which is
where PVST+ switches have their VLAN 1, and takes those of other VLANs from the cable without heeding them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from clos.fabric.packet.build import Packet
from clos.fabric.protocols.pvst.frame import StpFrame, decode_frame, encode_frame
from clos.fabric.protocols.pvst.machine import Machine
from clos.fabric.protocols.pvst.packet import CONFIGURATION, BadBpdu
from clos.fabric.protocols.pvst.port import FORWARDING, LEARNING, Port
from clos.fabric.protocols.pvst.switch import (
    CST_VLAN,
    PvstSwitch,
    SendFrame,
    SwitchEffect,
    VlanFlush,
    VlanTurn,
)
from clos.fabric.protocols.pvst.vector import bridge_id
from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.spanning_config import Setup, setup_of
from clos.fabric.sim.legacy.state import StpPort, StpTree

LATENCY = 50
"""Microseconds that a frame is on a cable."""
NOTHING = (0, 0, 0)


class Data(Protocol):
    """What spanning trees have done to the data plane."""

    def turned(self) -> None:
        """A port's state changed in some VLAN."""

    def flush(self, vlan: int, line: str, *, slowly: bool) -> None:
        """Addresses behind a line are no longer sure: forget them, or (a classic tree) sooner than usual."""

    def leave(self, port: str, packet: Packet, journey: Journey) -> None:
        """Put a frame on a port's cable."""

    def guarded(self, line: str) -> None:
        """A BPDU came in at a line that must not hear any: it goes down."""

    def member(self, line: str) -> str | None:
        """The port that BPDUs leave by; None: the line is down."""

    def line_of(self, port: str) -> str | None:
        """The line that a physical port belongs to; None: it is down."""


@dataclass(slots=True)
class SpanningTrees:
    """The trees of one device. ``of``: those of the others, by their names."""

    device: LegacyDevice
    of: Mapping[str, SpanningTrees]
    data: Data
    changes: dict[int, int] = field(default_factory=dict)
    changed: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By VLAN when its topology last changed, in microseconds, and at which port that was heard."""
    counts: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    """By VLAN and port: transitions to forwarding, BPDUs sent and received."""
    _setup: Setup | None = None
    _switch: PvstSwitch | None = None
    _ring: float = inf
    _passing: dict[tuple[int, str], tuple[bool, bool]] = field(default_factory=dict)

    def follow(self) -> None:
        """Carry this device's configuration and links into its trees; what did not change goes on."""
        setup = setup_of(self.device) if self.device.alive else None
        before, self._setup = self._setup, setup
        self._passing.clear()
        if setup is None:
            self._switch = None
        elif self._switch is None or before is None or (before.rapid, before.single) != (setup.rapid, setup.single):
            self._switch = PvstSwitch(self.device.hardware.mac, {}, (), rapid=setup.rapid)
            self._carry(self._switch, Setup(setup.rapid, {}, {}, {}, setup.single), setup)
        elif before != setup:
            self._carry(self._switch, before, setup)
        self._wind()

    def passes(self, vlan: int, line: str) -> tuple[bool, bool]:
        """Whether addresses are learned there, and whether frames are forwarded: both where no tree has a say."""
        known = self._passing.get((vlan, line))
        if known is None:
            known = self._passing[vlan, line] = self._passes(vlan, line)
        return known

    def _passes(self, vlan: int, line: str) -> tuple[bool, bool]:
        if self._switch is None or self._setup is None:
            return True, True
        machine = self._switch.machines.get(CST_VLAN if self._setup.single else vlan)
        number = self._setup.numbers.get(line)
        if number in self._switch.disabled:
            return False, False
        if machine is None or number is None or number not in machine.ports:
            return True, True
        state = machine.ports[number].shown().state
        return state in (FORWARDING, LEARNING), state == FORWARDING

    def _carry(self, switch: PvstSwitch, before: Setup, setup: Setup) -> None:
        for number in before.ports.keys() - setup.ports.keys():
            self._do(switch.link_down(number, self._now))
            switch.disabled.discard(number)
        switch.ports = dict(setup.ports)
        for vlan in switch.machines.keys() - setup.priorities.keys():
            switch.drop(vlan)
        for vlan, priority in setup.priorities.items():
            self._carry_tree(switch, setup, vlan, bridge_id(priority, 0 if setup.single else vlan, switch.mac))

    def _carry_tree(self, switch: PvstSwitch, setup: Setup, vlan: int, bridge: int) -> None:
        configs = {number: port.trees[vlan] for number, port in setup.ports.items() if vlan in port.trees}
        machine = switch.machines.get(vlan)
        if machine is None:
            machine = switch.machines[vlan] = Machine(bridge, (), rapid=setup.rapid)
        for number in machine.ports.keys() - configs.keys():
            self._do(switch.withdraw(vlan, number, self._now))
        if machine.bridge != bridge:
            self._do(switch.frames(vlan, machine.rename(bridge, self._now)))
        for number, config in configs.items():
            if number not in machine.ports:
                machine.add(config)
                if number not in switch.disabled:
                    self._do(switch.frames(vlan, machine.enable(number, self._now)))
            elif machine.ports[number].config != config:
                self._do(switch.frames(vlan, machine.reconfigure(config, self._now)))

    # time and frames

    @property
    def _now(self) -> float:
        return self.device.clock.now / SECOND

    def _wind(self) -> None:
        """Have the clock ring when the trees have something to do."""
        due = inf if self._switch is None else self._switch.due()
        if due < self._ring:
            self._ring = due
            self.device.clock.at(int(due * SECOND) + 1, lambda: self._rang(due))

    def _rang(self, due: float) -> None:
        if due == self._ring:
            self._ring = inf
            if self._switch is not None:
                self._do(self._switch.tick(self._now))
            self._wind()

    def _do(self, effects: Iterable[SwitchEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SendFrame):
                self._tally(effect.port, effect.frame, 1)
                self._send(effect.port, effect.frame)
            elif isinstance(effect, VlanTurn):
                self._passing.clear()
                self._turned(effect.vlan, effect.turn.port, effect.turn.state)
            elif isinstance(effect, VlanFlush):
                self._flush(effect.vlan, effect.port)
            else:
                self._passing.clear()
                self.data.guarded(self._name(effect.port))

    def _turned(self, vlan: int, number: int, state: str) -> None:
        if state == FORWARDING:
            self.counts.setdefault((vlan, number), [0, 0, 0])[0] += 1
            self._count(vlan, self._name(number))
        self.data.turned()

    def _flush(self, vlan: int, number: int) -> None:
        setup, name = self._setup, self._name(number)
        if setup is not None and name:
            self._count(vlan, name)
            for one in self.device.vlans() if setup.single else (vlan,):
                self.data.flush(one, name, slowly=not setup.rapid)

    def _count(self, vlan: int, name: str) -> None:
        """Count a topology change; what several ports are told of it at one instant is one."""
        if self.changed.get(vlan, (-1, ""))[0] != self.device.clock.now:
            self.changes[vlan] = self.changes.get(vlan, 0) + 1
        self.changed[vlan] = (self.device.clock.now, name)

    def _tally(self, number: int, frame: StpFrame, what: int) -> None:
        """Count a BPDU in the tree that it is of; VLAN 1's second form is not counted twice."""
        port = self._setup.ports.get(number) if self._setup else None
        if port is not None and frame.pvid != CST_VLAN:
            vlan = frame.pvid or (CST_VLAN if port.trunk else port.native)
            self.counts.setdefault((vlan, number), [0, 0, 0])[what] += 1

    def _name(self, number: int) -> str:
        return self._setup.names.get(number, "") if self._setup else ""

    def _send(self, number: int, frame: StpFrame) -> None:
        name = self._name(number)
        if not name:
            return
        far = self._far(name)
        if isinstance(far, str):
            self.data.leave(far, Packet(encode_frame(frame)), Journey())
        elif far is not None:
            trees, port = far
            self.device.clock.after(LATENCY, lambda: trees.arrived(port, frame))

    def _far(self, name: str) -> tuple[SpanningTrees, str] | str | None:
        """The trees and the port at a port's other end, where that is a device's; the port itself where it is not."""
        member = self.data.member(name)
        far = None if member is None else self.device.links.get(member)
        if member is None or far is None or far.host:
            return member
        there = self.of[far.name]
        line = there.data.line_of(far.port)
        return None if line is None else (there, line)

    def heard(self, line: str, frame: bytes) -> None:
        """A frame to a reserved address came in; what is no BPDU says nothing to trees."""
        try:
            self.arrived(line, decode_frame(frame))
        except BadBpdu:
            return

    def arrived(self, name: str, frame: StpFrame) -> None:
        """A BPDU came in at a port. One that is as old as its maximum age is none (802.1D-2004 §9.3.4)."""
        if frame.bpdu.kind == CONFIGURATION and frame.bpdu.times.age >= frame.bpdu.times.max_age:
            return
        if self._switch is None or self._setup is None or (self._setup.single and frame.pvid is not None):
            return
        number = self._setup.numbers.get(name)
        if number is not None:
            self._tally(number, frame, 2)
            self._do(self._switch.receive(number, frame, self._now))
            self._wind()

    # what is shown

    def trees(self) -> tuple[StpTree, ...] | None:
        if self._switch is None or self._setup is None:
            return None
        return tuple(
            self._shown(vlan, machine, self._setup)
            for vlan, machine in sorted(self._switch.machines.items())
            if machine.ports
        )

    def _shown(self, vlan: int, machine: Machine, setup: Setup) -> StpTree:
        root_port = None if machine.root_port is None else setup.names.get(machine.root_port)
        root = machine.root_vector
        at, where = self.changed.get(vlan, (0, ""))
        ports = tuple(
            _port_shown(port, setup.names[number], self.counts.get((vlan, number), NOTHING))
            for number, port in sorted(machine.ports.items())
        )
        return StpTree(
            0 if setup.single else vlan, "mstp" if setup.single else "rstp" if setup.rapid else "ieee",
            _parts(root.root), _parts(machine.bridge), root.cost, root_port, ports, self.changes.get(vlan, 0),
            int(self._now) - at // SECOND, where or None,
        )  # fmt: skip


def _port_shown(port: Port, name: str, counts: Sequence[int]) -> StpPort:
    turn, config = port.shown(), port.config
    vector = port.vector if turn.role in ("root", "alternate", "backup") else port.designated_vector
    return StpPort(
        name, turn.role, turn.state, config.cost, config.priority, config.number,
        "P2p" if config.point_to_point else "Shr", config.edge, turn.inconsistent,
        _parts(vector.root), _parts(vector.bridge), (vector.port >> 8, vector.port & 0xFF), vector.cost, *counts,
    )  # fmt: skip


def _parts(identifier: int) -> tuple[int, int]:
    return identifier >> 48, identifier & (1 << 48) - 1
