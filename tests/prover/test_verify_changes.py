"""A prover that hears of changes says what a fresh one would say: after edits of rules, and as an intent turns."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.compile.compiler import Compiled
from clos.controller.intent import load_intent, load_topology
from clos.controller.plan import diff, states
from clos.controller.verify import Prover, SwitchEdit, edit_between, verify_states
from clos.fabric.dataplane.rule import FAST_FAILOVER, Bucket
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, topologies
from tests.support.intent_turns import Turn, turned, turning
from tests.support.mutant_trials import broken, edits_of
from tests.support.prover_settings import settled
from tests.support.verify_engine_support import states_of
from tests.support.verify_mutants import KINDS, mutant, mutation


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


@given(st.data())
@settings(settled, max_examples=max(1, EXAMPLES // 50))
def test_at_every_batch_of_a_plan_a_prover_says_what_a_fresh_one_says(data: st.DataObject) -> None:
    """Plans, some done to the end, some given up and taken back; here and there a switch does what nobody asked for."""
    topology = data.draw(topologies())
    turn = Turn(data.draw(intents(topology)), topology)
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    for _ in range(3):
        after = turning(data.draw, turn.intent, topology)
        compiled = compile_fabric(after, topology, previous=turn.compiled)
        given_up = dice.random() < 0.2
        for batch, ruleset in states(turn.compiled.ruleset, diff(turn.compiled.ruleset, compiled.ruleset)):
            held = {name: ruleset.state(name) for name in topology.switches}
            strange = mutation(held, topology, dice, dice.choice(list(KINDS))) if dice.random() < 0.3 else None
            if strange is not None:
                turn.during(after, strange[1], strange[0])
            turn.during(after, held, batch.name)
            if given_up and dice.random() < 0.5:
                break
        if given_up:
            assert turn.settle(turn.intent, states_of(turn.compiled.ruleset), "given up") == ()
        else:
            assert turn.settle(after, states_of(compiled.ruleset), "done") == ()
            turn.compiled = compiled


def test_a_group_that_comes_to_life_or_dies_is_heard_of_by_those_whose_buckets_watch_it() -> None:
    """No bucket sends to the group that is watched: whether it lives decides all the same."""
    compiled = load_demo()
    start = states_of(compiled.ruleset)
    groups = {entry.group: entry for entry in start["spine1"].groups}
    watching = next(entry for entry in groups.values() if any(each.watch_group for each in entry.buckets))
    watched = next(each.watch_group for each in watching.buckets if each.watch_group)
    prover = Prover(compiled.intent, compiled.topology, start)
    assert prover.report().ok
    lost = Bucket((), watch_group=watched)
    first = watching._replace(type=FAST_FAILOVER, buckets=(lost, *watching.buckets))
    assert not prover.change({"spine1": SwitchEdit((), (), {watching.group: first})}).ok
    assert prover.change({"spine1": SwitchEdit((), (), {watched: None})}).ok
    assert not prover.change({"spine1": SwitchEdit((), (), {watched: groups[watched]})}).ok


def load_demo() -> Compiled:
    topology = load_topology(Path("topologies/demo.yaml")).topology
    assert topology is not None
    found = load_intent(Path("intents/demo.yaml"), topology)
    assert found.intent is not None
    return compile_fabric(found.intent, topology)
