"""``clos verify``: every claim can fail and is then told with a packet, a line and a code; reports say the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from clos.controller.cli.answer import USAGE
from clos.controller.cli.proofs.plan_steps import plan_steps, states_of
from clos.controller.cli.proofs.verification import COULD_NOT, PROVED, REFUTED, SAYS, Sources, Verification
from clos.controller.cli.render.proof_junit import junit
from clos.controller.cli.render.proof_sarif import sarif
from clos.controller.cli.sources import read
from clos.controller.compile import Compiled
from clos.controller.dump import Dump, read_dump
from clos.controller.explain.inputs import Inputs
from clos.controller.intent import Text
from clos.controller.plan import diff
from clos.controller.verify import (
    CLAIMS,
    Counterexample,
    Proof,
    Refused,
    Report,
    verify_states,
)
from clos.controller.verify.proof.claims import WAYPOINTED
from clos.controller.verify.proof.invariants import INVARIANTS, NO_BLACK_HOLE, check_invariants
from clos.fabric.dataplane.ruleset import EMPTY, Ruleset
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import PortRef
from tests.support.cli_run import BANK, DEMO, ROOT, Ran, clos, edited
from tests.support.controller_fixtures import INTENTS, NOBODY, TOPOLOGY
from tests.support.verify_rules import SPOILT, Spoilt, firewall, spoilt, unknown

SEVEN = [claim for claim in CLAIMS if claim != WAYPOINTED]
"""What is claimed of intents without waypoints."""
OFFICE = "tenant/office"
"""A part of the demonstration's rules."""


@cache
def demo() -> Inputs:
    return read(ROOT / TOPOLOGY, [ROOT / INTENTS])


def dumped(path: Path) -> Dump:
    dpids = {switch.name: switch.dpid for switch in demo().topology.switches.values()}
    dump, problems = read_dump([Text(str(path), path.read_text())], dpids)
    assert dump is not None, problems
    return dump


def asked(one: Spoilt, path: Path, *words: object) -> Ran:
    """The prover about spoilt rules; without intents for what is claimed without."""
    return clos("verify", *one.intents(path.parent), "-t", TOPOLOGY, "--dump", path, "--claim", one.claim, *words)


# Answers


@pytest.mark.parametrize("words", [DEMO, BANK], ids=["demo", "bank"])
def test_the_shipped_intents_are_proved(words: tuple[str, ...]) -> None:
    ran = clos("verify", *words)
    assert (ran.code, ran.err) == (PROVED, "")
    assert ran.out.splitlines()[-1].startswith("7 claims proved over all packets at ")
    for claim in SEVEN:
        assert f"  proved  {claim} " in ran.out
    assert WAYPOINTED not in ran.out


@pytest.mark.parametrize("one", SPOILT, ids=[one.claim for one in SPOILT])
def test_every_claim_is_refuted_where_rules_are_spoilt_so(one: Spoilt, tmp_path: Path) -> None:
    path = one.rules(tmp_path)
    ran = asked(one, path)
    assert (ran.code, ran.err) == (REFUTED, "")
    assert f"\n  REFUTED  {one.claim} " in ran.out
    assert f"\n  {one.claim}: a packet of " in ran.out
    assert "\n      sendp(Ether(" in ran.out
    assert ran.out.splitlines()[-1].startswith(f"Refuted: {one.claim}; start at ")
    found = asked(one, path, "--json").data["states"][0]["counterexamples"]
    assert found and {row["claim"] for row in found} == {one.claim}


def test_every_claim_has_a_way_to_fail_here() -> None:
    assert {one.claim for one in SPOILT} == set(SAYS)


