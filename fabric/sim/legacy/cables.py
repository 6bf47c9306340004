"""Cables of a legacy network: what is at their ends, frames on their way, breaks.

Lives here: Cable and Plant. Must not know: what devices do with frames, who is cabled to whom in which file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from clos.fabric.packet.build import Packet
from clos.fabric.sim.clock import Clock
from clos.fabric.sim.journey import Journey

LATENCY = 50
"""Microseconds that a frame is on a cable between devices."""
End = tuple[str, str]
"""A device and one of its ports."""
Receive = Callable[[Packet, Journey], object]


@dataclass(slots=True, eq=False)
class Cable:
    """``cut``: somebody broke it. ``epoch``: raised by each break; frames of an earlier one are lost."""

    latency: int = LATENCY
    cut: bool = False
    epoch: int = 0


@dataclass(slots=True)
class Plant:
    """All cables. ``receivers``: by end, who takes frames that arrive there; ``cables``: by end."""

    clock: Clock
    cables: dict[End, Cable] = field(default_factory=dict)
    far: dict[End, Receive] = field(default_factory=dict)
    """By end, who takes the frames that are sent from it."""
    frames: int = 0
    """How many frames have been put on cables so far."""

    def leave(self, device: str, port: str, packet: Packet, journey: Journey) -> None:
        """Put a frame on the cable at a port."""
        end = device, port
        cable, receive = self.cables.get(end), self.far.get(end)
        self.frames += 1
        if cable is None or receive is None or cable.cut:
            journey.depart()
            journey.drop(f"{device} {port}", "no cable" if cable is None or receive is None else "the cable is broken")
            journey.land()
            return
        journey.depart()
        if journey.trail is not None:
            journey.trail.cables.append((cable, cable.epoch))
        self.clock.after(cable.latency, partial(_land, cable, cable.epoch, receive, packet, journey))


def _land(cable: Cable, epoch: int, receive: Receive, packet: Packet, journey: Journey) -> None:
    if cable.epoch == epoch:
        receive(packet, journey)
    else:
        journey.drop("a cable", "it broke while the frame was on it")
    journey.land()
