"""What a daemon is doing: one change at a time, and whether it is being stopped. Must not know: what changes do."""

from __future__ import annotations

import threading
from collections.abc import Callable

from clos.controller.store.store import utc_now


class Activity:
    """``changing``: the change lock, held by whoever changes the fabric; ``doing``: what they do, for people.

    ``leading``: of several controllers, this is the one that changes things; ``takes_over``: it has just begun to, and
    ``rejoining`` are the switches that were connected then, and join anew. ``holds_lease``: it certainly leads still.
    """

    def __init__(self) -> None:
        self.changing = threading.Lock()
        self.doing = ""
        self.started = utc_now()
        self.stopping = threading.Event()
        self.leading, self.takes_over = threading.Event(), threading.Event()
        self.rejoining: frozenset[str] = frozenset()
        self.holds_lease: Callable[[], bool] = lambda: True