@pytest.mark.parametrize("one", SPOILT, ids=[one.claim for one in SPOILT])
def test_the_evaluator_agrees_with_every_counterexample(one: Spoilt, tmp_path: Path) -> None:
    path = one.rules(tmp_path)
    whole = read(ROOT / TOPOLOGY, [ROOT / each for each in one.intents(tmp_path) or (INTENTS,)])
    states, topology = dumped(path).states, whole.topology
    models = {name: SwitchModel.of(states[name], topology.ports[name]) for name in topology.switches}
    good = {name: SwitchModel.of(whole.compiled().ruleset.state(name), topology.ports[name]) for name in models}
    for row in asked(one, path, "--json").data["states"][0]["counterexamples"]:
        switch, port = row["at"].split(":")
        at, packet = PortRef(switch, int(port)), Packet(bytes.fromhex(row["hex"]))
        now, then = (walk(each, topology, at, packet) for each in (models, good))
        assert _ends(now, topology.host_at) != _ends(then, topology.host_at), row["text"]


def _ends(done: Walk, hosts: dict[PortRef, str]) -> tuple[Any, ...]:
    delivered = Counter((hosts[port], packet.to_bytes()) for port, packet in done.deliveries)
    told = sum(len(visit.step.packet_ins) for visit in done.hops)
    return delivered, bool(done.loops), told, len(done.hops)


def test_the_eighth_claim_is_there_where_a_policy_has_a_waypoint_and_where_it_is_asked_for(tmp_path: Path) -> None:
    ran = clos("verify", firewall(tmp_path), *DEMO[1:])
    assert (ran.code, ran.out.splitlines()[-1][:15]) == (PROVED, "8 claims proved")
    assert f"  proved  {WAYPOINTED} " in ran.out
    idle = clos("verify", *DEMO, "--claim", WAYPOINTED)
    assert (idle.code, idle.out.splitlines()[2]) == (
        PROVED, f"  {WAYPOINTED} is vacuously true: no policy has a waypoint"
    )  # fmt: skip


def test_what_the_prover_has_no_model_of_is_no_verdict(tmp_path: Path) -> None:
    ran = clos("verify", *DEMO, "--dump", spoilt(tmp_path, unknown))
    assert ran.code == COULD_NOT
    assert "not proved: cannot reason about the action push_mpls:0x8847" in ran.out
    assert ran.out.endswith("Could not check: neither proved nor refuted.\n")


def test_a_proof_that_says_nothing_says_so(tmp_path: Path) -> None:
    nobody = tmp_path / "nobody.yaml"
    nobody.write_text(NOBODY)
    ran = clos("verify", nobody, "-t", TOPOLOGY)
    assert ran.code == PROVED
    assert "  vacuous  reachable" in ran.out
    assert "reachable is vacuously true: the intent permits no packet" in ran.out
    assert ran.out.splitlines()[-1].startswith("5 claims proved over ") and ran.out.endswith(", 2 more vacuous.\n")


def test_only_the_claims_that_are_asked_for_are_answered(tmp_path: Path) -> None:
    ran = clos("verify", *DEMO, "--claim", "isolated", "--claim", "quiet", "--json")
    assert [row["claim"] for row in ran.data["states"][0]["claims"]] == ["isolated", "quiet"]
    harmless = next(one for one in SPOILT if one.claim == "quiet")
    path = spoilt(tmp_path, harmless.change)
    assert clos("verify", *DEMO, "--dump", path, "--claim", "isolated").code == PROVED
    assert clos("verify", *DEMO, "--dump", path).code == REFUTED


# Lines


def test_the_rule_that_is_not_the_compilers_is_the_first_to_look_at(tmp_path: Path) -> None:
    path = spoilt(tmp_path, SPOILT[0].change)
    first = asked(SPOILT[0], path, "--json").data["states"][0]["counterexamples"][0]["causes"][0]
    assert (first["path"], first["role"]) == ("leaf1 table 5 priority 0", "is not what the intents compile to")
    assert first["file"] == str(path)
    assert '"table": 5, "priority": 0, "match": {}' in path.read_text().splitlines()[first["line"] - 1]


