"""Laws of the watch: what another changes on a switch is found, told in words that are true, and mended if asked."""

from __future__ import annotations

import pytest

from clos.controller.daemon.switches.tolerance import tolerance
from clos.controller.daemon.switches.watch import ASK, REPAIR, REPORT
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.sim.openflow import mods
from tests.support.daemon_harness import Rig
from tests.support.waiting import eventually

PERMIT_ALL = Rule(5, 60_000, ANY, Instructions(goto=6), 7)
"""Of another, in the policy table: everything that comes so far goes on."""
IDLE = Rule(31, 1, ANY, Instructions(), 8)
"""Of another, in a table that no packet reaches."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    place = tmp_path_factory.mktemp("watch") / "state"
    with pytest.MonkeyPatch.context() as patch, Rig(place, patch, watch=False) as made:
        made.apply()
        look(made)
        yield made


@pytest.fixture(autouse=True)
def mended(rig):
    yield
    rig.daemon.watch.policy = REPORT
    rig.daemon.changes.repair(remove_foreign=True)
    look(rig)
    assert not rig.daemon.watch.found()


def look(rig, *names):
    """The watch's own look, without waiting for its turn."""
    for name in names or sorted(rig.topology.switches):
        rig.daemon.watch.look(name)


def add(rig, switch, rule):
    rig.sim.call(lambda network: mods.add_rule(network.switches[switch], rule))


def test_a_switch_that_nobody_touched_is_read_back_once_and_then_only_glanced_at(rig):
    reads = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rig.daemon.queries, "drift", reads.append)
        for _ in range(3):
            look(rig)
    assert reads == []


def test_a_rule_that_lets_more_pass_is_told_by_whom_it_lets_where(rig):
    add(rig, "leaf1", PERMIT_ALL)
    look(rig, "leaf1")
    (found,) = rig.daemon.watch.found().values()
    assert found.meaning.harm is True
    assert any("shop/web1 now reaches shop/" in sentence for sentence in found.meaning.sentences)
    assert found.meaning.causes == (
        "rule added on leaf1 by another (cookie 0x7): table 5 (policy) #60000 any -> goto_table:6",
    )
    faults = [fault for fault in rig.daemon.queries.status().faults if fault.switch == "leaf1"]
    assert "now reaches" in faults[0].text
    entry = rig.daemon.revisions.store.audit_log(1)[0]
    assert (entry.action, entry.detail["switch"], entry.detail["harm"]) == ("drift found", "leaf1", True)


def test_a_rule_that_no_packet_meets_is_proved_harmless(rig):
    add(rig, "leaf2", IDLE)
    look(rig, "leaf2")
    meaning = rig.daemon.watch.found()["leaf2"].meaning
    assert (meaning.harm, meaning.sentences) == (False, ("no packet fares otherwise than the intents say",))


def test_a_tolerated_rule_is_no_alarm_as_long_as_no_packet_notices(rig):
    inventory = rig.daemon.switches.inventory
    inventory.tolerance = tolerance(["0x8/0xf"])
    try:
        add(rig, "leaf1", IDLE)
        look(rig, "leaf1")
        found = rig.daemon.watch.found()["leaf1"]
        assert (found.tolerated, found.is_quiet) == (1, True)
        assert rig.daemon.queries.status().foreign == 0
        assert not [fault for fault in rig.daemon.queries.status().faults if fault.switch == "leaf1"]
        add(rig, "leaf1", PERMIT_ALL._replace(cookie=0x18))
        look(rig, "leaf1")
        found = rig.daemon.watch.found()["leaf1"]
        assert (found.tolerated, found.is_quiet) == (2, False)
        assert "now reaches" in rig.daemon.queries.status().faults[-1].text
    finally:
        inventory.tolerance = tolerance([])


@pytest.mark.parametrize("word", ["x", "", "0x7/0", "-1", "0x1ffffffffffffffff", "7/7/7"])
def test_what_is_no_cookie_is_refused(word):
    with pytest.raises(ValueError, match="cookie"):
        tolerance([word])


def test_drift_that_is_over_is_forgotten_and_noted(rig):
    add(rig, "leaf1", PERMIT_ALL)
    look(rig, "leaf1")
    rig.daemon.changes.repair(remove_foreign=True)
    look(rig, "leaf1")
    assert not rig.daemon.watch.found()
    assert rig.daemon.revisions.store.audit_log(1)[0].action == "drift over"


@pytest.mark.parametrize("policy", [REPORT, ASK, REPAIR])
def test_only_repair_sends_anything(rig, policy):
    rig.daemon.watch.policy = policy
    wanted = rig.daemon.revisions.running.ruleset.state("leaf3").rules
    victim = next(rule for rule in wanted if rule.table == 5 and rule.instructions.goto == 6)
    changed = victim._replace(instructions=Instructions(clear=True))
    add(rig, "leaf3", changed)
    rig.watch.seen.clear()
    look(rig, "leaf3")
    found = rig.daemon.watch.found()["leaf3"]
    assert found.waits == (policy == ASK)
    assert found.drift.changed == 1
    assert "rule changed on leaf3 of demo.yaml:" in found.meaning.causes[0]
    assert (rig.watch.seen["leaf3"] > 0) == (policy == REPAIR)
    assert (rig.state("leaf3") == rig.daemon.revisions.running.ruleset.state("leaf3")) == (policy == REPAIR)


def test_the_mark_changes_with_every_kind_of_entry_and_comes_back(rig):
    wire = rig.daemon.switches.wire
    before = wire.glance("leaf4")
    again = wire.glance("leaf4")
    assert before.mark == again.mark
    add(rig, "leaf4", IDLE)
    assert wire.glance("leaf4").mark != before.mark
    rig.daemon.changes.repair(remove_foreign=True)
    assert wire.glance("leaf4").mark == before.mark
    held = rig.state("leaf4")
    assert before.entries == len(held.rules) + len(held.groups) + len(held.meters)
    assert sum(counts.rules for counts in before.hits.values()) == len(held.rules)


def test_it_looks_by_itself(rig):
    rig.restart(watch=True)
    try:
        rig.settle()
        add(rig, "leaf1", PERMIT_ALL)
        assert eventually(lambda: "leaf1" in rig.daemon.watch.found())
        assert eventually(lambda: len(rig.daemon.watch.seen()) == len(rig.topology.switches))
    finally:
        rig.restart(watch=False)
        rig.settle()
