"""The evaluator and Open vSwitch are two witnesses of one fabric: random fabrics and frames, and no disagreement."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.model import Intent, Service
from clos.controller.plan import diff
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.topology import PortRef, Topology
from clos.lab.measure.frames import Probe, matrix, parties, strays, talk
from clos.lab.ovs.dummy_datapath import DummyDatapath
from clos.lab.witness.compare import Fabric, Verdict, differences, expect, trial
from clos.lab.witness.prover import ProverWitness
from tests.support.fabrics import intents, topologies
from tests.support.lab_ready import require_switch
from tests.support.random_witnesses import fragment
from tests.support.root import ROOT

pytestmark = pytest.mark.lab
require_switch()

FABRICS = int(os.environ.get("CLOS_LAB_FABRICS", "12"))
few = settings(
    max_examples=FABRICS,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def controller() -> Iterator[Controller]:
    with Controller({}, port=0) as running:
        yield running


@contextmanager
def programmed(
    controller: Controller, topology: Topology, ruleset: Ruleset, exact: bool = True
) -> Iterator[DummyDatapath]:
    """A bench whose switches the controller has given the ruleset, and has read it back from."""
    controller.expect({switch.dpid: switch.name for switch in topology.switches.values()})
    with DummyDatapath(topology, ":".join(("tcp", *map(str, controller.address))), exact) as bench:
        assert controller.wait_for(topology.switches, 20) == frozenset()
        outcome = controller.apply(diff(Ruleset(topology.switches, {}), ruleset))
        assert outcome.ok, str(outcome)
        for name in topology.switches:
            assert controller.read(name).state == ruleset.state(name)
        yield bench


def tried(
    bench: DummyDatapath, ruleset: Ruleset, probes: list[Probe], cut: frozenset[PortRef] = frozenset()
) -> Verdict:
    bench.cut(*cut)
    return trial(bench, Fabric.of(ruleset, bench.topology, cut), probes, bench.switches.control)


def demo() -> tuple[Topology, Intent]:
    topology = load_topology(ROOT / "topologies/demo.yaml").topology
    assert topology is not None
    intent = load_intent([ROOT / "intents/demo.yaml"], topology).intent
    assert intent is not None
    return topology, intent


def test_every_pair_of_the_demonstration_fares_on_open_vswitch_as_computed(controller: Controller) -> None:
    topology, intent = demo()
    ruleset = compile_fabric(intent, topology).ruleset
    with programmed(controller, topology, ruleset) as bench:
        verdict = tried(bench, ruleset, list(matrix(intent, topology)))
    assert verdict.delivered > 100
    assert verdict.doubts == (), str(verdict)
    print(verdict)


@given(st.data())
@few
def test_packets_through_open_vswitch_come_out_as_the_evaluator_says(
    controller: Controller, data: st.DataObject
) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    exact = data.draw(st.booleans())
    probes = strays(intent, topology, data.draw(st.integers(0, 1 << 32)), 400, second_tags=exact)
    ruleset = compile_fabric(intent, topology).ruleset
    cut = data.draw(st.sampled_from([None, *topology.links])) if len(topology.spines) > 1 else None
    with programmed(controller, topology, ruleset, exact) as bench:
        verdict = tried(bench, ruleset, probes, frozenset({cut.a}) if cut else frozenset())
    print(verdict)
    assert verdict.doubts == (), str(verdict)


def test_open_vswitch_meets_the_rules_the_evaluator_meets(controller: Controller) -> None:
    topology, intent = demo()
    ruleset = compile_fabric(intent, topology).ruleset
    with programmed(controller, topology, ruleset) as bench:
        expectations = expect(Fabric.of(ruleset, topology), strays(intent, topology, 1, 3000))
        found = [text for one in expectations for text in differences(one, bench.switches.control)]
    assert sum(len(one.walk.hops) for one in expectations) > 3000
    assert found == [], "\n".join(found[:3])


def test_a_second_tag_is_refused_though_the_flow_without_it_is_cached(controller: Controller) -> None:
    """Open vSwitch's user-space datapath takes it for the cached flow unless flows are cached exactly."""
    topology, intent = demo()
    ruleset = compile_fabric(intent, topology).ruleset
    source, target = (
        next(p for p in parties(intent, topology) if p.name == name) for name in ("shop/report", "shop/db1")
    )
    honest = talk(source, target, Service(6, 5432, 5432))
    hidden = honest.set("vlan_vid", 0x1000 | 777).push_vlan().set("vlan_vid", 0x1000 | (source.vlan or 0))
    with programmed(controller, topology, ruleset) as bench:
        at = source.ports[0]
        verdict = tried(bench, ruleset, [Probe(at, honest, "honest"), Probe(at, hidden, "hidden")] * 3)
    assert (verdict.delivered, verdict.doubts) == (3, ()), str(verdict)


def test_first_fragments_are_judged_by_their_ports(controller: Controller) -> None:
    """By default Open vSwitch takes the ports of all fragments for 0: then the first probe would be lost."""
    topology, intent = demo()
    ruleset = compile_fabric(intent, topology).ruleset
    source, target = (next(p for p in parties(intent, topology) if p.name == n) for n in ("shop/web1", "shop/app1"))
    first = [(port, fragment(talk(source, target, Service(6, port, port)), 0)) for port in (8080, 8081)]
    with programmed(controller, topology, ruleset) as bench:
        verdict = tried(bench, ruleset, [Probe(source.ports[0], packet, f"tcp/{port}") for port, packet in first])
    assert (verdict.delivered, verdict.doubts) == (1, ()), str(verdict)


def test_when_any_witness_disagrees_all_three_are_heard(controller: Controller) -> None:
    topology, intent = demo()
    ruleset = compile_fabric(intent, topology).ruleset
    honest = next(matrix(intent, topology))
    states = {name: ruleset.state(name) for name in ruleset.switches}
    unruly = states | {"leaf1": states["leaf1"]._replace(rules=())}
    fabric = Fabric.of(ruleset, topology)
    models = {name: SwitchModel.of(state, topology.ports[name]) for name, state in unruly.items()}
    with programmed(controller, topology, ruleset) as bench:
        for other in (fabric._replace(proved=ProverWitness(topology, unruly)), fabric._replace(switches=models)):
            (doubt,) = trial(bench, other, [honest], bench.switches.control).doubts
            accounts = re.split("^(evaluator|prover|Open vSwitch):$", str(doubt), flags=re.MULTILINE)
            assert accounts[1::2] == ["evaluator", "prover", "Open vSwitch"] and all(map(str.strip, accounts))
