"""What the demonstration plays on: a folder of its own, the controller as a process, switches over real TCP.

Lives here: starting these, driving them, and taking everything away again. Must not know: the story.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple, TextIO

import clos
from clos.controller.api.access import Addresses, find
from clos.controller.api.client import Client
from clos.controller.cli.answer import unchecked
from clos.controller.cli.remote import DEFAULT
from clos.controller.cli.simulated_hosts import attach
from clos.controller.explain.inputs import Inputs, load_inputs
from clos.fabric.sim.openflow.server import SimThread

PACKAGE = Path(clos.__file__).parent
"""Where Clos is installed; its topologies and intents are there, too."""

INTENTS, TOPOLOGY = Path("intents/demo.yaml"), Path("topologies/demo.yaml")
START_SECONDS = 20.0


class Ended(BaseException):
    """Somebody ended the demonstration, by signal ``number``. Not an Exception: no command takes it for its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Ran(NamedTuple):
    """A command that was run: its exit code and everything it printed."""

    code: int
    text: str


class _Tee(io.TextIOBase):
    """Writes on to a stream and keeps a copy."""

    def __init__(self, stream: TextIO, kept: io.StringIO) -> None:
        self.stream, self.kept = stream, kept

    def write(self, text: str) -> int:
        self.kept.write(text)
        return self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()


class DemoEnvironment:
    """The demonstration's folder with its files, and what runs in it."""

    def __init__(self) -> None:
        self.controller: subprocess.Popen[bytes] | None = None
        self.addresses: Addresses
        self.sim: SimThread

    @property
    def wanted(self) -> Inputs:
        """What the intent file says right now."""
        return load_inputs(TOPOLOGY, [INTENTS])

    def clos(self, *words: str) -> Ran:
        """Run a command as a person would, with its output on the screen."""
        from clos.controller.cli import main  # noqa: PLC0415 - this module is loaded by it

        print(f"$ clos {shlex.join(words)}", flush=True)
        kept = io.StringIO()
        both = _Tee(sys.stdout, kept)
        with redirect_stdout(both), redirect_stderr(both):
            try:
                main(list(words))
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
        return Ran(code, kept.getvalue())

    def edit(self, old: str, new: str) -> None:
        """Change one line of the intents, and show it."""
        text = INTENTS.read_text()
        if text.count(old) != 1:
            raise unchecked(f"{INTENTS} has changed: the demonstration looks for {old!r}")
        INTENTS.write_text(text.replace(old, new))
        for number, (one, other) in enumerate(zip(text.splitlines(), INTENTS.read_text().splitlines(), strict=True), 1):
            if one != other:
                print(f"{INTENTS}:{number}\n- {one.strip()}\n+ {other.strip()}")

    def start(self, openflow: int = 0) -> None:
        """Start the controller, and wait until it says where it is."""
        listen = f"127.0.0.1:{openflow}"
        words = ["-m", "clos.controller.cli", "serve", str(TOPOLOGY), "--listen", listen, "--api", "127.0.0.1:0"]
        with Path("controller.log").open("ab") as log:
            self.controller = subprocess.Popen([sys.executable, *words], stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.addresses = find(DEFAULT)
            except (OSError, ValueError):
                if self.controller.poll() is not None or time.monotonic() > end:
                    raise unchecked(f"the controller did not start: {Path('controller.log').read_text()}") from None
                time.sleep(0.02)
            else:
                if self.addresses.pid == self.controller.pid:
                    return
                time.sleep(0.02)

    def kill(self) -> None:
        """End the controller as a power cut would."""
        if self.controller is not None:
            self.controller.kill()
            self.controller.wait()
            self.controller = None

    def wait_in_line(self) -> bool:
        """Until every switch holds what it should; False when that takes too long."""
        end = time.monotonic() + START_SECONDS
        with Client.from_state_dir(DEFAULT) as client:
            while (status := client.status())["in_line"] < status["expected"]:
                if time.monotonic() > end:
                    return False
                time.sleep(0.02)
        return True


@contextmanager
def stage() -> Iterator[DemoEnvironment]:
    """A stage with the controller and the simulated switches up; whatever happens, nothing of it stays."""
    for name in (INTENTS, TOPOLOGY):
        if not (PACKAGE / name).exists():
            raise unchecked(f"{PACKAGE / name} is missing: install Clos again")
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="clos-demo-")))
        for name in (INTENTS, TOPOLOGY):
            (folder / name).parent.mkdir()
            shutil.copy(PACKAGE / name, folder / name)
        closing.enter_context(_environment())
        closing.enter_context(_endable())
        closing.enter_context(chdir(folder))
        found = DemoEnvironment()
        closing.callback(found.kill)
        found.start()
        wanted = found.wanted
        found.sim = closing.enter_context(SimThread(wanted.topology, found.addresses.openflow))
        attach(found.sim, wanted.intent, wanted.topology)
        found.sim.wait_connected()
        yield found


@contextmanager
def _endable() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the story in order, also in the middle of a command."""

    def end(number: int, _frame: object) -> None:
        raise Ended(number)

    names = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(name, end) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


@contextmanager
def _environment() -> Iterator[None]:
    """Without a person's own settings, and with this very Clos for the controller's process."""
    kept = dict(os.environ)
    for name in ("CLOS_STATE", "CLOS_TOPOLOGY"):
        os.environ.pop(name, None)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PACKAGE.parent), kept.get("PYTHONPATH"))))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
