"""A switch's side of OpenFlow 1.3: what it answers, refuses and tells, byte for byte but without a socket."""

from __future__ import annotations

import struct

import pytest

from clos.fabric.dataplane.action import ALL_GROUPS, CONTROLLER, Group, Output, PushVlan, SetField
from clos.fabric.dataplane.action import TABLE as TO_TABLE
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import (
    ALL,
    FAST_FAILOVER,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.openflow import encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import (
    ALL_METERS,
    BundleControlType,
    FlowModCommand,
    GroupModCommand,
    MeterModCommand,
    PortConfig,
    Role,
)
from clos.fabric.openflow.errors import error_text
from clos.fabric.packet import build
from clos.fabric.sim.journey import Journey
from tests.support.sim_peer import Peer, leaf

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = FlowModCommand
OUT = Instructions(apply=(Output(101),))
WEB = Match.of(eth_type=0x0800, ip_proto=6, tcp_dst=80)


def rule(priority: int = 10, match: Match = WEB, instructions: Instructions = OUT, **more: int) -> Rule:
    return Rule(0, priority, match, instructions)._replace(**more)


def add(entry: Rule, **more: int) -> m.FlowMod:
    return m.FlowMod(ADD, entry, **more)


@pytest.fixture
def world():
    return leaf()


@pytest.fixture
def peer(world):
    return Peer(world[1])


@pytest.fixture
def switch(world):
    return world[1].switch


# ---- greeting


def test_a_switch_says_hello_first_and_answers_nothing_before_it_heard_one(world) -> None:
    silent = Peer(world[1], greet=False)
    assert silent.heard == [(m.Hello((4,)), 0)]
    assert silent.error(m.BarrierRequest()) == "BAD_REQUEST/BAD_TYPE"
    assert silent.ask(m.Hello(), m.BarrierRequest()) == [m.BarrierReply()]


@pytest.mark.parametrize("hello", [m.Hello((1, 4, 6), 6), m.Hello((), 4), m.Hello((), 6)])
def test_a_peer_that_speaks_1_3_among_others_is_welcome(world, hello) -> None:
    peer = Peer(world[1], greet=False)
    assert peer.ask(hello) == []
    assert not peer.session.closed


@pytest.mark.parametrize("hello", [m.Hello((1,), 1), m.Hello((), 1), m.Hello((6,), 6)])
def test_a_peer_that_does_not_is_told_so_and_left(world, hello) -> None:
    peer = Peer(world[1], greet=False)
    (found,) = peer.ask(hello)
    assert str(found) == "HELLO_FAILED/INCOMPATIBLE"
    assert "1.3" in peer.session.closed
    assert peer.ask(m.EchoRequest(b"x")) == []


def test_a_stream_without_frames_ends_the_session(peer) -> None:
    peer.session.receive(struct.pack("!BBHI", 4, 2, 7, 99))
    message, xid = peer.heard[-1]
    assert (str(message), xid) == ("BAD_REQUEST/BAD_LEN", 99)
    assert peer.session.closed


def test_messages_may_come_in_any_pieces(peer) -> None:
    data = encode(m.EchoRequest(b"abc"), 5) + encode(m.BarrierRequest(), 6)
    for n in range(len(data)):
        peer.session.receive(data[n : n + 1])
    assert peer.heard == [(m.EchoReply(b"abc"), 5), (m.BarrierReply(), 6)]


def test_what_only_switches_say_is_refused(peer) -> None:
    assert peer.error(m.BarrierReply()) == "BAD_REQUEST/BAD_TYPE"
    assert peer.error(m.Experimenter(0x123, 1)) == "BAD_REQUEST/BAD_EXPERIMENTER"
    assert peer.ask(m.Error(1, 1), m.EchoReply()) == []


def test_an_error_carries_the_xid_and_the_first_64_bytes(peer) -> None:
    frame = encode(add(rule(), buffer_id=3), 1234)
    peer.session.receive(frame)
    assert peer.heard == [(m.Error(1, 8, frame[:64]), 1234)]


# ---- the switch itself


def test_features_config_and_description(peer, switch) -> None:
    features, config = peer.ask(m.FeaturesRequest(), m.GetConfigRequest())
    assert (features.datapath_id, features.tables, features.buffers) == (switch.switch.dpid, 32, 0)
    assert config == m.GetConfigReply(0, 128)
    assert peer.ask(m.SetConfig(0, 0xFFFF), m.GetConfigRequest()) == [m.GetConfigReply(0, 0xFFFF)]
    (desc,) = peer.ask(mp.DescRequest())
    assert desc.datapath == "leaf1"


def test_ports_are_described_and_counted(peer, switch) -> None:
    (desc,) = peer.ask(mp.PortDescRequest())
    assert [port.port for port in desc.entries] == sorted(switch.ports)
    assert all(port.state == 4 and port.curr_speed == 10_000_000 for port in desc.entries)
    frame = build.udp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, udp_src=1, udp_dst=2)
    assert peer.ask(m.PacketOut((Output(101),), frame.data)) == []
    (stats,) = peer.ask(mp.PortStatsRequest(101))
    assert [(e.port, e.tx_packets, e.tx_bytes) for e in stats.entries] == [(101, 1, 60)]
    assert peer.error(mp.PortStatsRequest(999)) == "BAD_REQUEST/BAD_PORT"


