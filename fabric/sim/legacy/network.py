"""A legacy network in virtual time: devices, hosts, and the cables between them.

Lives here: what a network is made of, how it is put together, cables that break. Must not know: files, SSH.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

from clos.fabric.packet.build import Packet
from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.host import SimHost
from clos.fabric.sim.host_packets import Endpoint, Stamp
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.cables import Cable, End, Plant
from clos.fabric.sim.legacy.device import Far, Hardware, LegacyDevice, StartupProblem
from clos.fabric.sim.legacy.workings import Workings
from clos.fabric.topology import Host, PortRef

HOST_LATENCY = 1
"""Microseconds on the cable between a host and its switch."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """A device to be made: its hardware and the lines of its startup configuration."""

    name: str
    hardware: Hardware
    startup: tuple[str, ...]
    sha1_only: bool = False
    """It is as old as its SSH: nothing but SHA-1."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A host behind a device's port. ``address`` None: it says nothing. ``behind``: more addresses of its, reached
    through the first one, as those of networks behind a router are."""

    name: str
    port: End
    mac: int
    address: IPv4Address | None = None
    gateway: IPv4Address | None = None
    prefix_len: int = 24
    behind: tuple[IPv4Address, ...] = ()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The first has the host's name, the others its name and their address."""
        if self.address is None:
            return ()
        gateway = None if self.gateway is None else int(self.gateway)
        first = Endpoint(self.name, self.name, self.mac, int(self.address), self.prefix_len, gateway)
        return (
            first,
            *(Endpoint(f"{self.name}/{ip}", self.name, self.mac, int(ip), 32, gateway) for ip in self.behind),
        )


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """A network to be made."""

    name: str
    devices: tuple[DevicePlan, ...]
    cables: tuple[tuple[End, End], ...]
    hosts: tuple[HostPlan, ...] = ()
    borders: tuple[tuple[str, End], ...] = ()
    """Ports kept for a fabric, with the names of the fabric's hosts that stand for them."""

    def faults(self) -> tuple[str, ...]:
        """What is wrong with it, in words: cables and hosts at ports that are not there, or twice at one."""
        ports = {(device.name, port) for device in self.devices for port in device.hardware.ports}
        used = [end for cable in self.cables for end in cable] + [host.port for host in self.hosts]
        used += [end for _, end in self.borders]
        missing = [f"{device} has no port {port}" for device, port in used if (device, port) not in ports]
        twice = sorted({end for end in used if used.count(end) > 1})
        names = [device.name for device in self.devices] + [host.name for host in self.hosts]
        again = sorted({name for name in names if names.count(name) > 1})
        return (
            *missing,
            *(f"{device} {port} has more than one cable" for device, port in twice),
            *(f"{name} is the name of two" for name in again),
        )


