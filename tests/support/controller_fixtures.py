"""Fixtures: a controller in a process of its own, alone and with a simulated fabric."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clos.controller.api.access import find
from clos.controller.cli.simulated_hosts import attach
from clos.controller.cli.sources import read
from clos.fabric.sim.openflow.server import SimThread
from tests.support.cli_run import ROOT

TOPOLOGY, INTENTS = "topologies/demo.yaml", "intents/demo.yaml"
NOBODY = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: nobody}
spec: {networks: {none: {subnet: 10.0.0.0/24}}}
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """The state directory of a controller without switches."""
    place = tmp_path / "state"
    words = ["serve", TOPOLOGY, "--state", str(place), "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"]
    running = subprocess.Popen(
        [sys.executable, "-m", "clos.controller.cli", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout.readline().startswith("clos: ready; switches connect to 127.0.0.1:")
        yield place
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    assert not (place / "daemon.json").exists()


@pytest.fixture
def fabric(state: Path) -> Iterator[tuple[Path, SimThread]]:
    """The state directory of a controller, and the simulated fabric that is connected to it."""
    wanted = read(ROOT / TOPOLOGY, [ROOT / INTENTS])
    with SimThread(wanted.topology, find(state).openflow) as sim:
        attach(sim, wanted.intent, wanted.topology)
        sim.wait_connected()
        yield state, sim
