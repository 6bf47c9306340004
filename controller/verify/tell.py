"""Counterexamples: one packet for which a claim does not hold, and what switches do with it."""

from __future__ import annotations

from collections.abc import Iterator

from controller.verify.claims import (
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
from controller.verify.entrance import Fault
from controller.verify.frame import source
from controller.verify.judge import Judge, Unmet
from controller.verify.reach import Fabric
from controller.verify.space import Box, Space
from controller.verify.witness import Witness, witness
from fabric.rule import Rule

_HAPPENS = {
    ADMITTED: "arrives at {}",
    ISOLATED: "arrives at {}, which is another tenant's",
    POLICY: "arrives at {}",
    WAYPOINTED: "arrives at {} without having passed its waypoint",
    REACHABLE: "does not arrive at {}",
    FAITHFUL: "arrives at {} not as it should",
    LOOP_FREE: "goes round in a loop",
    QUIET: "is sent to the controller by {}",
}


def told(fabric: Fabric, judge: Judge, fault: Fault) -> Counterexample:
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


def _pick(space: Space, judge: Judge, fault: Fault) -> Witness:
    """A packet of the box on which the difference shows: one that is not by chance as it should be."""
    unmet = Unmet(fault.box, frozenset({fault.alternative}), fault.wanted)
    for chosen in _tries(space, fault):
        found = witness(space, chosen)
        if not judge.agrees(found.box, unmet.outcome, fault.wanted):
            return found
    return witness(space, fault.box)


def _tries(space: Space, fault: Fault) -> Iterator[Box]:
    yield fault.box
    frames = [frame for _, _, frame in fault.alternative] + [frame for _, frame in fault.wanted.arrivals]
    for frame in frames:
        for slot, _ in frame.over:
            for other in frames:
                yield from _apart(space, fault.box, slot, source(other, slot))


def _apart(space: Space, box: Box, slot: int, found: int) -> Iterator[Box]:
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
