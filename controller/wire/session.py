"""One switch's session: questions with answers, and messages sent in windows that barriers confirm.

Lives here: xids, windows and back-pressure, whose answer a frame is, what an error is about, patience.
Must not know: os-ken, sockets (it is given ``send``), plans. All of it runs on one event loop's thread.

At most WINDOWS windows are sent and not confirmed; so a slow switch costs a bounded number of bytes and slows only
itself. An entry counts as installed when the barrier after it is answered (OpenFlow 1.3.5 §6.2.3), never before.

A switch answers one thing after another, but echo requests at any time: one that is busy with many entries can say that
it lives, and then has longer for its barrier. So the time for an answer begins when everything asked before it has been
answered, and what is oldest says whether the switch is at work or has stopped (controller.wire.exchange).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count, islice
from typing import NamedTuple

from clos.controller.plan import Entry
from clos.controller.wire.encoding import EncodedPush, Window, windows
from clos.controller.wire.errors import Lost, Refused, Silent, Unexplained
from clos.controller.wire.exchange import Exchange, FrameReader, error_of
from clos.fabric.openflow import Message, encode
from clos.fabric.openflow.constants import BundleControlType, MessageType
from clos.fabric.openflow.messages import BarrierRequest, BundleControl

WINDOWS = 4
"""Windows in flight: enough to keep a switch busy while a barrier's answer travels."""
PATIENCE = 30.0
"""Seconds without any progress after which a switch that owes an answer counts as silent."""
COMMITTED = 50
"""Entries a second that a switch takes when it commits a bundle, at the least; hardware is that slow."""

GRACE = 1.0
"""Whoever waits for an answer that is overdue says so; after this long somebody else does."""

REQUEST = 0x80000000
"""Requests that await an answer carry xids from here on; entries in windows carry lower ones."""
UNCONFIRMED = 256
"""Messages without an answer whose xids are remembered, so that an error about one is not taken for a change's."""


class Refusal(NamedTuple):
    """A message the switch refused: message ``at`` of a cargo, and its error (OpenFlow 1.3.5 §7.4.4)."""

    cargo: EncodedPush
    at: int
    type: int
    code: int

    @property
    def entry(self) -> Entry:
        return self.cargo.entries[self.at]


class _Flight(NamedTuple):
    """A window sent, and the barrier after it."""

    window: Window
    barrier: Exchange


