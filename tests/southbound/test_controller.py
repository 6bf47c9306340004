"""The wire as a whole: a controller and real TCP peers that hold what they are told."""

from __future__ import annotations

import socket

import pytest

from clos.controller.plan import diff
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import Lost
from clos.controller.wire.events import Complaint, Joined, Left, PacketIn, PortChanged, Stranger
from clos.controller.wire.osken.patches import CannotListen
from clos.fabric.dataplane.action import Group, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import EGRESS, EMPTY, Block, Placed, Ruleset
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.multipart import ForeignFlow
from tests.support.waiting import eventually
from tests.support.wire_peer import Fleet

NAMES = {1: "leaf1", 2: "leaf2", 3: "spine1"}
LEAVES = ("leaf1", "leaf2")
SWITCHES = tuple(NAMES.values())


def rule(i, out=1, cookie=0xC105 << 48):
    match = Match.of(eth_type=0x0800, ipv4_dst=0x0A000000 + i)
    return Rule(i % 4, 100, match, Instructions(write=(Output(out),)), cookie | i)


def ruleset(*rules, groups=(), meters=(), where=LEAVES, switches=SWITCHES):
    blocks = {"ways": Placed(Block((), groups, meters, EGRESS), where), "hosts": Placed(Block(rules), where)}
    return Ruleset(switches, {"all": blocks})


GROUP = GroupEntry(7, "select", (Bucket((Output(1),), 2, 1), Bucket((Output(2),), 3, 2)))
UPPER = GroupEntry(3, "all", (Bucket((Group(7),)),))
METER = Meter(9, (Band(1000, 100),))
WANTED = ruleset(*map(rule, range(50)), groups=(GROUP, UPPER), meters=(METER,))


@pytest.fixture
def controller():
    with Controller(NAMES, port=0, patience=5) as started:
        yield started


@pytest.fixture
def fleet(controller):
    with Fleet(controller.address, NAMES) as peers:
        assert controller.wait_for(NAMES.values(), 5) == frozenset()
        yield peers


def test_an_applied_plan_is_what_the_switches_hold_and_what_is_read_back(controller, fleet):
    outcome = controller.apply(diff(EMPTY, WANTED))
    assert outcome.ok, str(outcome)
    assert outcome.entries == 2 * 53
    for dpid, name in NAMES.items():
        assert fleet[dpid].state == WANTED.state(name)
        assert controller.read(name).state == WANTED.state(name)


def test_a_second_plan_sends_only_what_differs(controller, fleet):
    controller.apply(diff(EMPTY, WANTED))
    sent = fleet[1].mods
    changed = ruleset(*map(rule, range(1, 50)), rule(99), groups=(GROUP, UPPER), meters=(METER,))
    assert controller.apply(diff(WANTED, changed)).ok
    assert fleet[1].mods - sent == 2
    assert controller.read("leaf1").state == changed.state("leaf1")


def test_a_new_controller_touches_no_rule(controller, fleet):
    controller.apply(diff(EMPTY, WANTED))
    sent = fleet[1].mods
    port = controller.address[1]
    controller.stop()
    assert eventually(fleet[1].closed.is_set)
    with Controller(NAMES, port=port) as second:
        for dpid in NAMES:
            fleet.connect(dpid)
        assert not second.wait_for(NAMES.values(), 5)
        state = second.read("leaf1").state
        assert state == WANTED.state("leaf1")
        assert fleet[1].mods == sent


def test_rules_are_read_back_by_cookie(controller, fleet):
    mine, others = rule(1), rule(2, cookie=0xBAD << 48)
    controller.apply(diff(EMPTY, ruleset(mine, others)))
    assert controller.read("leaf1", cookie=0xC105 << 48, mask=0xFFFF << 48).state.rules == (mine,)
    assert set(controller.read("leaf1").state.rules) == {mine, others}


def test_what_switches_report_differently_is_the_same_rule(controller, fleet):
    """The length for outputs to plain ports means nothing, nor do the flags that say how to add a rule."""
    told = rule(1)._replace(instructions=Instructions(apply=(Output(2),), write=(Output(0xFFFFFFFD, 128),)))
    held = told._replace(
        flags=2 | 4, instructions=Instructions(apply=(Output(2, 0),), write=(Output(0xFFFFFFFD, 128),))
    )
    fleet[1].rules[held.key] = held
    assert controller.read("leaf1").state.rules == (told,)


def test_an_entry_with_extensions_not_spoken_here_hides_no_other(controller, fleet):
    controller.apply(diff(EMPTY, WANTED))
    foreign = ForeignFlow(bytes.fromhex("0040" + "00" * 46 + "00010009" + "80006401" + "00" * 8))
    fleet[1].foreign = (foreign,)
    held = controller.read("leaf1")
    assert held.state == WANTED.state("leaf1")
    assert held.foreign == (foreign,)


