"""A lease in etcd, kept alive by a thread of its own: whether it certainly lasts is known here, without asking anybody.

Must not know: what the lease is for.

A renewal counts from the moment it was sent, so this side's end comes before etcd's, whatever the network does. The
clock is the one that goes on while the machine sleeps; a process that was stopped finds that its lease is over before
it does anything else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from clos.controller.store.etcd_client import Etcd, EtcdError, EtcdUnknown

LOG = logging.getLogger(__name__)

SPARE = 0.1
"""Of the lease's time, kept for clocks that run at different rates."""
RENEWALS = 5
"""Within the time of a lease."""


def now() -> float:
    """Seconds; goes on while the machine sleeps, where there is such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """For ``seconds``, renewed RENEWALS times in them. ``ident``: etcd's number for it; 0: there is none."""

    def __init__(self, etcd: Etcd, seconds: int, clock: Callable[[], float] = now) -> None:
        self._etcd, self._seconds, self._clock = etcd, seconds, clock
        self._lock = threading.Lock()
        self.ident = 0
        self._end = 0.0

    def lasts(self, ident: int) -> bool:
        """Whether this is the lease, and certainly not over."""
        with self._lock:
            return ident != 0 and ident == self.ident and self._clock() < self._end

    @property
    def valid(self) -> bool:
        return self.lasts(self.ident)

    def end(self) -> None:
        """Give it up: what hangs on it goes now, or when it would have ended."""
        with self._lock:
            gone, self.ident, self._end = self.ident, 0, 0.0
        if gone:
            with suppress(EtcdError):
                self._etcd.revoke(gone)

    def run(self, stopping: threading.Event) -> None:
        """Keep it until told to stop."""
        while not stopping.is_set():
            try:
                self.turn()
            except EtcdUnknown as error:
                LOG.info("the lease is not renewed: %s", error)
            except EtcdError as error:
                LOG.warning("the lease is lost: %s", error)
                with self._lock:
                    self.ident = 0
            stopping.wait(self._seconds / RENEWALS)
        self.end()

    def turn(self) -> None:
        """Renew it, or get one. Raises EtcdError, EtcdUnknown."""
        asked, ident = self._clock(), self.ident
        lasts = self._etcd.renew(ident) if ident else 0.0
        with self._lock:
            if ident != self.ident:  # it was given up meanwhile
                return
            if lasts:
                self._end = asked + lasts * (1 - SPARE)
                return
            self.ident, self._end = 0, 0.0
        asked = self._clock()
        ident, lasts = self._etcd.grant(self._seconds)
        with self._lock:
            self.ident, self._end = ident, asked + lasts * (1 - SPARE)
