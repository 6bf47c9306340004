"""The command line on how the fabric is cabled, and a controller that takes switches by TLS alone."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clos.controller.api.access import find
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.sim.openflow.tcp import tls_context
from clos.fabric.topology import Topology
from tests.support.cabling import swapped
from tests.support.cli_run import ROOT, clos
from tests.support.daemon_harness import FABRIC
from tests.support.waiting import eventually

TOPOLOGY, INTENTS = "topologies/demo.yaml", "intents/demo.yaml"


@contextmanager
def controller(place: Path, *flags: object) -> Iterator[Path]:
    """``clos serve`` with these flags, on any free ports."""
    words = ["serve", TOPOLOGY, "--state", place, "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", *flags]
    running = subprocess.Popen(
        [sys.executable, "-m", "clos.controller.cli", *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None and running.stdout.readline().startswith("clos: ready")
        yield place
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


@contextmanager
def applied(state: Path, cabled: Topology) -> Iterator[SimThread]:
    """The demonstration's switches, cabled as they are, with its intents in force."""
    with SimThread(cabled, find(state).openflow) as sim:
        sim.wait_connected()
        assert clos("apply", INTENTS, "--state", state, "--yes").code == 0
        yield sim


def test_links_says_what_is_not_as_designed_and_so_do_status_and_plan(tmp_path: Path) -> None:
    with controller(tmp_path / "state") as state, applied(state, swapped(FABRIC)):
        asked = ("links", "--state", state)
        assert eventually(lambda: clos(*asked).out.endswith("8 links: 6 as designed, 2 miswired.\n"), 20)
        ran = clos(*asked)
        assert ran.code == 1
        a, b = FABRIC.links[0].a, FABRIC.links[0].b
        assert f"{a}: expected {b}, is {FABRIC.links[3].b}; {b}: expected {a}, is {FABRIC.links[3].a}" in ran.out
        assert ran.out.count("as designed") == 1 and clos(*asked, "--all").out.count("as designed") == 7
        assert "2 links not as designed (clos links)" in clos("status", "--state", state).out
        assert "Not cabled as designed (clos links): " in clos("plan", INTENTS, "--state", state).out
        doctor = clos("doctor", "--state", state, "--json").data["findings"]
        (row,) = (row for row in doctor if row["what"] == "cabling")
        assert (row["state"], row["remedy"]) == ("wrong", f"clos links --state {state}")


def test_links_of_a_sound_fabric_are_fine_and_forwarding_asks_nobody(tmp_path: Path) -> None:
    with controller(tmp_path / "state") as state, applied(state, FABRIC):
        assert eventually(lambda: clos("links", "--state", state).out == "8 links: 8 as designed.\n", 20)
        assert clos("links", "--state", state).code == 0
        doctor = clos("doctor", "--state", state, "--json").data["findings"]
        assert {"fine"} == {row["state"] for row in doctor if row["what"] == "cabling"}


def test_without_discovery_nothing_can_be_said_of_links(tmp_path: Path) -> None:
    with controller(tmp_path / "state", "--no-discovery") as state:
        ran = clos("links", "--state", state)
        assert (ran.code, ran.out) == (3, "") and "--no-discovery" in ran.err


def test_a_rollback_shows_its_plan_before_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text((ROOT / INTENTS).read_text().replace("services: [tcp/8080]", "services: [tcp/8081]", 1))
    asked: list[str] = []
    with controller(tmp_path / "state") as state, applied(state, FABRIC):
        assert clos("apply", fewer, "--state", state, "--yes", "--allow-deletes").code == 0
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", asked.append)
        ran = clos("rollback", "1", "--state", state)
        assert (ran.code, asked) == (1, ["Roll back to it?"])
        assert "Back to revision 1, " in ran.out and "From revision 2:" in ran.out
        assert "Plan: " in ran.out and "5 policy" in ran.out
        assert clos("status", "--state", state, "--json").data["revision"] == 2


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An authority, and a key with a certificate that it signed; ``other`` is signed by nobody else's authority."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificates with openssl, which is not installed")
    where = tmp_path_factory.mktemp("tls")
    for name in ("ca", "other"):
        _openssl(where, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                 "-keyout", f"{name}-key.pem", "-out", f"{name}.pem")  # fmt: skip
    _openssl(
        where, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clos", "-keyout", "key.pem", "-out", "csr.pem"
    )
    _openssl(where, "x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
             "-days", "2", "-out", "cert.pem")  # fmt: skip
    return {path.stem: path for path in where.glob("*.pem")}


def _openssl(where: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=where, check=True, capture_output=True)


def test_switches_that_show_the_right_certificate_are_programmed_over_tls(tmp_path: Path, pem: dict[str, Path]) -> None:
    flags = ("--tls-key", pem["key"], "--tls-cert", pem["cert"], "--tls-ca", pem["ca"])
    with controller(tmp_path / "state", *flags) as state:
        where = find(state).openflow
        with SimThread(FABRIC, where, tls=tls_context(pem["key"], pem["cert"], pem["ca"])) as sim:
            sim.wait_connected()
            assert clos("apply", INTENTS, "--state", state, "--yes").code == 0
            assert clos("status", "--state", state, "--json").data["in_line"] == len(FABRIC.switches)
        stranger = tls_context(pem["other-key"], pem["other"], pem["ca"])
        with SimThread(FABRIC, where, tls=stranger), SimThread(FABRIC, where):
            assert not eventually(lambda: clos("status", "--state", state, "--json").data["connected"] > 0, 1.5)


def test_half_of_tls_is_refused(tmp_path: Path, pem: dict[str, Path]) -> None:
    for command, words in (
        ("serve", ("--tls-key", pem["key"])),
        ("serve", ("--tls-ca", pem["ca"])),
        ("sim", ("--tls-key", pem["key"])),
    ):
        ran = clos(command, TOPOLOGY, *words)
        assert ran.code == 2 and "TLS needs --tls-key" in ran.err
    ran = clos("serve", TOPOLOGY, "--tls-key", tmp_path / "none", "--tls-cert", pem["cert"])
    assert ran.code == 2 and "no such file" in ran.err
