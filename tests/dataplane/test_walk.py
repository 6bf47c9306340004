"""One packet over a small fabric: where it arrives, where it ends, and that it ends."""

from __future__ import annotations

import pytest

from clos.fabric.dataplane.action import (
    ALL,
    CONTROLLER,
    DecNwTtl,
    Group,
    Output,
    PopVlan,
    PushVlan,
    SetField,
)
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import SELECT, Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import walk
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import LEAF, SPINE, Host, Link, PortRef, Switch, Topology

IP = build.tcp(eth_src=1, eth_dst=2, ipv4_src=0x0A010004, ipv4_dst=0x0A020009, tcp_src=40000, tcp_dst=1433)
H1, H2 = PortRef("l1", 3), PortRef("l2", 3)
FABRIC = Topology(
    "small",
    {
        "l1": Switch("l1", LEAF, 1, 1),
        "l2": Switch("l2", LEAF, 2, 2),
        "s1": Switch("s1", SPINE, 3),
        "s2": Switch("s2", SPINE, 4),
    },
    tuple(Link(PortRef(f"l{leaf}", spine), PortRef(f"s{spine}", leaf)) for leaf in (1, 2) for spine in (1, 2)),
    {"h1": Host("h1", 1, (H1,)), "h2": Host("h2", 2, (H2,))},
)
"""Two leaves, two spines; leaf ports 1 and 2 lead to the spines, spine port n to leaf n, leaf port 3 to a host."""


def rule(match: Match, *apply, priority: int = 1) -> Rule:
    return Rule(0, priority, match, Instructions(apply=apply))


def switch(*rules: Rule, groups: tuple[GroupEntry, ...] = ()) -> SwitchModel:
    return SwitchModel.of(SwitchState(rules, groups, ()), {1, 2, 3})


UPLINKS = GroupEntry(1, SELECT, tuple(Bucket((Output(port),), watch_port=port) for port in (1, 2)))
LEAF_RULES = (
    rule(Match.of(in_port=3), PushVlan(), SetField("vlan_vid", 0x1002), Group(1)),
    rule(Match.of(vlan_vid=0x1002), PopVlan(), Output(3)),
)
SWITCHES = {
    "l1": switch(*LEAF_RULES, groups=(UPLINKS,)),
    "l2": switch(*LEAF_RULES, groups=(UPLINKS,)),
    "s1": switch(rule(Match.of(vlan_vid=0x1002), Output(2))),
    "s2": switch(rule(Match.of(vlan_vid=0x1002), Output(2))),
}


def test_a_packet_is_followed_from_host_to_host() -> None:
    done = walk(SWITCHES, FABRIC, H1, IP)
    assert done.deliveries == ((H2, IP),)
    assert [visit.switch for visit in done.hops] in (["l1", "s1", "l2"], ["l1", "s2", "l2"])
    assert [visit.parent for visit in done.hops] == [None, 0, 1]
    assert [visit.at for visit in done.path(2)] == [visit.at for visit in done.hops]
    assert (done.drops, done.loops, done.hosts) == ((), (), {H2})


@pytest.mark.parametrize("cut", [PortRef("l1", 1), PortRef("s1", 1)], ids=["leaf's end", "spine's end"])
def test_a_dead_cable_is_dead_at_both_ends(cut: PortRef) -> None:
    done = walk(SWITCHES, FABRIC, H1, IP, down=frozenset({cut}))
    assert [visit.switch for visit in done.hops] == ["l1", "s2", "l2"]
    assert done.hosts == {H2}


def test_a_cable_cut_where_nobody_watches_loses_the_packet_there() -> None:
    cut = frozenset({PortRef("s1", 2), PortRef("l1", 2)})
    done = walk(SWITCHES, FABRIC, H1, IP, down=cut)
    assert done.deliveries == ()
    assert [str(drop) for drop in done.drops] == ["s1: port 2 is down"]
    assert done.hops[done.drops[0].visit].switch == "s1"


