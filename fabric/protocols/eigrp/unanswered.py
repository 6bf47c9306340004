"""Queries without a reply: when to ask again, and when to give up who owes it (RFC 7868 §3.7, stuck in active).

Must not know: packets, what a reply does to a route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from clos.fabric.protocols.eigrp.dual import Source
from clos.fabric.protocols.eigrp.routes import Prefix

SIA_ROUNDS = 3
"""SIA queries that are sent at most."""


class _Waiting(NamedTuple):
    """When to ask again (ms), how often it was asked so, and whether the last time was answered."""

    at: int
    rounds: int = 0
    answered: bool = True


class Unanswered:
    """The queries of one process. ``active_ms``: after half of it, who owes a reply is asked whether it still works on
    it."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Prefix, Source], _Waiting] = {}

    def asked(self, prefix: Prefix, source: Source, now: int, active_ms: int) -> None:
        """A query was sent."""
        self._waiting[prefix, source] = _Waiting(now + active_ms // 2)

    def still_active(self, prefix: Prefix, source: Source) -> None:
        """It says that it still works on the reply."""
        waiting = self._waiting.get((prefix, source))
        if waiting is not None:
            self._waiting[prefix, source] = waiting._replace(answered=True)

    def drop(self, prefix: Prefix, source: Source) -> None:
        """The reply came, or is not wanted any more."""
        self._waiting.pop((prefix, source), None)

    def deadlines(self) -> Iterator[int]:
        return (waiting.at for waiting in self._waiting.values())

    def due(
        self, now: int, active_ms: int, owes: Callable[[Prefix, Source], bool]
    ) -> Iterator[tuple[Prefix, Source, bool]]:
        """Those whose time has come, with whether to give them up; the others are to be asked. ``owes``: whether a
        reply is still wanted."""
        for (prefix, source), waiting in list(self._waiting.items()):
            if not owes(prefix, source):
                self.drop(prefix, source)
            elif waiting.at <= now and (not waiting.answered or waiting.rounds >= SIA_ROUNDS):
                yield prefix, source, True
            elif waiting.at <= now:
                self._waiting[prefix, source] = _Waiting(now + active_ms // 2, waiting.rounds + 1, False)
                yield prefix, source, False
