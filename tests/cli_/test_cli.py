"""The command line: what it answers, with which exit code, on which stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clos.controller.cli import COMMANDS, Row, load
from clos.controller.cli.commands import migrate
from clos.controller.cli.loading import Place
from tests.support.cli_run import DEMO, clos, edited


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_command_loads_and_describes_itself(row: Row) -> None:
    command = load(row.name)
    assert command.help.startswith(row.summary)
    assert clos(row.name, "--help").code == 0


@pytest.mark.parametrize("place", migrate.COMMANDS, ids=lambda place: place.name)
def test_a_group_says_of_its_commands_what_they_say_themselves(place: Place) -> None:
    assert place.load().help.startswith(place.summary)
    assert clos("migrate", place.name, "--help").code == 0


def test_sound_intents_are_valid() -> None:
    ran = clos("validate", *DEMO)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "Valid on demo: 3 tenants, 4 networks, 11 endpoints, 8 groups, 7 policies, 1 share.\n"


def test_every_problem_is_listed_with_its_place_and_exit_code_1(tmp_path: Path) -> None:
    path = edited(tmp_path, "{from: web, to: app,", "{from: web, to: ap,")
    ran = clos("validate", path, "-t", "topologies/demo.yaml")
    assert ran.code == 1 and ran.out == ""
    assert ran.err.startswith(f"{path}:28:23: spec.policies[0].to: unknown group ap; did you mean app?\n")
    assert ran.err.endswith("clos: 1 problem\n")


def test_json_carries_the_problems_and_the_same_exit_code(tmp_path: Path) -> None:
    ran = clos(
        "validate",
        edited(tmp_path, "{from: web, to: app,", "{from: web, to: ap,"),
        "-t",
        "topologies/demo.yaml",
        "--json",
    )
    assert ran.code == 1 and ran.err == ""
    assert ran.data["format_version"] == 1
    assert [(p["line"], p["path"]) for p in ran.data["problems"]] == [(28, "spec.policies[0].to")]


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("validate", "intents/demo.yaml", "-t", "missing.yaml"),
        ("validate", "missing.yaml", "-t", "topologies/demo.yaml"),
        ("validate", "--nonsense"),
        ("trace", *DEMO),
        ("trace", *DEMO, "--from", "web1", "--to", "nobody"),
        ("trace", *DEMO, "--from", "web1", "--to", "app1", "--service", "tcp"),
        ("trace", *DEMO, "--in", "leaf1:99", "--packet", "00"),
        ("trace", *DEMO, "--in", "leaf1:11", "--packet", "zz"),
        ("trace", *DEMO, "--from", "web1", "--to", "app1", "--link-down", "leaf9:1"),
    ],
    ids=" ".join,
)
def test_wrong_flags_and_paths_are_usage_errors(words: tuple[str, ...]) -> None:
    ran = clos(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err and "Traceback" not in ran.err


def test_a_fault_of_ours_is_one_line_and_exit_code_70(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOS_DEBUG", raising=False)
    monkeypatch.setattr("clos.controller.explain.inputs.load_topology", lambda *_: 1 / 0)
    ran = clos("validate", *DEMO)
    assert (ran.code, ran.out) == (70, "")
    assert ran.err.count("\n") == 1 and "please report it" in ran.err and "ZeroDivisionError" in ran.err


def test_a_plan_counts_what_changes_and_tells_the_shell(tmp_path: Path) -> None:
    path = edited(tmp_path, "{from: app, to: db, services: [tcp/5432]}", "{from: app, to: db, services: [tcp/5433]}")
    words = ("plan", path, "--from", *DEMO, "--detailed-exitcode")
    ran = clos(*words)
    assert ran.code == 4
    assert ran.out.endswith("Plan: 8 to add, 0 to change, 8 to delete on 4 switches in 1 batch\n")
    data = clos(*words, "--json").data
    assert data["summary"]["add"] == data["summary"]["delete"] == 8
    assert clos("plan", "intents/demo.yaml", "--from", *DEMO, "--detailed-exitcode").code == 0


def test_compile_prints_every_rule_of_every_switch() -> None:
    data = clos("compile", *DEMO, "--json").data
    rows = dict(line.split()[:2] for line in clos("compile", *DEMO).out.splitlines()[1:])
    assert {name: sum(rule["switch"] == name for rule in data["rules"]) for name in data["switches"]} == {
        name: int(count.replace(",", "")) for name, count in rows.items()
    }


def test_trace_names_table_rule_and_intent_line_at_each_hop() -> None:
    ran = clos("trace", *DEMO, "--from", "web1", "--to", "app2", "--service", "tcp/8080", "--expect", "delivered")
    assert ran.code == 0
    assert "5 policy   #30000 source=shop/everyone+web,target=shop/app+everyone" in ran.out
    assert "intents/demo.yaml:28:7 tenants.shop.policies.web-to-app" in ran.out
    assert ran.out.splitlines()[-1].startswith("delivered to app2 at leaf3:12: 10.1.1.11 > 10.1.2.12 tcp/8080 ttl 63")


def test_a_trace_that_ends_unexpectedly_fails() -> None:
    ran = clos("trace", *DEMO, "--from", "web1", "--to", "desk1", "--expect", "delivered", "--json")
    assert (ran.code, ran.data["outcome"]) == (1, "dropped")
    assert ran.data["drops"] == [{"switch": "leaf1", "hop": 0, "reason": "table 4: no rule matched"}]


def test_a_cut_link_moves_the_packet_to_the_other_spine() -> None:
    words = ("trace", *DEMO, "--from", "web1", "--to", "app2", "--service", "tcp/8080", "--json", "--link-down")
    via = {cut: clos(*words, cut).data["hops"][1]["switch"] for cut in ("leaf1:1", "leaf1:2")}
    assert via == {"leaf1:1": "spine2", "leaf1:2": "spine1"}


def test_a_generated_topology_is_one_that_can_be_read(tmp_path: Path) -> None:
    made = clos("topology", "generate", "--spines", 2, "--leaves", 4, "--hosts", 2, "--pairs", "--dual-homed", 1)
    path = tmp_path / "made.yaml"
    path.write_text(made.out)
    assert clos("topology", "check", path).out == "Valid: clos, 2 spines, 4 leaves, 8 links, 10 hosts.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "a b"), "--name 'a b': names are 1 to 63 letters, digits, dots, dashes and underscores"),
        (("--name", ""), "--name '': names are 1 to 63 letters"),
        (("--name", "a\nb"), "--name 'a\\nb': names are"),
        (("--hosts", 1_000_000), "2,000,000 hosts: a generated fabric has at most 100,000"),
        (("--borders", 50_000), "100,004 cables: a generated fabric has at most 100,000"),
        (("--speed", 10**12), "--speed"),
    ],
)
def test_a_fabric_that_cannot_be_generated_is_refused_with_what_can(words: tuple[object, ...], said: str) -> None:
    made = clos("topology", "generate", "--spines", 2, "--leaves", 2, *words)
    assert (made.code, made.out) == (2, "")
    assert said in made.err


def test_the_schema_is_what_editors_read() -> None:
    data = json.loads(clos("schema", "share").out)
    assert data["$schema"].startswith("https://json-schema.org/") and data["title"] == "Clos Share"
