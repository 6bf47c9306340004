"""A simulated fabric in real time: every switch on one event loop, speaking OpenFlow over TCP.

Lives here: a network, its agents and their connections as one thing that runs, in a loop of the caller's
(``Simulation``) or in a thread of its own (``SimThread``). Must not know: what messages mean, what a controller wants.

Real time drives virtual time. A question that needs no controller is answered at once: virtual time jumps ahead.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from clos.fabric.sim.clock import MILLISECOND, SECOND
from clos.fabric.sim.control import query
from clos.fabric.sim.control.query import Flow, Outcome, Probe, Result
from clos.fabric.sim.loop_thread import LoopThread
from clos.fabric.sim.network import SimNetwork
from clos.fabric.sim.openflow.agent import Agent
from clos.fabric.sim.openflow.tcp import AT_ONCE, Address, Connector, Desk, Link, make_room
from clos.fabric.sim.realtime import Pace
from clos.fabric.topology import PortRef, Topology

T = TypeVar("T")
Event = tuple[float, str, str]
"""Something that happens in the course of a flow: (seconds after its start, one of FAILURES, port or switch)."""

LEAP = 50 * MILLISECOND
"""How far virtual time jumps ahead for an answer, before it waits for it in step with real time (a controller may
have a hand in it)."""


def port_ref(text: str) -> PortRef:
    """``leaf1:49`` as a port. Raises ValueError for anything else."""
    switch, colon, port = text.rpartition(":")
    if not colon or not switch or not port.isdecimal():
        raise ValueError(f"{text!r} is not a port like leaf1:49")
    return PortRef(switch, int(port))


FAILURES = ("cut", "restore", "crash", "revive")
"""What can be done to a cable (named by a port like ``leaf1:49``) and to a switch."""


def failure(network: SimNetwork, what: str, where: str) -> Callable[[], object]:
    """What breaks or mends something when called. Raises KeyError, ValueError for what does not exist."""
    if what in ("cut", "restore"):
        port = port_ref(where)
        network.cable(port)
        return partial(network.cut if what == "cut" else network.restore, port)
    if what in ("crash", "revive"):
        network.switch(where)
        return partial(network.crash if what == "crash" else network.revive, where)
    raise KeyError(f"{what}: one of {', '.join(FAILURES)} is known")


class Simulation:
    """A fabric whose switches connect to ``controller`` (host, port), by ``tls`` if given, or to nobody.

    ``others``: more controllers, that every switch connects to as well.
    An asynchronous context manager. ``network`` may be used freely between awaits; call ``pace.nudge`` afterwards.
    """

    def __init__(
        self,
        network: SimNetwork,
        controller: Address | None = None,
        tls: ssl.SSLContext | None = None,
        others: Iterable[Address] = (),
    ) -> None:
        self.network = network
        self.agents = {name: Agent(switch) for name, switch in network.switches.items()}
        self._controllers = (controller, *others) if controller is not None else ()
        self._tls = tls
        self._connectors: dict[str, list[Connector]] = {name: [] for name in self.agents}
        self._tasks: list[asyncio.Task[None]] = []
        self._servers: list[asyncio.Server] = []
        self._links: set[Link] = set()
        self._desk = Desk()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.pace = Pace(self.network.clock, loop)
        self.pace.nudge()
        make_room(len(self.agents) * len(self._controllers))
        turn, dice = asyncio.Semaphore(AT_ONCE), random.Random(1)
        for name, agent in self.agents.items():
            for controller in self._controllers:
                connector = Connector(agent, controller, partial(self._link, agent), turn, dice, self._tls)
                self._connectors[name].append(connector)
                self._tasks.append(loop.create_task(connector.run(), name=f"switch {name}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for server in self._servers:
            server.close()
        for link in tuple(self._links):
            link.abort()
        self.pace.stop()
        await asyncio.sleep(0)  # aborted connections say so once more

    def _link(self, agent: Agent, lost: Callable[[], object]) -> Link:
        def gone() -> None:
            self._links.discard(link)
            lost()

        link = Link(agent, self.pace.catch_up, self.pace.nudge, gone, self._desk)
        self._links.add(link)
        return link

    async def listen(self, switch: str, host: str = "127.0.0.1", port: int = 0) -> Address:
        """Let controllers connect to a switch, too; returns where."""
        make = partial(self._link, self.agents[switch], lambda: None)
        server = await asyncio.get_running_loop().create_server(make, host, port)
        self._servers.append(server)
        found: Address = server.sockets[0].getsockname()[:2]
        return found

    @property
    def connected(self) -> int:
        """How many switches have a connection to a controller."""
        return sum(any(one.connected for one in connectors) for connectors in self._connectors.values())

    @property
    def refusal(self) -> str:
        """Why a switch's last attempt to connect failed; empty when none did."""
        return next((one.refusal for each in self._connectors.values() for one in each if one.refusal), "")

    def drop(self, switch: str) -> None:
        """Break a switch's connections to controllers; it connects again by itself."""
        for connector in self._connectors[switch]:
            connector.drop()

    def fail(self, what: str, where: str) -> None:
        """Break or mend something, now. Raises KeyError, ValueError for what does not exist."""
        act = failure(self.network, what, where)
        self.pace.catch_up()
        act()
        self.pace.nudge()

    # ---- questions

    async def ping(self, source: str, target: str) -> Outcome:
        """See fabric.sim.control.query.ping."""
        return await self.probe(source, target, "icmp")

    async def probe(self, source: str, target: str, proto: str, port: int = 0) -> Outcome:
        """See fabric.sim.control.query.probe."""
        self.pace.catch_up()
        asked = query.ask(self.network, source, target, proto, port)
        await self._answered([asked])
        return asked.outcome()

    async def ping_matrix(self, endpoints: Iterable[str]) -> dict[tuple[str, str], Outcome]:
        """See fabric.sim.control.query.ping_matrix."""
        self.pace.catch_up()
        asked = query.ask_matrix(self.network, endpoints)
        await self._answered(asked.values())
        return {pair: each.outcome() for pair, each in asked.items()}

    async def flow(
        self, source: str, target: str, pps: int, seconds: float, *, proto: str = "udp", port: int = 5001,
        during: Iterable[Event] = (), fast: bool = False,
    ) -> Result:  # fmt: skip
        """Run a flow, with failures in its course; ``fast``: as quickly as it can be computed, not in real time."""
        self.pace.catch_up()
        events = [(round(when * SECOND), failure(self.network, what, where)) for when, what, where in during]
        running = query.start_flow(self.network, source, target, pps, seconds, proto=proto, port=port)
        for when_us, act in events:
            self.network.clock.after(when_us, act)
        self.pace.nudge()
        if fast:
            await self.pace.leap(running.end + LEAP, partial(_is_done, running))
        await self.pace.until(partial(_is_done, running))
        return running.result()

    async def _answered(self, asked: Iterable[Probe]) -> None:
        for each in asked:
            done = partial(_is_done, each)
            await self.pace.leap(self.network.clock.now + LEAP, done)
            await self.pace.until(done)


