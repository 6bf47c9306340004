"""A legacy network on real packets: one of its VLANs walks onto Open vSwitch and back; then the lab is gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_run import ROOT, clos
from tests.support.lab_leftovers import left, namespaces, processes
from tests.support.lab_ready import require_lab
from tests.support.signals import FRESH
from tests.support.waiting import eventually

pytestmark = pytest.mark.lab
require_lab()
pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.cli.demo_of_migration import configurations, tables
from clos.lab.legacy.legacy_lab import FABRIC, LegacyLab, find, running
from clos.lab.mininet.sandbox import down, find_sandbox
from tests.support.lab_frames import Recorder
from tests.support.tshark import TSHARK, complaints, dissected

SMALL = ROOT / "topologies/legacy-small"
SWITCHES = ("spine1", "leaf1", "edge1", "edge2")
PAIRS = [["office-1", "office-2"], ["office-2", "office-3"], ["office-1", "server-1"], ["server-2", "office-3"]]
"""Within the VLAN that moves, and across its gateway in both directions."""
PATIENCE = 120.0


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LegacyLab]:
    monkeypatch.setenv("CLOS_LEGACY_PASSWORD", "legacy")
    with running(SMALL, SMALL / FABRIC, tmp_path / "lab") as found:
        yield found


def _losses(lab: LegacyLab) -> dict[str, int]:
    """Of the pings since the last look, by pair and direction."""
    rows = lab.order("flows", reset=True, group="test")
    assert len(rows) == len(PAIRS) and all(row["there"]["sent"] > 100 for row in rows), rows
    return {f"{row['source']} {row['target']} {way}": row[way]["lost"] for row in rows for way in ("there", "back")}


def _crossed(lab: LegacyLab) -> int:
    """Packets that the border switch of the fabric has received from dist1."""
    links = json.loads(lab.cell.run("", "ip", "-json", "-stats", "link", "show", "edge1-11").stdout)
    return int(links[0]["stats64"]["rx"]["packets"])


def _discovered(lab: LegacyLab, to: Path) -> dict[str, Any]:
    """All of it. On a very busy machine a session may be cut off, which is told (exit code 1): once more then."""
    ran = clos("migrate", "discover", lab.inventory, "--out", to)
    if ran.code == 1 and "cut off" in ran.out:
        ran = clos("migrate", "discover", lab.inventory, "--out", to)
    assert ran.code == 0, ran.out + ran.err
    return {"configurations": configurations(to), **tables(to)}


def _elected(lab: LegacyLab, to: Path) -> bool:
    """Whether every group has a standby router again: that takes HSRP's hold time twice."""
    return "has no standby router" not in clos("migrate", "discover", lab.inventory, "--out", to).out


def _active(lab: LegacyLab, tmp_path: Path) -> str:
    """Who answers for the VLAN's gateway, by its devices' own words."""
    seen = _discovered(lab, tmp_path / f"look{len(list(tmp_path.iterdir()))}")["HSRP groups"]
    states = {name: one.state for name, groups in seen.items() for one in groups or () if one.group == 10}
    return next((name for name, state in states.items() if state == "Active"), "the fabric")


def test_a_vlan_walks_onto_open_vswitch_and_back_and_no_ping_is_lost(lab: LegacyLab, tmp_path: Path) -> None:
    before = _discovered(lab, tmp_path / "found")
    words = ("-t", SMALL / FABRIC, "--border", "border1=dist1:Te1/3", "--only-vlan", 10, "--out", tmp_path / "plan")
    assert clos("migrate", "plan", tmp_path / "found", *words).code == 0
    allow = ("devices-2", "devices-3", "gateways", "deletes", "delete-tenant=found-bridged")
    here = ("--state", lab.state, "--inventory", lab.inventory, "--control", lab.control, "--probe-ms", 5, "--yes")
    assert eventually(lambda: all(lab.order("probe", source=a, target=b)["answered"] for a, b in PAIRS))
    lab.order("flows_start", pairs=PAIRS, interval_ms=5, group="test")

    crossed = _crossed(lab)
    with Recorder(lab.cell.net(""), "to-edge1-11") as spoken:
        ran = clos("migrate", "run", tmp_path / "plan", "--to", 4, *(f"--allow={name}" for name in allow), *here)
    assert ran.code == 0, ran.out + ran.err
    _judged_by_tshark(spoken.frames, tmp_path)
    assert not any(_losses(lab).values())
    assert _active(lab, tmp_path) == "the fabric"
    assert _crossed(lab) > crossed + 100, "pings to and from the servers lead through the fabric"
    told = json.loads((tmp_path / "plan/report.json").read_text())["losses"]
    hosts = {host: loss for phase in told for host, loss in phase["hosts"].items()}
    assert set(hosts) == {"office-1", "office-2", "office-3"} and not any(one["lost"] for one in hosts.values())

    ran = clos("migrate", "rollback", tmp_path / "plan", "--to", 1, *here)
    assert ran.code == 0, ran.out + ran.err
    assert not any(_losses(lab).values())
    assert eventually(lambda: _elected(lab, tmp_path / "resting")), "nobody stands by"
    after = _discovered(lab, tmp_path / "afterwards")
    assert after == before
    assert clos("lab", "legacy", "status", "--dir", lab.state).code == 0