def test_a_packet_that_should_arrive_leads_to_the_policy_that_says_so(tmp_path: Path) -> None:
    lacks = next(one for one in SPOILT if one.claim == "reachable")
    path = spoilt(tmp_path, lacks.change)
    row = asked(lacks, path, "--json").data["states"][0]["counterexamples"][0]
    lines = (ROOT / INTENTS).read_text().splitlines()
    assert row["causes"][0]["path"].endswith("policies.web-to-app")
    assert "{from: web, to: app, services: [tcp/8080]}" in lines[row["causes"][0]["line"] - 1]
    assert row["causes"][0]["role"].startswith("permits it: policy web-to-app lets group web open tcp/8080 to app")


# Plans


def test_every_state_of_a_plan_is_proved(tmp_path: Path) -> None:
    other = edited(tmp_path, "services: [tcp/8080]", "services: [tcp/8081]")
    ran = clos("verify", other, "-t", TOPOLOGY, "--plan", "--from", INTENTS, "--json")
    batches = clos("plan", other, "-t", TOPOLOGY, "--from", INTENTS, "--json").data["batches"]
    assert ran.code == PROVED
    titles = [row["title"] for row in ran.data["states"]]
    assert titles == [f"After batch {n} of {len(batches)}, {b['name']}" for n, b in enumerate(batches, 1)]


def test_a_plan_of_nothing_is_proved_as_it_stands() -> None:
    ran = clos("verify", *DEMO, "--plan", "--from", INTENTS)
    assert ran.code == PROVED
    assert "7 claims proved over all packets" in ran.out


def without(part: str) -> Compiled:
    """The demonstration compiled, less a part of its rules."""
    whole = demo().compiled()
    kept = {name: held for name, held in whole.ruleset.parts.items() if name != part}
    assert len(kept) < len(whole.ruleset.parts)
    return replace(whole, ruleset=Ruleset(whole.ruleset.switches, kept))


def test_a_plan_that_leads_astray_is_refuted_at_its_last_state() -> None:
    wrong = without(OFFICE)
    steps = list(plan_steps(None, wrong).steps)
    assert len(steps) == len(diff(EMPTY, wrong.ruleset).batches)
    assert [step.ask().ok for step in steps] == [True] * (len(steps) - 1) + [False]


def test_a_plan_that_mends_rules_is_refuted_until_it_has() -> None:
    steps = list(plan_steps(without(OFFICE), demo().compiled()).steps)
    reports = [step.ask() for step in steps]
    assert [report.ok for report in reports] == [False] * (len(steps) - 1) + [True]
    assert {one.claim for one in reports[0].counterexamples} == {"reachable"}


# Switches


def test_what_switches_hold_is_proved(fabric: tuple[Path, SimThread], tmp_path: Path) -> None:
    held = ("--state", fabric[0])
    assert clos("apply", INTENTS, *held, "--yes").code == 0
    ran = clos("verify", *held, "--live")
    assert ran.code == PROVED, ran.out + ran.err
    assert ran.out.startswith("Rules that switches hold, against the intents in force on the topology in force\n")
    other = edited(tmp_path, "services: [tcp/8080]", "services: [tcp/8081]")
    ran = clos("verify", other, *held, "--live")
    assert ran.code == REFUTED
    assert "  REFUTED  reachable" in ran.out and "tcp/8081" in ran.out
    ran = clos("verify", other, *held, "--plan")
    assert ran.code == PROVED, ran.out + ran.err
    assert "from the revision in force" in ran.out


# Without intents


def test_without_intents_the_matrix_is_what_the_evaluator_does() -> None:
    topology, ruleset = demo().topology, demo().compiled().ruleset
    found = check_invariants(topology, states_of(ruleset))
    assert found.report.ok
    models = {name: SwitchModel.of(ruleset.state(name), topology.ports[name]) for name in topology.switches}
    for at, reached in found.reach.items():
        for host, witness in reached.items():
            done = walk(models, topology, at, Packet(witness.data))
            assert host in {topology.host_at[port] for port, _ in done.deliveries}
    assert set(found.reach) == set(topology.host_at)


