"""``clos lab shell`` on a terminal: nobody waits for it, Ctrl-C ends what runs in it, and it leaves nothing."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from select import select

import pytest

from tests.support.cli_run import ROOT, clos
from tests.support.lab_ready import require_lab
from tests.support.signals import FRESH
from tests.support.waiting import eventually

pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, running

PATIENCE = 60.0
PROMPT = "lab> "


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, lab: Lab) -> None:
        self._here, there = pty.openpty()
        words = [sys.executable, "-m", "clos.controller.cli", "lab", "shell", "--dir", str(lab.cell.directory)]
        self.process = subprocess.Popen(
            [*FRESH, "setsid", "--ctty", "--wait", *words], stdin=there, stdout=there, stderr=there, cwd=ROOT,
            env={**os.environ, "TERM": "dumb"},
        )  # fmt: skip
        os.close(there)

    def until(self, pattern: str) -> str:
        """What comes until this does."""
        told, end = "", time.monotonic() + PATIENCE
        while not re.search(pattern, told):
            if not select([self._here], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {pattern!r} in {PATIENCE:g} s: {told}")
            told += os.read(self._here, 1 << 16).decode(errors="replace")
        return told

    def type(self, text: str) -> None:
        os.write(self._here, text.encode())

    def ask(self, line: str) -> str:
        self.type(line + "\n")
        return self.until(rf"\n{PROMPT}$")

    def client(self) -> int:
        """``clos lab shell`` itself."""
        (pid,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(pid)

    def end(self) -> None:
        with suppress(OSError, ValueError):
            os.kill(self.client(), signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        os.close(self._here)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    where = tmp_path_factory.mktemp("lab") / "lab"
    with running(ROOT / "topologies/demo.yaml", [ROOT / "intents/demo.yaml"], where) as found:
        yield found


@pytest.fixture
def terminal(lab: Lab) -> Iterator[Terminal]:
    found = Terminal(lab)
    try:
        found.until(PROMPT)
        yield found
    finally:
        found.end()


def marked(word: str) -> list[str]:
    """Processes with this word in their command lines, anywhere on the machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parts[2])
    return found


def test_an_open_shell_keeps_nobody_waiting(lab: Lab, terminal: Terminal) -> None:
    terminal.type("web1 sleep 86399\n")
    assert eventually(lambda: marked("86399"), PATIENCE)
    assert clos("lab", "status", "--dir", lab.cell.directory).code == 0
    other = Terminal(lab)
    try:
        other.until(PROMPT)
        assert "1 received" in other.ask("web2 ping -c1 app1")
    finally:
        other.end()


def test_ctrl_c_ends_what_runs_in_it_and_not_the_shell(lab: Lab, terminal: Terminal) -> None:
    terminal.type("web1 ping app1\n")
    terminal.until("icmp_seq=2 ")
    terminal.type("\x03")
    assert "packets transmitted" in terminal.until(rf"\n{PROMPT}$")
    assert "1 received" in terminal.ask("web1 ping -c1 app1")
    terminal.type("exit\n")
    assert terminal.process.wait(PATIENCE) == 0
    assert lab.cell.ask("status")["connected"]


def test_when_its_client_is_killed_all_that_was_started_in_it_ends_and_the_lab_goes_on(
    lab: Lab, terminal: Terminal
) -> None:
    terminal.ask("web1 sleep 86398 &")
    terminal.type("web2 sleep 86397\n")
    assert eventually(lambda: marked("86398") and marked("86397"), PATIENCE)
    os.kill(terminal.client(), signal.SIGKILL)
    assert eventually(lambda: not marked("86398") and not marked("86397"), PATIENCE)
    assert eventually(lambda: not marked("clos.lab.mininet.shell"), PATIENCE)
    assert lab.cell.run("web1", "ping", "-c1", "-W5", "10.1.2.11").returncode == 0


def test_iperf_gives_a_rate_where_policy_permits_it_and_ends_where_not(terminal: Terminal) -> None:
    if not terminal.ask("web1 command -v iperf").count("/iperf"):
        pytest.skip("iperf is not installed")
    assert re.search(r"web1 -> app1 tcp/8080: [\d.]+ Mbits/sec", terminal.ask("iperf web1 app1 8080"))
    assert "may desk1 talk to app1 with tcp/5001?" in terminal.ask("iperf desk1 app1")
    assert "may web1 talk to app1 with udp/5001?" in terminal.ask("iperfudp 10M web1 app1")
    assert "nobody: no such host" in terminal.ask("iperf web1 nobody")
    assert "CLIENT SERVER [PORT]" in terminal.ask("iperfudp fast web1 app1")


def test_a_command_run_as_a_host_ends_with_its_client_and_hands_its_exit_code_on(lab: Lab) -> None:
    where = ("--dir", str(lab.cell.directory))
    assert clos("lab", "exec", *where, "web1", "--", "sh", "-c", "exit 7").code == 7
    assert clos("lab", "exec", *where, "web1", "--", "sh", "-c", "kill -TERM $$").code == 128 + signal.SIGTERM
    words = [sys.executable, "-m", "clos.controller.cli", "lab", "exec", *where, "web1", "--", "sleep", "86396"]
    with subprocess.Popen(words, cwd=ROOT) as process:
        assert eventually(lambda: marked("86396"), PATIENCE)
        process.kill()
    assert eventually(lambda: not marked("86396"), PATIENCE)


def test_who_connects_and_says_nothing_or_nonsense_does_not_end_the_lab(lab: Lab) -> None:
    for text in (b"", b"nonsense\n", b"[]\n", b'{"do": "nothing"}\n', b"{}\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(lab.cell.directory / "lab.sock"))
            connection.sendall(text)
    assert lab.cell.ask("status")["connected"]
