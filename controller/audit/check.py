"""The check itself: packets walked over the rules that switches hold, what arrives held against what is meant.

Lives here: every choice of bucket, which claim a difference breaks, how much was tried. Must not know: the compiler,
the prover; nor how the rules came to be.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from clos.controller.audit.oracle import Expected, Frames, IntentOracle
from clos.controller.audit.packets import Tasks
from clos.controller.intent.model import Intent
from clos.fabric.dataplane.choose import every_bucket, explore
from clos.fabric.dataplane.outcome import INVALID_TTL
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology

# Packets whose time runs out go to controllers that ask for them (OpenFlow 1.3.5 §6.1.1); Clos's does not.
WAYPOINTED = "waypointed"
CLAIMS = ("admitted", "isolated", "policy", WAYPOINTED, "reachable", "faithful", "loop-free", "quiet")
CHOICES = 256
"""The most ways through the fabric that are tried for one packet."""
SHOWN = 5
"""Packets kept of each claim that is broken."""
CONTROL_LOST = "does not reach the controller"


class Broken(NamedTuple):
    """A packet that breaks a claim: where it comes in, its bytes, what is wrong."""

    claim: str
    at: PortRef
    data: bytes
    text: str


class Coverage(NamedTuple):
    """Of one kind of thing to try: how many were, of how many."""

    kind: str
    done: int
    total: int

    @property
    def complete(self) -> bool:
        return self.done == self.total

    def __str__(self) -> str:
        share = "" if self.complete else f", {self.done / self.total:.2%}"
        return f"{self.kind}: {self.done:,} of {self.total:,}{share}"


class Audit(NamedTuple):
    """What came of it. ``packets`` were tried, of ``arrivals`` that had to arrive; ``broken`` counts by claim.

    ``claims``: those that the intent has anything to do with.
    """

    packets: int
    arrivals: int
    broken: Mapping[str, int]
    shown: tuple[Broken, ...]
    coverage: tuple[Coverage, ...]
    seconds: float
    claims: tuple[str, ...] = CLAIMS

    @property
    def complete(self) -> bool:
        return all(row.complete for row in self.coverage)


class Checker:
    """Rules of a fabric, and the intent they are to carry out."""

    def __init__(self, intent: Intent, topology: Topology, states: Mapping[str, SwitchState]) -> None:
        self.topology, self.reading = topology, IntentOracle(intent, topology)
        blank = SwitchState((), (), ())
        self.switches = {
            name: SwitchModel.of(states.get(name, blank), topology.ports[name]) for name in topology.switches
        }
        self.tenants: dict[str, set[str]] = {}
        for end in self.reading.ends:
            self.tenants.setdefault(end.endpoint.host, set()).add(end.tenant.name)

    def wrong(self, at: PortRef, packet: Packet) -> dict[str, str]:
        """The claims that a packet breaks, with what happens; empty when all is as the intent has it."""
        return self.judged(at, packet, self.reading.meant(at, packet))

    def judged(self, at: PortRef, packet: Packet, meant: Expected) -> dict[str, str]:
        """The same where it is known already what is meant."""
        found: dict[str, str] = {}
        for done in self._walks(at, packet, meant):
            for claim, text in self._faults(done, meant):
                found.setdefault(claim, text)
        return found

    def _walks(self, at: PortRef, packet: Packet, meant: Expected) -> Iterator[Walk]:
        """The packet's way by every choice of bucket; by all at once when nothing may arrive by any."""
        if not meant.frames:
            yield walk(self.switches, self.topology, at, packet, choose=every_bucket)
        else:
            ways = explore(lambda choose: walk(self.switches, self.topology, at, packet, choose=choose))
            yield from islice(ways, CHOICES)

    def _faults(self, done: Walk, meant: Expected) -> Iterator[tuple[str, str]]:
        if done.loops:
            yield "loop-free", f"goes round by {' -> '.join(done.loops[0])}"
        told = [s.packet.to_bytes() for hop in done.hops for s in hop.step.packet_ins if s.reason != INVALID_TTL]
        if told and meant.control is None:
            yield "quiet", "is sent to the controller"
        elif meant.control is not None and told != [meant.control]:
            yield ("faithful", "reaches the controller not as it should") if told else ("reachable", CONTROL_LOST)
        got: Frames = Counter((self.topology.host_at[port], frame.to_bytes()) for port, frame in done.deliveries)
        got = meant.counted(got) if meant.own else got
        if got == meant.frames:
            return
        there, due = ({host for host, _ in rows} for rows in (got, meant.frames))
        for host in sorted(there - due):
            yield from ((claim, f"arrives at {host}") for claim in self._leaks(host, meant))
        yield from (("reachable", f"does not arrive at {host}") for host in sorted(due - there))
        if there == due:
            yield "faithful", f"arrives at {', '.join(sorted(there))} not as it should"

    def _leaks(self, host: str, meant: Expected) -> Iterator[str]:
        """The claims that are broken when the host gets a packet that it must not get."""
        if meant.later is not None:
            yield WAYPOINTED
        if meant.sender is None:
            yield "admitted"
        elif host != meant.later:
            yield "policy" if meant.sender.tenant.name in self.tenants.get(host, ()) else "isolated"


def audit(intent: Intent, topology: Topology, states: Mapping[str, SwitchState], seconds: float) -> Audit:
    """Try everything the intent tells packets apart by, or as much of it as there is time for."""
    began = time.monotonic()
    checker = Checker(intent, topology, states)
    tasks = Tasks(checker.reading)
    counts: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    shown: list[Broken] = []
    for task in tasks:
        if time.monotonic() - began > seconds:
            break
        counts[task.kind] += 1
        for at, packet in tasks.packets(task):
            meant = checker.reading.meant(at, packet)
            counts["packets"] += 1
            counts["arrivals"] += bool(meant.frames)
            for claim, text in checker.judged(at, packet, meant).items():
                broken[claim] += 1
                if broken[claim] <= SHOWN:
                    who = f"{meant.sender} on " if meant.sender else ""
                    shown.append(Broken(claim, at, packet.data, f"a packet of {who}{topology.host_at[at]} {text}"))
    coverage = tuple(Coverage(kind, counts[kind], total) for kind, total in tasks.total.items())
    ordered = tuple(sorted(shown, key=lambda one: CLAIMS.index(one.claim)))
    spent = time.monotonic() - began
    idle = () if any(checker.reading.waypoints()) else (WAYPOINTED,)
    claims = tuple(claim for claim in CLAIMS if claim not in idle)
    return Audit(counts["packets"], counts["arrivals"], dict(broken), ordered, coverage, spent, claims)
