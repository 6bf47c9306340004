"""What the daemon says of switches at fault: who it is, while it lasts and no longer."""

from __future__ import annotations

import pytest

from clos.controller.daemon.errors import OFFLINE, Refused
from clos.controller.daemon.switches import inventory as standing
from clos.controller.wire import admission, controller
from clos.fabric.openflow import messages as m
from tests.support.daemon_harness import FABRIC, Rig
from tests.support.waiting import eventually
from tests.support.wire_peer import Fleet, Peer

LEAF1 = FABRIC.switches["leaf1"].dpid


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path, monkeypatch) as rig:
        yield rig


def row(rig, name="leaf1"):
    return next(switch for switch in rig.daemon.queries.status().switches if switch.name == name)


def test_a_second_switch_with_a_datapath_id_is_named_with_both_addresses_until_it_is_gone(rig, monkeypatch):
    rig.apply()
    host, port = rig.daemon.switches.wire._admission.members["leaf1"].connection.address
    with Fleet(("127.0.0.1", rig.port), [LEAF1]) as fleet:
        there = "{}:{}".format(*fleet[LEAF1].transport.get_extra_info("sockname")[:2])
        assert fleet[LEAF1].closed.wait(10)
        assert eventually(lambda: not row(rig).in_line)
    found = rig.daemon.queries.status()
    assert found.in_line == found.expected - 1
    assert row(rig).connected
    assert row(rig).problem.startswith(
        f"{there} connects with its datapath id {LEAF1:#x} and is refused; {host}:{port}"
    )
    assert not rig.apply().changed  # the one that is there goes on
    monkeypatch.setattr(standing, "CONFLICT_SECONDS", 0.0)
    assert rig.daemon.queries.status().in_line == found.expected
    assert row(rig).problem == ""


def test_a_refusal_names_the_switch_in_quarantine_and_what_it_did(rig, monkeypatch):
    monkeypatch.setattr(admission, "STRIKES", (60.0,))
    monkeypatch.setattr(admission, "TRIAL_SECONDS", 0.2)
    rig.sim.fail("crash", "leaf1")
    assert eventually(lambda: not row(rig).connected)
    peer = Peer(LEAF1)
    peer.silent_on = (m.BarrierRequest,)
    with Fleet(("127.0.0.1", rig.port)) as fleet:
        fleet.peers[LEAF1] = peer
        fleet.connect(LEAF1)
        assert eventually(lambda: "quarantine" in row(rig).problem)
        with pytest.raises(Refused, match=r"leaf1 \(in quarantine for 60 s: no answer to BARRIER_REQUEST") as refused:
            rig.apply()
        assert refused.value.code == OFFLINE
        assert rig.apply(allow=("deletes", "uplink", "empty", "offline")).offline == ("leaf1",)


def test_a_fault_is_forgotten_when_its_switch_holds_what_it_should(rig):
    inventory = rig.daemon.switches.inventory
    for text in ("cannot be synchronized: x", "cannot be synchronized: x", "reported an error: y"):
        inventory.fault("leaf1", text)
    inventory.fault("leaf1", "no-bundles: for as long as it is connected", lasting=True)
    inventory.fault("spine1", "reported an error: z")
    assert [(f.switch, f.text) for f in rig.daemon.queries.status().faults] == [
        ("leaf1", "cannot be synchronized: x"),
        ("leaf1", "reported an error: y"),
        ("leaf1", "no-bundles: for as long as it is connected"),
        ("spine1", "reported an error: z"),
    ]
    inventory.note("leaf1", row_joins(inventory, "leaf1"), in_line=True)
    assert [fault.switch for fault in rig.daemon.queries.status().faults] == ["leaf1", "spine1"]
    rig.sim.drop("leaf1")
    assert eventually(lambda: row_joins(inventory, "leaf1") == 2 and row(rig).in_line)
    assert eventually(lambda: [fault.switch for fault in rig.daemon.queries.status().faults] == ["spine1"])


def test_what_is_wrong_with_no_switch_is_over_when_it_is_no_longer_reported(rig):
    roster = rig.daemon.switches.inventory

    def faults():
        return [(fault.switch, fault.text) for fault in rig.daemon.queries.status().faults]

    roster.wrong_now("somewhere", ("a", "b"))
    assert faults() == [("", "a"), ("", "b")]
    roster.wrong_now("elsewhere", ("c",))
    roster.wrong_now("somewhere", ("b",))
    assert sorted(faults()) == [("", "b"), ("", "c")]
    roster.wrong_now("somewhere", ())
    roster.wrong_now("elsewhere", ())
    assert faults() == []


def test_a_failure_of_the_daemons_own_work_is_over_when_the_work_goes_on(rig, monkeypatch):
    read = controller.Controller.reading

    def broken(wire, switch):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(controller.Controller, "reading", broken)
    rig.sim.drop("leaf1")
    assert eventually(lambda: [fault.switch for fault in rig.daemon.queries.status().faults] == ["leaf1"])
    assert "a fault of ours" in rig.daemon.queries.status().faults[0].text
    monkeypatch.setattr(controller.Controller, "reading", read)
    rig.settle()
    assert rig.daemon.queries.status().faults == ()


def test_a_fault_of_a_switch_that_is_in_the_fabric_no_more_is_over(rig):
    rig.daemon.switches.inventory.fault("leaf9", "complains: x")
    rig.daemon.switches.expect(FABRIC)
    assert rig.daemon.queries.status().faults == ()


def row_joins(inventory, name):
    return inventory.standings()[name].joins


def test_a_stranger_is_listed_while_it_is_connected(rig):
    with Fleet(("127.0.0.1", rig.port), [0x666]) as fleet:
        assert eventually(lambda: len(rig.daemon.queries.status().strangers) == 1)
        fleet.drop(0x666)
        assert eventually(lambda: rig.daemon.queries.status().strangers == ())
