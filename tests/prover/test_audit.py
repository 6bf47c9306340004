"""The auditor as a witness: it reads intents as the reference does, finds what is broken, and what someone changed."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.api.access import find
from clos.controller.audit import audit
from clos.controller.audit.check import CLAIMS, Checker
from clos.controller.audit.oracle import IntentOracle
from clos.controller.audit.packets import ALONE, KIN, STRANGERS, Tasks
from clos.controller.cli.commands.audit import compared
from clos.controller.compile import compile_fabric
from clos.controller.intent.model import Intent
from clos.controller.verify import verify_states
from clos.fabric.openflow.digest import fabric_digest, state_digest
from clos.fabric.packet.build import Packet
from clos.fabric.sim.openflow import mods
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import PortRef
from tests.support.cli_run import ROOT, clos
from tests.support.daemon_harness import DEMO, FABRIC
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, packets, topologies
from tests.support.gate_support import LEAK, intent_of
from tests.support.reference import meaning, to_controller
from tests.support.verify_engine_support import states_of
from tests.support.verify_mutants import mutant

TOPOLOGY, INTENTS = "topologies/demo.yaml", "intents/demo.yaml"
settled = settings(max_examples=max(1, EXAMPLES // 100), deadline=None, suppress_health_check=list(HealthCheck))


def demo():
    """The shipped demonstration: compiled, and what its switches hold."""
    compiled = compile_fabric(intent_of([DEMO]), FABRIC)
    return compiled, states_of(compiled.ruleset)


@given(st.data())
@settings(settled, max_examples=EXAMPLES // 10)
def test_the_auditor_reads_an_intent_as_the_reference_does(data):
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    reading = IntentOracle(intent, topology)
    for _ in range(4):
        at, packet = data.draw(packets(topology, intent))
        wanted = Counter((row.host, row.packet.to_bytes()) for row in meaning(intent, topology, at, packet))
        meant = reading.meant(at, packet)
        told = to_controller(intent, topology, at, packet)
        assert meant.frames == wanted
        assert meant.control == (None if told is None else told.to_bytes())


@given(st.data())
@settled
def test_compiled_rules_pass_the_audit_which_tries_everything(data):
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    found = audit(intent, topology, states_of(compile_fabric(intent, topology).ruleset), 60)
    assert (found.broken, found.shown, found.complete) == ({}, (), True)


@given(st.data())
@settled
def test_what_the_auditor_finds_broken_the_prover_refutes(data):
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    states = states_of(compile_fabric(intent, topology).ruleset)
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    for _ in range(2):
        _, mutated = mutant(states, topology, dice)
        found, report = audit(intent, topology, mutated, 0.3), verify_states(intent, topology, mutated)
        assert not (found.broken and report.ok), found.shown
        checker = Checker(intent, topology, mutated)
        assert all(checker.wrong(one.at, Packet.parse(one.data)) for one in found.shown)


def test_the_audit_finds_most_of_what_breaks_the_demonstration():
    compiled, states = demo()
    dice, harmful = Random(7), []
    while len(harmful) < 8:
        _, mutated = mutant(states, FABRIC, dice)
        if not verify_states(compiled.intent, FABRIC, mutated).ok:
            harmful.append(mutated)
    caught = sum(bool(audit(compiled.intent, FABRIC, mutated, 60).broken) for mutated in harmful)
    assert caught >= 6, f"{caught} of {len(harmful)}"


def test_every_sender_and_target_is_tried_once():
    compiled, _ = demo()
    tasks = Tasks(IntentOracle(compiled.intent, FABRIC))
    seen = Counter((task.kind, str(task.sender), str(task.target)) for task in tasks)
    assert set(seen.values()) == {1}
    assert Counter(kind for kind, _, _ in seen) == Counter(tasks.total)
    ends = len(tasks.reading.ends)
    assert (tasks.total[ALONE], tasks.total[KIN] + tasks.total[STRANGERS]) == (ends, ends * (ends - 1))


def test_an_audit_that_is_cut_short_says_how_far_it_came():
    compiled, states = demo()
    found = audit(compiled.intent, FABRIC, states, 0)
    assert not found.complete
    assert all(row.done <= row.total for row in found.coverage)
    assert "0 of 11, 0.00%" in str(found.coverage[0])


def test_a_leak_is_told_by_the_claim_it_breaks():
    compiled, states = demo()
    leaf = states["leaf1"]
    found = audit(compiled.intent, FABRIC, {**states, "leaf1": leaf._replace(rules=(LEAK, *leaf.rules))}, 60)
    assert set(found.broken) >= {"admitted", "reachable"}
    assert [one.claim for one in found.shown] == sorted((one.claim for one in found.shown), key=CLAIMS.index)


def kept(states, verdict="proved"):
    """A revision as the API gives it, with what a proof keeps account of."""
    digests = {name: state_digest(state) for name, state in states.items()}
    last = {"ok": True, "against": "now", "digest": fabric_digest(digests), "findings": []}
    return {"verdict": verdict, "summary": {}, "proof": {"verdict": verdict, "digests": digests, "states": [last]}}


def test_rules_that_are_not_those_of_the_proof_are_named_by_switch():
    _, states = demo()
    revision = kept(states)
    assert compared(revision, states, None).agree
    changed = {**states, "leaf2": states["leaf2"]._replace(rules=states["leaf2"].rules[1:])}
    assert compared(revision, changed, None).differ == ("leaf2",)
    held = {name: state_digest(state) for name, state in changed.items() if name != "spine1"}
    found = compared(revision, states, held)
    assert (found.agree, found.differ, found.live, found.away) == (False, (), ("leaf2",), ("spine1",))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda row: row["proof"]["digests"].update(leaf1="0" * 64),
        lambda row: row.update(verdict="unproven"),
        lambda row: row["proof"]["states"][0].update(ok=False),
        lambda row: row["proof"]["states"][0].update(digest="0" * 64),
    ],
    ids=["digests", "word", "state", "digest of the state"],
)
def test_a_kept_proof_that_someone_changed_contradicts_itself(tamper):
    _, states = demo()
    revision = kept(states)
    tamper(revision)
    assert not compared(revision, states, None).agree


@pytest.fixture
def fabric(tmp_path: Path) -> Iterator[tuple[Path, SimThread]]:
    """The state directory of a controller with the demonstration in force, and its simulated fabric."""
    place = tmp_path / "state"
    words = ["serve", TOPOLOGY, "--state", str(place), "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"]
    running = subprocess.Popen(
        [sys.executable, "-m", "clos.controller.cli", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout.readline().startswith("clos: ready")
        with SimThread(FABRIC, find(place).openflow) as sim:
            sim.wait_connected()
            assert clos("apply", INTENTS, "--state", place, "--yes", "--who", "ann").code == 0
            yield place, sim
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(20)


def test_the_audit_of_a_proved_revision_agrees_by_all_means(fabric):
    state = ("--state", fabric[0])
    ran = clos("audit", *state, "--live")
    assert ran.code == 0, ran.out + ran.err
    assert "The audit and the proof agree." in ran.out and "Connected switches hold exactly these rules." in ran.out
    found = clos("audit", "1", *state, "--json").data
    assert (found["agrees"], found["complete"], found["verdict"]) == (True, True, "proved")
    assert [row["claim"] for row in found["claims"]] == [claim for claim in CLAIMS if claim != "waypointed"]
    assert "proved" in clos("history", *state).out
    assert "# proved: 7 claims hold" in clos("history", "1", *state).out


def test_what_a_switch_was_told_behind_the_controller_is_found(fabric):
    place, sim = fabric
    sim.call(lambda network: mods.add_rule(network.switches["leaf1"], LEAK))
    ran = clos("audit", "--state", place, "--live", "--seconds", "5")
    assert (ran.code, "Switches hold other entries: leaf1" in ran.out) == (1, True)
    assert clos("audit", "--state", place, "--seconds", "5").code == 0


def test_a_store_that_someone_changed_is_found(fabric):
    place, _ = fabric
    with sqlite3.connect(place / "clos.db") as db:
        proof = json.loads(db.execute("SELECT document FROM proof").fetchone()[0])
        proof["digests"]["leaf3"] = "0" * 64
        proof["states"][-1]["digest"] = fabric_digest(proof["digests"])
        db.execute("UPDATE proof SET document = ?", (json.dumps(proof),))
    ran = clos("audit", "--state", place, "--json")
    assert (ran.code, ran.data["rules"]["differ"], ran.data["rules"]["sound"]) == (1, ["leaf3"], True)


def test_an_audit_of_what_is_not_there_says_so(fabric):
    state = ("--state", fabric[0])
    assert clos("audit", "7", *state).code == 2
    assert "switches hold revision 1" in clos("audit", "7", "--live", *state).err


def test_an_intent_without_endpoints_is_audited_to_nothing():
    found = audit(Intent(), FABRIC, {}, 5)
    assert (found.packets, found.broken, found.complete) == (0, {}, True)
    assert Checker(Intent(), FABRIC, {}).reading.meant(PortRef("leaf1", 11), Packet.parse(bytes(60))).sender is None
