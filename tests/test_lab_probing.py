"""``clos lab probe``: pairs, attacks and limits by real packets, and the covering set by Open vSwitch's counters."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator

import pytest

from lab.cell import lacking

if lacking() and os.environ.get("CLOS_REQUIRE_LAB") != "1":
    pytest.skip(f"no lab here: {lacking()}", allow_module_level=True)

from lab.counters import counted, since
from lab.lab import Lab, running
from lab.probing import answer, covered, probed
from tests.cli_run import ROOT


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(ROOT / "topologies/demo.yaml", [ROOT / "intents/demo.yaml"], tmp_path_factory.mktemp("lab")) as found:
        yield found


def test_every_pair_attack_and_limit_fares_as_intents_rules_and_cables_say(lab: Lab) -> None:
    rounds = probed(lab, most=20_000, random=200, seed=3)
    assert rounds.sound, "\n".join(map(str, rounds.agreements.values()))
    assert len(rounds.pairs) == 11 * 10 * 11
    assert rounds.agreements["attacks"].delivered == 0
    assert rounds.agreements["limits"].delivered >= 7
    told = answer(rounds, every=True)
    data = json.loads(json.dumps(told.data))
    kinds = Counter(row["kind"] for row in data["attacks"])
    assert set(kinds) == {
        "spoofing", "ARP", "VLAN hopping", "crossing tenants", "fragments", "time to live", "leaks", "MTU",
    }  # fmt: skip
    assert all(row["stopped"] for row in data["attacks"])
    assert {row["stopped"] for row in data["attacks"] if row["kind"] == "MTU"} == {
        "its own interface (MTU 1500)", "the cable to leaf1:11 (MTU 1500)",
    }  # fmt: skip
    one = next(row for row in data["pairs"] if row["from"] == "shop/web1" and row["to"] == "shop/app1")
    assert set(one) == {"from", "to", "service", "permitted", "by", "delivered", "stopped"}
    assert any("shop/web1" in str(line) and "tcp/8080" in str(line) for line in told.lines())


def test_open_vswitch_s_counters_show_that_the_covering_set_meets_every_rule(lab: Lab) -> None:
    done = covered(lab)
    assert done.proof == ((), 0)
    status = lab.cell.ask("status")
    assert set(status["connected"]) == set(lab.topology.switches)  # the controller is back


def test_counters_count_each_packet_once(lab: Lab) -> None:
    directory = lab.cell.directory / "ovs"
    before = counted(directory, lab.topology.switches)
    lab.cell.run("web1", "ping", "-c", "3", "-i", "0.2", "10.1.1.1")
    new = since(counted(directory, lab.topology.switches), before)
    (pinged,) = [
        number
        for (table, _, match), number in new["leaf1"].rules.items()
        if table == 4 and number and "icmpv4_type" in str(match)
    ]
    assert pinged == 3
