"""A legacy network in virtual time: devices, hosts, and the cables between them.

Lives here: what a network is made of, how it is put together, cables that break. Must not know: files, SSH.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.legacy.device import Far, Hardware, LegacyDevice, StartupProblem
from clos.fabric.sim.legacy.spanning import SpanningTrees

End = tuple[str, str]
"""A device and one of its ports."""


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
    """A host behind a device's port. ``address`` None: it bridges only."""

    name: str
    port: End
    mac: int
    address: IPv4Address | None = None
    gateway: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """A network to be made."""

    name: str
    devices: tuple[DevicePlan, ...]
    cables: tuple[tuple[End, End], ...]
    hosts: tuple[HostPlan, ...] = ()

    def faults(self) -> tuple[str, ...]:
        """What is wrong with it, in words: cables and hosts at ports that are not there, or twice at one."""
        ports = {(device.name, port) for device in self.devices for port in device.hardware.ports}
        used = [end for cable in self.cables for end in cable] + [host.port for host in self.hosts]
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

    Raises ValueError: the plan is faulty."""

    def __init__(self, plan: NetworkPlan, clock: Clock | None = None) -> None:
        if faults := plan.faults():
            raise ValueError("; ".join(faults))
        self.plan = plan
        self.clock = Clock() if clock is None else clock
        self._cut: set[End] = set()
        self.devices = {one.name: LegacyDevice(one.name, one.hardware, self.clock) for one in plan.devices}
        self.hosts: Mapping[str, HostPlan] = {host.name: host for host in plan.hosts}
        trees: dict[str, SpanningTrees] = {}
        for name, device in self.devices.items():
            device.machines = trees[name] = SpanningTrees(device, trees)
        self._connect(plan.cables, plan.hosts)
        self.problems: dict[str, tuple[StartupProblem, ...]] = {
            one.name: self.devices[one.name].boot(one.startup) for one in plan.devices
        }

        for device in self.devices.values():
            device.machines.reconfigured()

    def settle(self, seconds: int = 60) -> None:
        """Let virtual time pass until spanning trees have settled."""
        self.clock.advance(self.clock.now + seconds * SECOND)

    def _connect(self, cables: Iterable[tuple[End, End]], hosts: Iterable[HostPlan]) -> None:
        for a, b in cables:
            for (device, port), (far, far_port) in ((a, b), (b, a)):
                self.devices[device].links[port] = Far(far, far_port)
        for host in hosts:
            self.devices[host.port[0]].links[host.port[1]] = Far(host.name, "", host=True)
        for name, made in self.devices.items():
            made.peer = self.devices.get
            made.carrier = partial(self._carrier, name)

    def _carrier(self, name: str, port: str) -> bool:
        far = self.devices[name].links.get(port)
        if far is None or (name, port) in self._cut:
            return False
        if far.host:
            return True
        peer = self.devices[far.name]
        return peer.alive and not peer.shut(far.port) and (far.name, far.port) not in self._cut

    def cut(self, device: str, port: str) -> None:
        """Break the cable at this port. Raises KeyError: there is no such device."""
        self._change(device, port, broken=True)

    def restore(self, device: str, port: str) -> None:
        """Repair the cable at this port, whichever end of it was cut."""
        self._change(device, port, broken=False)

    def _change(self, device: str, port: str, broken: bool) -> None:
        far = self.devices[device].links.get(port)
        if far is None:
            raise ValueError(f"{device} {port} has no cable")
        (self._cut.add if broken else self._cut.discard)((device, port))
        if not broken:
            self._cut.discard((far.name, far.port))
        for name in {device, far.name} & self.devices.keys():
            self.devices[name].machines.reconfigured()
