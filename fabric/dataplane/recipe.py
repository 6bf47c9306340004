"""How the packet that leaves a switch is made from the one that arrived.

Lives here: recipes, of bytes copied, bytes that are always the same, and checksums that move along. Must not know:
rules, what the packet met.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from clos.fabric.packet.build import Packet
from clos.fabric.packet.edit import repair
from clos.fabric.packet.layout import Layout, Slot

CONSTANT = -1
"""The origin of a byte that does not come from the arriving frame."""


class Repair(NamedTuple):
    """A checksum that moves along with a slot whose bits grew by ``change``."""

    slot: Slot
    change: int


class Copy(NamedTuple):
    """Bytes made from an arriving frame: slices of it (start, stop), and constants."""

    parts: tuple[tuple[int, int] | bytes, ...]

    def of(self, data: bytes) -> bytes:
        if len(self.parts) == 2:
            head, tail = self.parts
            if type(head) is bytes and type(tail) is tuple:
                return head + data[tail[0] : tail[1]]
        return b"".join([part if type(part) is bytes else data[part[0] : part[1]] for part in self.parts])


class Recipe(NamedTuple):
    """A packet made from an arriving one. ``whole``: it is the arriving one, as it came."""

    copy: Copy
    repairs: tuple[Repair, ...]
    layout: Layout
    whole: bool

    def of(self, packet: Packet) -> Packet:
        if self.whole:
            return packet
        data = self.copy.of(packet.data)
        if self.repairs:
            frame = bytearray(data)
            for slot, change in self.repairs:
                repair(frame, self.layout, slot, change)
            data = bytes(frame)
        return Packet.laid_out(data, self.layout)


def copied(made: Iterable[tuple[int, int]]) -> Copy:
    """Bytes given one by one as (origin, value), in as few parts as can be."""
    parts: list[tuple[int, int] | bytes] = []
    for place, value in made:
        last = parts[-1] if parts else None
        if place == CONSTANT:
            byte = bytes((value,))
            parts[-1:] = [last + byte] if isinstance(last, bytes) else [*parts[-1:], byte]
        elif isinstance(last, tuple) and last[1] == place:
            parts[-1] = (last[0], place + 1)
        else:
            parts.append((place, place + 1))
    return Copy(tuple(parts))
