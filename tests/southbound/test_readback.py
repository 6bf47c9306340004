"""How much of a switch's answer is accepted when it is read back, and that it is decoded while it comes."""

from __future__ import annotations

import threading
import tracemalloc

import pytest

from clos.controller.wire import readback
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import Silent
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Meter, Rule
from clos.fabric.openflow import DecodeError, encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from tests.support.waiting import eventually
from tests.support.wire_peer import Fleet, Peer

ROOM = 200


def flows(first, count):
    rules = (Rule(0, 7, Match.of(eth_dst=i), Instructions(apply=(Output(1),))) for i in range(first, first + count))
    return tuple(map(mp.FlowStats, rules))


ENDLESS = {
    mp.FlowStatsRequest: mp.FlowStatsReply(flows(0, 50), more=True),
    mp.GroupDescRequest: mp.GroupDescReply(tuple(GroupEntry(i, "all", ()) for i in range(50)), more=True),
    mp.MeterConfigRequest: mp.MeterConfigReply(tuple(mp.MeterConfig(Meter(i + 1, ())) for i in range(50)), more=True),
    mp.TableFeaturesRequest: mp.TableFeaturesReply((mp.TableFeatures(1, max_entries=9),) * 50, more=True),
}


class Streaming(Peer):
    """Answers requests of one kind with the same page for as long as anybody reads."""

    kind = pages = None

    def answer(self, message, xid, frame, out):
        if type(message) is self.kind:
            self.stream(encode(ENDLESS[self.kind], xid))
        else:
            super().answer(message, xid, frame, out)

    def stream(self, page):
        if not self.transport.is_closing():
            if self.transport.get_write_buffer_size() < 1 << 20:
                self.transport.write(page)
            self.fleet.loop.call_soon(self.stream, page)


@pytest.fixture
def small(monkeypatch):
    """Answers of ROOM entries at the most, by what any switch says."""
    monkeypatch.setattr(readback, "FEWEST", 100)
    monkeypatch.setattr(readback, "MOST", ROOM)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (mp.FlowStatsRequest, f"answered MULTIPART_REQUEST/FLOW with more than {ROOM} entries"),
        (mp.GroupDescRequest, f"answered MULTIPART_REQUEST/GROUP_DESC with more than {ROOM} entries"),
        (mp.MeterConfigRequest, f"answered MULTIPART_REQUEST/METER_CONFIG with more than {ROOM} entries"),
        (mp.TableFeaturesRequest, "answered MULTIPART_REQUEST/TABLE_FEATURES with more than 255 tables"),
    ],
)
def test_an_answer_of_more_entries_than_a_switch_can_hold_costs_the_connection(small, kind, why):
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1], Streaming) as fleet:
        fleet[1].kind, fleet[1].fleet = kind, fleet
        assert not controller.wait_for(["leaf1"], 10)
        with pytest.raises(Silent, match=why):
            controller.read("leaf1")
        assert fleet[1].closed.wait(10)


@pytest.mark.parametrize(("capacity", "accepted"), [(0, 100), (1, 100), (20, 160), (1_000_000, 200)])
def test_it_is_bounded_by_what_the_switch_says_of_its_tables_within_reason(small, monkeypatch, capacity, accepted):
    features = mp.TableFeaturesReply(tuple(mp.TableFeatures(n, max_entries=capacity) for n in range(8)))
    monkeypatch.setitem(Peer._ANSWERS, mp.TableFeaturesRequest, lambda peer, _: features)
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 10)
        rules = [entry.rule for entry in flows(0, accepted + 1)]
        fleet[1].rules = {rule.key: rule for rule in rules[:-1]}
        assert len(controller.read("leaf1").state.rules) == accepted
        fleet[1].rules = {rule.key: rule for rule in rules}
        with pytest.raises(Silent, match=f"more than {accepted} entries"):
            controller.read("leaf1")


def test_a_switch_that_keeps_its_capacity_to_itself_is_read_back(monkeypatch):
    asked = []

    def refuse(peer, request):
        asked.append(request)
        return m.Error(1, 2)

    monkeypatch.setitem(Peer._ANSWERS, mp.TableFeaturesRequest, refuse)
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 10)
        fleet[1].rules = {entry.rule.key: entry.rule for entry in flows(0, 3)}
        for _ in range(3):
            assert len(controller.read("leaf1").state.rules) == 3
    assert len(asked) == 1  # once for as long as it is connected


class Halting(Peer):
    """Sends the second half of its flows when it is told to."""

    def answer(self, message, xid, frame, out):
        if isinstance(message, mp.FlowStatsRequest):
            out.append(encode(mp.FlowStatsReply(flows(0, 50), more=True), xid))
            self.rest = encode(mp.FlowStatsReply(flows(50, 50)), xid)
        else:
            super().answer(message, xid, frame, out)


def test_parts_are_decoded_before_the_answer_is_whole():
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1], Halting) as fleet:
        assert not controller.wait_for(["leaf1"], 10)
        reading, found = controller.reading("leaf1"), []
        thread = threading.Thread(target=lambda: found.append(controller.held(reading)))
        thread.start()
        assert eventually(lambda: reading.entries == 50)
        assert not found
        fleet.call(fleet[1].transport.write, fleet[1].rest)
        thread.join(10)
        assert len(found[0].state.rules) == reading.entries == 100


class Undecodable(Peer):
    """Its second part is no OpenFlow, and more follows."""

    def answer(self, message, xid, frame, out):
        if isinstance(message, mp.FlowStatsRequest):
            page = bytearray(encode(mp.FlowStatsReply(flows(0, 2), more=True), xid))
            out.append(bytes(page))
            page[16:18] = b"\0\0"  # an entry of no length
            out.append(bytes(page))
        else:
            super().answer(message, xid, frame, out)


def test_a_part_that_cannot_be_decoded_ends_the_reading_at_once():
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1], Undecodable):
        assert not controller.wait_for(["leaf1"], 10)
        with pytest.raises(DecodeError):
            controller.read("leaf1")


def test_an_endless_answer_costs_no_more_memory_than_the_switchs_own_entries_would():
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1], Streaming) as fleet:
        fleet[1].kind, fleet[1].fleet = mp.FlowStatsRequest, fleet
        assert not controller.wait_for(["leaf1"], 10)
        tracemalloc.start()
        with pytest.raises(Silent, match="more than 65,536 entries"):
            controller.read("leaf1")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
        tracemalloc.stop()
