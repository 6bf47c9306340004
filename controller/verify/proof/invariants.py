"""What can be said of rules when nobody says what they are for: who reaches whom, and that no packet goes astray.

Claims that need no intent, for all packets at every host's port: no loop, no black hole, nothing to the controller.
Must not know: intents.

A *black hole* takes a packet that its first switch sends on to another one and of which no copy arrives anywhere. What
the first switch drops it may well mean to drop, and copies that are lost while others arrive are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from clos.controller.verify.dataplane.lost_packets import end
from clos.controller.verify.dataplane.outcome import LOOP, MAX_ALTERNATIVES, Outcome, is_blind, plain
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.example_packet import ExamplePacket, example_packet
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace
from clos.controller.verify.headerspace.header_terms import terms_of
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.controller.verify.proof.claims import (
    CLAIMS,
    LOOP_FREE,
    QUIET,
    Counterexample,
    Proof,
    Refused,
    Report,
)
from clos.fabric.dataplane.action import CONTROLLER
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import LEGACY, Host, PortRef, Topology

NO_BLACK_HOLE = "no-black-hole"

INVARIANTS = {
    LOOP_FREE: CLAIMS[LOOP_FREE],
    NO_BLACK_HOLE: "no packet is lost after its first switch, whichever bucket a switch chooses",
    QUIET: "no packet is sent to the controller, but from legacy hosts",
}
"""Each claim that needs no intent, and what it says."""

SHOWN = 5
"""Counterexamples told in full, per claim."""

Reach = Mapping[PortRef, Mapping[str, ExamplePacket]]
"""For each host's port that is up: the hosts that packets coming in there may arrive at, each with one that may."""
Tell = Callable[[PortRef, int, int], object]
"""Called with each port before it is looked at, its number from 1, and how many there are."""


class InvariantReport(NamedTuple):
    """The answers, and who reaches whom. ``blind``: how many sets of packets came to each end of which nothing is known
    (a switch's port, as fabric.dataplane.action or the dump numbers it); of these the claims say nothing."""

    report: Report
    reach: Reach
    blind: Mapping[PortRef, int] = {}


def check_invariants(
    topology: Topology,
    states: Mapping[str, SwitchState],
    down: frozenset[PortRef] = frozenset(),
    trace: Tell | None = None,
) -> InvariantReport:
    """Look at all packets at every host's port; with the ports ``down`` (and those cabled to them) dead."""
    held = {name: states.get(name, SwitchState((), (), ())) for name in topology.switches}
    try:
        return _InvariantCheck(topology, held, down).survey(trace)
    except Unmodelled as why:
        return InvariantReport(Report((), (), Refused(str(why))), {})