def test_a_port_put_down_carries_nothing_and_is_told(peer, switch) -> None:
    mac = switch.ports[101].mac
    (told,) = peer.ask(m.PortMod(101, mac, PortConfig.PORT_DOWN, PortConfig.PORT_DOWN))
    assert isinstance(told, m.PortStatus)
    assert (told.port.port, told.port.config, told.port.state & 4) == (101, 1, 0)
    assert 101 in switch.model.down
    peer.ask(m.PortMod(101, mac, 0, PortConfig.PORT_DOWN))
    assert 101 not in switch.model.down
    assert peer.error(m.PortMod(9, mac)) == "PORT_MOD_FAILED/BAD_PORT"
    assert peer.error(m.PortMod(101, 1)) == "PORT_MOD_FAILED/BAD_HW_ADDR"
    assert peer.error(m.PortMod(101, mac, 2, 2)) == "PORT_MOD_FAILED/BAD_CONFIG"


def test_queues_are_reported_as_none(peer) -> None:
    assert peer.ask(m.QueueGetConfigRequest(101)) == [m.QueueGetConfigReply(101)]
    assert peer.ask(mp.QueueStatsRequest()) == [mp.QueueStatsReply(())]
    assert peer.error(m.QueueGetConfigRequest(5)) == "QUEUE_OP_FAILED/BAD_PORT"
    assert peer.error(mp.QueueStatsRequest(101, 3)) == "QUEUE_OP_FAILED/BAD_QUEUE"


def test_table_features_tell_the_capacity() -> None:
    _, agent = leaf(capacity=500, tables=4)
    (found,) = Peer(agent).ask(mp.TableFeaturesRequest())
    assert [(t.table, t.max_entries) for t in found.entries] == [(n, 500) for n in range(4)]
    assert Peer(agent).error(mp.TableFeaturesRequest(found.entries)) == "TABLE_FEATURES_FAILED/EPERM"


def test_tables_have_nothing_to_set(peer) -> None:
    assert peer.ask(m.TableMod(0, 3)) == []
    assert peer.error(m.TableMod(0, 8)) == "TABLE_MOD_FAILED/BAD_CONFIG"
    assert peer.error(m.TableMod(32)) == "TABLE_MOD_FAILED/BAD_TABLE"


# ---- flow entries


