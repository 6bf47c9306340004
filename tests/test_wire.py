"""The wire as a whole: a controller and real TCP peers that hold what they are told."""

from __future__ import annotations

import pytest

from controller.plan import diff
from controller.wire.controller import Controller
from fabric.action import Group, Output
from fabric.match import Match
from fabric.rule import Band, Bucket, GroupEntry, Instructions, Meter, Rule
from fabric.ruleset import EGRESS, EMPTY, Block, Placed, Ruleset
from tests.wire_peer import Fleet, eventually

NAMES = {1: "leaf1", 2: "leaf2", 3: "spine1"}
LEAVES = ("leaf1", "leaf2")
SWITCHES = tuple(NAMES.values())


def rule(i, out=1, cookie=0xC105 << 48):
    match = Match.of(eth_type=0x0800, ipv4_dst=0x0A000000 + i)
    return Rule(i % 4, 100, match, Instructions(write=(Output(out),)), cookie | i)


def ruleset(*rules, groups=(), meters=(), where=LEAVES, switches=SWITCHES):
    blocks = {"ways": Placed(Block((), groups, meters, EGRESS), where), "hosts": Placed(Block(rules), where)}
    return Ruleset(switches, {"all": blocks})


GROUP = GroupEntry(7, "select", (Bucket((Output(1),), 2, 1), Bucket((Output(2),), 3, 2)))
UPPER = GroupEntry(3, "all", (Bucket((Group(7),)),))
METER = Meter(9, (Band(1000, 100),))
WANTED = ruleset(*map(rule, range(50)), groups=(GROUP, UPPER), meters=(METER,))


@pytest.fixture
def controller():
    with Controller(NAMES, port=0, patience=5) as started:
        yield started


@pytest.fixture
def fleet(controller):
    with Fleet(controller.address, NAMES) as peers:
        assert controller.wait_for(NAMES.values(), 5) == frozenset()
        yield peers


def test_an_applied_plan_is_what_the_switches_hold_and_what_is_read_back(controller, fleet):
    outcome = controller.apply(diff(EMPTY, WANTED))
    assert outcome.ok, str(outcome)
    assert outcome.entries == 2 * 53
    for dpid, name in NAMES.items():
        assert fleet[dpid].state == WANTED.state(name)
        assert controller.read(name).state == WANTED.state(name)


def test_a_second_plan_sends_only_what_differs(controller, fleet):
    controller.apply(diff(EMPTY, WANTED))
    sent = fleet[1].mods
    changed = ruleset(*map(rule, range(1, 50)), rule(99), groups=(GROUP, UPPER), meters=(METER,))
    assert controller.apply(diff(WANTED, changed)).ok
    assert fleet[1].mods - sent == 2
    assert controller.read("leaf1").state == changed.state("leaf1")


def test_a_new_controller_touches_no_rule(controller, fleet):
    controller.apply(diff(EMPTY, WANTED))
    sent = fleet[1].mods
    port = controller.address[1]
    controller.stop()
    assert eventually(fleet[1].closed.is_set)
    with Controller(NAMES, port=port) as second:
        for dpid in NAMES:
            fleet.connect(dpid)
        assert not second.wait_for(NAMES.values(), 5)
        state = second.read("leaf1").state
        assert state == WANTED.state("leaf1")
        assert fleet[1].mods == sent
