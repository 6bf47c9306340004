"""``clos coverage``: what a run's packets touched, and what they did not, by rule and by line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clos.controller.cli.answer import FAILED, OK, USAGE
from clos.controller.probe.touched import BadRun, read_run, run_text
from clos.fabric.packet import build
from clos.fabric.topology import PortRef
from tests.support.cli_run import clos
from tests.support.root import ROOT

DEMO = (ROOT / "intents/demo.yaml", "-t", ROOT / "topologies/demo.yaml")
TESTS = """
def test_it(probe):
    probe("shop/web1", "shop/app1", "tcp/8080")
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pytest leaves of a run of one test, which sends one packet."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "test_it.py").write_text(TESTS)
    where = ["--clos-topology", str(ROOT / "topologies/demo.yaml"), "--clos-intents", str(ROOT / "intents/demo.yaml")]
    command = [sys.executable, "-m", "pytest", "-q", *where, "--clos-coverage", "run.json", "test_it.py"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder / "run.json"


def test_a_run_touches_the_lines_that_its_packets_meet_and_no_others(run: Path) -> None:
    ran = clos("coverage", *DEMO, "--run", run, "--json")
    said = json.loads(ran.out)
    met = {each["path"]: each["met"] for each in said["objects"]}
    assert (ran.code, said["packets"]) == (OK, 1)
    assert met["tenants.shop.policies.web-to-app"] and met["tenants.shop.endpoints.web1"]
    assert not met["tenants.shop.policies.app-to-db"] and not met["shares.infra.dns"]
    assert said["lines_touched"] == sum(times > 0 for times in met.values())
    assert said["rules_met"] == sum(table["met"] for table in said["tables"])
    assert said["rules"] == sum(table["rules"] for table in said["tables"])


def test_what_is_untouched_is_listed_by_its_line(run: Path) -> None:
    out = clos("coverage", *DEMO, "--run", run).out
    assert "tenants.shop.policies.app-to-db" in out and "intents/demo.yaml:29:7" in out
    assert "tenants.shop.policies.web-to-app" not in out
    assert "tenants.shop.policies.web-to-app" in clos("coverage", *DEMO, "--run", run, "--all").out


def test_less_than_was_asked_for_fails(run: Path) -> None:
    assert clos("coverage", *DEMO, "--run", run, "--fail-under", "90").code == FAILED
    assert clos("coverage", *DEMO, "--run", run, "--fail-under", "1").code == OK


def test_without_a_run_it_is_what_hosts_can_touch() -> None:
    said = json.loads(clos("coverage", *DEMO, "--json").out)
    assert said["percent"] == 100.0
    assert 0 < said["rules_met"] < said["rules"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "not JSON"), ("[]", "not a file that pytest --clos-coverage wrote"),
     ('{"clos_run": 1, "packets": [{"port": "leaf1:11", "frame": "00"}]}', "a packet without a port and a frame"),
     (run_text([(PortRef("leaf9", 1), build.arp_request(1, 1, 2).data)]), "no host's port of this topology"),
     ("[" * 100_000, "stand too deep in one another"), (f'{{"clos_run": {"9" * 5000}}}', "number that is too large")],
    ids=["no JSON", "another file", "no frame", "another topology", "too deep", "too large"],
)  # fmt: skip
def test_what_is_no_run_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "run.json").write_text(text)
    ran = clos("coverage", *DEMO, "--run", tmp_path / "run.json")
    assert (ran.code, says in ran.err) == (USAGE, True)


def test_a_run_is_read_as_it_was_written() -> None:
    sent = {(PortRef("leaf1", n), build.arp_request(n, n, 9).data) for n in (1, 2, 3)}
    assert set(read_run(run_text(sent))) == sent
    with pytest.raises(BadRun):
        read_run('{"clos_run": 2, "packets": []}')