def test_rules_are_added_replaced_modified_and_deleted(peer, switch) -> None:
    other = Instructions(apply=(Output(102),))
    assert peer.ask(add(rule(cookie=1)), add(rule(20, cookie=2)), add(rule(cookie=3))) == []
    assert {r.cookie for r in switch.model.rules()} == {2, 3}
    peer.ask(m.FlowMod(MODIFY_STRICT, rule(20, instructions=other)))
    assert {r.cookie: r.instructions for r in switch.model.rules()} == {2: other, 3: OUT}
    peer.ask(m.FlowMod(MODIFY, Rule(0, 0, ANY, other)))
    assert {r.instructions for r in switch.model.rules()} == {other}
    peer.ask(m.FlowMod(DELETE_STRICT, rule(20)))
    assert [r.cookie for r in switch.model.rules()] == [3]
    peer.ask(m.FlowMod(DELETE, Rule(0xFF, 0, ANY, Instructions(), 4), cookie_mask=(1 << 64) - 1))
    assert [r.cookie for r in switch.model.rules()] == [3]
    peer.ask(m.FlowMod(DELETE, Rule(0xFF, 0, ANY, Instructions())))
    assert switch.model.state() == ((), (), ())


REFUSED = [
    (add(rule(table=32)), "FLOW_MOD_FAILED/BAD_TABLE_ID"),
    (add(rule(instructions=Instructions(goto=40))), "BAD_INSTRUCTION/BAD_TABLE_ID"),
    (add(rule(instructions=Instructions(meter=9))), "METER_MOD_FAILED/UNKNOWN_METER"),
    (add(rule(instructions=Instructions(apply=(Group(9),)))), "BAD_ACTION/BAD_OUT_GROUP"),
    (add(rule(instructions=Instructions(apply=(Output(0),)))), "BAD_ACTION/BAD_OUT_PORT"),
    (add(rule(instructions=Instructions(apply=(Output(TO_TABLE),)))), "BAD_ACTION/BAD_OUT_PORT"),
    (add(rule(match=ANY, flags=2)), "FLOW_MOD_FAILED/OVERLAP"),
    (add(rule(), buffer_id=1), "BAD_REQUEST/BUFFER_UNKNOWN"),
    (m.FlowMod(MODIFY, rule(), buffer_id=1), "BAD_REQUEST/BUFFER_UNKNOWN"),
    (m.FlowMod(MODIFY, rule(instructions=Instructions(apply=(Group(9),)))), "BAD_ACTION/BAD_OUT_GROUP"),
    (m.FlowMod(DELETE, rule(table=32)), "FLOW_MOD_FAILED/BAD_TABLE_ID"),
    (m.GroupMod(GroupModCommand.ADD, GroupEntry(1, ALL, ())), "GROUP_MOD_FAILED/GROUP_EXISTS"),
    (m.GroupMod(GroupModCommand.MODIFY, GroupEntry(9, ALL, ())), "GROUP_MOD_FAILED/UNKNOWN_GROUP"),
    (m.GroupMod(GroupModCommand.MODIFY, GroupEntry(1, ALL, (Bucket((Group(2),)),))), "GROUP_MOD_FAILED/LOOP"),
    (m.GroupMod(GroupModCommand.ADD, GroupEntry(9, ALL, (Bucket((Group(8),)),))), "BAD_ACTION/BAD_OUT_GROUP"),
    (m.GroupMod(GroupModCommand.ADD, GroupEntry(9, FAST_FAILOVER, (Bucket(),))), "GROUP_MOD_FAILED/BAD_WATCH"),
    (m.GroupMod(GroupModCommand.DELETE, GroupEntry(1, ALL, ())), "GROUP_MOD_FAILED/CHAINED_GROUP"),
    (m.GroupMod(GroupModCommand.DELETE, GroupEntry(9, ALL, (Bucket(),))), "GROUP_MOD_FAILED/INVALID_GROUP"),
    (m.MeterMod(MeterModCommand.ADD, Meter(1, (Band(5),))), "METER_MOD_FAILED/METER_EXISTS"),
    (m.MeterMod(MeterModCommand.MODIFY, Meter(9, (Band(5),))), "METER_MOD_FAILED/UNKNOWN_METER"),
    (m.MeterMod(MeterModCommand.ADD, Meter(9, (Band(0),))), "METER_MOD_FAILED/BAD_RATE"),
]


