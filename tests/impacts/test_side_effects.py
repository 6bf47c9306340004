"""The claim *untouched*: rules before and after treat alike every packet of which nothing was said."""

from __future__ import annotations

from itertools import islice
from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.impact import impact_of
from clos.controller.impact.side_effects import side_effects
from clos.controller.intent.model import Intent
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, topologies
from tests.support.intent_edits import pairs
from tests.support.reference import to_itself
from tests.support.shipped_demo import DEMO, SHIPPED
from tests.support.verify_engine_support import states_of
from tests.support.verify_mutants import States, mutant
from tests.support.verify_probes import probes

law = settings(
    max_examples=max(1, EXAMPLES // 40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PROBES = 40


@given(st.data())
@law
def test_compiled_rules_change_exactly_what_is_said(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    old, new = data.draw(pairs(topology))
    before = compile_fabric(old, topology)
    rulesets = before.ruleset, compile_fabric(new, topology, previous=before).ruleset
    sides = Snapshot(old, topology), Snapshot(new, topology)
    flows = impact_of(*sides).flows
    found = side_effects(*sides, *rulesets, flows)
    note("\n".join(map(str, flows)))
    note("\n".join(map(str, found.strays)))
    assert found.ok
    assert side_effects(*sides, *rulesets, ()).ok == (not flows)


def ruleset_of(states: States) -> Ruleset:
    return Ruleset(states, {name: {"": Placed(Block(*state), (name,))} for name, state in states.items()})


class Evaluated:
    """What the evaluator does with packets, on every choice of buckets."""

    def __init__(self, topology: Topology, states: States) -> None:
        self.topology = topology
        self.models = {name: SwitchModel.of(states[name], set(topology.ports[name])) for name in states}

    def __call__(self, at: PortRef, packet: Packet) -> frozenset[object]:
        runs = explore(lambda choose: walk(self.models, self.topology, at, packet, choose=choose))
        return frozenset(
            (
                tuple(sorted((self.topology.host_at[port], frame.to_bytes()) for port, frame in done.deliveries)),
                bool(done.loops),
            )
            for done in islice(runs, 200)
        )


@given(st.data())
@law
def test_a_rule_that_changes_more_is_found_with_a_packet(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent: Intent = data.draw(intents(topology))
    side = Snapshot(intent, topology)
    states = states_of(compile_fabric(intent, topology).ruleset)
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    what, mutated = mutant(states, topology, dice)
    note(what)
    found = side_effects(side, side, ruleset_of(states), ruleset_of(mutated), ())
    before, after = Evaluated(topology, states), Evaluated(topology, mutated)
    for stray in found.strays:
        note(str(stray))
        packet = Packet.parse(stray.data)
        alike = before(stray.at, packet) == after(stray.at, packet)
        assert not alike or "controller" in f"{stray.before} {stray.after}"
    if found.ok:
        asked = probes(intent, topology)
        for at, packet in dice.sample(asked, min(PROBES, len(asked))):
            assert to_itself(intent, topology, at, packet) or before(at, packet) == after(at, packet)


def test_what_was_not_compared_says_why() -> None:
    side = Snapshot(SHIPPED, DEMO)
    rules = compile_fabric(SHIPPED, DEMO).ruleset
    fewer = ruleset_of({**states_of(rules), "leaf1": SwitchState((), (), ())})
    assert side_effects(side, side, rules, fewer, (), most=1_000).why == "there are more than 1,000 rules"
    assert side_effects(side, side, rules, rules, (), most=1_000).ok
