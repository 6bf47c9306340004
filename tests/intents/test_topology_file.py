"""Topology documents: what they mean, their default numbers, and that writing and reading one changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.intent import Text, dump, load_topology
from clos.fabric.generate import clos, host_mac
from clos.fabric.topology import Host, Link, Pair, PortRef, Switch, Topology

SMALL = """\
apiVersion: clos/v1
kind: Topology
metadata: {name: small, description: Two leaves}
spec:
  switches:
    spine1: {role: spine}
    leaf1: {role: leaf}
    leaf2: {role: leaf, dpid: 0xabc, tag: 9, site: north}
    edge1: {role: border}
  pairs:
    p1: [leaf1, leaf2]
  links:
    - [leaf1:1, spine1:1]
    - {a: spine1:2, b: {port: leaf2:1, speed: 40 Gbps}, latency: 2 ms}
    - {a: edge1:1, b: spine1:3, speed: 100 Gbps}
  hosts:
    web: leaf1:5
    db: {ports: [leaf1:6, leaf2:6], mac: 02:00:00:00:00:06, speed: 25 Gbps}
    vm: {port: edge1:9, mode: trunk}
"""


def _load(text: str) -> Topology:
    loaded = load_topology(Text("t.yaml", text))
    assert loaded.problems == ()
    return loaded.topology


def test_a_topology_means_what_it_says() -> None:
    assert _load(SMALL) == Topology(
        "small",
        {
            "spine1": Switch("spine1", "spine", 0x10001),
            "leaf1": Switch("leaf1", "leaf", 0x20001, 1),
            "leaf2": Switch("leaf2", "leaf", 0xABC, 9, "north"),
            "edge1": Switch("edge1", "border", 0x30001, 2),
        },
        (
            Link(PortRef("leaf1", 1), PortRef("spine1", 1)),
            Link(PortRef("spine1", 2), PortRef("leaf2", 1), 40_000, 2_000),
            Link(PortRef("edge1", 1), PortRef("spine1", 3), 100_000),
        ),
        {
            "web": Host("web", host_mac("web"), (PortRef("leaf1", 5),)),
            "db": Host("db", 0x02_00_00_00_00_06, (PortRef("leaf1", 6), PortRef("leaf2", 6)), speed=25_000),
            "vm": Host("vm", host_mac("vm"), (PortRef("edge1", 9),), "trunk"),
        },
        {"p1": Pair("p1", ("leaf1", "leaf2"), 2046)},
    )


def test_hosts_do_not_change_the_numbers_of_anything_else() -> None:
    without = _load(SMALL[: SMALL.index("  hosts:")])
    assert replace(_load(SMALL), hosts={}) == without
    more = _load(SMALL.replace("    web:", "    first: leaf1:4\n    web:"))
    assert {name: more.hosts[name] for name in ("web", "db", "vm")} == _load(SMALL).hosts


def test_a_switch_added_at_the_end_changes_no_number() -> None:
    grown = _load(
        SMALL.replace("  pairs:", "    leaf3: {role: leaf}\n  pairs:").replace(
            "  links:", "  links:\n    - [leaf3:1, spine1:4]"
        )
    )
    before = _load(SMALL)
    assert {name: grown.switches[name] for name in before.switches} == before.switches
    assert grown.pairs == before.pairs
    assert grown.switches["leaf3"] == Switch("leaf3", "leaf", 0x20003, 3)


def test_a_default_node_tag_steps_aside_for_a_written_one() -> None:
    topology = _load(
        SMALL.replace("tag: 9", "tag: 1").replace("p1: [leaf1, leaf2]", "p1: {leaves: [leaf1, leaf2], tag: 2}")
    )
    assert topology.nodes == {"leaf1": 3, "leaf2": 1, "edge1": 4, "p1": 2}


def test_a_recipe_is_the_generator() -> None:
    text = """
apiVersion: clos/v1
kind: Topology
metadata: {name: big}
spec:
  generate: {spines: 2, leaves: 4, borders: 2, hostsPerLeaf: 3, trunksPerLeaf: 1, hostsPerBorder: 1, pairs: true,
             dualHomed: 2, speed: 40 Gbps, latency: 7 us, site: south}
