"""A lab from its first namespace to its last: what it says of its cables, intents changed under way, nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from clos.controller.intent import Text, dump
from clos.fabric.topology import Link
from clos.lab.mininet.sandbox import down, find_sandbox
from clos.lab.ovs.processes import KERNEL, MODULE, LabError
from tests.support.cli_run import ROOT, clos
from tests.support.daemon_harness import FABRIC
from tests.support.lab_ready import require_lab
from tests.support.waiting import eventually

TOPOLOGY, INTENTS = ROOT / "topologies/demo.yaml", ROOT / "intents/demo.yaml"
pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, apply, running, texts
from clos.lab.mininet.sandbox import up


class Machine(NamedTuple):
    """What a lab could leave behind, anywhere on this machine."""

    namespaces: tuple[str, ...]
    devices: tuple[str, ...]
    mounts: str
    run: tuple[str, ...]
    switches: tuple[str, ...]
    lab: tuple[str, ...]


def machine(directory: Path) -> Machine:
    """Named namespaces, interfaces and bridges, mounts, /var/run, bridges of a system's Open vSwitch, lab processes."""
    named = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    bridges = subprocess.run(
        ["ovs-vsctl", "--timeout=1", "list-br"], capture_output=True, text=True, check=False
    ).stdout
    return Machine(
        tuple(sorted(named.splitlines())),
        tuple(sorted(os.listdir("/sys/class/net"))),
        Path("/proc/mounts").read_text(),
        tuple(sorted(str(path) for place in ("/var/run", "/var/run/openvswitch") for path in Path(place).glob("*"))),
        tuple(sorted(bridges.splitlines())),
        tuple(sorted(_of(directory))),
    )


def _of(directory: Path) -> Iterator[str]:
    """Processes of labs in this directory: its name is in their command lines, and in what they inherit."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(directory).encode() in (path / "cmdline").read_bytes() + (path / "environ").read_bytes():
                yield path.name


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[None]:
    """After the test, the machine is as it was before."""
    before = machine(tmp_path)
    yield
    eventually(lambda: not machine(tmp_path).lab, 5)
    assert machine(tmp_path) == before


PROGRAM = """
import sys
from pathlib import Path
from clos.lab.lab import running
topology, intents, directory, then = sys.argv[1:]
with running(Path(topology), [Path(intents)], Path(directory)):
    print("up", flush=True)
    {"wait": sys.stdin.read, "fail": lambda: 1 / 0}[then]()
