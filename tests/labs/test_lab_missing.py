"""A lab where something is missing says what, a line for each thing, and that it could not be done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clos.lab.mininet import sandbox as cell
from clos.lab.ovs.processes import NEEDED
from tests.support.root import ROOT

TOPOLOGY = ROOT / "topologies/demo.yaml"
PROGRAM = """
import os, sys
os.geteuid = lambda: 65534  # who gives root's rights up in earnest may not read this interpreter's own files
import clos.lab.ovs.processes as ovs
ovs.PATHS = (sys.argv[1],)
from clos.controller.cli import main
main(["lab", *sys.argv[2:]])
"""


def run(tools: Path, *words: str) -> tuple[int, list[str]]:
    """``clos lab`` as an ordinary user who has these programs."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tools), *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "" and "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr.splitlines()


def test_every_missing_thing_has_a_line_of_its_own_with_what_to_do(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "up", str(TOPOLOGY), "--dir", str(tmp_path / "lab"))
    told = [line for line in lines if "is not installed" in line and "Python" not in line]
    assert code == 3
    assert sum("not root" in line for line in lines) == 1
    assert [line.removeprefix("clos: ").split()[0] for line in told] == list(cell.NEEDS)
    assert all("apt-get install " in line for line in told)
    assert not (tmp_path / "lab").exists()


def test_what_is_there_is_not_named(tmp_path: Path) -> None:
    for tool in (*NEEDED, "ip", "nsenter"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        os.chmod(tmp_path / tool, 0o755)
    os.chmod(tmp_path, 0o755)
    _, lines = run(tmp_path, "up", str(TOPOLOGY), "--dir", str(tmp_path / "lab"))
    gone = [line.removeprefix("clos: ").split()[0] for line in lines if "apt-get install" in line]
    assert gone == ["ovs-ofctl", "unshare", "mnexec", "tc"]


@pytest.mark.parametrize("words", [("status",), ("shell",), ("probe",), ("exec", "web1", "--", "true")])
def test_without_a_lab_every_command_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, lines = run(tmp_path, words[0], "--dir", str(tmp_path / "lab"), *words[1:])
    assert code == 3 and lines == [f"clos: no lab is up in {tmp_path / 'lab'}"]
