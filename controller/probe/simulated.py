"""A simulated fabric with rules on it: a controller programs its switches over OpenFlow; then frames cross it.

Lives here: starting both, sending at host ports, seeing what arrives there, counters, broken cables.
Must not know: what should become of a frame.

    with Simulated(topology, ruleset) as fabric:
        fabric.send(PortRef("leaf1", 11), packet)

No host has an endpoint, so nobody answers and every frame that reaches a host port is seen. One at a time per process
(the controller is os-ken's).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple, Self

from clos.controller.plan import diff
from clos.controller.probe.coverage import Bucket
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.counts import Counts
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet.build import Packet
from clos.fabric.sim.network import SimNetwork
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import PortRef, Topology

PATIENCE = 30.0
"""Seconds in which all switches must have connected."""
FLIGHT = 50_000
"""Microseconds of virtual time after which a frame that is still under way is given up."""


class NotProgrammed(Exception):
    """The simulated switches did not take the rules. The text says which and why."""


class Counted(NamedTuple):
    """Packets counted by a switch, by rule (table, priority, match) and by bucket."""

    rules: dict[tuple[object, ...], int]
    buckets: dict[Bucket, int]


class Simulated:
    """The switches of a topology holding a ruleset, for as long as the block."""

    def __init__(self, topology: Topology, ruleset: Ruleset) -> None:
        self.topology, self.ruleset = topology, ruleset
        self._stack = ExitStack()
        self._seen: list[Delivery] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            names = {switch.dpid: name for name, switch in self.topology.switches.items()}
            controller = stack.enter_context(Controller(names, port=0))
            self._sim = stack.enter_context(SimThread(self.topology, controller.address))
            self._program(controller)
            self._sim.call(self._tap)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def send(self, at: PortRef, packet: Packet) -> tuple[Delivery, ...]:
        """Send a frame from the host at a port; what reached hosts, in the order of time."""
        return self.send_all([(at, packet)])[0]

    def send_all(self, frames: Iterable[tuple[PortRef, Packet]]) -> list[tuple[Delivery, ...]]:
        """Send frames one after the other, each when all of the one before has landed."""
        return self._sim.call(lambda network: [self._send(network, *frame) for frame in frames])

    def cut(self, ports: Iterable[PortRef]) -> None:
        """Break the cables at these ports; both ends have noticed when it returns."""
        self._sim.call(lambda network: _break(network, network.cut, ports))

    def mend(self, ports: Iterable[PortRef]) -> None:
        self._sim.call(lambda network: _break(network, network.restore, ports))

    def counted(self) -> dict[str, Counted]:
        """What every switch has counted since it got its rules."""
        return self._sim.call(_counters)

    def _program(self, controller: Controller) -> None:
        missing = controller.wait_for(self.topology.switches, PATIENCE)
        if missing:
            raise NotProgrammed(f"{', '.join(sorted(missing))} did not connect within {PATIENCE:.0f} s")
        outcome = controller.apply(diff(Ruleset(self.topology.switches, {}), self.ruleset))
        if not outcome.ok:
            raise NotProgrammed(str(outcome))

    def _tap(self, network: SimNetwork) -> None:
        for port in self.topology.host_at:
            network.tap(port, lambda _, way, packet, port=port: self._note(port, way, packet))  # type: ignore[misc]

    def _note(self, port: PortRef, way: str, packet: Packet) -> None:
        if way == "out":
            self._seen.append(Delivery(port, packet))

    def _send(self, network: SimNetwork, at: PortRef, packet: Packet) -> tuple[Delivery, ...]:
        self._seen.clear()
        journey = network.inject(at, packet)
        network.clock.advance(network.clock.now + FLIGHT, lambda: not journey.flying)
        return tuple(self._seen)


def _break(network: SimNetwork, act: Callable[[PortRef], object], ports: Iterable[PortRef]) -> None:
    for port in ports:
        act(port)
    network.run(2 * network.detection / 1e6)


def _counters(network: SimNetwork) -> dict[str, Counted]:
    return {name: _counted(switch.model.rules(), switch.model.counts) for name, switch in network.switches.items()}


def _counted(rules: Iterable[Rule], counts: Counts) -> Counted:
    buckets = {Bucket(group, index): c.packets for (group, index), c in counts.groups.items() if index is not None}
    return Counted({rule.key: counts.rule(rule).packets for rule in rules}, buckets)
