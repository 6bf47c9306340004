"""Laws of the gate: what is not proved is not sent, what people insist on is recorded, what is proved is kept."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.api import access
from clos.controller.api.app import create_app
from clos.controller.api.client import ApiError, Client
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from clos.controller.compile import compile_fabric
from clos.controller.daemon import Refused
from clos.controller.daemon.changes.candidate import Candidate, Sources
from clos.controller.daemon.changes.incremental_prover import IncrementalProver
from clos.controller.daemon.changes.proof_gate import ProofGate, common_ground
from clos.controller.daemon.status import Proving
from clos.controller.intent import Text
from clos.controller.intent.model import Intent
from clos.controller.plan import Batch, Plan, Push, after, diff
from clos.controller.store import APPLIED, Store
from clos.controller.verify import verify_states
from clos.controller.verify.proof.transition import verify_during
from clos.fabric.dataplane.ruleset import EMPTY, Block, Ruleset, state_of
from clos.fabric.openflow.digest import Digests, fabric_digest, state_digest
from clos.fabric.topology import PortRef
from tests.support.cli_run import clos
from tests.support.daemon_harness import ALLOW, DEMO, FABRIC, SMALL, Rig, edited
from tests.support.fabrics import intents, topologies
from tests.support.gate_support import LEAK, intent_of
from tests.support.waiting import eventually

PORT = edited("services: [tcp/8080]", "services: [tcp/8081]")

OWNER = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: NAME}
spec:
  networks: {one: {subnet: 10.77.0.0/24}}
  endpoints:
    first: {host: web1, ip: 10.77.0.11}
    second: {host: web2, ip: 10.77.0.12, mac: "02:00:00:00:77:02"}
  groups: {all: {networks: [one]}}
  policies: [{from: all, to: all, services: [any]}]
"""

settled = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch) as made:
        yield made


def sabotage(monkeypatch, change):
    """Have the daemon's plans come out as ``change`` makes them."""
    import clos.controller.daemon.changes.candidate as module  # noqa: PLC0415

    made = module.compose
    monkeypatch.setattr(module, "compose", lambda *given: change(made(*given)))


def with_leak(plan, op="add", at=0):
    """The plan with the leak among the pushes of one of its batches."""
    batches = list(plan.batches)
    leak = Push(op, Block((LEAK,)), ("leaf1",))
    batches[at] = Batch(batches[at].name, (*batches[at].pushes, leak))
    return replace(plan, batches=tuple(batches))


def refusal(rig, **options):
    with pytest.raises(Refused) as caught:
        rig.apply(**options)
    assert caught.value.code == "gate"
    return caught.value


def test_a_plan_that_ends_in_a_leak_is_refused_and_nothing_is_sent(rig, monkeypatch):
    rig.apply([SMALL])
    rig.watch.seen.clear()
    before = rig.states()
    sabotage(monkeypatch, lambda plan: with_leak(plan, at=-1))
    found = refusal(rig)
    assert found.flags == ("unproven",)
    assert {one.claim for one in found.findings} >= {"admitted"}
    assert all(one.packet and one.trace and one.data for one in found.findings)
    assert not rig.watch.seen
    assert rig.states() == before
    assert [row.number for row in rig.daemon.revisions.history()] == [1]


def test_a_leak_on_the_way_is_refused_though_the_last_state_is_as_it_should_be(rig, monkeypatch):
    rig.apply([SMALL])
    rig.watch.seen.clear()

    def detour(plan):
        assert len(plan.batches) > 1, "there is no way between: the test is void"
        return with_leak(with_leak(plan), "delete", -1)

    sabotage(monkeypatch, detour)
    found = refusal(rig)
    assert "after batch 1 of" in found.message
    assert not rig.watch.seen


def test_a_plan_whose_batches_are_in_the_wrong_order_is_refused(rig, monkeypatch):
    rig.apply([DEMO])
    rig.watch.seen.clear()
    held = rig.daemon.revisions.running.ruleset

    def backwards(plan):
        away = diff(held, Ruleset(held.switches, {}))  # everything goes before anything comes
        home = diff(after(held, away), after(held, plan))
        return Plan(away.batches + home.batches, plan.switches, tuple(held.parts))

    sabotage(monkeypatch, backwards)
    found = refusal(rig, sources=PORT)
    assert {one.claim for one in found.findings} == {"reachable"}
    assert not rig.watch.seen


