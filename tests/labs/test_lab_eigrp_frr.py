"""EIGRP against a router nobody here wrote: FRR's eigrpd, in a network namespace of its own.

FRR withdraws nothing and takes no external routes, so it is held to the adjacency, the first updates and metrics.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.examples import EXAMPLES
from tests.support.lab_ready import require_lab
from tests.support.root import ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.lab
require_lab()

FRR = Path("/usr/lib/frr")
RESTARTS = max(5, EXAMPLES // 10)
"""A hundred with CLOS_EXAMPLES=1000."""
OURS, THEIRS = "10.9.0.1", "10.9.0.2"


def _missing() -> bool:
    return not (FRR / "eigrpd").exists() or shutil.which("vtysh") is None


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _inside(namespace: str, *words: object) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{namespace}", *map(str, words)]


@pytest.fixture
def peers() -> Iterator[tuple[str, Path]]:
    """Our namespace, and the directory of the sockets of an FRR at the other end of a cable."""
    ours, theirs = f"clos-eigrp-{os.getpid()}", f"clos-frr-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="clos-frr-") as name:
        work = Path(name)
        shutil.chown(work, "frr", "frr")
        (work / "zebra.conf").write_text("hostname frr\n", encoding="ascii")
        networks = " network 10.9.0.0/24\n network 172.16.9.0/24\n"
        (work / "eigrpd.conf").write_text(f"hostname frr\nrouter eigrp 100\n{networks}", encoding="ascii")
        try:
            for one in (ours, theirs):
                _ip("netns", "add", one)
                _ip("-n", one, "link", "set", "lo", "up")
            _ip("link", "add", "us", "netns", ours, "type", "veth", "peer", "name", "them", "netns", theirs)
            for one, port, address in ((ours, "us", OURS), (theirs, "them", THEIRS)):
                _ip("-n", one, "addr", "add", f"{address}/24", "dev", port)
                _ip("-n", one, "link", "set", port, "up")
            _ip("-n", theirs, "addr", "add", "172.16.9.1/24", "dev", "lo")
            for daemon in ("zebra", "eigrpd"):
                words = ["-d", "-f", f"{work}/{daemon}.conf", "-i", f"{work}/{daemon}.pid", "-z", f"{work}/zserv.api",
                         "--vty_socket", name, "-P", "0", "--log", f"file:{work}/{daemon}.log"]  # fmt: skip
                subprocess.run(_inside(theirs, FRR / daemon, *words), check=True)
                assert eventually((work / f"{daemon}.vty").exists), f"FRR's {daemon} does not come up"
            yield ours, work
        finally:
            for daemon in ("eigrpd", "zebra"):
                if (work / f"{daemon}.pid").exists():
                    os.kill(int((work / f"{daemon}.pid").read_text(encoding="ascii")), 15)
            for one in (ours, theirs):
                subprocess.run(["ip", "netns", "del", one], check=False)


def _shown(work: Path, command: str) -> str:
    return subprocess.run(
        ["vtysh", "--vty_socket", str(work), "-c", command], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.skipif(_missing(), reason="FRR is not installed")
def test_an_adjacency_with_frr_forms_again_after_every_restart(peers: tuple[str, Path]) -> None:
    namespace, work = peers
    program = (sys.executable, "-m", "tests.support.eigrp_on_wire", "us", f"{OURS}/24", RESTARTS)
    done = subprocess.run(
        _inside(namespace, *program), cwd=ROOT, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout[-500:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == RESTARTS + 1
    for line in lines:
        assert line["routes"] == {"172.16.9.0/24": [[THEIRS, 28416]]} and line["refused"] == []
    topology = _shown(work, "show ip eigrp topology")
    own = re.search(r"172\.30\.1\.0/24, 1 successors, FD is (\d+).*\n\s+via 10\.9\.0\.1 \((\d+)/(\d+)\)", topology)
    assert own is not None, topology
    assert own.groups() == ("5376", "5376", "2816")  # our 2816, and FRR's delay of 100 microseconds: 256 x 10
