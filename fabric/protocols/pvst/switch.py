"""A switch with a spanning tree per VLAN: which tree a frame belongs to, and which frames a tree's BPDU becomes.

Lives here: trunks and access ports, native VLANs, the IEEE twin of VLAN 1, inconsistent VLANs, BPDU guard and filter.
Must not know: how a tree is worked out (``machine``), sockets, clocks. Source: what PVST+ switches send, in words:

    access port      IEEE BPDUs of its VLAN, untagged
    trunk, VLAN 1    IEEE BPDUs untagged, and SSTP tagged with 1 unless 1 is the native VLAN
    trunk, others    SSTP, untagged in the native VLAN, tagged in the others

VLAN 1's tree is worked out from the IEEE BPDUs; its SSTP ones only show whether the VLANs of both ends agree. An SSTP
frame whose TLV names another VLAN than it arrived in blocks both VLANs at the port; on an access port it blocks that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.fabric.protocols.pvst.frame import StpFrame
from clos.fabric.protocols.pvst.machine import NEVER, Machine
from clos.fabric.protocols.pvst.packet import Bpdu
from clos.fabric.protocols.pvst.port import (
    PVID_INCONSISTENT,
    TYPE_INCONSISTENT,
    Effect,
    Flush,
    PortConfig,
    Send,
    Turn,
)
from clos.fabric.protocols.pvst.vector import DEFAULT_TIMES, Times, bridge_id

CST_VLAN = 1
"""The VLAN whose tree other vendors' bridges take part in."""


class SwitchPort(NamedTuple):
    """A port of the switch. ``trees``: its configuration in each VLAN that it carries; ``native``: the untagged one.

    ``bpdu_guard``: a BPDU disables the port. ``bpdu_filter``: BPDUs are neither sent nor read.
    """

    number: int
    trees: Mapping[int, PortConfig]
    trunk: bool = True
    native: int = 1
    bpdu_guard: bool = False
    bpdu_filter: bool = False


class SendFrame(NamedTuple):
    """Transmit the frame out of the port."""

    port: int
    frame: StpFrame


class VlanTurn(NamedTuple):
    """A port's role and state in a VLAN from now on."""

    vlan: int
    turn: Turn


class VlanFlush(NamedTuple):
    """Forget the addresses of the VLAN learned at the port."""

    vlan: int
    port: int


class Disable(NamedTuple):
    """BPDU guard: take the port down until a person (or a timer of the device's) enables it."""

    port: int


SwitchEffect = SendFrame | VlanTurn | VlanFlush | Disable
_Event = Callable[[Machine], tuple[Effect, ...]]