def test_the_lines_behind_a_counterexample_are_told(rig, monkeypatch):
    import clos.controller.daemon.changes.candidate as module  # noqa: PLC0415

    made = module.compile_fabric

    def wider(policy):
        every = (*policy.services, *(each._replace(last=each.first + 1) for each in policy.services if each.first))
        return replace(policy, services=every)

    def careless(intent, topology, *rest):
        """A compiler that opens one port too many wherever a policy opens one."""
        wide = {
            name: replace(tenant, policies=tuple(map(wider, tenant.policies)))
            for name, tenant in intent.tenants.items()
        }
        return replace(made(replace(intent, tenants=wide), topology, *rest), intent=intent)

    monkeypatch.setattr(module, "compile_fabric", careless)
    found = refusal(rig)
    assert {one.claim for one in found.findings} >= {"policy"}
    leaks = [one for one in found.findings if one.claim == "policy"]
    assert all(one.lines[0].startswith("demo.yaml:") and ".policies." in one.lines[0] for one in leaks)


def test_going_on_without_a_proof_is_recorded_with_who_and_what(rig, monkeypatch):
    sabotage(monkeypatch, lambda plan: with_leak(plan, at=-1))
    done = rig.apply(allow=(*ALLOW, "unproven"))
    assert (done.changed, done.proof) == (True, "unproven")
    stored = rig.daemon.revisions.get(1)
    assert (stored.status, stored.verdict, stored.proof["verdict"]) == (APPLIED, "unproven", "unproven")
    assert "admitted" in stored.proof["text"]
    entry = next(row for row in rig.daemon.revisions.store.audit_log() if row.action == "unproven")
    assert (entry.who, entry.revision) == ("ann", 1)
    assert "admitted" in entry.detail["text"]


def test_a_proved_change_is_recorded_as_proved_whatever_was_allowed(rig):
    done = rig.apply(allow=(*ALLOW, "unproven"))
    assert (done.proof, rig.daemon.revisions.history()[0].verdict) == ("proved", "proved")
    assert all(row.action != "unproven" for row in rig.daemon.revisions.store.audit_log())


def test_the_kept_proof_says_what_every_switch_holds_after_each_batch(rig):
    plan = rig.daemon.changes.plan([DEMO]).plan
    rig.apply()
    proof = rig.daemon.revisions.get(1).proof
    held = {name: state_digest(state) for name, state in rig.states().items()}
    assert proof["digests"] == held
    assert [state["batch"] for state in proof["states"]] == [batch.name for batch in plan.batches]
    assert proof["states"][-1]["digest"] == fabric_digest(held)
    assert (proof["verdict"], len(proof["claims"])) == ("proved", 7)
    assert proof["prover"] and proof["seconds"] > 0


def test_a_change_that_is_proved_says_what_it_took_and_takes_little(rig):
    done = rig.apply()
    assert done.proof_text.startswith("7 claims hold after every batch")
    assert 0 < done.proof_seconds < 5
    rig.daemon.changes.rollback(rig.apply(PORT).revision - 1, "ann", allow=ALLOW)
    assert [row.verdict for row in rig.daemon.revisions.history()] == ["proved"] * 3


def test_a_proof_that_takes_long_says_so_before_anything_is_sent(rig, monkeypatch):
    steps = []
    monkeypatch.setattr("clos.controller.daemon.changes.proof_gate.TELL_SECONDS", 0.0)
    proves = IncrementalProver.prove
    monkeypatch.setattr(IncrementalProver, "prove", lambda *given: time.sleep(0.2) or proves(*given))
    rig.apply(progress=steps.append)
    told = [step for step in steps if isinstance(step, Proving)]
    assert told and told[-1].number == told[-1].batches
    assert steps.index(told[-1]) < min(i for i, step in enumerate(steps) if not isinstance(step, Proving))


def test_a_daemon_that_is_stopped_during_a_proof_sends_nothing(rig, monkeypatch):
    inside, go_on, ends, proves = threading.Event(), threading.Event(), [], IncrementalProver.prove

    def waiting(*given):
        inside.set()
        assert go_on.wait(10)
        return proves(*given)

    def change():
        with pytest.raises(Refused) as caught:
            rig.apply()
        ends.append(caught.value.code)

    monkeypatch.setattr(IncrementalProver, "prove", waiting)
    work = threading.Thread(target=change)
    work.start()
    assert inside.wait(10)
    rig.daemon.stop()
    go_on.set()
    work.join(10)
    assert (ends, rig.watch.seen.total()) == (["stopping"], 0)


def test_a_prover_that_fails_proves_nothing_and_the_daemon_lives(rig, monkeypatch):
    def broken(*_):
        raise RecursionError("too deep")

    monkeypatch.setattr(IncrementalProver, "prove", broken)
    assert "too deep" in refusal(rig).message
    assert rig.apply(allow=(*ALLOW, "unproven")).proof == "unproven"


