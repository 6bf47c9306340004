"""A cut cable between real switches: what ``clos serve`` says of it, and when. Told by ports, not by silence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, running
from clos.lab.measure.controller_process import ControllerProcess, served
from tests.support.cli_run import ROOT

TOPOLOGY, INTENTS = ROOT / "topologies/demo.yaml", ROOT / "intents/demo.yaml"
ALL_SEEN = 40.0
"""Seconds in which a busy machine's switches have all heard each other."""

WATCH = """
import sys, time
from clos.controller.api.client import Client
with Client.from_state_dir(sys.argv[1]) as client:
    states, until = None, time.monotonic() + float(sys.argv[2])
    while time.monotonic() < until:
        now = sorted({row["state"] for row in client.links()["links"]})
        if now != states: print(time.monotonic(), *now, sep=",", flush=True)
        states = now
        time.sleep(0.02)
"""
"""Prints the moment and the links' states whenever these change; the clock is the machine's."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(TOPOLOGY, [INTENTS], tmp_path_factory.mktemp("lab") / "lab") as found:
        yield found


def told(server: ControllerProcess, *words: str) -> tuple[int, str]:
    """A clos command in the lab: its exit code and what it prints."""
    words = (*words, "--state", str(server.state))
    done = server.lab.cell.run("", sys.executable, "-m", "clos.controller.cli", *words)
    return done.returncode, done.stdout + done.stderr


def until(watch: subprocess.Popen[str], *states: str) -> float:
    """The moment from which links are in these states and no others."""
    assert watch.stdout is not None
    for line in watch.stdout:
        when, *found = line.strip().split(",")
        if found == list(states):
            return float(when)
    raise AssertionError(f"never: {states}")


def test_a_cut_cable_is_named_and_forgotten_when_it_is_mended(lab: Lab) -> None:
    port = lab.topology.links[2].a
    with served(lab, discovery=True) as server:
        words = [*lab.cell.enter(), sys.executable, "-c", WATCH, str(server.state), str(3 * ALL_SEEN)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=lab.cell.environment) as watch:
            try:
                until(watch, "as designed")
                lab.cut(port)
                until(watch, "as designed", "missing")
                named = {what: told(server, what) for what in ("links", "status")}
                plan = told(server, "plan", str(INTENTS))
                lab.mend(port)
                until(watch, "as designed")
            finally:
                lab.mend(port)
                watch.terminate()
        assert named["links"][0] == 1 and str(port) in named["links"][1], named
        assert "1 link not as designed" in named["status"][1], named
        assert str(port) in plan[1], plan
        assert told(server, "links")[0] == 0
        assert "not as designed" not in told(server, "plan", str(INTENTS))[1]
