"""Work spread over copies of this process, as many as there are processors. Must not know: what the work is."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def spread(ask: Callable[[T], R], todo: Sequence[T]) -> Iterator[R]:
    """All answers in order, found by copies of this process, ``ask`` and all; by itself where there is but one to make.

    Answers are sent back, so they must be values that can be pickled.
    """
    processes = min(processors(), len(todo))
    if processes < 2:
        yield from map(ask, todo)
        return
    with _copies(ask, processes, None) as pool:
        yield from pool.imap(_asked, todo)


def one_each(ask: Callable[[T], R], todo: Sequence[T]) -> list[R]:
    """The same, each by a copy of its own, which may change what it holds."""
    with _copies(ask, len(todo), 1) as pool:
        return pool.map(_asked, todo, chunksize=1)


@contextmanager
def _copies(ask: Callable[[T], R], count: int, tasks: int | None) -> Iterator[Pool]:
    """So many processes; each ends after so many tasks (None: never)."""
    _ASKED.append(ask)
    try:
        with multiprocessing.get_context("fork").Pool(count, _leave_interrupts, maxtasksperchild=tasks) as pool:
            yield pool
    finally:
        _ASKED.pop()


def _leave_interrupts() -> None:
    """Ctrl-C is the first process's business: it ends its copies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_ASKED: list[Callable[[Any], Any]] = []
"""What a process that was copied from this one is asked: the last."""


def _asked(one: Any) -> Any:
    return _ASKED[-1](one)