@pytest.mark.parametrize(("message", "error"), REFUSED, ids=[f"{n}-{e}" for n, (_, e) in enumerate(REFUSED)])
def test_what_is_refused_changes_nothing(peer, switch, message, error) -> None:
    peer.ask(
        m.MeterMod(MeterModCommand.ADD, Meter(1, (Band(100),))),
        m.GroupMod(GroupModCommand.ADD, GroupEntry(1, SELECT, (Bucket((Output(1),), 3),))),
        m.GroupMod(GroupModCommand.ADD, GroupEntry(2, ALL, (Bucket((Group(1),)),))),
        add(rule(cookie=5)),
    )
    assert peer.heard == []
    before = switch.model.state()
    assert peer.error(message) == error
    assert switch.model.state() == before


def test_a_full_table_says_so_and_still_lets_rules_be_replaced() -> None:
    _, agent = leaf(capacity=2)
    peer = Peer(agent)
    assert peer.ask(add(rule(1)), add(rule(2)), add(rule(2))) == []
    assert peer.error(add(rule(3))) == "FLOW_MOD_FAILED/TABLE_FULL"


def test_flow_statistics_are_chosen_by_table_match_cookie_and_output(peer) -> None:
    tall = Instructions(apply=(PushVlan(), SetField("vlan_vid", 0x1005), Output(102)))
    peer.ask(
        add(rule(1, cookie=0x10)), add(rule(2, instructions=tall, cookie=0x11)),
        add(rule(3, Match.of(in_port=1), cookie=0x20, table=1)),
    )  # fmt: skip

    def cookies(**wanted: object) -> list[int]:
        (reply,) = peer.ask(mp.FlowStatsRequest(**wanted))
        (sums,) = peer.ask(mp.AggregateRequest(**wanted))
        assert sums.flow_count == len(reply.entries)
        return sorted(entry.rule.cookie for entry in reply.entries)

    assert cookies() == [0x10, 0x11, 0x20]
    assert cookies(table=0) == [0x10, 0x11]
    assert cookies(match=Match.of(in_port=1)) == [0x20]
    assert cookies(cookie=0x10, cookie_mask=0xF0) == [0x10, 0x11]
    assert cookies(out_port=102) == [0x11]
    assert cookies(out_group=1) == []
    assert peer.error(mp.FlowStatsRequest(table=77)) == "BAD_REQUEST/BAD_TABLE_ID"


def test_a_rule_is_reported_as_it_was_given_with_its_counts(world, peer, switch) -> None:
    network, _ = world
    given = rule(cookie=9, hard_timeout=500, flags=1)
    peer.ask(add(given))
    frame = build.tcp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, tcp_src=1, tcp_dst=80, payload=bytes(100))
    for _ in range(3):
        switch.receive(1, frame, Journey())
    network.run(2.5)
    (reply,) = peer.ask(mp.FlowStatsRequest())
    assert reply.entries == (mp.FlowStats(given, 2, 500_000_000, 3, 3 * len(frame)),)
    (tables,) = peer.ask(mp.TableStatsRequest())
    assert tables.entries[0] == mp.TableStats(0, 1, 3, 3)
    assert len(tables.entries) == 32


def test_long_answers_come_in_several_messages(peer, switch) -> None:
    for n in range(2000):
        switch.model.add(rule(n))
    replies = peer.ask(mp.FlowStatsRequest(), xid=77)
    assert len(replies) > 2
    assert [reply.more for reply in replies] == [True] * (len(replies) - 1) + [False]
    assert {xid for _, xid in peer.heard} == {77}
    found = [entry.rule.priority for reply in replies for entry in reply.entries]
    assert sorted(found) == list(range(2000))


def test_requests_in_several_parts_are_refused(peer) -> None:
    assert peer.error(mp.DescRequest(more=True)) == "BAD_REQUEST/MULTIPART_BUFFER_OVERFLOW"
    assert peer.error(mp.ExperimenterMultipartRequest(1, 1)) == "BAD_REQUEST/BAD_EXPERIMENTER"


# ---- groups and meters