def test_what_is_out_of_line_already_does_not_keep_the_fabric_from_being_mended(rig, monkeypatch, tmp_path):
    rig.apply([DEMO])
    rig.state_dir = tmp_path / "another"  # a controller that knows nothing of what switches hold
    rig.restart()
    assert eventually(
        lambda: all("rules of Clos, but" in each.problem for each in rig.daemon.queries.status().switches)
    )
    done = rig.apply([SMALL], allow=(*ALLOW, "adopt"))
    assert done.proof == "proved"
    assert any("out of sync" in text for text in rig.daemon.revisions.get(1).proof["left_out"])


def test_a_daemon_that_does_not_prove_records_that(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch, prove=False) as rig:
        assert rig.apply().proof == "unproven"
        assert "not examined" in rig.daemon.revisions.get(1).proof["text"]


def test_switches_that_are_away_are_named_in_the_proof(rig):
    rig.apply([SMALL])
    rig.sim.fail("crash", "leaf2")
    assert eventually(lambda: rig.daemon.queries.status().connected == 5)
    rig.apply([DEMO], allow=(*ALLOW, "offline"))
    proof = rig.daemon.revisions.get(2).proof
    assert proof["left_out"] == ["leaf2 is not connected: reachability is not proved until it connects"]
    assert (proof["states"][-1]["batch"], proof["states"][-1]["against"]) == ("with switches away", "either")


def test_what_leaks_while_a_switch_is_away_is_refused():
    before = compile_fabric(intent_of([Text("alpha", OWNER.replace("NAME", "alpha"))]), FABRIC)
    heir = (
        OWNER.replace("NAME", "beta")
        .replace("host: web2", "host: lab1")
        .replace("services: [any]", "services: [tcp/1]")
    )
    now = compile_fabric(intent_of([Text("beta", heir)]), FABRIC)  # it gets the very numbers that alpha had
    stop, plan = ("alpha",), _by_way_of_nothing(before, now)
    assert examined(before, now, plan, stop).ok
    found = examined(before, now, plan, stop, away=("leaf1",))
    assert not found.ok and "with switches away" in str(found)


def _by_way_of_nothing(before, now):
    """The plan that takes everything away before anything comes."""
    empty = compile_fabric(Intent(), before.topology, previous=before).ruleset
    away, home = diff(before.ruleset, empty), diff(empty, now.ruleset)
    return Plan(away.batches + home.batches, home.switches, tuple(sorted({*away.parts, *home.parts})))


def examined(before, now, plan=None, interrupted=(), away=()):
    """The verdict on the way from one compiled fabric (None: nothing) to another."""
    installed = before.ruleset if before else EMPTY
    plan = diff(installed, now.ruleset) if plan is None else plan
    draft = Candidate(0, Sources(Text("topology", "")), now, installed, plan, (), interrupted)
    return ProofGate().examine(draft, before, away, lambda step: None)


@given(st.data())
@settled
def test_the_first_install_and_the_last_removal_are_proved(data):
    topology = data.draw(topologies())
    compiled = compile_fabric(data.draw(intents(topology)), topology)
    first = examined(None, compiled)
    assert first.ok, first
    last = examined(compiled, compile_fabric(Intent(), topology, previous=compiled))
    assert last.ok, last


@given(st.data())
@settled
def test_a_plan_that_stops_tenants_meanwhile_is_judged_by_the_intent_without_them(data):
    topology = data.draw(topologies())
    before = compile_fabric(data.draw(intents(topology)), topology)
    now = compile_fabric(data.draw(intents(topology)), topology, previous=before)
    plan = _by_way_of_nothing(before, now)
    assert examined(before, now, plan, tuple(before.intent.tenants)).ok


@given(st.data())
@settled
def test_what_either_intent_has_is_no_fault_of_a_state_between_them(data):
    topology = data.draw(topologies())
    one, other = data.draw(intents(topology)), data.draw(intents(topology))
    for intent in (one, other):
        ruleset = compile_fabric(intent, topology).ruleset
        states = {name: ruleset.state(name) for name in ruleset.switches}
        assert verify_during(one, other, topology, states).ok
        assert verify_during(other, one, topology, states).ok


def test_a_state_between_is_at_fault_where_neither_intent_has_it_so():
    one, other = (compile_fabric(intent_of(text), FABRIC) for text in ([DEMO], PORT))
    empty = dict.fromkeys(FABRIC.switches, state_of(()))
    report = verify_during(one.intent, other.intent, FABRIC, empty)
    assert {found.claim for found in report.counterexamples} >= {"reachable"}
    packets = {(found.at, found.data) for found in report.counterexamples}
    alone = [verify_states(c.intent, FABRIC, empty) for c in (one, other)]
    assert packets and all(not report.ok for report in alone)


