"""Switching of frames by a legacy device: what comes in at a port leaves by others, or goes to the router above.

Lives here: which VLAN a frame is in, states of spanning trees, learning, flooding, reserved addresses. Must not know:
how trees are worked out, routes, what is at the other end of a cable.
Source: IEEE 802.1D-2004 §7.5-7.9, §7.12.6 (reserved addresses).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from clos.fabric.packet.build import Packet
from clos.fabric.sim.clock import Clock
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.l2.addresses import Addresses
from clos.fabric.sim.legacy.l2.ports import NO_PORTS, Line, Ports, tag_of, tagged, untagged

IEEE_RESERVED = b"\x01\x80\xc2\x00\x00"
CISCO_RESERVED = (b"\x01\x00\x0c\xcc\xcc\xcc", b"\x01\x00\x0c\xcc\xcc\xcd")
"""CDP and its kin; trees per VLAN. Addresses that no bridge passes on."""


class Trees(Protocol):
    """What the spanning trees say to the data plane."""

    def passes(self, vlan: int, line: str) -> tuple[bool, bool]:
        """Whether addresses are learned there, and whether frames are forwarded."""

    def heard(self, line: str, frame: bytes) -> None:
        """A frame to a reserved address came in."""


class Above(Protocol):
    """The router above the bridge."""

    def owns(self, vlan: int, address: bytes) -> bool:
        """Whether frames of a VLAN to this address are for the router."""

    def from_vlan(self, vlan: int, frame: bytes, journey: Journey) -> None:
        """An untagged frame of a VLAN for the router, or to everybody."""

    def from_line(self, line: str, tag: int | None, frame: bytes, journey: Journey) -> None:
        """A frame at a routed line, without its tag."""


class Bridge:
    """``leave(port, packet, journey)`` puts a frame on the port's cable. ``changed``: called where decisions change."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        leave: Callable[[str, Packet, Journey], object],
        changed: Callable[[], object],
    ) -> None:
        self.name = name
        self.addresses = Addresses(changed)
        self.ports: Ports = NO_PORTS
        self.trees: Trees
        self.above: Above
        self._clock, self._leave, self._changed = clock, leave, changed

    def follow(self, ports: Ports) -> None:
        """Configuration, links or power changed."""
        self.ports = ports
        self.addresses.keep(frozenset((vlan, line.name) for vlan, lines in ports.of_vlan.items() for line in lines))
        self._changed()

    def receive(self, port: str, packet: Packet, journey: Journey) -> None:
        """A frame came in at a physical port."""
        line = self.ports.of_port.get(port)
        if line is None:
            journey.drop(f"{self.name} {port}", "the port is down")
            return
        journey.budget -= 1
        if journey.budget < 0:
            journey.drop(self.name, "a loop: too many hops")
            return
        frame = packet.data
        if frame[0] & 1 and ((frame[:5] == IEEE_RESERVED and frame[5] < 16) or frame[:6] in CISCO_RESERVED):
            self.trees.heard(line.name, frame)
        elif line.native is None:
            self.above.from_line(line.name, tag_of(frame), untagged(frame), journey)
        else:
            self._classify(line, frame, journey)

    def _classify(self, line: Line, frame: bytes, journey: Journey) -> None:
        tag = tag_of(frame)
        vlan = line.native if tag is None else tag
        if not vlan or (tag is not None and tag not in line.tagged):
            journey.drop(f"{self.name} {line.name}", f"VLAN {vlan or tag or 'of untagged frames'} is not carried there")
            return
        learns, forwards = self.trees.passes(vlan, line.name)
        frame = untagged(frame)
        if learns and not frame[6] & 1:
            self.addresses.learn(vlan, frame[6:12], line.name, self._clock.now)
        if not forwards:
            journey.drop(f"{self.name} {line.name}", f"the port does not forward in VLAN {vlan}")
            return
        self._switch(vlan, frame, line, journey)

    def _switch(self, vlan: int, frame: bytes, source: Line | None, journey: Journey) -> None:
        target = frame[:6]
        if frame[0] & 1:
            self._flood(vlan, frame, source, journey)
            if source is not None:
                self.above.from_vlan(vlan, frame, journey)
            return
        if source is not None and self.above.owns(vlan, target):
            self.above.from_vlan(vlan, frame, journey)
            return
        name = self.addresses.find(vlan, target, self._clock.now)
        line = None if name is None else self.ports.lines.get(name)
        if line is None or not line.carries(vlan):
            self._flood(vlan, frame, source, journey)
        elif line is source:
            journey.drop(f"{self.name} {line.name}", "its address is behind the port it came from")
        elif not self.trees.passes(vlan, line.name)[1]:
            journey.drop(f"{self.name} {line.name}", f"the port does not forward in VLAN {vlan}")
        else:
            self._out(line, vlan, frame, journey)

    def _flood(self, vlan: int, frame: bytes, source: Line | None, journey: Journey) -> None:
        if journey.trail is not None:
            journey.trail.whole = False
        lines = [
            line
            for line in self.ports.of_vlan.get(vlan, ())
            if line is not source and self.trees.passes(vlan, line.name)[1]
        ]
        for line in lines:
            self._out(line, vlan, frame, journey)
        if not lines:
            journey.drop(self.name, f"no other port forwards in VLAN {vlan}")

    def _out(self, line: Line, vlan: int, frame: bytes, journey: Journey) -> None:
        wire = frame if vlan == line.native else tagged(frame, vlan)
        self._leave(line.member(frame), Packet(wire), journey)

    # what the router sends

    def emit(self, vlan: int, frame: bytes, journey: Journey) -> None:
        """Send an untagged frame of the router's into a VLAN."""
        self._switch(vlan, frame, None, journey)

    def emit_at(self, line: str, tag: int | None, frame: bytes, journey: Journey) -> None:
        """Send a frame out of a routed line."""
        found = self.ports.lines.get(line)
        if found is None:
            journey.drop(f"{self.name} {line}", "the port is down")
            return
        self._leave(found.member(frame), Packet(frame if tag is None else tagged(frame, tag)), journey)
