"""Mutated OpenFlow at a switch: never an exception, never a half-applied change, always an answer to the next echo."""

from __future__ import annotations

import os
import random

import pytest

from clos.fabric.dataplane.action import (
    CONTROLLER,
    DecNwTtl,
    Group,
    Move,
    Output,
    PopVlan,
    PushVlan,
    SetField,
)
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
from clos.fabric.openflow import encode, pack_rule
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import (
    BundleControlType,
    FlowModCommand,
    GroupModCommand,
    MeterModCommand,
    Role,
)
from clos.fabric.openflow.messages import Error
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.sim.openflow import mods
from clos.fabric.topology import PortRef
from tests.support.examples import EXAMPLES
from tests.support.sim_peer import Peer, leaf

MESSAGES = int(os.environ.get("CLOS_FUZZ_MESSAGES", 34 * EXAMPLES))
"""How many mutated messages each seed sends."""
BATCH = 50

_RICH = Instructions(
    1, (PushVlan(), SetField("vlan_vid", 0x1007), Move("eth_src", "eth_dst"), Output(101)), True,
    (Group(1), DecNwTtl(), PopVlan()), (5, 0xFF), 4,
)  # fmt: skip
_WEB = Match.of(eth_type=0x0800, ip_proto=6, tcp_dst=(80, 0xFFF0), ipv4_dst=(10 << 24, 0xFF << 24), metadata=(1, 3))
_GROUP = GroupEntry(1, SELECT, (Bucket((Output(1),), 2, 1), Bucket((SetField("eth_dst", 7), Output(101)), 1, 101)))
SEEDS = [
    m.Hello(), m.EchoRequest(b"hello"), m.EchoReply(b"x"), m.Error(1, 2, b"data"), m.Experimenter(0x2320, 5, b"abcd"),
    m.FeaturesRequest(), m.GetConfigRequest(), m.SetConfig(1, 128), m.BarrierRequest(), m.QueueGetConfigRequest(1),
    *(m.FlowMod(command, Rule(2, 100, _WEB, _RICH, 77, 3, 9, 1)) for command in FlowModCommand),
    m.FlowMod(FlowModCommand.ADD, Rule(0, 0, ANY, Instructions(apply=(Output(CONTROLLER, 64),)))),
    m.FlowMod(FlowModCommand.DELETE, Rule(0xFF, 0, ANY, Instructions(), 77), 0xFF, 101, 1),
    *(m.GroupMod(command, _GROUP) for command in GroupModCommand),
    m.GroupMod(GroupModCommand.ADD, GroupEntry(2, ALL, (Bucket((Group(1),)), Bucket((Output(5),))))),
    m.GroupMod(GroupModCommand.ADD, GroupEntry(3, FAST_FAILOVER, (Bucket((Output(1),), 1, 1, 2),))),
    *(m.MeterMod(command, Meter(1, (Band(100, 5), Band(300, 9, 1)), packets=True)) for command in MeterModCommand),
    m.PortMod(101, 0x0200000003E9, 1, 1), m.TableMod(0, 3), m.PacketOut((Output(101), Group(1)), bytes(70), 102),
    *(m.RoleRequest(role, 5) for role in (Role.NOCHANGE, Role.EQUAL)), m.GetAsyncRequest(),
    m.SetAsync(7, 1, 7, 7, 15, 0), mp.DescRequest(), mp.FlowStatsRequest(match=_WEB), mp.AggregateRequest(),
    mp.TableStatsRequest(), mp.PortStatsRequest(), mp.QueueStatsRequest(), mp.GroupStatsRequest(),
    mp.GroupDescRequest(), mp.GroupFeaturesRequest(), mp.MeterStatsRequest(), mp.MeterConfigRequest(),
    mp.MeterFeaturesRequest(), mp.TableFeaturesRequest(), mp.PortDescRequest(),
    mp.ExperimenterMultipartRequest(1, 2, b"abcd"),
    *(m.BundleControl(1, kind, 1) for kind in BundleControlType),
    m.BundleAdd(1, 1, m.FlowMod(FlowModCommand.ADD, Rule(1, 5, _WEB, Instructions(apply=(Output(101),))))),
    m.BundleAdd(2, 0, m.GroupMod(GroupModCommand.ADD, _GROUP)),
]  # fmt: skip
FRAMES = [encode(message, 1000 + n) for n, message in enumerate(SEEDS)]


