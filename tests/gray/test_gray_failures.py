"""Laws of gray failures in virtual time: found, named, held until sound; silent otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clos.controller.daemon.telemetry.cause import CORRUPT, LATE, LOST
from clos.controller.daemon.telemetry.paths import CABLE, DOWN, EGRESS, SPINE, UP
from clos.controller.daemon.telemetry.steering import possible, words
from clos.fabric.generate import clos
from clos.fabric.sim.gray import Gray
from clos.fabric.topology import PortRef
from tests.support.gray_world import GrayWorld

FABRIC = replace(clos(2, 4, name="four"), probes=True)
AT = PortRef("leaf1", 1)


@pytest.mark.parametrize(
    ("how", "kinds", "does", "text"),
    [
        (Gray(1.0, "spine1"), {UP}, LOST, "cable leaf1:1 - spine1:1, towards spine1, loses 100% of frames"),
        (Gray(0.3, "leaf1"), {DOWN, EGRESS}, LOST, "loses"),
        (Gray(1.0, sizes=(1500, 1600)), {CABLE, UP, DOWN}, LOST, "of 1522 bytes"),
        (Gray(0.5, corrupt=True), {CABLE, UP, DOWN}, CORRUPT, "corrupts"),
        (Gray(1.0, delay=80_000), {CABLE, UP, DOWN}, LATE, "delays"),
    ],
    ids=["one direction", "a share towards a leaf", "one size", "bit errors", "delay"],
)
def test_a_gray_cable_is_named(how, kinds, does, text) -> None:
    world = GrayWorld(FABRIC, 2)
    world.run(5)
    world.network.gray(AT, how)
    world.until(world.gray.alarms, 60)
    (alarm,) = world.gray.alarms()
    assert (alarm.part.at, alarm.cause.does) == (AT, does) and alarm.part.kind in kinds
    assert text in words(alarm, FABRIC)


def test_a_gray_spine_is_one_alarm_and_is_sound_again_after_the_hold_which_doubles() -> None:
    world = GrayWorld(FABRIC, 3)
    world.run(5)
    world.gray.hold = 6.0  # shorter, so that the test is
    for expected in (6, 12):
        for port in world.network.links_of("spine2"):
            world.network.gray(port, Gray(0.5))
        world.until(world.gray.alarms)
        (alarm,) = world.gray.alarms()
        assert (alarm.part.kind, alarm.part.at.switch) == (SPINE, "spine2")
        assert possible(FABRIC, [alarm])[0] == {PortRef(f"leaf{n}", 2) for n in range(1, 5)}
        for port in world.network.links_of("spine2"):
            world.network.gray(port, None)
        assert expected - 1 < world.until(lambda: not world.gray.alarms(), 200) < expected + 2


def test_cables_that_break_and_switches_that_leave_are_no_gray_failures() -> None:
    world = GrayWorld(FABRIC, 4)
    world.run(3)
    for _ in range(3):
        world.network.cut(AT)
        world.run(2)
        world.network.restore(AT)
        world.run(2)
        world.leave("leaf3")
        world.run(2)
        world.away.clear()
        world.run(2)
    assert world.gray.alarms() == () and sum(sent for sent, _ in world.gray.counts().values()) > 100


def test_a_controller_that_is_held_up_or_slow_blames_nobody() -> None:
    world = GrayWorld(FABRIC, 5)
    world.delay = lambda: world.dice.choice((0.001, 0.001, 0.002, world.dice.uniform(0, 0.15)))
    world.run(40)
    assert world.gray.alarms() == ()


def test_what_cannot_be_steered_around_stays_in_use_and_says_why() -> None:
    world = GrayWorld(FABRIC, 6)
    world.run(3)
    for port in (1, 2):
        world.network.gray(PortRef("leaf1", port), Gray(1.0 / port))
    world.until(lambda: len(world.gray.alarms()) == 2)
    avoid, why = possible(FABRIC, world.gray.alarms())
    assert avoid == {AT} and why == "frames still cross it: leaf1 and leaf2 would have no other way"
