"""Browsers that are logged in: a random cookie each, kept in memory, so a restart logs everybody out.

Lives here: sessions and the word by which a form shows that our own page sent it. Must not know: HTTP, people.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

COOKIE = "clos_session"
HOURS = 12
MOST = 10_000
"""Sessions kept; the oldest go."""


class Session(NamedTuple):
    """``token``: of whoever is logged in, as for the API; ``form``: what forms carry back; ``ends``: monotonic."""

    token: str
    form: str
    ends: float


class Sessions:
    """Any thread may call it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._held: OrderedDict[str, Session] = OrderedDict()

    def begin(self, token: str) -> str:
        """A new session; the cookie's value."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._held[key] = Session(token, secrets.token_urlsafe(32), self._clock() + HOURS * 3600)
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        return key

    def get(self, key: str) -> Session | None:
        """The session of a cookie, while it lasts."""
        with self._lock:
            found = self._held.get(key)
            if found is not None and found.ends <= self._clock():
                found = self._held.pop(key) and None
            return found

    def end(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)


def same(session: Session, shown: str) -> bool:
    """Whether a form came from our own page."""
    return hmac.compare_digest(session.form.encode(), shown.encode())


def cookie_of(header: str) -> str:
    """Our cookie's value in a Cookie header; empty without one."""
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
