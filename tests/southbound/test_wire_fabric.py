"""The controller and the simulated fabric, which share nothing but the codec, over TCP."""

from __future__ import annotations

import pytest

from clos.controller.compile.compiler import compile_fabric
from clos.controller.intent import load_intent, load_topology
from clos.controller.plan import ADD, DELETE, Batch, Plan, Push, diff
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import Refused
from clos.controller.wire.events import Joined, Left, PortChanged
from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.rule import Instructions
from clos.fabric.dataplane.ruleset import EMPTY, Block
from clos.fabric.openflow.constants import Role
from clos.fabric.sim.openflow.server import SimThread
from tests.support.root import ROOT
from tests.support.waiting import eventually

TOPOLOGY = load_topology(ROOT / "topologies/demo.yaml")[0]
NAMES = {switch.dpid: name for name, switch in TOPOLOGY.switches.items()}


@pytest.fixture(scope="module")
def ruleset():
    return compile_fabric(load_intent([ROOT / "intents/demo.yaml"], TOPOLOGY).intent, TOPOLOGY).ruleset


@pytest.fixture
def controller():
    with Controller(NAMES, port=0) as started:
        yield started


@pytest.fixture
def sim(controller):
    with SimThread(TOPOLOGY, controller.address) as started:
        assert not controller.wait_for(NAMES.values(), 15)
        yield started


def test_a_compiled_intent_is_read_back_from_every_switch_as_compiled(controller, sim, ruleset):
    outcome = controller.apply(diff(EMPTY, ruleset))
    assert outcome.ok, str(outcome)
    for name in NAMES.values():
        assert controller.read(name).state == ruleset.state(name)
        assert controller.read(name).foreign == ()


def test_an_intent_applied_and_taken_away_leaves_nothing(controller, sim, ruleset):
    empty = type(ruleset)(ruleset.switches, {})
    assert controller.apply(diff(empty, ruleset)).ok
    assert controller.apply(diff(ruleset, empty)).ok
    for name in NAMES.values():
        assert controller.read(name).state == ((), (), ())


def test_ports_and_crashes_are_told(controller, sim):
    events = []
    controller.subscribe(events.append)
    name, port = next((name, uplinks[0][0]) for name, uplinks in TOPOLOGY.uplinks.items() if uplinks)
    sim.fail("cut", f"{name}:{port}")
    down = lambda event: isinstance(event, PortChanged) and event[:2] == (name, port) and not event.up  # noqa: E731
    assert eventually(lambda: any(map(down, events)))
    sim.drop(name)
    dpid = TOPOLOGY.switches[name].dpid
    assert eventually(lambda: Left(name, dpid) in events)
    assert eventually(lambda: Joined(name, dpid) in events, 15)


def test_every_change_of_one_rule_is_confirmed_and_read_back(controller, sim, ruleset):
    name = ruleset.switches[0]
    rule = next(ruleset.rules(name))
    for number in range(40):
        op = DELETE if number % 2 else ADD
        plan = Plan((Batch("one", (Push(op, Block((rule,)), (name,)),)),), ruleset.switches)
        assert controller.apply(plan).ok
        assert controller.read(name).state.rules == (() if number % 2 else (rule,))


def misdirected(rule):
    """The rule with an output to a group that no switch has, which a switch refuses."""
    return rule._replace(instructions=Instructions(apply=(Group(0xBAD),)))


def one_batch(rules, switches):
    return Plan((Batch("one", (Push(ADD, Block(rules), switches),)),), tuple(NAMES.values()))


def test_a_bundle_leads_where_plain_messages_lead(controller, sim, ruleset):
    assert controller.apply(diff(EMPTY, ruleset), bundle=True).ok
    bundled = {name: controller.read(name).state for name in NAMES.values()}
    empty = type(ruleset)(ruleset.switches, {})
    assert controller.apply(diff(ruleset, empty), bundle=False).ok
    assert controller.apply(diff(empty, ruleset), bundle=False).ok
    assert {name: controller.read(name).state for name in NAMES.values()} == bundled
    for name in NAMES.values():
        assert controller.read(name).state == ruleset.state(name)


def test_a_bundle_with_a_rule_that_is_refused_changes_nothing_and_names_the_rule(controller, sim, ruleset):
    name = ruleset.switches[0]
    good = [rule._replace(instructions=Instructions()) for rule in ruleset.rules(name)][:20]
    bad = misdirected(good[-1])
    plan = one_batch([*good[:-1], bad], (name,))
    (error,) = controller.apply(plan).errors
    assert isinstance(error, Refused)
    assert (error.switch, error.entry) == (name, bad)
    assert controller.read(name).state.rules == ()
    (error,) = controller.apply(plan, bundle=False).errors
    assert error.entry == bad
    assert len(controller.read(name).state.rules) == 19


def test_a_role_is_granted_and_a_stale_one_refused(controller, sim, ruleset):
    name = ruleset.switches[0]
    assert controller.request_role(name, Role.MASTER, 7) == Role.MASTER
    with pytest.raises(Refused, match="ROLE_REQUEST_FAILED/STALE"):
        controller.request_role(name, Role.MASTER, 6)