def test_whoever_the_intents_let_speak_reaches_whom_they_let_it(tmp_path: Path) -> None:
    found = check_invariants(demo().topology, states_of(demo().compiled().ruleset)).reach
    rows = clos("verify", "-t", TOPOLOGY, "--dump", spoilt(tmp_path), "--json").data["reach"]
    assert {(row["port"], row["host"]) for row in rows} == {
        (str(at), host) for at, reached in found.items() for host in reached
    }
    assert "app1" in found[PortRef("leaf1", 11)]
    assert "desk1" not in found[PortRef("leaf1", 11)]


# Reports


@pytest.fixture
def report(tmp_path: Path) -> Verification:
    """A proof, a vacuous one, counterexamples, and a state without an answer."""
    sources = Sources(demo().topology, demo().intent)
    path = spoilt(tmp_path, *(SPOILT[i].change for i in (2, 0, 1)))
    found = verify_states(demo().intent, demo().topology, dumped(path).states)
    whole = sources.stage("as spoilt", found, (), 1.5)
    empty = sources.stage("empty", Report((Proof("policy", "all", "nobody sends \x00"),)), (), 0.25)
    silent = sources.stage("silent", Report((), (), Refused("an odd <field> & more")), (), 0.25)
    return Verification("everything", (whole, empty, silent), None, ("some state",))


def test_junit_has_a_case_for_every_claim_and_counts_them(report: Verification) -> None:
    root = ET.fromstring(junit(report).encode())
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["as spoilt", "empty", "silent"]
    for suite in (*suites, root):
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len(list(suite.iter("failure")))
        assert int(suite.get("errors", "")) == len(list(suite.iter("error")))
        float(suite.get("time", ""))
    names = [case.get("name") for case in suites[0]]
    assert names == list(SEVEN)
    failed = [case for case in suites[0] if case.find("failure") is not None]
    assert {case.get("name") for case in failed} >= {"policy", "admitted", "isolated"}
    assert all("sendp(" in (case[0].text or "") and case[0].get("message") for case in failed)
    assert "vacuously true: nobody sends \N{REPLACEMENT CHARACTER}" in (suites[1][0].findtext("system-out") or "")
    assert suites[2].find("testcase/error") is not None


