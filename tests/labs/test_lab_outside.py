"""The world outside, by a router nobody here wrote: FRR's zebra and staticd in the station of a border leaf.

A host behind it reaches what policies permit and nothing else, and nobody there passes for one of the fabric's own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, running
from clos.lab.mininet.sandbox import DIE_TOO
from tests.support.small_outside import FABRIC, SHOP
from tests.support.waiting import eventually

FRR = Path("/usr/lib/frr")
ABROAD, PARTNER, STOLEN = "203.0.113.7", "198.51.100.7", "10.1.1.12"
ROUTES = "ip route 10.1.0.0/16 10.1.9.1\nip route 198.51.100.0/24 203.0.113.7\n"
SERVE = (
    "import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); print('ready', flush=True);"
    " c, a = s.accept(); print(a[0])"
)
OPEN = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2, (sys.argv[3], 0))"


def _net(namespace: Path, *words: object) -> list[str]:
    return ["nsenter", f"--net={namespace}", *map(str, words)]


def _do(namespace: Path, *words: object) -> None:
    subprocess.run(_net(namespace, *words), check=True)


@contextmanager
def _frr(namespace: Path) -> Iterator[Path]:
    """FRR with static routes in a network namespace: the directory of its sockets."""
    with tempfile.TemporaryDirectory(prefix="clos-frr-") as name, ExitStack() as closing:
        work = Path(name)
        shutil.chown(work, "frr", "frr")
        (work / "zebra.conf").write_text("hostname wan\n", encoding="ascii")
        (work / "staticd.conf").write_text(f"hostname wan\n{ROUTES}", encoding="ascii")
        for daemon in ("zebra", "staticd"):
            words = ["-d", "-f", f"{work}/{daemon}.conf", "-i", f"{work}/{daemon}.pid", "-z", f"{work}/zserv.api",
                     "--vty_socket", name, "-P", "0", "--log", f"file:{work}/{daemon}.log"]  # fmt: skip
            subprocess.run(_net(namespace, FRR / daemon, *words), check=True)
            closing.callback(_stop, work / f"{daemon}.pid")
            assert eventually((work / f"{daemon}.vty").exists), f"FRR's {daemon} does not come up"
        yield work


def _stop(pid: Path) -> None:
    if pid.exists():
        os.kill(int(pid.read_text(encoding="ascii")), 15)


@contextmanager
def _host_behind(router: Path) -> Iterator[Path]:
    """A host of its own behind a router's second port: its network namespace."""
    words = _net(router, "unshare", "--net", "sh", "-c", "echo ready; exec sleep 600")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None and host.stdout.readline() == "ready\n"
        inside = Path(f"/proc/{host.pid}/ns/net")
        _do(router, "ip", "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", host.pid)
        _do(router, "ip", "addr", "add", "203.0.113.1/24", "dev", "lan")
        _do(router, "ip", "link", "set", "lan", "up")
        for address in (f"{ABROAD}/24", f"{PARTNER}/32", f"{STOLEN}/32"):
            _do(inside, "ip", "addr", "add", address, "dev", "eth0")
        _do(inside, "ip", "link", "set", "eth0", "up")
        _do(inside, "ip", "route", "add", "default", "via", "203.0.113.1")
        yield inside
        host.kill()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """The lab, and the network namespace of a host behind its router."""
    here = tmp_path_factory.mktemp("files")
    (here / "fabric.yaml").write_text(FABRIC)
    (here / "shop.yaml").write_text(SHOP)
    with running(here / "fabric.yaml", [here / "shop.yaml"], tmp_path_factory.mktemp("lab")) as lab:
        lab.await_in_line()
        router = lab.cell.net("wan1")
        with _host_behind(router) as host, _frr(router) as work:
            settings = "echo 1 > ip_forward; for one in conf/*/rp_filter; do echo 0 > $one; done"
            _do(router, "sh", "-c", f"cd /proc/sys/net/ipv4; {settings}")
            _do(router, "ip", "route", "del", "default")
            show = ["vtysh", "--vty_socket", str(work), "-c", "show ip route static"]
            known = lambda: subprocess.run(show, capture_output=True, text=True, check=True).stdout  # noqa: E731
            assert eventually(lambda: "S>* 10.1.0.0/16" in known()), known()
            yield lab, host


@contextmanager
def server(words: list[str], port: int) -> Iterator[subprocess.Popen[str]]:
    """A program that says who connects."""
    ends = [*DIE_TOO, *words, *DIE_TOO, "python3", "-c", SERVE, str(port)]
    with subprocess.Popen(ends, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def connect(host: Path, to: str, port: int, source: str) -> str:
    """What becomes of a connection from a host behind the router; nothing when it is opened."""
    words = _net(host, "python3", "-c", OPEN, to, port, source)
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr.strip().rpartition("\n")[2]


MISSING = not (FRR / "staticd").exists() or shutil.which("vtysh") is None
needs_frr = pytest.mark.skipif(MISSING, reason="FRR is not installed")


@needs_frr
def test_a_host_behind_the_router_opens_what_is_permitted_and_nothing_else(world: tuple[Lab, Path]) -> None:
    lab, host = world
    with server(lab.cell.enter("web1"), 443) as process:
        assert connect(host, "10.1.1.11", 443, ABROAD) == ""
        assert process.stdout is not None and process.stdout.readline() == f"{ABROAD}\n"
    with server(lab.cell.enter("db1"), 443):
        assert "timed out" in connect(host, "10.1.1.12", 443, ABROAD)
    with server(lab.cell.enter("web1"), 443):
        assert "timed out" in connect(host, "10.1.1.11", 443, PARTNER)


@needs_frr
def test_an_endpoint_opens_what_it_may_to_a_group_outside(world: tuple[Lab, Path]) -> None:
    lab, host = world
    opens = ["python3", "-c", OPEN]
    with server(_net(host), 22) as process:
        assert lab.cell.run("web1", *opens, PARTNER, "22", "10.1.1.11").returncode == 0
        assert process.stdout is not None and process.stdout.readline() == "10.1.1.11\n"
    with server(_net(host), 22):
        assert "timed out" in lab.cell.run("web1", *opens, ABROAD, "22", "10.1.1.11").stderr


@needs_frr
def test_a_source_of_the_fabrics_own_is_stopped_at_the_border_in_table_1(world: tuple[Lab, Path]) -> None:
    lab, host = world
    before = _refused(lab)
    with server(lab.cell.enter("web1"), 443):
        assert "timed out" in connect(host, "10.1.1.11", 443, STOLEN)
    assert _refused(lab) > before


def _refused(lab: Lab) -> int:
    """How many packets the admit table of the border leaf has refused under addresses of the front network."""
    flows = lab.cell.run("", "ovs-ofctl", "-O", "OpenFlow13", "dump-flows", "border1", "table=1").stdout
    rows = [line for line in flows.splitlines() if "nw_src=10.1.1.0/24" in line]
    assert len(rows) == 1, flows
    found = re.search(r"n_packets=(\d+)", rows[0])
    assert found is not None
    return int(found[1])