def test_groups_and_meters_are_described_and_counted(world, peer, switch) -> None:
    group = GroupEntry(5, SELECT, (Bucket((Output(101),), 2), Bucket((Output(102),), 3)))
    meter = Meter(7, (Band(100, 20), Band(200, 10, 2)), packets=True)
    peer.ask(
        m.GroupMod(GroupModCommand.ADD, group), m.MeterMod(MeterModCommand.ADD, meter),
        add(rule(instructions=Instructions(meter=7, apply=(Group(5),)))),
    )  # fmt: skip
    assert peer.heard == []
    frame = build.tcp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, tcp_src=1, tcp_dst=80)
    for _ in range(12):
        switch.receive(1, frame, Journey())
    assert peer.ask(mp.GroupDescRequest()) == [mp.GroupDescReply((group,))]
    assert peer.ask(mp.MeterConfigRequest()) == [mp.MeterConfigReply((mp.MeterConfig(meter),))]
    (groups,) = peer.ask(mp.GroupStatsRequest(5))
    (meters,) = peer.ask(mp.MeterStatsRequest(7))
    assert (groups.entries[0].ref_count, groups.entries[0].packet_count) == (1, 12)
    assert sum(bucket.packets for bucket in groups.entries[0].buckets) == 12
    assert (meters.entries[0].flow_count, meters.entries[0].packet_in_count) == (1, 12)
    assert [band.packets for band in meters.entries[0].bands] == [0, 2]
    assert peer.error(mp.GroupStatsRequest(6)) == "GROUP_MOD_FAILED/UNKNOWN_GROUP"
    assert peer.error(mp.MeterStatsRequest(6)) == "METER_MOD_FAILED/UNKNOWN_METER"
    (able,) = peer.ask(mp.GroupFeaturesRequest())
    assert able.types == 0b1111
    (able,) = peer.ask(mp.MeterFeaturesRequest())
    assert able.band_types == 0b110


def test_deleting_groups_and_meters_takes_their_rules_along(peer, switch) -> None:
    peer.ask(
        m.GroupMod(GroupModCommand.ADD, GroupEntry(5, ALL, (Bucket((Output(101),)),))),
        m.MeterMod(MeterModCommand.ADD, Meter(7, (Band(100),))),
        add(rule(1, instructions=Instructions(apply=(Group(5),)), flags=1)),
        add(rule(2, instructions=Instructions(meter=7), flags=1)),
        add(rule(3, flags=1)),
    )
    told = peer.ask(m.GroupMod(GroupModCommand.DELETE, GroupEntry(ALL_GROUPS, ALL, ())))
    assert [(t.priority, t.reason) for t in told] == [(1, 3)]
    told = peer.ask(m.MeterMod(MeterModCommand.DELETE, Meter(ALL_METERS, ())))
    assert [(t.priority, t.reason) for t in told] == [(2, 2)]
    assert [r.priority for r in switch.model.rules()] == [3]
    assert switch.police == {}
    told = peer.ask(m.FlowMod(DELETE, Rule(0xFF, 0, ANY, Instructions())))
    assert [(t.priority, t.reason) for t in told] == [(3, 2)]


# ---- packets


def test_a_packet_out_goes_where_its_actions_say(world, peer, switch) -> None:
    frame = build.udp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, udp_src=1, udp_dst=2, payload=bytes(50))
    (told,) = peer.ask(m.PacketOut((SetField("eth_dst", 9), Output(CONTROLLER), Output(102)), frame.data))
    assert (told.reason, told.buffer_id, told.data[:6]) == (1, 0xFFFFFFFF, (9).to_bytes(6, "big"))
    assert switch.ports[102].tx_packets == 1
    peer.ask(add(Rule(0, 0, ANY, Instructions(apply=(Output(CONTROLLER),)))))
    (told,) = peer.ask(m.PacketOut((Output(TO_TABLE),), frame.data, in_port=101))
    assert (told.reason, told.match, told.data) == (0, Match.of(in_port=101), frame.data)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (m.PacketOut((), b"short"), "BAD_REQUEST/BAD_PACKET"),
        (m.PacketOut((), b"", buffer_id=5), "BAD_REQUEST/BUFFER_UNKNOWN"),
        (m.PacketOut((), bytes(60), in_port=77), "BAD_REQUEST/BAD_PORT"),
        (m.PacketOut((Group(7),), bytes(60)), "BAD_ACTION/BAD_OUT_GROUP"),
    ],
)
def test_a_packet_out_that_makes_no_sense_is_refused(peer, message, error) -> None:
    assert peer.error(message) == error


