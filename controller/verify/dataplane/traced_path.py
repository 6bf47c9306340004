"""The way of one packet that a trace tells of, switch by switch, with nothing taken from memory.

Must not know: what a switch does to packets.
"""

from __future__ import annotations

from collections.abc import Callable

from clos.controller.verify.dataplane.deferred_packets import MAX_HOPS
from clos.controller.verify.dataplane.locations import TraceSink
from clos.controller.verify.dataplane.outcome import DROPPED, LOOP, Partition, arrives
from clos.controller.verify.dataplane.place_outcomes import MAX_DEPTH
from clos.controller.verify.dataplane.prepared_rule import PipelineState
from clos.controller.verify.headerspace.header_space import SLOTS, TTL, Box, HeaderSpace, narrowed
from clos.controller.verify.headerspace.transform import UNCHANGED, image
from clos.fabric.topology import PortRef

MAX_TOLD = 1_000
"""Switches on the way of one packet that a trace tells of."""

Visit = Callable[[PortRef, PipelineState, TraceSink], Partition]
"""Packets that come in at a switch, traced."""


class TracedPath:
    """The switches that the packet is at on its way, and what it looks like there."""

    def __init__(self, space: HeaderSpace) -> None:
        self._space = space
        self._switches: dict[tuple[PortRef, Box], None] = {}
        self._told = 0

    def onward(self, at: PortRef, state: PipelineState, trace: TraceSink, visit: Visit) -> Partition:
        """What becomes of the packet at the next switch."""
        key = at, image(self._space, state.box, state.frame, tuple(range(SLOTS)))
        self._told += 1
        if key in self._switches or (len(self._switches) >= MAX_HOPS and self._was_here(*key)):
            trace(f"{at}: a loop", at.switch, None)
            return [(state.box, arrives(LOOP, 0, UNCHANGED))]
        if len(self._switches) >= MAX_DEPTH or self._told > MAX_TOLD:
            trace(f"{at}: what follows is left out", at.switch, None)
            return [(state.box, DROPPED)]
        self._switches[key] = None
        try:
            return visit(at, state, trace)
        finally:
            del self._switches[key]

    def _was_here(self, at: PortRef, looks: Box) -> bool:
        """Whether the packet was there before, the same but for its time to live."""
        aged = at, narrowed(looks, TTL, 0)
        return any((place, narrowed(box, TTL, 0)) == aged for place, box in self._switches)
