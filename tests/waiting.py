"""Waiting for what happens in other threads and processes."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(predicate: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
