"""Laws of blame: the part at fault is named, by probes alone, and nobody is blamed for chance."""

from __future__ import annotations

from random import Random

import pytest

from clos.controller.daemon.telemetry.cause import CORRUPT, LATE, LOST, Result, causes
from clos.controller.daemon.telemetry.paths import CABLE, DOWN, EGRESS, HEARER, SENDER, SPINE, UP, Part, Ways
from clos.fabric.generate import clos
from clos.fabric.topology import PortRef

FABRIC = clos(3, 5, name="five")
AT = PortRef("leaf2", 1)


def tried(share_of, many=1500, seed=1):
    """Results of so many random ways; ``share_of`` gives the share that fares badly on a way."""
    dice = Random(seed)
    ways = Ways(FABRIC, lambda cable: True, dice)
    nears = [ways.around(ways.over(AT, PortRef(leaf, 1))) for leaf in ("leaf4", "leaf5")]
    found = []
    for number in range(many):
        way = next(nears[number % 3 == 0])
        bad = LOST if dice.random() < share_of(way) else ""
        found.append(Result(number / 100, way, (64, 1522)[number % 2], bad))
    return found


@pytest.mark.parametrize(
    "part",
    [
        Part(UP, AT), Part(DOWN, PortRef("leaf4", 1)), Part(EGRESS, PortRef("leaf4", 1)), Part(CABLE, AT),
        Part(SPINE, PortRef("spine1", 0)), Part(SENDER, PortRef("leaf2", 0)), Part(HEARER, PortRef("leaf4", 0)),
    ],
    ids=lambda part: part.kind,
)  # fmt: skip
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_the_part_at_fault_is_the_one_that_is_named(part: Part, share: float) -> None:
    found = causes(tried(lambda way: share if part in way.parts else 0.0), hurry=True)
    assert [cause.part.at for cause in found] == [part.at] and found[0].does == LOST
    assert (found[0].part == part or share < 1) and found[0].share == pytest.approx(share, abs=0.07)


def test_two_faults_at_once_are_two_causes() -> None:
    both = {Part(UP, AT), Part(DOWN, PortRef("leaf5", 1))}
    found = causes(tried(lambda way: 0.3 * bool(both.intersection(way.parts))), hurry=True)
    assert {cause.part.at for cause in found} == {part.at for part in both}


def test_losses_everywhere_alike_blame_nobody() -> None:
    for seed in range(5):
        assert causes(tried(lambda way: 0.01, seed=seed)) == []
        assert causes(tried(lambda way: 0.01, seed=seed), hurry=True) == []


def test_a_few_stray_losses_blame_nobody() -> None:
    ways = [
        each._replace(bad=LOST if number in (100, 700, 1300) else "") for number, each in enumerate(tried(lambda _: 0))
    ]
    assert causes(ways, hurry=True) == []


def test_a_fault_of_one_size_is_told_with_the_size() -> None:
    results = [
        each if each.size == 1522 else each._replace(bad="") for each in tried(lambda w: Part(CABLE, AT) in w.parts)
    ]
    (cause,) = causes(results)
    assert cause.part == Part(CABLE, AT) and cause.sizes == (1522,)


def test_delays_and_damage_are_told_apart_from_losses() -> None:
    for kind in (CORRUPT, LATE):
        results = [r._replace(bad=kind if r.bad else "") for r in tried(lambda w: 0.5 * (Part(UP, AT) in w.parts))]
        (cause,) = causes(results)
        assert (cause.part, cause.does) == (Part(UP, AT), kind)


def test_every_round_crosses_every_cable_once_each_way() -> None:
    ways = Ways(FABRIC, lambda cable: True, Random(3))
    for _ in range(9):
        taken = ways.round()
        assert sorted(way.up for way in taken) == sorted(way.down for way in taken) == sorted(ways.cables())
