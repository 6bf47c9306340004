"""A legacy network in real time, each device reached over SSH, on an event loop in a thread of its own.

Lives here: starting, stopping, and doing something to the network from outside between two of its events.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.legacy.doors import Doors, Listening
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.realtime import Pace

T = TypeVar("T")


class LegacyThread:
    """Runs the network while the context is open. ``first``: the first device's port, the others follow; 0: any.

    Raises OSError on entering: a port cannot be had."""

    def __init__(
        self, network: LegacyNetwork, host: str = "127.0.0.1", first: int = 0, authorized: Sequence[str] = ()
    ) -> None:
        self.network = network
        self._host, self._first, self._authorized = host, first, tuple(authorized)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="legacy network", daemon=True)
        self._doors = Doors(network)
        self.listening: Listening

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.listening = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    async def _start(self) -> Listening:
        self._pace = Pace(self.network.clock, self._loop)
        self._pace.nudge()
        return await self._doors.open(self._pace, self._host, self._first, self._authorized)

    def do(self, what: Callable[[LegacyNetwork], T]) -> T:
        """Do something to the network, or ask it something, between two of its events; raises what that raises."""

        async def done() -> T:
            self._pace.catch_up()
            try:
                return what(self.network)
            finally:
                self._pace.nudge()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    def leap(self, seconds: float) -> None:
        """Let virtual time jump ahead."""

        def jump(network: LegacyNetwork) -> None:
            network.clock.advance(network.clock.now + int(seconds * SECOND))
            self._pace.settle()

        self.do(jump)

    def _end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        await self._doors.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if hasattr(self, "_pace"):
            self._pace.stop()
