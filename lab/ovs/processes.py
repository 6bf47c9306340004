"""A private Open vSwitch: a database and a switch daemon of our own, in a directory of their own.

Lives here: starting them, configuring bridges, ending them. Must not know: topologies, rules, Mininet.
The system's own Open vSwitch, if there is one, is neither used nor touched: every path is inside ``directory``.
Both daemons die with the process that started them, however it dies (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from clos.lab.ovs.appctl import AppCtl

PATHS = (*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin", "/usr/local/sbin")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
READY = 60.0
"""Seconds the daemons may take to start."""

DUMMY, NETDEV, KERNEL = "dummy", "netdev", "kernel"
"""Datapaths: packets from Unix sockets, without any interface; or from network interfaces, in user space or by a module
of the kernel's."""
MODULE = Path("/sys/module/openvswitch")
"""There while the kernel has the module. Labs do not load it: that would change the machine."""

NEEDED = ("ovsdb-tool", "ovsdb-server", "ovs-vsctl", "ovs-vswitchd", "setpriv")


class LabError(Exception):
    """The lab cannot do it here. The text says what is missing or failed, and what to do."""


def find(tool: str) -> str | None:
    """Where a program is; daemons are often outside of an ordinary user's path."""
    return shutil.which(tool, path=":".join(PATHS))


def missing(tools: Sequence[str] = NEEDED) -> tuple[str, ...]:
    """Those of the programs that are not installed."""
    return tuple(tool for tool in tools if find(tool) is None)


def lacks(datapath: str) -> str:
    """Why this machine has no such datapath; empty when it has."""
    if datapath != KERNEL or MODULE.exists():
        return ""
    return (
        "the kernel has no openvswitch module loaded: sudo modprobe openvswitch, if this kernel comes with it, "
        "or leave --datapath out: the user-space datapath needs no module"
    )


def urgent() -> list[str]:
    """The words before a command that let it run before others, as root: a real switch has a machine of its own."""
    return ["nice", "-n", "-10"] if os.geteuid() == 0 else []


class PrivateSwitches:
    """``with PrivateSwitches(DUMMY) as ovs: ovs.configure(["add-br", "leaf1"])``.

    ``directory``: where database, sockets and logs live; by default a new one in the system's temporary directory,
    removed at the end. Raises LabError when Open vSwitch is not installed or does not start.
    """

    def __init__(self, datapath: str, directory: Path | None = None) -> None:
        self.datapath = datapath
        self._own = directory is None
        self._where = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        self._control: AppCtl | None = None

    @property
    def directory(self) -> Path:
        if self._where is None:
            raise RuntimeError("not started")
        return self._where

    @property
    def control(self) -> AppCtl:
        """The switch daemon's control socket."""
        if self._control is None:
            raise RuntimeError("not started")
        return self._control

    @property
    def environment(self) -> dict[str, str]:
        """What makes ovs-vsctl, ovs-ofctl and Mininet use these switches and no others."""
        here = str(self.directory)
        return dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), here)

    def __enter__(self) -> PrivateSwitches:
        lacking = missing()
        if lacking:
            raise LabError(f"{', '.join(lacking)}: not installed; on Debian: sudo apt-get install openvswitch-switch")
        if self._where is None:
            self._where = Path(tempfile.mkdtemp(prefix="clos-ovs-"))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End both daemons and remove what they wrote; harmless when done already."""
        if self._control is not None:
            self._control.close()
            self._control = None
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._processes.clear()
        if self._own and self._where is not None:
            shutil.rmtree(self._where, ignore_errors=True)

    def configure(self, *commands: Sequence[str], wait: bool = True) -> str:
        """Change the database by ovs-vsctl, all commands in one transaction; waits until the switch has followed."""
        words = [word for command in commands for word in ("--", *command)]
        timing = ["--timeout=30"] if wait else ["--no-wait"]
        return self.run("ovs-vsctl", f"--db=unix:{self.directory}/db.sock", *timing, *words[1:])

    def run(self, tool: str, *arguments: str) -> str:
        """Run one of Open vSwitch's tools against these switches. Raises LabError with what it complained about."""
        done = subprocess.run(
            [find(tool) or tool, *arguments], capture_output=True, text=True, env=self._environment(), check=False
        )
        if done.returncode:
            raise LabError(f"{tool} {' '.join(arguments)[:200]}: {done.stderr.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": ":".join(PATHS), **self.environment}

    def _start(self) -> None:
        here = self.directory
        self.run("ovsdb-tool", "create", f"{here}/conf.db", str(SCHEMA))
        self._launch("ovsdb-server", f"{here}/conf.db", f"--remote=punix:{here}/db.sock", f"--unixctl={here}/db.ctl")
        self._await(here / "db.ctl")
        self.configure(["init"], ["set", "Open_vSwitch", ".", "other_config:vlan-limit=2"], wait=False)
        self._start_switches()

    def restart(self) -> None:
        """Kill the switch daemon and start it again: bridges and their ports come back, rules and groups do not."""
        if self._control is not None:
            self._control.close()
            self._control = None
        daemon = self._processes.pop()
        daemon.kill()
        daemon.wait()
        (self.directory / "switch.ctl").unlink(missing_ok=True)
        self._start_switches()

    def _start_switches(self) -> None:
        here = self.directory
        only = ("--enable-dummy=override", "--disable-system") if self.datapath == DUMMY else ()
        self._launch("ovs-vswitchd", f"unix:{here}/db.sock", f"--unixctl={here}/switch.ctl", *only)
        self._await(here / "switch.ctl")
        until = time.monotonic() + READY
        self._control = _connected(here / "switch.ctl", until)
        while "upcall/disable-megaflows" not in self._control.call("list-commands") and time.monotonic() < until:
            time.sleep(0.01)  # it opens the socket before it knows all its commands

    def _launch(self, tool: str, *arguments: str) -> None:
        log = (self.directory / f"{tool}.log").open("wb")
        words = [find("setpriv") or "setpriv", "--pdeathsig", "KILL", "--", *urgent(), find(tool) or tool, *arguments]
        with log:
            self._processes.append(
                subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment())
            )

    def _await(self, path: Path) -> None:
        """Wait for the daemon started last to open its control socket."""
        until = time.monotonic() + READY
        while not path.exists():
            if self._processes[-1].poll() is not None or time.monotonic() > until:
                logs = sorted(self.directory.glob("*.log"), key=lambda log: log.stat().st_mtime)
                tail = logs[-1].read_text(errors="replace")[-1000:].strip()
                raise LabError(f"Open vSwitch did not start: {tail or 'no reason given'}")
            time.sleep(0.01)


def _connected(path: Path, until: float) -> AppCtl:
    """A connection to a control socket that is there: a daemon makes the file a moment before it listens."""
    while True:
        try:
            return AppCtl(path)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