def _judged_by_tshark(frames: list[bytes], folder: Path) -> None:
    """What dist1 and the fabric's speakers said to one another at the border, all three protocols."""
    assert TSHARK is not None, "tshark is not installed: make lab-deps"
    layers = dissected(frames, folder)
    assert {name for each in layers for name in each} >= {"stp", "hsrp", "eigrp"}
    senders = {each["eth"]["eth.src"] for each in layers if "hsrp" in each}
    assert len(senders) > 1, "both sides speak HSRP"
    wrong = [(frame.hex(), found) for frame, each in zip(frames, layers, strict=True) if (found := complaints(each))]
    assert not wrong, wrong[:3]


PROGRAM = """
import sys
from pathlib import Path
from clos.lab.legacy.legacy_lab import FABRIC, running
place, directory = map(Path, sys.argv[1:])
with running(place, place / FABRIC, directory):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[set[str]]:
    """After the test nothing new is there that has our marks. A test adds the namespaces that it knows of."""
    were: set[str] = set()
    before = left(tmp_path / "lab", SWITCHES)
    yield were
    gone = eventually(lambda: set(left(tmp_path / "lab", SWITCHES, were)) <= set(before), PATIENCE)
    assert gone, left(tmp_path / "lab", SWITCHES, were)


def test_devices_and_their_doors_end_with_the_lab_when_its_runner_is_killed(
    tmp_path: Path, untouched: set[str]
) -> None:
    where, pipe = tmp_path / "lab", subprocess.PIPE
    words = [*FRESH, sys.executable, "-c", PROGRAM, str(SMALL), str(where)]
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    untouched |= namespaces(find_sandbox(where))
    doors = json.loads((where / "ready.json").read_text())["legacy"]["ports"]
    try:
        assert all(_open(port) for port in doors.values())
        _cables_are_real(find(where))
        _killed_devices_are_told_of(where)
    finally:
        process.kill()
        process.communicate()
        assert down(where)
    assert eventually(lambda: not any(_open(port) for port in doors.values()), PATIENCE)


def _cables_are_real(lab: LegacyLab) -> None:
    """A broken cable takes the light from the host, and mending gives it back; so does a port that is shut. A host that
    is plugged into the fabric, which knows no tenant, reaches nobody until it is back."""

    def answers() -> bool:
        return bool(lab.order("probe", source="office-1", target="office-2")["answered"])

    def light() -> str:
        return lab.cell.run("office-1", "cat", "/sys/class/net/eth0/carrier").stdout.strip()

    assert eventually(answers) and light() == "1"
    lab.order("cut", where="acc1 Gi1/0/1")
    assert eventually(lambda: light() == "0") and not answers()
    assert clos("lab", "legacy", "status", "--dir", lab.state).code == 1
    lab.order("restore", where="acc1 Gi1/0/1")
    assert eventually(lambda: light() == "1") and eventually(answers)
    lab.order("edit", device="acc1", lines=["interface GigabitEthernet1/0/1", " shutdown"])
    assert eventually(lambda: light() == "0")
    lab.order("edit", device="acc1", lines=["interface GigabitEthernet1/0/1", " no shutdown"])
    assert eventually(lambda: light() == "1") and eventually(answers)
    lab.order("plug", host="office-1", side="fabric")
    assert eventually(lambda: light() == "1") and not answers()
    lab.order("plug", host="office-1", side="legacy")
    assert eventually(answers)


def _killed_devices_are_told_of(where: Path) -> None:
    """The devices' process alone is killed: the status says so, and what to do."""
    assert clos("lab", "legacy", "status", "--dir", where).code == 0
    found = [pid for pid in processes(where) if "clos.lab.legacy.devices" in _words(pid)]
    for pid in found:
        os.kill(int(pid), signal.SIGKILL)
    ran = clos("lab", "legacy", "status", "--dir", where)
    assert found and ran.code == 3 and "have ended" in ran.err and "clos lab legacy down" in ran.err, ran


def _words(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _open(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.usefixtures("untouched")
def test_ctrl_c_while_it_comes_up_leaves_nothing(tmp_path: Path) -> None:
    where, pipe = tmp_path / "lab", subprocess.PIPE
    words = [sys.executable, "-m", "clos.controller.cli", "lab", "legacy", "up", str(SMALL), "--ssh", "127.0.0.1:0"]
    process = subprocess.Popen([*FRESH, *words, "--dir", str(where)], stdout=pipe, stderr=pipe, text=True, cwd=ROOT)
    assert eventually(lambda: any("clos.lab.legacy.devices" in _words(pid) for pid in processes(where)), PATIENCE)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode != 0 and not where.exists()


@pytest.mark.usefixtures("untouched")
def test_a_port_that_is_taken_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = clos("lab", "legacy", "up", SMALL, "--ssh", at, "--dir", tmp_path / "lab")
    assert ran.code == 3 and "choose another with --ssh" in ran.err, ran
    assert not (tmp_path / "lab").exists()


def test_files_that_do_not_fit_are_refused_before_anything_is_started(tmp_path: Path) -> None:
    fabric = tmp_path / "fabric.yaml"
    fabric.write_text((SMALL / FABRIC).read_text().replace("border2:", "elsewhere:"))
    ran = clos("lab", "legacy", "up", SMALL, "--fabric", fabric, "--dir", tmp_path / "lab")
    assert ran.code == 1 and "border2: the fabric's topology has no host of this name" in ran.err, ran
    ran = clos("lab", "legacy", "up", SMALL, "--ssh", "0.0.0.0:2200", "--dir", tmp_path / "lab")
    assert ran.code == 2 and "loopback only" in ran.err, ran
    ran = clos("lab", "legacy", "up", tmp_path, "--fabric", fabric, "--dir", tmp_path / "lab")
    assert ran.code == 1 and "inventory.yaml" in ran.err, ran
    assert not (tmp_path / "lab").exists()