class PvstSwitch:
    """A switch by its address, the priority of each VLAN's bridge, and its ports, which start without link."""

    def __init__(
        self,
        mac: int,
        priorities: Mapping[int, int],
        ports: Iterable[SwitchPort],
        *,
        rapid: bool = False,
        times: Times = DEFAULT_TIMES,
    ) -> None:
        self.mac, self.max_age = mac, times.max_age
        self.ports = {port.number: port for port in ports}
        self.machines = {
            vlan: Machine(
                bridge_id(priority, vlan, mac),
                [port.trees[vlan] for port in self.ports.values() if vlan in port.trees],
                rapid=rapid,
                times=times,
            )
            for vlan, priority in sorted(priorities.items())
        }
        self.disabled: set[int] = set()
        self._inconsistent: dict[tuple[int, int], float] = {}

    def link_up(self, number: int, now: float) -> tuple[SwitchEffect, ...]:
        """The port's link came up; a port that BPDU guard disabled stays down."""
        if number in self.disabled:
            return ()
        return self._each(number, lambda machine: machine.enable(number, now))

    def link_down(self, number: int, now: float) -> tuple[SwitchEffect, ...]:
        """The port's link went down."""
        for key in [key for key in self._inconsistent if key[0] == number]:
            del self._inconsistent[key]
        return self._each(number, lambda machine: machine.disable(number, now))

    def withdraw(self, vlan: int, number: int, now: float) -> tuple[SwitchEffect, ...]:
        """The port no longer carries the VLAN."""
        self._inconsistent.pop((number, vlan), None)
        return self.frames(vlan, self.machines[vlan].remove(number, now))

    def drop(self, vlan: int) -> None:
        """There is no tree of this VLAN any more."""
        del self.machines[vlan]
        for key in [key for key in self._inconsistent if key[1] == vlan]:
            del self._inconsistent[key]

    def tick(self, now: float) -> tuple[SwitchEffect, ...]:
        """Time has passed: trees' timers, and inconsistencies that nothing has confirmed for a max age."""
        found: list[SwitchEffect] = []
        for (number, vlan), until in list(self._inconsistent.items()):
            if until <= now:
                del self._inconsistent[number, vlan]
                found += self.frames(vlan, self.machines[vlan].breaks(number, None, now))
        for vlan, machine in self.machines.items():
            if machine.due() <= now:
                found += self.frames(vlan, machine.tick(now))
        return tuple(found)

    def due(self) -> float:
        """When ``tick`` has something to do next."""
        trees = min((machine.due() for machine in self.machines.values()), default=NEVER)
        return min(trees, min(self._inconsistent.values(), default=NEVER))

    def receive(self, number: int, frame: StpFrame, now: float) -> tuple[SwitchEffect, ...]:
        """A BPDU's frame arrived at a port. What is of no VLAN of the port's changes nothing."""
        port = self.ports[number]
        if number in self.disabled or port.bpdu_filter:
            return ()
        if port.bpdu_guard:
            self.disabled.add(number)
            return (Disable(number), *self.link_down(number, now))
        if frame.pvid is None:
            vlan = CST_VLAN if port.trunk else port.native
            return self._heard(number, vlan, frame.bpdu, now) if frame.tag is None else ()
        if not port.trunk:
            return self._block(number, (port.native,), TYPE_INCONSISTENT, now)
        vlan = port.native if frame.tag is None else frame.tag
        if vlan not in port.trees:
            return ()
        if vlan != frame.pvid:
            return self._block(number, (vlan, frame.pvid), PVID_INCONSISTENT, now)
        return () if vlan == CST_VLAN else self._heard(number, vlan, frame.bpdu, now)

    def _heard(self, number: int, vlan: int, bpdu: Bpdu, now: float) -> tuple[SwitchEffect, ...]:
        machine = self.machines.get(vlan)
        if machine is None or number not in machine.ports or (number, vlan) in self._inconsistent:
            return ()
        return self.frames(vlan, machine.receive(number, bpdu, now))

    def _block(self, number: int, vlans: Iterable[int], reason: str, now: float) -> tuple[SwitchEffect, ...]:
        found: tuple[SwitchEffect, ...] = ()
        for vlan in vlans:
            machine = self.machines.get(vlan)
            if machine is not None and number in machine.ports and machine.ports[number].enabled:
                self._inconsistent[number, vlan] = now + self.max_age
                found += self.frames(vlan, machine.breaks(number, reason, now))
        return found

    def _each(self, number: int, event: _Event) -> tuple[SwitchEffect, ...]:
        """The event in every tree that the port is in."""
        found: tuple[SwitchEffect, ...] = ()
        for vlan, machine in self.machines.items():
            if number in machine.ports:
                found += self.frames(vlan, event(machine))
        return found

    def frames(self, vlan: int, effects: Iterable[Effect]) -> tuple[SwitchEffect, ...]:
        """What a tree's machine asks for, as what the switch has to do."""
        found: list[SwitchEffect] = []
        for effect in effects:
            if isinstance(effect, Send):
                found += (SendFrame(effect.port, frame) for frame in self._encapsulated(effect.port, vlan, effect.bpdu))
            elif isinstance(effect, Flush):
                found.append(VlanFlush(vlan, effect.port))
            else:
                found.append(VlanTurn(vlan, effect))
        return tuple(found)

    def _encapsulated(self, number: int, vlan: int, bpdu: Bpdu) -> Iterator[StpFrame]:
        port = self.ports[number]
        if port.bpdu_filter:
            return
        if not port.trunk or vlan == CST_VLAN:
            yield StpFrame(self.mac, bpdu)
        if port.trunk:
            yield StpFrame(self.mac, bpdu, None if vlan == port.native else vlan, vlan)
