"""What a daemon is doing: one change at a time, and whether it is being stopped. Must not know: what changes do."""

from __future__ import annotations

import threading

from clos.controller.store.store import utc_now


class Activity:
    """``changing``: the change lock, held by whoever changes the fabric; ``doing``: what they do, for people."""

    def __init__(self) -> None:
        self.changing = threading.Lock()
        self.doing = ""
        self.started = utc_now()
        self.stopping = threading.Event()
