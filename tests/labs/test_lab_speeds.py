"""Links of a lab are as slow as the topology says: counted by what a full port drops, not by the clock."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_run import ROOT, clos
from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, running
from clos.lab.measure.frames import matrix
from clos.lab.mininet.speeds import QUEUE, limits
from clos.lab.witness.compare import trial

TOPOLOGY, INTENTS = ROOT / "topologies/demo.yaml", ROOT / "intents/demo.yaml"
SEND = """
import socket, sys
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])): out.sendto(bytes(1400), ("10.1.2.12", 8080))
"""


def slow(folder: Path) -> Path:
    """The demonstration with a slow cable to each of leaf1's spines, and slow cables to two hosts."""
    text = TOPOLOGY.read_text()
    for number, spine in ((1, "spine1:1"), (2, "spine2:1")):
        old = f"[leaf1:{number}, {spine}]"
        assert text.count(old) == 1
        text = text.replace(old, f"{{a: 'leaf1:{number}', b: '{spine}', speed: 8 Mbps}}")
    path = folder / "slow.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    intents = folder / "intents.yaml"
    intents.write_text(INTENTS.read_text().replace("services: [tcp/8080]", "services: [tcp/8080, udp/8080]"))
    with running(slow(folder), [intents], folder / "lab") as found:
        yield found


def queue(lab: Lab, interface: str) -> dict[str, Any]:
    """The queueing discipline at an interface of a switch."""
    (found,) = json.loads(lab.cell.run("", "tc", "-json", "-stats", "qdisc", "show", "dev", interface).stdout)
    return dict(found)


def test_the_kernel_keeps_slow_links_speeds_and_open_vswitch_leaves_them(lab: Lab) -> None:
    assert {(one.interface, one.speed) for one in limits(lab.plan)} == {
        (name, 8) for name in ("leaf1-1", "leaf1-2", "spine1-1", "spine2-1")
    }
    for one in limits(lab.plan):
        assert queue(lab, one.interface)["kind"] == "tbf"
    lab.cell.run("", "ovs-vsctl", "set", "bridge", "leaf1", "other_config:forward-bpdu=false")  # it configures all anew
    for one in limits(lab.plan):
        assert queue(lab, one.interface)["kind"] == "tbf"
    assert queue(lab, "leaf2-1")["kind"] != "tbf"


def test_every_pair_and_service_fares_as_computed_on_slow_links_too(lab: Lab) -> None:
    with lab.taps() as taps:
        verdict = trial(taps, lab.fabric(), matrix(lab.intent, lab.topology))
    assert verdict.delivered > 100
    assert verdict.doubts == (), str(verdict)


def test_a_link_that_gets_more_than_it_carries_holds_frames_back(lab: Lab) -> None:
    """Far more than a burst, as fast as a host sends. The kernel counts how often a frame had to wait."""
    lab.cell.run("web1", sys.executable, "-c", SEND, str(3 * QUEUE // 1400))
    waits = {name: queue(lab, name)["overlimits"] for name in ("leaf1-1", "leaf1-2")}
    assert max(waits.values()) > 100, waits
    lab.await_in_line()


def test_what_is_not_kept_is_said_when_a_lab_comes_up(tmp_path: Path) -> None:
    ran = clos("lab", "up", slow(tmp_path), "-i", INTENTS, "--dir", tmp_path / "lab")
    try:
        assert ran.code == 0, ran.err
        words = " ".join(ran.out.split())
        assert "Topology values not enforced: speeds above 1,000 Mbps (16 cables; the lab itself is slower)" in words
        assert "latencies (8 links)." in words
    finally:
        clos("lab", "down", "--dir", tmp_path / "lab")
