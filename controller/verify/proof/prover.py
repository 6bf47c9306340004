"""Every claim about an intent, for all packets at every host's port, over the rules that switches hold.

The rules say what becomes of every packet, the intent says what must: where the two differ, a packet is picked and
told. Where they never differ, that is the proof. A ``Prover`` keeps what it found out, so that a change costs what it
touches.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

from clos.controller.intent.model import Intent
from clos.controller.verify.dataplane.edits import FreshProofNeeded, SwitchEdit
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.effort import room
from clos.controller.verify.headerspace.header_space import HeaderSpace
from clos.controller.verify.headerspace.header_terms import terms_of
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.controller.verify.proof.claims import Refused, Report
from clos.controller.verify.proof.proof_state import ProofState
from clos.controller.verify.proof.report import Findings, report
from clos.controller.verify.spec.control_frames import control_terms
from clos.controller.verify.spec.intent_terms import intent_terms
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.ruleset import Ruleset, SwitchState
from clos.fabric.topology import PortRef, Topology

Part = Findings | Refused
"""The answers that one part of the packets gives."""
Spread = Callable[[Callable[[int], Part], Sequence[int]], Iterable[Part]]
"""Has a question answered for every number, each in a copy of this process."""


def verify(intent: Intent, topology: Topology, ruleset: Ruleset, down: frozenset[PortRef] = frozenset()) -> Report:
    """Prove every claim or refute it, with the ports ``down`` (and those cabled to them) dead."""
    return verify_states(intent, topology, states_of(ruleset), down)


def verify_states(
    intent: Intent,
    topology: Topology,
    states: Mapping[str, SwitchState],
    down: frozenset[PortRef] = frozenset(),
) -> Report:
    """The same for states by switch, wherever they come from: a switch that is not named holds nothing."""
    with _without_gc():
        return Prover(intent, topology, states, down).report()


def verify_parallel(
    intent: Intent, topology: Topology, states: Mapping[str, SwitchState], parts: int, spread: Spread
) -> Report:
    """The same, the work done in so many parts by copies of this process."""
    with _without_gc():
        return Prover(intent, topology, states).spread(parts, spread)


def states_of(ruleset: Ruleset) -> dict[str, SwitchState]:
    """What every switch holds, in no order."""
    return {
        name: SwitchState(
            tuple(chain.from_iterable([block.rules for block in blocks])),
            tuple(chain.from_iterable([block.groups for block in blocks])),
            (),
        )
        for name, blocks in ruleset.by_switch().items()
    }


class Prover:
    """What is proved of a fabric, and what is needed to prove it again after a change.

    ``change`` gives the verdict on what a fresh proof of the changed fabric would be about, at the cost of what the
    change can touch. With ``during`` (or ``before``, to begin with) a change is under way: each packet may be treated
    as the new intent says or as the one before says.
    """

    def __init__(
        self,
        intent: Intent,
        topology: Topology,
        states: Mapping[str, SwitchState],
        down: frozenset[PortRef] = frozenset(),
        before: Intent | None = None,
    ) -> None:
        self.topology, self.down = topology, down
        self.intent, self._before = intent, before
        self._refused: Refused | None = None
        self._begin({name: states.get(name, SwitchState((), (), ())) for name in topology.switches})

    def _begin(self, states: Mapping[str, SwitchState]) -> None:
        """Start over from what switches hold."""
        self._held = states
        self._proving: ProofState | None = None
        try:
            terms = terms_of(states.values()) | intent_terms(self.intent) | control_terms(self.topology)
            if self._before is not None:
                terms |= intent_terms(self._before)
            with _without_gc():
                fabric = SymbolicFabric(self.topology, states, HeaderSpace(terms, growing=True), self.down)
                self._proving = ProofState(fabric, self.intent, self._before)
            self._held = {}
            self._refused = None
        except Unmodelled as why:
            self._refused = Refused(str(why))

    def report(self) -> Report:
        """The answers to all claims."""
        if self._proving is not None:
            try:
                with _without_gc():
                    self._proving.work()
                return report([self._proving.findings()])
            except Unmodelled as why:
                self._held = self._proving.fabric.states()
                self._proving, self._refused = None, Refused(str(why))
        return Report((), (), self._refused)

    def spread(self, parts: int, spread: Spread) -> Report:
        """The answers to all claims, the work done in so many parts. The prover can be asked nothing after that."""
        proof = self._proving
        if proof is None:
            return self.report()

        def answer(part: int) -> Part:
            try:
                proof.only(part, parts)
                proof.work()
                return proof.findings()
            except Unmodelled as why:
                return Refused(str(why))

        with _without_gc():
            found = list(spread(answer, range(parts)))
        refused = next((part for part in found if isinstance(part, Refused)), None)
        return Report((), (), refused) if refused else report([part for part in found if isinstance(part, Findings)])

    def change(self, edits: Mapping[str, SwitchEdit], intent: Intent | None = None, during: bool = False) -> Report:
        """The answers after switches were edited and the intent became ``intent`` (default: it stays).

        ``during``: the intent that holds is either this or the last one that held alone.
        """
        new = self.intent if intent is None else intent
        last = self.intent if self._before is None else self._before
        before = last if during and new is not last else None
        if self._proving is None:
            self.intent, self._before = new, before
            self._begin(_edited(self._held, edits))
            return self.report()
        try:
            self._proving.edit(edits)
            self._proving.turn(new, before)
            self.intent, self._before = new, before
        except FreshProofNeeded:
            self.intent, self._before = new, before
            self._held = _edited(self._proving.fabric.states(), edits)
            self._proving = None
        except Unmodelled as why:
            self.intent, self._before = new, before
            self._held = _edited(self._proving.fabric.states(), edits)
            self._proving, self._refused = None, Refused(str(why))
            return self.report()
        if self._proving is None:  # not before the exception is gone, which holds the old proof in memory
            self._begin(self._held)
        return self.report()


@contextmanager
def _without_gc() -> Iterator[None]:
    """Without cyclic garbage collection: nothing here makes cycles that die, and there is much to walk through. With
    room for what the prover may ask."""
    was = gc.isenabled()
    gc.disable()
    try:
        with room():
            yield
    finally:
        if was:
            gc.enable()


def _edited(states: Mapping[str, SwitchState], edits: Mapping[str, SwitchEdit]) -> dict[str, SwitchState]:
    found = dict(states)
    for name, edit in edits.items():
        rules = {rule.key: rule for rule in states[name].rules}
        for rule in edit.gone:
            rules.pop(rule.key, None)
        rules.update((rule.key, rule) for rule in edit.come)
        groups = {entry.group: entry for entry in states[name].groups}
        for number, entry in edit.groups.items():
            if entry is None:
                groups.pop(number, None)
            else:
                groups[number] = entry
        found[name] = SwitchState(tuple(rules.values()), tuple(groups.values()), ())
    return found


def edit_between(old: SwitchState, new: SwitchState) -> SwitchEdit:
    """What turns one state into the other."""
    before: dict[tuple[object, ...], Rule] = {rule.key: rule for rule in old.rules}
    after: dict[tuple[object, ...], Rule] = {rule.key: rule for rule in new.rules}
    groups = {entry.group: entry for entry in new.groups}
    known = {entry.group: entry for entry in old.groups}
    return SwitchEdit(
        tuple(rule for key, rule in before.items() if after.get(key) != rule),
        tuple(rule for key, rule in after.items() if before.get(key) != rule),
        {
            number: groups.get(number)
            for number in known.keys() | groups.keys()
            if known.get(number) != groups.get(number)
        },
    )
