"""An examiner that remembers gives the verdicts of one that starts afresh: whatever came of the drafts before."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import Compiled, compile_fabric
from clos.controller.daemon.changes.candidate import Candidate, Sources
from clos.controller.daemon.changes.incremental_prover import IncrementalProver
from clos.controller.daemon.changes.proof_gate import ProofGate
from clos.controller.daemon.changes.verdict import Verdict
from clos.controller.daemon.compose import overlay
from clos.controller.intent import Text
from clos.controller.intent.model import Intent
from clos.controller.plan import Plan, diff
from clos.controller.verify import verify_states
from clos.fabric.dataplane.ruleset import EMPTY, Ruleset
from clos.fabric.openflow.digest import Digests
from clos.fabric.topology import Topology
from tests.support.daemon_harness import FABRIC
from tests.support.fabrics import intents, topologies
from tests.support.intent_turns import turned
from tests.support.mutant_trials import broken

settled = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))

Essence = list[tuple[int, str, bool, str, frozenset[str], bool]]


def essence(verdict: Verdict) -> tuple[Essence, list[str], frozenset[str]]:
    """All of a verdict but its times, its examples and what its proofs counted."""
    states: Essence = [
        (s.number, s.batch, s.ok, s.digest, frozenset(f.claim for f in s.findings), bool(s.why)) for s in verdict.states
    ]
    return states, [*verdict.left_out], frozenset(verdict.claims)


def draft_of(
    held: Compiled | None, installed: Ruleset, now: Compiled, plan: Plan, stopped: tuple[str, ...]
) -> Candidate:
    return Candidate(0, Sources(Text("topology", "")), now, installed, plan, (), stopped, held)


def with_a_fault(draft: Candidate, held: Compiled | None, topology: Topology, fault: str, dice: Random) -> Candidate:
    """The draft as a compiler, a planner or a fabric that errs would make it."""
    plan, now, installed = draft.plan, draft.compiled, draft.installed
    if fault == "intent":  # rules of an intent that nobody asked for
        return replace(draft, compiled=replace(now, intent=held.intent if held else Intent()))
    if fault == "order":
        return replace(draft, plan=replace(plan, batches=plan.batches[::-1]))
    if fault == "lost" and plan:
        batches = [*plan.batches]
        at = dice.randrange(len(batches))
        pushes = batches[at].pushes
        batches[at] = batches[at]._replace(pushes=pushes[: dice.randrange(len(pushes))])
        return replace(draft, plan=replace(plan, batches=tuple(batches)))
    if fault == "drift" and held is not None:
        name = dice.choice(sorted(topology.switches))
        state = installed.state(name)
        kept = tuple(rule for rule in state.rules if dice.random() < 0.9)
        installed = overlay(installed, {name: state._replace(rules=kept)})
        return replace(draft, installed=installed, plan=diff(installed, now.ruleset))
    if fault == "stop" and held is not None:
        empty = compile_fabric(Intent(), topology, previous=held).ruleset
        away, home = diff(installed, empty), diff(empty, now.ruleset)
        through = Plan(away.batches + home.batches, home.switches, tuple(sorted({*away.parts, *home.parts})))
        return replace(draft, plan=through, interrupted=tuple(held.intent.tenants))
    return draft


@given(st.data())
@settled
def test_an_examiner_that_remembers_says_what_a_fresh_one_says(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    examiner, held = ProofGate(), None
    for _ in range(data.draw(st.integers(2, 5))):
        wanted = intent if held is None else turned(data.draw, held.intent, topology)
        now = compile_fabric(wanted, topology, previous=held)
        installed = held.ruleset if held else EMPTY
        fault = data.draw(st.sampled_from(("", "", "intent", "order", "lost", "drift", "stop")))
        right = draft_of(held, installed, now, diff(installed, now.ruleset), ())
        draft = with_a_fault(right, held, topology, fault, dice)
        away = (dice.choice(sorted(topology.switches)),) if dice.random() < 0.2 else ()
        ours, fresh = (each.examine(draft, held, away, lambda step: None) for each in (examiner, ProofGate()))
        note(f"{fault} {away}\nremembering: {ours.document()}\nfresh: {fresh.document()}")
        assert essence(ours) == essence(fresh)
        if draft is right and not away:
            assert ours.ok
        if ours.ok and dice.random() < 0.7:  # else the apply fails, and all is as before
            held = now


@pytest.mark.slow
@given(st.data())
@settled
def test_a_follower_may_be_asked_for_any_state_after_any_other(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    made = [compile_fabric(data.draw(intents(topology)), topology)]
    for _ in range(2):
        made.append(compile_fabric(turned(data.draw, made[-1].intent, topology), topology, previous=made[-1]))
    follower = IncrementalProver()
    for _ in range(6):
        rules, now = data.draw(st.sampled_from(made)), data.draw(st.sampled_from(made)).intent
        ours = follower.prove(topology, rules.ruleset, now)
        states = {name: rules.ruleset.state(name) for name in topology.switches}
        assert broken(ours) == broken(verify_states(now, topology, states))


@given(st.data())
@settled
def test_digests_that_remember_are_those_worked_out_afresh(data: st.DataObject) -> None:
    made = [compile_fabric(data.draw(intents(FABRIC)), FABRIC)]
    for _ in range(3):
        made.append(compile_fabric(turned(data.draw, made[-1].intent, FABRIC), FABRIC, previous=made[-1]))
    digests = Digests()
    for _ in range(6):
        one, other = (data.draw(st.sampled_from(made)).ruleset for _ in range(2))
        assert digests.of(one) == Digests().of(one)
        digests.keep(other)
        assert digests.of(one) == Digests().of(one)
