"""An FRR with eigrpd at the other end of a cable, each end in a namespace of its own, and our machine restarted there.

Lives here: starting and ending these, asking FRR. Must not know: what is expected of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.root import ROOT
from tests.support.waiting import eventually

FRR = Path("/usr/lib/frr")
OURS, THEIRS = "10.9.0.1", "10.9.0.2"
SECONDS_EACH = 15
"""For an adjacency, on a busy machine; and four times as long for all that is not one."""


def missing() -> bool:
    return not (FRR / "eigrpd").exists() or shutil.which("vtysh") is None


class Peers(NamedTuple):
    """``ours``: our namespace; ``work``: the directory of FRR's sockets."""

    ours: str
    work: Path

    def shown(self, command: str) -> str:
        """What FRR answers."""
        return subprocess.run(
            ["vtysh", "--vty_socket", str(self.work), "-c", command], capture_output=True, text=True, check=True
        ).stdout

    def adjacencies(self, restarts: int) -> list[dict[str, Any]]:
        """What our machine came to each time (tests.support.eigrp_on_wire), once and after so many restarts."""
        program = (sys.executable, "-m", "tests.support.eigrp_on_wire", "us", f"{OURS}/24", restarts)
        done = subprocess.run(
            _inside(self.ours, *program), cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=SECONDS_EACH * (restarts + 4),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout[-500:]
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def peers() -> Iterator[Peers]:
    ours, theirs = f"clos-eigrp-{os.getpid()}", f"clos-frr-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="clos-frr-") as name:
        work = Path(name)
        shutil.chown(work, "frr", "frr")
        (work / "zebra.conf").write_text("hostname frr\n", encoding="ascii")
        networks = " network 10.9.0.0/24\n network 172.16.9.0/24\n"
        (work / "eigrpd.conf").write_text(f"hostname frr\nrouter eigrp 100\n{networks}", encoding="ascii")
        try:
            _cable(ours, theirs)
            for daemon in ("zebra", "eigrpd"):
                words = ["-d", "-f", f"{work}/{daemon}.conf", "-i", f"{work}/{daemon}.pid", "-z", f"{work}/zserv.api",
                         "--vty_socket", name, "-P", "0", "--log", f"file:{work}/{daemon}.log"]  # fmt: skip
                subprocess.run(_inside(theirs, FRR / daemon, *words), check=True)
                assert eventually((work / f"{daemon}.vty").exists), f"FRR's {daemon} does not come up"
            yield Peers(ours, work)
        finally:
            for daemon in ("eigrpd", "zebra"):
                if (work / f"{daemon}.pid").exists():
                    os.kill(int((work / f"{daemon}.pid").read_text(encoding="ascii")), 15)
            for one in (ours, theirs):
                subprocess.run(["ip", "netns", "del", one], check=False)


def _cable(ours: str, theirs: str) -> None:
    for one in (ours, theirs):
        _ip("netns", "add", one)
        _ip("-n", one, "link", "set", "lo", "up")
    _ip("link", "add", "us", "netns", ours, "type", "veth", "peer", "name", "them", "netns", theirs)
    for one, port, address in ((ours, "us", OURS), (theirs, "them", THEIRS)):
        _ip("-n", one, "addr", "add", f"{address}/24", "dev", port)
        _ip("-n", one, "link", "set", port, "up")
    _ip("-n", theirs, "addr", "add", "172.16.9.1/24", "dev", "lo")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _inside(namespace: str, *words: object) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{namespace}", *map(str, words)]
