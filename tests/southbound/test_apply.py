"""Laws of carrying out a plan on real TCP peers, when all goes well and when it does not."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from contextlib import contextmanager
from typing import ClassVar

import pytest

from clos.controller.plan import ADD, DELETE, Batch, Plan, Push, diff
from clos.controller.plan.after import after, invert
from clos.controller.wire.apply import DRAIN
from clos.controller.wire.bundles import BUNDLE_MESSAGES
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import Lost, Refused, Silent
from clos.controller.wire.events import Warned
from clos.controller.wire.osken import connection
from clos.controller.wire.osken.patches import controller as framework
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import EGRESS, EMPTY, Block, Placed, Ruleset
from clos.fabric.openflow import encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.constants import BundleControlType, FlowModCommand
from tests.support.waiting import eventually
from tests.support.wire_peer import Fleet, Peer

NAMES = {1: "leaf1", 2: "leaf2", 3: "leaf3"}
ALL = tuple(NAMES.values())
CONF = framework.CONF
FULL = (5, 1)  # FLOW_MOD_FAILED/TABLE_FULL


def rule(i, out=1):
    return Rule(1, 100, Match.of(eth_dst=i), Instructions(write=(Output(out),)), i)


def ruleset(rules, out=1, where=ALL):
    group = GroupEntry(7, "select", (Bucket((Output(out),), 1, out),))
    meter = Meter(9, (Band(1000 * out),))
    blocks = {
        "ways": Placed(Block([rule(1000 + i, out) for i in range(3)], [group], [meter], EGRESS), where),
        "hosts": Placed(Block([rule(i, out) for i in rules]), where),
    }
    return Ruleset(ALL, {"all": blocks})


OLD, NEW = ruleset(range(20)), ruleset(range(10, 30), out=2)


def batch(name, *rules):
    return Batch(name, (Push(ADD, Block(rules), ALL),))


@pytest.fixture
def controller():
    with Controller(NAMES, port=0, patience=1) as started:
        yield started


@pytest.fixture
def fleet(controller):
    with Fleet(controller.address, NAMES) as peers:
        assert not controller.wait_for(ALL, 5)
        yield peers


def holds(fleet, ruleset):
    return [fleet[dpid].state for dpid in NAMES] == [ruleset.state(name) for name in ALL]


class Chronicler(Peer):
    """Writes down what it processes, with all others, in one list."""

    told: ClassVar = []

    def change(self, message):
        self.told.append(message.rule.priority)
        return super().change(message)


def test_no_switch_begins_a_batch_before_every_switch_has_confirmed_the_last(controller):
    Chronicler.told = []
    steps = [batch(f"step {n}", *(rule(i)._replace(priority=n) for i in range(40))) for n in range(6)]
    with Fleet(controller.address, NAMES, Chronicler):
        assert not controller.wait_for(ALL, 5)
        assert controller.apply(Plan(tuple(steps), ALL)).done == tuple(f"step {n}" for n in range(6))
    assert Chronicler.told == sorted(Chronicler.told)
    assert len(Chronicler.told) == 6 * 40 * 3


def test_progress_tells_of_every_switch_and_batch(controller, fleet):
    seen = []
    plan = diff(EMPTY, OLD)
    assert controller.apply(plan, progress=seen.append).ok
    assert [(p.number, p.confirmed) for p in seen] == [
        (b, s) for b in range(1, len(plan.batches) + 1) for s in (1, 2, 3)
    ]
    assert {(p.batches, p.switches) for p in seen} == {(len(plan.batches), 3)}


def test_an_empty_plan_is_done_at_once(controller, fleet):
    outcome = controller.apply(diff(OLD, OLD))
    assert (outcome.ok, outcome.done, outcome.begun, outcome.entries) == (True, (), 0, 0)


def test_a_refusal_names_switch_rule_and_error_and_stops_the_plan(controller, fleet):
    fleet[2].refuse = lambda message: FULL if getattr(message, "rule", None) == rule(5) else None
    outcome = controller.apply(diff(EMPTY, OLD))
    (error,) = outcome.errors
    assert isinstance(error, Refused)
    assert (error.switch, error.entry, error.type, error.code) == ("leaf2", rule(5), *FULL)
    assert str(error).startswith("leaf2: FLOW_MOD_FAILED/TABLE_FULL for t1#100 eth_dst=")
    assert outcome.done == ("prepare", "egress")
    assert outcome.begun == 3


def test_a_plan_for_a_switch_that_is_not_there_sends_nothing(controller, fleet):
    fleet.drop(3)
    assert eventually(lambda: controller.connected() == {"leaf1", "leaf2"})
    outcome = controller.apply(diff(EMPTY, OLD))
    assert [str(error) for error in outcome.errors] == ["leaf3: not connected"]
    assert outcome.begun == 0
    assert [fleet[dpid].mods for dpid in NAMES] == [0, 0, 0]


def test_a_plan_can_be_carried_out_for_some_switches_only(controller, fleet):
    assert controller.apply(diff(EMPTY, OLD), only=["leaf2"]).ok
    assert fleet[2].state == OLD.state("leaf2")
    assert [fleet[dpid].mods for dpid in (1, 3)] == [0, 0]


class Dying(Peer):
    """Its connection breaks at the fifth rule."""

    def change(self, message):
        if self.dpid == 3 and self.mods == 5:
            self.transport.abort()
        return super().change(message)


def test_a_switch_lost_on_the_way_stops_the_plan_and_is_named(controller):
    with Fleet(controller.address, NAMES, Dying):
        assert not controller.wait_for(ALL, 5)
        outcome = controller.apply(diff(EMPTY, OLD))
        (error,) = outcome.errors
        assert isinstance(error, Lost)
        assert error.switch == "leaf3"
        assert eventually(lambda: controller.connected() == {"leaf1", "leaf2"})


def test_a_switch_that_never_confirms_is_given_up(controller, fleet):
    fleet[2].silent_on = (m.BarrierRequest,)
    (error,) = controller.apply(diff(EMPTY, OLD)).errors
    assert isinstance(error, Silent)
    assert error.switch == "leaf2"
    assert fleet[2].closed.wait(2)


@pytest.mark.parametrize("nth", range(1, 70, 4))
def test_a_plan_that_fails_anywhere_can_be_taken_back(controller, fleet, nth):
    """Whatever message is refused, the inverse of the batches begun restores every switch."""
    assert controller.apply(diff(EMPTY, OLD)).ok
    start = fleet[2].mods
    fleet[2].refuse = lambda message: (1, 5) if fleet[2].mods == start + nth else None
    plan = diff(OLD, NEW)
    outcome = controller.apply(plan)
    fleet[2].refuse = lambda message: None
    if outcome.ok:
        assert holds(fleet, NEW)
        assert fleet[2].mods - start < nth
    else:
        assert controller.apply(invert(OLD, plan, outcome.begun), rescue=True).ok
        assert holds(fleet, OLD)


@pytest.mark.parametrize("seen", range(8))
def test_a_rescue_reaches_the_end_whatever_part_of_the_plan_a_switch_has_seen(controller, fleet, seen):
    """A switch that missed, or already did, any part of the change ends where the plan ends (laid over twice too)."""
    plan = diff(OLD, NEW)
    assert controller.apply(diff(EMPTY, after(OLD, plan, min(seen, len(plan.batches))))).ok
    assert controller.apply(plan, rescue=True).ok
    assert holds(fleet, NEW)
    assert controller.apply(plan, rescue=True).ok
    assert holds(fleet, NEW)


def test_a_rescue_adds_what_is_gone_and_overwrites_what_is_there(controller, fleet):
    plan = diff(EMPTY, OLD)
    assert controller.apply(plan).ok
    assert [error.switch for error in controller.apply(plan).errors] == list(ALL)  # groups and meters exist
    assert controller.apply(plan, rescue=True).ok
    for dpid in NAMES:
        fleet.call(fleet[dpid].groups.clear)
        fleet.call(fleet[dpid].meters.clear)
    assert not controller.apply(diff(OLD, NEW)).ok
    assert controller.apply(diff(OLD, NEW), rescue=True).ok
    assert holds(fleet, NEW)


def test_a_rescue_goes_on_with_the_switches_that_can(controller, fleet):
    fleet.drop(3)
    assert eventually(lambda: controller.connected() == {"leaf1", "leaf2"})
    outcome = controller.apply(diff(EMPTY, OLD), rescue=True)
    assert [error.switch for error in outcome.errors] == ["leaf3"]
    assert fleet[1].state == OLD.state("leaf1")
    assert fleet[2].state == OLD.state("leaf2")


def test_a_rescue_reports_what_it_could_not_mend(controller, fleet):
    fleet[1].refuse = lambda message: FULL if isinstance(message, m.FlowMod) else None
    outcome = controller.apply(diff(EMPTY, OLD), rescue=True)
    assert {error.switch for error in outcome.errors} == {"leaf1"}
    assert fleet[2].state == OLD.state("leaf2")


def test_a_switch_that_stops_reading_slows_only_itself(controller, fleet):
    """Its plan waits, with a bounded number of bytes under way, while plans for others are carried out."""
    many = diff(EMPTY, ruleset(range(100_000, 140_000)))
    fleet.call(fleet[1].transport.pause_reading)
    results = {}
    work = lambda: results.update(slow=controller.apply(many, only=["leaf1"]))  # noqa: E731
    slow = threading.Thread(target=work)
    slow.start()
    assert controller.apply(diff(EMPTY, OLD), only=["leaf2", "leaf3"]).ok
    assert not results, "the slow one is still waited for"
    switch = next(c for c in controller._listener.connections if c.id == 1)
    assert switch._transport.get_write_buffer_size() < 4 << 20
    slow.join(10)
    assert [type(error) for error in results["slow"].errors] == [Silent]


def test_stopping_the_controller_ends_a_plan_under_way(controller, fleet):
    fleet[1].silent_on = (m.BarrierRequest,)
    results = []
    work = threading.Thread(target=lambda: results.append(controller.apply(diff(EMPTY, OLD))))
    work.start()
    assert eventually(lambda: fleet[1].mods > 0)
    controller.stop()
    work.join(5)
    assert {type(error) for error in results[0].errors} == {Lost}


def test_what_received_frames_stays_until_those_under_way_have_arrived(controller, fleet):
    """From the last switch's new course to the first removal of where the old one led, DRAIN passes."""
    times = []

    def noted(message):
        times.append((time.monotonic(), message.command == FlowModCommand.DELETE_STRICT))

    assert controller.apply(diff(EMPTY, OLD)).ok
    for dpid in NAMES:
        fleet[dpid].refuse = noted
    turned, away = batch("ingress", rule(50)), Batch("retire egress", (Push(DELETE, Block([rule(1000)]), ALL),))
    assert controller.apply(Plan((turned, away), ALL)).ok
    assert [gone for _, gone in times] == [False] * 3 + [True] * 3
    assert times[3][0] - times[2][0] >= DRAIN


