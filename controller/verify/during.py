"""A state on the way from one intent to another: each packet may be treated as either of them says, and no other way.

A broadcast may reach what both want at least, and at most what either wants. Must not know: plans, batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from controller.intent.model import Intent
from controller.verify.claims import LOOP_FREE, QUIET, Refused, Report
from controller.verify.domain import Unmodelled
from controller.verify.expect import Choice, Expectation, Wanted, intent_terms, spread
from controller.verify.frame import canonical
from controller.verify.outcome import Alternative, Gated, Outcome, plain
from controller.verify.prove import Place, _Proving
from controller.verify.reach import Fabric, terms_of
from controller.verify.space import ETH_DST, Box, Space
from fabric.ruleset import SwitchState
from fabric.topology import PortRef, Topology


def verify_during(before: Intent, now: Intent, topology: Topology, states: Mapping[str, SwitchState]) -> Report:
    """Every claim for a state between the two intents, which are both for this topology."""
    held = {name: states.get(name, SwitchState((), (), ())) for name in topology.switches}
    try:
        space = Space(terms_of(held.values()) | intent_terms(before) | intent_terms(now))
        return _Between(before, now, topology, Fabric(topology, held, space, frozenset())).report()
    except Unmodelled as why:
        return Report((), (), Refused(str(why)))


class _Between(_Proving):
    """Judges by the new intent, and what that finds at fault by the old one too."""

    def __init__(self, before: Intent, now: Intent, topology: Topology, fabric: Fabric) -> None:
        super().__init__(now, topology, fabric)
        self.before = Expectation(before, topology, fabric.space)
        self.many = fabric.space.domain[ETH_DST].of(1 << 40, 1 << 40)

    def _compare(self, at: PortRef, box: Box, outcome: Outcome | Gated, want: Wanted | Choice) -> None:
        for part, found in plain([(box, outcome)]):
            for each, wanted in spread(part, want):
                self.counts["pieces"] += 1
                self.counts["wanted"] += bool(wanted.arrivals)
                if next(self._faults(each, found, wanted), None) is not None:
                    self._again(at, each, found, wanted)

    def _again(self, at: PortRef, box: Box, outcome: Outcome, wanted: Wanted) -> None:
        for part, choice in self.before.at(at, box):
            for each, was in spread(part, choice):
                wrong = frozenset(one for one in outcome if self._wrong(each, one, was, wanted))
                if wrong:
                    self._judge(at, each, wrong, wanted)

    def _wrong(self, box: Box, alternative: Alternative, was: Wanted, wanted: Wanted) -> bool:
        """Whether neither intent has the packets of the box treated so."""
        if not all(any(self._broken(box, alternative, want, self._must(box, want))) for want in (was, wanted)):
            return False
        old, new = self._must(box, was), self._must(box, wanted)
        if box[ETH_DST] & ~self.many or any(claim in (LOOP_FREE, QUIET) for claim, _ in self._bad(box, alternative)):
            return True
        does = Counter((self.hosts[PortRef(s, p)], canonical(self.space, box, f)) for s, p, f in alternative)
        return not (old & new) <= does <= (old | new)

    def _bad(self, box: Box, alternative: Alternative) -> Iterator[tuple[str, str]]:
        """What no intent would have: loops, and packets for the controller."""
        nobody: Counter[Place] = Counter()
        return ((claim, at) for claim, at in self._broken(box, alternative, Wanted(None, ""), nobody))
