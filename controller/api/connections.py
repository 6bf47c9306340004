"""The API's connections: how many there are, and how long one may be idle or slow before its place is given back.

Lives here: what uvicorn leaves open. It waits for ever for a request that does not come to its end, and for a client
that does not read. Must not know: requests, tokens.

A client that asks needs milliseconds, so where connections are many, the one that has been idle for longest goes. What
is under way is left alone: an apply may take minutes. All limits count checks, not time: a stalled process does not
blame its clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS, PER_ADDRESS = 256, 128
"""Connections at a time, of all clients and of one address."""
CHECK_SECONDS = 1.0
REQUEST_SECONDS = 10
"""From connecting to the end of the first request's headers."""
IDLE_SECONDS = 30
"""From an answer to the end of the next request's headers."""
BODY_SECONDS = 120
"""For all of a request's body."""
READING_SECONDS = 60
"""A client that leaves an answer unread for so long is gone."""


class BoundedConnection(H11Protocol):
    """A connection as uvicorn has it, with its limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle = self._receiving = self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        every = [one for one in self.connections if isinstance(one, BoundedConnection)]
        self._make_room(every, CONNECTIONS)
        self._make_room([one for one in every if one.host == self.host], PER_ADDRESS)
        self.loop.call_later(CHECK_SECONDS, self._check)

    def resume_writing(self) -> None:
        self._unread = 0
        super().resume_writing()

    @property
    def host(self) -> str:
        """Where the client is."""
        return self.client[0] if self.client else ""

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def cut(self) -> None:
        """End it, whatever has not been sent."""
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self, among: Iterable[BoundedConnection], most: int) -> None:
        among = [one for one in among if one in self.connections]
        if len(among) > most:
            waiting = [one for one in among if one.is_waiting and one is not self]
            max(waiting, key=lambda one: one.idle, default=self).cut()

    def _check(self) -> None:
        if self not in self.connections:
            return
        receiving = not self.is_waiting and self.cycle.more_body
        self.idle = self.idle + 1 if self.is_waiting else 0
        self._receiving = self._receiving + 1 if receiving else 0
        self._unread = self._unread + 1 if self.flow.write_paused else 0
        limits = (
            (self.idle, REQUEST_SECONDS if self.cycle is None else IDLE_SECONDS),
            (self._receiving, BODY_SECONDS),
            (self._unread, READING_SECONDS),
        )
        if any(count >= limit for count, limit in limits):
            self.cut()
        else:
            self.loop.call_later(CHECK_SECONDS, self._check)
