"""The watch: every switch looked at in turn, all the time, for what another has changed and what its counters say.

Lives here: whose turn it is, at which pace, and what is done when a switch does not hold what it should. Must not know:
what a difference means (controller.daemon.switches.drift_meaning), HTTP.

A glance costs about a microsecond an entry. It is taken at most once in PERIOD for each switch, and so rarely that no
more than RATE entries a second are looked at: 2 % of a core. Only a switch whose glance is another than last time is
read back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.errors import Refused
from clos.controller.daemon.queries import Queries
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.status import Drift
from clos.controller.daemon.switches.switches import Switches
from clos.controller.store.store import utc_now
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.glance import Glance
from clos.fabric.openflow import DecodeError

LOG = logging.getLogger(__name__)

PERIOD = 3.0
"""Seconds between two glances at a switch, at the least."""
RATE = 15_000
"""Entries looked at in a second, at the most."""
SHORTEST = 0.02
"""Seconds between two glances."""

REPORT, REPAIR, ASK = "report", "repair", "ask"
POLICIES: Final = (REPORT, REPAIR, ASK)
WHO = "clos (drift)"
"""Who repairs where nobody asks for it."""


class Meaning(NamedTuple):
    """What a difference does. ``sentences``: to whose packets; ``causes``: by which entries; ``harm``: whether packets
    fare otherwise than the intents say, None where that was not worked out, and then ``why`` says why not."""

    sentences: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    harm: bool | None = None
    why: str = ""


UNDER_WAY = Meaning(why="what it does to packets is being worked out")


@dataclass(frozen=True, slots=True)
class Found:
    """A switch that does not hold what it should. ``since``: when that was first seen (UTC).

    ``waits``: somebody has to say what to do. ``tolerated``: of the rules of others, those whose cookie is tolerated.
    """

    since: str
    drift: Drift
    meaning: Meaning
    waits: bool = False
    tolerated: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nobody has to look: all that differs is tolerated, and no packet notices."""
        drift = self.drift
        differs = drift.missing or drift.changed or drift.unexpected or drift.error
        return not differs and self.tolerated == len(drift.foreign) and self.meaning.harm is False


class _Known(NamedTuple):
    """A switch whose entries were compared: on which connection, for which revision, with which mark."""

    joins: int
    revision: int
    mark: int


Explain = Callable[[str], Callable[[], Meaning]]
"""Reads what a switch holds now; what that means is worked out later."""
Repair = Callable[[str], object]


class Watch:
    """``explain``: what a switch's difference means; ``repair``: how it is mended, where the policy is REPAIR."""

    def __init__(
        self,
        revisions: Revisions,
        switches: Switches,
        activity: Activity,
        queries: Queries,
        explain: Explain,
        repair: Repair,
        policy: str = REPORT,
        period: float = PERIOD,
    ) -> None:
        self._revisions, self._switches, self._activity, self._queries = revisions, switches, activity, queries
        self._explain, self._repair, self.policy, self._period = explain, repair, policy, period
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._seen: dict[str, Glance] = {}
        self._found: dict[str, Found] = {}
        self.glances = self.repairs = 0
        self._soon: Callable[[Callable[[], object]], object] = lambda work: work()

    def seen(self) -> Mapping[str, Glance]:
        """The last glance at each connected switch."""
        with self._lock:
            return dict(self._seen)

    def found(self) -> Mapping[str, Found]:
        """The switches that do not hold what they should, as far as the watch has come."""
        with self._lock:
            return dict(self._found)

    def run(self, stopping: threading.Event) -> None:
        """Look at one switch after another until the daemon stops; meanings are worked out beside."""
        pool = ThreadPoolExecutor(1, "clos-drift")
        self._soon = lambda work: pool.submit(self._guarded, work)
        try:
            self._rounds(stopping)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            if not self._activity.stopping.is_set():
                LOG.exception("what drift means could not be worked out")

    def _rounds(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            leads = self._activity.leading.is_set()
            names = sorted(self._switches.inventory.joins(self._revisions.fabric.switches)) if leads else []
            self._forget(names)
            if not names:
                stopping.wait(self._period)
            for name in names:
                entries = 0
                try:
                    entries = self.look(name)
                except (SwitchError, DecodeError, Refused) as error:
                    LOG.info("the watch skips %s: %s", name, error)
                except Exception:
                    if not stopping.is_set():
                        LOG.exception("the watch failed on %s", name)
                if stopping.wait(max(SHORTEST, entries / RATE, self._period / len(names))):
                    return

    def look(self, name: str) -> int:
        """Take a glance at a switch, and compare it if it is not what it was; gives how much there was to look at.

        Raises SwitchError, DecodeError, Refused.
        """
        before = self._switches.inventory.standings().get(name)
        if before is None or not before.known or self._activity.doing:
            return 0  # it is being read back, or changed
        revision = self._revisions.running.number
        glance = self._switches.wire.glance(name)
        self.glances += 1
        with self._lock:
            self._seen[name] = glance
        now = _Known(before.joins, revision, glance.mark)
        if revision and self._known.get(name) != now and not self._activity.doing:
            self._compare(name, now)
        return glance.entries

    def _compare(self, name: str, now: _Known) -> None:
        """Read the switch back. What was read counts only if the switch holds the same afterwards."""
        (drift,) = self._queries.drift((name,))
        if drift.error or self._activity.doing or self._revisions.running.number != now.revision:
            return
        if self._switches.wire.glance(name).mark != now.mark:
            return
        if drift.in_line:
            self._over(name)
        else:
            self._drifted(name, drift)
        if self.policy == REPAIR and not drift.in_line:
            self._known.pop(name, None)  # it holds something else by now, maybe the very entries of before
        else:
            self._known[name] = now

    def _over(self, name: str) -> None:
        with self._lock:
            gone = self._found.pop(name, None)
        if gone is not None:
            self._revisions.store.audit(WHO, "drift over", {"switch": name})

    def _drifted(self, name: str, drift: Drift) -> None:
        """Keep it, mend it if that is the policy, and have its meaning worked out: for hundreds of switches that takes
        seconds, and nobody waits for it."""
        first = self._found.get(name)
        inventory = self._switches.inventory
        tolerated = sum(map(inventory.tolerance.covers, inventory.standings()[name].foreign))
        since = first.since if first else utc_now()
        found = Found(since, drift, UNDER_WAY, self.policy == ASK, tolerated)
        meaning = self._explain(name)
        with self._lock:
            self._found[name] = found
        if self.policy == REPAIR and (drift.missing or drift.changed or drift.unexpected):
            self._repair(name)
            self.repairs += 1
        self._soon(lambda: self._tell(name, found, meaning()))

    def _tell(self, name: str, found: Found, meaning: Meaning) -> None:
        """Say what it means, wherever people look."""
        known = replace(found, meaning=meaning, waits=found.waits and not replace(found, meaning=meaning).is_quiet)
        with self._lock:
            if self._found.get(name) is found:
                self._found[name] = known
        text = "; ".join((*meaning.sentences[:3], *meaning.causes[:3])) or meaning.why
        self._revisions.store.audit(
            WHO, "drift found", {"switch": name, "text": text, "harm": meaning.harm, "policy": self.policy}
        )
        if name in self.found() and not known.is_quiet:
            self._switches.inventory.fault(name, f"drift: {text}")

    def _forget(self, names: list[str]) -> None:
        """What was seen of switches that are not there any more."""
        with self._lock:
            self._seen = {name: glance for name, glance in self._seen.items() if name in names}
            self._found = {name: found for name, found in self._found.items() if name in names}
            self._known = {name: known for name, known in self._known.items() if name in names}