def _is_done(asked: Probe | Flow) -> bool:
    return asked.done


class SimThread:
    """A simulation in a thread of its own, with calls that block: for demos, tests and benchmarks.

    Any thread may call. Leaving the context closes all connections and ends the thread. ``options`` are those of
    SimNetwork.
    """

    def __init__(
        self,
        topology: Topology,
        controller: Address | None = None,
        seed: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        others: Iterable[Address] = (),
        **options: Any,
    ) -> None:
        self._network = SimNetwork(topology, seed, **options)
        self._on = LoopThread("clos simulator", lambda: Simulation(self._network, controller, tls, others))

    def __enter__(self) -> Self:
        self._simulation = self._on.__enter__().value
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on.__exit__(kind, error, trace)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._on.submit(work).result()

    def call(self, function: Callable[[SimNetwork], T]) -> T:
        """``function(network)`` run inside the simulation, in its thread; its result, or its exception."""
        return self._do(self._call(function))

    async def _call(self, function: Callable[[SimNetwork], T]) -> T:
        self._simulation.pace.catch_up()
        try:
            return function(self._network)
        finally:
            self._simulation.pace.settle()

    def run(self, function: Callable[[Simulation], Coroutine[Any, Any, T]]) -> T:
        """``await function(simulation)`` inside the simulation."""
        return self._do(function(self._simulation))

    def attach(
        self, name: str, host: str, mac: int, ip: int, prefix_len: int, gateway: int | None = None,
        vlan: int | None = None,
    ) -> None:  # fmt: skip
        """See SimNetwork.attach."""
        self.call(lambda network: network.attach(name, host, mac, ip, prefix_len, gateway, vlan))

    def detach(self, name: str) -> None:
        """See SimNetwork.detach."""
        self.call(lambda network: network.detach(name))

    def ping(self, source: str, target: str) -> Outcome:
        """See fabric.sim.control.query.ping."""
        return self._do(self._simulation.ping(source, target))

    def probe(self, source: str, target: str, proto: str, port: int = 0) -> Outcome:
        """See fabric.sim.control.query.probe."""
        return self._do(self._simulation.probe(source, target, proto, port))

    def ping_matrix(self, endpoints: Iterable[str]) -> dict[tuple[str, str], Outcome]:
        """See fabric.sim.control.query.ping_matrix."""
        return self._do(self._simulation.ping_matrix(list(endpoints)))

    def flow(self, source: str, target: str, pps: int, seconds: float, **options: Any) -> Result:
        """See Simulation.flow."""
        return self.start_flow(source, target, pps, seconds, **options).result()

    def start_flow(self, source: str, target: str, pps: int, seconds: float, **options: Any) -> Future[Result]:
        """A flow in the background, for something else to happen meanwhile."""
        work = self._simulation.flow(source, target, pps, seconds, **options)
        return self._on.submit(work)

    def fail(self, what: str, where: str) -> None:
        """``cut``/``restore`` a port like ``leaf1:49``, ``crash``/``revive`` a switch. Raises KeyError, ValueError."""
        self.call(lambda network: failure(network, what, where)())

    def drop(self, switch: str) -> None:
        """Break a switch's connection to its controller."""
        self._on.soon(self._simulation.drop, switch)

    @property
    def connected(self) -> int:
        """How many switches are connected to the controller."""
        return self._simulation.connected

    @property
    def refusal(self) -> str:
        """Why a switch's last attempt to connect failed; empty when none did."""
        return self._simulation.refusal

    def wait_connected(self, timeout: float = 30.0) -> None:
        """Until every switch is connected. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while self.connected < len(self._network.switches):
            if time.monotonic() > end:
                raise TimeoutError(f"{self.connected} of {len(self._network.switches)} switches are connected")
            time.sleep(0.01)
