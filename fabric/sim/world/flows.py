"""Continuous probes between pairs of hosts: what each pair lost in each direction, and its longest gap.

Lives here: asking and being answered every few milliseconds, counts. A probe is a real packet through every device
that it meets, and so is its answer. Once it is known which way both go (a Trail), those that follow take the same way
without being built, for as long as nothing that decides has changed, and for a second at most; what they pass counts
them as if they had come. A cable that breaks under way loses them. Must not know: sockets, real time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.control.query import PROTOCOLS, Hosting
from clos.fabric.sim.host_packets import ANSWER, ASK, Endpoint, Stamp, reply, request
from clos.fabric.sim.journey import Deciding, Journey, Trail

FRESH = SECOND
"""How long a way is taken without looking again: tables that age are refreshed by the next real packet."""
LINGER = 2 * SECOND
"""How long after its end a pair still hears what was under way."""
BUDGET = 400
"""Devices that the copies of one probe and its answer may visit."""
BROADCAST_MAC = 0xFFFF_FFFF_FFFF


class PairKey(NamedTuple):
    """Who asks whom, and with what: ``icmp``, or ``tcp`` or ``udp`` to a port."""

    source: str
    target: str
    proto: str = "icmp"
    port: int = 0


class Direction(NamedTuple):
    """One way of a pair. ``lost``: what will not come any more; ``longest_gap_ms``: between two arrivals, or since the
    last one."""

    sent: int
    received: int
    lost: int
    longest_gap_ms: float


class PairResult(NamedTuple):
    """``there``: probes; ``back``: their answers. ``drops``: (place, reason) of what was lost, with how often."""

    key: PairKey
    there: Direction
    back: Direction
    drops: dict[tuple[str, str], int]


@dataclass(slots=True)
class _Way:
    """A way that a packet went at ``at``, taking ``latency`` microseconds."""

    trail: Trail
    latency: int
    at: int

    def holds(self, now: int) -> bool:
        return now - self.at < FRESH and all(one.version == version for one, version in self.trail.by)

    def whole(self) -> bool:
        """Whether no cable of it has broken since."""
        return all(cable.epoch == epoch for cable, epoch in self.trail.cables)


@dataclass(slots=True)
class _Side:
    """Counts of one direction. ``last``: the instant of the last arrival, or of the beginning."""

    last: int
    sent: int = 0
    received: int = 0
    flying: int = 0
    longest: int = 0

    def arrived(self, now: int) -> None:
        self.received += 1
        self.longest = max(self.longest, now - self.last)
        self.last = now

    def result(self, now: int, interval: int) -> Direction:
        longest = self.longest if now - self.last <= interval else max(self.longest, now - self.last)
        lost = max(0, self.sent - self.received - self.flying)
        return Direction(self.sent, self.received, lost, longest / 1000)

    def reset(self, now: int) -> None:
        """Count anew; what is under way counts as sent."""
        self.sent, self.received, self.longest = self.flying, 0, 0
        self.last = now


@dataclass(slots=True)
class _Asked:
    """A probe that is a real packet. ``trail``: of the direction it is in."""

    sent_at: int
    journey: Journey
    there: bool = False
    back: bool = False
    trusted: bool = True


class Pair:
    """One pair of a set of flows, asked every ``interval`` microseconds while it runs."""

    def __init__(self, network: Hosting, by: Deciding, key: PairKey, interval: int) -> None:
        self.key = key
        self._network, self._by, self._interval = network, by, interval
        self._source, self._target = network.endpoints[key.source], network.endpoints[key.target]
        now = network.clock.now
        self._there, self._back = _Side(now), _Side(now)
        self._ways: tuple[_Way | None, _Way | None] = (None, None)
        self._asked: dict[int, _Asked] = {}
        self._seq = 0
        self._proto = PROTOCOLS[key.proto]
        self._ended: int | None = None
        self._owner = network.listen(self._heard)
        self.drops: Counter[tuple[str, str]] = Counter()

    # asking

    def ask(self) -> None:
        """Send one probe, now."""
        now = self._network.clock.now
        self._seq += 1
        self._there.sent += 1
        there, back = self._ways
        if there is not None and back is not None and there.holds(now) and back.holds(now):
            for count in there.trail.counts:
                count()
            self._there.flying += 1
            self._network.clock.after(there.latency, partial(self._came, there))
            return
        self._ways = (None, None)
        self._ask_really(now)

    def _ask_really(self, now: int) -> None:
        seq = self._seq
        journey = Journey(budget=BUDGET, trail=Trail(by=[(self._by, self._by.version)]))
        asked = self._asked[seq] = _Asked(now, journey)
        journey.ended = lambda: self._over(seq, asked)
        self._there.flying += 1
        make = request(self._source, self._target.ip, self._proto, self.key.port, Stamp(ASK, self._owner, seq))
        self._network.hosts[self._source.host].send(self._source, self._target.ip, make, journey)

    def _came(self, way: _Way) -> None:
        """A probe that took a known way is there, if no cable of it broke meanwhile; so is its answer on its way."""
        self._there.flying -= 1
        if not way.whole():
            self.drops["a cable", "it broke while the frame was on it"] += 1
            return
        now = self._network.clock.now
        self._there.arrived(now)
        self._back.sent += 1
        back = self._ways[1]
        self._back.flying += 1
        if back is not None and back.holds(now):
            for count in back.trail.counts:
                count()
            self._network.clock.after(back.latency, partial(self._returned, back))
        else:
            self._answer_really()

    def _answer_really(self) -> None:
        """Something changed while the probe was under way: its answer is a real packet."""
        stamp = Stamp(ANSWER, self._owner, 0)
        asked = request(self._source, self._target.ip, self._proto, self.key.port, stamp)(BROADCAST_MAC)
        make = reply(self._target, asked, asked.headers(), stamp.to_bytes())
        journey = Journey(budget=BUDGET)
        journey.ended = lambda: self._answer_over(journey)
        if make is not None:
            self._network.hosts[self._target.host].send(self._target, self._source.ip, make, journey)

    def _answer_over(self, journey: Journey) -> None:
        self._back.flying = max(0, self._back.flying - 1)
        self.drops.update(journey.drops)

    def _returned(self, way: _Way) -> None:
        self._back.flying -= 1
        if way.whole():
            self._back.arrived(self._network.clock.now)
        else:
            self.drops["a cable", "it broke while the frame was on it"] += 1

    # what hosts hear

    def _heard(self, stamp: Stamp, endpoint: Endpoint) -> None:
        now = self._network.clock.now
        asked = self._asked.get(stamp.seq)
        if stamp.kind == ANSWER and not stamp.seq and endpoint.name == self._source.name:
            self._back.arrived(now)
        elif asked is None:
            return
        elif stamp.kind == ASK and endpoint.name == self._target.name and not asked.there:
            self._asked_came(asked, now)
        elif stamp.kind == ANSWER and endpoint.name == self._source.name and not asked.back:
            self._answer_came(asked, now)

    def _asked_came(self, asked: _Asked, now: int) -> None:
        asked.there = True
        self._there.flying -= 1
        self._there.arrived(now)
        self._back.sent += 1
        self._back.flying += 1
        trail = asked.journey.trail
        if trail is not None and trail.whole:
            self._ways = (_Way(trail, now - asked.sent_at, now), None)
        else:
            asked.trusted = False
        asked.sent_at = now
        asked.journey.trail = Trail(by=[(self._by, self._by.version)])

    def _answer_came(self, asked: _Asked, now: int) -> None:
        asked.back = True
        self._back.flying -= 1
        self._back.arrived(now)
        trail = asked.journey.trail
        if trail is not None and trail.whole and asked.trusted and self._ways[0] is not None:
            self._ways = (self._ways[0], _Way(trail, now - asked.sent_at, now))

    def _over(self, seq: int, asked: _Asked) -> None:
        """No copy of a real probe or its answer is under way any more."""
        if self._asked.pop(seq, None) is None:
            return
        if not asked.there:
            self._there.flying -= 1
        elif not asked.back:
            self._back.flying -= 1
        if not asked.back:
            self.drops.update(asked.journey.drops)

    # what came of it

    def result(self) -> PairResult:
        now = self._network.clock.now if self._ended is None else self._ended
        there, back = self._there.result(now, self._interval), self._back.result(now, self._interval)
        return PairResult(self.key, there, back, dict(self.drops))

    def reset(self) -> None:
        """Count from now on."""
        now = self._network.clock.now
        self._there.reset(now)
        self._back.reset(now)
        self.drops.clear()

    def end(self) -> None:
        """Nothing is asked any more; what is under way is still heard of."""
        if self._ended is None:
            self._ended = self._network.clock.now
            self._network.clock.after(LINGER, lambda: self._network.listeners.pop(self._owner, None))


@dataclass(slots=True)
class Flows:
    """Pairs that run until they are stopped. ``by``: what says that frames may take another way."""

    network: Hosting
    by: Deciding
    pairs: dict[PairKey, Pair] = field(default_factory=dict)
    interval: int = 0
    _turn: int = 0

    def start(self, keys: list[PairKey], interval_ms: float) -> None:
        """Ask all of these pairs every so many milliseconds, those that run already stopped.

        Raises KeyError: no such endpoint, or protocol; ValueError: an interval of less than a tenth of a millisecond,
        or a pair that names one endpoint twice."""
        interval = round(interval_ms * 1000)
        if interval < 100:
            raise ValueError(f"an interval of {interval_ms} ms: at least 0.1")
        for key in keys:
            for name in (key.source, key.target):
                if name not in self.network.endpoints:
                    raise KeyError(f"no endpoint {name} is attached")
            if key.proto not in PROTOCOLS:
                raise KeyError(f"hosts speak {', '.join(PROTOCOLS)}, not {key.proto}")
            if key.source == key.target:
                raise ValueError(f"{key.source} asks itself")
        self.stop()
        self.interval = interval
        self.pairs = {key: Pair(self.network, self.by, key, interval) for key in keys}
        self._turn += 1
        self.network.clock.after(0, partial(self._tick, self._turn))

    def _tick(self, turn: int) -> None:
        if turn != self._turn:
            return
        for pair in self.pairs.values():
            pair.ask()
        self.network.clock.after(self.interval, partial(self._tick, turn))

    def stop(self) -> None:
        """Ask no more; what was counted stays until the next start."""
        self._turn += 1
        for pair in self.pairs.values():
            pair.end()

    @property
    def running(self) -> bool:
        return bool(self.pairs) and self.interval > 0

    def results(self, reset: bool = False) -> tuple[PairResult, ...]:
        """By pair; with ``reset`` they count from zero afterwards."""
        found = tuple(pair.result() for pair in self.pairs.values())
        if reset:
            for pair in self.pairs.values():
                pair.reset()
        return found