# ---- several controllers


def test_a_new_master_makes_the_old_one_a_slave_that_cannot_change_anything(world) -> None:
    first, second = Peer(world[1]), Peer(world[1])
    assert first.ask(m.RoleRequest(Role.NOCHANGE)) == [m.RoleReply(Role.EQUAL, (1 << 64) - 1)]
    assert first.ask(m.RoleRequest(Role.MASTER, 10)) == [m.RoleReply(Role.MASTER, 10)]
    assert second.ask(m.RoleRequest(Role.MASTER, 11)) == [m.RoleReply(Role.MASTER, 11)]
    assert first.ask(m.RoleRequest(Role.NOCHANGE)) == [m.RoleReply(Role.SLAVE, 11)]
    for message in (add(rule()), m.PacketOut((), bytes(60)), m.BundleControl(1, BundleControlType.OPEN_REQUEST)):
        assert first.error(message) == "BAD_REQUEST/IS_SLAVE"
    assert first.ask(m.BarrierRequest(), mp.GroupDescRequest()) == [m.BarrierReply(), mp.GroupDescReply(())]
    assert second.ask(add(rule())) == []


def test_a_stale_generation_is_refused_and_the_order_is_circular(peer) -> None:
    peer.ask(m.RoleRequest(Role.MASTER, (1 << 64) - 2))
    assert peer.error(m.RoleRequest(Role.SLAVE, (1 << 64) - 3)) == "ROLE_REQUEST_FAILED/STALE"
    assert peer.ask(m.RoleRequest(Role.SLAVE, 3)) == [m.RoleReply(Role.SLAVE, 3)]


def test_slaves_hear_of_ports_only_unless_they_ask_for_more(world, peer, switch) -> None:
    slave = Peer(world[1])
    slave.ask(m.RoleRequest(Role.SLAVE, 1))
    slave.heard.clear()
    frame = bytes(60)
    peer.ask(m.PacketOut((Output(CONTROLLER),), frame))
    assert slave.heard == []
    switch.carrier(101, False)
    assert [type(message) for message, _ in slave.heard] == [m.PortStatus]
    asked = m.SetAsync(0b111, 0b010, 0, 0, 0, 0)
    assert slave.ask(asked, m.GetAsyncRequest()) == [m.GetAsyncReply(0b111, 0b010, 0, 0, 0, 0)]
    slave.heard.clear()
    peer.ask(m.PacketOut((Output(CONTROLLER),), frame))
    switch.carrier(101, True)
    assert [type(message) for message, _ in slave.heard] == [m.PacketIn]


def test_a_closed_session_hears_nothing(world, switch) -> None:
    peer = Peer(world[1])
    peer.session.close()
    switch.carrier(101, False)
    assert peer.heard == []
    assert switch.listeners == []


# ---- bundles

OPEN, CLOSE, COMMIT, DISCARD = (
    BundleControlType.OPEN_REQUEST, BundleControlType.CLOSE_REQUEST,
    BundleControlType.COMMIT_REQUEST, BundleControlType.DISCARD_REQUEST,
)  # fmt: skip


