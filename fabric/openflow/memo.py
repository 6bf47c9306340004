"""A bounded memory of a pure function's results.

Lives here: Memo only. Must not know: what is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """``memo[key]`` is ``compute(key)``, kept while it is asked for; a hit costs one dictionary lookup.

    Two generations bound it: when the young one holds ``limit`` results it becomes the old one, and what is asked
    again moves back. So at most twice ``limit`` results are kept, and those in use are never all forgotten at once.
    A computation that raises is not kept.
    """

    __slots__ = ("_compute", "_limit", "_old")

    def __init__(self, compute: Callable[[K], V], limit: int) -> None:
        super().__init__()
        self._compute = compute
        self._limit = limit
        self._old: dict[K, V] = {}

    def __missing__(self, key: K) -> V:
        old = self._old
        value = old[key] if key in old else self._compute(key)
        if len(self) >= self._limit:
            self._old = dict(self)
            self.clear()
        self[key] = value
        return value

    def forget(self) -> None:
        """Start afresh."""
        self.clear()
        self._old = {}