def mutated(dice: random.Random) -> bytes:
    """A frame with a few bytes changed, cut, doubled or filled; its length is then put right, mostly."""
    frame = bytearray(dice.choice(FRAMES))
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 8))):
        at = dice.randrange(len(frame))
        what = dice.randrange(7)
        if what <= 2:
            frame[at] = dice.choice((0, 1, 0x7F, 0xFF, dice.randrange(256)))
        elif what == 3:
            frame[at] ^= 1 << dice.randrange(8)
        elif what == 4:
            del frame[max(8, at) : max(8, at) + dice.choice((1, 4, 8, 16))]
        elif what == 5:
            frame[at:at] = frame[at : at + dice.choice((4, 8, 16, 40))]
        else:
            other = dice.choice(FRAMES)
            frame[max(8, at) :] = other[dice.randrange(len(other)) :]
    length = len(frame) if dice.randrange(20) else dice.randrange(8, 1 << 16)
    frame[2:4] = min(length, 0xFFFF).to_bytes(2, "big")
    return bytes(frame[:0xFFFF])


PACKETS = [
    build.tcp(eth_src=1, eth_dst=2, ipv4_src=10 << 24, ipv4_dst=10 << 24, tcp_src=1, tcp_dst=80, vlan=7).data,
    build.udp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, udp_src=1, udp_dst=53, payload=bytes(9)).push_mpls().data,
    build.icmp_echo(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2).push_vlan(0x88A8).push_vlan().data,
    build.arp_request(1, 2, 3).push_pbb().data,
    build.ethernet(
        eth_dst=1, eth_src=2, eth_type=0x86DD, payload=bytes.fromhex("6" + "0" * 11 + "00ff") + bytes(70)
    ).data,
]


def _noise(dice: random.Random) -> bytes:
    """A frame, with some bytes changed and its end cut off."""
    frame = bytearray(dice.choice(PACKETS))
    for _ in range(dice.randrange(4)):
        frame[dice.randrange(len(frame))] = dice.randrange(256)
    return bytes(frame[: dice.randrange(14, len(frame) + 1)])


@pytest.mark.parametrize("seed", range(3))
def test_mutated_messages_never_stop_a_switch(seed: int) -> None:
    dice = random.Random(seed)
    network, agent = leaf()
    peer = Peer(agent)
    answered = 0
    for batch in range(0, MESSAGES, BATCH):
        data = b"".join(mutated(dice) for _ in range(BATCH))
        for at in range(0, len(data), 4096):
            peer.session.receive(data[at : at + 4096])
        for port in (1, 101, 102):
            network.inject(PortRef("leaf1", port), Packet(_noise(dice)))
        network.run(dice.choice((0.001, 0.001, 0.1, 2.0)))
        if peer.session.closed or not _answers(peer, batch):
            peer.session.close()
            peer = Peer(agent)
            assert _answers(peer, batch)
        answered += len(peer.heard)
        peer.heard.clear()
    assert answered > MESSAGES / 10
    assert agent.sessions == [peer.session]


def _answers(peer: Peer, batch: int) -> bool:
    """Whether an echo is answered, after as much filling as a torn message (64 KiB at most) may still swallow."""
    echo = encode(m.EchoRequest(b"alive"), batch)
    for _ in range(2):
        peer.session.receive(echo)
        if (m.EchoReply(b"alive"), batch) in peer.heard:
            return True
        peer.session.receive(echo * (0x10000 // len(echo)))
    return (m.EchoReply(b"alive"), batch) in peer.heard


@pytest.mark.parametrize("seed", range(3))
def test_a_refused_message_has_changed_nothing(seed: int) -> None:
    dice = random.Random(100 + seed)
    _, agent = leaf()
    peer, switch = Peer(agent), agent.switch
    kept = [
        Rule(table, n, Match.of(in_port=n), Instructions(apply=(Output(101),)), n) for n in range(9) for table in (0, 2)
    ]
    refused = 0
    for _ in range(MESSAGES // 10):
        before = switch.model.state()
        frame = mutated(dice)
        if int.from_bytes(frame[2:4], "big") != len(frame):
            continue
        peer.heard.clear()
        peer.session.receive(frame)
        errors = [message for message, _ in peer.heard if isinstance(message, Error)]
        if errors:
            refused += 1
            assert switch.model.state() == before, errors
        if peer.session.closed or len(switch.model.state().rules) < len(kept):
            peer.session.close()
            peer = Peer(agent)
            peer.session.receive(b"".join(map(pack_rule, kept)))
    assert refused > MESSAGES / 100


def test_the_seeds_reach_every_kind_of_change() -> None:
    assert {type(message) for message in SEEDS} >= set(mods.MODS)
