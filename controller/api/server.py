"""The API on a socket: uvicorn in a thread, started when it listens and stopped when asked."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

from clos.controller.api.connections import IDLE_SECONDS, BoundedConnection
from clos.controller.api.guard import App

START_SECONDS = 10.0
STOP_SECONDS = 1


class CannotServe(OSError):
    """The API's address cannot be used; the text says why and what to do."""


class Server:
    """Serves ``app`` on ``host:port`` (0: any free port, see ``address``) inside the context."""

    def __init__(
        self, app: App, host: str, port: int, *, anywhere: bool = False, tls: tuple[str, str] | None = None
    ) -> None:
        """``tls``: key and certificate (PEM files) to speak HTTPS with. ``anywhere``: consent to an address that other
        machines can reach without. Raises CannotServe."""
        if not anywhere and tls is None and not is_loopback(host):
            raise CannotServe(
                f"{host} can be reached from other machines, and the API has no certificate: "
                "use 127.0.0.1, give it one (--api-tls-key, --api-tls-cert), or ask for it explicitly (--api-anywhere)"
            )
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise CannotServe(f"cannot serve the API on {host}:{port}: {error.strerror}; choose another port") from None
        # Inherited by its connections; asyncio sets it only on sockets that name their protocol. Without it an answer
        # of two pieces waits for the client's delayed acknowledgement, 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=IDLE_SECONDS, server_header=False, http=BoundedConnection,
            ssl_keyfile=tls and tls[0], ssl_certfile=tls and tls[1],
        )  # fmt: skip
        self._secure(config)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="clos-api", daemon=True)

    def _secure(self, config: uvicorn.Config) -> None:
        """Load the certificate now, so that a wrong one is told of, and take TLS 1.2 or newer."""
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            self._socket.close()
            raise CannotServe(f"the API's key and certificate cannot be used: {error}") from None
        if config.ssl is not None:
            config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2

    def __enter__(self) -> Self:
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise CannotServe(f"the API did not start on {self.address[0]}:{self.address[1]}")
            time.sleep(0.002)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS + 0.5)
        self._socket.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
