"""A joined world in real time: devices over SSH, switches over OpenFlow, a control socket, in a thread of its own.

Lives here: starting, stopping, and doing something to the world between two of its events. Must not know: what is
asked of it (fabric.sim.world.operations), files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.control.server import Control, Place
from clos.fabric.sim.legacy.doors import Doors, Listening
from clos.fabric.sim.loop_thread import LoopThread
from clos.fabric.sim.openflow.server import Simulation
from clos.fabric.sim.openflow.tcp import Address
from clos.fabric.sim.realtime import Pace
from clos.fabric.sim.world.operations import answer
from clos.fabric.sim.world.world import World

T = TypeVar("T")
GRAIN = 0.001
"""Seconds of real time in whose multiples events are looked after: many flows' events come together."""


@dataclass(slots=True)
class Running:
    """A world on an event loop, with what keeps it in step."""

    world: World
    pace: Pace
    simulation: Simulation | None = None

    @property
    def connected(self) -> int:
        """How many switches of the fabric are connected to the controller."""
        return 0 if self.simulation is None else self.simulation.connected


@dataclass(frozen=True, slots=True)
class Doorway:
    """Where a world listens and connects. ``first``: the first device's SSH port, the others follow; 0: any."""

    host: str = "127.0.0.1"
    first: int = 0
    authorized: tuple[str, ...] = ()
    controller: Address | None = None
    control: Place | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Where a running world is reached. ``control`` None: nowhere."""

    devices: Listening
    control: Place | None


@asynccontextmanager
async def opened(world: World, doorway: Doorway) -> AsyncIterator[tuple[Running, Open]]:
    """Run a world on this event loop. Raises OSError: a port cannot be had."""
    async with AsyncExitStack() as stack:
        loop = asyncio.get_running_loop()
        if world.fabric is None:
            running = Running(world, Pace(world.clock, loop))
            stack.callback(running.pace.stop)
        else:
            simulation = await stack.enter_async_context(Simulation(world.fabric, doorway.controller))
            running = Running(world, simulation.pace, simulation)
        running.pace.grain = GRAIN
        running.pace.nudge()
        doors = Doors(world.legacy)
        stack.push_async_callback(doors.close)
        devices = await doors.open(running.pace, doorway.host, doorway.first, doorway.authorized)
        control = None
        if doorway.control is not None:
            control = await stack.enter_async_context(Control(partial(answer, running), doorway.control))
        yield running, Open(devices, None if control is None else control.place)


class WorldThread:
    """Runs a world while the context is open. Raises OSError on entering: a port cannot be had."""

    def __init__(self, world: World, doorway: Doorway) -> None:
        self.world = world
        self._on = LoopThread("clos world", lambda: opened(world, doorway))

    def __enter__(self) -> Self:
        self.running, self.open = self._on.__enter__().value
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on.__exit__(kind, error, trace)

    def do(self, what: Callable[[World], T]) -> T:
        """Do something to the world, or ask it something, between two of its events; raises what that raises."""

        async def done() -> T:
            self.running.pace.catch_up()
            try:
                return what(self.world)
            finally:
                self.running.pace.nudge()

        return self._on.submit(done()).result()

    def leap(self, seconds: float) -> None:
        """Let virtual time jump ahead."""
        until = self.world.clock.now + round(seconds * SECOND)
        leap = self.running.pace.leap(until, lambda: False)
        self._on.submit(leap).result()


def keys(lines: Sequence[str]) -> tuple[str, ...]:
    """Public keys as OpenSSH's authorized_keys has them, without comments."""
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