class LegacyNetwork:
    """The network of a plan. ``problems``: by device, the lines of its startup configuration that it did not take.

    ``version`` grows whenever a frame may take another way than the one before it. Raises ValueError: the plan is
    faulty."""

    def __init__(self, plan: NetworkPlan, clock: Clock | None = None) -> None:
        if faults := plan.faults():
            raise ValueError("; ".join(faults))
        self.plan = plan
        self.clock = Clock() if clock is None else clock
        self.version = 0
        self.plant = Plant(self.clock)
        self.devices = {one.name: LegacyDevice(one.name, one.hardware, self.clock) for one in plan.devices}
        self.workings: dict[str, Workings] = {}
        for name, device in self.devices.items():
            device.machines = self.workings[name] = Workings(device, self.workings, self.plant, self._changed)
            device.peer = self.devices.get
            device.carrier = partial(self._carrier, name)
        self.hosts: dict[str, SimHost] = {}
        self.outlets: dict[str, Callable[[int, Packet, Journey], object]] = {}
        """By host, where its frames go."""
        self._plugs = {host.name: host.port for host in plan.hosts}
        self.endpoints: dict[str, Endpoint] = {}
        self.listeners: dict[int, Callable[[Stamp, Endpoint], object]] = {}
        self._owner = 0
        for a, b in plan.cables:
            self.connect(a, b)
        for host in plan.hosts:
            self._add_host(host)
        self.problems: dict[str, tuple[StartupProblem, ...]] = {
            one.name: self.devices[one.name].boot(one.startup) for one in plan.devices
        }
        for device in self.devices.values():
            device.machines.reconfigured()

    def _changed(self) -> None:
        self.version += 1

    def settle(self, seconds: int = 60) -> None:
        """Let virtual time pass until spanning trees have settled."""
        self.clock.advance(self.clock.now + seconds * SECOND)

    # cables

    def connect(self, a: End, b: End) -> None:
        """Cable two devices; what they make of it they do at their next change."""
        cable = Cable()
        for end, far in ((a, b), (b, a)):
            self.devices[end[0]].links[end[1]] = Far(*far)
            self.plant.cables[end] = cable
            self.plant.far[end] = partial(self.workings[far[0]].receive, far[1])

    def _add_host(self, plan: HostPlan) -> None:
        self.hosts[plan.name] = host = SimHost(
            Host(plan.name, plan.mac, (PortRef(plan.port[0], 0),)),
            self.clock,
            partial(self._from_host, plan.name),
            self._heard,
        )
        self._attach_host(plan.name)
        for endpoint in plan.endpoints():
            host.attach(endpoint)
            self.endpoints[endpoint.name] = endpoint

    def _from_host(self, name: str, index: int, packet: Packet, journey: Journey) -> None:
        self.outlets[name](index, packet, journey)

    def _attach_host(self, name: str) -> None:
        host, end = self.hosts[name], self._plugs[name]
        self.outlets[name] = lambda index, packet, journey: self.enter(end, packet, journey)
        self.attach_at(end, name, lambda packet, journey: host.receive(0, packet, journey))

    def plug(self, name: str) -> None:
        """Put a host's cable into its port again."""
        self._attach_host(name)
        self.devices[self._plugs[name][0]].machines.reconfigured()

    def unplug(self, name: str) -> None:
        """Pull a host's cable out of its port. What it sends goes nowhere until its outlet is another."""
        self.detach(self._plugs[name])

    def watch(self, end: End, lit: Callable[[bool], object]) -> None:
        """Have ``lit`` called whenever a port begins or ceases to send light, and now."""
        self.workings[end[0]].watchers[end[1]] = lit
        self.devices[end[0]].machines.reconfigured()
        lit(self.workings[end[0]].shines(end[1]))

    def darken(self, end: End, *, dark: bool) -> None:
        """What is cabled to a port has ceased, or begun, to send light."""
        cable = self.plant.cables[end]
        if cable.cut != dark:
            cable.cut = dark
            cable.epoch += dark
            self.devices[end[0]].machines.reconfigured()

    def attach_at(self, end: End, name: str, receive: Callable[[Packet, Journey], object]) -> None:
        """Cable something that is no device to a port; ``receive`` takes the frames that leave there."""
        self.devices[end[0]].links[end[1]] = Far(name, "", host=True)
        self.plant.cables[end], self.plant.far[end] = Cable(HOST_LATENCY), receive

    def detach(self, end: End) -> None:
        """Pull what is no device out of a port."""
        self.plant.cables.pop(end).epoch += 1
        del self.plant.far[end], self.devices[end[0]].links[end[1]]
        self.devices[end[0]].machines.reconfigured()

    def enter(self, end: End, packet: Packet, journey: Journey) -> None:
        """A frame leaves what is cabled to this port, towards it."""
        cable = self.plant.cables.get(end)
        journey.depart()
        if cable is None or cable.cut:
            journey.drop(f"{end[0]} {end[1]}", "the cable to it is broken")
            journey.land()
            return
        if journey.trail is not None:
            journey.trail.cables.append((cable, cable.epoch))
        self.clock.after(cable.latency, partial(self._arrive, cable, cable.epoch, end, packet, journey))

    def _arrive(self, cable: Cable, epoch: int, end: End, packet: Packet, journey: Journey) -> None:
        if cable.epoch == epoch:
            self.workings[end[0]].receive(end[1], packet, journey)
        else:
            journey.drop(f"{end[0]} {end[1]}", "the cable broke while the frame was on it")
        journey.land()

    def _carrier(self, name: str, port: str) -> bool:
        far, cable = self.devices[name].links.get(port), self.plant.cables.get((name, port))
        if far is None or cable is None or cable.cut:
            return False
        if far.host:
            return True
        peer = self.devices[far.name]
        return peer.alive and not peer.shut(far.port) and far.port not in peer.errdisabled

    def cut(self, device: str, port: str) -> None:
        """Break the cable at this port. Raises KeyError: there is no such device; ValueError: no cable."""
        self._change(device, port, broken=True)

    def restore(self, device: str, port: str) -> None:
        """Repair the cable at this port, whichever end of it was cut."""
        self._change(device, port, broken=False)

    def _change(self, device: str, port: str, broken: bool) -> None:
        far = self.devices[device].links.get(port)
        if far is None:
            raise ValueError(f"{device} {port} has no cable")
        cable = self.plant.cables[device, port]
        cable.cut = broken
        cable.epoch += broken
        for name in {device, far.name} & self.devices.keys():
            self.devices[name].machines.reconfigured()

    # hosts

    def listen(self, hear: Callable[[Stamp, Endpoint], object]) -> int:
        """A new owner number for stamps; ``hear`` is called for each stamped packet that arrives at a host."""
        self._owner += 1
        self.listeners[self._owner] = hear
        return self._owner

    def _heard(self, stamp: Stamp, endpoint: Endpoint) -> None:
        hear = self.listeners.get(stamp.owner)
        if hear is not None:
            hear(stamp, endpoint)

    def forget(self) -> None:
        """Empty the ARP caches of all hosts."""
        for host in self.hosts.values():
            host.forget()
