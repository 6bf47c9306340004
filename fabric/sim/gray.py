"""Gray failures of simulated cables: up by every sign, and losing, spoiling or delaying a share of what they carry.

Lives here: what such a cable does to one frame. Must not know: who is cabled to whom.
Chance is a seed's: equal calls fare equally.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from clos.fabric.packet.build import Packet

ADDRESSES = 12
"""Bytes at the head of a frame that bit errors spare here: switches drop frames whose addresses are not theirs."""


@dataclass(slots=True)
class Gray:
    """``share`` of the frames (0 to 1) suffer: they are lost, or have a bit turned over (``corrupt``), or come later by
    ``delay`` microseconds.

    ``toward``: only those on the way to this switch; empty: both directions. ``sizes``: only frames of so many bytes.
    """

    share: float = 1.0
    toward: str = ""
    sizes: tuple[int, int] = (0, 65_535)
    corrupt: bool = False
    delay: int = 0
    seed: int = 0
    _dice: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError("the share of frames is from 0 to 1")
        if self.delay < 0 or not 0 <= self.sizes[0] <= self.sizes[1]:
            raise ValueError("a delay is 0 or more; sizes are from the smaller to the larger")
        self._dice = Random(self.seed)

    def suffer(self, packet: Packet, to: str) -> tuple[Packet | None, int]:
        """What becomes of a frame on its way to a device: the frame that arrives, if any, and by how much later."""
        concerned = self.toward in ("", to) and self.sizes[0] <= len(packet.data) <= self.sizes[1]
        if not concerned or self._dice.random() >= self.share:
            return packet, 0
        if self.delay:
            return packet, self.delay
        return (self._spoilt(packet) if self.corrupt else None), 0

    def _spoilt(self, packet: Packet) -> Packet:
        data = bytearray(packet.data)
        at = self._dice.randrange(min(ADDRESSES, len(data) - 1), len(data))
        data[at] ^= 1 << self._dice.randrange(8)
        return Packet(bytes(data))
