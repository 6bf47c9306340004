"""The session with a controller that README.md shows: run on a real daemon and a simulated fabric, times masked.

Lives here: the processes, and what of their output is masked. Must not know: other documents.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from clos.controller.api.access import find
from clos.controller.cli.simulated_hosts import attach
from clos.controller.cli.sources import read
from clos.fabric.sim.openflow.server import SimThread
from tests.support.cli_run import clos
from tests.support.root import ROOT

FENCE = re.compile(r"^```console session\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block whose commands are run in order on one controller."""
TOPOLOGY, INTENTS = "topologies/demo.yaml", "intents/demo.yaml"
MOVED = (
    "app2: {host: app2, ip: 10.1.2.12, labels: {resource: app}}",
    'app2: {host: vm1, mac: "02:00:00:00:01:12", ip: 10.1.2.12, labels: {resource: app}}',
)
"""A line of the intents, and what it becomes after the first revision."""
_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "YYYY-MM-DDTHH:MM:SS.mmmZ"),
    (re.compile(r"\b\d+ ms\b|\b\d+\.\d s\b"), "N ms"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:6653"),
)


def filled(document: str) -> str:
    """The document with what the commands of its session print now."""
    return FENCE.sub(lambda block: f"```console session\n{_session(_commands(block[1]))}```", document)


def _commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def _session(commands: list[str]) -> str:
    with tempfile.TemporaryDirectory() as place:
        state, intents = Path(place) / "state", Path(place) / "demo.yaml"
        intents.write_text(text := (ROOT / INTENTS).read_text())
        daemon = _daemon(state)
        try:
            wanted = read(ROOT / TOPOLOGY, [ROOT / INTENTS])
            with SimThread(wanted.topology, find(state).openflow) as fabric:
                attach(fabric, wanted.intent, wanted.topology)
                fabric.wait_connected()
                _run(f"clos apply {INTENTS} --yes --who ann --why 'first revision'", state, intents)
                if MOVED[0] not in text:
                    raise ValueError(f"{INTENTS} has no line {MOVED[0]!r}")
                intents.write_text(text.replace(*MOVED))
                return "".join(f"$ {command}\n{_run(command, state, intents)}" for command in commands)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)


def _daemon(state: Path) -> subprocess.Popen[str]:
    """A controller that is ready, on ports that are free."""
    words = ["serve", TOPOLOGY, "--state", str(state), "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"]
    command = [sys.executable, "-m", "clos.controller.cli", *words]
    daemon = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if daemon.stdout is None or not daemon.stdout.readline().startswith("clos: ready"):
        daemon.terminate()
        raise RuntimeError("the controller did not start")
    return daemon


def _run(command: str, state: Path, intents: Path) -> str:
    """What a command prints, with times masked. Raises RuntimeError when it fails."""
    _, *words = shlex.split(command)
    ran = clos(*(str(intents) if word == INTENTS else word for word in words), "--state", str(state))
    if ran.code:
        raise RuntimeError(f"{command}: exit code {ran.code}: {ran.err}")
    shown = ran.out.replace(str(intents), INTENTS)
    for pattern, mask in _MASKS:
        shown = pattern.sub(mask, shown)
    return shown
