"""HTTP/1.1 to a daemon on this machine: one connection for each question, answers whole or as they come.

On http.client: every command line that asks a controller would wait a tenth of a second for httpx to be imported,
http.client takes a fifth of that. Must not know: what is asked, what answers mean.
"""

from __future__ import annotations

import json
import socket
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from socket import gaierror
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

PIECE = 1 << 16
"""Bytes of a streamed answer at a time."""


class Unreachable(Exception):
    """Nothing accepts connections there."""


class NoAddress(Exception):
    """The URL is none that a daemon can have; the text says why not."""


class NoAuthority(Exception):
    """The file of who signs certificates cannot be used; the text says why not."""


class TimedOut(Exception):
    """No answer came in time."""


class Broken(Exception):
    """The connection ended in the middle, or what answers speaks no HTTP."""


class Untrusted(Exception):
    """Its certificate is not one that we trust; the text says why not."""


class Reply(NamedTuple):
    """An answer whose headers are there."""

    response: HTTPResponse

    @property
    def status(self) -> int:
        return self.response.status

    def json(self) -> Any:
        """The whole answer. Raises ValueError when it is no JSON."""
        return json.loads(self.response.read())

    def lines(self) -> Iterator[bytes]:
        """Lines as they come; one that the daemon could not finish is left out."""
        for line in self.response:
            if line.endswith(b"\n"):
                yield line

    def text(self) -> Iterator[str]:
        """The answer in pieces. Raises Broken when it ends early."""
        decoder = getincrementaldecoder("utf-8")()
        while piece := self.response.read(PIECE):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)


def place(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises NoAddress."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise NoAddress("it has characters that no address has")
    try:
        found = urlsplit(url)
        scheme, host = found.scheme, found.hostname
    except ValueError:
        raise NoAddress("its host is neither a name nor an address") from None
    try:
        port = found.port
    except ValueError:
        raise NoAddress("its port is no number up to 65535") from None
    if scheme not in ("http", "https"):
        raise NoAddress("it begins with neither http:// nor https://")
    if not host:
        raise NoAddress("it names no host")
    return scheme, host, port


class Way(NamedTuple):
    """The way to a daemon. ``connect``, ``patience``: seconds for the connection, and for each wait afterwards.

    ``authority``: a PEM file of who has to have signed its certificate; empty: whom the system trusts.
    """

    url: str
    token: str
    connect: float
    authority: str = ""

    @contextmanager
    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, object] | None = None,
        body: object = None,
        patience: float | None = None,
        opened: Callable[[Callable[[], object]], object] = lambda cut: None,
    ) -> Iterator[Reply]:
        """The answer, for as long as the block. Raises NoAddress, NoAuthority, Unreachable, TimedOut, Broken.

        ``opened`` is given a way to end the waiting from another thread.
        """
        if not (self.token.isascii() and self.token.isprintable()):
            raise Broken("the token (CLOS_TOKEN) has characters that no token has")
        connection = self._connection(*place(self.url))
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        try:
            self._connect(connection, patience)
            opened(partial(_cut, connection.sock))
            self._send(connection, method, path + query, None if body is None else json.dumps(body).encode())
            yield Reply(connection.getresponse())
        except TimeoutError as error:
            raise TimedOut(str(error)) from error
        except (HTTPException, OSError) as error:
            raise Broken(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _connection(self, scheme: str, host: str, port: int | None) -> HTTPConnection:
        if scheme != "https":
            return HTTPConnection(host, port, timeout=self.connect)
        import ssl  # noqa: PLC0415 - for controllers that have a certificate
        from http.client import HTTPSConnection  # noqa: PLC0415

        try:
            context = ssl.create_default_context(cafile=self.authority or None)
        except FileNotFoundError:
            raise NoAuthority("there is no such file") from None
        except OSError as error:
            why = "it has no certificates in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise NoAuthority(str(why)) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return HTTPSConnection(host, port, timeout=self.connect, context=context)

    def _connect(self, connection: HTTPConnection, patience: float | None) -> None:
        try:
            connection.connect()
        except TimeoutError:
            raise
        except OSError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Untrusted(getattr(error, "verify_message", "") or str(error)) from error
            raise Unreachable(_why(error)) from error
        connection.sock.settimeout(patience)

    def _send(self, connection: HTTPConnection, method: str, path: str, body: bytes | None) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Connection": "close", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with suppress(BrokenPipeError, ConnectionResetError):  # it refused before it had read all, and says why
            connection.request(method, path, body, headers)


def _why(error: OSError) -> str:
    """In the system's words, or those of names."""
    return "its name has no address" if isinstance(error, gaierror) else error.strerror or str(error)


def _cut(open_socket: socket.socket) -> None:
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)