def test_a_bundle_changes_everything_at_its_commit_and_nothing_before(peer, switch) -> None:
    (reply,) = peer.ask(m.BundleControl(1, OPEN, 1))
    assert reply == m.BundleControl(1, BundleControlType.OPEN_REPLY, 1)
    group = GroupEntry(5, ALL, (Bucket((Output(101),)),))
    inner = (
        m.GroupMod(GroupModCommand.ADD, group), add(rule(instructions=Instructions(apply=(Group(5),)))), add(rule(20)),
    )  # fmt: skip
    assert peer.ask(*(m.BundleAdd(1, 1, message) for message in inner)) == []
    assert switch.model.state() == ((), (), ())
    assert peer.ask(m.BundleControl(1, CLOSE, 1)) == [m.BundleControl(1, BundleControlType.CLOSE_REPLY, 1)]
    assert peer.ask(m.BundleControl(1, COMMIT, 1)) == [m.BundleControl(1, BundleControlType.COMMIT_REPLY, 1)]
    assert (len(switch.model.state().rules), switch.model.state().groups) == (2, (group,))


def test_a_bundle_with_one_bad_message_changes_nothing_not_even_counters(world, peer, switch) -> None:
    kept = rule(cookie=1)
    peer.ask(add(kept), m.MeterMod(MeterModCommand.ADD, Meter(1, (Band(10),))))
    switch.receive(1, build.tcp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, tcp_src=1, tcp_dst=80), Journey())
    before = peer.ask(mp.FlowStatsRequest(), mp.MeterStatsRequest())
    world[0].run(0.0)
    bad = add(rule(30, instructions=Instructions(apply=(Group(404),))))
    good = (
        add(rule(cookie=2)), m.FlowMod(DELETE, Rule(0xFF, 0, ANY, Instructions())), add(rule(40)),
        m.MeterMod(MeterModCommand.DELETE, Meter(1, ())),
    )  # fmt: skip
    peer.ask(*(m.BundleAdd(1, 0, message) for message in good), m.BundleAdd(1, 0, bad), xid=100)
    peer.heard.clear()
    refused, failed = peer.ask(m.BundleControl(1, COMMIT, 0), xid=200)
    assert str(refused) == "BAD_ACTION/BAD_OUT_GROUP"
    assert refused.data == encode(bad, 104)[:64]
    assert (failed.experimenter, error_text(0xFFFF, failed.code)) == (0x4F4E4600, "EXPERIMENTER/FAILED")
    assert [xid for _, xid in peer.heard] == [104, 200]
    assert peer.ask(mp.FlowStatsRequest(), mp.MeterStatsRequest()) == before


def test_a_discarded_bundle_is_forgotten(peer, switch) -> None:
    peer.ask(m.BundleAdd(1, 0, add(rule())))
    assert peer.ask(m.BundleControl(1, DISCARD)) == [m.BundleControl(1, BundleControlType.DISCARD_REPLY)]
    assert str(peer.ask(m.BundleControl(1, COMMIT))[0]) == "EXPERIMENTER/BAD_ID"
    assert switch.model.state() == ((), (), ())


def test_bundles_are_kept_in_order(peer) -> None:
    peer.ask(m.BundleControl(1, OPEN, 1))
    cases = [
        (m.BundleControl(1, OPEN, 1), "BUNDLE_EXIST"),
        (m.BundleControl(2, CLOSE), "BAD_ID"),
        (m.BundleControl(2, DISCARD), "BAD_ID"),
        (m.BundleControl(1, BundleControlType.OPEN_REPLY), "BAD_TYPE"),
        (m.BundleAdd(1, 2, add(rule())), "BAD_FLAGS"),
        (m.BundleAdd(1, 1, m.BarrierRequest()), "MSG_UNSUP"),
    ]
    assert [peer.error(message) for message, _ in cases] == [f"EXPERIMENTER/{error}" for _, error in cases]
    peer.ask(m.BundleControl(1, CLOSE, 1))
    assert peer.error(m.BundleAdd(1, 1, add(rule()))) == "EXPERIMENTER/BUNDLE_CLOSED"
    assert peer.error(m.BundleControl(1, CLOSE, 1)) == "EXPERIMENTER/BUNDLE_CLOSED"
    peer.ask(*(m.BundleControl(n, OPEN) for n in range(100, 163)))
    assert peer.error(m.BundleControl(99, OPEN)) == "EXPERIMENTER/OUT_OF_BUNDLES"
