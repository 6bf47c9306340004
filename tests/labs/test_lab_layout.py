"""What becomes what in the lab, and how Open vSwitch's traces are read; needs nothing installed."""

from __future__ import annotations

import pytest

from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.fabric.topology import Topology
from clos.lab.mininet.layout import NAME, layout
from clos.lab.ovs.trace_parser import Met, read
from tests.support.root import ROOT


def shipped(name: str) -> tuple[Topology, Intent]:
    topology = load_topology(ROOT / f"topologies/{name}.yaml").topology
    assert topology is not None
    where = ROOT / "intents" / name
    intent = load_intent([where if where.is_dir() else where.with_suffix(".yaml")], topology).intent
    assert intent is not None
    return topology, intent


@pytest.mark.parametrize("name", ["demo", "bank"])
def test_every_endpoint_is_a_station_and_every_host_port_has_an_end(name: str) -> None:
    topology, intent = shipped(name)
    plan = layout(topology, intent)
    endpoints = {f"{t.name}/{e.name}" for t in intent.tenants.values() for e in t.endpoints.values()}
    assert {one.party.name for one in plan.stations if one.party} == endpoints
    assert set(plan.ends) == set(topology.host_at)
    assert len({one.name for one in plan.stations}) == len(plan.stations)


@pytest.mark.parametrize("name", ["demo", "bank"])
def test_interfaces_of_a_node_differ_and_linux_takes_their_names(name: str) -> None:
    plan = layout(*shipped(name))
    ends = [end for cable in plan.cables for end in (cable.a, cable.b)]
    here = [interface for _, port, interface in ends if port]
    assert len(set(here)) == len(here)
    assert max(len(interface) for _, _, interface in ends) <= NAME


def test_trunk_and_dual_homed_hosts_are_hypervisors_with_their_endpoints_behind() -> None:
    plan = layout(*shipped("demo"))
    boxes = {box.name: [(station.name, vlan) for station, vlan in box.guests] for box in plan.hypervisors}
    assert boxes == {"db1": [("shop.db1", None)], "vm1": [("report", 102), ("build", 201)]}
    found = [plan.station(name) for name in ("db1", "shop/report", "web1", "vm1", "nobody")]
    assert [one and one.name for one in found] == ["shop.db1", "report", "web1", None, None]


TRACE = """Flow: arp,in_port=11

bridge("leaf1")
---------------
 0. in_port=11, priority 100, cookie 0xc105
    goto_table:1
     1. arp,in_port=11, priority 0
        goto_table:2
 2. No match.
    drop

Final flow: unchanged
Datapath actions: {}
"""


@pytest.mark.parametrize(
    ("actions", "copies"),
    [
        ("drop", 0),
        ("14", 1),
        ("meter(1),set(eth(src=02:c1:05:00:00:01)),push_vlan(vid=3,pcp=0),hash(sym_l4(0)),recirc(0x1)", 1),
        ("186,194,187", 3),
        ("clone(push_vlan(vid=3,pcp=0),12),clone(pop_vlan,hash(sym_l4(0)),recirc(0x2)),14", 3),
    ],
)
def test_a_trace_tells_the_rules_met_and_how_many_copies_leave(actions: str, copies: int) -> None:
    trace = read(TRACE.format(actions))
    assert trace.met == (Met(0, 100, 0xC105), Met(1, 0, 0), Met(2, None, 0))
    assert trace.copies == copies


def test_what_is_no_trace_is_refused() -> None:
    with pytest.raises(ValueError, match="not a trace"):
        read("Unknown bridge leaf9")
