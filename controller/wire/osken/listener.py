"""Listening for switches: the event loop that carries every connection (see controller.wire.osken.patches, faults 5
to 8).

Lives here: the loop and its thread, accepting, TLS, the ticks by which connections look at their deadlines.
Must not know: messages, sessions, plans.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from os_ken.controller.controller import CONF
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER
from os_ken.ofproto import ofproto_common

from clos.controller.wire.osken import connection as link
from clos.controller.wire.osken import tls
from clos.controller.wire.osken.connection import Connection
from clos.controller.wire.osken.tls import TlsHandshake

CONNECTIONS = 4096
"""Connections held at a time; more are refused."""
NEWCOMERS = 1024
"""Connections whose handshake is not over; with one more the oldest goes. A switch needs milliseconds for it, so it
gets through where others come only to stay."""


class Listener:
    """Stands in for os-ken's OpenFlowController: it listens where os-ken's options say and carries every connection.

    os-ken calls it in a thread, which becomes the loop's. ``listening`` is set once it listens, or has failed with
    ``failure``; ``address`` then is where. ``ended`` is set when the thread is done. An ``ofp_tcp_listen_port`` of 0
    takes any free port.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        self.ended = threading.Event()
        self.failure: Exception | None = None
        self.address: tuple[str, int] | None = None
        self.thread: int | None = None
        self.connections: dict[Connection | TlsHandshake, None] = {}  # oldest first
        self._stopping = asyncio.Event()

    def __call__(self) -> None:
        self.thread = threading.get_ident()
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()
            self.ended.set()

    def call(self, function: Callable[..., Any], *args: Any) -> bool:
        """Have the loop's thread call the function soon. False: the loop has ended."""
        try:
            self.loop.call_soon_threadsafe(partial(function, *args))
        except RuntimeError:
            return False
        return True

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        self.call(self._stopping.set)

    def admit(self, connection: Connection | TlsHandshake) -> bool:
        newcomers = [one for one in self.connections if one.state not in (MAIN_DISPATCHER, DEAD_DISPATCHER)]
        if len(newcomers) >= NEWCOMERS:
            newcomers[0].drop("it has said nothing, and others wait")
        if len(self.connections) >= CONNECTIONS:
            return False
        self.connections[connection] = None
        return True

    def forget(self, connection: Connection | TlsHandshake) -> None:
        self.connections.pop(connection, None)

    async def _serve(self) -> None:
        try:
            server = await self._listen()
        except (OSError, ssl.SSLError) as error:
            self.failure = error
            return
        finally:
            self.listening.set()
        ticker = asyncio.ensure_future(self._tick())
        await self._stopping.wait()
        ticker.cancel()
        server.close()
        await self._empty()

    async def _empty(self) -> None:
        """Drop every connection, and let whoever waited for a switch learn that it is lost."""
        while self.connections:
            for connection in list(self.connections):
                connection.abort()
            await asyncio.sleep(0)
        late = asyncio.all_tasks() - {asyncio.current_task()}
        if late:
            _, late = await asyncio.wait(late, timeout=1)
        for task in late:
            task.cancel()
        await asyncio.sleep(0)

    async def _listen(self) -> asyncio.Server:
        context = tls.context()
        port = CONF.ofp_tcp_listen_port if context is None else CONF.ofp_ssl_listen_port
        default = ofproto_common.OFP_TCP_PORT if context is None else ofproto_common.OFP_SSL_PORT
        server = await self.loop.create_server(
            lambda: Connection(self) if context is None else self._before_tls(context),
            CONF.ofp_listen_host,
            default if port is None else port,
            backlog=1024,
        )
        self.address = server.sockets[0].getsockname()[:2]
        return server

    def _before_tls(self, context: ssl.SSLContext) -> TlsHandshake:
        return TlsHandshake(self, context, lambda: Connection(self), link.HANDSHAKE_SECONDS)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(link.TICK)
            for connection in list(self.connections):
                connection.tick()
