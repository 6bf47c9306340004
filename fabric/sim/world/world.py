"""The joined world: a legacy network and a fabric on one clock, borders between them, hosts that are re-plugged.

Lives here: what is cabled to what across the two, moving a host's cable. Must not know: OpenFlow's bytes, SSH, files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from clos.fabric.packet.build import Packet
from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.host import SimHost
from clos.fabric.sim.host_packets import Endpoint, Stamp
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.cables import End
from clos.fabric.sim.legacy.network import LegacyNetwork, NetworkPlan
from clos.fabric.sim.network import SimNetwork, Station
from clos.fabric.sim.world.flows import Flows
from clos.fabric.topology import PortRef, Topology

LEGACY, FABRIC = "legacy", "fabric"
SIDES = (LEGACY, FABRIC)
SETTLED = 90
"""Seconds after which trees, gateways and routes of a legacy network usually stand."""


class Border:
    """A cable between a port of the legacy network and one of the fabric. ``alive``: the legacy end sends light."""

    def __init__(self, name: str, end: End, port: PortRef, legacy: LegacyNetwork) -> None:
        self.name, self.end, self.port = name, end, port
        self._legacy = legacy
        self.alive = False
        self.fabric: SimNetwork | None = None

    def receive(self, index: int, packet: Packet, journey: Journey) -> None:
        """A frame from the fabric: it arrives at the legacy device."""
        self._legacy.workings[self.end[0]].receive(self.end[1], packet, journey)

    def carrier(self, index: int, up: bool) -> None:
        """The fabric's end has come up or gone down."""
        self._legacy.darken(self.end, dark=not up)

    def to_fabric(self, packet: Packet, journey: Journey) -> None:
        """A frame from the legacy device."""
        if self.fabric is not None:
            self.fabric.enter(self.port, packet, journey)

    def lit(self, alive: bool) -> None:
        """The legacy port sends light, or no longer does."""
        self.alive = alive
        if self.fabric is not None:
            self.fabric.changed(self.port)


class Socket:
    """A host that is known to both networks, at its port of the fabric. ``alive``: it is plugged in there."""

    def __init__(self, host: SimHost, port: PortRef) -> None:
        self.host, self.port = host, port
        self.alive = False

    @property
    def name(self) -> str:
        return self.host.name

    def receive(self, index: int, packet: Packet, journey: Journey) -> None:
        if self.alive:
            self.host.receive(0, packet, journey)
        else:
            journey.drop(self.name, "it is not plugged in here")

    def carrier(self, index: int, up: bool) -> None:
        if self.alive:
            self.host.carrier(0, up)


