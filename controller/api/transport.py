"""HTTP/1.1 to a daemon on this machine: one connection for each question, answers whole or as they come.

On http.client: every command line that asks a controller would wait a tenth of a second for httpx to be imported,
http.client takes a fifth of that. Must not know: what is asked, what answers mean.
"""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

PIECE = 1 << 16
"""Bytes of a streamed answer at a time."""


class Unreachable(Exception):
    """Nothing accepts connections there."""


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
    ) -> Iterator[Reply]:
        """The answer, for as long as the block. Raises Unreachable, TimedOut, Broken."""
        if not (self.token.isascii() and self.token.isprintable()):
            raise Broken("the token (CLOS_TOKEN) has characters that no token has")
        try:
            place = urlsplit(self.url)
            connection = self._connection(place.scheme, place.hostname or "", place.port)
        except ValueError as error:
            raise Unreachable(f"{self.url} is no address: {error}") from None
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        try:
            self._connect(connection, patience)
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
        except OSError as error:
            raise Broken(f"{self.authority}: not certificates in PEM: {error}") from None
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
            raise Unreachable(str(error)) from error
        connection.sock.settimeout(patience)

    def _send(self, connection: HTTPConnection, method: str, path: str, body: bytes | None) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Connection": "close", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with suppress(BrokenPipeError, ConnectionResetError):  # it refused before it had read all, and says why
            connection.request(method, path, body, headers)
