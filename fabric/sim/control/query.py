"""Questions to a simulated fabric: does it ping, does a port answer, what does a flow lose.

Lives here: probes, flows and their results. Must not know: OpenFlow, real time.
A question is asked at once and answered as virtual time passes; ``done`` says when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from clos.fabric.packet.fields import IP_ICMP, IP_TCP, IP_UDP
from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.host import SimHost
from clos.fabric.sim.host_packets import ANSWER, ASK, ONE_WAY, Endpoint, Stamp, request
from clos.fabric.sim.journey import Hop, Journey

PROTOCOLS = {"icmp": IP_ICMP, "tcp": IP_TCP, "udp": IP_UDP}
HOPS_PER_PACKET = 200
"""Switches visited by all copies of one packet of a flow, on average, before a loop is called a loop."""
LONGEST = 24 * 3600 * SECOND
"""Nobody waits longer than this for an answer."""


class Hosting(Protocol):
    """A network of whatever kind that hosts are attached to: what questions need of it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def hosts(self) -> Mapping[str, SimHost]: ...
    @property
    def endpoints(self) -> Mapping[str, Endpoint]: ...
    @property
    def listeners(self) -> dict[int, Callable[[Stamp, Endpoint], object]]: ...
    def listen(self, hear: Callable[[Stamp, Endpoint], object]) -> int: ...
    def forget(self) -> None: ...


class Outcome(NamedTuple):
    """What became of one question. ``arrived``: it reached the target; ``answered``: the answer came back.

    ``rtt``: µs, None without an answer. ``why``: what got lost where, empty when nothing did. ``hops``: the trace of
    every copy, ARP included, in the order of time.
    """

    source: str
    target: str
    arrived: bool
    answered: bool
    rtt: int | None
    why: str
    hops: tuple[Hop, ...]

    @property
    def ok(self) -> bool:
        return self.answered

    def __str__(self) -> str:
        if self.answered:
            return f"{self.source} -> {self.target}: ok, {self.rtt} us"
        way = "arrived, but the answer was lost" if self.arrived else "lost"
        return f"{self.source} -> {self.target}: {way}: {self.why}"


class Result(NamedTuple):
    """What became of a flow. ``longest_gap``: the longest time in ms in which nothing arrived while it ran.

    ``drops`` counts (place, reason).
    """

    source: str
    target: str
    sent: int
    received: int
    duplicates: int
    longest_gap: float
    drops: dict[tuple[str, str], int]

    @property
    def lost(self) -> int:
        return self.sent - self.received

    def __str__(self) -> str:
        lost = f"{self.lost} lost, longest gap {self.longest_gap:.1f} ms"
        return f"{self.source} -> {self.target}: {self.sent} sent, {self.received} received, {lost}"


class Probe:
    """One question under way: an echo request, or a TCP or UDP packet that its target answers.

    ``done`` once the answer is back, or no copy of anything it caused is left.
    """

    def __init__(self, network: Hosting, source: Endpoint, target: Endpoint, proto: int, port: int) -> None:
        self._network, self._source, self._target = network, source, target
        self._start = network.clock.now
        self._arrived = False
        self._rtt: int | None = None
        self._journey = Journey(ended=self._ended, hops=[])
        self._owner = network.listen(self._heard)
        self.done = False
        make = request(source, target.ip, proto, port, Stamp(ASK, self._owner, 1))
        network.hosts[source.host].send(source, target.ip, make, self._journey)

    def _heard(self, stamp: Stamp, endpoint: Endpoint) -> None:
        if stamp.kind == ASK:
            self._arrived = self._arrived or endpoint.name == self._target.name
        elif stamp.kind == ANSWER and endpoint.name == self._source.name and self._rtt is None:
            self._rtt = self._network.clock.now - self._start
            self._ended()

    def _ended(self) -> None:
        self.done = True
        self._network.listeners.pop(self._owner, None)

    def outcome(self) -> Outcome:
        """The answer so far."""
        answered = self._rtt is not None
        why = "" if answered else self._journey.why() or "nothing came back"
        hops = tuple(self._journey.hops or ())
        return Outcome(self._source.name, self._target.name, self._arrived, answered, self._rtt, why, hops)


@dataclass(slots=True)
class _Heard:
    """What a flow's receiver saw: how often each number came, and when."""

    seen: Counter[int] = field(default_factory=Counter)
    last: int = 0
    longest: int = 0

    def note(self, seq: int, now: int) -> None:
        self.seen[seq] += 1
        self.longest = max(self.longest, now - self.last)
        self.last = now


