"""Laws of metrics: packets are counted at the line that let them pass; Prometheus's own tool finds nothing to say."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clos.controller.api.metrics import exposition
from clos.controller.cli.logs import JsonLines
from clos.controller.cli.simulated_hosts import attach
from clos.controller.daemon.hits import hits
from tests.support.daemon_harness import Rig
from tests.support.root import ROOT

MONITORING = ROOT / "docs/monitoring"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is missing: sudo apt-get install prometheus")
"""Marked ``lab``, too: where the lab is required, a missing tool is a failure."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    place = tmp_path_factory.mktemp("metrics") / "state"
    with pytest.MonkeyPatch.context() as patch, Rig(place, patch, watch=False) as made:
        made.apply()
        compiled = made.daemon.revisions.running.compiled
        attach(made.sim, compiled.intent, compiled.topology)
        look(made)
        yield made


def look(rig):
    for name in sorted(rig.topology.switches):
        rig.daemon.watch.look(name)


def counted(rig):
    look(rig)
    found = hits(rig.daemon.revisions.running.compiled, rig.daemon.watch.seen())
    return {line.path.rpartition(".")[2]: line for line in found.lines}, found.denied.packets


def test_every_packet_is_counted_at_the_line_that_let_it_pass(rig):
    before, denied = counted(rig)
    results = [rig.sim.probe("shop/web1", "shop/app1", "tcp", port) for port in (8080, 8080, 9999)]
    assert [one.ok for one in results] == [True, True, False]
    after, now_denied = counted(rig)
    grown = {name: line.packets - before[name].packets for name, line in after.items()}
    assert grown["web-to-app"] >= 2
    assert grown["app-to-db"] == 0
    assert now_denied - denied >= 1
    assert after["no-telnet"].denies and not after["web-to-app"].denies


def test_lines_come_in_the_order_of_the_documents_and_all_switches_count(rig):
    look(rig)
    found = hits(rig.daemon.revisions.running.compiled, rig.daemon.watch.seen())
    places = [(line.file, line.line) for line in found.lines]
    assert places == sorted(places) and found.counted == found.switches == 4
    assert all(line.rules for line in found.lines)


@pytest.mark.lab
@needs_promtool
def test_promtool_finds_nothing_to_say_of_the_metrics(rig):
    look(rig)
    told = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=exposition(rig.daemon), capture_output=True, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


@pytest.mark.lab
@needs_promtool
def test_the_shipped_alerts_fire_when_they_should():
    told = subprocess.run(
        [PROMTOOL, "test", "rules", "alerts.test.yml"], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_alerts_and_dashboard_ask_only_for_metrics_that_there_are(rig):
    look(rig)
    sometimes = {"clos_switch_drift", "clos_gray_failure_ratio"}
    there = set(re.findall(r"^(clos_\w+)", exposition(rig.daemon).decode(), re.MULTILINE)) | sometimes
    for path in (MONITORING / "alerts.yml", MONITORING / "grafana.json"):
        asked = set(re.findall(r"\b(clos_\w+)", _expressions(path)))
        assert asked and asked <= there, path


def _expressions(path: Path) -> str:
    if path.suffix == ".json":
        panels = json.loads(path.read_text())["panels"]
        return "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    return "\n".join(re.findall(r"expr: (.*)", path.read_text()))


def test_a_log_of_json_is_one_document_a_line():
    try:
        raise ValueError("ü\nx")
    except ValueError:
        record = logging.LogRecord("clos.x", logging.ERROR, "f", 1, "two\nlines %s", ("a",), sys.exc_info())
    line = JsonLines().format(record)
    said = json.loads(line)
    assert "\n" not in line
    assert (said["level"], said["logger"], said["message"]) == ("error", "clos.x", "two\nlines a")
    assert "ValueError" in said["traceback"]
