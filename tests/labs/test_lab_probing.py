"""``clos lab probe``: pairs, attacks and limits by real packets, and the covering set by Open vSwitch's counters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

from clos.controller.probe.packets import parties, services
from clos.lab.lab import Lab, running
from clos.lab.measure.matrix import Crossed, Every, crossed
from clos.lab.measure.probe import answer, covered, probed
from clos.lab.mininet.taps import Frame, Taps
from clos.lab.ovs.counters import counted, since
from tests.support.cli_run import ROOT


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(ROOT / "topologies/demo.yaml", [ROOT / "intents/demo.yaml"], tmp_path_factory.mktemp("lab")) as found:
        yield found


def test_every_pair_attack_and_limit_fares_as_intents_rules_and_cables_say(lab: Lab) -> None:
    rounds = probed(lab, most=None, random=200, seed=3)
    assert rounds.sound, "\n".join(map(str, rounds.agreements.values()))
    asked = [one.question for one in rounds.pairs.verdicts]
    assert len({(one.source.name, one.target.name, one.service) for one in asked}) == len(asked) == 11 * 10 * 11
    assert {one.delivered for one in rounds.pairs.verdicts} == {True, False}
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
    assert set(one) == {"from", "to", "service", "permitted", "by", "via", "delivered", "stopped"}
    assert any("shop/web1" in str(line) and "tcp/8080" in str(line) for line in told.lines())


class Lossy(Taps):
    """Taps that lose every seventh of the first frames."""

    left = 700

    def send(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.left -= 1
            if self.left < 0 or self.left % 7:
                super().send([frame])


def matrix(lab: Lab, taps: Taps) -> Crossed:
    every = Every(lab.intent, parties(lab.intent, lab.topology), services(lab.intent))
    return crossed(taps, lab.fabric(), every, lambda: counted(lab.cell.directory / "ovs", lab.topology.switches))


def test_what_no_switch_has_counted_is_sent_again_and_is_not_taken_for_dropped(lab: Lab) -> None:
    with lab.taps() as plain, Lossy(plain.ends) as lossy:
        done = matrix(lab, lossy)
    assert done.again >= 100
    assert done.sound, str(done.agreement)


@pytest.mark.parametrize(
    ("rule", "wrongly"),
    [
        ("table=4,priority=65535,actions=drop", "permitted ones that are stopped"),
        ("table=5,priority=65535,actions=", "forbidden ones that pass"),
    ],
)
def test_one_wrong_rule_on_one_switch_shows_in_the_matrix(lab: Lab, rule: str, wrongly: str) -> None:
    where, _, _ = rule.partition(",actions")
    lab.cell.run("", "ovs-ofctl", "-OOpenFlow13", "add-flow", "leaf1", rule)
    try:
        with lab.taps() as taps:
            done = matrix(lab, taps)
    finally:
        lab.cell.run("", "ovs-ofctl", "-OOpenFlow13", "--strict", "del-flows", "leaf1", where)
    wrong = [one for one in done.verdicts if not one.agrees]
    assert wrong and not done.sound, wrongly
    assert len(done.agreement.doubts) >= len(wrong)
    assert {one.delivered for one in wrong} == {wrongly.startswith("forbidden")}
    assert not done.lost


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
