"""Gray failures: cables and spines that are up and lose, spoil or delay frames; found by probes, told, watched.

Lives here: what is probed when, when a part is blamed, when it counts as healed. Must not know: rules, changes,
HTTP; which part the likeliest cause is (controller.daemon.telemetry.cause).

Quietly every cable is probed up and down in turn, at RATE probes a second in all at the most. A probe that fares badly
is followed by a burst of others near it, until one part is to blame or none is. A part that is blamed is probed on, and
is sound again when nothing has happened to it for long enough: longer each time it falls back.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from clos.controller.daemon.telemetry.cables import Cables
from clos.controller.daemon.telemetry.cause import LATE, Cause, Result, causes
from clos.controller.daemon.telemetry.paths import CABLE, HEARER, SENDER, Part, Way, Ways
from clos.controller.daemon.telemetry.prober import Prober, meets
from clos.controller.daemon.turns import Turns
from clos.controller.wire.events import Event, Left, PacketIn, PortChanged
from clos.controller.wire.switch_info import Facts
from clos.fabric.topology import PortRef, Topology

LOG = logging.getLogger(__name__)

TICK = 0.05
RATE = 100.0
"""Probes a second over the whole fabric while nothing is amiss, at the most."""
EACH = 4.0
"""Of these, for each cable and direction, at the most."""
BURST = 150.0
"""Probes a second while a cause is looked for."""
RECHECK = 20.0
"""Probes a second through parts that have been blamed."""
SUSPECTS = 8
ENOUGH = 600
"""Probes after which a suspicion that has come to nothing is dropped."""
HURRY = 3.0
"""Seconds after which of parts that no probe tells apart the smallest is blamed."""
RECENT = 4000
REMEMBERED = 120.0
"""Results that a judgement rests on: so many, of so many seconds."""
JUDGE = 0.2
OFTEN, LATELY = 3, 10.0
"""So many late probes over a cable within so many seconds are looked into."""

HOLD, LONGEST = 30.0, 1800.0
"""Seconds without a bad probe before a part counts as sound: at first, and after many relapses."""
SOUND_FOR = 3600.0
"""Seconds after which relapses are forgotten."""
SOUND_LEAST, SOUND_TIMES = 100, 5.0
"""Good probes before a part counts as sound: at the least, and in proportion to how seldom it spoilt one."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A part that has been blamed. ``noticed``, ``located``: seconds of the clock at which a probe of ours first told
    of it, and at which it was known to be this part. ``good``: probes in a row that fared well since."""

    cause: Cause
    noticed: float
    located: float
    last_bad: float
    hold: float = HOLD
    good: int = 0

    @property
    def part(self) -> Part:
        return self.cause.part

    def is_over(self, now: float) -> bool:
        enough = max(SOUND_LEAST, SOUND_TIMES / max(self.cause.share, 1e-3))
        return self.good >= enough and now - self.last_bad >= self.hold


@dataclass(slots=True)
class _Suspect:
    way: Way
    since: float
    near: Iterator[Way]
    sent: int = 0


class Wire(Protocol):
    """What is needed of controller.wire.controller.Controller."""

    def facts(self, switch: str) -> Facts: ...
    def send_packet(self, switch: str, port: int, data: bytes) -> None: ...


Look = Callable[[], tuple[Topology, Mapping[str, bool]]]
"""The topology in force, and by connected switch whether it holds the rules in force."""


class GrayFailures:
    """``heard`` may be called from any thread, ``turn`` by one at a time; the rest from any."""

    def __init__(self, wire: Wire, look: Look, clock: Callable[[], float], seed: int | None = None) -> None:
        self._look, self._clock, self._dice = look, clock, Random(seed)
        self._prober = Prober(wire, clock)
        self._cables = Cables(wire)
        self._ways: Ways | None = None
        self._lock = threading.Lock()
        self._alarms: dict[Part, Alarm] = {}
        self._relapses: dict[PortRef, tuple[int, float]] = {}
        self._suspects: dict[Way, _Suspect] = {}
        self._recent: deque[Result] = deque(maxlen=RECENT)
        self._queue: list[Way] = []
        self._credit = dict.fromkeys(("quiet", "burst", "recheck"), 0.0)
        self._turned = self._judged = clock()
        self._sent: Counter[PortRef] = Counter()
        self._bad: Counter[PortRef] = Counter()
        self.hold = HOLD
        self.blamed = 0
        """Alarms since the start."""

    # What is known.

    def alarms(self) -> tuple[Alarm, ...]:
        """The parts that are blamed now, sorted."""
        with self._lock:
            return tuple(self._alarms[part] for part in sorted(self._alarms))

    def counts(self) -> dict[PortRef, tuple[int, int]]:
        """By cable (its leaf's port), the probes sent over it since the start, and those that fared badly."""
        with self._lock:
            return {cable: (sent, self._bad[cable]) for cable, sent in sorted(self._sent.items())}

    @property
    def suspected(self) -> int:
        """Ways on which a probe fared badly and that are being looked at."""
        return len(self._suspects)

    @property
    def probed(self) -> tuple[int, int]:
        """Cables that are probed, and those that should be; (0, 0) where the topology has no probes."""
        ways = self._ways
        return (len(ways.cables()), len(ways.topology.links)) if ways else (0, 0)

    def blame(self, cables: Mapping[PortRef, float]) -> None:
        """Cables that were blamed before a restart, with the share they may spoil: sound when that has been seen."""
        now = self._clock()
        with self._lock:
            for cable, share in cables.items():
                does = "was blamed before a restart, and may spoil"
                cause = Cause(Part(CABLE, cable), does, round(1000 * share), 1000, now)
                self._alarms[cause.part] = Alarm(cause, now, now, now, self.hold)

    # What switches tell.

    def heard(self, event: Event) -> None:
        """Take note of probes that come back, and of cables and switches that go; quick."""
        match event:
            case PacketIn():
                self._prober.heard(event)
            case PortChanged(switch, port, _, up):
                self._cables.changed(PortRef(switch, port), up)
                if not up:
                    self._forget(*self._cables.leaf_end(PortRef(switch, port)))
            case Left(switch):
                self._cables.left(switch)
                self._forget(switch)
            case _:
                pass

    def _forget(self, switch: str, port: int = 0) -> None:
        """It is down, and told of elsewhere: what probes lost there is no gray failure."""
        self._prober.forget(switch, port)
        with self._lock:
            kept = [each for each in self._recent if not meets(each.way, switch, port)]
            self._recent = deque(kept, RECENT)
            self._suspects = {way: one for way, one in self._suspects.items() if not meets(way, switch, port)}

    # Turns.

    def turn(self) -> None:
        """Take in what came back, judge, and send what is due. To be called every TICK."""
        now = self._clock()
        passed, self._turned = min(now - self._turned, 4 * TICK), now
        topology, ready = self._look()
        if not self._prepared(topology, ready):
            return
        for result in self._prober.turn():
            self._take(result, now)
        if self._suspects and now - self._judged >= JUDGE:
            self._judged = now
            self._judge(now)
        self._heal(now)
        self._send(passed)

    def _prepared(self, topology: Topology, ready: Mapping[str, bool]) -> bool:
        """Whether there is something to probe."""
        self._cables.look(topology, ready if topology.probes else {})
        if self._ways is None or topology is not self._ways.topology:
            self._ways = Ways(topology, self._cables.usable, self._dice) if topology.probes else None
            self._queue = []
            with self._lock:
                self._alarms = {part: one for part, one in self._alarms.items() if _exists(part, topology)}
                self._suspects.clear()
        return self._ways is not None

    def _take(self, result: Result, now: float) -> None:
        way = result.way
        cables = {way.down} if way.up is None else {way.up, way.down}
        with self._lock:
            self._sent.update(cables)
            if result.bad:
                self._bad.update(cables)
            blamed = [part for part in way.parts if part in self._alarms]
            for part in blamed:
                self._alarms[part] = _seen(self._alarms[part], result, now)
            if blamed:
                return
            self._recent.append(result)
            suspect = result.bad and (result.bad != LATE or self._late_often(cables, now))
            if suspect and way not in self._suspects and len(self._suspects) < SUSPECTS and self._ways is not None:
                self._suspects[way] = _Suspect(way, now, self._ways.around(way))

    def _late_often(self, cables: set[PortRef], now: float) -> bool:
        """Whether probes over one of these cables have been late again and again; once may be anybody's delay."""
        late = [one.way for one in self._recent if one.bad == LATE and now - one.when < LATELY]
        return any(sum(1 for way in late if cable in (way.up, way.down)) >= OFTEN for cable in cables)

    def _judge(self, now: float) -> None:
        with self._lock:
            recent = [each for each in self._recent if now - each.when <= REMEMBERED]
            oldest = min((one.since for one in self._suspects.values()), default=now)
        found = causes(recent, hurry=now - oldest > HURRY)
        with self._lock:
            for cause in found:
                self._blame(cause, now)
            if found:
                parts = {cause.part for cause in found}
                self._recent = deque((r for r in recent if not parts.intersection(r.way.parts)), RECENT)
                self._suspects = {w: s for w, s in self._suspects.items() if not parts.intersection(w.parts)}
            self._suspects = {way: one for way, one in self._suspects.items() if one.sent < ENOUGH}

    def _blame(self, cause: Cause, now: float) -> None:
        times, healed = self._relapses.get(cause.part.at, (0, now))
        times = times if now - healed < SOUND_FOR else 0
        hold = min(LONGEST, self.hold * 2**times)
        self._alarms[cause.part] = Alarm(cause, cause.since, now, now, hold)
        self._relapses[cause.part.at] = times + 1, now
        self.blamed += 1
        LOG.warning("%s %s: %s %d of %d probes", *cause.part, cause.does, cause.bad, cause.sent)

    def _heal(self, now: float) -> None:
        with self._lock:
            for part, one in list(self._alarms.items()):
                if one.is_over(now):
                    del self._alarms[part]
                    self._relapses[part.at] = self._relapses.get(part.at, (1, now))[0], now

    # What is sent.

    def _send(self, passed: float) -> None:
        assert self._ways is not None
        cables = len(self._ways.cables())
        for way in self._due("quiet", min(RATE, EACH * cables), passed, self._quiet):
            self._prober.send(way)
        for way in self._due("burst", BURST if self._suspects else 0, passed, self._near):
            self._prober.send(way)
        for way in self._due("recheck", RECHECK if self._alarms else 0, passed, self._again):
            self._prober.send(way)

    def _due(self, what: str, rate: float, passed: float, make: Callable[[], Way | None]) -> list[Way]:
        self._credit[what] += rate * passed
        number = int(self._credit[what])
        self._credit[what] -= number
        return [way for way in (make() for _ in range(number)) if way is not None]

    def _quiet(self) -> Way | None:
        assert self._ways is not None
        if not self._queue:
            self._queue = self._ways.round()
        return self._queue.pop() if self._queue else None

    def _near(self) -> Way | None:
        """Near a suspect; they take turns."""
        with self._lock:
            if not self._suspects:
                return None
            one = self._dice.choice(list(self._suspects.values()))
            one.sent += 1
            return next(one.near, None)

    def _again(self) -> Way | None:
        assert self._ways is not None
        with self._lock:
            parts = list(self._alarms)
        return self._ways.through(self._dice.choice(parts)) if parts else None

    def run(self, stopping: threading.Event, leading: threading.Event | None = None) -> None:
        """Take turns until told to stop; of several controllers only who leads."""
        Turns("the search for gray failures", self.turn, TICK).run(stopping, leading)


def _seen(alarm: Alarm, result: Result, now: float) -> Alarm:
    return replace(alarm, good=0, last_bad=now) if result.bad else replace(alarm, good=alarm.good + 1)


def steerable(alarm: Alarm) -> bool:
    """Whether frames can be led around what is blamed: not where it is a switch's own session."""
    return alarm.part.kind not in (SENDER, HEARER)


def _exists(part: Part, topology: Topology) -> bool:
    return part.at in topology.peers if part.cable else part.at.switch in topology.switches
