"""The command line and a running controller: plans, changes, history, and what is said when things go wrong."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clos.controller.api.access import find
from clos.controller.cli.openflow_address import address
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.sim.openflow import mods
from clos.fabric.sim.openflow.server import SimThread
from tests.support.cli_run import ROOT, clos, edited
from tests.support.controller_fixtures import INTENTS, NOBODY, TOPOLOGY
from tests.support.waiting import wait_for


def test_a_fabric_is_brought_to_its_intents_and_back(fabric: tuple[Path, SimThread], tmp_path: Path) -> None:
    state, sim = ("--state", fabric[0]), fabric[1]
    assert clos("plan", INTENTS, *state, "--detailed-exitcode").code == 4
    assert "Revision 1 is in force: " in clos("apply", INTENTS, *state, "--yes", "--why", "first", "--who", "ann").out
    assert sim.probe("shop/web1", "shop/app1", "tcp", 8080).ok
    assert clos("plan", INTENTS, *state, "--detailed-exitcode").code == 0
    assert "Nothing to change" in clos("apply", INTENTS, *state, "--yes").out

    other = edited(tmp_path, "services: [tcp/8080]", "services: [tcp/8081]")
    assert clos("apply", other, *state, "-y", "--json").data["counts"]["delete"] > 0
    assert not sim.probe("shop/web1", "shop/app1", "tcp", 8080).ok
    there, here = (
        clos("diff", "1", "2", *state, "--json").data,
        clos("diff", INTENTS, other, "-t", TOPOLOGY, "--json").data,
    )
    assert there["summary"] == here["summary"]
    assert "tcp/8081" in clos("history", "2", *state).out
    assert "Permitted" in clos("explain", *state, "--from", "web1", "--to", "app1", "-s", "tcp/8081").out

    assert "Revision 3 is in force" in clos("rollback", *state, "--yes").out
    assert sim.probe("shop/web1", "shop/app1", "tcp", 8080).ok
    rows = clos("history", *state, "--json").data["revisions"]
    assert [(row["number"], row["current"], row["who"]) for row in rows][2] == (1, False, "ann")
    status = clos("status", *state, "--read-back", "--json")
    assert (status.code, status.data["revision"], status.data["in_line"]) == (0, 3, 6)


def test_what_a_switch_holds_is_what_the_intents_compile_to(fabric: tuple[Path, SimThread]) -> None:
    state = ("--state", fabric[0])
    assert clos("apply", INTENTS, *state, "--yes").code == 0
    here = clos("inspect", *state, "-s", "leaf3", "--json").data
    live = clos("inspect", *state, "-s", "leaf3", "--live", "--json").data
    for rule in here["rules"]:
        del rule["name"]
    assert live == here
    assert "tenants.shop.policies.ping" in clos("inspect", *state, "-s", "leaf3", "--live").out
    there, held = (
        clos("inspect", *state, "-s", "leaf3", "--shadowed", *more, "--json").data for more in ([], ["--live"])
    )
    assert held == there and held["rules"] == len(here["rules"])


def test_numbers_kept_for_life_are_those_shown(fabric: tuple[Path, SimThread], tmp_path: Path) -> None:
    """A tenant goes, the others keep their numbers; compiled afresh they would get others."""
    state = ("--state", fabric[0])
    first, *others = (ROOT / INTENTS).read_text().split("---\n")
    early, late = tmp_path / "early.yaml", tmp_path / "late.yaml"
    early.write_text(NOBODY)
    late.write_text("---\n".join([NOBODY.replace("nobody", "aaa"), first, *others]))
    assert clos("apply", early, *state, "--yes").code == 0
    assert clos("apply", late, *state, "--yes", "--allow-delete-tenant=nobody").code == 0
    assert clos("apply", INTENTS, *state, "--yes", "--allow-deletes", "--allow-delete-tenant", "aaa").code == 0
    here = clos("inspect", *state, "-s", "leaf1", "--json").data
    for rule in here["rules"]:
        del rule["name"]
    assert clos("inspect", *state, "-s", "leaf1", "--live", "--json").data == here
    afresh = clos("inspect", INTENTS, "-t", TOPOLOGY, "-s", "leaf1", "--json").data
    assert [rule["match"] for rule in afresh["rules"]] != [rule["match"] for rule in here["rules"]]


def test_changes_that_must_be_asked_for_are(fabric: tuple[Path, SimThread], tmp_path: Path) -> None:
    state = ("--state", fabric[0])
    assert clos("apply", INTENTS, *state, "--yes").code == 0
    empty = tmp_path / "empty.yaml"
    empty.write_text(
        "apiVersion: clos/v1\nkind: Tenant\nmetadata: {name: none}\nspec: {networks: {n: {subnet: 10.0.0.0/24}}}\n"
    )
    assert "--allow-deletes" in clos("plan", empty, *state).out
    refused = clos("apply", empty, *state, "--yes", "--json")
    gone = ["delete-tenant=infra", "delete-tenant=office", "delete-tenant=shop"]
    assert (refused.code, refused.data["code"], refused.data["allow"]) == (1, "brakes", [*gone, "deletes"])
    given = [word for name in ("infra", "office", "shop") for word in ("--allow-delete-tenant", name)]
    assert clos("apply", empty, *state, "--yes", "--allow-deletes", *given[2:]).code == 1
    assert clos("apply", empty, *state, "--yes", "--allow-deletes", *given).code == 0


def test_what_others_put_on_a_switch_is_an_answer_of_no(fabric: tuple[Path, SimThread]) -> None:
    state, sim = ("--state", fabric[0]), fabric[1]
    assert clos("apply", INTENTS, *state, "--yes").code == 0
    assert clos("status", *state).code == 0
    rule = Rule(0, 60_000, ANY, Instructions(write=(Output(1),)), 7)
    sim.call(lambda network: mods.add_rule(network.switches["leaf1"], rule))
    found = clos("status", *state, "--read-back")
    assert found.code == 1 and "1 that Clos did not install" in found.out
    found = clos("status", *state)
    assert found.code == 1 and "1 entry on switches that Clos did not install" in found.out
    found = clos("repair", *state)
    assert found.code == 1
    assert "leaf1: 1 entry that Clos did not install, left in place (remove: --remove-foreign)" in found.out
    assert clos("repair", *state, "--json").data["foreign"] == {"leaf1": 1}
    assert clos("repair", *state, "--remove-foreign").out == "Every switch was read back and is in sync.\n"
    sim.fail("crash", "leaf2")
    wait_for(lambda: clos("status", *state, "--json").data["connected"] == 5)
    found = clos("repair", *state)
    assert found.code == 3
    assert "Not connected, so not read back: leaf2" in found.out


def test_nobody_is_asked_where_nobody_sits(fabric: tuple[Path, SimThread], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = clos("apply", INTENTS, "--state", fabric[0])
    assert (ran.code, ran.out) == (2, "") and "--yes" in ran.err
    assert clos("status", "--state", fabric[0], "--json").data["revision"] == 0


def test_wrong_intents_are_refused_with_every_line(state: Path, tmp_path: Path) -> None:
    ran = clos("apply", edited(tmp_path, "{from: web, to: app,", "{from: web, to: ap,"), "--state", state, "--yes")
    assert ran.code == 1 and ":28:23: spec.policies[0].to: unknown group ap; did you mean app?\n" in ran.err


def test_absent_switches_and_revisions_are_told(state: Path) -> None:
    ran = clos("apply", INTENTS, "--state", state, "--yes")
    assert ran.code == 1 and "--allow-offline" in ran.err
    assert clos("rollback", "7", "--state", state, "--yes").code == 2
    assert clos("status", "--state", state).code == 1
    assert clos("history", "7", "--state", state).code == 2


@pytest.mark.parametrize(
    "words", [("status",), ("history",), ("apply", INTENTS, "--yes"), ("rollback", "1"), ("repair",)]
)
def test_without_a_controller_nothing_can_be_checked(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = clos(*words, "--state", tmp_path)
    assert (ran.code, ran.out) == (3, "") and "clos serve" in ran.err


def test_a_second_controller_on_one_directory_is_refused(state: Path) -> None:
    ran = clos("serve", TOPOLOGY, "--state", state, "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0")
    assert ran.code == 3 and "another daemon" in ran.err


def test_the_simulator_connects_to_any_controller(state: Path) -> None:
    port = find(state).openflow[1]
    words = ["sim", TOPOLOGY, "--controller", f"tcp:127.0.0.1:{port}", "--intents", INTENTS]
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "clos.controller.cli", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: clos("status", "--state", state, "--json").data["connected"] == 6)
    finally:
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=20)
    assert running.returncode == 0 and out.startswith(f"clos: 6 switches of demo connect to 127.0.0.1:{port}\n")


def test_addresses_are_read_strictly() -> None:
    assert address("tcp:127.0.0.1:6653") == ("127.0.0.1", 6653)
    assert address("[::1]:0") == ("::1", 0)
    for word in ("6653", "host:", ":1", "host:70000", "host:x"):
        assert clos("sim", TOPOLOGY, "--controller", word).code == 2
