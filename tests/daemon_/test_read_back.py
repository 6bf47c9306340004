"""Laws of what is done behind the controller's back: it shows, and no proof speaks of what was not looked at."""

from __future__ import annotations

import pytest

from clos.controller.daemon import Refused
from clos.controller.intent import Text
from clos.controller.store import StoreError
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import messages as m
from clos.fabric.sim.openflow import mods
from tests.support.daemon_harness import DEMO, Rig, edited

ALLOW_ALL = Rule(0, 60_000, ANY, Instructions(write=(Output(1),)), 0x1234)
FORGED = Rule(0, 60_000, Match.of(in_port=3), Instructions(write=(Output(1),)), 0xC105 << 48 | 9)
"""By its cookie one of ours."""
COMMENT = [Text("demo.yaml", DEMO.text + "# no more than a comment\n")]
OTHER = edited("services: [tcp/8080]", "services: [tcp/8080, tcp/9090]")


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch) as made:
        made.apply()
        yield made


def add(rig, switch, rule):
    rig.sim.call(lambda network: mods.add_rule(network.switches[switch], rule))


def delete(rig, switch):
    """Take a rule away; gives it."""
    lost = rig.state(switch).rules[0]
    message = m.FlowMod(m.FlowModCommand.DELETE_STRICT, lost)
    rig.sim.call(lambda network: mods.flow_mod(network.switches[switch], message))
    return lost


def change(rig, switch):
    """Have a rule of ours do something else."""
    rule = rig.state(switch).rules[0]
    add(rig, switch, rule._replace(instructions=Instructions(write=(Output(1),))))


DEEDS = {"deleted": delete, "added": lambda rig, switch: add(rig, switch, FORGED), "changed": change}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("documents", [[DEMO], COMMENT, OTHER], ids=["nothing", "a comment", "a policy"])
def test_a_change_starts_from_what_switches_hold_right_now(rig, deed, documents):
    DEEDS[deed](rig, "leaf3")
    assert rig.daemon.queries.status().in_line == 6, "nobody has looked yet"
    done = rig.apply(documents)
    assert (done.drifted, done.proof, done.not_proved) == (("leaf3",), "proved", ())
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    assert rig.daemon.queries.status().in_line == 6


def test_a_refused_change_has_looked_too(rig):
    delete(rig, "leaf3")
    with pytest.raises(Refused):
        rig.apply([], allow=())
    rows = {switch.name: switch for switch in rig.daemon.queries.status().switches}
    assert (rows["leaf3"].in_line, rows["leaf3"].problem) == (False, "its entries differ from the running revision")


@pytest.mark.parametrize("documents", [COMMENT, OTHER], ids=["a comment", "a policy"])
def test_what_others_have_put_there_is_named_as_not_proved(rig, documents):
    add(rig, "leaf2", ALLOW_ALL)
    done = rig.apply(documents)
    assert done.proof == "proved"
    assert done.not_proved == (f"leaf2 holds 1 entry that Clos did not install: {ALLOW_ALL}",)
    stored = rig.daemon.revisions.get(done.revision)
    assert stored.proof["left_out"] == [*done.not_proved]
    assert stored.summary["not_proved"] == [*done.not_proved]
    status = rig.daemon.queries.status()
    assert status.foreign == 1
    assert "holds 1 entry that Clos did not install" in {s.name: s.problem for s in status.switches}["leaf2"]
    assert ALLOW_ALL in rig.state("leaf2").rules, "left alone"


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("look", ["drift", "entries", "digests"])
def test_status_keeps_what_a_read_back_finds(rig, deed, look):
    DEEDS[deed](rig, "leaf3")
    {
        "drift": rig.daemon.queries.drift,
        "entries": lambda: rig.daemon.queries.entries("leaf3"),
        "digests": rig.daemon.queries.digests,
    }[look]()
    rows = {switch.name: switch for switch in rig.daemon.queries.status().switches}
    assert (rig.daemon.queries.status().in_line, rows["leaf3"].in_line) == (5, False)
    assert rig.daemon.changes.repair() == {}
    assert rig.daemon.queries.status().in_line == 6
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_status_forgets_what_another_read_back_does_not_find(rig):
    add(rig, "leaf2", ALLOW_ALL)
    lost = delete(rig, "leaf3")
    assert {row.switch for row in rig.daemon.queries.drift() if not row.in_line} == {"leaf2", "leaf3"}
    add(rig, "leaf3", lost)
    message = m.FlowMod(m.FlowModCommand.DELETE_STRICT, ALLOW_ALL)
    rig.sim.call(lambda network: mods.flow_mod(network.switches["leaf2"], message))
    assert all(row.in_line for row in rig.daemon.queries.drift())
    assert (rig.daemon.queries.status().in_line, rig.daemon.queries.status().foreign) == (6, 0)


def test_a_read_back_in_the_middle_of_a_change_is_not_kept(tmp_path, monkeypatch):
    kept = []

    def gate(installed, plan, desired):
        delete(rig, "leaf3")
        assert not {row.switch: row.in_line for row in rig.daemon.queries.drift()}["leaf3"]
        kept.append(rig.daemon.queries.status().in_line)

    with Rig(tmp_path / "state", monkeypatch) as rig:
        rig.apply()
        rig.daemon.changes._applier._checks = (gate,)
        rig.apply(COMMENT)
    assert kept == [6]


def test_a_large_fabric_s_untouched_switches_are_named_as_not_read(rig, monkeypatch):
    monkeypatch.setattr("clos.controller.daemon.changes.ground.QUICK", 0)
    delete(rig, "leaf4")
    done = rig.apply(COMMENT)
    assert done.drifted == ()
    assert len(done.not_proved) == 1
    assert (
        "not read back; taken to hold what revision 1 gave them: leaf1, leaf2, leaf3 and 3 more" in done.not_proved[0]
    )
    touched = rig.daemon.changes.plan(OTHER).plan.touched
    delete(rig, touched[0])
    assert touched[0] in rig.apply(OTHER).drifted


def test_a_store_that_fails_at_the_end_says_what_the_switches_hold(rig):
    store = rig.daemon.revisions.store
    rig.watch.before = lambda *_: store._rows._db.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="every connected switch holds revision 2, but the store could not record it"):
        rig.apply(OTHER)
    store._rows._db.execute("PRAGMA query_only = 0")
    rig.settle()
    assert rig.daemon.queries.status().revision == 2


def test_a_store_that_fails_before_the_first_message_says_that_nothing_was_sent(rig):
    store, before = rig.daemon.revisions.store, rig.states()
    store._rows._db.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="the change could not be recorded, so nothing was sent"):
        rig.apply(OTHER)
    store._rows._db.execute("PRAGMA query_only = 0")
    assert rig.states() == before
    assert rig.apply(OTHER).revision == 2


def test_removing_what_others_put_there_leaves_none_behind(rig):
    add(rig, "leaf2", ALLOW_ALL)
    assert rig.daemon.changes.repair() == {}
    assert rig.daemon.queries.status().foreign == 1
    assert rig.daemon.changes.repair(remove_foreign=True) == {}
    assert rig.daemon.queries.status().foreign == 0
    assert rig.holds(rig.daemon.revisions.running.ruleset)
