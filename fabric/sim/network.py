"""The simulated fabric: switches, hosts and cables in virtual time.

Lives here: who is cabled to whom, what a cable does with a frame, failures. Must not know: OpenFlow's bytes,
tenants, real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from clos.fabric.dataplane.choose import hash_bucket
from clos.fabric.packet.build import Packet
from clos.fabric.sim.clock import MILLISECOND, Clock
from clos.fabric.sim.gray import Gray
from clos.fabric.sim.host import SimHost
from clos.fabric.sim.host_packets import Endpoint, Stamp
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.switch import SimSwitch
from clos.fabric.topology import PortRef, Topology

DETECTION = 10 * MILLISECOND
"""How long both ends of a cable take to notice that it broke, or works again."""
HOST_LATENCY = 1
"""Microseconds on the cable between a host and its leaf."""


class Station(Protocol):
    """What may be cabled to a switch beside switches: a host, or what stands for something else."""

    @property
    def name(self) -> str: ...
    @property
    def alive(self) -> bool: ...
    def receive(self, index: int, packet: Packet, journey: Journey) -> None: ...
    def carrier(self, index: int, up: bool) -> None: ...


End = tuple[SimSwitch | Station, int]
"""A switch and a port number, or a station and the index of its port."""
Tap = Callable[[int, str, Packet], object]
"""Called with the time (µs), "in" or "out", and the frame."""


class Cable:
    """Two ends and what is between them. ``cut``: broken by somebody; it also works only while both ends do."""

    __slots__ = ("cut", "ends", "epoch", "gray", "latency")

    def __init__(self, a: End, b: End, latency: int) -> None:
        self.ends = (a, b)
        self.latency = latency
        self.cut = False
        self.gray: Gray | None = None
        self.epoch = 0
        """Raised by every failure: a frame that left in an earlier epoch is lost."""

    def far(self, device: SimSwitch | Station) -> End:
        """The end that is not this device's."""
        return self.ends[self.ends[0][0] is device]

    @property
    def works(self) -> bool:
        return not self.cut and self.ends[0][0].alive and self.ends[1][0].alive


