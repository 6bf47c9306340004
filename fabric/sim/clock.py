"""Virtual time: a clock that moves from event to event.

Lives here: the event heap. Must not know: what happens at an event, real time.
Time is an integer number of microseconds since the clock was made, so that equal runs are equal to the last event.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

SECOND = 1_000_000
MILLISECOND = 1_000
FOREVER = 1 << 62

Call = Callable[[], object]


class Clock:
    """Events in the order of their time; events of one instant happen in the order they were asked for."""

    __slots__ = ("_heap", "_seq", "now")

    def __init__(self) -> None:
        self.now = 0
        self._heap: list[tuple[int, int, Call]] = []
        self._seq = 0

    def after(self, delay: int, call: Call) -> None:
        """Have ``call`` happen ``delay`` microseconds from now (at once, but not before this event is over, for 0)."""
        self._seq += 1
        heappush(self._heap, (self.now + delay, self._seq, call))

    def at(self, when: int, call: Call) -> None:
        """Have ``call`` happen at the instant ``when``; the past counts as now."""
        self.after(max(0, when - self.now), call)

    @property
    def due(self) -> int:
        """The instant of the next event, FOREVER when there is none."""
        return self._heap[0][0] if self._heap else FOREVER

    def advance(self, until: int, enough: Callable[[], bool] = lambda: False) -> None:
        """Let everything due up to ``until`` happen, or less where ``enough()`` becomes true.

        Afterwards ``now`` is ``until``, or the instant at which it was enough. An event that raises leaves the
        clock at its instant with the event consumed.
        """
        while not enough():
            if self.due > until:
                self.now = max(self.now, until)
                return
            when, _, call = heappop(self._heap)
            self.now = max(self.now, when)
            call()
