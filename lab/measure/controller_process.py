"""The lab's fabric under a controller of its own process, to be killed, replaced and given another store.

Lives here: ``clos serve`` inside the lab, and whom its switches listen to. Must not know: streams, what is lost.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from clos.controller.intent import Text
from clos.lab.lab import Lab
from clos.lab.ovs.processes import LabError

STORE = "clos.db"
PATIENCE = 40.0
"""Seconds in which a controller must be ready, and its switches in line."""

_AWAIT = """
import sys, time
from clos.controller.api.client import ApiError, Client, NoDaemon
until, told = time.monotonic() + float(sys.argv[3]), "it does not answer"
while time.monotonic() < until:
    try:
        with Client.from_state_dir(sys.argv[1]) as client: told = client.status()
        if told["in_line"] == int(sys.argv[2]) and told["pending"] is None: sys.exit(0)
    except (ApiError, NoDaemon) as error: told = error
    time.sleep(0.1)
sys.exit(print(told) or 1)
"""


class ControllerProcess:
    """``clos serve`` on the state in ``state``, at ``port`` in the lab's own network.

    ``discovery``: it looks at the cabling, which costs some processor time.
    """

    def __init__(self, lab: Lab, state: Path, port: int, discovery: bool = False) -> None:
        self.lab, self.state, self.port, self.discovery = lab, state, port, discovery
        self._process: subprocess.Popen[str] | None = None

    @property
    def target(self) -> str:
        """As Open vSwitch writes it."""
        return f"tcp:127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin; does not wait."""
        words = ["serve", str(_topology(self.lab)), "--state", str(self.state)]
        words += [] if self.discovery else ["--no-discovery"]
        words += ["--listen", f"127.0.0.1:{self.port}", "--api", "127.0.0.1:0"]
        log = (self.state / "serve.log").open("a")
        with log:
            self._process = subprocess.Popen(
                [*self.lab.cell.enter(), sys.executable, "-m", "clos.controller.cli", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True, env=self.lab.cell.environment,
            )  # fmt: skip

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait for its end."""
        if self._process is None:
            return
        with suppress(OSError):  # nsenter only waits for it
            for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
                os.kill(int(child), how)
        self._process.wait(PATIENCE)
        self._process = None

    def await_in_line(self) -> None:
        """Wait until every switch is connected and holds what it should. Raises LabError."""
        arguments = [str(self.state), str(len(self.lab.topology.switches)), str(PATIENCE)]
        done = self.lab.cell.run("", sys.executable, "-c", _AWAIT, *arguments)
        if done.returncode:
            told = (done.stdout or done.stderr).strip()[-2000:]
            raise LabError(f"the controller at {self.target} has not synchronized all switches: {told}")

    def apply(self, intents: Sequence[Text]) -> None:
        """Make a change by its command line. Raises LabError."""
        files = []
        for number, text in enumerate(intents):
            file = self.state / f"intent{number}.yaml"
            file.write_text(text.text)
            files.append(str(file))
        words = ["apply", *files, "--state", str(self.state), "--yes", "--allow-deletes", "--allow-uplink"]
        done = self.lab.cell.run("", sys.executable, "-m", "clos.controller.cli", *words)
        if done.returncode:
            raise LabError(f"clos apply: {(done.stderr or done.stdout).strip()[-500:]}")

    def keep_store(self) -> Path:
        """A backup of the store, made while it is in use."""
        copy = self.state / "backup.db"
        with closing(sqlite3.connect(self.state / STORE)) as db, closing(sqlite3.connect(copy)) as backup:
            db.backup(backup)
        return copy

    def restore_store(self, copy: Path) -> None:
        """Put the backup in the store's place; nobody may be using that."""
        for ending in ("", "-wal", "-shm"):
            (self.state / f"{STORE}{ending}").unlink(missing_ok=True)
        shutil.copy(copy, self.state / STORE)


@contextmanager
def served(lab: Lab, port: int = 6653, discovery: bool = False) -> Iterator[ControllerProcess]:
    """The lab's own controller gives way to ``clos serve`` on the same store; afterwards it comes back."""
    lab.cell.ask("controller", state="stop")
    server = ControllerProcess(lab, lab.cell.directory, port, discovery)
    try:
        server.start()
        listen_to(lab, server)
        server.await_in_line()
        yield server
    finally:
        server.end()
        lab.cell.ask("controller", state="start")
        lab.await_in_line()


def listen_to(lab: Lab, *servers: ControllerProcess) -> None:
    """Have every switch connect to these controllers and no others."""
    targets = [server.target for server in servers]
    words = [word for name in lab.topology.switches for word in ("--", "set-controller", name, *targets)]
    done = lab.cell.run("", "ovs-vsctl", *words[1:])
    if done.returncode:
        raise LabError(done.stderr.strip())


def _topology(lab: Lab) -> Path:
    name, text = json.loads((lab.cell.directory / "order.json").read_text())["topology"]
    file = lab.cell.directory / Path(name).name
    file.write_text(text)
    return file
