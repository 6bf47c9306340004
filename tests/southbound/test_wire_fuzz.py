"""Whatever comes to the controller's port, it stays up, leaks nothing, logs no traceback and serves its switches."""

from __future__ import annotations

import random
import socket
import threading

import pytest

from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Bucket, GroupEntry, Instructions, Rule
from clos.fabric.openflow import encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import Role
from tests.support.waiting import eventually
from tests.support.wire_peer import HELLO, Fleet, shake_hands

RULE = Rule(0, 1, Match.of(eth_dst=1), Instructions(apply=(Output(1),)))
GENUINE = [
    encode(message, xid)
    for xid, message in enumerate(
        (
            m.Hello(),
            m.Error(1, 2, bytes(64)),
            m.EchoRequest(b"x"),
            m.EchoReply(b"y"),
            m.FeaturesReply(0x99),
            m.PacketIn(Match.of(in_port=1), b"data", total_len=4),
            m.FlowRemoved(0, 1, Match.of(eth_dst=1)),
            m.PortStatus(0, m.Port(1, name="p1")),
            m.BarrierReply(),
            m.RoleReply(Role.MASTER, 3),
            mp.FlowStatsReply((mp.FlowStats(RULE),)),
            mp.GroupDescReply((GroupEntry(1, "all", (Bucket((Output(1),)),)),)),
            mp.PortDescReply((m.Port(1),)),
            m.Experimenter(1, 2, b"z"),
        ),
        0x80000000,
    )
]


@pytest.fixture
def watched(caplog):
    """A controller with one good switch, which must be served at any time and at the end find nothing amiss."""
    with Controller({1: "leaf1", 2: "leaf2"}, port=0, patience=5) as controller, Fleet(controller.address, [1]):
        assert not controller.wait_for(["leaf1"], 5)
        threads = threading.active_count()
        yield controller
        assert controller.facts("leaf1").dpid == 1
        assert eventually(lambda: controller.connected() == {"leaf1"})
        assert eventually(lambda: len(controller._listener.connections) == 1)
        assert eventually(lambda: threading.active_count() <= threads)
    assert "Traceback" not in caplog.text


def feed(sock, data):
    """Give it bytes, and end; the controller may have hung up before."""
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(5)
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass
    finally:
        sock.close()


def mutated(dice, frame):
    data = bytearray(frame)
    for _ in range(dice.randint(0, 4)):
        data[dice.randrange(len(data))] = dice.choice((0, 1, 4, 0x7F, 0xFF, dice.randrange(256)))
    if dice.random() < 0.3:
        del data[dice.randrange(len(data)) :]
    if dice.random() < 0.5 and len(data) >= 4:
        data[2:4] = len(data).to_bytes(2, "big")
    return bytes(data)


@pytest.mark.parametrize("seed", range(20))
def test_garbage_before_the_handshake(watched, seed):
    dice = random.Random(seed)
    for _ in range(5):
        feed(socket.create_connection(watched.address, 5), dice.randbytes(dice.randint(1, 5000)))


@pytest.mark.parametrize("seed", range(40))
def test_mutated_messages_before_and_after_the_handshake(watched, seed):
    dice = random.Random(1000 + seed)
    data = b"".join(mutated(dice, dice.choice(GENUINE)) for _ in range(60))
    feed(socket.create_connection(watched.address, 5), HELLO + data)
    feed(shake_hands(watched.address, dpid=2), data)


ODD = {
    "nothing": b"",
    "half a header": b"\x04\x00\x00",
    "a length below the header's": HELLO + b"\x04\x02\x00\x07\x00\x00\x00\x01" * 3,
    "a message that never gets whole": HELLO + b"\x04\x0a\xff\xff\x00\x00\x00\x01" + bytes(5000),
    "OpenFlow 1.0 only": b"\x01\x00\x00\x08\x00\x00\x00\x01",
    "another version after hello": HELLO + b"\x06\x02\x00\x08\x00\x00\x00\x01",
    "a browser": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS where none is spoken": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "the longest message there is": HELLO + b"\x04\x0a\xff\xff\x00\x00\x00\x01" + bytes(65527),
    "a thousand hellos": HELLO * 1000,
    "answers to nothing": HELLO + b"".join(GENUINE),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_odd_peers(watched, data):
    feed(socket.create_connection(watched.address, 5), data)


def test_a_crowd_of_idle_connections_disturbs_nobody(watched):
    crowd = [socket.create_connection(watched.address, 5) for _ in range(300)]
    assert eventually(lambda: len(watched._listener.connections) == 301)
    assert watched.facts("leaf1").dpid == 1
    for sock in crowd:
        sock.close()


def test_a_flood_of_packet_ins_is_cut_short_and_disturbs_nobody(watched):
    sock = shake_hands(watched.address, dpid=2)
    assert not watched.wait_for(["leaf2"], 5)
    flood = encode(m.PacketIn(Match.of(in_port=1), bytes(64), total_len=64)) * 20_000
    sender = threading.Thread(target=sock.sendall, args=(flood,))
    sender.start()
    assert watched.facts("leaf1").dpid == 1
    sender.join(10)
    assert eventually(
        lambda: any(c.dropped_packet_ins > 10_000 for c in watched._listener.connections),
    )
    sock.close()
    assert eventually(lambda: watched.connected() == {"leaf1"})
