"""What a daemon does when it begins or ends to lead, and while it follows. One controller alone always leads.

Lives here: the order of taking over. Must not know: how a leader is elected (controller.cluster).

Taking over: the change that was under way here, if any, has ended (the change lock); the revisions are those of the
store; every switch joins anew, now with us as master, and is read back. So whatever a leader before us still sent is
seen, and what it had begun is ended (controller.daemon.changes.recovery).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.switches.switches import Switches
from clos.controller.wire.seat import Seat

QUIET_SECONDS = 3.0
"""A follower reads switches again when no revision has come for so long: every apply would be read three times."""


class Leadership:
    """An office of controller.cluster: ``valid`` says whether our lease certainly lasts.

    ``restores`` take up, from the store and the revision in force, what the leader before us had at work.
    """

    def __init__(
        self,
        revisions: Revisions,
        switches: Switches,
        activity: Activity,
        restores: Iterable[Callable[[], object]],
        seat: Seat,
        valid: Callable[[], bool],
    ) -> None:
        self._revisions, self._switches, self._activity = revisions, switches, activity
        self._restores = tuple(restores)
        self._seat, self._valid = seat, valid
        self._outdated_at: float | None = None

    def lead(self, term: int) -> None:
        """From now on changes are ours to make."""
        with self._activity.changing:
            self._reload(with_pending=True)
            for restore in self._restores:
                restore()
            self._seat.lead(term, self._valid)
            self._activity.rejoining = self._switches.wire.connected()
            self._switches.wire.again()
            self._outdated_at = None
            self._activity.takes_over.set()
            self._activity.leading.set()

    def follow(self) -> None:
        """Somebody else's. A change under way is cut short: its sessions are lost to it."""
        self._activity.leading.clear()
        self._seat.follow()
        self._switches.wire.again()

    def refresh(self) -> None:
        """The store has news."""
        with self._activity.changing:
            if self._reload(with_pending=False):
                self._outdated_at = time.monotonic()

    def _reload(self, with_pending: bool) -> bool:
        changed = self._revisions.reload(with_pending)
        if changed:
            self._switches.expect(self._revisions.fabric)
            self._switches.inventory.outdate(f"not read since revision {self._revisions.running.number}")
        return changed

    def look_again(self) -> None:
        """Have a follower's switches read back if what was read is out of date, and it is quiet."""
        at = self._outdated_at
        if at is not None and time.monotonic() - at > QUIET_SECONDS:
            self._outdated_at = None
            self._switches.inventory.again(self._switches.inventory.standings())