class _InvariantCheck:
    """A survey in the making."""

    def __init__(self, topology: Topology, states: Mapping[str, SwitchState], down: frozenset[PortRef]) -> None:
        self.space = HeaderSpace(terms_of(states.values()))
        self.fabric = SymbolicFabric(topology, states, self.space, down, blind_ends=True)
        self.first = SymbolicFabric(uncabled(topology), states, self.space, self.fabric.down, blind_ends=True)
        self.hosts, self.cables = topology.host_at, topology.peers
        self.legacy = {host.name for host in topology.hosts.values() if host.mode == LEGACY}
        self.counts: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.told: list[Counterexample] = []
        self.blind: Counter[PortRef] = Counter()

    def survey(self, trace: Tell | None) -> InvariantReport:
        ports = [at for at in sorted(self.hosts) if at not in self.fabric.down]
        reach: dict[PortRef, dict[str, ExamplePacket]] = {}
        for number, at in enumerate(ports, 1):
            if trace is not None:
                trace(at, number, len(ports))
            reach[at] = self._port(at)
        order = list(INVARIANTS)
        proofs = tuple(self._proof(claim, len(ports)) for claim in order if claim not in self.broken)
        told = tuple(sorted(self.told, key=lambda one: order.index(one.claim)))
        return InvariantReport(Report(proofs, told, None, sum(self.broken.values())), reach, self.blind)

    def _proof(self, claim: str, ports: int) -> Proof:
        vacuous = None
        if not ports:
            vacuous = "no host's port is up"
        elif claim == NO_BLACK_HOLE and not self.counts["sent on"]:
            vacuous = "no switch sends a packet on"
        left = self.counts["blind"]
        those = f"all packets at {ports} ports" + (" but those that meet what is not modelled" if left else "")
        return Proof(claim, f"{those}, in {self.counts['sets'] - left} sets", vacuous)

    def _port(self, at: PortRef) -> dict[str, ExamplePacket]:
        """Look at all packets of a port; the hosts they reach."""
        found: dict[str, ExamplePacket] = {}
        for every in self.space.everything():
            for box, outcome in plain(self.fabric.entering(at, every)):
                self.counts["sets"] += 1
                if len(outcome) >= MAX_ALTERNATIVES:
                    raise Unmodelled(f"packets at {at} that may fare in {MAX_ALTERNATIVES} ways or more")
                for switch, port, _ in (arrival for alternative in sorted(outcome) for arrival in alternative):
                    if switch == LOOP:
                        self._say(LOOP_FREE, at, box, "goes round in a loop")
                    elif port == CONTROLLER and self.hosts[at] in self.legacy:
                        continue  # which of its packets may go there, the intents say
                    elif is_blind(port):
                        continue
                    elif port == CONTROLLER:
                        self._say(QUIET, at, box, f"is sent to the controller by {switch}")
                    else:
                        host = self.hosts[PortRef(switch, port)]
                        found[host] = found.get(host) or example_packet(self.space, box)
                self._lost(at, box, outcome)
                self._unseen(outcome)
        return found

    def _unseen(self, outcome: Outcome) -> None:
        """Count the set of packets for the blind ends that it may come to."""
        ends = {PortRef(switch, port) for copies in outcome for switch, port, _ in copies if is_blind(port)}
        self.blind.update(ends)
        self.counts["blind"] += bool(ends)

    def _lost(self, at: PortRef, box: Box, outcome: Outcome) -> None:
        """Say the packets of the box that are sent on and may then be lost."""
        if () not in outcome and self.counts["sent on"]:
            return
        for part, begun in plain(self.first.entering(at, box)):
            if any((switch, port) in self.cables for copies in begun for switch, port, _ in copies):
                self.counts["sent on"] += 1
                if () in outcome:
                    self._say(NO_BLACK_HOLE, at, part, f"is forwarded by {at.switch} and may be lost")

    def _say(self, claim: str, at: PortRef, box: Box, happens: str) -> None:
        self.broken[claim] += 1
        if sum(one.claim == claim for one in self.told) < SHOWN:
            self.told.append(self._counterexample(claim, at, box, happens))

    def _counterexample(self, claim: str, at: PortRef, box: Box, happens: str) -> Counterexample:
        picked = example_packet(self.space, box)
        lines: list[str] = []
        rules: dict[tuple[str, Rule], None] = {}

        def trace(text: str, switch: str = "", rule: Rule | None = None) -> None:
            lines.append(text)
            if rule is not None:
                rules[switch, rule] = None

        self.fabric.entering(at, picked.box, trace)
        host = self.hosts[at]
        text = f"a packet of {host} {happens}"
        lost = end(self.first, self.cables, at, picked.box) if claim == NO_BLACK_HOLE else None
        if lost is not None:
            text += f", at {lost.at.switch}: {lost.why}"
        ends = lost.rules if lost is not None else ()
        return Counterexample(claim, at, host, text, picked.data, picked.scapy, tuple(lines), tuple(rules), ends)


def uncabled(topology: Topology) -> Topology:
    """The same switches with a host at every port that a cable was on: each switch by itself."""
    ends = {str(end): Host(str(end), 0, (end,)) for end in topology.peers}
    return Topology(topology.name, topology.switches, (), {**topology.hosts, **ends}, topology.pairs)
