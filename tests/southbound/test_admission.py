"""Who stands for a switch: newcomers on trial, one connection per datapath id, auxiliaries, strangers, quarantine."""

from __future__ import annotations

import socket

import pytest

from clos.controller.plan import diff
from clos.controller.wire import admission
from clos.controller.wire.controller import Controller
from clos.controller.wire.events import (
    Duplicate,
    Joined,
    Left,
    Misbehaved,
    PacketIn,
    PortChanged,
    Stranger,
)
from clos.controller.wire.osken import connection, listener
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import EMPTY, Block, Placed, Ruleset
from clos.fabric.openflow import encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from tests.support.waiting import eventually
from tests.support.wire_peer import HELLO, Fleet, Peer

RULE = Rule(0, 1, Match.of(eth_dst=1), Instructions(apply=(Output(1),)))
PUNT = m.PacketIn(Match.of(in_port=4), b"frame", total_len=5)
UP = m.PortStatus(2, m.Port(3, name="p3", state=4))


class Auxiliary(Peer):
    number = 1

    def answer(self, message, xid, frame, out):
        if isinstance(message, m.FeaturesRequest):
            out.append(encode(m.FeaturesReply(self.dpid, tables=8, auxiliary_id=self.number), xid))
        else:
            super().answer(message, xid, frame, out)


@pytest.fixture
def controller():
    with Controller({1: "leaf1", 2: "leaf2"}, port=0, patience=5) as started:
        started.events = []
        started.subscribe(started.events.append)
        yield started


@pytest.fixture
def other(controller):
    """A second fleet, for peers that claim a datapath id another has."""
    with Fleet(controller.address) as fleet:
        yield fleet


@pytest.fixture
def strikes(monkeypatch):
    monkeypatch.setattr(admission, "STRIKES", (0.0, 60.0))


def come(fleet, peer):
    fleet.peers[peer.dpid] = peer
    fleet.connect(peer.dpid)
    return peer


def address(peer):
    return "{}:{}".format(*peer.transport.get_extra_info("sockname")[:2])


def of(controller, kind):
    return [event for event in controller.events if isinstance(event, kind)]


def test_of_two_with_one_datapath_id_the_one_that_is_there_keeps_its_place(controller, other):
    with Fleet(controller.address, [1, 2]) as fleet:
        assert not controller.wait_for(["leaf1", "leaf2"], 5)
        for attempt in (1, 2, 3):
            second = come(other, Peer(1))
            here = address(second)
            assert second.closed.wait(5)
            assert eventually(lambda n=attempt: len(of(controller, Duplicate)) == n)
            assert of(controller, Duplicate)[-1] == Duplicate("leaf1", 1, address(fleet[1]), here)
        assert not fleet[1].closed.is_set()
        assert of(controller, Left) == []
        assert len(of(controller, Joined)) == 2
        plan = diff(EMPTY, Ruleset(("leaf1",), {"a": {"a": Placed(Block((RULE,)), ("leaf1",))}}))
        assert controller.apply(plan).ok
        assert list(fleet[1].rules.values()) == [RULE]
        assert second.rules == {}


def test_what_a_refused_one_says_is_not_the_switchs(controller, other, monkeypatch):
    monkeypatch.setattr(admission, "CHALLENGE_SECONDS", 1.0)
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        second = come(other, Peer(1))
        other.send(1, PUNT)
        other.send(1, UP)
        assert second.closed.wait(5)
        fleet.send(1, UP)
        assert eventually(lambda: len(of(controller, PortChanged)) == 1)
        assert of(controller, PacketIn) == []


def test_one_that_no_longer_answers_loses_its_place(controller, other, monkeypatch):
    monkeypatch.setattr(admission, "CHALLENGE_SECONDS", 0.2)
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        fleet[1].silent_on = (m.EchoRequest,)
        second = come(other, Peer(1))
        assert fleet[1].closed.wait(5)
        assert eventually(lambda: len(of(controller, Joined)) == 2)
        assert controller.facts("leaf1").dpid == 1
        assert not second.closed.is_set()
        assert [type(event) for event in controller.events] == [Joined, Left, Joined]


def test_an_auxiliary_connection_is_never_the_switch(controller, other):
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        extra = come(other, Auxiliary(1))
        assert eventually(lambda: controller._admission._auxiliaries)
        other.send(1, PUNT)
        assert eventually(lambda: of(controller, PacketIn) == [PacketIn("leaf1", 4, 0, 0, 0, b"frame")])
        assert not fleet[1].closed.is_set()
        again = come(other, Auxiliary(1))
        assert again.closed.wait(5)
        assert not extra.closed.is_set()
        assert len(of(controller, Joined)) == 1
        fleet.drop(1)
        assert extra.closed.wait(5)
        assert of(controller, Duplicate) == []


