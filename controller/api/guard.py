"""What a request must pass before anybody reads it: the token, and a limit on its size. Plain ASGI."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from clos.controller.api.errors import body
from clos.controller.api.page import PATH

MAX_BODY = 64 << 20
OPEN = frozenset({"/openapi.json"})
"""Paths that need no token."""
NO_TOKEN = (
    "the token is missing or wrong: send 'Authorization: Bearer' and what the file 'token' of the state directory holds"
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Lets pass to ``app`` what carries the token and is no longer than ``limit`` bytes."""

    def __init__(self, app: App, token: str, limit: int = MAX_BODY) -> None:
        self._app, self._limit = app, limit
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN and not self._carries(headers.get(b"authorization", b""), scope["path"]):
            way = 'Basic realm="Clos: any name, and the token as password"' if scope["path"] == PATH else "Bearer"
            refusal = JSONResponse(body("token", NO_TOKEN), 401, {"WWW-Authenticate": way})
            await refusal(scope, receive, send)
            return
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limit:
            await JSONResponse(body("too-large", self._text), 413, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _carries(self, shown: bytes, path: str) -> bool:
        """Whether the token is shown. As a browser's password only for the page: what a browser has kept, it sends with
        any site's requests."""
        kind, _, word = shown.partition(b" ")
        if path == PATH and kind.lower() == b"basic":
            try:
                _, _, word = base64.b64decode(word, validate=True).partition(b":")
            except ValueError:
                return False
        elif kind != b"Bearer":
            return False
        return hmac.compare_digest(word, self._expected)

    @property
    def _text(self) -> str:
        return f"the request is longer than {self._limit} bytes"

    def _counted(self, receive: Receive) -> Receive:
        """The same, but too long a body of unannounced length ends with an error."""
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._limit:
                raise HTTPException(413, self._text)
            return message

        return counted
