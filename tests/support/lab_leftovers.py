"""What a lab could leave on this machine, by our own marks: others come and go on it while tests run.

Lives here: processes that have the lab's directory in their words or their environment, mounts of it, namespaces that
were a lab's and live on, interfaces and bridges by the names of its switches, and the directory itself.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from clos.lab.mininet.sandbox import Sandbox

KINDS = ("net", "mnt", "pid")


def processes(directory: Path) -> list[str]:
    """Of labs in this directory, by their ids."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(directory).encode() in (path / "cmdline").read_bytes() + (path / "environ").read_bytes():
                found.append(path.name)
    return found


def namespaces(cell: Sandbox) -> set[str]:
    """Those of a running lab and its nodes: ``net:[4026532000]``."""
    places = [Path(f"/proc/{cell.pid}/ns"), *(cell.net(node).parent for node in cell.nodes)]
    here = {os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS}
    return {os.readlink(place / kind) for place in places for kind in KINDS} - here


def left(directory: Path, names: Iterable[str], were: Iterable[str] = ()) -> list[str]:
    """All that is there of labs in this directory, with these switches and, if they are known, these namespaces."""
    return [
        *(f"process {pid}" for pid in processes(directory)),
        *(f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if _ours(line, directory)),
        *(f"namespace {name}" for name in sorted(set(were) & set(_living()))),
        *(f"interface {name}" for name in os.listdir("/sys/class/net") if name.rpartition("-")[0] in set(names)),
        *(f"bridge {name}" for name in _bridges() if name in set(names)),
        *(f"file {path}" for path in (Path("/var/run/openvswitch").glob("*")) if path.name.split(".")[0] in set(names)),
        *([f"directory {directory}"] if directory.exists() else []),
    ]


def _ours(line: str, directory: Path) -> bool:
    return str(directory) in line


def _living() -> Iterator[str]:
    """Namespaces that a process is in, or that a mount keeps alive."""
    for place in Path("/proc").glob("[0-9]*/ns"):
        for kind in KINDS:
            with suppress(OSError):
                yield os.readlink(place / kind)
    yield from (line.split()[3] for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _bridges() -> list[str]:
    """Of the system's own Open vSwitch, where one runs."""
    if not Path("/var/run/openvswitch/db.sock").exists():
        return []
    return subprocess.run(
        ["ovs-vsctl", "--timeout=60", "list-br"], capture_output=True, text=True, check=False
    ).stdout.split()