def test_an_auxiliary_connection_without_a_main_one_is_refused(controller, other):
    assert come(other, Auxiliary(1)).closed.wait(5)
    assert controller.connected() == frozenset()


def test_a_newcomer_that_answers_no_barrier_never_counts_and_holds_nobody_up(controller, other, strikes, monkeypatch):
    monkeypatch.setattr(admission, "TRIAL_SECONDS", 0.2)
    bad = Peer(1)
    bad.silent_on = (m.BarrierRequest,)
    with Fleet(controller.address, [2]):
        assert not controller.wait_for(["leaf2"], 5)
        for seconds in (0.0, 60.0):
            come(other, bad)
            assert bad.closed.wait(5)
            why = "no answer to BARRIER_REQUEST for 0.2 s"
            assert eventually(lambda s=seconds, w=why: Misbehaved("leaf1", w, s) in controller.events)
        come(other, Peer(1))
        assert other[1].closed.wait(5)  # in quarantine, well-behaved or not
        assert controller.connected() == {"leaf2"}


def test_a_switch_that_confirms_a_change_starts_afresh(controller, other, strikes):
    plan = diff(EMPTY, Ruleset(("leaf1",), {"a": {"a": Placed(Block((RULE,)), ("leaf1",))}}))
    for _ in range(3):
        peer = come(other, Peer(1))
        assert not controller.wait_for(["leaf1"], 5)
        assert controller.apply(plan).ok
        other.call(controller._admission.members["leaf1"].session._end, "a fault of its own")
        assert peer.closed.wait(5)
        assert eventually(lambda: not controller.connected())
    assert {event.seconds for event in of(controller, Misbehaved)} == {0.0}


def test_what_a_newcomer_says_is_told_after_it_has_joined(controller, other):
    peer = Peer(1)
    peer.silent_on = (m.BarrierRequest,)
    come(other, peer)
    assert eventually(lambda: controller._admission.members or controller._admission._trials)
    other.send(1, UP)
    other.send(1, PUNT)
    (connection_,) = controller._listener.connections
    assert eventually(lambda: len(controller._admission._trials.get(connection_, ())) == 2)
    (exchange,) = connection_.frame_filter._exchanges
    other.send(1, m.BarrierReply(), exchange)
    assert eventually(lambda: [type(event) for event in controller.events] == [Joined, PortChanged, PacketIn])


def test_strangers_are_bounded_and_their_places_given_back(controller, other, monkeypatch):
    monkeypatch.setattr(admission, "STRANGERS", 3)
    peers = [come(other, Peer(dpid)) for dpid in range(60, 65)]
    assert eventually(lambda: len(of(controller, Stranger)) == 5)
    assert eventually(lambda: [peer.closed.is_set() for peer in peers] == [True, True, False, False, False])
    assert sorted(controller.strangers()) == [62, 63, 64]
    other.drop(63)
    assert eventually(lambda: sorted(controller.strangers()) == [62, 64])


def test_one_that_never_says_who_it_is_is_dropped(controller):
    with socket.create_connection(controller.address, 5) as sock:
        sock.sendall(HELLO + encode(mp.PortDescReply(()), 1))
        sock.settimeout(5)
        while sock.recv(4096):
            pass


def test_a_flood_before_the_handshake_is_read_only_as_fast_as_its_budget(controller):
    flood = encode(m.EchoRequest()) * 50_000
    with Fleet(controller.address, [1]), socket.create_connection(controller.address, 5) as sock:
        assert not controller.wait_for(["leaf1"], 5)
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):  # it is not read, so at some time nothing more can be written
            for _ in range(1000):
                sock.sendall(flood)
        (flooder,) = [one for one in controller._listener.connections if one.id is None]
        assert flooder.heard <= connection.BEFORE_HANDSHAKE * (flooder._age + 1)
        assert controller.facts("leaf1").dpid == 1


def test_those_that_say_nothing_make_room_for_those_that_do(controller, monkeypatch):
    monkeypatch.setattr(listener, "NEWCOMERS", 5)
    crowd = [socket.create_connection(controller.address, 5) for _ in range(12)]
    with Fleet(controller.address, [1]):
        assert not controller.wait_for(["leaf1"], 5)
        assert eventually(lambda: len(controller._listener.connections) == 5)  # the switch took the place of one
        assert controller.facts("leaf1").dpid == 1
    for sock in crowd:
        sock.close()