def test_a_switch_in_no_topology_is_reported_and_left_alone(controller, fleet):
    events = []
    controller.subscribe(events.append)
    fleet.connect(66)
    assert eventually(lambda: [type(event) for event in events] == [Stranger])
    assert events[0].dpid == 66
    assert controller.connected() == set(SWITCHES)
    assert fleet[66].mods == 0


def test_a_stranger_that_the_topology_gains_joins(controller, fleet):
    events = []
    fleet.connect(66)
    controller.subscribe(events.append)
    controller.expect({**NAMES, 66: "leaf66"})
    assert controller.wait_for(["leaf66"], 2) == frozenset()
    assert controller.facts("leaf66").dpid == 66
    controller.expect(NAMES)
    assert "leaf66" not in controller.connected()
    assert Joined("leaf66", 66) in events
    assert Left("leaf66", 66) in events


def test_a_connection_that_ended_meanwhile_does_not_join(controller, fleet):
    """As when a topology gains a switch in the very moment it goes: ``expect`` runs on the caller's thread."""
    fleet.connect(66)
    assert eventually(lambda: 66 in controller.strangers())
    connection = controller._admission._strangers[66]
    fleet.drop(66)
    assert eventually(lambda: 66 not in controller.strangers())
    controller.expect({**NAMES, 66: "leaf66"})
    controller.handshake_done(connection)
    assert controller.connected() == set(SWITCHES)


def test_a_switch_that_connects_anew_takes_the_place_of_its_old_connection(controller, fleet):
    old = fleet[1].transport
    fleet.connect(1)
    assert eventually(old.is_closing)
    assert controller.connected() == set(SWITCHES)
    assert controller.facts("leaf1").dpid == 1


def test_facts_and_capacity_are_the_switchs_own(controller, fleet):
    facts = controller.facts("leaf2")
    assert (facts.dpid, facts.tables, facts.manufacturer, facts.serial) == (2, 8, "Clos", "2")
    assert [port.name for port in facts.ports] == ["p1", "p2", "p3", "p4"]
    assert controller.capacity("leaf2") == {n: 1000 + n for n in range(8)}


def test_ports_packets_and_complaints_are_told_by_the_switchs_name(controller, fleet):
    events = []
    controller.subscribe(events.append)
    fleet.send(1, m.PortStatus(2, m.Port(3, name="p3", state=1)))
    fleet.send(1, m.PortStatus(2, m.Port(3, name="p3", state=4)))
    fleet.send(2, m.PacketIn(Match.of(in_port=4), b"frame", total_len=5, reason=1, table=2, cookie=77))
    fleet.send(2, m.Error(1, 6, b"x" * 64), xid=5)
    assert eventually(lambda: len(events) == 4)
    assert set(events) == {
        PortChanged("leaf1", 3, "p3", up=False),
        PortChanged("leaf1", 3, "p3", up=True),
        PacketIn("leaf2", 4, 2, 77, 1, b"frame"),
        Complaint("leaf2", 1, 6, b"x" * 64),
    }


def test_a_subscriber_that_fails_costs_no_other_its_events(controller, fleet, caplog):
    events = []
    controller.subscribe(lambda event: 1 / 0)
    stop = controller.subscribe(events.append)
    fleet.drop(3)
    assert eventually(lambda: events == [Left("spine1", 3)])
    assert "ZeroDivisionError" in caplog.text
    stop()
    fleet.connect(3)
    assert not controller.wait_for(["spine1"], 5)
    assert len(events) == 1


def test_a_packet_is_sent_out_of_the_port_named(controller, fleet):
    controller.send_packet("leaf1", 3, b"frame")
    assert eventually(lambda: fleet[1].heard[-1:] == [m.PacketOut((Output(3),), b"frame")])


def test_a_switch_that_is_not_there_is_named(controller, fleet):
    with pytest.raises(Lost, match="leaf9: not connected"):
        controller.read("leaf9")


def test_waiting_tells_who_is_missing(controller, fleet):
    assert controller.wait_for([*SWITCHES, "leaf9"], 0.05) == {"leaf9"}


def test_an_address_in_use_is_told_with_what_to_do(controller):
    port = controller.address[1]
    controller.stop()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(CannotListen, match="choose another port"):
        Controller(NAMES, port=port).start()
    with Controller(NAMES, port=0) as again:
        assert again.address


def test_one_process_runs_one_controller(controller):
    with pytest.raises(RuntimeError, match="stop it first"):
        Controller(NAMES, port=0).start()
    assert controller.address


def test_calling_from_a_progress_callback_is_refused_rather_than_hanging(controller, fleet):
    errors = []

    def progress(_):
        with pytest.raises(RuntimeError, match="own thread") as caught:
            controller.read("leaf1")
        errors.append(caught.value)

    assert controller.apply(diff(EMPTY, WANTED), progress=progress).ok
    assert errors
