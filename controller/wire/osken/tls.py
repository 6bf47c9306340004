"""A switch's connection until TLS is up: counted and bounded as any other whose handshake is not over.

Lives here: the TLS handshake of one connection, and its context. Must not know: OpenFlow. asyncio's own way makes a
connection known only when its handshake is over, so that those which never come to its end could not be counted.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from os_ken.controller.controller import CONF
from os_ken.controller.handler import DEAD_DISPATCHER, HANDSHAKE_DISPATCHER

LOG = logging.getLogger(__name__)


class Owner(Protocol):
    """Who counts connections."""

    def admit(self, connection: TlsHandshake) -> bool:
        """Whether there is room for one more."""

    def forget(self, connection: TlsHandshake) -> None:
        """It has ended."""


class TlsHandshake(asyncio.Protocol):
    """``make`` gives the protocol that takes over when the handshake is done, within ``seconds``."""

    def __init__(
        self, owner: Owner, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol], seconds: float
    ) -> None:
        self.state: str = HANDSHAKE_DISPATCHER
        self._owner, self._context, self._make, self._seconds = owner, context, make, seconds
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._early: list[bytes] = []

    def __str__(self) -> str:
        host, port = self._transport.get_extra_info("peername")[:2] if self._transport else ("?", "?")
        return f"a peer at {host}:{port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._owner.admit(self):
            LOG.warning("%s refused: too many connections are open already", self)
            self._transport.abort()
            return
        self._transport.pause_reading()  # what comes now is for TLS
        self._task = asyncio.get_running_loop().create_task(self._shake_hands(self._transport))

    def data_received(self, data: bytes) -> None:
        """The handshake is over, and who takes over does not know it yet."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = DEAD_DISPATCHER
        self._owner.forget(self)

    def tick(self) -> None:
        """Nothing: the handshake has its own deadline."""

    def drop(self, reason: str) -> None:
        """End it, saying why."""
        LOG.warning("%s dropped: %s", self, reason)
        self.abort()

    def abort(self) -> None:
        """End it now."""
        self.state = DEAD_DISPATCHER
        self._owner.forget(self)
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _shake_hands(self, plain: asyncio.Transport) -> None:
        try:
            secured = await asyncio.get_running_loop().start_tls(
                plain, self, self._context, server_side=True, ssl_handshake_timeout=self._seconds
            )
        except OSError as error:  # ssl.SSLError and ConnectionError are some
            LOG.info("%s: no TLS handshake: %s", self, error)
            return
        finally:
            self._owner.forget(self)
        if secured is None or self.state == DEAD_DISPATCHER:
            return
        follower = self._make()
        secured.set_protocol(follower)
        follower.connection_made(secured)
        for data in self._early:
            follower.data_received(data)


def context() -> ssl.SSLContext | None:
    """The TLS context os-ken's ``ctl-privkey``, ``ctl-cert`` and ``ca-certs`` ask for; None for plain TCP.

    With ``ca-certs`` a switch must show a certificate signed by one of them.
    """
    if CONF.ctl_privkey is None or CONF.ctl_cert is None:
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(CONF.ctl_cert, CONF.ctl_privkey)
    if CONF.ca_certs is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(CONF.ca_certs)
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT  # new in 3.13; ovs-pki's certificates lack key ids
    return made