class Flow:
    """UDP or TCP packets with sequence numbers, evenly spaced from one endpoint to another.

    ``pps`` packets a second for ``seconds``, from ``at`` seconds from now on. ``done`` once the last one has landed.
    """

    def __init__(
        self,
        network: Hosting,
        source: Endpoint,
        target: Endpoint,
        pps: int,
        seconds: float,
        *,
        at: float = 0.0,
        proto: int = IP_UDP,
        port: int = 5001,
    ) -> None:
        if pps <= 0 or seconds <= 0:
            raise ValueError(f"a flow of {pps} packets/s for {seconds} s sends nothing")
        self._network, self._source, self._target = network, source, target
        self._ends = (proto, port)
        self._count, self._pps = max(1, round(pps * seconds)), pps
        self._sent = 0
        self._start = network.clock.now + round(at * SECOND)
        self._heard = _Heard(last=self._start)
        self._journey = Journey(ended=self._landed, budget=HOPS_PER_PACKET * self._count)
        self._owner = network.listen(self._hear)
        self.done = False
        network.clock.at(self._start, self._next)

    @property
    def end(self) -> int:
        """The instant of the last packet, in µs of virtual time."""
        return self._start + (self._count - 1) * SECOND // self._pps

    def _next(self) -> None:
        self._sent += 1
        stamp = Stamp(ONE_WAY, self._owner, self._sent)
        host = self._network.hosts[self._source.host]
        host.send(
            self._source, self._target.ip, request(self._source, self._target.ip, *self._ends, stamp), self._journey
        )
        if self._sent < self._count:
            self._network.clock.at(self._start + self._sent * SECOND // self._pps, self._next)

    def _hear(self, stamp: Stamp, endpoint: Endpoint) -> None:
        if endpoint.name == self._target.name:
            self._heard.note(stamp.seq, self._network.clock.now)

    def _landed(self) -> None:
        if self._sent == self._count and not self.done:
            self.done = True
            self._heard.longest = max(self._heard.longest, self.end - self._heard.last)
            self._network.listeners.pop(self._owner, None)

    def result(self) -> Result:
        """The counts so far."""
        seen = self._heard.seen
        duplicates = seen.total() - len(seen)
        ends = self._source.name, self._target.name
        return Result(*ends, self._sent, len(seen), duplicates, self._heard.longest / 1000, dict(self._journey.drops))


# ---- asked and answered in virtual time


def ping(network: Hosting, source: str, target: str) -> Outcome:
    """An echo request and its reply, with ARP where needed. Raises KeyError for an unknown endpoint."""
    return probe(network, source, target, "icmp")


def probe(network: Hosting, source: str, target: str, proto: str, port: int = 0) -> Outcome:
    """One ``icmp``, ``tcp`` or ``udp`` packet and its answer. Raises KeyError for unknown names."""
    asked = ask(network, source, target, proto, port)
    finish(network, [asked])
    return asked.outcome()


def ping_matrix(network: Hosting, endpoints: Iterable[str]) -> dict[tuple[str, str], Outcome]:
    """A ping for every ordered pair of different endpoints, with empty ARP caches at first."""
    asked = ask_matrix(network, endpoints)
    finish(network, asked.values())
    return {pair: each.outcome() for pair, each in asked.items()}


def flow(
    network: Hosting, source: str, target: str, pps: int, seconds: float, *, at: float = 0.0,
    proto: str = "udp", port: int = 5001,
) -> Result:  # fmt: skip
    """Run a flow to its end. Failures in its course are events: ``network.clock.after(...)``."""
    running = start_flow(network, source, target, pps, seconds, at=at, proto=proto, port=port)
    finish(network, [running])
    return running.result()


# ---- asked now, answered as time passes


def ask(network: Hosting, source: str, target: str, proto: str, port: int = 0) -> Probe:
    """A probe under way."""
    return Probe(network, _endpoint(network, source), _endpoint(network, target), _protocol(proto), port)


def ask_matrix(network: Hosting, endpoints: Iterable[str]) -> dict[tuple[str, str], Probe]:
    """Pings under way for every ordered pair."""
    network.forget()
    names = list(endpoints)
    return {(a, b): ask(network, a, b, "icmp") for a in names for b in names if a != b}


def start_flow(
    network: Hosting, source: str, target: str, pps: int, seconds: float, *, at: float = 0.0,
    proto: str = "udp", port: int = 5001,
) -> Flow:  # fmt: skip
    """A flow under way."""
    ends = _endpoint(network, source), _endpoint(network, target)
    return Flow(network, *ends, pps, seconds, at=at, proto=_protocol(proto), port=port)


def finish(network: Hosting, asked: Iterable[Probe | Flow]) -> None:
    """Let time pass until all of these are done."""
    for each in asked:
        network.clock.advance(network.clock.now + LONGEST, partial(_is_done, each))


def _is_done(asked: Probe | Flow) -> bool:
    return asked.done


def _endpoint(network: Hosting, name: str) -> Endpoint:
    try:
        return network.endpoints[name]
    except KeyError:
        raise KeyError(f"no endpoint {name} is attached") from None


def _protocol(name: str) -> int:
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise KeyError(f"hosts speak {', '.join(PROTOCOLS)}, not {name}") from None
