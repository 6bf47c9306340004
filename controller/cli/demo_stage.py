"""What every demonstration plays on: a folder of its own, processes that end with it, commands as a person types them.

Lives here: starting these and taking everything away again. Must not know: stories, which files.
"""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple, TextIO

import clos
from clos.controller.api.access import Addresses, find
from clos.controller.api.client import Client
from clos.controller.cli.answer import unchecked
from clos.controller.cli.remote import DEFAULT

PACKAGE = Path(clos.__file__).parent
"""Where Clos is installed; its topologies and intents are there, too."""

START_SECONDS = 20.0
_OWN = ("CLOS_STATE", "CLOS_TOPOLOGY", "CLOS_MIGRATE_USER", "CLOS_MIGRATE_PASSWORD", "CLOS_MIGRATE_ENABLE")
"""A person's settings, which a demonstration has none of."""


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


def run(*words: str) -> Ran:
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


class Program:
    """A command of Clos as a process of its own; what it says goes to ``NAME.log``."""

    def __init__(self, name: str, *words: str) -> None:
        self._log = Path(f"{name}.log")
        self.name = name
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "clos.controller.cli", *words]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Raises Stop (UNCHECKED): it has ended, or is not ready in time."""
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise unchecked(f"the {self.name} did not start: {self._log.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


def start_controller(topology: Path, openflow: int = 0) -> tuple[Program, Addresses]:
    """A controller for the topology; returns once it has said where it is. Raises Stop (UNCHECKED)."""
    listen = f"127.0.0.1:{openflow}"
    program = Program("controller", "serve", str(topology), "--listen", listen, "--api", "127.0.0.1:0")
    try:
        program.wait_until(lambda: (found := _published()) is not None and found.pid == program.process.pid)
        return program, find(DEFAULT)
    except BaseException:
        program.kill()
        raise


def _published() -> Addresses | None:
    try:
        return find(DEFAULT)
    except (OSError, ValueError):
        return None


def wait_in_line() -> bool:
    """Until every switch holds what it should; False when that takes too long."""
    end = time.monotonic() + START_SECONDS
    with Client.from_state_dir(DEFAULT) as client:
        while (status := client.status())["in_line"] < status["expected"]:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
    return True


@contextmanager
def folder(files: Mapping[Path, Path], settings: Mapping[str, str]) -> Iterator[None]:
    """Be in a folder of our own with copies of what Clos is installed with (from -> to), our own environment, and
    signals that end the story in order. Whatever happens, nothing of it stays. Raises Stop (UNCHECKED)."""
    for name in files:
        if not (PACKAGE / name).exists():
            raise unchecked(f"{PACKAGE / name} is missing: install Clos again")
    with ExitStack() as closing:
        made = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="clos-demo-")))
        for name, copy in files.items():
            (made / copy).parent.mkdir(parents=True, exist_ok=True)
            (made / copy).write_bytes((PACKAGE / name).read_bytes())
        closing.enter_context(_environment(settings))
        closing.enter_context(_endable())
        closing.enter_context(chdir(made))
        yield


@contextmanager
def _endable() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a terminal that closes end the story in order, also in the middle of a command."""

    def end(number: int, _frame: object) -> None:
        raise Ended(number)

    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(name, end) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Without a person's own settings, and with this very Clos for the processes."""
    kept = dict(os.environ)
    for name in _OWN:
        os.environ.pop(name, None)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PACKAGE.parent), kept.get("PYTHONPATH"))))
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
