"""Counterexamples: one packet for which a claim does not hold, and what switches do with it."""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.example_packet import ExamplePacket, example_packet
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace
from clos.controller.verify.headerspace.transform import source
from clos.controller.verify.proof.claims import (
    ADMITTED,
    FAITHFUL,
    ISOLATED,
    LOOP_FREE,
    POLICY,
    QUIET,
    REACHABLE,
    WAYPOINTED,
    Counterexample,
)
from clos.controller.verify.proof.compare import Mismatch, OutcomeComparison
from clos.controller.verify.proof.ingress_port import Violation
from clos.fabric.dataplane.rule import Rule

_HAPPENS = {
    ADMITTED: "reaches {}",
    ISOLATED: "reaches {}, which belongs to another tenant",
    POLICY: "reaches {}",
    WAYPOINTED: "reaches {} without passing its waypoint",
    REACHABLE: "does not reach {}",
    FAITHFUL: "reaches {} with wrong headers or more than once",
    LOOP_FREE: "is forwarded in a loop",
    QUIET: "is sent to the controller by {}",
}


def counterexample(fabric: SymbolicFabric, judge: OutcomeComparison, fault: Violation) -> Counterexample:
    """A fault as a packet that anyone can send, with its trace."""
    picked = _pick(fabric.space, judge, fault)
    lines: list[str] = []
    rules: list[tuple[str, Rule]] = []
    fabric.entering(fault.at, picked.box, _Telling(lines, rules))
    host = fabric.hosts[fault.at]
    sender = f"{'/'.join(fault.wanted.sender)} on " if fault.wanted.sender else ""
    text = f"a packet of {sender}{host} {_HAPPENS[fault.claim].format(fault.host)}; {fault.wanted.why}"
    met = tuple(dict.fromkeys(rules))
    return Counterexample(fault.claim, fault.at, host, text, picked.data, picked.scapy, tuple(lines), met)


def _pick(space: HeaderSpace, judge: OutcomeComparison, fault: Violation) -> ExamplePacket:
    """A packet of the box on which the difference shows: one that is not by chance as it should be."""
    mismatches = Mismatch(fault.box, frozenset({fault.alternative}), fault.wanted)
    for chosen in _tries(space, fault):
        found = example_packet(space, chosen)
        if not judge.agrees(found.box, mismatches.outcome, fault.wanted):
            return found
    return example_packet(space, fault.box)


def _tries(space: HeaderSpace, fault: Violation) -> Iterator[Box]:
    yield fault.box
    frames = [frame for _, _, frame in fault.alternative] + [frame for _, frame in fault.wanted.arrivals]
    for frame in frames:
        for slot, _ in frame.rewrites:
            for other in frames:
                yield from _apart(space, fault.box, slot, source(other, slot))


def _apart(space: HeaderSpace, box: Box, slot: int, found: int) -> Iterator[Box]:
    """The part of the box in which the slot does not hold what the source gives."""
    atoms = space.domain[slot].atom(found) if found >= 0 else box[~found] & -box[~found]
    left = box[slot] & ~atoms
    if left:
        yield (*box[:slot], left, *box[slot + 1 :])


class _Telling:
    """Hears what happens to a packet: lines, and the rules it meets."""

    def __init__(self, lines: list[str], rules: list[tuple[str, Rule]]) -> None:
        self.lines, self.rules = lines, rules

    def __call__(self, text: str, switch: str = "", rule: Rule | None = None) -> None:
        self.lines.append(text)
        if rule is not None:
            self.rules.append((switch, rule))
