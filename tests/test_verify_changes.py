"""A prover that hears of changes says what a fresh one would say: after edits of rules, and as an intent turns."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from controller.compile import compile_fabric
from controller.intent.model import Intent
from controller.verify import Edit, Prover, Report, edit_between, verify_states
from fabric.topology import TRUNK, Topology
from tests.fabrics import intents, topologies
from tests.test_compile_incremental import edited
from tests.test_verify_engine import states_of
from tests.verify_mutants import States, mutant

EXAMPLES = int(os.environ.get("CLOS_EXAMPLES", "2000"))
settled = settings(
    max_examples=max(1, EXAMPLES // 40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def broken(report: Report) -> tuple[str, ...]:
    """The claims that do not hold; for a refusal, that it is one."""
    if report.refused:
        return ("refused",)
    return tuple(sorted({one.claim for one in report.counterexamples}))


def edits_of(old: States, new: States) -> dict[str, Edit]:
    return {name: edit_between(old[name], new[name]) for name in new if new[name] != old[name]}


@given(st.data())
@settled
def test_after_any_edits_a_prover_says_what_a_fresh_one_says(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    states = states_of(compile_fabric(intent, topology).ruleset)
    prover = Prover(intent, topology, states)
    assert prover.report().ok
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    history = [states]
    for _ in range(4):
        if len(history) > 1 and dice.random() < 0.3:
            what, after = "back", history[dice.randrange(len(history) - 1)]
        else:
            what, after = mutant(history[-1], topology, dice)
        edits = {
            name: edit_between(history[-1][name], after[name]) for name in after if after[name] != history[-1][name]
        }
        note(what)
        ours, fresh = prover.change(edits), verify_states(intent, topology, after)
        note(f"incremental: {ours}\nfresh: {fresh}")
        assert broken(ours) == broken(fresh)
        history.append(after)


def turned(draw: st.DrawFn, intent: Intent, topology: Topology) -> Intent:
    """The intent with an endpoint on another host, or with another small change, or wholly another."""
    trunks = [host.name for host in topology.hosts.values() if host.mode == TRUNK]
    movable = [name for name, tenant in intent.tenants.items() if tenant.endpoints]
    if not trunks or not movable or draw(st.booleans()):
        return edited(draw, intent, topology)
    tenant = intent.tenants[draw(st.sampled_from(movable))]
    endpoint = draw(st.sampled_from(list(tenant.endpoints.values())))
    moved = replace(endpoint, host=draw(st.sampled_from(trunks)))
    again = replace(tenant, endpoints={**tenant.endpoints, endpoint.name: moved})
    return Intent({**intent.tenants, tenant.name: again}, intent.shares)


@given(st.data())
@settled
def test_as_the_intent_turns_a_prover_says_what_a_fresh_one_says(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    compiled = compile_fabric(intent, topology)
    prover = Prover(intent, topology, states_of(compiled.ruleset))
    assert prover.report().ok
    for _ in range(3):
        after = turned(data.draw, intent, topology)
        again = compile_fabric(after, topology, previous=compiled)
        old, new = states_of(compiled.ruleset), states_of(again.ruleset)
        edits = edits_of(old, new)
        unfinished = prover.change({}, after)
        assert broken(unfinished) == broken(verify_states(after, topology, old))
        finished = prover.change(edits)
        fresh = verify_states(after, topology, new)
        note(f"incremental: {finished}\nfresh: {fresh}")
        assert broken(finished) == broken(fresh) == ()
        intent, compiled = after, again
