"""Steering: the fabric is led around what is blamed, and back when it is sound, each time by a proved change.

Lives here: which cables may be avoided, when the change is made, what people are told. Must not know: probes, HTTP.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.changes import Changes
from clos.controller.daemon.errors import Refused
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.telemetry.gray import Alarm, GrayFailures, steerable
from clos.controller.daemon.telemetry.paths import CABLE, DOWN, EGRESS, HEARER, SENDER, SPINE, UP
from clos.controller.daemon.turns import Turns
from clos.controller.intent.topology.avoided import avoided_of
from clos.controller.store import StoreError
from clos.fabric.topology import PortRef, Topology

LOG = logging.getLogger(__name__)

WHO = "clos (gray failures)"
"""Who changes ways where nobody asks for it."""
PERIOD = 0.1
PAUSE = 5.0
"""Seconds before a change that was refused is tried again."""
ASSUMED = 0.01
"""The share that a cable avoided since before a restart is taken to spoil."""

STEER, REPORT = "steer", "report"
POLICIES = (STEER, REPORT)


class Told(NamedTuple):
    """An alarm for people: what is at fault, what it does, and what is done about it."""

    alarm: Alarm
    text: str
    avoided: bool
    stays: str

    def __str__(self) -> str:
        done = "; frames go around it" if self.avoided else f"; {self.stays}" if self.stays else ""
        return self.text + done


class Steering:
    """``tell`` is given what is wrong whenever it changes. ``policy``: STEER, or REPORT: ways are left as they are."""

    def __init__(
        self,
        revisions: Revisions,
        changes: Changes,
        activity: Activity,
        gray: GrayFailures,
        tell: Callable[[tuple[str, ...]], object],
        policy: str = STEER,
    ) -> None:
        self._revisions, self._changes, self._activity = revisions, changes, activity
        self._gray, self._tell, self.policy = gray, tell, policy
        self._refused = ""
        self._texts: tuple[str, ...] = ()
        self.changed = 0
        """Changes of ways made so far."""

    @property
    def in_force(self) -> frozenset[PortRef]:
        """The cables that are avoided now because they were blamed, by their leaves' ports."""
        sources = self._revisions.running.sources
        return avoided_of(sources.topology.text) if sources else frozenset()

    def restore(self) -> None:
        """Cables avoided since before a restart stay so until they have been seen to be sound."""
        self._gray.blame(dict.fromkeys(self.in_force, ASSUMED))

    def told(self) -> tuple[Told, ...]:
        """Every alarm, with what is done about it."""
        fabric, avoided = self._revisions.fabric, self.in_force
        return tuple(self._one(alarm, fabric, avoided) for alarm in self._gray.alarms())

    def _one(self, alarm: Alarm, fabric: Topology, avoided: frozenset[PortRef]) -> Told:
        cables = cables_of(alarm, fabric)
        around = bool(cables) and cables <= avoided
        why = ""
        if not steerable(alarm):
            why = "frames are not led around a session"
        elif self.policy == REPORT:
            why = "ways are left as they are (--gray report)"
        elif not around:
            why = self._refused or possible(fabric, [alarm])[1] or "frames are about to be led around it"
        return Told(alarm, words(alarm, fabric), around, why)

    def turn(self) -> bool:
        """Tell what is wrong, and bring the ways in line with it; False: a change was refused."""
        texts = tuple(str(one) for one in self.told())
        if texts != self._texts:
            self._texts = texts
            self._tell(texts)
        running = self._revisions.running
        if self.policy == REPORT or running.compiled is None or self._activity.doing:
            return True
        fabric = replace(running.compiled.topology, avoid=running.compiled.topology.avoid - self.in_force)
        wanted, _ = possible(fabric, self._gray.alarms())
        if wanted == self.in_force:
            self._refused = ""
            return True
        return self._change(wanted)

    def _change(self, wanted: frozenset[PortRef]) -> bool:
        more, less = sorted(wanted - self.in_force), sorted(self.in_force - wanted)
        why = [f"around {', '.join(map(str, more))}"] if more else []
        why += [f"{', '.join(map(str, less))} sound again"] if less else []
        try:
            self._changes.steer(wanted, WHO, "; ".join(why))
        except (Refused, StoreError) as error:
            self._refused = f"frames are not led around it: {error}"
            LOG.warning("%s", self._refused)
            return False
        self._refused = ""
        self.changed += 1
        return True

    def run(self, stopping: threading.Event, leading: threading.Event | None = None) -> None:
        """Take turns until told to stop; of several controllers only who leads."""
        Turns("steering around gray failures", self.turn, PERIOD, PAUSE).run(stopping, leading)


def cables_of(alarm: Alarm, fabric: Topology) -> frozenset[PortRef]:
    """The cables that are avoided for an alarm, by their leaves' ports."""
    at = alarm.part.at
    if not steerable(alarm):
        return frozenset()
    if at.port:
        return frozenset({at})
    return frozenset(fabric.peers[PortRef(at.switch, port)] for port, _ in fabric.downlinks.get(at.switch, ()))


def possible(fabric: Topology, alarms: Iterable[Alarm]) -> tuple[frozenset[PortRef], str]:
    """The cables to avoid, the worst first, as long as any two leaves have a spine in common; and why not all."""
    avoid, why = frozenset[PortRef](), ""
    for alarm in sorted(alarms, key=lambda one: -one.cause.share):
        more = avoid | cables_of(alarm, fabric)
        apart = _apart(replace(fabric, avoid=fabric.avoid | more))
        if apart is None:
            avoid = more
        elif not why:
            why = f"frames still cross it: {apart[0]} and {apart[1]} would have no other way"
    return avoid, why


def _apart(fabric: Topology) -> tuple[str, str] | None:
    """Two leaves without a common spine by the ways in use."""
    spines = {leaf: frozenset(spine for _, spine in ways) for leaf, ways in fabric.ways.items()}
    kinds: dict[frozenset[str], str] = {}
    for leaf, reached in spines.items():
        if not reached:
            return leaf, next((other for other in spines if other != leaf), leaf)
        kinds.setdefault(reached, leaf)
    seen = list(kinds.items())
    for number, (one, leaf) in enumerate(seen):
        for other, far in seen[number:]:
            if not one & other:
                return leaf, far
    return None


_WHERE = {
    UP: "cable {near} - {far}, towards {spine},",
    DOWN: "cable {near} - {far}, towards {leaf},",
    EGRESS: "{spine}, in what it forwards out of port {out} to {leaf},",
    CABLE: "cable {near} - {far}",
    SPINE: "{leaf}",
    SENDER: "what the controller sends by {leaf}",
    HEARER: "what {leaf} sends to the controller",
}


def words(alarm: Alarm, fabric: Topology) -> str:
    """What is at fault, and what it does."""
    cause = alarm.cause
    near = cause.part.at
    far = fabric.peers.get(near, near)
    where = _WHERE[cause.part.kind].format(near=near, far=far, spine=far.switch, leaf=near.switch, out=far.port)
    sizes = f" of {' and '.join(map(str, cause.sizes))} bytes" if cause.sizes else ""
    if not cause.sent:
        return f"{where} {cause.does}"
    return f"{where} {cause.does} {_percent(cause.share)} of frames{sizes}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%" if share >= 0.1 else f"{share * 100:.1f}%"