def test_sarif_is_of_the_form_that_its_schema_asks_for(report: Verification) -> None:
    log = json.loads(sarif(report, "topologies/demo.yaml"))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    assert run["tool"]["driver"]["name"] == "Clos"
    assert run["invocations"][0]["executionSuccessful"] is False
    assert {note["level"] for note in run["invocations"][0]["toolExecutionNotifications"]} == {"error", "note"}
    told = [one for stage in report.stages for one in stage.refutations]
    assert len(run["results"]) == len(told) > 5
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["kind"], result["level"]) == ("fail", "error")
        assert result["message"]["text"]
        for at in (*result["locations"], *result["relatedLocations"]):
            physical = at["physicalLocation"]
            assert (ROOT / physical["artifactLocation"]["uri"].removeprefix("file://")).exists()
            assert physical["region"]["startLine"] >= 1 and physical["region"]["startColumn"] >= 1
        assert [at["id"] for at in result["relatedLocations"]] == list(range(1, len(result["relatedLocations"]) + 1))
        for flow in result["codeFlows"]:
            assert all(step["location"]["message"]["text"] for way in flow["threadFlows"] for step in way["locations"])
        bytes.fromhex(result["properties"]["hex"])
    prints = [result["partialFingerprints"]["closCounterexample/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


SARIF_KEYS = {
    "log": {"$schema", "version", "runs"},
    "run": {"tool", "invocations", "columnKind", "results", "properties"},
    "rule": {"id", "name", "shortDescription", "defaultConfiguration"},
    "invocation": {"executionSuccessful", "exitCode", "toolExecutionNotifications"},
    "notification": {"level", "message"},
    "result": {"ruleId", "ruleIndex", "kind", "level", "message", "locations", "relatedLocations", "codeFlows",
               "partialFingerprints", "properties"},
    "location": {"id", "physicalLocation", "logicalLocations", "message"},
    "physicalLocation": {"artifactLocation", "region"},
    "region": {"startLine", "startColumn"},
}  # fmt: skip
"""Keys that SARIF 2.1.0's schema, which allows no others, knows in these objects: those that are used."""


def test_sarif_has_no_key_that_its_schema_does_not_allow(report: Verification) -> None:
    log = json.loads(sarif(report, "topologies/demo.yaml"))
    run = log["runs"][0]
    results = run["results"]
    places = [at for one in results for at in (*one["locations"], *one["relatedLocations"])]
    steps = [
        s["location"] for one in results for f in one["codeFlows"] for t in f["threadFlows"] for s in t["locations"]
    ]
    physical = [at["physicalLocation"] for at in places]
    invocations = run["invocations"]
    found = {
        "log": [log], "run": [run], "rule": run["tool"]["driver"]["rules"], "invocation": invocations,
        "notification": invocations[0]["toolExecutionNotifications"], "result": results,
        "location": places + steps, "physicalLocation": physical, "region": [one["region"] for one in physical],
    }  # fmt: skip
    for kind, objects in found.items():
        assert objects
        assert {key for one in objects for key in one} <= SARIF_KEYS[kind], kind


def test_reports_are_written_beside_the_text(tmp_path: Path) -> None:
    files = tmp_path / "v.xml", tmp_path / "v.sarif"
    ran = clos("verify", *DEMO, "--junit", files[0], "--sarif", files[1])
    assert (ran.code, ran.out.splitlines()[-1][:15]) == (PROVED, "7 claims proved")
    assert ET.parse(files[0]).getroot().get("tests") == "7"
    assert json.loads(files[1].read_text())["runs"][0]["results"] == []


def test_a_counterexample_without_any_line_is_shown_at_the_topology() -> None:
    found = Counterexample("quiet", PortRef("leaf1", 11), "web1", "a packet", b"\0" * 14, "Ether()", (), ())
    stage = Sources(demo().topology).stage("s", Report((), (found,), None, 1), (), 0.0)
    result = json.loads(sarif(Verification("s", (stage,)), "topologies/demo.yaml"))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "topologies/demo.yaml"


# Wrong questions


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*DEMO, "--claim", "nonsense"), "--claim nonsense: no such claim; choose from admitted, isolated"),
        ((*DEMO, "--claim", NO_BLACK_HOLE), "this claim is for dumps without intents"),
        (("intents/none.yaml", "-t", TOPOLOGY), "intents/none.yaml: no such file or directory"),
        (("--dump", "README.md"), "missing --topology FILE"),
        (("-t", TOPOLOGY, "--dump", "nowhere"), "nowhere: no such file or directory"),
        ((*DEMO, "--live", "--plan"), "--live, --plan and --dump exclude each other"),
        ((*DEMO, "--from", INTENTS), "pass --plan too"),
        ((*DEMO, "--junit", "/nowhere/x.xml"), "/nowhere/x.xml: cannot be written"),
        ((*DEMO, "--state", "/nowhere", "--live"), "no daemon runs on /nowhere"),
    ],
)
def test_a_question_that_has_no_answer_is_neither_proved_nor_refuted(words: tuple[str, ...], says: str) -> None:
    ran = clos("verify", *words)
    assert ran.code == (COULD_NOT if "--live" in words and "--plan" not in words else USAGE)
    assert says in ran.err


def test_dumps_that_cannot_be_read_are_refused_with_every_line(tmp_path: Path) -> None:
    for switch in demo().topology.switches:
        (tmp_path / f"{switch}.flows").write_text(" colour=red actions=drop\n" if switch == "leaf2" else "")
    ran = clos("verify", "-t", TOPOLOGY, "--dump", tmp_path)
    assert (ran.code, ran.out) == (COULD_NOT, "")
    assert ran.err.splitlines()[0] == f"{tmp_path}/leaf2.flows:1:2: colour: no field that Clos knows"


