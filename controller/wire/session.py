"""One switch's session: questions with answers, and messages sent in windows that barriers confirm.

Lives here: xids, windows and back-pressure, whose answer a frame is, what an error is about, patience.
Must not know: os-ken, sockets (it is given ``send``), plans. All of it runs on one event loop's thread.

At most WINDOWS windows are sent and not confirmed; so a slow switch costs a bounded number of bytes and slows only
itself. An entry counts as installed when the barrier after it is answered (OpenFlow 1.3.5 §6.2.3), never before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, count
from struct import Struct
from typing import NamedTuple

from clos.controller.plan import Entry
from clos.controller.wire.encoding import EncodedPush, Window, windows
from clos.controller.wire.errors import Lost, Refused, Silent
from clos.fabric.openflow import Message, decode, encode
from clos.fabric.openflow.constants import BundleControlType, MessageType
from clos.fabric.openflow.messages import BarrierRequest, BundleControl, Error

WINDOWS = 4
"""Windows in flight: enough to keep a switch busy while a barrier's answer travels."""
PATIENCE = 30.0
"""Seconds without any progress after which a switch that owes an answer counts as silent."""
REPLY_BYTES = 512 << 20
"""The longest answer accepted; a switch that never ends one is silent in its own way."""

REQUEST = 0x80000000
"""Requests that await an answer carry xids from here on; entries in windows carry lower ones."""

_HEADER = Struct("!BBHI")
_FLAGS = Struct("!H")
_MORE = 1


COMMITTED = 50
"""Entries a second that a switch takes when it commits a bundle, at the least; hardware is that slow."""


class Refusal(NamedTuple):
    """A message the switch refused: message ``at`` of a cargo, and its error (OpenFlow 1.3.5 §7.4.4)."""

    cargo: EncodedPush
    at: int
    type: int
    code: int

    @property
    def entry(self) -> Entry:
        return self.cargo.entries[self.at]


class _Exchange:
    """A question asked: the frames of its answer so far, and whether it is whole."""

    __slots__ = ("frames", "over", "refused", "size", "whole")

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.whole = False
        self.frames: list[bytes] = []
        self.size = 0
        self.refused: Error | None = None


class _Flight(NamedTuple):
    """A window sent, and the barrier after it."""

    window: Window
    barrier: _Exchange


