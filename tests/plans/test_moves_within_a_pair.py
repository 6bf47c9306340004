"""An endpoint moves between a dual-homed host and another host of the same leaf: no state on the way is ambiguous."""

from __future__ import annotations

from itertools import combinations

import pytest

from clos.controller.compile import compile_fabric
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.plan import diff, states
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.topology import Topology
from tests.support.root import ROOT

SINGLE = "app2: {host: app2, ip: 10.1.2.12, labels: {resource: app}}"
DUAL = "app2: {host: db1, mac: 02:00:00:00:01:12, ip: 10.1.2.12, labels: {resource: app}}"


@pytest.fixture(scope="module")
def fabric() -> Topology:
    topology, problems = load_topology(ROOT / "topologies/demo.yaml")
    assert topology is not None, problems
    return topology


def rules(fabric: Topology, endpoint: str, previous=None):
    text = (ROOT / "intents/demo.yaml").read_text()
    assert text.count(SINGLE) == 1
    intent, problems = load_intent([Text("demo.yaml", text.replace(SINGLE, endpoint))], fabric)
    assert intent is not None, problems
    return compile_fabric(intent, fabric, previous=previous)


@pytest.mark.parametrize(("before", "after"), [(SINGLE, DUAL), (DUAL, SINGLE)], ids=["to-the-pair", "from-the-pair"])
def test_no_state_of_the_plan_has_two_rules_of_one_priority_that_take_one_packet(fabric, before, after):
    old = rules(fabric, before)
    new = rules(fabric, after, old)
    on_the_way = [ruleset for _, ruleset in states(old.ruleset, diff(old.ruleset, new.ruleset))]
    assert len(on_the_way) > 1
    for ruleset in (old.ruleset, *on_the_way):
        assert ambiguous(ruleset) == []


def ambiguous(ruleset: Ruleset) -> list[tuple[str, str, str]]:
    found = []
    for switch in ruleset.switches:
        by_level: dict[tuple[int, int], list] = {}
        for rule in ruleset.state(switch).rules:
            by_level.setdefault((rule.table, rule.priority), []).append(rule)
        for level in by_level.values():
            pairs = combinations(level, 2)
            found += [
                (switch, str(one), str(other))
                for one, other in pairs
                if one.match.overlaps(other.match) and one.instructions != other.instructions
            ]
    return found
