"""How much work a call is: a figure that a busy or a slow machine does not change."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from contextlib import suppress


def calls(work: Callable[[], object], *refusals: type[Exception]) -> int:
    """The calls of functions that ``work`` makes, those written in C among them, though it may end in a refusal."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        with suppress(*refusals):
            work()
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())
