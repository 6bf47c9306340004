"""The gate: no message of a change leaves before every state that its plan leads through is proved.

Lives here: which intent each state is held against, and the prover's answers as findings for people. Must not know:
how a plan is made or sent, who may go on without a proof.

After the last batch the fabric must do what the new intent says; before, each packet may be treated as the old intent
says or as the new one does. What is not the plan's doing is said and not judged: switches that are out of line, those
that are away, cables that move with the change.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from threading import Timer
from typing import NamedTuple

from clos.controller.compile import Compiled, Origin, origins
from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.daemon.changes.incremental_prover import IncrementalProver
from clos.controller.daemon.changes.verdict import EITHER, NOW, Finding, ProvedState, Verdict
from clos.controller.daemon.compiler_version import digest_of
from clos.controller.daemon.compose import overlay
from clos.controller.daemon.status import Proving, Step
from clos.controller.intent.model import Intent
from clos.controller.plan import after, states
from clos.controller.verify import CLAIMS, Counterexample, Refused, Report
from clos.controller.verify.proof.claims import FAITHFUL, REACHABLE
from clos.fabric.dataplane.ruleset import EMPTY, Ruleset
from clos.fabric.openflow.digest import Digests, fabric_digest, state_digest
from clos.fabric.topology import Topology

LOG = logging.getLogger(__name__)

TELL_SECONDS = 1.0
"""A proof that takes longer says so, again and again."""
AWAY = "with switches away"
"""In the place of a batch's name: the state that lasts until switches that are away have joined."""
PROVER = ("clos.controller.verify", "clos.controller.intent", "clos.fabric")
"""The packages whose code a proof stands on."""

Tell = Callable[[Step], object]


class Transition(NamedTuple):
    """From one intent to another. ``ground``: the topology on which both have a meaning, None where cables move.

    ``halt``: the intent halfway, for a plan that stops the traffic of some tenants meanwhile.
    """

    before: Intent
    now: Intent
    topology: Topology
    ground: Topology | None
    halt: Intent | None = None


class ProofGate:
    """Examines drafts one after the other; what it learnt of one makes the next quicker."""

    def __init__(self) -> None:
        self._digests = Digests()
        self._follower = IncrementalProver()

    def examine(
        self, draft: Candidate, held: Compiled | None, offline: tuple[str, ...], tell: Tell, gaps: tuple[str, ...] = ()
    ) -> Verdict:
        """The verdict on every state of the draft's plan.

        ``held``: what the fabric should hold now, None = nothing; ``gaps``: what else the verdict does not speak of.
        """
        found = _GateProof(draft, held, offline, gaps, tell, self._digests, self._follower).verdict()
        self._digests.keep(draft.compiled.ruleset)
        self._follower.settle()
        return found


def unexamined(draft: Candidate) -> Verdict:
    """The verdict where nobody looks."""
    last = ProvedState(len(draft.plan.batches), "", NOW, False, "", 0.0, (), "not examined")
    return Verdict({}, len(draft.plan.batches), (last,), {}, (), "", 0.0)


