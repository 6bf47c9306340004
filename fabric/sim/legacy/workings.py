"""What runs on one device: spanning trees, bridge and router, put together and kept in step with its configuration.

Lives here: Workings. Must not know: how any of its parts works, layouts of outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from clos.fabric.packet.build import Packet
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.cables import Plant
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.l2.bridge import Bridge
from clos.fabric.sim.legacy.l2.ports import ports_of
from clos.fabric.sim.legacy.l3.router import Router
from clos.fabric.sim.legacy.names import name_order, short_name
from clos.fabric.sim.legacy.spanning import SpanningTrees
from clos.fabric.sim.legacy.state import ArpEntry, EigrpProcess, HsrpGroup, MacEntry, Route, StpTree


class Workings:
    """The protocols and the data plane of a device. ``of``: those of all devices, by name; ``changed`` is called where
    frames may now take another way."""

    def __init__(
        self, device: LegacyDevice, of: Mapping[str, Workings], plant: Plant, changed: Callable[[], object]
    ) -> None:
        self.device, self._of, self._changed = device, of, changed
        self.leave = partial(plant.leave, device.name)
        self.bridge = Bridge(device.name, device.clock, self.leave, changed)
        self.stp = SpanningTrees(device, _Trees(of), self)
        self.router = Router(device, self.bridge, self.forwards, changed)
        self.bridge.trees, self.bridge.above = self.stp, self.router
        self.watchers: dict[str, Callable[[bool], object]] = {}
        """By port, who wants to know whether it sends light."""
        self._lit: dict[str, bool] = {}
        self._settling = False

    # what the configuration, the links or the power did

    def reconfigured(self) -> None:
        """Carry it into what runs here, and into neighbours whose link came or went by it."""
        freed = {name for name in self.device.errdisabled if self.device.shut(name) or not self.device.alive}
        self.device.errdisabled -= freed
        self.follow()
        before, self._lit = self._lit, {name: self.shines(name) for name in self.device.links}
        for name, far in tuple(self.device.links.items()):
            if self._lit[name] == before.get(name, False):
                continue
            if not far.host:
                self._of[far.name].follow()
            elif name in self.watchers:
                self.watchers[name](self._lit[name])

    def shines(self, name: str) -> bool:
        """Whether a port sends light."""
        return self.device.alive and not self.device.shut(name) and name not in self.device.errdisabled

    def follow(self) -> None:
        """Carry this device's configuration, links and power into what runs on it."""
        if not self.device.alive:
            self.bridge.addresses.clear()
        self.bridge.follow(ports_of(self.device))
        self.stp.follow()
        self.router.follow()

    def receive(self, port: str, packet: Packet, journey: Journey) -> None:
        """A frame arrives at a port."""
        if self.device.alive:
            self.bridge.receive(port, packet, journey)
        else:
            journey.drop(self.device.name, "the device is down")

    # what spanning trees say

    def turned(self) -> None:
        self._changed()
        if not self._settling:
            self._settling = True
            self.device.clock.after(0, self._settled)

    def _settled(self) -> None:
        """Once all ports have turned that turn at this instant: interfaces of VLANs may be up or down by it."""
        self._settling = False
        self.router.links_changed()

    def flush(self, vlan: int, line: str, *, slowly: bool) -> None:
        if slowly:
            self.bridge.addresses.hurry(vlan, self.device.clock.now)
        else:
            self.bridge.addresses.forget(vlan, line)

    def guarded(self, line: str) -> None:
        """BPDU guard takes a line down."""
        found = self.bridge.ports.lines.get(line)
        for port in () if found is None else found.members:
            self.device.errdisabled.add(port)
            name = short_name(port)
            heard = f"Received BPDU on port {name} with BPDU Guard enabled. Disabling port."
            self.device.logged(f"%SPANTREE-2-BLOCK_BPDUGUARD: {heard}")
            word = f"bpduguard error detected on {name}, putting {name} in err-disable state"
            self.device.logged(f"%PM-4-ERR_DISABLE: {word}")
        self.device.clock.after(0, self.reconfigured)

    def member(self, line: str) -> str | None:
        found = self.bridge.ports.lines.get(line)
        return None if found is None else found.members[0]

    def line_of(self, port: str) -> str | None:
        found = self.bridge.ports.of_port.get(port)
        return None if found is None else found.name

    def forwards(self, vlan: int) -> bool:
        """Whether any port forwards in this VLAN: its interface is up then."""
        return any(self.stp.passes(vlan, line.name)[1] for line in self.bridge.ports.of_vlan.get(vlan, ()))

    # what is shown

    def trees(self) -> tuple[StpTree, ...] | None:
        return self.stp.trees()

    def macs(self) -> tuple[MacEntry, ...] | None:
        """Learned addresses; None on a router."""
        if self.device.hardware.router:
            return None
        learned = (
            MacEntry(vlan, int.from_bytes(address), line)
            for vlan, address, line in self.bridge.addresses.all(self.device.clock.now)
        )
        return tuple(sorted(learned, key=lambda one: (one.vlan, one.mac, name_order(one.port))))

    def hsrp(self) -> tuple[HsrpGroup, ...] | None:
        return self.router.hsrp_groups()

    def eigrp(self) -> tuple[EigrpProcess, ...] | None:
        return self.router.eigrp_processes()

    def routes(self) -> tuple[Route, ...] | None:
        return self.router.shown_routes()

    def arp(self) -> tuple[ArpEntry, ...] | None:
        return self.router.shown_arp()

    def hits(self, name: str) -> Mapping[str, int]:
        return {entry.key: entry.hits for entry in self.router.lists.entries(name)}

    def works(self, name: str) -> bool | None:
        return name in self.router.up if name in self.router.interfaces else None

    def cleared(self, what: str) -> None:
        if what == "mac":
            self.bridge.addresses.clear()
        elif what == "arp":
            self.router.neighbors.clear()
        else:
            self.router.lists.reset()


class _Trees(Mapping[str, SpanningTrees]):
    """The spanning trees of all devices, by name."""

    def __init__(self, of: Mapping[str, Workings]) -> None:
        self._of = of

    def __getitem__(self, name: str) -> SpanningTrees:
        return self._of[name].stp

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)
