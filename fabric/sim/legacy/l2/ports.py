"""Which ports carry frames of which VLANs, as configuration and links have it now.

Lives here: from a device to its Lines (a port, or a port-channel with those of its ports that work), tags, frames cut
into VLAN and rest. Must not know: spanning trees, learned addresses, routes.
Source: IEEE 802.1Q-2018 §6.9 (tagging), §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.tree import value

TPID = b"\x81\x00"
VIRTUAL = frozenset({"Vlan", "Loopback", "Null"})


@dataclass(frozen=True, slots=True)
class Line:
    """A port or port-channel that is up. ``members``: its physical ports that work; ``native``: the VLAN of untagged
    frames, None on a routed one, whose tags name its subinterfaces; ``tagged``: VLANs that have a tag here."""

    name: str
    members: tuple[str, ...]
    native: int | None
    tagged: frozenset[int]

    def carries(self, vlan: int) -> bool:
        return vlan == self.native or vlan in self.tagged

    def member(self, frame: bytes) -> str:
        """The port that a frame leaves by: a port-channel spreads pairs of addresses."""
        if len(self.members) == 1:
            return self.members[0]
        return self.members[(frame[5] ^ frame[11]) % len(self.members)]


@dataclass(frozen=True, slots=True)
class Ports:
    """A device's lines by name, by physical port, and by the VLANs they carry."""

    lines: Mapping[str, Line]
    of_port: Mapping[str, Line]
    of_vlan: Mapping[int, tuple[Line, ...]]


NO_PORTS = Ports({}, {}, {})


def ports_of(device: LegacyDevice) -> Ports:
    """The lines of a device that has power."""
    if not device.alive:
        return NO_PORTS
    lines: dict[str, Line] = {}
    vlans = frozenset(device.vlans())
    for name in device.interfaces():
        line = _line(device, name, vlans)
        if line is not None:
            lines[name] = line
    of_port = {member: line for line in lines.values() for member in line.members}
    of_vlan = {vlan: tuple(line for line in lines.values() if line.carries(vlan)) for vlan in vlans}
    return Ports(lines, of_port, of_vlan)


def _line(device: LegacyDevice, name: str, vlans: frozenset[int]) -> Line | None:
    kind, number = split_name(name)
    if kind in VIRTUAL or "." in number or device.channel(name) is not None or not device.up(name):
        return None
    members = tuple(p for p in device.members(int(number)) if device.up(p)) if kind == "Port-channel" else (name,)
    if not device.switches(name):
        return Line(name, members, None, frozenset())
    lines = device.interface(name)
    if value(lines, "switchport mode") == "trunk":
        native = int(value(lines, "switchport trunk native vlan") or 1)
        carried = device.carries(name) & vlans
        return Line(name, members, native if native in carried else 0, carried - {native})
    access = int(value(lines, "switchport access vlan") or 1)
    voice = value(lines, "switchport voice vlan")
    tagged = frozenset({int(voice)} & vlans) if voice else frozenset()
    return Line(name, members, access if access in vlans else 0, tagged)


def tag_of(frame: bytes) -> int | None:
    """The VLAN in a frame's tag; None where it has none (a priority tag, VLAN 0, is none either)."""
    if frame[12:14] != TPID:
        return None
    return (frame[14] & 15) << 8 | frame[15] or None


def untagged(frame: bytes) -> bytes:
    """The frame without its tag."""
    return frame[:12] + frame[16:] if frame[12:14] == TPID else frame


def tagged(frame: bytes, vlan: int) -> bytes:
    """The frame with a tag of this VLAN."""
    return frame[:12] + TPID + vlan.to_bytes(2) + frame[12:]