class _GateProof:
    """A verdict in the making."""

    def __init__(
        self,
        draft: Candidate,
        held: Compiled | None,
        offline: tuple[str, ...],
        gaps: tuple[str, ...],
        tell: Tell,
        digests: Digests,
        follower: IncrementalProver,
    ) -> None:
        self.draft, self.passage, self.tell = draft, transition(draft, held), tell
        self.digests, self.follower = digests, follower
        self.begun, self.offline = time.perf_counter(), offline
        self.left_out = [f"{name} is not connected: reachability is not proved until it connects" for name in offline]
        self.left_out += gaps
        if self.passage.ground is None and len(draft.plan.batches) > 1:
            self.left_out.append("cables change: only the state after the last batch is proved")
        self.spared = self._spared(draft.installed is not (held.ruleset if held else EMPTY))
        if held is None:  # nothing was ever promised: what legacy hosts' ports tell the controller begins with a batch
            self.spared |= {REACHABLE}

    def verdict(self) -> Verdict:
        judged: list[ProvedState] = []
        claims: dict[str, str] = {}
        batches, wanted = len(self.draft.plan.batches), self.digests.of(self.draft.compiled.ruleset)
        self._start()
        for number, batch, ruleset in self._states():
            final = number == batches
            if final or self.passage.ground is not None:
                state, report = self._judge(number, batch, ruleset, wanted if final else None)
                judged.append(state)
                claims = {one.claim: one.vacuous or one.covered for one in report.proofs if not one.idle}
                if not state.ok:
                    break
        if self.offline and judged[-1].ok and self.passage.ground is not None:
            judged.append(self._while_away(wanted))
        if not judged[-1].ok and self.digests.of(after(self.draft.installed, self.draft.plan)) != wanted:
            self.follower.forget()  # a plan that errs about what is installed: there is no telling what it led to
        spent = time.perf_counter() - self.begun
        return Verdict(claims, batches, tuple(judged), wanted, tuple(self.left_out), digest_of(PROVER), spent)

    def _start(self) -> None:
        """Have the prover stand where the plan begins."""
        ground, installed, before = self.passage.ground, self.draft.installed, self.passage.before

        def stand() -> Report:
            if ground is not None:
                self.follower.stand(ground, installed, before)
            return Report(())

        _answered(stand)

    def _states(self) -> Iterator[tuple[int, str, Ruleset]]:
        """Each batch's number, name and the state it leads to; a plan that changes nothing has one state, number 0."""
        if not self.draft.plan:
            yield 0, "", self.draft.compiled.ruleset
        for number, (batch, ruleset) in enumerate(states(self.draft.installed, self.draft.plan), 1):
            yield number, batch.name, ruleset

    def _judge(
        self, number: int, batch: str, ruleset: Ruleset, wanted: Mapping[str, str] | None
    ) -> tuple[ProvedState, Report]:
        """The state after a batch, and what the prover says of it. ``wanted``: the digests of the last state."""
        began, final = time.perf_counter(), wanted is not None
        digests = self.digests.of(ruleset)
        leads = not final or digests == wanted
        with self._telling(Proving(number, len(self.draft.plan.batches), batch)):
            # One object from now on for what is equal: then the next draft begins where the prover stands.
            report = self._final(self.draft.compiled.ruleset if leads else ruleset) if final else self._between(ruleset)
        spared = frozenset[str]() if final else self.spared
        found = tuple(self._finding(one) for one in report.counterexamples if one.claim not in spared)
        why = str(report.refused) if report.refused else ""
        if not leads:
            why = why or "the plan does not lead to the rules that were compiled"
        spent = round(time.perf_counter() - began, 4)
        against = NOW if final else EITHER
        ok = not found and not why
        return ProvedState(number, batch, against, ok, fabric_digest(digests), spent, found, why), report

    def _while_away(self, wanted: Mapping[str, str]) -> ProvedState:
        """The state after the last batch while switches that are away go on as before: nothing may leak or loop."""
        began, number = time.perf_counter(), len(self.draft.plan.batches)
        before = {name: self.draft.installed.state(name) for name in self.offline}
        with self._telling(Proving(number, number, AWAY)):
            report = self._between(overlay(self.draft.compiled.ruleset, before))
        spared = self.spared | {REACHABLE, FAITHFUL}
        found = tuple(self._finding(one) for one in report.counterexamples if one.claim not in spared)
        why = str(report.refused) if report.refused else ""
        digest = fabric_digest({**wanted, **{name: state_digest(state) for name, state in before.items()}})
        spent = round(time.perf_counter() - began, 4)
        return ProvedState(number, AWAY, EITHER, not found and not why, digest, spent, found, why)

    def _final(self, ruleset: Ruleset) -> Report:
        return _answered(lambda: self.follower.prove(self.passage.topology, ruleset, self.passage.now))

    def _between(self, ruleset: Ruleset) -> Report:
        """For a state on the way; where tenants are stopped meanwhile, on the way to the stop or from there."""
        before, now, _, ground, halt = self.passage
        if ground is None:
            return Report(())
        prove = self.follower.prove
        if halt is None:
            return _answered(lambda: prove(ground, ruleset, now, before))
        away = _answered(lambda: prove(ground, ruleset, halt, before))
        return away if away.ok else _answered(lambda: prove(ground, ruleset, now, halt))

    def _spared(self, out_of_line: bool) -> frozenset[str]:
        """Claims that do not hold before the first message, where switches hold something else than they should."""
        if not out_of_line or self.passage.ground is None:
            return frozenset()
        report = self._between(self.draft.installed)
        found = frozenset(one.claim for one in report.counterexamples)
        if found:
            what = ", ".join(claim for claim in CLAIMS if claim in found)
            self.left_out.append(f"before the last batch: {what}, which switches that are out of sync already violate")
        return found

    def _finding(self, one: Counterexample) -> Finding:
        causes = dict.fromkeys(self._origins[cookie] for cookie in one.cookies if cookie in self._origins)
        lines = tuple(str(cause) for cause in sorted(causes, key=_decides, reverse=True))
        return Finding(one.claim, one.text, str(one.at), one.data, one.scapy, one.trace, lines)

    @cached_property
    def _origins(self) -> Mapping[int, Origin]:
        return {**origins(self.passage.before), **origins(self.passage.now)}

    @contextmanager
    def _telling(self, step: Proving) -> Iterator[None]:
        """Tell of a proof once it has taken long."""
        timer = Timer(max(0.0, self.begun + TELL_SECONDS - time.perf_counter()), self.tell, (step,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _decides(cause: Origin) -> int:
    """How much an object decides about packets: policies and shares most, then endpoints."""
    return 2 * (".policies." in cause.path or cause.path.startswith("shares.")) + (".endpoints." in cause.path)


def transition(draft: Candidate, held: Compiled | None) -> Transition:
    """Whence and where the draft leads. Without anything held, from an intent by which nobody may send."""
    before, now = held.intent if held else Intent(), draft.compiled.intent
    was, topology = held.topology if held else draft.compiled.topology, draft.compiled.topology
    halt = None
    if draft.interrupted:
        stopped = frozenset(draft.interrupted)
        halt = Intent(
            {name: tenant for name, tenant in before.tenants.items() if name not in stopped},
            {key: share for key, share in before.shares.items() if key[0] not in stopped},
        )
    return Transition(before, now, topology, common_ground(was, topology), halt)


def common_ground(one: Topology, other: Topology) -> Topology | None:
    """The topology that has everything the other has, if either has."""
    if _within(one, other):
        return other
    return one if _within(other, one) else None


def _within(part: Topology, whole: Topology) -> bool:
    if part is whole:
        return True
    kinds = (_nodes(part), _nodes(whole)), (part.hosts, whole.hosts), (part.pairs, whole.pairs)
    same = (few.items() <= more.items() for few, more in kinds)
    return all(same) and set(part.links) <= set(whole.links)


def _nodes(topology: Topology) -> dict[str, tuple[str, int]]:
    """What packets see of switches; not which box each one is."""
    return {name: (switch.role, switch.tag) for name, switch in topology.switches.items()}


def _answered(ask: Callable[[], Report]) -> Report:
    """The prover's report; a fault of its own is no proof, and no reason for the daemon to fall."""
    try:
        return ask()
    except Exception as fault:
        LOG.exception("the prover failed")
        return Report((), (), Refused(f"these rules: {type(fault).__name__}: {fault}"))
