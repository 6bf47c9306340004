"""Many rules and many switches over real TCP. Bounds catch a wrong order of growth, not a slow machine."""

from __future__ import annotations

import threading

import pytest

from clos.controller.plan import diff
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.action import Group, Output, PushVlan, SetField
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import EGRESS, EMPTY, Block, Placed, Ruleset
from tests.support.wire_peer import Fleet

pytestmark = pytest.mark.slow


def rule(i):
    match = Match.trusted((("metadata", i % 200 << 12, 0xFFF000), ("eth_dst", 0x020000000000 + i, None)))
    push = (PushVlan(), SetField("vlan_vid", 0x1000 | i % 4000))
    return Rule(3, 100, match, Instructions(None, push, False, (Group(1 + i % 500),), (i % 500, 0xFFF), 5), i)


def group(i):
    return GroupEntry(i, "select", tuple(Bucket((Output(port),), 1, port) for port in (1, 2, 3, 4)))


def test_sixty_thousand_rules_are_installed_and_read_back_alike():
    names = {1: "leaf1"}
    where = tuple(names.values())
    blocks = {f"b{n}": Placed(Block(map(rule, range(n, n + 1000))), where) for n in range(0, 60_000, 1000)}
    blocks["ways"] = Placed(Block((), map(group, range(1, 501)), (), EGRESS), where)
    wanted = Ruleset(where, {"all": blocks})
    with Controller(names, port=0) as controller, Fleet(controller.address, names):
        assert not controller.wait_for(where, 10)
        outcome = controller.apply(diff(EMPTY, wanted))
        assert outcome.ok
        assert outcome.entries == 60_500
        assert controller.read("leaf1").state == wanted.state("leaf1")


def test_hundreds_of_switches_cost_no_threads_and_are_programmed_together():
    names = {n: f"leaf{n}" for n in range(1, 301)}
    everywhere = tuple(names.values())
    wanted = Ruleset(everywhere, {"all": {"b": Placed(Block(map(rule, range(20))), everywhere)}})
    with Controller(names, port=0) as controller:
        threads = threading.active_count()
        with Fleet(controller.address, names):
            assert controller.wait_for(everywhere, 20) == frozenset()
            outcome = controller.apply(diff(EMPTY, wanted))
            assert outcome.ok, str(outcome)
            assert outcome.entries == 300 * 20
            assert threading.active_count() == threads + 1  # the fleet's own