class Session:
    """``send(data)`` gives bytes to the connection without blocking; ``close(reason)`` ends it.

    ``may_change``: asked before each piece of a change leaves: of several controllers only one may.

    ``room``: entries the switch's tables hold by its own account, where it was asked and has said (readback).
    """

    def __init__(
        self,
        switch: str,
        send: Callable[[bytes], object],
        close: Callable[[str], object],
        patience: float = PATIENCE,
        may_change: Callable[[], bool] = lambda: True,
    ) -> None:
        self.switch = switch
        self.alive = True
        self.bundles = True  # until the switch says that it knows none
        self.room: int | None = None
        self._send = send
        self._close = close
        self._patience = patience
        self._may_change = may_change
        self._xids = count()
        self._unconfirmed: deque[int] = deque(maxlen=UNCONFIRMED)
        self._exchanges: dict[int, Exchange] = {}
        self._flights: deque[_Flight] = deque()
        self._sent: list[Window] = []
        self._refusals: list[Refusal] = []
        self._strays: list[tuple[int, int]] = []
        self._changing = False
        self._fault = ""
        self._turn = asyncio.Lock()

    # Questions.

    async def ask(self, request: Message, reader: FrameReader | None = None) -> list[bytes]:
        """Send a request and await its answer: one frame, or all frames of a multipart reply.

        ``reader`` gets the frames as they come, and none is kept. Raises Refused, Silent (no part for ``patience``
        seconds, no end, or no answer to what was asked), Lost.
        """
        return await self._answer(self._begin(request, reader=reader))

    async def barrier(self, patience: float | None = None) -> None:
        """Wait until the switch has processed everything sent before. Raises Refused, Silent, Lost."""
        await self._answer(self._begin(BarrierRequest(), patience))

    def send(self, message: Message) -> None:
        """Send a message that has no answer (packet-out); who may change nothing sends none."""
        if self.alive and self._may_change():
            xid = self._xid()
            self._unconfirmed.append(xid)
            self._send(encode(message, xid))

    @property
    def busy(self) -> bool:
        """Whether the switch owes an answer and still has time for it: that it answers no echo says nothing then."""
        return self.waited() is not None and self._left() > -GRACE

    def waited(self) -> float | None:
        """Seconds that the oldest answer has been due; None when the switch owes none."""
        oldest = next(iter(self._exchanges.values()), None)
        return None if oldest is None else time.monotonic() - oldest.since

    # Messages in windows.

    async def push(self, cargos: Iterable[EncodedPush], to_the_end: bool = False) -> tuple[int, list[Refusal]]:
        """Send all messages in order; gives how many the switch has processed, and those it refused.

        After a refusal no further window is sent, unless ``to_the_end``. Raises Silent, Lost; then what the switch
        holds is unknown. Raises Unexplained after an error about nothing that was sent: it may be about any of it.
        """
        async with self._turn:
            with self._change():
                sent, refusals = await self._push(cargos, to_the_end)
                if self._strays and not refusals:
                    raise self._unexplained("what it holds is unknown")
                return sent, refusals

    async def commit(self, cargos: Iterable[EncodedPush], bundle: int, flags: int) -> tuple[int, list[Refusal]]:
        """As ``push``, but in one bundle: the switch does all of it at once or, after a refusal, nothing (EXT-230).

        ``cargos`` are those ``cargo.wrap`` gives for the bundle and flags; no bundle of that number may be open. They
        are all made before the bundle is opened: a switch may forget one that waits (Open vSwitch does after 10 s) and
        then open another without a word. Any error between opening and commit discards the bundle, whatever it is
        about: what was refused is missing from it, and the switch would commit the rest.

        Raises Refused when the switch knows no bundles, or refuses the bundle without naming a message; Unexplained.
        """
        made = list(cargos)
        async with self._turn:
            with self._change():
                opened = self._begin(BundleControl(bundle, BundleControlType.OPEN_REQUEST, flags))
                sent, refusals = await self._push(made, to_the_end=False, opened=opened)
                try:
                    await self._answer(opened)
                except Refused:
                    with suppress(Refused):  # what was added to it may have opened another
                        await self._answer(self._begin(BundleControl(bundle, BundleControlType.DISCARD_REQUEST, flags)))
                    raise
                failed = bool(refusals or self._strays)
                end = BundleControlType.DISCARD_REQUEST if failed else BundleControlType.COMMIT_REQUEST
                patience = self._patience + sent / COMMITTED
                self._must_be_allowed()
                try:
                    await self._answer(self._begin(BundleControl(bundle, end, flags), patience))
                except Refused:
                    if not failed and not refusals:  # else the message at fault is named by an error before this one
                        raise
                if self._strays and not refusals:
                    raise self._unexplained(
                        "the change was discarded" if failed else "it may hold a part of the change"
                    )
                return (0 if refusals else sent), refusals

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Errors that come meanwhile are about the change, unless they say otherwise."""
        self._refusals, self._strays, self._changing = [], [], True
        self._sent.clear()
        try:
            yield
        finally:
            self._changing = False

    async def _push(
        self, cargos: Iterable[EncodedPush], to_the_end: bool, opened: Exchange | None = None
    ) -> tuple[int, list[Refusal]]:
        refusals, sent = self._refusals, 0
        try:
            for window in windows(cargos):
                if len(self._flights) >= WINDOWS:
                    sent += await self._land()
                if not to_the_end and (refusals or self._strays or (opened is not None and opened.refused is not None)):
                    break
                self._launch(window)
            while self._flights:
                sent += await self._land()
        finally:
            self._flights.clear()
        return sent, refusals

    def _must_be_allowed(self) -> None:
        if not self._may_change():
            raise Lost(self.switch, "this controller does not lead any more: nothing more is sent")

    def _launch(self, window: Window) -> None:
        self._must_be_allowed()
        xid = self._xid()
        barrier = encode(BarrierRequest(), xid)
        self._flights.append(_Flight(window, self._expect(xid, barrier)))
        self._sent.append(window)
        if self.alive:
            self._send(b"".join([*(piece.data for piece in window), barrier]))

    async def _land(self) -> int:
        """Await the oldest window's barrier; gives its number of messages."""
        window, barrier = self._flights[0]
        await self._answer(barrier)
        self._flights.popleft()
        return sum(piece.last - piece.first for piece in window)

    def _unexplained(self, so: str) -> Unexplained:
        return Unexplained(self.switch, *self._strays[0], so)

    # Answers.

    def claim(self, frame: bytes) -> bool:
        """Take a frame that answers something sent here. Entries' errors count from the moment they arrive."""
        kind, xid = frame[1], int.from_bytes(frame[4:8], "big")
        exchange = self._exchanges.get(xid)
        if exchange is None:
            if kind == MessageType.ERROR:
                return self._refuse(frame, xid)
            return xid >= REQUEST  # then it is an answer nobody waits for any more
        exchange.accept(frame, time.monotonic())
        if exchange.fault:
            self._end(exchange.fault)
        elif exchange.whole:
            was_oldest = next(iter(self._exchanges)) == xid
            del self._exchanges[xid]
            exchange.over.set()
            following = next(iter(self._exchanges.values()), None)
            if was_oldest and following is not None:
                following.begin(time.monotonic())
        return True

    def lives(self) -> None:
        """The switch has answered an echo request: it has not stopped, whatever it is at."""
        for exchange in islice(self._exchanges.values(), 1):
            exchange.lives(time.monotonic())

    def lost(self) -> None:
        """The connection has ended: whoever waits for an answer goes on, without one."""
        self.alive = False
        for exchange in self._exchanges.values():
            exchange.over.set()
        self._exchanges.clear()

    def _refuse(self, frame: bytes, xid: int) -> bool:
        """Note an error that answers no question; True when it is known what it is about."""
        error = error_of(frame)
        quoted = error.data[: int.from_bytes(error.data[2:4], "big")]
        if xid < REQUEST:
            for piece in chain.from_iterable(self._sent):
                if piece.holds(xid, quoted):
                    self._refusals.append(Refusal(piece.cargo, xid, error.type, error.code))
                    return True
        elif xid in self._unconfirmed and quoted[1:2] == bytes((MessageType.PACKET_OUT,)):
            return True
        if self._changing:
            self._strays.append((error.type, error.code))
        return False

    def _begin(self, request: Message, patience: float | None = None, reader: FrameReader | None = None) -> Exchange:
        xid = self._xid()
        data = encode(request, xid)
        exchange = self._expect(xid, data, patience, reader)
        if self.alive:
            self._send(data)
        return exchange

    def _expect(
        self, xid: int, request: bytes, patience: float | None = None, reader: FrameReader | None = None
    ) -> Exchange:
        exchange = Exchange(request, self._patience if patience is None else patience, reader)
        if self.alive:
            exchange.begin(time.monotonic())
            self._exchanges[xid] = exchange
        return exchange

    async def _answer(self, exchange: Exchange) -> list[bytes]:
        try:
            while self.alive and not exchange.over.is_set():
                left = self._left()
                if left <= 0:
                    self._end(next(iter(self._exchanges.values())).late(time.monotonic()))
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(exchange.over.wait(), left)
        except asyncio.CancelledError:
            exchange.abandon()
            raise
        if exchange.refused is not None:
            raise Refused(self.switch, exchange.refused.type, exchange.refused.code)
        if exchange.whole:
            return exchange.frames
        if self._fault:
            raise Silent(self.switch, f"{self._fault}; connection closed")
        raise Lost(self.switch, "the connection ended before it answered")

    def _left(self) -> float:
        """Seconds the switch has for the oldest thing it owes."""
        oldest = next(iter(self._exchanges.values()), None)
        return self._patience if oldest is None else oldest.left(time.monotonic())

    def _end(self, fault: str) -> None:
        """The switch does not keep to the protocol, or has stopped: end the connection, and say why to all who wait."""
        self._fault = self._fault or fault
        self._close(fault)

    def _xid(self) -> int:
        return REQUEST | next(self._xids) & (REQUEST - 1)