def test_an_empty_fabric_is_sound_and_says_that_it_says_little(tmp_path: Path) -> None:
    for switch in demo().topology.switches:
        (tmp_path / f"{switch}.flows").write_text("OFPST_FLOW reply (OF1.3) (xid=0x2):\n")
    ran = clos("verify", "-t", TOPOLOGY, "--dump", tmp_path)
    assert ran.code == PROVED
    assert "no-black-hole is vacuously true: no switch sends a packet on" in ran.out
    assert "leaf1:11 reaches no host" in ran.out or "  leaf1:11" in ran.out
    assert set(INVARIANTS) == {row.split()[1] for row in ran.out.splitlines()[1:4]}


def _small(folder: Path, **dumps: str) -> tuple[str | Path, ...]:
    """What to say to have two leaves, a spine and two hosts judged by these dumps."""
    topology = folder / "small.yaml"
    topology.write_text(
        "apiVersion: clos/v1\nkind: Topology\nmetadata: {name: small}\nspec:\n  switches:\n"
        "    spine1: {role: spine, dpid: 0x1}\n    leaf1: {role: leaf, dpid: 0x2}\n    leaf2: {role: leaf, dpid: 0x3}\n"
        "  links:\n    - [leaf1:1, spine1:1]\n    - [leaf2:1, spine1:2]\n  hosts:\n"
        "    h1: {port: leaf1:11, mac: 02:00:00:00:00:01}\n    h2: {port: leaf2:11, mac: 02:00:00:00:00:02}\n"
    )
    dump = folder / "dump"
    dump.mkdir()
    for switch in ("spine1", "leaf1", "leaf2"):
        (dump / f"{switch}.flows").write_text(dumps.get(switch, ""))
    return "verify", "-t", topology, "--dump", dump


def test_hosts_that_nobody_reaches_are_in_the_answer(tmp_path: Path) -> None:
    words = _small(tmp_path, leaf2=" priority=1 actions=output:1\n", spine1=" priority=1 actions=output:1\n",
                   leaf1=" priority=1,in_port=1 actions=output:11\n")  # fmt: skip
    done = clos(*words)
    assert done.code == 0
    assert re.search(r"^ +h1 +h2$", done.out, re.MULTILINE)
    assert json.loads(clos(*words, "--json").out)["unreached"] == ["h2"]


def test_ports_that_the_topology_lacks_are_told(tmp_path: Path) -> None:
    """What rules send to, take packets from and watch, and what descriptions of ports have."""
    show = " 11(eth11): addr:02:00:00:00:00:0b\n 12(eth12): addr:02:00:00:00:00:0c\n"
    words = _small(
        tmp_path, leaf1=f"{show} priority=2,in_port=13 actions=output:11\n priority=1 actions=output:7,output:7\n"
    )
    (tmp_path / "dump" / "leaf1.groups").write_text("group_id=1,type=ff,bucket=watch_port:9,actions=output:11\n")
    assert "Not in the topology: leaf1: " in clos(*words).out
    told = json.loads(clos(*words, "--json").out)["strange"]
    assert len(told) == 4
    for part in ("2 actions send to port 7", "1 rule takes only packets from port 13", "1 bucket watches port 9",
                 "the switch has port 12"):  # fmt: skip
        assert any(f"leaf1: {part}" in line for line in told), part
    assert all(f"{tmp_path}/dump/leaf1.flows:" in line for line in told if "watches" not in line)


def test_the_place_to_look_at_is_where_a_packet_is_lost(tmp_path: Path) -> None:
    words = _small(tmp_path, leaf1=" priority=1 actions=output:1\n", spine1="\n priority=1 actions=output:2\n",
                   leaf2=" priority=1 actions=drop\n")  # fmt: skip
    done = clos(*words, "--claim", "no-black-hole")
    assert done.code == 1
    assert "leaf2.flows:1:2" in done.out.splitlines()[-1]
    assert "leaf1.flows" not in done.out
