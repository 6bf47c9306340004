"""What this machine and this Python environment offer, as findings.

Lives here: one function per question, and the table of them. Must not know: how findings are shown.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Final, NamedTuple

from controller.cli.intruder import REMEDY, intruder

PACKAGE: Final = "clos-fabric"
PYTHON: Final = (3, 11)
FILES: Final = 4096
"""Open files that a simulated fabric of a thousand switches and its controller need."""

FINE, ABSENT, WRONG = "fine", "absent", "wrong"
"""``absent``: something optional is not there; ``wrong``: Clos does not work as it should."""


class Finding(NamedTuple):
    """An answer; ``remedy``: the command that helps, empty when nothing is to be done."""

    state: str
    what: str
    answer: str
    remedy: str = ""


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    sound = sys.version_info >= PYTHON
    yield Finding(FINE if sound else WRONG, "python", version, "" if sound else "sudo apt-get install python3.11")


def _packages() -> Iterator[Finding]:
    """Every package that Clos needs to run, with its version."""
    try:
        wanted = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield Finding(WRONG, PACKAGE, "not installed in this environment", f"{sys.executable} -m pip install -e .")
        return
    for requirement in wanted:
        spec, _, marker = requirement.partition(";")
        if "extra" in marker:
            continue
        name = re.split(r"[<>=!~\[ ]", spec.strip(), maxsplit=1)[0]
        yield _package(name, spec.strip())


def _package(name: str, spec: str) -> Finding:
    remedy = f"{sys.executable} -m pip install '{spec}'"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(WRONG, name, "not installed", remedy)
    _, exactly, pinned = spec.partition("==")
    if exactly and version != pinned:
        return Finding(WRONG, name, f"{version}, but Clos mends and tests {pinned}", remedy)
    return Finding(FINE, name, version)


def _fabric() -> Iterator[Finding]:
    where = intruder()
    if where:
        yield Finding(WRONG, "fabric", f"PyPI's package of that name is in {where}", REMEDY)


def _ports() -> Iterator[Finding]:
    for port, purpose in ((6653, "switches connect"), (8181, "programs ask")):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                flag = "--listen" if port == 6653 else "--api"
                remedy = f"choose another: clos serve {flag} 127.0.0.1:0"
                yield Finding(ABSENT, f"port {port}", f"where {purpose}: {error.strerror}", remedy)
            else:
                yield Finding(FINE, f"port {port}", f"free; where {purpose}")


def _files() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    known = str(hard) if hard != resource.RLIM_INFINITY else "unlimited"
    enough = hard == resource.RLIM_INFINITY or hard >= FILES
    remedy = "" if enough else f"ulimit -n {FILES}"
    yield Finding(FINE if enough else ABSENT, "open files", f"{soft}, up to {known}", remedy)


def _lab() -> Iterator[Finding]:
    """What real switches on this machine would need; the simulator needs none of it."""
    root = os.geteuid() == 0
    yield Finding(FINE if root else ABSENT, "root", "yes" if root else "no; only a lab of real switches needs it")
    for program, package in (("ovs-vsctl", "openvswitch-switch"), ("mnexec", "mininet")):
        where = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        remedy = "" if where else f"sudo apt-get install {package}"
        answer = where or "not installed; only a lab of real switches needs it"
        yield Finding(FINE if where else ABSENT, package, answer, remedy)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _packages, _fabric, _ports, _files, _lab)
"""Every question, in the order they are told."""


def findings() -> list[Finding]:
    """All answers."""
    return [finding for check in CHECKS for finding in check()]
