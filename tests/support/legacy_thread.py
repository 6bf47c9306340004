"""A legacy network in real time, each device reached over SSH, on an event loop in a thread of its own.

Lives here: starting, stopping, and doing something to the network from outside between two of its events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.legacy.doors import Doors, Listening
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.loop_thread import LoopThread
from clos.fabric.sim.realtime import Pace

T = TypeVar("T")


class LegacyThread:
    """Runs the network while the context is open. ``first``: the first device's port, the others follow; 0: any.

    Raises OSError on entering: a port cannot be had."""

    def __init__(
        self, network: LegacyNetwork, host: str = "127.0.0.1", first: int = 0, authorized: Sequence[str] = ()
    ) -> None:
        self.network = network
        self._on = LoopThread("legacy network", lambda: _listening(network, host, first, tuple(authorized)))

    def __enter__(self) -> Self:
        self._pace, self.listening = self._on.__enter__().value
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on.__exit__(kind, error, trace)

    def do(self, what: Callable[[LegacyNetwork], T]) -> T:
        """Do something to the network, or ask it something, between two of its events; raises what that raises."""

        async def done() -> T:
            self._pace.catch_up()
            try:
                return what(self.network)
            finally:
                self._pace.nudge()

        return self._on.submit(done()).result()

    def leap(self, seconds: float) -> None:
        """Let virtual time jump ahead."""

        def jump(network: LegacyNetwork) -> None:
            network.clock.advance(network.clock.now + int(seconds * SECOND))
            self._pace.settle()

        self.do(jump)


@asynccontextmanager
async def _listening(
    network: LegacyNetwork, host: str, first: int, authorized: tuple[str, ...]
) -> AsyncIterator[tuple[Pace, Listening]]:
    pace, doors = Pace(network.clock, asyncio.get_running_loop()), Doors(network)
    pace.nudge()
    try:
        yield pace, await doors.open(pace, host, first, authorized)
    finally:
        await doors.close()
        pace.stop()
