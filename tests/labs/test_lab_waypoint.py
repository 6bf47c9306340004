"""A firewall of the lab's own: a Linux host that routes. Connections by it work when it forwards, and only then."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

from clos.lab.lab import Lab, apply, running, texts
from clos.lab.measure.frames import matrix
from clos.lab.witness.compare import trial
from tests.support.cli_run import DEMO, ROOT
from tests.support.verify_rules import firewall

SERVE = (
    "import socket; s = socket.create_server(('', 8080)); print('ready', flush=True); c, a = s.accept(); print(a[0])"
)
OPEN = "import socket; socket.create_connection(('10.1.2.11', 8080), 3)"
FORWARD = "/proc/sys/net/ipv4/ip_forward"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    intents = firewall(tmp_path_factory.mktemp("intents"))
    with running(ROOT / DEMO[2], [intents], tmp_path_factory.mktemp("lab")) as found:
        found.await_in_line()
        yield found


def test_every_pair_and_service_fares_as_computed_while_a_host_passes_packets_on(lab: Lab) -> None:
    with lab.taps() as taps:
        verdict = trial(taps, lab.fabric(), matrix(lab.intent, lab.topology))
    assert verdict.delivered > 50
    assert verdict.doubts == (), str(verdict)


@contextmanager
def server(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A program on app1 that says who connects."""
    words = [*lab.cell.enter("app1"), "python3", "-c", SERVE]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_connection_by_a_firewall_works_and_is_still_the_senders(lab: Lab) -> None:
    with server(lab) as process:
        assert lab.cell.run("web1", "python3", "-c", OPEN).returncode == 0
        assert process.stdout is not None and process.stdout.readline() == "10.1.1.11\n"


def test_a_waypoint_of_intents_that_are_applied_later_passes_packets_on(lab: Lab, tmp_path: Path) -> None:
    station = lab.plan.station("shop/fw")
    assert station is not None
    lab.cell.run(station.name, "sh", "-c", f"echo 0 > {FORWARD}")
    apply(lab, texts([firewall(tmp_path)]))
    with server(lab):
        assert lab.cell.run("web1", "python3", "-c", OPEN).returncode == 0


def test_a_firewall_that_passes_nothing_on_is_not_got_past(lab: Lab) -> None:
    station = lab.plan.station("shop/fw")
    assert station is not None
    assert lab.cell.run(station.name, "cat", FORWARD).stdout == "1\n"
    lab.cell.run(station.name, "sh", "-c", f"echo 0 > {FORWARD}")
    try:
        with server(lab):
            assert "timed out" in lab.cell.run("web1", "python3", "-c", OPEN).stderr
    finally:
        lab.cell.run(station.name, "sh", "-c", f"echo 1 > {FORWARD}")