def test_a_switch_that_knows_no_bundles_is_given_plain_messages(controller, fleet):
    plain = Peer.answer

    def answer(peer, message, xid, frame, out):
        if isinstance(message, m.BundleControl):
            out.append(encode(m.Error(1, 3, frame[:64]), xid))
        else:
            plain(peer, message, xid, frame, out)

    events = []
    controller.subscribe(events.append)
    for dpid in (1, 2):
        fleet[dpid].answer = answer.__get__(fleet[dpid])
    outcome = controller.apply(diff(EMPTY, OLD))
    assert (outcome.ok, outcome.unbundled) == (True, ("leaf1", "leaf2"))
    assert holds(fleet, OLD)
    assert [str(event.text).split(":")[0] for event in events if isinstance(event, Warned)] == ["no-bundles"] * 2
    assert controller.apply(diff(OLD, NEW)).unbundled == ()  # told once
    assert holds(fleet, NEW)


def test_a_switch_takes_its_part_of_a_batch_in_one_bundle(controller, fleet):
    for plan in (diff(EMPTY, OLD), diff(OLD, NEW)):
        before = [fleet[dpid].commits for dpid in NAMES]
        several = [b.name for b in plan.batches if sum(push.size for push in b.pushes if not push.block.meters) > 1]
        assert controller.apply(plan).ok
        assert [fleet[dpid].commits for dpid in NAMES] == [number + len(several) for number in before]
    assert holds(fleet, NEW)


