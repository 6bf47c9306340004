"""What one switch does with one packet: OpenFlow 1.3.5 §5, row by row."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import (
    CONTROLLER,
    CopyTtlIn,
    CopyTtlOut,
    DecNwTtl,
    Group,
    Move,
    Output,
    PopVlan,
    PushMpls,
    PushPbb,
    PushVlan,
    SetField,
    SetQueue,
)
from clos.fabric.dataplane.choose import every_bucket, explore, flow_hash, hash_bucket
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.outcome import ACTION, INVALID_TTL, NO_MATCH, Step
from clos.fabric.dataplane.rewrite import REWRITES
from clos.fabric.dataplane.rule import (
    ALL,
    FAST_FAILOVER,
    INDIRECT,
    SELECT,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.step import in_set_order, packet_out, step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.errors import BAD_OUT_GROUP, SwitchError
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet

IP = build.tcp(eth_src=1, eth_dst=2, ipv4_src=0x0A010004, ipv4_dst=0x0A020009, tcp_src=40000, tcp_dst=1433)
IPV4 = Match.of(eth_type=0x0800)


def switch(*rules: Rule, groups: tuple[GroupEntry, ...] = ()) -> SwitchModel:
    """A switch of ports 1 to 4 that holds these entries, unchecked."""
    return SwitchModel.of(SwitchState(rules, groups, ()), {1, 2, 3, 4})


def always(*apply, **instructions) -> Rule:
    return Rule(0, 1, ANY, Instructions(apply=apply, **instructions), cookie=77)


def ports(result: Step) -> list[int]:
    return [port for port, _ in result.emissions]


def sent(*apply, **instructions) -> list[tuple[int, str]]:
    """Where a rule that always matches sends IP, which came in by port 1, and what it is then."""
    return [(port, str(packet)) for port, packet in step(switch(always(*apply, **instructions)), 1, IP).emissions]


# -- pipeline and instructions (§5.1, §5.9) ---------------------------------------------------------------------


def test_metadata_written_in_one_table_is_matched_in_the_next() -> None:
    model = switch(
        Rule(0, 1, Match.of(in_port=1), Instructions(metadata=(5, 0xFF), goto=1)),
        Rule(1, 1, Match.of(metadata=(5, 0xFF)), Instructions(metadata=(0x300, 0xF00), goto=9)),
        Rule(9, 1, Match.of(metadata=0x305), Instructions(apply=(Output(2),))),
    )
    assert ports(step(model, 1, IP)) == [2]
    assert step(model, 2, IP).dropped == "table 0: no rule matched"


def test_a_table_without_a_matching_rule_drops_the_packet_and_its_action_set() -> None:
    result = step(switch(always(write=(Output(2),), goto=5)), 1, IP)
    assert result.emissions == ()
    assert [str(hop) for hop in result.trail] == [
        "table 0 #1 any cookie 0x4d: write_actions(output:2),goto_table:5",
        "table 5: no rule matched",
    ]


def test_the_highest_priority_wins() -> None:
    model = switch(
        Rule(0, 1, ANY, Instructions(apply=(Output(2),))), Rule(0, 2, IPV4, Instructions(apply=(Output(3),)))
    )
    assert ports(step(model, 1, IP)) == [3]


def test_later_tables_see_what_earlier_tables_made_of_the_packet() -> None:
    tagged = Match.of(vlan_vid=0x1007, vlan_pcp=3)
    model = switch(
        always(PushVlan(), SetField("vlan_vid", 0x1007), SetField("vlan_pcp", 3), SetField("tunnel_id", 9), goto=1),
        Rule(1, 1, tagged, Instructions(apply=(PopVlan(),), goto=2)),
        Rule(2, 1, Match.of(vlan_vid=0, eth_type=0x0800, tunnel_id=9), Instructions(apply=(Output(2),))),
    )
    assert [packet for _, packet in step(model, 1, IP).emissions] == [IP]


def test_apply_acts_before_write_and_clear_clears_what_was_written_before() -> None:
    model = switch(
        always(write=(SetField("eth_dst", 9), Output(3)), goto=1),
        Rule(1, 1, ANY, Instructions(apply=(Output(2),), clear=True, write=(Output(4),))),
    )
    assert step(model, 1, IP).emissions == ((2, IP), (4, IP))


def test_a_rule_that_clears_and_writes_nothing_drops() -> None:
    model = switch(always(write=(Output(3),), goto=1), Rule(1, 1, ANY, Instructions(clear=True)))
    assert step(model, 1, IP).dropped == "action set empty"


def test_a_meter_acts_before_anything_else() -> None:
    rule = always(Output(2), meter=7)
    assert ports(step(switch(rule), 1, IP)) == [2]
    dropped = step(switch(rule), 1, IP, meters=lambda meter, packet: None)
    assert (dropped.dropped, dropped.trail[0].notes) == ("meter 7: over its rate", ("meter 7: over its rate",))
    marked = step(switch(rule), 1, IP.set("ip_dscp", 18), meters=lambda meter, packet: packet.remarked(1))
    assert marked.emissions[0].packet.headers()["ip_dscp"] == 20


# -- action sets (§5.10) -----------------------------------------------------------------------------------------


SET_ORDER = (
    CopyTtlIn(), PopVlan(), PushMpls(), PushPbb(), PushVlan(), CopyTtlOut(), DecNwTtl(), SetField("eth_dst", 5),
    SetQueue(1), Output(2),
)  # fmt: skip


@given(st.permutations(SET_ORDER))
def test_an_action_set_runs_in_the_order_of_the_specification_however_it_was_written(written: list) -> None:
    assert in_set_order(written) == SET_ORDER


def test_an_action_set_holds_one_action_of_a_kind_and_one_set_of_a_field() -> None:
    write = (Output(3), Output(2), SetField("eth_dst", 9), SetField("eth_src", 8), SetField("eth_dst", 7))
    (emission,) = step(switch(always(write=write)), 1, IP).emissions
    assert emission == (2, IP.set("eth_dst", 7).set("eth_src", 8))


def test_a_group_in_an_action_set_makes_its_output_void() -> None:
    group = GroupEntry(1, ALL, (Bucket((Output(3),)),))
    assert ports(step(switch(always(write=(Output(2), Group(1))), groups=(group,)), 1, IP)) == [3]
    gone = step(switch(always(write=(Output(2), Group(1)))), 1, IP)
    assert gone.dropped == "group 1: does not exist"


def test_the_set_acts_on_the_packet_that_the_lists_left() -> None:
    assert sent(PushVlan(), SetField("vlan_vid", 0x1007), Output(2), PopVlan(), write=(Output(3),)) == [
        (2, "10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 7]"),
        (3, "10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64"),
    ]


# -- actions (§5.12) -----------------------------------------------------------------------------------------------


def test_every_action_has_a_meaning() -> None:
    kinds = {kind for kind in vars(act).values() if isinstance(kind, type) and kind.__module__ == act.__name__}
    assert kinds == {*REWRITES, Output, Group}


@pytest.mark.parametrize(
    ("port", "reached", "why"),
    [
        (2, [2], None),
        (1, [], "output to in_port suppressed"),
        (4, [], "port 4 is down"),
        (9, [], "port 9 does not exist"),
        (act.IN_PORT, [1], None),
        (act.ALL, [2, 3], None),
        (act.FLOOD, [2, 3], None),
        (act.LOCAL, [], "output to LOCAL is not supported"),
        (act.NORMAL, [], "output to NORMAL is not supported"),
        (act.TABLE, [], "output to TABLE is not supported"),
    ],
)
def test_an_output_reaches_the_ports_it_names(port: int, reached: list[int], why: str | None) -> None:
    result = step(switch(always(Output(port))), 1, IP, down={4})
    assert ports(result) == reached
    assert result.dropped == why
    assert result.trail[0].notes == (() if why is None else (why,))


def test_a_move_copies_one_field_into_another() -> None:
    request = build.arp_request(0x02, 0x0A010004, 0x0A010009)
    answer = (
        Move("eth_src", "eth_dst"), Move("arp_sha", "arp_tha"), Move("arp_tpa", "arp_spa"), SetField("arp_op", 2),
        SetField("arp_sha", 0x03), SetField("eth_src", 0x03), SetField("arp_tpa", 0x0A010004), Output(act.IN_PORT),
    )  # fmt: skip
    assert step(switch(always(*answer)), 1, request).emissions == (
        (1, build.arp_reply(0x03, 0x0A010009, 0x02, 0x0A010004)),
    )


@pytest.mark.parametrize("ttl", [0, 1])
def test_a_packet_whose_time_to_live_runs_out_goes_nowhere_but_to_the_controller(ttl: int) -> None:
    result = step(switch(always(DecNwTtl(), Output(2), write=(Output(3),), goto=1)), 1, IP.set("nw_ttl", ttl))
    assert result.emissions == ()
    assert [punt.reason for punt in result.packet_ins] == [INVALID_TTL]
    assert result.drops == ("ttl expired",)
    assert len(result.trail) == 1


def test_a_packet_in_says_why_and_whence() -> None:
    by_rule = switch(always(goto=3, metadata=(6, 15)), Rule(3, 4, IPV4, Instructions(apply=(Output(CONTROLLER, 40),))))
    (punt,) = step(by_rule, 2, IP).packet_ins
    assert (punt.reason, punt.table, punt.cookie, punt.in_port) == (ACTION, 3, 0, 2)
    assert (punt.metadata, punt.max_len, punt.packet) == (6, 40, IP)
    missed = switch(Rule(0, 0, ANY, Instructions(apply=(Output(CONTROLLER),)), cookie=5))
    (punt,) = step(missed, 1, IP).packet_ins
    assert (punt.reason, punt.cookie) == (NO_MATCH, 5)


def test_a_packet_out_acts_without_tables_unless_it_says_so() -> None:
    model = switch(Rule(0, 1, Match.of(in_port=CONTROLLER, vlan_vid=0x1000), Instructions(apply=(Output(3),))))
    assert packet_out(model, CONTROLLER, IP, [Output(2), PushVlan(), Output(act.TABLE)]).emissions == (
        (2, IP),
        (3, IP.push_vlan()),
    )
    assert ports(packet_out(model, CONTROLLER, IP.push_vlan(), [Output(act.TABLE)] * 2)) == [3, 3]
    assert packet_out(model, 2, IP, [Output(act.ALL)]).emissions == ((1, IP), (3, IP), (4, IP))
    with pytest.raises(SwitchError) as refusal:
        packet_out(model, 2, IP, [Group(1)])
    assert (refusal.value.type, refusal.value.code) == BAD_OUT_GROUP


def test_a_packet_sent_back_to_the_tables_keeps_what_follows_apart() -> None:
    model = switch(always(SetField("eth_dst", 9), Output(3)))
    assert packet_out(model, CONTROLLER, IP, [Output(act.TABLE), Output(2)]).emissions == (
        (3, IP.set("eth_dst", 9)),
        (2, IP),
    )


# -- groups (§5.6) -------------------------------------------------------------------------------------------------


def through(group: GroupEntry, *others: GroupEntry, **options) -> Step:
    return step(switch(always(Group(1)), groups=(group, *others)), 1, IP, **options)


def failover(*watched: int, number: int = 1) -> GroupEntry:
    return GroupEntry(number, FAST_FAILOVER, tuple(Bucket((Output(port),), watch_port=port) for port in watched))


def test_each_bucket_of_an_all_group_has_a_copy_of_its_own() -> None:
    buckets = (Bucket((PushVlan(), Output(2))), Bucket((Output(3),)), Bucket((Output(1),)), Bucket())
    result = step(switch(always(Group(1), Output(4)), groups=(GroupEntry(1, ALL, buckets),)), 1, IP)
    assert result.emissions == ((2, IP.push_vlan()), (3, IP), (4, IP))
    assert result.drops == ("output to in_port suppressed", "group 1 bucket 3: no action")
    assert [pick[:2] for pick in result.picks] == [(1, None), (1, 0), (1, 1), (1, 2), (1, 3)]


def test_a_bucket_is_an_action_set() -> None:
    bucket = Bucket((Output(2), SetField("vlan_vid", 0x1007), PushVlan()))
    assert through(GroupEntry(1, INDIRECT, (bucket,))).emissions == ((2, IP.push_vlan().set("vlan_vid", 0x1007)),)


@pytest.mark.parametrize(
    ("down", "reached"), [((), [2]), ((2,), [3]), ((2, 3), [4]), ((2, 3, 4), []), ((3, 4), [2]), ((2, 4), [3])]
)
def test_fast_failover_takes_the_first_bucket_that_lives(down: tuple[int, ...], reached: list[int]) -> None:
    result = through(failover(2, 3, 4), down=down)
    assert ports(result) == reached
    assert (result.dropped == "group 1: no live bucket") == (not reached)


def test_a_port_that_is_not_there_is_not_alive() -> None:
    assert ports(through(failover(9, 3))) == [3]


def test_a_watched_group_lives_while_one_of_its_buckets_does() -> None:
    detour = GroupEntry(1, FAST_FAILOVER, (Bucket((Group(2),), watch_group=2), Bucket((Output(4),))))
    assert ports(through(detour, failover(2, 3, number=2), down=(2,))) == [3]
    assert ports(through(detour, failover(2, 3, number=2), down=(2, 3))) == [4]
    assert ports(through(detour)) == [4]


def test_a_bucket_that_watches_a_port_and_a_group_lives_with_either() -> None:
    either = GroupEntry(1, FAST_FAILOVER, (Bucket((Output(4),), watch_port=2, watch_group=2),))
    assert ports(through(either, failover(3, number=2), down=(2,))) == [4]
    assert ports(through(either, failover(3, number=2), down=(3,))) == [4]
    assert ports(through(either, failover(3, number=2), down=(2, 3))) == []


def test_groups_that_watch_each_other_do_not_hang() -> None:
    pair = tuple(GroupEntry(n, FAST_FAILOVER, (Bucket((Output(2),), watch_group=3 - n),)) for n in (1, 2))
    assert through(*pair).dropped == "group 1: no live bucket"


def test_groups_that_multiply_a_packet_beyond_measure_are_cut() -> None:
    doubling = tuple(GroupEntry(n, ALL, (Bucket((Group(n + 1),)),) * 2) for n in range(1, 31))
    result = through(*doubling, GroupEntry(31, ALL, (Bucket((Output(2),)),)))
    assert 0 < len(result.emissions) < 10_000
    assert "chained too deep" in result.drops[-1]


def test_groups_that_watch_in_many_circles_are_each_asked_once() -> None:
    web = tuple(
        GroupEntry(n, FAST_FAILOVER, tuple(Bucket((Output(2),), watch_group=m) for m in range(1, 31)))
        for n in range(1, 31)
    )
    assert through(*web).dropped == "group 1: no live bucket"


def test_a_chain_of_groups_is_followed_and_a_circle_is_cut() -> None:
    chain = (
        GroupEntry(1, INDIRECT, (Bucket((PushVlan(0x88A8), Group(2))),)),
        GroupEntry(2, ALL, (Bucket((SetField("vlan_vid", 0x1002), Output(2))), Bucket((Output(3),)))),
    )
    pushed = IP.push_vlan(0x88A8)
    assert through(*chain).emissions == ((2, pushed.set("vlan_vid", 0x1002)), (3, pushed))
    circle = through(GroupEntry(1, INDIRECT, (Bucket((Group(1),)),)))
    assert circle.dropped == "group 1: chained too deep"


def test_a_packet_that_expires_in_one_bucket_lives_on_in_the_next() -> None:
    group = GroupEntry(1, ALL, (Bucket((DecNwTtl(), Output(2))), Bucket((Output(3),))))
    result = step(switch(always(Group(1)), groups=(group,)), 1, IP.set("nw_ttl", 1))
    assert ports(result) == [3]
    assert result.drops == ("ttl expired",)


# -- choosing buckets ------------------------------------------------------------------------------------------------

UPLINKS = GroupEntry(1, SELECT, tuple(Bucket((Output(port),), watch_port=port) for port in (2, 3, 4)))


def flow(port: int) -> Packet:
    return IP.set("tcp_src", port)


def test_a_flow_stays_on_its_path_and_moves_only_when_that_dies() -> None:
    model = switch(always(Group(1)), groups=(UPLINKS,))
    for source in range(100):
        (before,) = ports(step(model, 1, flow(source)))
        assert ports(step(model, 1, flow(source).set("nw_ttl", 9).set("ip_dscp", 7))) == [before]
        assert ports(step(model, 1, flow(source), down={before})) in [[p] for p in (2, 3, 4) if p != before]


def test_flows_spread_by_the_weights_of_the_buckets() -> None:
    weights = (1, 3, 0)
    group = GroupEntry(
        1, SELECT, tuple(Bucket((Output(p),), weight=w) for p, w in zip((2, 3, 4), weights, strict=True))
    )
    model = switch(always(Group(1)), groups=(group,))
    taken = Counter(port for source in range(4000) for port in ports(step(model, 1, flow(source))))
    assert 800 < taken[2] < 1200
    assert taken[2] + taken[3] == 4000


@pytest.mark.parametrize("field", ["ipv4_src", "ipv4_dst", "tcp_src", "tcp_dst"])
def test_neighbouring_flows_spread_evenly(field: str) -> None:
    base = IP.headers()[field]
    taken = Counter(hash_bucket(UPLINKS, (0, 1, 2), IP.set(field, base + i)) for i in range(300))
    assert all(70 < taken[i,] < 130 for i in range(3))


def test_frames_of_other_protocols_are_told_apart_by_their_addresses() -> None:
    frames = [build.ethernet(eth_src=i, eth_dst=2, eth_type=0x88CC) for i in range(50)]
    assert len({flow_hash(frame) for frame in frames}) == 50


def test_every_live_bucket_can_be_taken_at_once() -> None:
    assert ports(through(UPLINKS, choose=every_bucket, down=(3,))) == [2, 4]


def test_exploring_tries_every_choice_once() -> None:
    second = GroupEntry(2, SELECT, (Bucket((Output(2),)), Bucket((Output(3),))))
    model = switch(always(Group(1), Group(2)), groups=(UPLINKS, second))
    found = [ports(each) for each in explore(lambda choose: step(model, 1, IP, choose))]
    assert found == [[a, b] for a in (2, 3, 4) for b in (2, 3)]


def test_exploring_follows_choices_that_lead_to_choices() -> None:
    tree = GroupEntry(1, SELECT, (Bucket((Group(2),)), Bucket((Output(4),))))
    second = GroupEntry(2, SELECT, (Bucket((Output(2),)), Bucket((Output(3),))))
    model = switch(always(Group(1)), groups=(tree, second))
    assert [ports(each) for each in explore(lambda choose: step(model, 1, IP, choose))] == [[2], [3], [4]]
    assert len(list(explore(lambda choose: step(switch(always(Output(2))), 1, IP, choose)))) == 1


# -- purity --------------------------------------------------------------------------------------------------------


def test_a_step_changes_nothing() -> None:
    model = switch(always(PushVlan(), Group(1), meter=1), groups=(UPLINKS,))
    model.meters[1] = Meter(1, ())
    before, bytes_before = model.state(), IP.data
    first = step(model, 1, IP)
    assert step(model, 1, IP) == first
    assert (model.state(), IP.data, model.counts.table(0)) == (before, bytes_before, (0, 0))
