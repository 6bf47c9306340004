"""``clos migrate run`` and its companions as a user runs them, also killed and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import yaml

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.migrate.plan.model import FORMAT, Phase, Plan, Step
from clos.controller.migrate.plan.plan_json import plan_text
from clos.controller.migrate.run.configuration import digest
from tests.support.legacy import PASSWORD, network
from tests.support.legacy_thread import LegacyThread
from tests.support.migration_run import configs, described, operating
from tests.support.signals import FRESH

pytestmark = pytest.mark.slow


class Place:
    """A plan directory for the small network, and commands run on it."""

    def __init__(self, running: LegacyThread, directory: Path) -> None:
        self.running, self.directory = running, directory
        known = directory / "known_hosts"
        known.write_text(running.listening.known_hosts, encoding="utf-8")
        devices = {name: {"host": "127.0.0.1", "port": port} for name, port in running.listening.ports.items()}
        defaults = {"username": "root", "known_hosts": str(known)}
        inventory = yaml.safe_dump({"defaults": defaults, "devices": devices})
        (directory / "inventory.yaml").write_text(inventory, encoding="utf-8")
        self.start = self.digests()
        steps = tuple(
            Step(f"2.{n}", f"step {n}", commands=(described("sw1", n, f"word{n}"), described("sw2", n, f"word{n}")))
            for n in (3, 4)
        )
        last = Step("3.5", "last", commands=(described("sw1", 5, "word5", risky=False),))
        phases = (Phase(2, "extend", "", "", steps), Phase(3, "coexist", "", "", (last,)))
        plan = Plan(FORMAT, "small", "d", "fabric.yaml", phases, configs=self.start)
        (directory / "plan.json").write_text(plan_text(plan), encoding="utf-8")

    def digests(self) -> dict[str, str]:
        with operating(self.running, self.directory) as operator:
            return {name: digest(text) for name, text in configs(operator).items()}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "clos.controller.cli", "migrate", *words[:1], str(self.directory), *words[1:]]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CLOS_MIGRATE_PASSWORD": PASSWORD, "CLOS_STATE": str(self.directory / "none")}

    def clos(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.clos("status", "--json").stdout)
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with LegacyThread(network()) as running:
        yield Place(running, tmp_path)


def test_a_plan_is_run_looked_at_and_taken_back(place: Place) -> None:
    assert place.status()["phase"] is None
    asked = place.clos("run")
    assert asked.returncode == 2 and "--yes" in asked.stderr
    done = place.clos("run", "--yes", "--to", "2", "--allow", "nonsense", "--allow", "deletes")
    assert done.returncode == 0, done.stderr
    assert "--allow nonsense: no brake has this name; the plan's are none" in done.stderr
    assert "--allow deletes" not in done.stderr
    assert "in force" in done.stdout and "report.md" in done.stdout
    assert [row["state"] for row in place.status()["phases"]] == ["in force", "not begun"]
    report = (place.directory / "report.md").read_text(encoding="utf-8")
    assert "`description word3`" in report and "accepted" in report
    assert "No probes were sent: what hosts lost is not known." in report
    assert place.clos("run", "--yes").returncode == 0
    assert place.clos("rollback", "--yes").returncode == 0
    assert [row["state"] for row in place.status()["phases"]] == ["in force", "not begun"]
    for nowhere in ("-5", "9"):
        refused = place.clos("rollback", "--yes", "--to", nowhere)
        assert refused.returncode == 2 and "no such phase; it has 2, 3" in refused.stderr
    assert [row["state"] for row in place.status()["phases"]] == ["in force", "not begun"]
    assert place.clos("rollback", "--yes", "--to", "0").returncode == 0
    assert place.digests() == place.start
    assert "Nothing of the plan is in force" in place.clos("rollback", "--yes").stdout


def test_a_phase_that_nobody_accepts_is_not_saved(place: Place) -> None:
    done = place.clos("run", "--yes", "--to", "9")
    assert done.returncode == 2 and "no such phase; it has 2, 3" in done.stderr
    place.running.do(lambda net: net.devices["sw1"].edit(["interface GigabitEthernet1/0/8", "shutdown"]))
    stopped = place.clos("run", "--yes")
    assert stopped.returncode == 3 and "--accept-config sw1" in stopped.stdout
    assert place.clos("run", "--yes", "--accept-config", "sw1").returncode == 0
    assert place.clos("run", "--yes", "--accept-config", "sw9").returncode == 2


def test_a_file_that_is_no_plan_is_named(place: Place) -> None:
    every = (("run", "--yes"), ("status",), ("rollback", "--yes"), ("pause",))
    for text in ("", "{}", '{"format": 99}', "[1]", '{"format": 1, "name": 7}'):
        (place.directory / "plan.json").write_text(text, encoding="utf-8")
        for words in every if not text else (("status",),):
            done = place.clos(*words)
            assert done.returncode == 2 and "plan.json" in done.stderr and "Traceback" not in done.stderr


def test_another_plan_beside_the_journal_is_refused(place: Place) -> None:
    assert place.clos("run", "--yes", "--to", "2").returncode == 0
    path = place.directory / "plan.json"
    path.write_text(path.read_text(encoding="utf-8").replace("step 3", "step three"), encoding="utf-8")
    done = place.clos("run", "--yes")
    assert done.returncode == 3 and "the journal of another plan" in done.stderr


def test_a_second_operator_is_refused_and_may_ask_for_a_pause(place: Place) -> None:
    with subprocess.Popen(place.command("run", "--yes"), env=place.environment, stderr=subprocess.PIPE) as first:
        assert first.stderr is not None and b"phase 2" in first.stderr.readline()
        second = place.clos("run", "--yes")
        if first.poll() is None:
            assert second.returncode == 3 and "another operator" in second.stderr
            place.clos("pause")
        first.communicate(timeout=60)
        assert first.returncode in (0, 3)
    assert place.clos("run", "--yes").returncode == 0


def test_killed_at_any_instant_a_run_goes_on_and_goes_back(place: Place) -> None:
    random = Random(7)
    for turn in range(8):
        words = ("run", "--yes") if turn % 2 == 0 else ("rollback", "--yes", "--to", "0")
        with subprocess.Popen(place.command(*words), env=place.environment, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            for _ in range(random.randint(0, 9)):
                process.stderr.readline()
            process.send_signal(signal.SIGKILL)
            process.communicate()
        told = place.clos("status", "--json")
        status = json.loads(told.stdout)
        assert status["phase"] in (None, 2, 3)
        half = {row["state"] for row in status["phases"]} & {"under way", "going back"}
        assert told.returncode == (3 if half or status["in_doubt"] or status["cut_off"] else 0), status
    assert place.clos("run", "--yes").returncode == 0
    assert all(row["state"] == "in force" for row in place.status()["phases"])
    assert place.clos("rollback", "--yes", "--to", "0").returncode == 0
    assert place.digests() == place.start
    assert not place.running.do(lambda net: any(device.waits for device in net.devices.values()))
    assert place.running.do(lambda net: all(net.devices[n].running == net.devices[n].startup for n in ("sw1", "sw2")))


def test_ctrl_c_says_how_to_go_on(place: Place) -> None:
    with subprocess.Popen(
        [*FRESH, *place.command("run", "--yes")], env=place.environment, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        while b"push: " not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, words = process.communicate()
    assert process.returncode == 130 and b"Traceback" not in words, words
    assert b"interrupted: clos migrate status shows where it stands" in words
    assert place.clos("run", "--yes").returncode == 0


def test_a_plan_that_names_what_is_not_there_touches_nothing(place: Place) -> None:
    strange = Step("4.1", "x", intents="intents/x.yaml", commands=(described("sw9", 5, "word5"),))
    outside = Step("4.2", "y", intents="../y.yaml")
    phases = (Phase(2, "a", "", "", (Step("2.1", "a", commands=(described("sw1", 3, "a"),)), strange, outside)),)
    plan = Plan(FORMAT, "small", "d", "fabric.yaml", phases, configs=place.start)
    (place.directory / "plan.json").write_text(plan_text(plan), encoding="utf-8")
    done = place.clos("run", "--yes")
    assert done.returncode == 2 and "nothing was done" in done.stderr
    assert "device 'sw9' is in the plan and not in the inventory" in done.stderr
    assert "fabric.yaml is not there" in done.stderr and "x.yaml is not there" in done.stderr
    assert "'../y.yaml' leads out of the plan's directory" in done.stderr
    assert place.digests() == place.start
    assert not (place.directory / "journal.db").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--control", "nowhere/control"), 3, "the simulation at nowhere/control does not do status: No such file"),
        (("--control", "127.0.0.1:1"), 3, "does not do status: Connection refused"),
        (("--known-hosts", "nowhere/hosts"), 2, "--known-hosts nowhere/hosts: there is no such file"),
    ],
)
def test_a_word_that_leads_nowhere_is_told_before_anything_is_done(
    place: Place, words: tuple[str, ...], code: int, says: str
) -> None:
    for command in ("run", "rollback"):
        done = place.clos(command, "--yes", *words)
        assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert not (place.directory / "journal.db").exists() and not (place.directory / "run.lock").exists()
    assert place.status()["direction"] is None
