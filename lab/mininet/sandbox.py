"""A cell: namespaces of the lab's own, with its keeper as process 1. Outside of it the lab has no effect.

Lives here: starting a keeper, finding it again, entering its namespaces, ending it. Must not know: what it builds.
No name is left anywhere (no ``ip netns``, no bridge, no mount): the namespaces live as long as their processes, and
their processes as long as the keeper. ``directory`` holds what is known about a lab; ``down`` needs nothing else.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.intent import Text
from clos.lab.ovs.processes import NEEDED, NETDEV, LabError, find, lacks, missing

DEFAULT = Path("/run/clos-lab")
NEEDS = (*NEEDED, "ovs-ofctl", "unshare", "nsenter", "mnexec", "ip", "tc")
PACKAGES = {
    "openvswitch-switch": ("ovsdb-tool", "ovsdb-server", "ovs-vsctl", "ovs-vswitchd", "ovs-ofctl"),
    "mininet": ("mnexec",),
    "iproute2": ("ip", "tc"),
    "util-linux": ("unshare", "nsenter", "setpriv"),
}
"""Debian's package of each program."""
READY = 60.0
RELEASE = b"go"
"""What a keeper is sent when its lab is up: from then on it lives without the process that started it."""
DIE_TOO = (find("setpriv") or "setpriv", "--pdeathsig", "KILL", "--")
"""The words before a command that have it end with its parent, however that ends."""


