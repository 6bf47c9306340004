"""Every failure is answered for, in kinds that symmetry makes one, and what does not survive it is found."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.controller.verify import CLAIMS
from clos.controller.verify.proof.claims import ADMITTED, ISOLATED, POLICY, REACHABLE
from clos.controller.verify.resilience.failures import (
    FailureVerdict,
    Kind,
    Work,
    answer,
    answers,
    failures,
    kinds,
    parts,
)
from clos.controller.verify.resilience.symmetry import holds, symmetries
from clos.fabric.dataplane.rule import FAST_FAILOVER, SELECT, GroupEntry
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.generate import clos as fabric_of
from clos.fabric.topology import Topology
from tests.support.cli_run import DEMO, clos
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, topologies
from tests.support.root import ROOT
from tests.support.verify_mutants import mutant

settled = settings(
    max_examples=max(1, EXAMPLES // 250),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

States = dict[str, SwitchState]


def states_of(intent: Intent, topology: Topology) -> States:
    ruleset = compile_fabric(intent, topology).ruleset
    return {name: ruleset.state(name) for name in ruleset.switches}


def demo() -> Work:
    topology = load_topology(ROOT / "topologies/demo.yaml").topology
    assert topology is not None
    intent = load_intent([ROOT / "intents/demo.yaml"], topology).intent
    assert intent is not None
    return Work(intent, topology, states_of(intent, topology))


def named(work: Work, what: str, at_once: int = 1) -> FailureVerdict:
    """The verdict on the failure of this name."""
    for kind in kinds(work.topology, work.states, at_once):
        if what in map(str, kind.failures):
            return answer(work, kind)
    raise AssertionError(f"no failure {what}")


# -- symmetry ---------------------------------------------------------------------------------------------------------


@given(st.data())
@settled
def test_failures_of_a_kind_have_one_verdict(data: st.DataObject) -> None:
    topology = data.draw(topologies().filter(lambda t: len(t.spines) > 1))
    intent = data.draw(intents(topology))
    states = states_of(intent, topology)
    if data.draw(st.booleans()):
        what, states = mutant(states, topology, Random(data.draw(st.integers(0, 1 << 32))))
        note(what)
    work = Work(intent, topology, states)
    for verdict in answers(*work):
        for failure in verdict.kind.failures[1:]:
            other = answer(work, Kind((failure,)))
            note(f"{verdict}\n{other}")
            assert (other.holds, other.torn, other.report.found) == (verdict.holds, verdict.torn, verdict.report.found)


@given(st.data(), st.integers(1, 2))
@settled
def test_every_failure_is_of_one_kind(data: st.DataObject, at_once: int) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    found = Counter(one for kind in kinds(topology, states_of(intent, topology), at_once) for one in kind.failures)
    assert set(found) == set(failures(topology, at_once)) and set(found.values()) <= {1}


def test_spines_are_symmetric_until_one_of_them_has_another_rule() -> None:
    _, topology, states = demo()
    assert [dict(swap.switches) for swap in symmetries(topology, states)] == [{"spine1": "spine2", "spine2": "spine1"}]
    for what in range(len(states["spine1"].rules)):
        rules = list(states["spine1"].rules)
        rules[what] = rules[what]._replace(priority=rules[what].priority + 1)
        odd = states | {"spine1": states["spine1"]._replace(rules=tuple(rules))}
        assert symmetries(topology, odd) == []
        assert len(kinds(topology, odd)) == len(failures(topology))


def test_spines_are_not_symmetric_when_a_leaf_prefers_one() -> None:
    _, topology, states = demo()
    group = next(entry for entry in states["leaf1"].groups if entry.type == SELECT)
    ordered = changed(states, "leaf1", group, group._replace(type=FAST_FAILOVER))
    assert symmetries(topology, ordered) == []


def test_weights_do_not_matter_to_symmetry_but_none_does() -> None:
    _, topology, states = demo()
    group = next(entry for entry in states["leaf1"].groups if entry.type == SELECT)
    for weight, symmetric in ((7, True), (0, False)):
        first, *rest = group.buckets
        weighted = changed(states, "leaf1", group, group._replace(buckets=(first._replace(weight=weight), *rest)))
        assert bool(symmetries(topology, weighted)) is symmetric


def test_parallel_cables_are_one_kind() -> None:
    topology = fabric_of(1, 2, hosts_per_leaf=1)
    twin = replace(topology.links[0], a=topology.links[0].a._replace(port=9), b=topology.links[0].b._replace(port=9))
    topology = replace(topology, links=(*topology.links, twin))
    states = states_of(Intent(), topology)
    swaps = symmetries(topology, states)
    assert len(swaps) == 1 and holds(swaps[0], topology, states)
    assert [len(kind.failures) for kind in kinds(topology, states)][:2] == [2, 1]


# -- what survives ----------------------------------------------------------------------------------------------------


def test_everything_in_the_demonstration_survives_any_one_failure() -> None:
    work = demo()
    for verdict in answers(*work):
        assert verdict.holds == tuple(CLAIMS), str(verdict)


def test_hosts_that_a_dead_switch_takes_along_are_named_and_not_owed_anything() -> None:
    work = demo()
    assert named(work, "switch leaf1").torn == ("app1", "desk1", "web1")
    assert named(work, "switch leaf3").torn == ("app2",)
    assert named(work, "switch spine2").torn == ()
    assert named(work, "cable leaf3:13 - db1").torn == ()
    assert str(named(work, "switch leaf3")) == "switch leaf3: everything holds; cut off: app2"


def test_tenants_stay_apart_under_any_two_failures() -> None:
    work = demo()
    found = Counter(claim for verdict in answers(*work, at_once=2) for claim in verdict.holds)
    count = len(kinds(work.topology, work.states, 2))
    assert {found[claim] for claim in (ADMITTED, ISOLATED, POLICY)} == {count}
    assert 0 < found[REACHABLE] < count


def test_parts_that_a_failure_leaves_are_proved_each_by_itself() -> None:
    """Without its only spine each leaf is a fabric of its own, in which hosts still reach each other."""
    work = demo()
    small = replace(
        work.topology, links=tuple(link for link in work.topology.links if link.b.switch == "spine1"), name="one spine"
    )
    small = replace(small, switches={name: s for name, s in small.switches.items() if name != "spine2"})
    work = Work(work.intent, small, states_of(work.intent, small))
    verdict = named(work, "switch spine1")
    assert verdict.holds == tuple(CLAIMS), str(verdict)
    assert set(verdict.torn) == set(small.hosts) - {"app1", "desk1", "web1"}
    local = {**work.states, "leaf1": work.states["leaf1"]._replace(rules=())}
    assert REACHABLE not in named(work._replace(states=local), "switch spine1").holds


# -- what does not ----------------------------------------------------------------------------------------------------


def changed(states: States, switch: str, old: GroupEntry, new: GroupEntry) -> States:
    groups = tuple(new if entry == old else entry for entry in states[switch].groups)
    return {**states, switch: states[switch]._replace(groups=groups)}


def test_a_group_that_does_not_watch_its_cable_is_refuted_by_that_cable() -> None:
    work = demo()
    group = next(entry for entry in work.states["leaf1"].groups if entry.type == SELECT and len(entry.buckets) == 2)
    blind, other = group.buckets
    port = blind.watch_port
    states = changed(
        work.states, "leaf1", group, group._replace(buckets=(blind._replace(watch_port=None, watch_group=None), other))
    )
    broken = [verdict for verdict in answers(work.intent, work.topology, states) if REACHABLE not in verdict.holds]
    cable = next(part for part in parts(work.topology) if f"leaf1:{port} " in part.name)
    named = [str(failure) for verdict in broken for failure in verdict.kind.failures]
    assert str(cable) in named
    assert all(f"spine{port}" in one for one in named), named
    assert all(one.claim == REACHABLE for verdict in broken for one in verdict.report.counterexamples)


def test_a_spine_without_its_detour_is_refuted_by_the_cable_it_loses() -> None:
    work = demo()
    group = next(entry for entry in work.states["spine1"].groups if entry.type == FAST_FAILOVER)
    port = group.buckets[0].watch_port
    states = changed(work.states, "spine1", group, group._replace(buckets=group.buckets[:1]))
    broken = [verdict for verdict in answers(work.intent, work.topology, states) if verdict.holds != tuple(CLAIMS)]
    (verdict,) = broken
    assert str(verdict).startswith(
        f"link {work.topology.peers[next(_cable(work, port))]} - spine1:{port}: reachable broken"
    )
    assert ISOLATED in verdict.holds


def _cable(work: Work, port: int | None):
    return (ref for ref in work.topology.peers if ref.switch == "spine1" and ref.port == port)


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_command_proves_the_demonstration_under_every_single_failure() -> None:
    ran = clos("verify", *DEMO, "--failures", 1, "--json")
    assert ran.code == 0 and "16 failures, 11 kinds up to symmetry" in ran.err
    whole, *rest = ran.data["states"]
    assert whole["failure"] is None and len(rest) == 11
    named = Counter(name for state in rest for name in (*state["failure"]["broken"], *state["failure"]["alike"]))
    assert set(named) == {str(one) for one in failures(demo().topology)} and set(named.values()) == {1}
    assert "under each of 11 kinds of failures" in clos("verify", *DEMO, "--failures", 1).out


def test_the_command_names_the_cable_whose_loss_breaks_a_claim(tmp_path: Path) -> None:
    held = clos("compile", *DEMO, "--json").data
    group = next(one for one in held["groups"] if one["switch"] == "spine1" and one["type"] == "ff")
    port = group["buckets"][0]["watch_port"]
    del group["buckets"][1:]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(held))
    ran = clos("verify", *DEMO, "--dump", path, "--failures", 1, "--json")
    refuted = [state for state in ran.data["states"] if state["verdict"] == "refuted"]
    assert ran.code == 1
    assert [state["failure"]["broken"] for state in refuted] == [[f"link leaf{port}:1 - spine1:{port}"]]
    assert {one["claim"] for one in refuted[0]["counterexamples"]} == {REACHABLE}


@pytest.mark.parametrize("words", [("--plan",), ("--failures", 3)])
def test_the_command_refuses_failures_that_it_cannot_answer_for(words: tuple[object, ...]) -> None:
    assert clos("verify", *DEMO, "--failures", 1, *words).code == 2