def test_what_a_bundle_that_is_refused_held_is_taken_back_by_the_switch_itself(controller, fleet):
    assert controller.apply(diff(EMPTY, OLD)).ok
    plan = diff(OLD, NEW)
    (ingress,) = [i for i, b in enumerate(plan.batches) if b.name == "ingress"]
    fleet[2].refuse = lambda message: FULL if getattr(message, "rule", None) == rule(29, 2) else None
    outcome = controller.apply(plan)
    assert outcome.begun == ingress + 1
    assert fleet[2].state == after(OLD, plan, ingress).state("leaf2")


class Witness(Peer):
    """Notes, at each commit, how many messages were in the bundle and which tables have rules afterwards."""

    def __init__(self, *args):
        super().__init__(*args)
        self.bundles = []

    def control(self, asked, out, xid):
        size = len(self.bundle)
        reply = super().control(asked, out, xid)
        if asked.type == BundleControlType.COMMIT_REQUEST:
            self.bundles.append((size, {table for table, *_ in self.rules}))
        return reply


def stages(count):
    """Rules in tables 0 to 2, more than one bundle of a bounded size takes."""
    made = [Rule(t, 7, Match.of(eth_dst=i), Instructions(apply=(Output(1),))) for t in (0, 1, 2) for i in range(count)]
    return Ruleset(("leaf1",), {"all": {"b": Placed(Block(made), ("leaf1",))}})


