"""The patch panel: real cables joined with the simulated devices' ports, or with one another.

Lives here: which frame goes where, light and darkness, hosts that are re-plugged, cables that break. Must not know:
sockets, what devices do with frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ETH_ARP
from clos.fabric.packet.value import PacketError
from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.cables import End
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.realtime import Pace
from clos.fabric.sim.world.world import FABRIC, LEGACY, SIDES
from clos.fabric.topology import PortRef
from clos.lab.legacy.patching import Patch, Patching
from clos.lab.legacy.wires import Wires

ASKED = 2 * SECOND
"""How long a device waits for the answer to an ARP request that left on a real cable."""


class Panel:
    """Hosts begin plugged into the legacy network. Before ``connect`` there are no cables: frames go nowhere."""

    def __init__(self, legacy: LegacyNetwork, patching: Patching) -> None:
        self.legacy, self._patching = legacy, patching
        self.sides = dict.fromkeys(patching.hosts, LEGACY)
        self.broken: set[str] = set()
        """Interfaces whose cable somebody broke."""
        self._lit: dict[str, bool] = {}
        self._ports: dict[str, End] = {}
        """By interface, the legacy port that it is cabled to."""
        self._joined: dict[str, str] = {}
        """By interface, the one that it is joined with."""
        self._wires: Wires | None = None
        self._pace: Pace | None = None
        for name, patch in (*patching.borders.items(), *patching.hosts.items()):
            self._plug(name, patch)

    def connect(self, wires: Wires, pace: Pace) -> None:
        """From now on there are cables, and real time."""
        self._wires, self._pace = wires, pace
        for interface, patch in self._every():
            self._light(interface, interface == patch.interface and self._lit[interface])

    def frame(self, interface: str, data: bytes) -> None:
        """A frame arrives from a real cable."""
        port, other = self._ports.get(interface), self._joined.get(interface)
        if interface in self.broken:
            return
        if other is not None:
            self._send(other, data)
        elif port is not None and self._wires is not None:
            try:
                packet = Packet.parse(data)
            except PacketError:
                return
            with self._in_step():
                self.legacy.enter(port, packet, Journey())

    def carrier(self, interface: str, up: bool) -> None:
        """The far end of a real cable sends light, or no longer does."""
        port, other = self._ports.get(interface), self._joined.get(interface)
        if port is not None:
            with self._in_step():
                self.legacy.darken(port, dark=not up or interface in self.broken)
        elif other is not None:
            self._light(other, up)

    def borders(self) -> dict[str, str]:
        """By border, the port of the legacy network that it is cabled to."""
        return {name: " ".join(one.legacy) for name, one in self._patching.borders.items()}

    def broken_cables(self) -> list[str]:
        """Where somebody broke a cable, of devices and of the panel."""
        between = {f"{device} {port}" for (device, port), one in self.legacy.plant.cables.items() if one.cut}
        return sorted(between | {name for name in self.broken if name not in self._ports})

    # hosts that move, cables that break

    def move(self, name: str, side: str) -> None:
        """Plug a host in on that side. Raises KeyError: there is no such host; ValueError: it has no port there."""
        if name not in self.sides:
            raise KeyError(f"there is no host {name}")
        if side not in SIDES:
            raise ValueError(f"{side}: a host is plugged into the legacy network or the fabric")
        patch = self._patching.hosts[name]
        if side == self.sides[name]:
            return
        if patch.fabric is None:
            raise ValueError(f"{name} has no port of the fabric")
        self._light(patch.interface, False)
        if side == FABRIC:
            del self._ports[patch.interface]
            self.legacy.detach(patch.legacy)
            self._joined |= {patch.interface: patch.fabric, patch.fabric: patch.interface}
            self._light(patch.interface, True)
        else:
            del self._joined[patch.interface], self._joined[patch.fabric]
            self._plug(name, patch)
            self._light(patch.interface, self._lit[patch.interface])
        self.sides[name] = side
        self._light(patch.fabric, side == FABRIC)

    def at(self, where: str) -> str | None:
        """The interface that a place like ``acc1 GigabitEthernet1/0/1`` or ``leaf1:1`` names; None: a cable between
        two devices. Raises ValueError: there is no such port of the fabric."""
        device, blank, port = where.partition(" ")
        if blank:
            return next((name for name, patch in self._every() if self._ports.get(name) == (device, port)), None)
        switch, colon, number = where.rpartition(":")
        ref = PortRef(switch, int(number)) if colon and number.isdecimal() else None
        layout = self._patching.layout
        if ref not in {PortRef(*end[:2]) for cable in layout.cables for end in (cable.a, cable.b)}:
            raise ValueError(f"{where!r} is neither a device and a port like acc1 Te1/1/1 nor a port like leaf1:49")
        return layout.device(PortRef(switch, int(number)))

    def cut(self, where: str, *, broken: bool) -> None:
        """Break a cable, or mend it. Raises KeyError: there is no such device; ValueError: no cable."""
        interface = self.at(where)
        if interface is None:
            device, _, port = where.partition(" ")
            (self.legacy.cut if broken else self.legacy.restore)(device, port)
            return
        (self.broken.add if broken else self.broken.discard)(interface)
        self._light(interface, self._lit.get(interface, True))
        if interface in self._ports:
            self.legacy.darken(self._ports[interface], dark=broken)

    # what the legacy network does

    def _plug(self, name: str, patch: Patch) -> None:
        self._ports[patch.interface] = patch.legacy
        self.legacy.attach_at(patch.legacy, name, partial(self._leave, patch.interface))
        self.legacy.watch(patch.legacy, partial(self._shines, patch.interface))

    def _shines(self, interface: str, lit: bool) -> None:
        self._lit[interface] = lit
        if interface in self._ports:
            self._light(interface, lit)

    def _leave(self, interface: str, packet: Packet, journey: Journey) -> None:
        """A frame from a legacy port. A device that asks by ARP waits for its answer as long as the journey lasts; it
        would end here."""
        self._send(interface, packet.data)
        if packet.headers()["eth_type"] == ETH_ARP:
            journey.depart()
            self.legacy.clock.after(ASKED, journey.land)

    def _send(self, interface: str, data: bytes) -> None:
        if self._wires is not None and interface not in self.broken:
            self._wires.send(interface, data)

    def _light(self, interface: str, up: bool) -> None:
        if self._wires is not None:
            self._wires.light(interface, up and interface not in self.broken)

    @contextmanager
    def _in_step(self) -> Iterator[None]:
        """Virtual time is now, and what is begun here will happen."""
        if self._pace is not None:
            self._pace.catch_up()
        yield
        if self._pace is not None:
            self._pace.nudge()

    def _every(self) -> list[tuple[str, Patch]]:
        patches = (*self._patching.borders.values(), *self._patching.hosts.values())
        return [(name, one) for one in patches for name in (one.interface, one.fabric) if name is not None]
