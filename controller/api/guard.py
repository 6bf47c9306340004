"""What a request must pass before anybody reads it: who sends it, whether they may, and a limit on its size. ASGI.

Must not know: what a path does. What it takes is a row of controller.api.permissions.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from clos.controller.api.errors import body
from clos.controller.api.page import PATH
from clos.controller.api.permissions import OPEN, needed
from clos.controller.api.web.pages import PAGES, refusal_page
from clos.controller.api.web.sessions import Sessions, cookie_of
from clos.controller.daemon import Refused
from clos.controller.people.people import People
from clos.controller.people.roles import Person, owner
from clos.controller.store import StoreError

MAX_BODY = 64 << 20
NO_TOKEN = (
    "the token is missing, wrong or expired: send 'Authorization: Bearer' and a token, of 'clos login', "
    "of 'clos token add', or what the file 'token' of the state directory holds"
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Lets pass to ``app`` what somebody who may sends, and is no longer than ``limit`` bytes.

    ``token``: the owner's, of the state directory. ``people``: None where there are no accounts.
    """

    def __init__(self, app: App, token: str, limit: int = MAX_BODY, people: Callable[[], People] | None = None) -> None:
        self._app, self._limit, self._people = app, limit, people
        self._expected = token.encode()
        self._sessions: Sessions | None = None
        if isinstance(app, FastAPI):
            self._sessions = app.state.sessions
            app.state.is_owner = self.is_owner

    def is_owner(self, word: str) -> bool:
        """Whether it is the owner's token."""
        return hmac.compare_digest(word.encode(), self._expected)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = await self._refused(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    async def _refused(self, scope: Scope) -> Response | None:
        """Why the request does not pass; None when it does, and then ``scope`` says who sends it."""
        headers, path = dict(scope["headers"]), scope["path"]
        takes = needed(scope["method"], path)
        try:
            person = await self._person(scope, headers) if takes != OPEN else None
        except (Refused, StoreError) as error:
            return JSONResponse(body("store", str(error)), 503)
        if takes != OPEN:
            if person is None and path.startswith(PAGES):
                return RedirectResponse(f"/ui/login?next={quote(path)}", 303)
            if person is None:
                way = 'Basic realm="Clos: any name, and the token as password"' if path == PATH else "Bearer"
                return JSONResponse(body("token", NO_TOKEN), 401, {"WWW-Authenticate": way})
            if takes is not None and not person.may(takes):
                if path.startswith(PAGES):
                    return refusal_page(Request(scope), person.lacks(takes))
                return JSONResponse(body("role", person.lacks(takes)), 403)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limit:
            return JSONResponse(body("too-large", self._text), 413, {"Connection": "close"})
        return None

    async def _person(self, scope: Scope, headers: dict[bytes, bytes]) -> Person | None:
        """Who sends it: by a cookie on the pages, by a token elsewhere. ``scope`` says so from then on."""
        state = scope.setdefault("state", {})
        if scope["path"].startswith(PAGES):
            key = cookie_of(headers.get(b"cookie", b"").decode(errors="replace"))
            state["session"] = session = self._sessions.get(key) if self._sessions and key else None
            state["person"] = await self._holder(session.token.encode()) if session else None
        else:
            state["person"] = await self._sender(headers.get(b"authorization", b""), scope["path"])
        found: Person | None = state["person"]
        return found

    async def _sender(self, shown: bytes, path: str) -> Person | None:
        """Who shows a token. As a browser's password only for the page: what a browser has kept, it sends with any
        site's requests."""
        kind, _, word = shown.partition(b" ")
        if path == PATH and kind.lower() == b"basic":
            try:
                _, _, word = base64.b64decode(word, validate=True).partition(b":")
            except ValueError:
                return None
        elif kind != b"Bearer":
            return None
        return await self._holder(word)

    async def _holder(self, word: bytes) -> Person | None:
        if hmac.compare_digest(word, self._expected):
            return await run_in_threadpool(self._people().owner) if self._people else owner(alone=True)
        if self._people is None or not word:
            return None
        return await run_in_threadpool(self._people().holder, word.decode(errors="replace"))

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
