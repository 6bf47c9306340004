"""Laws of compiling step by step, and of the numbers that survive from revision to revision."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.compile import Compiled, compile_fabric
from clos.controller.compile.numbering import from_json, to_json
from clos.controller.intent.model import Intent
from clos.fabric.dataplane.ruleset import Ruleset
from tests.support.fabrics import intents, topologies
from tests.support.intent_turns import edited

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def disjoint(ruleset: Ruleset) -> bool:
    """Whether no switch holds two entries with one identity."""
    for blocks in ruleset.by_switch().values():
        keys = [rule.key for block in blocks for rule in block.rules]
        groups = [entry.group for block in blocks for entry in block.groups]
        meters = [meter.meter for block in blocks for meter in block.meters]
        if any(len(set(found)) != len(found) for found in (keys, groups, meters)):
            return False
    return True


@given(st.data())
@many
def test_compiling_step_by_step_equals_compiling_at_once(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    step: Compiled = compile_fabric(intent, topology)
    for _ in range(3):
        intent = edited(data.draw, intent, topology)
        at_once = compile_fabric(intent, topology, numbering=step.numbering)
        step = compile_fabric(intent, topology, previous=step)
        assert step.numbering == at_once.numbering
        assert step.ruleset == at_once.ruleset
        assert disjoint(step.ruleset)


@given(st.data())
@many
def test_an_unchanged_tenant_keeps_its_very_part(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    first = compile_fabric(intent, topology)
    again = compile_fabric(Intent(dict(intent.tenants), dict(intent.shares)), topology, previous=first)
    assert all(again.ruleset.parts[name] is part for name, part in first.ruleset.parts.items())


@given(st.data())
@many
def test_going_back_with_the_old_numbers_gives_back_the_old_rules(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    first = compile_fabric(data.draw(intents(topology)), topology)
    second = compile_fabric(data.draw(intents(topology)), topology, previous=first)
    back = compile_fabric(first.intent, topology, numbering=first.numbering, previous=second)
    assert back.ruleset == first.ruleset


@given(st.data())
@many
def test_a_number_freed_by_a_change_is_not_given_away_in_it(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    first = compile_fabric(data.draw(intents(topology)), topology).numbering
    second = compile_fabric(data.draw(intents(topology)), topology, numbering=first).numbering
    for name, numbers in second.items():
        for network, segment in numbers.segments.items():
            owners = [(t, n) for t, old in first.items() for n, number in old.segments.items() if number == segment]
            assert owners in ([], [(name, network)])


@given(st.data())
@many
def test_numbering_survives_json(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    numbering = compile_fabric(data.draw(intents(topology)), topology).numbering
    assert from_json(to_json(numbering)) == numbering


@given(st.data())
@many
def test_spines_hold_two_rules_per_node_and_one_of_discovery(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    ruleset = compile_fabric(data.draw(intents(topology)), topology).ruleset
    for spine in topology.spines:
        assert len(list(ruleset.rules(spine.name))) == 2 * len(topology.nodes) + 1