def test_nothing_enters_by_a_dead_port() -> None:
    done = walk(SWITCHES, FABRIC, H1, IP, down=frozenset({H1}))
    assert (done.hops, done.deliveries) == ((), ())
    assert str(done) == "dropped at l1: port 3 is down"


def test_a_drop_names_the_switch_and_the_reason() -> None:
    done = walk(SWITCHES | {"l2": switch()}, FABRIC, H1, IP)
    assert [str(drop) for drop in done.drops] == ["l2: table 0: no rule matched"]


def test_a_port_with_nothing_at_its_end_leads_nowhere() -> None:
    spare = SwitchModel.of(SwitchState((rule(ANY, Output(9)),), (), ()), {3, 9})
    done = walk({"l1": spare}, FABRIC, H1, IP)
    assert [str(drop) for drop in done.drops] == ["l1: port 9 leads nowhere"]


def test_every_path_can_be_explored() -> None:
    found = list(explore(lambda choose: walk(SWITCHES, FABRIC, H1, IP, choose=choose)))
    assert [[visit.switch for visit in done.hops] for done in found] == [["l1", "s1", "l2"], ["l1", "s2", "l2"]]
    assert all(done.hosts == {H2} for done in found)


def test_a_loop_is_reported_with_its_path() -> None:
    around = {
        "l1": switch(rule(Match.of(in_port=3), Output(1)), rule(Match.of(in_port=2), Output(1))),
        "s1": switch(rule(ANY, Output(2))),
        "l2": switch(rule(ANY, Output(2))),
        "s2": switch(rule(ANY, Output(1))),
    }
    done = walk(around, FABRIC, H1, IP)
    assert done.loops == (("l1", "s1", "l2", "s2", "l1", "s1"),)
    assert str(done).endswith("loop: l1 -> s1 -> l2 -> s2 -> l1 -> s1")


def test_a_loop_that_counts_down_ends_when_the_count_does() -> None:
    around = {
        "l1": switch(rule(ANY, DecNwTtl(), Output(1))),
        "s1": switch(rule(ANY, DecNwTtl(), Output(2))),
        "l2": switch(rule(ANY, DecNwTtl(), Output(2))),
        "s2": switch(rule(ANY, DecNwTtl(), Output(1))),
    }
    short = walk(around, FABRIC, H1, IP.set("nw_ttl", 10))
    assert (short.loops, short.drops[0].reason) == ((), "ttl expired")
    (loop,) = walk(around, FABRIC, H1, IP).loops
    assert len(loop) == 33


def test_a_storm_ends() -> None:
    flood = dict.fromkeys(FABRIC.switches, switch(rule(ANY, DecNwTtl(), Output(ALL))))
    done = walk(flood, FABRIC, H1, IP.set("nw_ttl", 255))
    assert done.loops
    assert len(done.hops) <= 10_000


def test_a_walk_tells_its_story() -> None:
    switches = SWITCHES | {"l2": switch(rule(ANY, PopVlan(), Output(3), Output(CONTROLLER)))}
    assert str(walk(switches, FABRIC, H1, IP, choose=lambda group, live, packet: live[:1])) == STORY


STORY = """\
l1:3  10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64
  table 0 #1 in_port=3 cookie 0x0: push_vlan:0x8100,set_field:2->vlan_vid,group:1; group 1 bucket 0
  -> port 1  10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 2]
s1:1  10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 2]
  table 0 #1 vlan_vid=2 cookie 0x0: output:2
  -> port 2  10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 2]
l2:1  10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 2]
  table 0 #1 any cookie 0x0: pop_vlan,output:3,output:CONTROLLER
  -> port 3  10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64
  -> controller
delivered to l2:3: 10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64"""


def test_deliveries_carry_the_packet_as_the_host_gets_it() -> None:
    rewriting = {"l1": switch(rule(ANY, SetField("eth_dst", 9), Output(3)))}
    done = walk(rewriting, FABRIC, PortRef("l1", 1), IP)
    assert done.deliveries == ((H1, Packet(IP.set("eth_dst", 9).data)),)