class World:
    """A legacy network, and a fabric where a topology is given. ``borders``: hosts of the topology that stand for a
    port of the legacy network. Hosts of both begin plugged into the legacy network.

    Raises ValueError: a border that is no host of the topology, a port that is not there or has a cable already, a
    host of both with more than one port."""

    def __init__(
        self,
        plan: NetworkPlan,
        topology: Topology | None = None,
        borders: Mapping[str, End] | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = Clock()
        self.legacy = LegacyNetwork(plan, self.clock)
        self.fabric: SimNetwork | None = None
        self.borders: dict[str, Border] = {}
        self.sockets: dict[str, Socket] = {}
        self.sides = dict.fromkeys(self.legacy.hosts, LEGACY)
        if topology is not None:
            self._join(topology, borders or {}, seed)
        self.flows = Flows(self, self.legacy)
        self._flow_groups = {"": self.flows}

    def flow_group(self, name: str) -> Flows:
        """Flows of their own, by a name; those without a name are ``flows``."""
        return self._flow_groups.setdefault(name, Flows(self, self.legacy))

    def _join(self, topology: Topology, borders: Mapping[str, End], seed: int) -> None:
        for name, end in borders.items():
            if faults := self._border_faults(topology, name, end):
                raise ValueError(faults)
            self.borders[name] = Border(name, end, topology.hosts[name].ports[0], self.legacy)
        for name in topology.hosts.keys() & self.legacy.hosts.keys():
            ports = topology.hosts[name].ports
            if len(ports) != 1:
                raise ValueError(f"{name} has {len(ports)} ports: a host that moves has one")
            self.sockets[name] = Socket(self.legacy.hosts[name], ports[0])
        stations: dict[str, Station] = {**self.borders, **self.sockets}
        self.fabric = SimNetwork(topology, seed, clock=self.clock, stations=stations)
        self.fabric.listeners = self.legacy.listeners
        for border in self.borders.values():
            border.fabric = self.fabric
            self.legacy.attach_at(border.end, border.name, border.to_fabric)
            self.legacy.watch(border.end, border.lit)
        for port in [one.port for one in self.borders.values()] + [one.port for one in self.sockets.values()]:
            self.fabric.changed(port)

    def _border_faults(self, topology: Topology, name: str, end: End) -> str:
        device, port = end
        if name not in topology.hosts:
            return f"{name}: the fabric's topology has no host of this name"
        if len(topology.hosts[name].ports) != 1:
            return f"{name}: a border has one port of the fabric"
        if device not in self.legacy.devices or port not in self.legacy.devices[device].ports:
            return f"{name}: {device} has no port {port}"
        if port in self.legacy.devices[device].links:
            return f"{name}: {device} {port} has a cable already"
        return ""

    # what questions need of a network of hosts

    @property
    def hosts(self) -> Mapping[str, SimHost]:
        return self.legacy.hosts

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        return self.legacy.endpoints

    @property
    def listeners(self) -> dict[int, Callable[[Stamp, Endpoint], object]]:
        return self.legacy.listeners

    def listen(self, hear: Callable[[Stamp, Endpoint], object]) -> int:
        return self.legacy.listen(hear)

    def forget(self) -> None:
        self.legacy.forget()

    # hosts that move

    def plug(self, name: str, side: str) -> None:
        """Move a host's cable to its port of the other network; where it is plugged in already, nothing happens.

        Raises KeyError: there is no such host; ValueError: it has no port there."""
        if name not in self.sides:
            raise KeyError(f"there is no host {name}")
        if side not in SIDES:
            raise ValueError(f"{side}: a host is plugged into the legacy network or the fabric")
        socket = self.sockets.get(name)
        if side == self.sides[name]:
            return
        if socket is None or self.fabric is None:
            raise ValueError(f"{name} has no port of the fabric")
        self.sides[name] = side
        if side == FABRIC:
            self.legacy.unplug(name)
            self.legacy.outlets[name] = partial(self._to_fabric, socket)
            socket.host.carrier(0, False)
        else:
            socket.host.carrier(0, True)
            self.legacy.plug(name)
        socket.alive = side == FABRIC
        self.fabric.changed(socket.port)

    def _to_fabric(self, socket: Socket, index: int, packet: Packet, journey: Journey) -> None:
        assert self.fabric is not None
        self.fabric.enter(socket.port, packet, journey)

    # cables

    def cut(self, where: str) -> None:
        """Break a cable: at a device's port (``acc1 Te1/1/1``) or at a switch's (``leaf1:3``)."""
        self._cable(where, broken=True)

    def restore(self, where: str) -> None:
        """Mend it."""
        self._cable(where, broken=False)

    def _cable(self, where: str, *, broken: bool) -> None:
        device, _, port = where.partition(" ")
        if not port:
            fabric, ref = self._fabric_port(where)
            (fabric.cut if broken else fabric.restore)(ref)
            return
        if device not in self.legacy.devices:
            raise KeyError(f"there is no device {device}")
        border = next((one for one in self.borders.values() if one.end == (device, port)), None)
        if border is not None and self.fabric is not None:
            (self.fabric.cut if broken else self.fabric.restore)(border.port)
        else:
            (self.legacy.cut if broken else self.legacy.restore)(device, port)

    def _fabric_port(self, where: str) -> tuple[SimNetwork, PortRef]:
        switch, colon, port = where.rpartition(":")
        if self.fabric is None or not colon or not port.isdecimal():
            raise ValueError(f"{where!r} is neither a device and a port like acc1 Te1/1/1 nor a port like leaf1:49")
        return self.fabric, PortRef(switch, int(port))

    def run(self, seconds: float) -> None:
        """Let this much virtual time pass."""
        self.clock.advance(self.clock.now + round(seconds * SECOND))