class Session:
    """``send(data)`` gives bytes to the connection without blocking; ``close(reason)`` ends it."""

    def __init__(
        self,
        switch: str,
        send: Callable[[bytes], object],
        close: Callable[[str], object],
        patience: float = PATIENCE,
    ) -> None:
        self.switch = switch
        self.alive = True
        self.bundles = True  # until the switch says that it knows none
        self._send = send
        self._close = close
        self._patience = patience
        self._xids = count()
        self._exchanges: dict[int, _Exchange] = {}
        self._flights: deque[_Flight] = deque()
        self._sent: list[Window] = []
        self._refusals: list[Refusal] = []
        self._turn = asyncio.Lock()

    # Questions.

    async def ask(self, request: Message) -> list[bytes]:
        """Send a request and await its answer: one frame, or all frames of a multipart reply.

        Raises Refused, Silent (no frame for ``patience`` seconds), Lost.
        """
        return await self._answer(self._begin(request))

    async def barrier(self) -> None:
        """Wait until the switch has processed everything sent before. Raises Silent, Lost."""
        await self.ask(BarrierRequest())

    def tell(self, message: Message) -> None:
        """Send a message that has no answer (packet-out)."""
        if self.alive:
            self._send(encode(message, self._xid()))

    # Messages in windows.

    async def push(self, cargos: Iterable[EncodedPush], to_the_end: bool = False) -> tuple[int, list[Refusal]]:
        """Send all messages in order; gives how many the switch has processed, and those it refused.

        After a refusal no further window is sent, unless ``to_the_end``. Raises Silent, Lost; then what the switch
        holds is unknown.
        """
        async with self._turn:
            return await self._push(cargos, to_the_end)

    async def commit(self, cargos: Iterable[EncodedPush], bundle: int, flags: int) -> tuple[int, list[Refusal]]:
        """As ``push``, but in one bundle: the switch does all of it at once or, after a refusal, nothing (EXT-230).

        ``cargos`` are those ``cargo.wrap`` gives for the bundle and flags; no bundle of that number may be open.
        Raises Refused when the switch knows no bundles, or refuses the bundle without naming a message.
        """
        async with self._turn:
            opened = self._begin(BundleControl(bundle, BundleControlType.OPEN_REQUEST, flags))
            sent, refusals = await self._push(cargos, to_the_end=False)
            await self._answer(opened)
            end = BundleControlType.DISCARD_REQUEST if refusals else BundleControlType.COMMIT_REQUEST
            try:
                await self._answer(self._begin(BundleControl(bundle, end, flags)), self._patience + sent / COMMITTED)
            except Refused:
                if not refusals:  # the message at fault is named by an error before this one
                    raise
            return (0 if refusals else sent), refusals

    async def _push(self, cargos: Iterable[EncodedPush], to_the_end: bool) -> tuple[int, list[Refusal]]:
        refusals: list[Refusal] = []
        self._refusals = refusals
        self._sent.clear()
        sent = 0
        try:
            for window in windows(cargos):
                if len(self._flights) >= WINDOWS:
                    sent += await self._land()
                if refusals and not to_the_end:
                    break
                self._launch(window)
            while self._flights:
                sent += await self._land()
        finally:
            self._flights.clear()
        return sent, refusals

    def _launch(self, window: Window) -> None:
        xid = self._xid()
        exchange = self._exchanges[xid] = _Exchange()
        self._flights.append(_Flight(window, exchange))
        self._sent.append(window)
        if self.alive:
            self._send(b"".join([*(piece.data for piece in window), encode(BarrierRequest(), xid)]))

    async def _land(self) -> int:
        """Await the oldest window's barrier; gives its number of messages."""
        window, barrier = self._flights[0]
        await self._answer(barrier)
        self._flights.popleft()
        return sum(piece.last - piece.first for piece in window)

    # Answers.

    def claim(self, frame: bytes) -> bool:
        """Take a frame that answers something sent here. Entries' errors count from the moment they arrive."""
        _, kind, _, xid = _HEADER.unpack_from(frame)
        if xid < REQUEST:
            return kind == MessageType.ERROR and self._refuse(frame, xid)
        exchange = self._exchanges.get(xid)
        if exchange is None:
            return True  # an answer nobody waits for any more
        if kind == MessageType.ERROR:
            exchange.refused = _error(frame)
        else:
            exchange.frames.append(frame)
            exchange.size += len(frame)
            if exchange.size > REPLY_BYTES:
                self._close(f"an answer of more than {REPLY_BYTES} bytes")
            if kind == MessageType.MULTIPART_REPLY and len(frame) >= 12 and _FLAGS.unpack_from(frame, 10)[0] & _MORE:
                return True
        del self._exchanges[xid]
        exchange.whole = True
        exchange.over.set()
        return True

    def lost(self) -> None:
        """The connection has ended: whoever waits for an answer is told."""
        self.alive = False
        for exchange in self._exchanges.values():
            exchange.over.set()
        self._exchanges.clear()

    def _refuse(self, frame: bytes, xid: int) -> bool:
        """Note which message of the last push an error is about; False when none of them is."""
        error = _error(frame)
        quoted = error.data[: int.from_bytes(error.data[2:4], "big")]
        for piece in chain.from_iterable(self._sent):
            if piece.holds(xid, quoted):
                self._refusals.append(Refusal(piece.cargo, xid, error.type, error.code))
                return True
        return False

    def _begin(self, request: Message) -> _Exchange:
        xid = self._xid()
        exchange = _Exchange()
        if self.alive:
            self._exchanges[xid] = exchange
            self._send(encode(request, xid))
        return exchange

    async def _answer(self, exchange: _Exchange, patience: float | None = None) -> list[bytes]:
        size, patience = -1, self._patience if patience is None else patience
        while self.alive and not exchange.over.is_set():
            if exchange.size == size:
                text = f"no answer for {patience:g} s"
                self._close(text)
                raise Silent(self.switch, f"{text}; connection closed")
            size = exchange.size
            with suppress(TimeoutError):
                await asyncio.wait_for(exchange.over.wait(), patience)
        if exchange.refused is not None:
            raise Refused(self.switch, exchange.refused.type, exchange.refused.code)
        if not exchange.whole:
            raise Lost(self.switch, "the connection ended before it answered")
        return exchange.frames

    def _xid(self) -> int:
        return REQUEST | next(self._xids) & (REQUEST - 1)


def _error(frame: bytes) -> Error:
    message, _ = decode(frame)
    if not isinstance(message, Error):
        raise TypeError(f"{type(message).__name__} is no error")
    return message
