"""What this machine and this Python environment offer, as findings.

Lives here: one function per question, and the table of them. Must not know: how findings are shown.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

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
        return Finding(WRONG, name, f"{version}; Clos patches and tests {pinned}", remedy)
    return Finding(FINE, name, version)


def _ports() -> Iterator[Finding]:
    for port, purpose in ((6653, "switches"), (8181, "HTTP API")):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                flag = "--listen" if port == 6653 else "--api"
                remedy = f"choose another: clos serve {flag} 127.0.0.1:0"
                yield Finding(ABSENT, f"port {port}", f"for {purpose}: {error.strerror}", remedy)
            else:
                yield Finding(FINE, f"port {port}", f"free, for {purpose}")


def _files() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    known = str(hard) if hard != resource.RLIM_INFINITY else "unlimited"
    enough = hard == resource.RLIM_INFINITY or hard >= FILES
    remedy = "" if enough else f"ulimit -n {FILES}"
    yield Finding(FINE if enough else ABSENT, "open files", f"{soft}, up to {known}", remedy)


def _tls() -> Iterator[Finding]:
    sound = ssl.HAS_TLSv1_3
    remedy = "" if sound else "use a Python that was built with OpenSSL 1.1.1 or later"
    yield Finding(
        FINE if sound else ABSENT, "tls", f"{ssl.OPENSSL_VERSION}{'' if sound else ', without TLS 1.3'}", remedy
    )


class Tool(NamedTuple):
    """A program of the lab and Debian's package of it; ``use``: what it is for, empty: no lab without it."""

    program: str
    package: str
    use: str = ""


TOOLS = (
    Tool("ovs-vswitchd", "openvswitch-switch"),
    Tool("ovsdb-server", "openvswitch-switch"),
    Tool("ovsdb-tool", "openvswitch-switch"),
    Tool("ovs-vsctl", "openvswitch-switch"),
    Tool("ovs-ofctl", "openvswitch-switch"),
    Tool("mnexec", "mininet"),
    Tool("ip", "iproute2"),
    Tool("tc", "iproute2"),
    Tool("ethtool", "ethtool"),
    Tool("unshare", "util-linux"),
    Tool("nsenter", "util-linux"),
    Tool("setpriv", "util-linux"),
    Tool("ping", "iputils-ping", "for manual tests"),
    Tool("iperf3", "iperf3", "to measure throughput between hosts"),
    Tool("tshark", "tshark", "to read captures of the lab's cables"),
)
LAB_ONLY = "needed only for the lab"


def _lab() -> Iterator[Finding]:
    """What real switches on this machine would need; the simulator needs none of it."""
    yield from _root()
    for package, tools in groupby(TOOLS, key=lambda tool: tool.package):
        yield _tools(package, list(tools))
    for name in ("mininet", "scapy"):
        yield _lab_package(name)
    kernel = Path("/sys/module/openvswitch").exists()
    answer = "loaded" if kernel else "not loaded; labs use Open vSwitch's user-space datapath, the default"
    yield Finding(FINE, "kernel datapath", answer)


def _root() -> Iterator[Finding]:
    root = os.geteuid() == 0
    yield Finding(
        FINE if root else ABSENT, "root", "yes" if root else f"no; {LAB_ONLY}", "" if root else "sudo clos lab"
    )
    if root and _where("unshare"):
        words = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        said = done.stderr.strip().splitlines()
        answer = f"cannot be made: {said[-1] if said else 'no reason given'}; {LAB_ONLY}"
        remedy = "in a container: start it with --privileged"
        yield Finding(ABSENT, "namespaces", answer, remedy) if done.returncode else Finding(FINE, "namespaces", "yes")


def _tools(package: str, tools: list[Tool]) -> Finding:
    gone = [tool for tool in tools if not _where(tool.program)]
    if not gone:
        return Finding(FINE, package, _where(tools[0].program) or "")
    answer = f"{', '.join(tool.program for tool in gone)} not installed; {gone[0].use or LAB_ONLY}"
    return Finding(ABSENT, package, answer, f"sudo apt-get install {package}")


def _lab_package(name: str) -> Finding:
    try:
        return Finding(FINE, f"python {name}", metadata.version(name))
    except metadata.PackageNotFoundError:
        remedy = f"{sys.executable} -m pip install -e '.[lab]'"
        return Finding(ABSENT, f"python {name}", f"not installed; {LAB_ONLY}", remedy)


def _where(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _packages, _tls, _ports, _files, _lab)
"""Every question, in the order they are told."""


def findings() -> list[Finding]:
    """All answers."""
    return [finding for check in CHECKS for finding in check()]
