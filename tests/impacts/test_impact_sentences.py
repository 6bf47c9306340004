"""What a plan means, as people and programs are told: by the command line, by the daemon, in the history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clos.controller.cli.render.impact import FIRST
from clos.controller.daemon.compose import overlay
from clos.controller.impact.impact import NOTHING
from tests.support.cli_run import BANK, DEMO, clos, edited
from tests.support.daemon_harness import DEMO as DOCUMENT
from tests.support.daemon_harness import Rig
from tests.support.daemon_harness import edited as documents

CHANGED = "tests/goldens/changed.yaml"
NEWLY = "newly permits shop/web -> shop/db tcp/1433"
ALIKE = "rules before and after treat all other packets alike"


def test_a_plan_begins_with_what_changes() -> None:
    lines = clos("plan", CHANGED, "--from", *DEMO).out.splitlines()
    assert lines[:4] == ["From intents/demo.yaml:", "What changes:", f"  {NEWLY}", f"  nothing else changes: {ALIKE}"]


def test_the_first_lines_are_shown_unless_all_are_wanted() -> None:
    first = clos("plan", *DEMO, "--offline").out.splitlines()
    every = clos("plan", *DEMO, "--offline", "--all").out.splitlines()
    sentences = clos("plan", *DEMO, "--offline", "--json").data["difference"]["sentences"]
    assert every[2 : 2 + len(sentences)] == [f"  {one['text']}" for one in sentences]
    assert first[2 : 2 + FIRST] == every[2 : 2 + FIRST]
    assert first[2 + FIRST] == f"  and {len(sentences) - FIRST} more (--all)"


def test_programs_get_the_very_packets() -> None:
    found = clos("plan", CHANGED, "--from", *DEMO, "--json").data["difference"]
    assert found["text"] == f"{NEWLY}; nothing else changes"
    assert [one["services"] for one in found["sentences"]] == [["tcp/1433"]]
    there, back = found["packets"]
    assert [end["ipv4_src"] for end in there["from"]] == ["10.1.1.11", "10.1.1.12"]
    assert [end["ipv4_dst"] for end in there["to"]] == ["10.1.2.21"]
    assert (there["traffic"], back["traffic"]) == (
        [{"ip_proto": "6", "tcp_dst": "1433"}],
        [{"ip_proto": "6", "tcp_src": "1433"}],
    )
    assert (there["from"][0]["ports"], there["way"], found["omitted"]) == (["leaf1:11"], "routed", 0)


def test_packets_that_are_not_written_out_are_counted() -> None:
    found = clos("plan", CHANGED, "--from", *DEMO, "--json", "--limit", "3").data["difference"]
    assert (len(found["packets"]), found["omitted"]) == (1, 1)


def test_two_ways_to_say_the_same_are_no_difference(tmp_path: Path) -> None:
    path = edited(tmp_path, "{name: ping, from: everyone, to: everyone,", "{name: icmp, from: everyone, to: everyone,")
    out = clos("diff", "intents/demo.yaml", path, "-t", "topologies/demo.yaml").out
    assert out.splitlines()[1:3] == ["What changes:", f"  {NOTHING}: rules before and after treat all packets alike"]


def test_rules_that_were_not_compared_are_owned_up_to() -> None:
    out = clos("plan", *BANK, "--offline").out
    assert "by the intents (rules not compared: there are more than 4,000 rules; plan --untouched" in out


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch) as made:
        yield made


def test_the_history_keeps_what_a_revision_meant(rig: Rig) -> None:
    rig.apply()
    line = "    - {from: app, to: db, services: [tcp/5432]}\n"
    sources = documents(line, f"{line}    - {{from: web, to: db, services: [tcp/1433]}}\n")
    rig.apply(sources)
    assert rig.daemon.revisions.get(2).summary["means"] == [NEWLY]
    assert rig.daemon.changes.plan([DOCUMENT]).difference().sentences[0].text == NEWLY.replace("permits", "refuses")


def test_drift_that_a_plan_mends_is_told_with_a_packet(rig: Rig) -> None:
    rig.apply()
    draft = rig.daemon.changes.plan([DOCUMENT])
    held = draft.installed.state("leaf1")
    lost = next(rule for rule in held.rules if rule.table == 4)
    seen = {"leaf1": held._replace(rules=tuple(rule for rule in held.rules if rule is not lost))}
    drifted = replace(draft, installed=overlay(draft.installed, seen))
    means = drifted.difference()
    assert str(means) == NOTHING
    found = drifted.untouched(means)
    assert found.strays and all(one.before == "dropped" for one in found.strays)
    assert draft.untouched(means).ok
