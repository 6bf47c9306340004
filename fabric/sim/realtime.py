"""Real time drives virtual time.

Lives here: when events happen by the real clock, and jumps ahead of it. Must not know: what the events are.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from clos.fabric.sim.clock import FOREVER, MILLISECOND, SECOND, Clock

SLICE = 20 * MILLISECOND
"""Virtual time a jump covers between two chances for others on the event loop."""

MOST_BEHIND = SECOND
"""How late an event may be before virtual time falls behind, so that a turn has an end."""


class Pace:
    """Keeps a clock in step with the event loop's time, from the moment it is made.

    A jump (``leap``, or the clock moved by hand and then ``settle``) puts virtual time ahead of real time, where it
    stays. Call ``nudge`` after anything that may have scheduled an event.
    """

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock, self._loop = clock, loop
        self._zero = loop.time() - clock.now / SECOND
        self._timer: asyncio.TimerHandle | None = None
        self._when: float = FOREVER
        self.grain = 0.0
        """Seconds of real time in whose multiples events are looked after; 0: each at its own time."""
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def now(self) -> int:
        """What the virtual clock should show."""
        return int((self._loop.time() - self._zero) * SECOND)

    def catch_up(self) -> None:
        """Let everything happen that is due.

        Where more is due than the machine has time for, virtual time falls behind: else each turn would be longer than
        the one before it, and nobody who asks would ever be answered.
        """
        self._zero += max(0, self.now - self._clock.due - MOST_BEHIND) / SECOND
        try:
            self._clock.advance(self.now)
        finally:
            self.nudge()

    def nudge(self) -> None:
        """Look when the next event is due, and whether what somebody waits for has come true."""
        for item in [item for item in self._waiting if item[0]()]:
            if not item[1].done():
                item[1].set_result(None)
        due = self._clock.due
        when = FOREVER if due == FOREVER else self._zero + due / SECOND
        if self.grain and due != FOREVER:
            when = math.ceil(when / self.grain) * self.grain
        if when != self._when:
            self._cancel()
            self._when = when
            if due != FOREVER:
                self._timer = self._loop.call_at(when, self._ring)

    def settle(self) -> None:
        """Take note that the clock may have been moved ahead by hand."""
        self._zero -= max(0, self._clock.now - self.now) / SECOND
        self.nudge()

    async def leap(self, until: int, enough: Callable[[], bool]) -> None:
        """Run ahead of real time to ``until``, or until it is enough."""
        clock = self._clock
        while clock.now < until and not enough():
            clock.advance(min(until, clock.now + SLICE), enough)
            self.settle()
            await asyncio.sleep(0)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait, in step with real time, until something is true of the simulated world."""
        if not true():
            came: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((true, came))
            try:
                await came
            finally:
                self._waiting = [item for item in self._waiting if item[1] is not came]

    def stop(self) -> None:
        """No event happens by itself any more."""
        self._cancel()
        for _, came in self._waiting:
            came.cancel()
        self._waiting.clear()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._when = FOREVER
        self.catch_up()
