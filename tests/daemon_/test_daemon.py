"""Laws of the daemon, on a simulated fabric over real TCP: what switches hold, what they are sent, what is recorded."""

from __future__ import annotations

import stat
import threading

import pytest

from clos.controller.compile import compile_fabric
from clos.controller.compile.numbering import to_json
from clos.controller.daemon import Daemon, Locked, Refused
from clos.controller.daemon.lock import lock_directory
from clos.controller.intent import Text
from clos.controller.store import APPLIED, UNDONE, StoreError
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import messages as m
from clos.fabric.sim.openflow import mods
from tests.support.daemon_harness import (
    ALLOW,
    DEMO,
    FABRIC,
    SMALL,
    TOPOLOGY,
    Rig,
    edited,
    ruleset_of,
)
from tests.support.waiting import eventually

FOREIGN = Rule(0, 7, Match.of(in_port=3), Instructions(write=(Output(1),)), 0x1234)
OTHER = edited("services: [tcp/8080]", "services: [tcp/8080, tcp/9090]")


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch) as made:
        yield made


def seed(rig, switch, *rules):
    """Put rules on a switch behind everybody's back."""
    rig.sim.call(lambda network: [mods.add_rule(network.switches[switch], rule) for rule in rules])


def test_an_applied_revision_is_what_every_switch_holds_and_the_store_says(rig):
    done = rig.apply()
    assert (done.revision, done.changed) == (1, True)
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    stored = rig.daemon.revisions.get(1)
    assert (stored.status, stored.current, stored.who, stored.why) == (APPLIED, True, "ann", "because")
    assert ruleset_of(stored.sources, stored.topology, stored.numbering) == rig.daemon.revisions.running.ruleset
    assert done.entries == done.counts.add == sum(rig.watch.seen.values())


def test_applying_the_same_documents_again_sends_nothing_and_records_nothing(rig):
    rig.apply()
    rig.watch.seen.clear()
    again = rig.apply()
    assert (again.revision, again.changed) == (1, False)
    assert not rig.watch.seen
    assert len(rig.daemon.revisions.history()) == 1


def test_a_comment_makes_a_revision_and_no_message(rig):
    rig.apply()
    rig.watch.seen.clear()
    done = rig.apply([Text("demo.yaml", DEMO.text + "# for the auditors\n")])
    assert (done.revision, done.changed, done.entries) == (2, True, 0)
    assert not rig.watch.seen


def test_a_small_change_sends_little(rig):
    total = rig.apply().entries
    rig.watch.seen.clear()
    done = rig.apply(OTHER)
    assert 0 < done.entries == sum(rig.watch.seen.values()) < total / 10
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_a_restarted_controller_touches_no_rule(rig):
    rig.apply()
    before = rig.states()
    rig.restart()
    rig.settle()
    assert not rig.watch.seen
    assert rig.states() == before
    assert rig.daemon.queries.status().revision == 1


def test_a_switch_that_comes_back_empty_is_programmed_again(rig):
    rig.apply()
    rig.watch.seen.clear()
    rig.sim.fail("crash", "leaf2")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    rig.sim.fail("revive", "leaf2")
    rig.settle()
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    assert set(rig.watch.seen) == {"leaf2"}


def test_a_switch_that_was_away_gets_only_the_difference(rig):
    rig.apply()
    rig.sim.fail("crash", "spine1")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    rig.apply(OTHER)
    rig.watch.seen.clear()
    rig.sim.fail("revive", "spine1")
    rig.settle()
    rig.sim.drop("leaf1")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    rig.settle()
    assert set(rig.watch.seen) == {"spine1"}
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_a_rule_that_someone_deleted_is_drift_and_repair_puts_it_back(rig):
    rig.apply()
    lost = rig.state("leaf1").rules[0]
    delete = m.FlowMod(m.FlowModCommand.DELETE_STRICT, lost)
    rig.sim.call(lambda network: mods.flow_mod(network.switches["leaf1"], delete))
    rig.watch.seen.clear()
    drift = {row.switch: row for row in rig.daemon.queries.drift()}
    assert (drift["leaf1"].missing, drift["leaf1"].in_line) == (1, False)
    assert all(row.in_line for name, row in drift.items() if name != "leaf1")
    assert not rig.watch.seen
    assert rig.daemon.changes.repair(["leaf1"]) == {}
    assert rig.watch.seen == {"leaf1": 1}
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_a_rollback_gives_back_exactly_the_old_rules(rig):
    rig.apply()
    first = rig.states()
    rig.apply(OTHER)
    assert rig.states() != first
    done = rig.daemon.changes.rollback(1, "ann", allow=ALLOW)
    assert done.revision == 3
    assert rig.states() == first
    assert rig.daemon.revisions.history()[0].why == "rollback to 1"


