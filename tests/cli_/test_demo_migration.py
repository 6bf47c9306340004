"""The demonstration of a migration: a VLAN walks onto the fabric and back; whatever ends it, nothing of it stays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.cli import demo_migration_story as story_
from clos.controller.cli.demo_migration_story import ACTS, play
from clos.controller.cli.demo_story import Story
from clos.fabric.sim.control.server import ControlError
from tests.support.waiting import wait_for

DEMO = [sys.executable, "-m", "clos.controller.cli", "demo", "--migration"]


def _environment(folder: Path) -> dict[str, str]:
    own = {"CLOS_STATE": "/nonexistent", "CLOS_MIGRATE_PASSWORD": "wrong", "NO_COLOR": "1"}
    return {**os.environ, "TMPDIR": str(folder), **own}


@pytest.mark.slow
def test_every_claim_holds_and_is_told_to_programs_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--json"], env=_environment(tmp_path), capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [f"=== {title}" for title, _ in ACTS] == re.findall(r"^=== .*", done.stderr, re.MULTILINE)
    told = json.loads(done.stdout)
    assert all(claim["holds"] for claim in told["claims"]), told
    assert told["held"] == told["of"] == len(re.findall(r"^ok  .*", done.stderr, re.MULTILINE)) > 20
    assert {claim["act"] for claim in told["claims"]} == {title for title, _ in ACTS}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demonstration_that_is_ended_takes_its_processes_with_it(tmp_path: Path, number: signal.Signals) -> None:
    running = subprocess.Popen(
        DEMO, env=_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: next(tmp_path.glob("*/bank-run/inventory.yaml"), None))
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert len(children) == 2
    running.send_signal(number)
    running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert list(tmp_path.iterdir()) == []


def test_an_act_that_cannot_be_looked_at_is_a_claim_that_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scene: Any, _story: Story) -> None:
        raise ControlError("the simulation is gone")

    later: list[str] = []
    monkeypatch.setattr(story_, "ACTS", (("One", broken), ("Two", lambda *_: later.append("two"))))
    story = Story()
    play(None, story)  # type: ignore[arg-type]
    assert story.broken == ["One: looked at to its end (the simulation is gone)"] and not later
