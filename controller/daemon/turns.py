"""Work that is done a little at a time for as long as the daemon runs.

Lives here: the loop of such a thread. Must not know: what is done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

LOG = logging.getLogger(__name__)


class Turns(NamedTuple):
    """``turn`` is called every ``period`` seconds; ``pause`` seconds after one that failed or said False.

    ``name``: of the work, as the log has it.
    """

    name: str
    turn: Callable[[], object]
    period: float
    pause: float = 1.0

    def run(self, stopping: threading.Event, leading: threading.Event | None = None) -> None:
        """Take turns until told to stop; of several controllers only who leads."""
        wait = self.period
        while not stopping.wait(wait):
            wait = self.period
            if leading is not None and not leading.is_set():
                continue
            try:
                if self.turn() is False:
                    wait = self.pause
            except Exception:
                if not stopping.is_set():  # else store and wire are gone, in the middle of a turn
                    LOG.exception("%s failed; it continues", self.name)
                    wait = self.pause