TENANT = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: NAME}
spec:
  networks: {one: {subnet: 10.77.0.0/24}}
  endpoints: {first: 10.77.0.11 on web1, second: 10.77.0.12 on web2}
  groups: {all: {networks: [one]}}
  policies: [{from: all, to: all, services: [icmp]}]
"""
DB = Text("db", TENANT.replace("NAME", "db").replace("web2", "app2"))
ALPHA, BETA = (Text(name, TENANT.replace("NAME", name)) for name in ("alpha", "beta"))


def test_a_rollback_gives_back_numbers_that_others_have_by_now(rig):
    rig.apply([ALPHA])
    first, numbers = rig.states(), rig.daemon.revisions.running.compiled.numbering["alpha"]
    rig.apply([])
    rig.apply([BETA])
    assert rig.daemon.revisions.running.compiled.numbering["beta"] == numbers, (
        "no number was given away: the test is void"
    )
    done = rig.daemon.changes.rollback(1, "ann", allow=ALLOW)
    assert done.interrupted == ("beta",)
    assert rig.states() == first


def refused(rig, code, change):
    """The change is refused with this code, and then nothing was sent and nothing is recorded as having held."""
    before, revision = rig.states(), rig.daemon.queries.status().revision
    rig.watch.seen.clear()
    with pytest.raises(Refused) as caught:
        change()
    assert caught.value.code == code, caught.value
    assert not rig.watch.seen
    assert (rig.states(), rig.daemon.queries.status().revision) == (before, revision)
    return caught.value


def test_a_braked_plan_changes_nothing_until_it_is_allowed(rig):
    rig.apply()
    refusal = refused(rig, "brakes", lambda: rig.apply([SMALL], allow=()))
    assert refusal.flags == ("delete-tenant=infra", "delete-tenant=office", "deletes")
    assert [brake.name for brake in rig.daemon.changes.plan([SMALL]).brakes] == [*refusal.flags]
    rig.apply([SMALL], allow=refusal.flags)
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_wrong_documents_are_refused_with_every_problem_at_its_place(rig):
    rig.apply()
    wrong = edited("10.1.1.11 on web1", "10.9.9.9 on nowhere")
    refusal = refused(rig, "invalid", lambda: rig.apply(wrong))
    assert {(problem.file, problem.line) for problem in refusal.problems} == {("demo.yaml", 15)}
    with pytest.raises(Refused, match="in no network of this tenant"):
        rig.daemon.changes.plan(wrong)


def test_two_documents_of_one_name_are_refused(rig):
    refused(rig, "invalid", lambda: rig.apply([DEMO, DEMO]))


def test_a_plan_made_for_another_revision_is_refused(rig):
    rig.apply()
    refused(rig, "stale", lambda: rig.apply(OTHER, expect_revision=0))
    assert rig.apply(OTHER, expect_revision=1).revision == 2


@pytest.mark.parametrize("number", [7, 2**70])
def test_a_rollback_to_what_never_held_is_refused(rig, number):
    rig.apply()
    refused(rig, "unknown", lambda: rig.daemon.changes.rollback(number))


def test_an_absent_switch_holds_a_change_up_until_that_is_allowed(rig):
    rig.apply()
    rig.sim.fail("crash", "leaf2")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    assert rig.daemon.changes.offline(rig.daemon.changes.plan(OTHER)) == ("leaf2",)
    with pytest.raises(Refused, match="leaf2") as caught:
        rig.apply(OTHER)
    assert caught.value.flags == ("offline",)
    done = rig.apply(OTHER, allow=caught.value.flags)
    assert done.offline == ("leaf2",)
    rig.sim.fail("revive", "leaf2")
    rig.settle()
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_a_gate_sees_the_plan_before_the_first_message_and_can_stop_it(tmp_path, monkeypatch):
    asked = []

    def gate(installed, plan, desired):
        asked.append((sum(installed.counts().values()), bool(plan), sum(desired.counts().values())))
        return Refused("gate", "red reaches blue")

    with Rig(tmp_path / "state", monkeypatch, gates=[gate]) as rig:
        refused(rig, "gate", rig.apply)
        assert asked == [(0, True, sum(rig.daemon.changes.plan([DEMO]).compiled.ruleset.counts().values()))]
        assert rig.daemon.revisions.history() == ()


@pytest.mark.parametrize("at", [1, 30, 60, 90])
def test_a_switch_that_refuses_has_the_change_taken_back_everywhere(rig, at):
    rig.apply([SMALL])
    before = rig.states()
    rig.watch.seen.clear()
    rig.watch.refuse = lambda switch, message: switch == "leaf2" and rig.watch.seen["leaf2"] == at
    steps = []
    with pytest.raises(Refused, match=r"leaf2.*TABLE_FULL.*undone: every switch is back at revision 1") as caught:
        rig.apply([DEMO], progress=steps.append)
    assert caught.value.code == "switch"
    assert "TakingBack" in {type(step).__name__ for step in steps}
    assert rig.states() == before
    status, last = rig.daemon.queries.status(), rig.daemon.revisions.history()[0]
    assert (status.revision, status.in_line, status.pending) == (1, 6, None)
    assert (last.number, last.status) == (2, UNDONE)
    assert "TABLE_FULL" in last.note
    assert rig.apply([DEMO]).revision == 3


def test_a_switch_that_dies_in_the_middle_has_the_change_taken_back_and_is_brought_back_when_it_returns(rig):
    rig.apply([SMALL])
    before = rig.states()
    rig.watch.seen.clear()
    died = threading.Event()

    def die(switch, message):
        if switch == "leaf2" and rig.watch.seen["leaf2"] == 20 and not died.is_set():
            died.set()
            rig.sim._network.crash("leaf2")

    rig.watch.before = die
    with pytest.raises(Refused, match="leaf2") as caught:
        rig.apply([DEMO])
    assert caught.value.code == "switch"
    assert died.is_set()
    rig.sim.fail("revive", "leaf2")
    rig.settle()
    assert rig.states() == before
    assert rig.daemon.queries.status().revision == 1


def test_readers_do_not_wait_for_a_change(tmp_path, monkeypatch):
    inside, go_on = threading.Event(), threading.Event()

    def gate(installed, plan, desired):
        inside.set()
        assert go_on.wait(10)

    with Rig(tmp_path / "state", monkeypatch, gates=[gate]) as rig:
        work = threading.Thread(target=rig.apply)
        work.start()
        assert inside.wait(10)
        assert rig.daemon.queries.status().doing == "an apply by ann"
        assert rig.daemon.changes.plan(OTHER).base == 0
        assert rig.daemon.revisions.history() == ()
        monkeypatch.setattr("clos.controller.daemon.changes.changes.WAIT_SECONDS", 0.05)
        with pytest.raises(Refused, match="an apply by ann is in progress") as caught:
            rig.apply(OTHER)
        assert caught.value.code == "busy"
        go_on.set()
        work.join(10)
        assert rig.daemon.queries.status().revision == 1


def test_rules_of_others_are_reported_and_go_only_with_consent(rig):
    rig.apply()
    seed(rig, "leaf1", FOREIGN)
    rig.sim.drop("leaf1")
    assert eventually(lambda: rig.daemon.queries.status().foreign == 1)
    rig.settle()
    rig.apply(OTHER)
    assert FOREIGN in rig.state("leaf1").rules
    drift = {row.switch: row for row in rig.daemon.queries.drift()}["leaf1"]
    assert not drift.in_line
    assert drift.foreign == (str(FOREIGN),)
    assert rig.daemon.changes.repair() == {}
    assert FOREIGN in rig.state("leaf1").rules
    assert rig.daemon.changes.repair(remove_foreign=True) == {}
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    assert rig.daemon.queries.status().foreign == 0


def test_a_fabric_that_an_unknown_revision_left_is_left_alone_until_the_first_apply(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch) as rig:
        rig.apply([DEMO])
        before = rig.states()
        rig.state_dir = tmp_path / "another"
        rig.restart()
        assert eventually(lambda: rig.daemon.queries.status().connected == 6)
        lost = "rules of Clos, but the store has no revision"
        assert eventually(lambda: lost in rig.daemon.queries.status().switches[0].problem)
        assert (rig.states(), rig.watch.seen.total()) == (before, 0)
        assert rig.daemon.queries.status().in_line == 0
        assert "adopt" in {brake.name for brake in rig.daemon.changes.plan([SMALL]).brakes}
        with pytest.raises(Refused, match="put their store back") as caught:
            rig.apply([SMALL])
        assert caught.value.flags == ("adopt",)
        assert (rig.states(), rig.watch.seen.total()) == (before, 0)
        rig.apply([SMALL], allow=(*ALLOW, "adopt"))
        assert rig.holds(rig.daemon.revisions.running.ruleset)
        assert rig.daemon.queries.status().in_line == 6


def test_a_second_daemon_on_the_same_state_directory_is_refused(rig):
    with pytest.raises(Locked, match="in use by another daemon"):
        Daemon(TOPOLOGY, rig.state_dir, of_port=0).start()
    assert rig.daemon.queries.status().connected == 6


def test_a_state_directory_is_free_again_once_its_daemon_has_ended(tmp_path):
    with lock_directory(tmp_path / "state") as place:
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    with lock_directory(tmp_path / "state") as place:
        assert place.is_dir()


def test_a_wrong_topology_is_refused_at_the_start(tmp_path):
    daemon = Daemon(Text("t.yaml", "kind: Topology\n"), tmp_path / "state", of_port=0)
    with pytest.raises(Refused) as caught:
        daemon.start()
    assert caught.value.problems[0].file == "t.yaml"
    with lock_directory(tmp_path / "state"):
        assert caught.value.code == "invalid"


def test_a_new_topology_file_changes_nothing_until_it_is_applied(rig):
    rig.apply()
    text = TOPOLOGY.read_text(encoding="utf-8")
    link = "- [leaf4:2, spine2:4]"
    assert link in text
    rig.restart(topology=Text("faster", text.replace(link, "- {a: leaf4:2, b: spine2:4, speed: 100 Gbps}")))
    rig.settle()
    assert not rig.watch.seen
    assert rig.daemon.queries.status().topology_changed
    assert not rig.apply(allow=()).changed, "documents alone are for the topology in force"
    faster = rig.daemon.revisions.topology
    with pytest.raises(Refused, match="uplink"):
        rig.apply(allow=(), topology=faster)
    rig.apply(allow=("uplink",), topology=faster)
    assert not rig.daemon.queries.status().topology_changed
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_stopping_is_quick_and_leaves_the_rules(rig):
    rig.apply()
    before = rig.states()
    done = threading.Event()
    threading.Thread(target=lambda: (rig.daemon.stop(), done.set())).start()
    assert done.wait(2)
    assert rig.states() == before


def test_a_numbering_is_written_as_the_compiler_writes_it(rig):
    for documents in ([SMALL], [DEMO], OTHER, [ALPHA]):
        rig.apply(documents)
        numbering = rig.daemon.revisions.running.compiled.numbering
        assert rig.daemon.revisions.history(1)[0].current
        stored = rig.daemon.revisions.get(rig.daemon.queries.status().revision)
        assert stored.numbering == to_json(numbering)


def test_a_switch_that_the_new_topology_adds_is_waited_for_and_programmed(tmp_path, monkeypatch):
    text = TOPOLOGY.read_text(encoding="utf-8")
    less = "".join(line for line in text.splitlines(keepends=True) if "leaf4" not in line and "pairs:" not in line)
    with Rig(tmp_path / "state", monkeypatch, start=Text("less", less)) as rig:
        rig.apply([DB])
        assert eventually(lambda: len(rig.daemon.queries.status().strangers) == 1)
        assert f"{FABRIC.switches['leaf4'].dpid:016x} at 127.0.0.1:" in rig.daemon.queries.status().strangers[0]
        rig.apply([DB], topology=Text("more", text), allow=("uplink",))
        assert rig.daemon.queries.status().expected == 6
        assert rig.holds(rig.daemon.revisions.running.ruleset)
        assert rig.state("leaf4").groups
        assert not rig.daemon.changes.plan([DB]).plan, (
            "the topology in force counts, not the one that was there at the start"
        )
        assert not rig.apply([DB], allow=()).changed
        with pytest.raises(Refused, match="uplink"):
            rig.apply([DB], allow=(), topology=Text("less", less))
        rig.apply([DB], allow=("uplink", "deletes"), topology=Text("less", less))
        assert rig.daemon.queries.status().expected == 5
        assert not rig.state("leaf4").rules


def test_a_switch_that_gets_another_name_keeps_what_is_still_wanted(rig):
    rig.apply()
    rig.watch.seen.clear()
    renamed = TOPOLOGY.read_text(encoding="utf-8").replace("leaf2", "rack2")
    refusal = refused(rig, "brakes", lambda: rig.apply(topology=Text("renamed", renamed)))
    assert refusal.flags == ("identity",)
    assert "rack2 takes over the switch that was leaf2" in refusal.message
    rig.apply(topology=Text("renamed", renamed), allow=(*ALLOW, "identity"))
    rig.settle()
    assert rig.state("leaf2") == rig.daemon.revisions.running.ruleset.state("rack2")
    assert set(rig.watch.seen) == {"leaf2", "spine1", "spine2"}, "only cookies speak of a leaf's name"
    assert all(drift.in_line for drift in rig.daemon.queries.drift())


def test_numbers_that_an_absent_switch_may_still_use_are_not_given_away(rig):
    rig.apply([ALPHA])
    numbers = rig.daemon.revisions.running.compiled.numbering["alpha"]
    rig.sim.fail("crash", "leaf3")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    allow = (*ALLOW, "offline")
    rig.apply([], allow=allow)
    rig.apply([BETA], allow=allow)
    other = rig.daemon.revisions.running.compiled.numbering["beta"]
    assert other.vrf != numbers.vrf
    rig.sim.fail("revive", "leaf3")
    rig.settle()
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    for documents in ([], [], [BETA]):
        rig.apply(documents)
    assert rig.daemon.revisions.running.compiled.numbering["beta"] == numbers, (
        "they come back into use: the law is not void"
    )


@pytest.fixture
def upgrade(monkeypatch):
    """Another version of Clos, whose compiler gives other numbers (``other``) or the same."""

    def install(other):
        def compile_otherwise(intent, topology, numbering=None, previous=None):
            if other and numbering:
                numbering = {name: held._replace(vrf=held.vrf + 9) for name, held in numbering.items()}
            return compile_fabric(intent, topology, numbering, previous)

        monkeypatch.setattr("clos.controller.daemon.changes.candidate.compile_fabric", compile_otherwise)
        monkeypatch.setattr("clos.controller.daemon.revisions.fingerprint", lambda: "new")
        monkeypatch.setattr("clos.controller.daemon.changes.apply.fingerprint", lambda: "new")

    return install


def test_a_new_compiler_s_rules_wait_for_a_plan(rig, upgrade):
    rig.apply()
    before = rig.states()
    upgrade(other=True)
    rig.restart()
    assert eventually(lambda: all(switch.connected for switch in rig.daemon.queries.status().switches))
    assert eventually(lambda: rig.daemon.queries.status().in_line == 2), "the spines' rules are the same"
    assert (rig.states(), rig.watch.seen.total()) == (before, 0)
    assert rig.daemon.queries.status().recompiled
    with pytest.raises(Refused, match="another version"):
        rig.daemon.changes.repair()
    assert rig.daemon.changes.plan([DEMO]).plan
    rig.apply()
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    assert not rig.daemon.queries.status().recompiled


def test_a_new_compiler_that_makes_the_same_rules_is_not_noticed(rig, upgrade):
    rig.apply()
    upgrade(other=False)
    rig.restart()
    rig.settle()
    assert not rig.watch.seen
    assert eventually(lambda: not rig.daemon.queries.status().recompiled)
    rig.sim.fail("crash", "leaf2")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    rig.sim.fail("revive", "leaf2")
    rig.settle()
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_changes_asked_for_at_once_happen_one_after_the_other(rig):
    rig.apply()
    documents = [edited("tcp/8080", f"tcp/{8080 + number}") for number in range(1, 7)]
    ends = []

    def ask(sources):
        try:
            ends.append(rig.apply(sources).revision)
        except Refused as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=ask, args=(sources,)) for sources in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    applied = [end for end in ends if end != "busy"]
    assert sorted(applied) == list(range(2, 2 + len(applied)))
    assert len(ends) == len(documents)
    assert rig.holds(rig.daemon.revisions.running.ruleset)


def test_a_store_that_cannot_write_stops_a_change_before_its_first_message(rig):
    rig.apply()
    rig.watch.seen.clear()
    rig.daemon.revisions.store._rows._db.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match=r"clos\.db"):
        rig.apply(OTHER)
    assert not rig.watch.seen
    rig.daemon.revisions.store._rows._db.execute("PRAGMA query_only = 0")
    assert rig.apply(OTHER).revision == 2


def test_a_store_that_fails_at_the_end_has_the_change_ended_later(rig):
    rig.apply()
    store = rig.daemon.revisions.store

    def fail(switch, message):
        if rig.watch.seen.total() == 0:
            store._rows._db.execute("PRAGMA query_only = 1")

    rig.watch.seen.clear()
    rig.watch.before = fail
    with pytest.raises(StoreError):
        rig.apply(OTHER)
    with pytest.raises(Refused, match="was interrupted"):
        rig.apply()
    store._rows._db.execute("PRAGMA query_only = 0")
    rig.settle()
    assert rig.daemon.queries.status().revision == 2
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    assert ruleset_of(*stored(rig)) == rig.daemon.revisions.running.ruleset


def stored(rig):
    held = rig.daemon.revisions.get(rig.daemon.queries.status().revision)
    return held.sources, held.topology, held.numbering