class Sandbox(NamedTuple):
    """A running lab: its directory, its keeper's process id as seen here, and its nodes' as seen inside."""

    directory: Path
    pid: int
    nodes: Mapping[str, int]

    def enter(self, node: str = "") -> list[str]:
        """The words before a command that have it run in the lab, as one of its nodes (default: where switches are)."""
        words = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--net", "--"]
        if node:
            words += ["mnexec", "-a", str(self.nodes[node])]
        return words

    def foreground(self, node: str, *command: str, alone: bool = False) -> list[str]:
        """The words of a command that has the terminal, to be started with SIGINT ignored: Ctrl-C is the command's own
        business. When who starts them is killed, so is the command.

        ``alone``: in process and mount namespaces of its own, so that all it started ends with it.
        """
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--"] if alone else []
        return [*DIE_TOO, *self.enter(node), *DIE_TOO, *apart, "env", "--default-signal=INT", *command]

    def run(self, node: str, *command: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the lab and wait for it."""
        words = [*self.enter(node), *command]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False, env=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        here = str(self.directory / "ovs")
        return {**os.environ, **dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), here)}

    def net(self, node: str) -> Path:
        """The network namespace of a node, as a file; "" for that of the switches."""
        pid = self.nodes[node] if node else 1
        return Path(f"/proc/{self.pid}/root/proc/{pid}/ns/net")

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Have the keeper do something. Raises LabError with its complaint."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self.directory / "lab.sock"))
                connection.sendall((json.dumps({"do": do, **arguments}) + "\n").encode())
                answer = json.loads(connection.makefile().readline() or '{"ok": false, "error": "the lab has ended"}')
            except OSError as error:
                raise LabError(f"the lab in {self.directory} does not answer: {error.strerror}") from None
        if not answer["ok"]:
            raise LabError(answer["error"])
        return dict(answer)


def lacking() -> str:
    """Why a lab cannot run here, a line for each thing that is missing; empty when it can."""
    return "\n".join(_lacking(missing(NEEDS), find_spec("mininet") is not None))


def _lacking(gone: Sequence[str], mininet: bool) -> Iterator[str]:
    if os.geteuid() != 0:
        yield "not root: namespaces and raw sockets need it; run it by sudo"
    for tool in gone:
        package = next((name for name, tools in PACKAGES.items() if tool in tools), tool)
        yield f"{tool} is not installed: make lab-deps, or apt-get install {package}"
    if not mininet:
        yield "the Python package mininet is not installed: make lab-deps"


def up(
    topology: Text,
    intents: Sequence[Text],
    directory: Path = DEFAULT,
    *,
    keep: bool = True,
    datapath: str = NETDEV,
    exact: bool = True,
    cabling: Text | None = None,
    legacy: Mapping[str, Any] | None = None,
) -> Sandbox:
    """Start a lab and wait until its switches are programmed.

    ``keep``: it outlives this process, until ``down``; otherwise it ends with this process, however that ends.
    ``cabling``: a topology of the same switches and hosts that says how they are cabled, if not as designed.
    ``legacy``: the order of a legacy network beside it (lab.legacy.legacy_lab).
    Raises LabError, and then nothing is left.
    """
    why = lacking() or lacks(datapath)
    if why:
        raise LabError(why)
    held = _claim(directory)
    order = {"topology": topology, "intents": list(intents), "datapath": datapath, "exact": exact, "cabling": cabling}
    try:
        (directory / "order.json").write_text(json.dumps({**order, "legacy": legacy}))
        with _launch(directory, keep, held) as outer:
            keeper = _child(outer)
            _note(directory, outer.pid, keeper)
            about = _await(directory, outer)
            _release(outer)
    except BaseException:
        os.close(held)
        down(directory)
        raise
    os.close(held)
    return Sandbox(directory, keeper, about["nodes"])


def find_sandbox(directory: Path = DEFAULT) -> Sandbox:
    """The lab that runs in this directory. Raises LabError when there is none."""
    if not _alive(directory) or not (directory / "ready.json").exists():
        raise LabError(f"no lab is up in {directory}")
    about = json.loads((directory / "ready.json").read_text())
    return Sandbox(directory, json.loads((directory / "cell.json").read_text())["keeper"][0], about["nodes"])


def down(directory: Path = DEFAULT) -> bool:
    """End the lab and remove what it wrote; whether there was one. Works whatever state it was left in.

    Raises LabError when another process is starting or ending one there and does not come to an end.
    """
    if not (directory / "order.json").exists():
        return False
    with suppress(OSError, ValueError, KeyError):
        noted = json.loads((directory / "cell.json").read_text())
        for pid, born in (noted["keeper"], noted["outer"]):
            if _born(pid) == born:
                os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + READY
    while (held := _lock(directory)) is None:
        if time.monotonic() > until:
            raise LabError(f"a lab is coming up in {directory}: end that command first")
        time.sleep(0.01)
    shutil.rmtree(directory, ignore_errors=True)
    os.close(held)
    return True


def _claim(directory: Path) -> int:
    """The directory, empty and locked: the descriptor that holds the lock. Raises LabError when it is taken.

    The keeper inherits the descriptor, so the lock lasts as long as anything of the lab lives.
    """
    until = time.monotonic() + READY
    while True:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = _lock(directory)
        if held is not None:
            break
        if _alive(directory) and (directory / "ready.json").exists():
            _refuse(directory)
        if time.monotonic() > until:
            raise LabError(f"another command is starting a lab in {directory}: wait for it, or end it")
        time.sleep(0.01)
    there = [path.name for path in directory.iterdir()]
    if there and "order.json" not in there:
        os.close(held)
        raise LabError(f"{directory} holds other files ({sorted(there)[0]}): give an empty directory with --dir")
    for path in directory.iterdir():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return held


def _lock(directory: Path) -> int | None:
    """A descriptor with the lock on the directory; None while somebody else has it, or it is being replaced."""
    try:
        held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(held), directory.stat()):
            return held
    except OSError:
        pass
    os.close(held)
    return None


def _refuse(directory: Path) -> None:
    raise LabError(f"a lab is up in {directory} already: end it first (clos lab down)")


def _alive(directory: Path) -> bool:
    with suppress(OSError, ValueError, KeyError):
        pid, born = json.loads((directory / "cell.json").read_text())["keeper"]
        return bool(_born(pid) == born)
    return False


@contextmanager
def _launch(directory: Path, keep: bool, held: int) -> Iterator[subprocess.Popen[bytes]]:
    """The process that makes the namespaces and waits for the keeper. Until ``_release`` the keeper ends with this
    process, however it ends: its standard input is a pipe from here."""
    fate = () if keep else DIE_TOO
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    words = [*fate, *apart, sys.executable, "-m", "clos.lab.mininet.keeper", str(directory)]
    with (directory / "lab.log").open("wb") as log, Path("/proc/self/ns/net").open("rb") as outside:
        passed = [held, outside.fileno()]
        process = subprocess.Popen(
            [*words, *map(str, passed)], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=keep,
            pass_fds=passed,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()


def _release(outer: subprocess.Popen[bytes]) -> None:
    """Let the keeper live on."""
    with suppress(OSError):
        os.write(outer.stdin.fileno() if outer.stdin is not None else -1, RELEASE)


def _child(outer: subprocess.Popen[bytes]) -> int:
    """The process unshare forked: the keeper."""
    until = time.monotonic() + READY
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    while time.monotonic() < until and outer.poll() is None:
        with suppress(OSError):
            found = children.read_text().split()
            if found:
                return int(found[0])
        time.sleep(0.005)
    raise LabError("the lab's namespaces could not be made; is this a container without CAP_SYS_ADMIN?")


def _note(directory: Path, outer: int, keeper: int) -> None:
    fresh = directory / "cell.new"
    fresh.write_text(json.dumps({"keeper": [keeper, _born(keeper)], "outer": [outer, _born(outer)]}))
    fresh.rename(directory / "cell.json")


def _born(pid: int) -> str:
    """What tells a process from a later one of the same id: boot and start time; empty when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    if fields[0] in "ZX":
        return ""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + "/" + fields[19]


def _await(directory: Path, outer: subprocess.Popen[bytes]) -> dict[str, Any]:
    until = time.monotonic() + READY
    while time.monotonic() < until:
        with suppress(OSError):
            return dict(json.loads((directory / "ready.json").read_text()))
        if outer.poll() is not None or (directory / "failed.txt").exists():
            break
        time.sleep(0.02)
    with suppress(FileNotFoundError):
        raise LabError((directory / "failed.txt").read_text().strip())
    log = (directory / "lab.log").read_text(errors="replace").strip()
    raise LabError(f"the lab did not come up: {log[-2000:] or 'no reason given'}")
