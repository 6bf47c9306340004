"""The TCP side of simulated switches.

Lives here: connections and how they are kept. Must not know: what the bytes mean.
"""

from __future__ import annotations

import asyncio
import random
import resource
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from clos.fabric.sim.openflow.agent import Agent, Session

Address = tuple[str, int]

FIRST_RETRY, LAST_RETRY = 0.05, 5.0
"""Seconds between attempts to reach the controller: doubled from first to last, plus up to half of it at random."""
STABLE = 1.0
"""A connection that lasted longer ended for a reason of its own: the next attempt is soon."""
AT_ONCE = 32
"""Switches that knock at the controller at the same time; more would overflow its backlog."""
_SPARE_FILES = 256
SHORT = 64
"""Short pieces of work between two long ones, where there are so many."""
MOST_WAITING = 8192
"""Messages that may wait for a switch's turn; beyond, its peer is not read until they are fewer."""


class Desk:
    """Work of many switches, one piece in a turn of the event loop, so that every other connection is heard.

    Between two long pieces SHORT short ones have their turn, so that no switch waits for all others' long ones.
    """

    def __init__(self) -> None:
        self._short: deque[Callable[[], object]] = deque()
        self._long: deque[Callable[[], object]] = deque()
        self._since_long = 0
        self._called = False

    def ask(self, piece: Callable[[], object], long: bool = False) -> None:
        """Have it called soon, after those of its kind asked for before."""
        (self._long if long else self._short).append(piece)
        self._call()

    def _call(self) -> None:
        if not self._called and (self._short or self._long):
            self._called = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._called = False
        long = bool(self._long) and (not self._short or self._since_long >= SHORT)
        self._since_long = 0 if long else self._since_long + 1
        try:
            (self._long if long else self._short).popleft()()
        finally:
            self._call()


class Link(asyncio.Protocol):
    """One connection of one switch: bytes between the socket and its session.

    ``before`` is called ahead of every delivery and ``after`` behind it: simulated time has to keep up. A peer that
    does not read is not read from either, and gets no packet-ins. Long work is done at the ``desk``.
    """

    def __init__(
        self,
        agent: Agent,
        before: Callable[[], object],
        after: Callable[[], object],
        lost: Callable[[], object],
        desk: Desk | None = None,
    ) -> None:
        self._agent, self._before, self._after, self._lost, self._desk = agent, before, after, lost, desk
        self._transport: asyncio.Transport | None = None
        self._reads = True
        self.session: Session | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self.session = self._agent.session(transport.write)
            if self._desk is not None:
                self.session.defer = self._defer

    def _defer(self, work: Callable[[], None]) -> None:
        if self._desk is not None:
            self._desk.ask(partial(self._do, work), self.session is not None and self.session.is_next_long)

    def data_received(self, data: bytes) -> None:
        if self.session is not None:
            self._do(partial(self.session.receive, data))

    def _do(self, work: Callable[[], None]) -> None:
        if self.session is None or self._transport is None:
            return
        self._before()
        work()
        self._after()
        if self.session.closed:
            self._transport.close()
        else:
            self._read()

    def _read(self) -> None:
        """Read on, unless the peer does not, or has sent more than the switch comes to."""
        if self.session is None or self._transport is None or self._transport.is_closing():
            return
        reads = not self.session.choked and self.session.waiting <= MOST_WAITING
        if reads != self._reads:
            self._reads = reads
            (self._transport.resume_reading if reads else self._transport.pause_reading)()

    def pause_writing(self) -> None:
        if self.session is not None and self._transport is not None:
            self.session.choked = True
            self._read()

    def resume_writing(self) -> None:
        if self.session is not None and self._transport is not None:
            self.session.choked = False
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.session is not None:
            self.session.close("connection lost")
        self._lost()

    def abort(self) -> None:
        """Drop the connection, as a switch that loses power does."""
        if self._transport is not None:
            self._transport.abort()


class Connector:
    """Keeps one switch connected to one controller, with growing pauses between attempts.

    ``link(lost)`` makes the protocol of a connection. ``turn`` limits how many knock at once. ``refusal``: why the last
    attempt failed; empty after one that did not.
    """

    def __init__(
        self,
        agent: Agent,
        controller: Address,
        link: Callable[[Callable[[], object]], Link],
        turn: asyncio.Semaphore,
        dice: random.Random,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent, self._controller, self._make, self._turn, self._dice = agent, controller, link, turn, dice
        self._tls = tls
        self._ended = asyncio.Event()
        self._link: Link | None = None
        self.refusal = ""
        agent.switch.on_crash.append(self.drop)

    @property
    def connected(self) -> bool:
        return self._link is not None and self._link.session is not None and not self._link.session.closed

    def drop(self) -> None:
        """End the connection; ``run`` makes a new one while the switch is alive."""
        if self._link is not None:
            self._link.abort()

    async def run(self) -> None:
        """Connect, wait for the end, connect again; until cancelled."""
        pause, loop = FIRST_RETRY, asyncio.get_running_loop()
        try:
            while True:
                begun = loop.time()
                alive = self._agent.switch.alive
                if alive and await self._connect():
                    await self._ended.wait()
                pause = FIRST_RETRY if not alive or loop.time() - begun > STABLE else min(LAST_RETRY, pause * 2)
                await asyncio.sleep(pause * (1 + self._dice.random() / 2))
        finally:
            self.drop()

    async def _connect(self) -> bool:
        self._ended.clear()
        async with self._turn:
            try:
                loop = asyncio.get_running_loop()
                _, link = await loop.create_connection(
                    partial(self._make, self._ended.set), *self._controller, ssl=self._tls
                )
            except OSError as error:
                self.refusal = error.strerror or str(error)
                return False
        self._link, self.refusal = link, ""
        return True


def tls_context(key: Path | str, cert: Path | str, ca: Path | str) -> ssl.SSLContext:
    """TLS as a switch speaks it: shows ``cert``, and takes a controller whose certificate ``ca`` signed, of any name.

    The paths of PEM files. Raises OSError (ssl.SSLError among them).
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)
    context.check_hostname = False  # a controller is known by its authority, not by a name (OpenFlow 1.3.5 §6.3.3)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # new in 3.13; ovs-pki's certificates lack key ids
    context.load_cert_chain(cert, key)
    return context


def make_room(connections: int) -> None:
    """Raise this process's limit of open files, where it may, so that this many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
