"""The files we ship load without a problem and show what they say they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.bench import BENCH_2K, BENCH_25K, bench_intent
from clos.controller.intent.check import check
from clos.fabric.topology import TRUNK, Topology
from tests.support.root import ROOT

INTENTS = [("demo", "demo.yaml"), ("bank", "bank")]


def _topology(name: str) -> Topology:
    loaded = load_topology(ROOT / "topologies" / f"{name}.yaml")
    assert loaded.problems == ()
    return loaded.topology


def _roles(topology: Topology) -> list[int]:
    roles = [switch.role for switch in topology.switches.values()]
    return [roles.count(role) for role in ("spine", "leaf", "border")]


@pytest.mark.parametrize("file", sorted((ROOT / "topologies").glob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_topology_loads(file: Path) -> None:
    loaded = load_topology(file)
    assert loaded.problems == ()
    assert loaded.topology.name == file.stem


@pytest.mark.parametrize(("fabric", "intent"), INTENTS)
def test_every_shipped_intent_loads_on_its_topology(fabric: str, intent: str) -> None:
    loaded = load_intent(ROOT / "intents" / intent, _topology(fabric))
    assert loaded.problems == ()
    assert loaded.intent.agreed


def test_the_demo_fabric_has_every_way_to_attach_a_host() -> None:
    topology = _topology("demo")
    assert _roles(topology) == [2, 4, 0]
    assert [host.name for host in topology.hosts.values() if host.dual_homed] == ["db1"]
    assert [host.name for host in topology.hosts.values() if host.mode == TRUNK] == ["vm1"]


def test_the_bank_is_as_large_as_it_says() -> None:
    topology = _topology("bank")
    assert _roles(topology) == [4, 16, 2]
    assert f"{len(topology.hosts)} hosts" in (ROOT / "topologies" / "bank.yaml").read_text().splitlines()[0]
    assert sum(host.dual_homed for host in topology.hosts.values()) >= 20


def test_the_banks_tenants_use_every_feature_of_intents() -> None:
    intent = load_intent(ROOT / "intents" / "bank", _topology("bank")).intent
    assert set(intent.tenants) == {"retail", "core", "cross-border", "treasury", "dmz", "management"}
    assert {(share.tenant, share.name) for share, _, _ in intent.agreed} == set(intent.shares)
    keys = {key for tenant in intent.tenants.values() for e in tenant.endpoints.values() for key, _ in e.labels}
    assert keys == {"user", "region", "resource"}
    policies = [policy for tenant in intent.tenants.values() for policy in tenant.policies]
    assert {policy.action for policy in policies} == {"allow", "deny"}
    assert any(policy.rate and policy.rate.burst for policy in policies)
    assert any(tenant.rate for tenant in intent.tenants.values())
    assert any(share.rate for share in intent.shares.values())


@pytest.mark.parametrize(
    ("name", "size", "roles", "networks"),
    [("bench-2k", BENCH_2K, [8, 32, 0], {2}), ("bench-25k", BENCH_25K, [8, 64, 0], {2, 3, 4})],
)
def test_the_benchmarks_are_as_large_as_they_say(name: str, size, roles: list[int], networks: set[int]) -> None:
    topology = _topology(name)
    intent = bench_intent(topology, *size)
    tenants = intent.tenants.values()
    assert _roles(topology) == roles
    assert {len(tenant.networks) for tenant in tenants} == networks
    assert (len(tenants), sum(len(t.endpoints) for t in tenants), sum(len(t.policies) for t in tenants)) == (
        size.tenants,
        size.endpoints,
        size.policies,
    )
    assert check(intent, topology) == ()