"""
    assert _load(text) == clos(
        2,
        4,
        borders=2,
        hosts_per_leaf=3,
        trunks_per_leaf=1,
        hosts_per_border=1,
        pairs=True,
        dual_homed=2,
        speed=40_000,
        latency=7,
        site="south",
        name="big",
    )


def test_what_is_written_adds_to_the_recipe() -> None:
    text = """
apiVersion: clos/v1
kind: Topology
metadata: {name: both}
spec:
  generate: {spines: 1, leaves: 2, hostsPerLeaf: 1}
  switches: {edge: {role: border}, leaf3: {role: leaf}}
  links: [[edge:1, spine1:3], [leaf3:1, spine1:4]]
  pairs: {p: [leaf1, leaf2]}
  hosts: {db: {ports: [leaf1:200, leaf2:200]}}
"""
    topology, base = _load(text), clos(1, 2, hosts_per_leaf=1)
    assert dict(list(topology.switches.items())[:3]) == base.switches
    assert topology.switches["edge"] == Switch("edge", "border", 0x30001, 3)
    assert topology.switches["leaf3"] == Switch("leaf3", "leaf", 0x20003, 4)
    assert topology.links[:2] == base.links
    assert list(topology.hosts) == ["h1-1", "h2-1", "db"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n"])
def test_an_empty_file_is_a_problem(text: str) -> None:
    problems = load_topology(Text("t.yaml", text)).problems
    assert [str(p) for p in problems] == ["t.yaml:1:1: nothing is written here: expected a Topology document"]


@st.composite
def fabrics(draw: st.DrawFn) -> Topology:
    pairs = draw(st.booleans())
    topology = clos(
        draw(st.integers(1, 4)),
        draw(st.integers(1, 6)),
        borders=draw(st.integers(0, 3)),
        hosts_per_leaf=draw(st.integers(0, 3)),
        trunks_per_leaf=draw(st.integers(0, 2)),
        hosts_per_border=draw(st.integers(0, 2)),
        pairs=pairs,
        dual_homed=draw(st.integers(0, 2)) if pairs else 0,
        speed=draw(st.sampled_from([1_000, 10_000, 400_000])),
        latency=draw(st.sampled_from([0, 5, 123_456])),
        site=draw(st.sampled_from(["main", "no", "1.10", "0x7"])),
        name=draw(st.sampled_from(["clos", "null", "true", "10", "a.b-c_d"])),
    )
    hosts = {
        name: replace(host, mac=host.mac ^ draw(st.integers(0, 9)), speed=draw(st.sampled_from([10_000, 25_000])))
        for name, host in topology.hosts.items()
    }
    return replace(topology, hosts=hosts)


@settings(max_examples=200, deadline=None)
@given(fabrics())
def test_a_topology_written_and_read_back_is_the_same(topology: Topology) -> None:
    assert _load(dump(topology)) == topology


def test_the_small_topology_written_and_read_back_is_the_same() -> None:
    topology = _load(SMALL)
    assert _load(dump(topology)) == topology
    assert dump(_load(dump(topology))) == dump(topology)


def test_what_a_link_has_by_default_is_not_written() -> None:
    kinds: tuple[tuple[int, ...], ...] = ((), (100,), (10_000, 7))
    links = tuple(Link(PortRef("leaf1", n), PortRef("spine1", n), *kind) for n, kind in enumerate(kinds, 1))
    topology = Topology("t", clos(1, 1, hosts_per_leaf=0).switches, links)
    assert [line.strip() for line in dump(topology).splitlines() if "spine1:" in line and "leaf1:" in line] == [
        "- [leaf1:1, spine1:1]",
        "- {a: leaf1:2, b: spine1:2, speed: 100 Mbps}",
        "- {a: leaf1:3, b: spine1:3, latency: 7 us}",
    ]


def test_more_leaves_than_node_tags_are_a_problem_at_the_switches() -> None:
    leaves = "".join(f"    leaf{n}: {{role: leaf}}\n" for n in range(1, 2_048))
    links = "".join(f"    - [leaf{n}:1, spine1:{n}]\n" for n in range(1, 2_048))
    head = "apiVersion: clos/v1\nkind: Topology\nmetadata: {name: t}\nspec:\n  switches:\n    spine1: {role: spine}\n"
    problems = load_topology(Text("t.yaml", f"{head}{leaves}  links:\n{links}")).problems
    message = "2047 leaves and pairs, but there are only 2046 node tags"
    assert [str(p) for p in problems] == [f"t.yaml:5:3: spec.switches: {message}"]
