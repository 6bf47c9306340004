"""Waiting for what happens in other threads and processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(predicate: Callable[[], object], seconds: float = 60.0) -> bool:
    """Whether it becomes true; a machine that is busy with other things gets a minute."""
    end = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def wait_for(find: Callable[[], T | None], seconds: float = 60.0) -> T:
    """What ``find`` returns as soon as that is anything."""
    end = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found
