"""From YAML to intents: what is written means what it says, and nothing is read twice without need."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.intent import Loader, Text, check, load_intent, load_topology
from clos.controller.intent.bench import BENCH_2K, bench_intent
from clos.controller.intent.importers.writing import write_intent, write_share, write_tenant
from clos.controller.intent.model import (
    Endpoint,
    Group,
    Import,
    Intent,
    Network,
    Policy,
    Rate,
    Service,
    Share,
    Tenant,
)
from clos.fabric.generate import clos, host_mac
from clos.fabric.topology import Topology
from tests.support.problem_cases import FABRIC

TOPOLOGY = load_topology(Text("fabric", FABRIC)).topology

RED = """\
# The first line is a comment.
apiVersion: clos/v1
kind: Tenant
metadata: {name: red, description: For people}
spec:
  rateLimit: {rate: 1 Gbps, burst: 5 Mb}
  networks:
    a: {subnet: 10.1.0.0/24, vlan: 7, broadcast: true}
    b: {subnet: 10.1.1.0/24, gateway: 10.1.1.254}
  endpoints:
    x: 10.1.0.5 on vm1
    y: {host: h1, ip: 10.1.1.5, mac: 02:00:00:00:00:99, labels: {region: no, resource: 1.10}}
  groups:
    all: {networks: [a, b]}
    eu: {endpoints: [y], labels: {resource: [db, 1.10], region: no}}
  policies:
    - {from: all, to: eu, services: [tcp/443, udp/5000-5010, icmp, any], action: deny}
    - {name: second, from: all, to: eu, services: [tcp], rateLimit: 500Mbps}
  imports:
    - {tenant: blue, share: dns, groups: [all]}
"""
BLUE = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: blue}
spec:
  networks: {n: {subnet: 10.2.0.0/24}}
  endpoints: {dns1: 10.2.0.53 on h2}
  groups: {dns: {endpoints: [dns1]}}
---
apiVersion: clos/v1
kind: Share
metadata: {name: dns, tenant: blue}
spec: {group: dns, services: [udp/53], to: [red]}
"""
SOURCES = [Text("red.yaml", RED), Text("blue.yaml", BLUE)]


def _address(a: int, b: int, c: int, d: int) -> int:
    return a << 24 | b << 16 | c << 8 | d


def test_a_tenant_means_what_it_says() -> None:
    loaded = load_intent(SOURCES, TOPOLOGY)
    assert loaded.problems == ()
    assert loaded.intent.tenants["red"] == Tenant(
        "red",
        {
            "a": Network("a", (_address(10, 1, 0, 0), 24), _address(10, 1, 0, 1), 7, True),
            "b": Network("b", (_address(10, 1, 1, 0), 24), _address(10, 1, 1, 254)),
        },
        {
            "x": Endpoint("x", "a", "vm1", host_mac("vm1"), _address(10, 1, 0, 5)),
            "y": Endpoint(
                "y", "b", "h1", 0x02_00_00_00_00_99, _address(10, 1, 1, 5), (("region", "no"), ("resource", "1.10"))
            ),
        },
        {
            "all": Group("all", networks=("a", "b")),
            "eu": Group("eu", ("y",), labels=(("region", ("no",)), ("resource", ("db", "1.10")))),
        },
        (
            Policy(
                "all-to-eu", "all", "eu", (Service(6, 443, 443), Service(17, 5000, 5010), Service(1), Service()), "deny"
            ),
            Policy("second", "all", "eu", (Service(6),), rate=Rate(500_000)),
        ),
        (Import("blue", "dns", ("all",)),),
        Rate(1_000_000, 5_000),
    )


def test_a_share_takes_effect_by_the_consent_of_both() -> None:
    intent = load_intent(SOURCES, TOPOLOGY).intent
    share = intent.shares["blue", "dns"]
    assert share == Share("blue", "dns", "dns", (Service(17, 53, 53),), ("red",))
    assert intent.agreed == ((share, Import("blue", "dns", ("all",)), "red"),)
    lonely = load_intent([Text("blue", BLUE), Text("red", RED[: RED.index("  imports")])], TOPOLOGY)
    assert lonely.problems == ()
    assert lonely.intent.agreed == ()


def test_objects_know_their_lines() -> None:
    red = load_intent(SOURCES, TOPOLOGY).intent.tenants["red"]
    objects = (red, red.networks["b"], red.endpoints["x"], red.groups["eu"], red.policies[1], red.imports[0])
    assert [str(o.where) for o in objects] == [
        "red.yaml:2:1",
        "red.yaml:9:5",
        "red.yaml:11:5",
        "red.yaml:15:5",
        "red.yaml:18:7",
        "red.yaml:20:7",
    ]


