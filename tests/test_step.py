"""What one switch does with one packet: the rows of OpenFlow 1.3.5 §5 that Clos leans on."""

from __future__ import annotations

from fabric import packet as build
from fabric.action import DecNwTtl, Group, Output, PushVlan, SetField
from fabric.choose import every_bucket, explore
from fabric.match import ANY, Match
from fabric.rule import FAST_FAILOVER, SELECT, Bucket, GroupEntry, Instructions, Rule
from fabric.step import step
from fabric.switch import SwitchModel

IP = build.tcp(eth_src=1, eth_dst=2, ipv4_src=0x0A010004, ipv4_dst=0x0A020009, tcp_src=40000, tcp_dst=1433)


def switch(*rules: Rule, groups: tuple[GroupEntry, ...] = ()) -> SwitchModel:
    model = SwitchModel(ports={1, 2, 3, 4})
    for entry in groups:
        model.add_group(entry)
    for rule in rules:
        model.add(rule)
    return model


def ports(result) -> list[int]:
    return [port for port, _ in result.emissions]


def always(*apply, **instructions) -> Rule:
    return Rule(0, 1, ANY, Instructions(apply=apply, **instructions))


def test_metadata_written_in_one_table_is_matched_in_the_next() -> None:
    model = switch(
        Rule(0, 1, Match.of(in_port=1), Instructions(metadata=(5, 0xFF), goto=1)),
        Rule(1, 1, Match.of(metadata=(5, 0xFF)), Instructions(apply=(Output(2),))),
    )
    assert ports(step(model, 1, IP)) == [2]
    assert step(model, 2, IP).dropped == "table 0: no rule matched"


def test_an_action_set_runs_in_the_order_of_the_specification() -> None:
    write = (Output(2), SetField("vlan_vid", 0x1007), DecNwTtl(), PushVlan())
    (emission,) = step(switch(always(write=write)), 1, IP).emissions
    assert str(emission.packet) == "10.1.0.4 > 10.2.0.9 tcp/1433 ttl 63 [vlan 7]"


def test_output_to_the_port_a_packet_came_in_by_is_suppressed() -> None:
    result = step(switch(always(Output(1))), 1, IP)
    assert result.emissions == ()
    assert result.dropped == "output to in_port suppressed"


def test_fast_failover_takes_the_first_bucket_that_lives() -> None:
    chain = GroupEntry(1, FAST_FAILOVER, tuple(Bucket((Output(p),), watch_port=p) for p in (2, 3)))
    model = switch(always(Group(1)), groups=(chain,))
    assert ports(step(model, 1, IP)) == [2]
    assert ports(step(model, 1, IP, down={2})) == [3]
    assert step(model, 1, IP, down={2, 3}).dropped == "group 1: no live bucket"


def test_exploring_tries_every_choice_once() -> None:
    uplinks = GroupEntry(1, SELECT, tuple(Bucket((Output(p),), watch_port=p) for p in (2, 3, 4)))
    model = switch(always(Group(1)), groups=(uplinks,))
    assert [ports(each) for each in explore(lambda choose: step(model, 1, IP, choose))] == [[2], [3], [4]]
    assert ports(step(model, 1, IP, every_bucket)) == [2, 3, 4]
