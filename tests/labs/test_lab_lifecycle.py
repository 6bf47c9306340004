"""A lab from its first namespace to its last: what it says of its cables, intents changed under way, nothing left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clos.controller.intent import Text, dump
from clos.fabric.topology import Link
from clos.lab.mininet.sandbox import down, find_sandbox
from clos.lab.ovs.processes import KERNEL, MODULE, LabError
from tests.support.cli_run import ROOT, clos
from tests.support.daemon_harness import FABRIC
from tests.support.lab_leftovers import left, namespaces, processes
from tests.support.lab_ready import require_lab
from tests.support.signals import FRESH
from tests.support.waiting import eventually

TOPOLOGY, INTENTS = ROOT / "topologies/demo.yaml", ROOT / "intents/demo.yaml"
pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, apply, running, texts
from clos.lab.mininet.sandbox import up

PATIENCE = 120.0
"""Seconds that a busy machine may take for anything."""


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[set[str]]:
    """After the test nothing is there that is new and has our marks. A test adds the namespaces that it knows of."""
    were: set[str] = set()
    before = left(tmp_path / "lab", FABRIC.switches)
    yield were
    gone = eventually(lambda: set(left(tmp_path / "lab", FABRIC.switches, were)) <= set(before), PATIENCE)
    assert gone, left(tmp_path / "lab", FABRIC.switches, were)


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
    return subprocess.Popen([*FRESH, *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def _interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()


def _finish(process: subprocess.Popen[str]) -> None:
    process.communicate("")


ENDS = {"success": _finish, "Ctrl-C": _interrupt, "SIGKILL of the runner": _kill}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_lab_leaves_nothing_however_it_ends(
    tmp_path: Path, untouched: set[str], end: Callable[[subprocess.Popen[str]], None]
) -> None:
    process = runner(tmp_path / "lab", "wait")
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    untouched |= namespaces(find_sandbox(tmp_path / "lab"))
    assert len(processes(tmp_path / "lab")) > 10
    assert len(left(tmp_path / "lab", FABRIC.switches, untouched)) > 20
    end(process)
    process.wait(PATIENCE)
    if end is _kill:
        assert down(tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


@pytest.mark.usefixtures("untouched")
def test_a_lab_leaves_nothing_when_what_it_was_for_fails(tmp_path: Path) -> None:
    process = runner(tmp_path / "lab", "fail")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "ZeroDivisionError" in errors
    assert not (tmp_path / "lab").exists()


INSTANTS = int(os.environ.get("CLOS_LAB_CRASHES", "6"))


def coming_up(directory: Path) -> subprocess.Popen[str]:
    """``clos lab up`` as a person starts it."""
    words = [sys.executable, "-m", "clos.controller.cli", "lab", "up", str(TOPOLOGY), "-i", str(INTENTS)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*FRESH, *words, "--dir", str(directory)], stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_lab_that_is_ended_at_any_instant_while_it_comes_up_leaves_nothing_and_the_next_one_comes_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Instants spread over the time that coming up takes here and now; the next starts at once after the last."""
    begun = time.monotonic()
    assert coming_up(tmp_path / "lab").wait(PATIENCE) == 0
    usual = time.monotonic() - begun
    assert down(tmp_path / "lab")
    dice = random.Random(int(number))
    for turn in range(INSTANTS):
        process = coming_up(tmp_path / "lab")
        time.sleep(usual * (turn + dice.random()) / INSTANTS)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
        if process.returncode == 0:  # it was up already
            down(tmp_path / "lab")
        elif not (tmp_path / "lab/ready.json").exists():
            assert eventually(lambda: not processes(tmp_path / "lab"), PATIENCE), processes(tmp_path / "lab")
    down(tmp_path / "lab")
    process = coming_up(tmp_path / "lab")
    assert process.wait(PATIENCE) == 0, process.communicate()
    assert find_sandbox(tmp_path / "lab").run("web1", "ping", "-c1", "-W5", "10.1.2.11").returncode == 0
    assert down(tmp_path / "lab")