def test_lines_do_not_matter_for_equality() -> None:
    moved = [Text("other.yaml", "# moved\n\n" + RED), Text("blue.yaml", BLUE)]
    assert load_intent(moved, TOPOLOGY).intent == load_intent(SOURCES, TOPOLOGY).intent


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: "---\n" + t])
def test_how_an_editor_saves_a_file_does_not_matter(change) -> None:
    saved = [Text(name, change(text)) for name, text in SOURCES]
    assert load_intent(saved, TOPOLOGY).intent == load_intent(SOURCES, TOPOLOGY).intent


def test_a_directory_is_all_its_yaml_files(tmp_path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "red.yaml").write_text(RED)
    (tmp_path / "deep" / "blue.yml").write_text(BLUE)
    (tmp_path / "notes.txt").write_text("]")
    expected = load_intent(SOURCES, TOPOLOGY).intent
    assert load_intent(tmp_path, TOPOLOGY).intent == expected
    assert load_intent([str(tmp_path), tmp_path / "red.yaml"], TOPOLOGY).intent == expected


def test_the_slow_yaml_parser_reads_the_same(monkeypatch) -> None:
    fast = load_intent(SOURCES, TOPOLOGY).intent
    monkeypatch.setattr("clos.controller.intent.tree._LOADER", yaml.SafeLoader)
    slow = load_intent(SOURCES, TOPOLOGY).intent
    assert slow == fast
    assert [e.where for e in slow.tenants["red"].endpoints.values()] == [
        e.where for e in fast.tenants["red"].endpoints.values()
    ]
    broken = load_intent(Text("t", "a: ]"), TOPOLOGY).problems
    assert [(p.line, p.column) for p in broken] == [(1, 4)]


# --- loading again -------------------------------------------------------------------------------------------------


def test_an_unchanged_document_gives_the_very_same_value() -> None:
    loader = Loader()
    first = loader.load(SOURCES, TOPOLOGY).intent
    again = loader.load([SOURCES[0], Text("blue.yaml", BLUE.replace("udp/53", "udp/53, tcp/53"))], TOPOLOGY).intent
    assert again.tenants["red"] is first.tenants["red"]
    assert again.tenants["blue"] is first.tenants["blue"]
    assert again.shares != first.shares


def test_loading_again_equals_loading_afresh_through_any_edit() -> None:
    loader = Loader()
    loader.load(SOURCES, TOPOLOGY)
    for edited in (RED.replace("10.1.0.5", "10.1.0.6"), RED.replace("vm1", "vm2"), "# more\n" + RED, RED):
        sources = [Text("red.yaml", edited), SOURCES[1]]
        again, afresh = loader.load(sources, TOPOLOGY), load_intent(sources, TOPOLOGY)
        assert again == afresh
        if afresh.intent:
            assert again.intent.tenants["red"].endpoints["x"].where == afresh.intent.tenants["red"].endpoints["x"].where


def test_a_tenant_follows_its_hosts_addresses_and_only_those() -> None:
    loader = Loader()
    first = loader.load(SOURCES, TOPOLOGY).intent
    hosts = dict(TOPOLOGY.hosts)
    hosts["h1"], hosts["h2"] = replace(hosts["h1"], mac=5 << 41), replace(hosts["h2"], mac=6 << 41)
    again = loader.load(SOURCES, replace(TOPOLOGY, hosts=hosts)).intent
    assert again.tenants["red"] is first.tenants["red"], "its endpoint on h1 has a MAC address of its own"
    assert again.tenants["blue"].endpoints["dns1"].mac == 6 << 41


def test_problems_come_and_go_with_the_topology() -> None:
    loader = Loader()
    assert loader.load(SOURCES, TOPOLOGY).problems == ()
    fewer = replace(TOPOLOGY, hosts={name: host for name, host in TOPOLOGY.hosts.items() if name != "h2"})
    assert [p.message for p in loader.load(SOURCES, fewer).problems] == ["unknown host h2"]
    assert loader.load(SOURCES, TOPOLOGY).problems == ()


# --- writing -------------------------------------------------------------------------------------------------------

_FABRIC = clos(1, 1, hosts_per_leaf=20, trunks_per_leaf=1)
_RATES = st.none() | st.builds(Rate, st.integers(1, 10**6), st.integers(0, 10**6))
_LABELS = st.dictionaries(
    st.sampled_from(["user", "region", "resource"]),
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8) | st.just('it\'s "so": #1'),
)


