"""How much work something is: a figure that a busy or a slow machine does not change."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Work:
    """Counts the calls of functions, those written in C among them, that are made in ``with`` blocks of it."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile()

    def __enter__(self) -> Self:
        self._profile.enable()
        return self

    def __exit__(self, *raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._profile.disable()

    @property
    def calls(self) -> int:
        return sum(entry.callcount for entry in self._profile.getstats())


def calls(do: Callable[[], object], *refusals: type[Exception]) -> int:
    """The calls that ``do`` makes, though it may end in a refusal."""
    with Work() as work, suppress(*refusals):
        do()
    return work.calls