@pytest.mark.usefixtures("untouched")
def test_a_lab_comes_up_right_after_another_ones_start_was_killed(tmp_path: Path) -> None:
    process = coming_up(tmp_path / "lab")
    assert eventually((tmp_path / "lab/cell.json").exists, PATIENCE)
    process.kill()
    process.communicate()
    again = coming_up(tmp_path / "lab")
    assert again.wait(PATIENCE) == 0, again.communicate()
    assert down(tmp_path / "lab")


def test_a_directory_with_other_files_is_neither_used_nor_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    ran = clos("lab", "up", TOPOLOGY, "--dir", tmp_path)
    assert ran.code == 3 and "holds other files (thesis.txt)" in " ".join(ran.err.split())
    assert clos("lab", "down", "--dir", tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.usefixtures("untouched")
def test_a_lab_whose_keeper_was_killed_is_ended_by_down(tmp_path: Path) -> None:
    cell = up(texts([TOPOLOGY])[0], texts([INTENTS]), tmp_path / "lab")
    os.kill(cell.pid, signal.SIGKILL)
    assert eventually(lambda: _raises(tmp_path / "lab"), PATIENCE)
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
    assert two.run("web1", "ping", "-c1", "-W5", "10.1.2.11").returncode == 0
    assert down(tmp_path / "two")
    assert one.pid != two.pid


# What runs in it.


def _miswired() -> Text:
    links = list(FABRIC.links)
    links[0], links[3] = Link(links[0].a, links[3].b), Link(links[3].a, links[0].b)
    return Text("cabling.yaml", dump(replace(FABRIC, links=tuple(links[:-1]))))


def test_wrong_and_missing_cables_of_real_switches_are_told_by_name(tmp_path: Path) -> None:
    with running(TOPOLOGY, [INTENTS], tmp_path / "lab", cabling=_miswired()) as lab:
        assert eventually(lambda: "not seen yet" not in _states(lab), PATIENCE), lab.cell.ask("status")["links"]
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
    assert eventually(lambda: set(_states(lab)) == {"as designed"}, PATIENCE), lab.cell.ask("status")["links"]
    port = FABRIC.links[2].a
    lab.cut(port)
    try:
        assert eventually(lambda: "missing" in _states(lab), PATIENCE)
    finally:
        lab.mend(port)
    assert eventually(lambda: set(_states(lab)) == {"as designed"}, PATIENCE)


def test_when_all_switches_restart_empty_they_are_programmed_again_and_hosts_talk_again(lab: Lab) -> None:
    told = lab.cell.ask("restart")
    assert set(told["programmed"]) == set(lab.topology.switches)
    assert lab.cell.run("web1", "ping", "-c1", "-W5", "10.1.2.11").returncode == 0
    assert lab.cell.run("desk1", "ping", "-c1", "-W1", "10.1.2.11").returncode == 1
    lab.await_in_line()


def test_intents_can_be_changed_while_the_lab_runs(lab: Lab, tmp_path: Path) -> None:
    text = INTENTS.read_text()
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text(text.replace("services: [icmp]", "services: [udp/9]"))
    assert fewer.read_text() != text
    ping = ("ping", "-c1", "-W2", "10.1.2.11")
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
    assert ran.code == 3 and "(web1): run clos lab down" in ran.err


def test_a_datapath_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    ran = clos("lab", "up", TOPOLOGY, "--datapath", "magic", "--dir", tmp_path / "lab")
    assert ran.code == 2 and "netdev, kernel" in ran.err
    if not MODULE.exists():  # a machine that has the kernel's datapath refuses nothing
        ran = clos("lab", "up", TOPOLOGY, "--datapath", KERNEL, "--dir", tmp_path / "lab")
        assert ran.code == 3 and "modprobe openvswitch" in ran.err
    assert not (tmp_path / "lab").exists()
