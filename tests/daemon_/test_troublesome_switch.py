"""One switch that does not answer as it should, in a fabric of others: they come in sync, are changed, repaired and
read back all the same, and whoever is refused learns the name of the one at fault."""

from __future__ import annotations

import pytest

from clos.controller.daemon.changes import changes, ground
from clos.controller.daemon.errors import OFFLINE, SWITCH, Refused
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from tests.support.daemon_harness import ALLOW, FABRIC, Rig, edited
from tests.support.waiting import eventually
from tests.support.wire_peer import Fleet, Peer

BAD = "leaf1"
DPID = FABRIC.switches[BAD].dpid
OTHERS = frozenset(FABRIC.switches) - {BAD}
MORE = edited("tcp/8080", "tcp/4444")


def page(count):
    rules = (Rule(0, 7, Match.of(eth_dst=i), Instructions(apply=(Output(1),))) for i in range(count))
    return mp.FlowStatsReply(tuple(map(mp.FlowStats, rules)), more=True)


class Troublesome(Peer):
    """A switch as it should be until ``trouble`` has a page, of which its answer about flows then consists for ever.

    ``every``: seconds between two pages; None: the answer is nothing at all.
    """

    trouble = every = None

    def answer(self, message, xid, frame, out):
        if self.trouble is None or not isinstance(message, mp.FlowStatsRequest):
            super().answer(message, xid, frame, out)
        elif self.every is not None:
            self.stream(encode(self.trouble, xid))

    def stream(self, data):
        if not self.transport.is_closing():
            if self.transport.get_write_buffer_size() < 1 << 20:
                self.transport.write(data)
            self.fleet.loop.call_later(self.every, self.stream, data)


TROUBLES = {
    "is silent": (page(1), None, "no answer to MULTIPART_REQUEST/FLOW for 3 s"),
    "has no end": (page(400), 0.0, "answered MULTIPART_REQUEST/FLOW with more than 65,536 entries"),
    "is empty for ever": (page(0), 0.0, "an answer to MULTIPART_REQUEST/FLOW with more than 16 empty parts"),
    "comes in drips": (page(1), 0.5, r"no more than \d+,?\d* bytes of its answer to MULTIPART_REQUEST/FLOW within"),
    "answers something else": (mp.DescReply(), 0.0, "answered MULTIPART_REQUEST/FLOW with MULTIPART_REPLY/DESC"),
}


@pytest.fixture
def quick(monkeypatch):
    """Nobody waits long before it goes on without the one that is late."""
    monkeypatch.setattr(changes, "WAIT_SECONDS", 1.0)
    monkeypatch.setattr(ground, "SLOW_SECONDS", 0.5)


@pytest.fixture
def bad():
    return Troublesome(DPID)


def taking_part(rig, bad):
    """Give the fabric's switch BAD to a peer."""
    rig.sim.fail("crash", BAD)
    assert eventually(lambda: not standing(rig).connected)
    fleet = Fleet(("127.0.0.1", rig.port))
    fleet.peers[DPID], bad.fleet = bad, fleet
    return fleet


def standing(rig, name=BAD):
    return rig.daemon.switches.inventory.standings()[name]


def in_line(rig):
    return {name for name, one in rig.daemon.switches.inventory.standings().items() if one.in_line}


def test_switches_that_join_are_brought_in_line_while_one_is_slow(tmp_path, monkeypatch, quick, bad):
    bad.trouble = page(1)
    with Rig(tmp_path, monkeypatch) as rig:
        rig.apply()
        with taking_part(rig, bad):
            assert eventually(lambda: rig.daemon.switches.wire.awaited().get(BAD, 0) > 0)
            for name in sorted(OTHERS):
                rig.sim.drop(name)
            assert eventually(lambda: all(standing(rig, name).joins == 2 for name in OTHERS))
            assert eventually(lambda: in_line(rig) == OTHERS)
            assert standing(rig).connected
            assert not standing(rig).read


def test_changes_and_repairs_go_on_while_one_that_joined_is_slow(tmp_path, monkeypatch, quick, bad):
    bad.trouble = page(1)
    with Rig(tmp_path, monkeypatch) as rig:
        rig.apply()
        with taking_part(rig, bad):
            assert eventually(lambda: rig.daemon.switches.wire.awaited().get(BAD, 0) > 0.5)
            with pytest.raises(Refused, match=BAD) as refused:
                rig.apply(MORE)
            assert refused.value.code == OFFLINE
            done = rig.apply(MORE, allow=(*ALLOW, "offline"))
            assert done.changed
            assert done.offline == (BAD,)
            assert rig.daemon.changes.repair(sorted(OTHERS)) == {}
            assert {row.switch for row in rig.daemon.queries.drift(sorted(OTHERS)) if row.in_line} == OTHERS
            assert standing(rig).connected
            assert not standing(rig).read


@pytest.mark.parametrize(("trouble", "every", "why"), TROUBLES.values(), ids=TROUBLES.keys())
def test_who_reads_all_switches_back_learns_which_one_is_at_fault(
    tmp_path, monkeypatch, quick, bad, trouble, every, why
):
    with Rig(tmp_path, monkeypatch, patience=3.0) as rig:
        rig.apply()
        with taking_part(rig, bad):
            assert eventually(lambda: standing(rig).in_line)
            bad.trouble, bad.every = trouble, every
            failed = rig.daemon.changes.repair()
            assert failed.keys() == {BAD}
            assert bad.closed.wait(5)
            assert in_line(rig) == OTHERS
            assert any(
                fault.switch == BAD and fault.text.startswith("dropped: ")
                for fault in rig.daemon.queries.status().faults
            )
            with pytest.raises(Refused, match=f"{BAD} \\(not connected: {why}") as refused:
                rig.apply(MORE)
            assert refused.value.code == OFFLINE
            assert rig.apply(MORE, allow=(*ALLOW, "offline")).changed


def test_a_change_that_one_switch_never_confirms_is_taken_back_and_names_it(tmp_path, monkeypatch, quick, bad):
    with Rig(tmp_path, monkeypatch, patience=3.0) as rig:
        rig.apply()
        before = rig.states()
        with taking_part(rig, bad):
            assert eventually(lambda: standing(rig).in_line)
            bad.silent_on = (m.BarrierRequest,)
            with pytest.raises(Refused, match=f"{BAD}: no answer to .*undone") as refused:
                rig.apply(MORE)
            assert refused.value.code == SWITCH
            assert {name: state for name, state in rig.states().items() if name != BAD} == {
                name: state for name, state in before.items() if name != BAD
            }
            assert rig.apply(MORE, allow=(*ALLOW, "offline")).changed