"""


def runner(directory: Path, then: str) -> subprocess.Popen[str]:
    """A process that runs a lab for as long as a block, in which it waits or fails."""
    words = [sys.executable, "-c", PROGRAM, str(TOPOLOGY), str(INTENTS), str(directory), then]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def _interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()


def _finish(process: subprocess.Popen[str]) -> None:
    process.communicate("")


ENDS = {"success": _finish, "Ctrl-C": _interrupt, "SIGKILL of the runner": _kill}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_lab_leaves_nothing_however_it_ends(tmp_path: Path, end: Callable[[subprocess.Popen[str]], None]) -> None:
    process = runner(tmp_path / "lab", "wait")
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    assert len(machine(tmp_path).lab) > 10
    end(process)
    process.wait(20)
    if end is _kill:
        assert down(tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


@pytest.mark.usefixtures("untouched")
def test_a_lab_leaves_nothing_when_what_it_was_for_fails(tmp_path: Path) -> None:
    process = runner(tmp_path / "lab", "fail")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "ZeroDivisionError" in errors
    assert not (tmp_path / "lab").exists()


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("after", [0.2, 0.8])
def test_a_lab_that_is_interrupted_while_it_comes_up_leaves_nothing(
    tmp_path: Path, signal_: signal.Signals, after: float
) -> None:
    process = runner(tmp_path / "lab", "wait")
    assert eventually((tmp_path / "lab/order.json").exists, 20)
    time.sleep(after)
    process.send_signal(signal_)
    process.communicate(timeout=60)
    down(tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


@pytest.mark.usefixtures("untouched")
def test_a_lab_whose_keeper_was_killed_is_ended_by_down(tmp_path: Path) -> None:
    cell = up(texts([TOPOLOGY])[0], texts([INTENTS]), tmp_path / "lab")
    os.kill(cell.pid, signal.SIGKILL)
    assert eventually(lambda: _raises(tmp_path / "lab"), 5)
    assert down(tmp_path / "lab")
    assert down(tmp_path / "lab") is False


def _raises(directory: Path) -> bool:
    try:
        find_sandbox(directory)
    except LabError:
        return True
    return False


@pytest.mark.usefixtures("untouched")
def test_two_labs_live_side_by_side_and_end_one_by_one(tmp_path: Path) -> None:
    document, intents = texts([TOPOLOGY])[0], texts([INTENTS])
    one, two = (up(document, intents, tmp_path / name) for name in ("one", "two"))
    assert down(tmp_path / "one")
    assert two.run("web1", "ping", "-c1", "-W2", "10.1.2.11").returncode == 0
    assert down(tmp_path / "two")
    assert one.pid != two.pid


# What runs in it.


def _miswired() -> Text:
    links = list(FABRIC.links)
    links[0], links[3] = Link(links[0].a, links[3].b), Link(links[3].a, links[0].b)
    return Text("cabling.yaml", dump(replace(FABRIC, links=tuple(links[:-1]))))


def test_wrong_and_missing_cables_of_real_switches_are_told_by_name(tmp_path: Path) -> None:
    with running(TOPOLOGY, [INTENTS], tmp_path / "lab", cabling=_miswired()) as lab:
        assert eventually(lambda: "not seen yet" not in _states(lab), 25), lab.cell.ask("status")["links"]
        told = {link["a"]: (link["state"], link["text"]) for link in lab.cell.ask("status")["links"]}
        first, other, last = FABRIC.links[0], FABRIC.links[3], FABRIC.links[-1]
        text = f"{first.a}: expected {first.b}, is {other.b}; {first.b}: expected {first.a}, is {other.a}"
        assert told[str(first.a)] == ("miswired", text)
        assert told[str(other.a)][0] == "miswired"
        assert told[str(last.a)] == ("missing", f"{last.a.switch} has no port 2; {last.b.switch} has no port 4")
        ran = clos("lab", "status", "--dir", tmp_path / "lab")
        assert ran.code == 1 and f"miswired: {text}" in ran.out


def _states(lab: Lab) -> list[str]:
    return [link["state"] for link in lab.cell.ask("status")["links"]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(TOPOLOGY, [INTENTS], tmp_path_factory.mktemp("lab") / "lab") as found:
        yield found


def test_a_sound_labs_links_are_as_designed_and_a_cut_cable_is_missing_at_once(lab: Lab) -> None:
    assert eventually(lambda: set(_states(lab)) == {"as designed"}, 25), lab.cell.ask("status")["links"]
    port = FABRIC.links[2].a
    lab.cut(port)
    try:
        assert eventually(lambda: "missing" in _states(lab), 3)
    finally:
        lab.mend(port)
    assert eventually(lambda: set(_states(lab)) == {"as designed"}, 10)


def test_when_all_switches_restart_empty_they_are_programmed_within_a_second_and_hosts_talk_again(lab: Lab) -> None:
    told = lab.cell.ask("restart")
    assert set(told["programmed"]) == set(lab.topology.switches)
    assert max(told["programmed"].values()) - told["back"] < 1.0, told
    assert lab.cell.run("web1", "ping", "-c1", "-W1", "10.1.2.11").returncode == 0
    assert lab.cell.run("desk1", "ping", "-c1", "-W1", "10.1.2.11").returncode == 1
    lab.await_in_line()


def test_intents_can_be_changed_while_the_lab_runs(lab: Lab, tmp_path: Path) -> None:
    text = INTENTS.read_text()
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text(text.replace("services: [icmp]", "services: [udp/9]"))
    assert fewer.read_text() != text
    ping = ("ping", "-c1", "-W1", "10.1.2.11")
    assert lab.cell.run("web1", *ping).returncode == 0
    ran = clos("lab", "apply", fewer, "--dir", lab.cell.directory, "--why", "no more pings", "--json")
    assert (ran.code, ran.data["revision"]) == (0, 2), ran.err
    assert lab.cell.run("web1", *ping).returncode == 1
    assert json.loads((lab.cell.directory / "order.json").read_text())["intents"][0][0] == str(fewer)
    assert apply(lab, texts([INTENTS]))["revision"] == 3
    assert lab.cell.run("web1", *ping).returncode == 0


def test_intents_that_need_other_hosts_are_refused_by_name(lab: Lab, tmp_path: Path) -> None:
    moved = tmp_path / "moved.yaml"
    moved.write_text(INTENTS.read_text().replace("10.1.1.11", "10.1.1.99"))
    ran = clos("lab", "apply", moved, "--dir", lab.cell.directory)
    assert ran.code == 3 and "(web1): clos lab down" in ran.err


def test_a_datapath_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    ran = clos("lab", "up", TOPOLOGY, "--datapath", "magic", "--dir", tmp_path / "lab")
    assert ran.code == 2 and "netdev, kernel" in ran.err
    if not MODULE.exists():  # a machine that has the kernel's datapath refuses nothing
        ran = clos("lab", "up", TOPOLOGY, "--datapath", KERNEL, "--dir", tmp_path / "lab")
        assert ran.code == 3 and "modprobe openvswitch" in ran.err
    assert not (tmp_path / "lab").exists()
