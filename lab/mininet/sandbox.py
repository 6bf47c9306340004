"""A cell: namespaces of the lab's own, with its keeper as process 1. Outside of it the lab has no effect.

Lives here: starting a keeper, finding it again, entering its namespaces, ending it. Must not know: what it builds.
No name is left anywhere (no ``ip netns``, no bridge, no mount): the namespaces live as long as their processes, and
their processes as long as the keeper. ``directory`` holds what is known about a lab; ``down`` needs nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.intent import Text
from clos.lab.ovs.processes import NEEDED, NETDEV, LabError, find, lacks, missing

DEFAULT = Path("/run/clos-lab")
NEEDS = (*NEEDED, "ovs-ofctl", "unshare", "nsenter", "mnexec", "ip", "tc")
PACKAGES = "openvswitch-switch mininet ethtool iproute2 iputils-ping util-linux"
READY = 60.0
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
    """Why a lab cannot run here; empty when it can."""
    if os.geteuid() != 0:
        return "not root: network namespaces and raw sockets need it"
    gone = missing(NEEDS)
    if gone:
        return f"{', '.join(gone)} not installed: make lab-deps, or apt-get install {PACKAGES}"
    try:
        import mininet  # noqa: F401, PLC0415 - only to know whether it is there
    except ImportError:
        return "the Python package mininet is not installed: make lab-deps"
    return ""


def up(
    topology: Text,
    intents: Sequence[Text],
    directory: Path = DEFAULT,
    *,
    keep: bool = True,
    datapath: str = NETDEV,
    exact: bool = True,
    cabling: Text | None = None,
) -> Sandbox:
    """Start a lab and wait until its switches are programmed.

    ``keep``: it outlives this process, until ``down``; otherwise it ends with this process, however that ends.
    ``cabling``: a topology of the same switches and hosts that says how they are cabled, if not as designed.
    Raises LabError, and then nothing is left.
    """
    why = lacking() or lacks(datapath)
    if why:
        raise LabError(why)
    if (directory / "cell.json").exists():
        down(directory) if not _alive(directory) else _refuse(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    order = {"topology": topology, "intents": list(intents), "datapath": datapath, "exact": exact, "cabling": cabling}
    (directory / "order.json").write_text(json.dumps(order))
    outer = _launch(directory, keep)
    try:
        keeper = _child(outer)
        _note(directory, outer.pid, keeper)
        about = _await(directory, outer)
    except BaseException:
        down(directory)
        raise
    return Sandbox(directory, keeper, about["nodes"])


def find_sandbox(directory: Path = DEFAULT) -> Sandbox:
    """The lab that runs in this directory. Raises LabError when there is none."""
    if not _alive(directory) or not (directory / "ready.json").exists():
        raise LabError(f"no lab is up in {directory}")
    about = json.loads((directory / "ready.json").read_text())
    return Sandbox(directory, json.loads((directory / "cell.json").read_text())["keeper"][0], about["nodes"])


def down(directory: Path = DEFAULT) -> bool:
    """End the lab and remove what it wrote; whether there was one. Works whatever state it was left in."""
    if not (directory / "cell.json").exists():
        existed = (directory / "order.json").exists()
        if existed:
            shutil.rmtree(directory, ignore_errors=True)
        return existed
    noted = json.loads((directory / "cell.json").read_text())
    for pid, born in (noted["keeper"], noted["outer"]):
        if _born(pid) == born:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while time.monotonic() < until and _born(noted["keeper"][0]) == noted["keeper"][1]:
        time.sleep(0.01)
    shutil.rmtree(directory, ignore_errors=True)
    return True


def _refuse(directory: Path) -> None:
    raise LabError(f"a lab is up in {directory} already: end it first (clos lab down)")


def _alive(directory: Path) -> bool:
    with suppress(OSError, ValueError, KeyError):
        pid, born = json.loads((directory / "cell.json").read_text())["keeper"]
        return bool(_born(pid) == born)
    return False


def _launch(directory: Path, keep: bool) -> subprocess.Popen[bytes]:
    fate = () if keep else DIE_TOO
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    words = [*fate, *apart, sys.executable, "-m", "clos.lab.mininet.keeper", str(directory)]
    with (directory / "lab.log").open("wb") as log:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=keep)


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
    with suppress(OSError):
        raise LabError((directory / "failed.txt").read_text().strip())
    log = (directory / "lab.log").read_text(errors="replace").strip()
    raise LabError(f"the lab did not come up: {log[-2000:] or 'no reason given'}")
