"""A simulated fabric in virtual time with the probes of a controller on it, without sessions: minutes in seconds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from clos.controller.compile import compile_fabric
from clos.controller.daemon.telemetry.gray import TICK, GrayFailures
from clos.controller.intent.model import Intent
from clos.controller.wire.events import Left, PacketIn, PortChanged
from clos.controller.wire.switch_info import Facts
from clos.fabric.dataplane.action import CONTROLLER, Output
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.constants import PortConfig, PortState
from clos.fabric.packet.build import Packet
from clos.fabric.sim.network import SimNetwork
from clos.fabric.topology import Topology


class GrayWorld:
    """``topology`` with its rules installed; ``delay``: seconds that a message takes between controller and switch."""

    def __init__(self, topology: Topology, seed: int = 0, delay: Callable[[], float] | None = None) -> None:
        self.topology, self.dice = topology, Random(seed)
        self.network = SimNetwork(topology, seed)
        self.delay = delay or (lambda: self.dice.uniform(0.0005, 0.002))
        self.away: set[str] = set()
        self._states = {name: compile_fabric(Intent(), topology).ruleset.state(name) for name in topology.switches}
        for name in topology.switches:
            self.install(name)
        self.gray = GrayFailures(self, self.look, lambda: self.network.seconds, seed)
        for name, switch in self.network.switches.items():
            switch.listeners.append(lambda message, name=name: self._soon(lambda: self._hear(name, message)))
        self._tick()

    def install(self, name: str) -> None:
        """Give a switch its rules, as a controller does when it comes."""
        switch = self.network.switches[name]
        down = switch.model.down
        switch.model = SwitchModel.of(self._states[name], set(switch.ports))
        switch.model.down = down

    def look(self) -> tuple[Topology, dict[str, bool]]:
        return self.topology, {name: True for name in self.topology.switches if name not in self.away}

    # What the probes need of a controller.

    def facts(self, switch: str) -> Facts:
        ports = tuple(port.describe(switch) for port in self.network.switches[switch].ports.values())
        return Facts(switch, self.topology.switches[switch].dpid, 32, 0, "", "", "", "", ports)

    def send_packet(self, switch: str, port: int, data: bytes) -> None:
        there = self.network.switches[switch]
        self._soon(lambda: there.alive and there.packet_out(CONTROLLER, Packet(data), (Output(port),)))

    def _hear(self, name: str, message: m.Message) -> None:
        if name in self.away:
            return
        if isinstance(message, m.PacketIn):
            in_port = next(value for field, value, _ in message.match if field == "in_port")
            self.gray.heard(PacketIn(name, in_port, message.table, message.cookie, message.reason, message.data))
        elif isinstance(message, m.PortStatus):
            up = not (message.port.state & PortState.LINK_DOWN or message.port.config & PortConfig.PORT_DOWN)
            self.gray.heard(PortChanged(name, message.port.port, message.port.name, up))

    def leave(self, name: str) -> None:
        """A session ends."""
        self.away.add(name)
        self.gray.heard(Left(name, self.topology.switches[name].dpid))

    # Time.

    def _soon(self, call: Callable[[], object]) -> None:
        self.network.clock.after(round(self.delay() * 1e6), call)

    def _tick(self) -> None:
        self.gray.turn()
        self.network.clock.after(round(TICK * 1e6), self._tick)

    def run(self, seconds: float) -> None:
        self.network.run(seconds)

    def until(self, done: Callable[[], object], most: float = 120.0) -> float:
        """Let time pass until something is so; how many seconds that took. Fails after ``most``."""
        start = self.network.seconds
        while not done():
            assert self.network.seconds - start < most, self.gray.alarms()
            self.network.run(TICK)
        return self.network.seconds - start