@st.composite
def tenants(draw: st.DrawFn, number: int) -> Tenant:
    """A consistent tenant; ``number`` keeps it apart from others."""
    networks = {}
    for i in range(draw(st.integers(1, 3))):
        base = 10 << 24 | number << 16 | i << 8
        gateway = base + draw(st.sampled_from([1, 2, 254]))
        networks[f"n{i}"] = Network(f"n{i}", (base, 24), gateway, number * 10 + i + 1, draw(st.booleans()))
    endpoints = {}
    for i in range(draw(st.integers(1, 6))):
        net = draw(st.sampled_from(sorted(networks)))
        host = f"h1-{number * 6 + i + 1}" if draw(st.booleans()) else "t1-1"
        labels = tuple(sorted(draw(_LABELS).items()))
        endpoints[f"e{i}"] = Endpoint(f"e{i}", net, host, 0x0A << 40 | i + 1, networks[net].subnet[0] + 10 + i, labels)
    names = draw(st.lists(st.sampled_from(sorted(endpoints)), min_size=1, unique=True))
    base = 10 << 24 | number << 16 | 200 << 8
    networks["wall"] = Network("wall", (base, 24), base + 1)
    endpoints["fw"] = Endpoint("fw", "wall", f"h1-{19 + number}", 0x0A << 40 | 99, base + 9)
    first = endpoints[names[0]]
    groups = {
        "named": Group("named", tuple(names)),
        "net": Group("net", networks=(first.network,)),
        "like": Group(
            "like", labels=tuple((k, (v, "other")) for k, v in first.labels) or (), networks=(first.network,)
        ),
    }
    pick = st.sampled_from(sorted(groups))
    policies = tuple(
        Policy(
            f"p{i}",
            draw(pick),
            draw(pick),
            tuple(draw(st.lists(_SERVICE, min_size=1, max_size=3))),
            action,
            draw(_RATES),
            "fw" if action == "allow" and draw(st.booleans()) else None,
        )
        for i, action in enumerate(draw(st.lists(st.sampled_from(["allow", "deny"]), max_size=3)))
    )
    return Tenant(f"t{number}", networks, endpoints, groups, policies, (), draw(_RATES))


_SERVICE = st.sampled_from([Service(), Service(1), Service(6), Service(6, 80, 80), Service(17, 5, 9), Service(47)])


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    first, second = draw(tenants(0)), draw(tenants(1))
    share = Share("t0", "s", "net", (Service(6, 443, 443),), ("t1",), draw(_RATES))
    second = replace(second, imports=(Import("t0", "s", ("named", "net")),))
    return Intent({"t0": first, "t1": second}, {("t0", "s"): share})


ROUTED = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: routed}
spec:
  networks:
    a: {subnet: 10.1.0.0/24, vlan: 7, secondary: [{subnet: 10.1.1.0/24}, {subnet: 10.1.2.0/24, gateway: 10.1.2.254}]}
    b: {subnet: 10.2.0.0/24, vlan: 8, gateway: none, secondary: [{subnet: 10.2.1.0/24}]}
  endpoints:
    router: {host: t1-1, ip: 10.1.0.9, mac: 02:00:00:00:00:99, ips: [10.1.1.9], routes: [0.0.0.0/0, 10.9.0.0/16]}
"""


def test_further_addresses_prefixes_and_subnets_read_back_equal() -> None:
    intent = load_intent(Text("routed", ROUTED), _FABRIC).intent
    assert intent.tenants["routed"].endpoints["router"].routes == ((0, 0), (10 << 24 | 9 << 16, 16))
    assert load_intent(Text("written", write_intent(intent)), _FABRIC).intent == intent


@settings(max_examples=200, deadline=None)
@given(intents())
def test_what_is_written_reads_back_equal(intent: Intent) -> None:
    loaded = load_intent(Text("written", write_intent(intent)), _FABRIC)
    assert loaded.problems == check(intent, _FABRIC) == ()
    assert loaded.intent == intent
    assert write_intent(loaded.intent) == write_intent(intent)


# --- benchmarks ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench() -> tuple[Topology, Intent]:
    topology = clos(8, 32, hosts_per_leaf=63)
    return topology, bench_intent(topology, *BENCH_2K)


def test_a_bench_intent_is_as_large_as_asked_for_and_sound(bench) -> None:
    topology, intent = bench
    tenants = intent.tenants.values()
    assert len(tenants) == 50
    assert {len(tenant.networks) for tenant in tenants} == {2}
    assert sum(len(tenant.endpoints) for tenant in tenants) == 2_000
    assert sum(len(tenant.policies) for tenant in tenants) == 100
    assert check(intent, topology) == ()


def test_the_same_seed_gives_the_same_bench_intent(bench) -> None:
    topology, intent = bench
    assert bench_intent(topology, *BENCH_2K) == intent
    assert bench_intent(topology, *BENCH_2K, seed=2) != intent


def test_a_bench_intent_reads_back_equal(bench) -> None:
    topology, intent = bench
    texts = [Text(name, write_tenant(tenant)) for name, tenant in intent.tenants.items()]
    assert load_intent(texts, topology).intent == intent
    assert write_share(Share("t001", "s", "n1", (Service(),), ("t002",))).count("\n") == 7


@pytest.mark.parametrize(
    ("hosts", "size"), [((0, 0), (1, (1, 1), 1, 1)), ((1, 1), (5_000, (1, 1), 1, 1)), ((0, 1), (1, (1, 1), 501, 1))]
)
def test_a_bench_intent_that_does_not_fit_is_refused(hosts, size) -> None:
    topology = clos(1, 1, hosts_per_leaf=hosts[0], trunks_per_leaf=hosts[1])
    with pytest.raises(ValueError, match=r"only|do not fit"):
        bench_intent(topology, *size)
