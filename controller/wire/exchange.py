"""A request and its answer: which frames answer it, and the time and bytes the whole of it may take.

Lives here: the bounds of one exchange. Must not know: sockets, windows, whose turn it is.

A switch that answers slowly is waited for; one that stops, answers something else, or never comes to an end is at
fault, and ``fault`` says in words for people what it did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from struct import Struct

from clos.fabric.openflow import decode
from clos.fabric.openflow.constants import MessageType, MultipartType
from clos.fabric.openflow.messages import Error

REPLY_BYTES = 16 << 20
"""The longest answer that is kept whole: twice as long as a description of 65,536 ports or of 255 tables."""
EMPTY_PAGES = 16
"""Parts of an answer that hold nothing and promise more. Each is no progress; so many are no answer."""
WHOLE = 4.0
"""An answer in many parts may take this many times the patience that each part may."""
SLOWEST = 10_000
"""Bytes a second of an answer in many parts, at the least, once it has lasted for twice the patience: 50 rules."""

_FLAGS = Struct("!H")
_MORE = 1
_MULTIPART_HEADER = 16
_KINDS = {kind.value: kind.name for kind in MessageType}
_PARTS = {part.value: part.name for part in MultipartType}

FrameReader = Callable[[bytes], str]
"""Gets the frames of an answer as they come; gives what is wrong with one, or empty."""


class Exchange:
    """One request as bytes, and what came of it. The clock is the caller's: ``since`` and ``moved`` are its readings.

    ``since``: when the switch had nothing older left to answer; ``moved``: when it last showed that it works on it.
    ``reader`` gets the frames as they come; without it they are kept in ``frames``.
    """

    __slots__ = ("_empty", "_request", "fault", "frames", "moved", "over", "patience", "reader", "refused", "since",
                 "size", "whole")  # fmt: skip

    def __init__(self, request: bytes, patience: float, reader: FrameReader | None = None) -> None:
        self.over = asyncio.Event()
        self.whole = False
        self.frames: list[bytes] = []
        self.reader = reader or self._keep
        self.size = 0
        self.patience = patience
        self.since = self.moved = 0.0
        self.refused: Error | None = None
        self.fault = ""
        self._request = request
        self._empty = 0

    def lives(self, now: float) -> None:
        """The switch answers something else. That is progress only where it works on what it was sent before."""
        if self._request[1] == MessageType.BARRIER_REQUEST:
            self.moved = now

    def begin(self, now: float) -> None:
        """The switch has answered everything older: its time for this one begins."""
        self.since = self.moved = now

    def left(self, now: float) -> float:
        """Seconds until it has taken too long."""
        whole = WHOLE * self.patience
        if self.size:
            whole = min(whole, 2 * self.patience + self.size / SLOWEST)
        return min(self.moved + self.patience, self.since + whole) - now

    def late(self, now: float) -> str:
        """What to say of an answer that has taken too long."""
        asked, lasted = name_of(self._request), now - self.since
        if not self.size and self.moved > self.since:
            return f"no answer to {asked} within {lasted:.3g} s, though it answers echo requests"
        if not self.size:
            return f"no answer to {asked} for {self.patience:g} s"
        if now - self.moved >= self.patience:
            return f"no more of its answer to {asked} for {self.patience:g} s"
        if lasted >= WHOLE * self.patience:
            return f"no end of its answer to {asked} within {WHOLE * self.patience:g} s"
        return f"no more than {self.size:,} bytes of its answer to {asked} within {lasted:.3g} s"

    def accept(self, frame: bytes, now: float) -> None:
        """A frame that carries the request's xid. Afterwards ``whole``, ``fault`` or neither is set."""
        if frame[1] == MessageType.ERROR:
            self.refused, self.whole = error_of(frame), True
            return
        self.fault = mismatch(self._request, frame)
        if self.fault:
            return
        self.size += len(frame)
        if wrong := self.reader(frame):
            self.fault = f"answered {name_of(self._request)} with {wrong}"
        elif frame[1] != MessageType.MULTIPART_REPLY or not _FLAGS.unpack_from(frame, 10)[0] & _MORE:
            self.whole = True
        elif len(frame) > _MULTIPART_HEADER:
            self.moved = now
        else:
            self._empty += 1
            if self._empty > EMPTY_PAGES:
                self.fault = f"an answer to {name_of(self._request)} with more than {EMPTY_PAGES} empty parts"

    def abandon(self) -> None:
        """Nobody waits for it any more: what still comes of it is thrown away."""
        self.frames.clear()
        self.reader = _discard

    def _keep(self, frame: bytes) -> str:
        self.frames.append(frame)
        return f"more than {REPLY_BYTES:,} bytes" if self.size > REPLY_BYTES else ""


def mismatch(request: bytes, reply: bytes) -> str:
    """What is wrong with a frame as the answer to a request; empty when nothing is."""
    kind = request[1]
    if kind == MessageType.EXPERIMENTER:  # a bundle's: the same experimenter, type and bundle, and the step after it
        step = int.from_bytes(request[20:22], "big") + 1
        right = reply[1] == kind and reply[8:20] == request[8:20] and reply[20:22] == step.to_bytes(2, "big")
    else:  # a reply has the number after its request's (OpenFlow 1.3.5 §7.1)
        right = reply[1] == kind + 1
        if kind == MessageType.MULTIPART_REQUEST:
            right = right and len(reply) >= _MULTIPART_HEADER and reply[8:10] == request[8:10]
    return "" if right else f"answered {name_of(request)} with {name_of(reply)}"


def name_of(frame: bytes) -> str:
    """What a message is, in OpenFlow's words."""
    kind = frame[1]
    name = _KINDS.get(kind, f"a message of type {kind}")
    if kind in (MessageType.MULTIPART_REQUEST, MessageType.MULTIPART_REPLY):
        part = int.from_bytes(frame[8:10], "big")
        name += f"/{_PARTS.get(part, part)}"
    return name


def error_of(frame: bytes) -> Error:
    """An error's frame, decoded. Raises DecodeError."""
    message, _ = decode(frame)
    if not isinstance(message, Error):
        raise TypeError(f"{type(message).__name__} is no error")
    return message


def _discard(_: bytes) -> str:
    return ""
