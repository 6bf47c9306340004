"""The demonstration: it holds what it claims, says so when it does not, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from clos.controller.cli.commands.demo import ACTS
from clos.controller.cli.demo_stage import Ran
from clos.controller.cli.demo_story import Story
from tests.support.waiting import wait_for

DEMO = [sys.executable, "-m", "clos.controller.cli", "demo"]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "CLOS_STATE": "/nonexistent", "NO_COLOR": "1"}


def test_every_claim_holds(tmp_path: Path) -> None:
    done = subprocess.run(DEMO, env=_environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [f"=== {title}" for title, _ in ACTS] == re.findall(r"^=== .*", done.stdout, re.MULTILINE)
    claims = re.findall(r"^ok  .*", done.stdout, re.MULTILINE)
    assert f"{len(claims)} of {len(claims)} claims hold" in done.stdout and len(claims) > 20
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_demonstration_that_is_ended_takes_its_controller_with_it(tmp_path: Path) -> None:
    running = subprocess.Popen(
        DEMO, env=_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    address = wait_for(lambda: next(tmp_path.glob("*/.clos/daemon.json"), None))
    pid = int(re.search(r'"pid": (\d+)', address.read_text()).group(1))
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert not Path(f"/proc/{pid}").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_does_not_hold_is_remembered(capsys) -> None:
    story = Story()
    story.claim("the sky is blue", True)
    story.ran("it runs", Ran(3, "no"), code=0)
    story.ran("it says so", Ran(0, "no"), words="yes")
    assert (story.held, story.broken) == (1, ["it runs (exit code 3)", "it says so (exit code 0)"])
    assert capsys.readouterr().out.count("NOT ") == 2