class SimNetwork:
    """A fabric in virtual time. Nothing happens unless ``run`` (or ``clock.advance``) is called.

    Nothing is left to chance, so equal calls give equal outcomes. ``seed``: of the hash by which switches spread
    flows over equal paths; 0 is that of fabric.dataplane.choose.hash_bucket. ``detection`` in microseconds.
    ``capacity``: rules per table of each switch, None = no limit. ``tables``: tables of each switch. ``stations``: by
    the names of hosts of the topology, what is at their ports instead of a host of this network.
    """

    def __init__(
        self,
        topology: Topology,
        seed: int = 0,
        *,
        detection: int = DETECTION,
        capacity: int | None = None,
        tables: int = 32,
        clock: Clock | None = None,
        stations: Mapping[str, Station] | None = None,
    ) -> None:
        self.topology = topology
        self.clock = Clock() if clock is None else clock
        self._stations = dict(stations or {})
        self.detection = detection
        self.endpoints: dict[str, Endpoint] = {}
        self.listeners: dict[int, Callable[[Stamp, Endpoint], object]] = {}
        self._owner = 0
        self._taps: dict[PortRef, list[Tap]] = {}
        speeds, choose = _speeds(topology), partial(hash_bucket, seed=seed & 0xFFFFFFFF)
        self.switches = {
            name: SimSwitch(switch, speeds[name], self.clock, partial(self._leave, name), choose, capacity, tables)
            for name, switch in topology.switches.items()
        }
        self.hosts = {
            name: SimHost(host, self.clock, partial(self._leave_host, name), self._heard)
            for name, host in topology.hosts.items()
            if name not in self._stations
        }
        self._cables = self._cabled()

    def _cabled(self) -> dict[PortRef, Cable]:
        cables = {}
        for link in self.topology.links:
            a, b = ((self.switches[end.switch], end.port) for end in (link.a, link.b))
            cables[link.a] = cables[link.b] = Cable(a, b, link.latency)
        for name, host in self.topology.hosts.items():
            station = self._stations.get(name) or self.hosts[name]
            for index, port in enumerate(host.ports):
                cables[port] = Cable((self.switches[port.switch], port.port), (station, index), HOST_LATENCY)
        return cables

    # ---- time

    @property
    def seconds(self) -> float:
        """Virtual time since the network was made, in seconds."""
        return self.clock.now / 1e6

    def run(self, seconds: float) -> None:
        """Let this much virtual time pass."""
        self.clock.advance(self.clock.now + round(seconds * 1e6))

    # ---- frames

    def transmit(self, port: PortRef, packet: Packet, journey: Journey | None = None) -> None:
        """Send a frame out of a switch's port, as if the switch had decided so."""
        self.switches[port.switch].output(port.port, packet, Journey() if journey is None else journey)

    def inject(self, port: PortRef, packet: Packet, journey: Journey | None = None) -> Journey:
        """Have a frame arrive at a switch's port, now; its journey tells what became of it once time has passed."""
        journey = Journey(hops=[]) if journey is None else journey
        journey.depart()
        self.clock.after(0, partial(self._enter, self.switches[port.switch], port.port, packet, journey))
        return journey

    def tap(self, port: PortRef, see: Tap) -> Callable[[], None]:
        """Have ``see`` called for every frame that crosses a port; returns what ends it."""
        taps = self._taps.setdefault(port, [])
        taps.append(see)
        return lambda: taps.remove(see)

    def _leave(self, switch: str, port: int, packet: Packet, journey: Journey) -> None:
        ref = PortRef(switch, port)
        for see in self._taps.get(ref, ()):
            see(self.clock.now, "out", packet)
        cable = self._cables.get(ref)
        if cable is None:
            journey.depart()
            journey.drop(str(ref), "no cable")
            journey.land()
            return
        self._carry(cable, cable.far(self.switches[switch]), packet, journey)

    def _leave_host(self, host: str, index: int, packet: Packet, journey: Journey) -> None:
        cable = self._cables[self.hosts[host].host.ports[index]]
        self._carry(cable, cable.far(self.hosts[host]), packet, journey)

    def enter(self, port: PortRef, packet: Packet, journey: Journey) -> None:
        """A frame leaves what is cabled to a switch's port, towards it."""
        self._carry(self.cable(port), (self.switches[port.switch], port.port), packet, journey)

    def _carry(self, cable: Cable, far: End, packet: Packet, journey: Journey) -> None:
        journey.depart()
        if journey.trail is not None:
            journey.trail.cables.append((cable, cable.epoch))
            journey.trail.whole = journey.trail.whole and not self._taps
        if not cable.works:
            journey.drop(_place(far), "the cable to it is dead")
            journey.land()
            return
        later = cable.latency
        if cable.gray is not None:
            if journey.trail is not None:
                journey.trail.whole = False
            arrives, delay = cable.gray.suffer(packet, far[0].name)
            if arrives is None:
                journey.drop(_place(far), "lost on the cable to it, which is up")
                journey.land()
                return
            packet, later = arrives, later + delay
        self.clock.after(later, partial(self._land, cable, cable.epoch, far, packet, journey))

    def _land(self, cable: Cable, epoch: int, far: End, packet: Packet, journey: Journey) -> None:
        if cable.epoch != epoch:
            journey.drop(_place(far), "lost on the cable to it")
            journey.land()
            return
        self._enter(*far, packet, journey)

    def _enter(self, device: SimSwitch | Station, port: int, packet: Packet, journey: Journey) -> None:
        if self._taps and isinstance(device, SimSwitch):
            for see in self._taps.get(PortRef(device.name, port), ()):
                see(self.clock.now, "in", packet)
        device.receive(port, packet, journey)
        journey.land()

    # ---- failures

    def switch(self, name: str) -> SimSwitch:
        """Raises KeyError with a text for an unknown name."""
        try:
            return self.switches[name]
        except KeyError:
            raise KeyError(f"there is no switch {name}") from None

    def cable(self, port: PortRef) -> Cable:
        """The cable at a switch port. Raises KeyError with a text for an unused port."""
        try:
            return self._cables[port]
        except KeyError:
            raise KeyError(f"{port}: no cable there") from None

    def between(self, a: str, b: str) -> tuple[PortRef, ...]:
        """The ports of ``a`` cabled to ``b`` (two switches, or a switch and a host). Raises KeyError for none."""
        refs = {ref: _names(cable) for ref, cable in self._cables.items()}
        found = tuple(sorted(ref for ref, names in refs.items() if names == {a, b} and ref.switch in (a, b)))
        mine = tuple(ref for ref in found if ref.switch == a) or found
        if not mine:
            raise KeyError(f"no cable between {a} and {b}")
        return mine

    def cut(self, port: PortRef) -> None:
        """Break the cable at a port; frames on it are lost. Both ends notice ``detection`` later."""
        cable = self.cable(port)
        cable.cut = True
        self._fail(cable)

    def restore(self, port: PortRef) -> None:
        """Mend the cable at a port."""
        cable = self.cable(port)
        cable.cut = False
        self._watch(cable)

    def gray(self, port: PortRef, how: Gray | None) -> None:
        """Have the cable at a port, which stays up, lose, spoil or delay frames; None: it is sound again."""
        cable = self.cable(port)
        cable.gray = how
        for device, _ in cable.ends:
            if isinstance(device, SimSwitch):
                device.version += 1  # what remembers a way over it thinks again

    def crash(self, switch: str) -> None:
        """Power a switch off: what it held is gone, frames to it are lost, its neighbours notice."""
        self.switch(switch).crash()
        for cable in self._cables_of(switch):
            self._fail(cable)

    def revive(self, switch: str) -> None:
        """Power a switch on again, empty."""
        self.switch(switch).revive()
        for cable in self._cables_of(switch):
            self._watch(cable)

    def links_of(self, switch: str) -> tuple[PortRef, ...]:
        """The ports of a switch that lead to other switches. Raises KeyError with a text for an unknown name."""
        return tuple(ref for ref in self.topology.peers if ref.switch == self.switch(switch).name)

    def _cables_of(self, switch: str) -> Iterable[Cable]:
        return [cable for ref, cable in self._cables.items() if ref.switch == switch]

    def changed(self, port: PortRef) -> None:
        """What is cabled to a port has come alive, or is not alive any more."""
        cable = self.cable(port)
        (self._watch if cable.works else self._fail)(cable)

    def _fail(self, cable: Cable) -> None:
        cable.epoch += 1
        self._watch(cable)

    def _watch(self, cable: Cable) -> None:
        self.clock.after(self.detection, partial(_notice, cable, cable.epoch, cable.works))

    # ---- endpoints

    def attach(
        self,
        name: str,
        host: str,
        mac: int,
        ip: int,
        prefix_len: int,
        gateway: int | None = None,
        vlan: int | None = None,
    ) -> Endpoint:
        """Give a host an endpoint. Raises ValueError for a name or address in use, an unknown host."""
        if host not in self.hosts:
            raise ValueError(f"{name}: there is no host {host}")
        if name in self.endpoints:
            raise ValueError(f"{name}: is attached to {self.endpoints[name].host} already")
        endpoint = Endpoint(name, host, mac, ip, prefix_len, gateway, vlan)
        self.hosts[host].attach(endpoint)
        self.endpoints[name] = endpoint
        return endpoint

    def detach(self, name: str) -> None:
        """Take an endpoint away. Raises KeyError when there is none of that name."""
        self.hosts[self.endpoints.pop(name).host].detach(name)

    def forget(self) -> None:
        """Empty the ARP caches of all hosts."""
        for host in self.hosts.values():
            host.forget()

    def listen(self, hear: Callable[[Stamp, Endpoint], object]) -> int:
        """A new owner number for stamps; ``hear`` is called for each stamped packet that arrives at a host."""
        self._owner += 1
        self.listeners[self._owner] = hear
        return self._owner

    def _heard(self, stamp: Stamp, endpoint: Endpoint) -> None:
        hear = self.listeners.get(stamp.owner)
        if hear is not None:
            hear(stamp, endpoint)


def _speeds(topology: Topology) -> dict[str, dict[int, int]]:
    """Speed in Mbit/s by switch and port."""
    found: dict[str, dict[int, int]] = {name: {} for name in topology.switches}
    for link in topology.links:
        for end in (link.a, link.b):
            found[end.switch][end.port] = link.speed
    for host in topology.hosts.values():
        for end in host.ports:
            found[end.switch][end.port] = host.speed
    return found


def _names(cable: Cable) -> set[str]:
    return {device.name for device, _ in cable.ends}


def _place(end: End) -> str:
    device, port = end
    return f"{device.name}:{port}" if isinstance(device, SimSwitch) else device.name


def _notice(cable: Cable, epoch: int, works: bool) -> None:
    """Both ends see the cable as it was when this was scheduled, unless something happened since."""
    if (cable.epoch, cable.works) != (epoch, works):
        return
    for device, port in cable.ends:
        device.carrier(port, works)