def test_a_switch_that_holds_nothing_takes_bundles_of_a_bounded_size_and_its_first_table_last(controller):
    with Fleet(controller.address, [1], Witness) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        outcome = controller.apply(diff(EMPTY, stages(3000)), fresh=["leaf1"])
        assert (outcome.ok, outcome.entries) == (True, 9000)
        sizes, tables = zip(*fleet[1].bundles, strict=True)
        assert len(sizes) > 2
        assert max(sizes) <= BUNDLE_MESSAGES
        assert sum(sizes) == 9000
        first = next(i for i, held in enumerate(tables) if 0 in held)
        assert sum(sizes[:first]) >= 6000 - BUNDLE_MESSAGES  # so all bundles before bring nothing a packet can meet
        assert all(held <= {1, 2} for held in tables[:first])


def test_a_switch_that_holds_something_takes_one_bundle_however_large(controller):
    with Fleet(controller.address, [1], Witness) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        assert controller.apply(diff(EMPTY, stages(3000))).ok
        assert [size for size, _ in fleet[1].bundles] == [9000]


class Slow(Peer):
    """Answers nothing while it commits, and takes its time for that."""

    seconds = 1.0

    def answer(self, message, xid, frame, out):
        if self.waits:
            self.late.append((message, xid, frame))
        elif isinstance(message, m.BundleControl) and message.type == BundleControlType.COMMIT_REQUEST:
            self.waits, self.late = True, [(message, xid, frame)]
            asyncio.get_running_loop().call_later(self.seconds, self.done)
        else:
            super().answer(message, xid, frame, out)

    waits, late = False, ()

    def done(self):
        self.waits, out = False, []
        for message, xid, frame in self.late:
            Peer.answer(self, message, xid, frame, out)
        self.transport.write(b"".join(out))


@pytest.fixture
def hurry(monkeypatch):
    """Echo requests every tenth of a second; three without an answer and a switch is dropped."""
    monkeypatch.setattr(connection, "TICK", 0.05)
    CONF.set_override("echo_request_interval", 0.1)
    yield
    CONF.clear_override("echo_request_interval")


def test_a_switch_that_answers_no_echo_while_it_commits_is_not_dropped(hurry):
    with Controller({1: "leaf1"}, port=0, patience=10) as controller, Fleet(controller.address, [1], Slow) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        assert controller.apply(diff(EMPTY, stages(10))).ok
        assert len(fleet[1].rules) == 30
        assert not fleet[1].closed.is_set()


class Laborious(Peer):
    """Comes to its messages late, but answers echo requests meanwhile: as long as it ``lives``."""

    seconds, lives = 60, True

    def answer(self, message, xid, frame, out):
        if isinstance(message, m.EchoRequest):
            if self.lives:
                super().answer(message, xid, frame, out)
        elif self.mods + len(self.bundle) and isinstance(message, m.BarrierRequest):
            asyncio.get_running_loop().call_later(self.seconds, self.transport.write, encode(m.BarrierReply(), xid))
        else:
            super().answer(message, xid, frame, out)


@contextmanager
def laborious(patience):
    with (
        Controller({1: "leaf1"}, port=0, patience=patience) as controller,
        Fleet(controller.address, [1], Laborious) as fleet,
    ):
        yield controller, fleet


def test_a_switch_that_answers_echoes_has_longer_for_a_barrier(hurry):
    with laborious(patience=2) as (controller, fleet):
        fleet[1].seconds = 3
        assert not controller.wait_for(["leaf1"], 5)
        assert controller.apply(diff(EMPTY, stages(10))).ok
        assert len(fleet[1].rules) == 30


def test_but_not_for_ever(hurry):
    with laborious(patience=0.5) as (controller, fleet):
        assert not controller.wait_for(["leaf1"], 5)
        outcome = controller.apply(diff(EMPTY, stages(10)))
        assert re.search("leaf1: no answer to BARRIER_REQUEST within 2.* though it answers echo requests", str(outcome))
        assert fleet[1].closed.wait(5)


def test_nor_when_it_answers_no_echo(hurry):
    with laborious(patience=0.5) as (controller, fleet):
        fleet[1].lives = False
        assert not controller.wait_for(["leaf1"], 5)
        assert "leaf1: no answer to BARRIER_REQUEST for 0.5 s" in str(controller.apply(diff(EMPTY, stages(10))))


def test_but_one_that_never_ends_its_commit_is(hurry):
    with Controller({1: "leaf1"}, port=0, patience=0.5) as controller, Fleet(controller.address, [1], Slow) as fleet:
        fleet[1].seconds = 60
        assert not controller.wait_for(["leaf1"], 5)
        outcome = controller.apply(diff(EMPTY, stages(10)))
        assert "leaf1: no answer to EXPERIMENTER" in str(outcome)
        assert fleet[1].closed.wait(5)