def test_a_digest_does_not_depend_on_blocks_and_tells_every_entry():
    ruleset = compile_fabric(intent_of([DEMO]), FABRIC).ruleset
    digests = Digests().of(ruleset)
    states = {name: ruleset.state(name) for name in ruleset.switches}
    assert digests == {name: state_digest(state) for name, state in states.items()}
    rules = states["leaf1"].rules
    one, other = (compile_fabric(intent_of(text), FABRIC) for text in ([SMALL], PORT))
    shared = Digests()
    for each in (one, other, one):
        assert shared.of(each.ruleset) == Digests().of(each.ruleset)
        shared.keep(other.ruleset)
    fewer = {state_digest(states["leaf1"]._replace(rules=rules[:i] + rules[i + 1 :])) for i in range(len(rules))}
    assert len(fewer) == len(rules) and digests["leaf1"] not in fewer


def test_topologies_have_common_ground_where_one_has_all_of_the_other():
    host = next(iter(FABRIC.hosts.values()))
    less = replace(FABRIC, hosts={name: h for name, h in FABRIC.hosts.items() if h is not host})
    moved = replace(FABRIC, hosts={**FABRIC.hosts, host.name: replace(host, ports=(PortRef("leaf4", 40),))})
    assert common_ground(less, FABRIC) is FABRIC
    assert common_ground(FABRIC, less) is FABRIC
    assert common_ground(FABRIC, moved) is None


def test_a_store_made_before_proofs_gets_room_for_them(tmp_path):
    from clos.controller.store import Draft as Entry  # noqa: PLC0415
    from clos.controller.store import schema  # noqa: PLC0415

    path = tmp_path / "clos.db"
    kept = schema.MIGRATIONS, schema.VERSION
    schema.MIGRATIONS, schema.VERSION = kept[0][:1], 1
    try:
        schema.connect(path).close()
    finally:
        schema.MIGRATIONS, schema.VERSION = kept
    with Store.open(path) as store:
        old = store.begin(Entry("ann", "", {}, "", ""))
        store.finish(old)
        new = store.begin(Entry("ann", "", {}, "", "", None, {"verdict": "proved"}))
        assert (store.get(old).verdict, store.get(old).proof) == ("", None)
        assert (store.get(new).verdict, store.get(new).proof) == ("proved", {"verdict": "proved"})


@pytest.fixture
def served(rig):
    """The rig's state directory, with its daemon's API for the command line."""
    with Server(Guard(create_app(rig.daemon), access.token(rig.state_dir)), "127.0.0.1", 0) as server:
        access.publish(rig.state_dir, access.Addresses(server.address, ("127.0.0.1", rig.port), os.getpid()))
        yield ("--state", rig.state_dir, "--yes", "--who", "ann")


def test_the_command_line_shows_the_packet_the_lines_and_the_way_on(rig, served, monkeypatch):
    sabotage(monkeypatch, lambda plan: with_leak(plan, at=-1))
    ran = clos("apply", "intents/demo.yaml", *served)
    assert (ran.code, ran.out) == (1, "")
    assert "admitted: a packet of" in ran.err and "packet: sendp(Ether(" in ran.err
    assert ran.err.rstrip().endswith("(override: --unproven)")
    told = clos("apply", "intents/demo.yaml", *served, "--json").data
    assert (told["code"], told["allow"]) == ("gate", ["unproven"])
    assert {row["claim"] for row in told["counterexamples"]} >= {"admitted"}
    assert clos("history", *served[:2], "--json").data["revisions"] == []


def test_going_on_without_a_proof_is_loud_and_shows_for_ever(rig, served, monkeypatch):
    sabotage(monkeypatch, lambda plan: with_leak(plan, at=-1))
    ran = clos("apply", "intents/demo.yaml", *served, "--unproven")
    assert ran.code == 0, ran.err
    assert "WARNING: --unproven: without a proof, tenants may reach each other" in ran.err
    assert "UNPROVEN, sent because of --unproven: claims 'admitted'" in ran.out
    assert "NOT PROVED" in clos("history", *served[:2]).out
    assert "# unproven: claims 'admitted'" in clos("history", "1", *served[:2]).out
    assert "NOT PROVED" in clos("audit", *served[:2], "--seconds", "5").out


def test_a_refusal_of_the_gate_is_a_conflict_over_http(rig, served, monkeypatch):
    sabotage(monkeypatch, lambda plan: with_leak(plan, at=-1))
    with Client.from_state_dir(rig.state_dir) as client, pytest.raises(ApiError) as caught:
        client.apply({DEMO.name: DEMO.text}, who="ann", allow=ALLOW)
    assert (caught.value.status, caught.value.code, caught.value.allow) == (409, "gate", ["unproven"])
    assert caught.value.counterexamples[0].keys() == {"claim", "text", "at", "data", "packet", "trace", "lines"}
    described = create_app(rig.daemon).openapi()["components"]["schemas"]
    assert described["Counterexample"]["properties"].keys() == caught.value.counterexamples[0].keys()
    assert "Proving" in described
