"""Doing something in another network namespace. Sockets stay in the namespace in which they were made.

Lives here: going there. Must not know: what is done there.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CLONE_NEWNET = 0x40000000


def inside(namespace: Path | int, work: Callable[[], T]) -> T:
    """What ``work`` gives in the network namespace of this file or descriptor; a thread goes there, and ends.

    Raises what ``work`` raises; OSError: there is no such namespace, or one may not enter it.
    """
    results: list[T] = []
    problems: list[BaseException] = []

    def go() -> None:
        try:
            _enter(namespace)
            results.append(work())
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]


def _enter(namespace: Path | int) -> None:
    descriptor = os.dup(namespace) if isinstance(namespace, int) else os.open(namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    finally:
        os.close(descriptor)
