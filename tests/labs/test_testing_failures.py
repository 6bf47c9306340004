"""The pytest plugin with something broken: cables, switches, and what is proved of any failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from clos.controller.explain.inputs import Inputs
from clos.controller.intent.load import load_intent
from clos.controller.intent.source import Text
from clos.controller.probe.simulated import Simulated
from clos.controller.testing.backends import OnSim
from clos.controller.testing.fabric import Fabric, NotAsAsserted
from clos.controller.testing.names import Unknown
from clos.fabric.dataplane.rule import SELECT
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset
from clos.fabric.generate import clos
from tests.support.docs import demo
from tests.support.testing_repo import repository

pytest_plugins = ["pytester"]

BROKEN = """
import pytest
from clos.controller.testing import assert_survives
from clos.controller.testing.fabric import NotAsAsserted

def test_one_spine_is_enough(fabric):
    with fabric.crash("spine1"):
        fabric.assert_reachable("shop/web", "shop/app", "tcp/8080")
        fabric.assert_isolated("office", "shop")
    assert not fabric.damage.ports

def test_a_cable_is_not(fabric, probe):
    down = fabric.link_down("leaf1:1")
    fabric.link_down("leaf1:2")
    told = probe("web1", "app2", "tcp/8080")
    assert not told.delivered and told.stopped.startswith("leaf1 table")
    with pytest.raises(NotAsAsserted, match="leaf1:2 to spine2:1 is down"):
        fabric.assert_reachable("web1", "app2", "tcp/8080")
    down.mend()
    fabric.assert_reachable("web1", "app2", "tcp/8080")

def test_what_a_test_broke_is_whole_in_the_next(fabric):
    assert not fabric.damage.ports
    fabric.assert_reachable("shop/web", "shop/app", "tcp/8080")

def test_a_host_without_its_cable_hears_nothing(fabric, probe):
    fabric.link_down("leaf1:11")
    assert not probe("app2", "web1", "icmp").delivered
    assert probe("web1", "app2", "icmp").stopped == "leaf1:11, whose cable is dead"

def test_any_failure(fabric):
    assert_survives(failures=1)
"""


def test_failures_last_as_long_as_a_block_or_a_test(pytester: pytest.Pytester) -> None:
    repository(pytester)
    pytester.makepyfile(BROKEN)
    fabric = ("--clos-topology=network/topology.yaml", "--clos-intents=network/intents")
    ran = pytester.runpytest("-p", "no:cacheprovider", *fabric, "test_failures_last_as_long_as_a_block_or_a_test.py")
    ran.assert_outcomes(passed=5)


@pytest.fixture
def shown() -> Iterator[Fabric]:
    compiled = demo()
    with Simulated(compiled.topology, compiled.ruleset) as running:
        wanted = Inputs(compiled.topology, compiled.intent)
        yield Fabric(wanted, compiled, OnSim(running), lambda name, value: None)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("fabric.crash('spin1')", "no switch is called spin1; did you mean spine1?"),
        ("fabric.link_down('leaf1:99')", "leaf1:99: no cable is there; leaf1 uses ports 1, 2, 11"),
        ("fabric.link_down('leaf1')", "leaf1: not a port: write it like leaf1:3"),
        ("fabric.assert_waypointed('shop/web', 'shop/app', 'report')", "no policy sends anything between them by"),
    ],
)
def test_what_cannot_be_broken_or_asked_says_why(shown: Fabric, act: str, said: str) -> None:
    with pytest.raises((Unknown, NotAsAsserted), match=said):
        eval(act, {"fabric": shown})


VAULT = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: vault}
spec:
  networks: {outer: {subnet: 10.4.1.0/24}, inner: {subnet: 10.4.2.0/24}}
  endpoints: {app: 10.4.1.11 on h1-1, fw: 10.4.1.254 on h2-1, store: 10.4.2.21 on h1-2}
  groups: {apps: {endpoints: [app]}, stores: {endpoints: [store]}}
  policies: [{from: apps, to: stores, services: [tcp/1433], via: fw}]
"""


@pytest.mark.parametrize("by_rules", [", via: fw", ""], ids=["by the firewall", "straight"])
def test_what_goes_straight_is_not_waypointed(by_rules: str) -> None:
    topology = clos(1, 2, hosts_per_leaf=2)
    wanted, held = (
        Inputs(topology, load_intent(Text("vault.yaml", VAULT.replace(", via: fw", via)), topology).intent)
        for via in (", via: fw", by_rules)
    )
    compiled = held.compiled()
    with Simulated(topology, compiled.ruleset) as running:
        fabric = Fabric(wanted, compiled, OnSim(running), lambda name, value: None)
        if by_rules:
            fabric.assert_waypointed("app", "store", "fw")
            fabric.assert_waypointed("vault/apps", "vault/stores", "vault/fw", "tcp/1433")
            return
        with pytest.raises(NotAsAsserted, match="not so: app and store reach each other by vault/fw only"):
            fabric.assert_waypointed("app", "store", "fw")


def test_what_does_not_survive_is_told_with_the_failure() -> None:
    """Switches that know one uplink each do not survive its loss; the compiler's rules do."""
    topology = clos(2, 2, hosts_per_leaf=2)
    text = VAULT.replace(", via: fw", "").replace("store: 10.4.2.21 on h1-2", "store: 10.4.2.21 on h2-2")
    intent = load_intent(Text("vault.yaml", text), topology).intent
    wanted = Inputs(topology, intent)
    compiled = wanted.compiled()
    frail = replace(compiled, ruleset=_with_one_uplink(compiled.ruleset))
    with Simulated(topology, frail.ruleset) as running:
        Fabric(wanted, compiled, OnSim(running), lambda name, value: None).assert_survives()
        with pytest.raises(NotAsAsserted, match="not so: every claim holds whichever part breaks") as told:
            Fabric(wanted, frail, OnSim(running), lambda name, value: None).assert_survives()
    assert "link leaf1:1 - spine1:1" in str(told.value) and "reachable" in str(told.value)


def _with_one_uplink(ruleset: Ruleset) -> Ruleset:
    """Every SELECT group with its first bucket alone."""

    def cut(placed: Placed) -> Placed:
        groups = [g._replace(buckets=g.buckets[:1]) if g.type == SELECT else g for g in placed.block.groups]
        return placed._replace(block=Block(placed.block.rules, groups, placed.block.meters))

    parts = {name: {key: cut(placed) for key, placed in part.items()} for name, part in ruleset.parts.items()}
    return Ruleset(ruleset.switches, parts)
