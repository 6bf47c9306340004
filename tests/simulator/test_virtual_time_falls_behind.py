"""A machine that has no time for all events: virtual time falls behind, and whoever asks is answered."""

from __future__ import annotations

import asyncio

from clos.fabric.sim.clock import MILLISECOND, SECOND, Clock
from clos.fabric.sim.realtime import MOST_BEHIND, Pace

LATE = 60


def caught_up(first: int) -> int:
    """How far one turn gets after a minute in which nobody looked; the first event at ``first``, then one a
    millisecond."""

    async def run() -> int:
        clock = Clock()
        pace = Pace(clock, asyncio.get_running_loop())
        pace._zero -= LATE

        def tick() -> None:
            clock.after(MILLISECOND, tick)

        clock.after(first, tick)
        pace.catch_up()
        pace.stop()
        return clock.now

    return asyncio.run(run())


def test_a_turn_has_an_end_where_events_cost_more_time_than_there_is() -> None:
    assert MOST_BEHIND <= caught_up(0) < 10 * SECOND


def test_a_clock_on_which_nothing_was_due_loses_no_time() -> None:
    assert caught_up((LATE - 1) * SECOND) >= LATE * SECOND
