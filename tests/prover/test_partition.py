"""Laws of points divided among boxes, as decision diagrams: against asking every single point."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.algorithms.partition import Partition
from clos.controller.analysis.bdd import Diagrams
from clos.controller.analysis.interval_boxes import Box, within
from clos.controller.analysis.shadowed_rules import hidden
from tests.support.random_boxes import SIDE, boxes, lists, points, ranks

pytest.importorskip("oxidd", reason="OxiDD is an extra: pip install 'clos-fabric[diagrams]'")

pytestmark = pytest.mark.memory(16384)  # OxiDD reserves a gigabyte for each manager and gives it back late

brief = settings(max_examples=200, deadline=None)


def keepers(point: tuple[int, ...], held: list[Box], order: list[int]) -> set[int]:
    """The boxes of the lowest rank that have the point."""
    having = [number for number, box in enumerate(held) if point in points(box)]
    lowest = min((order[number] for number in having), default=0)
    return {number for number in having if order[number] == lowest}


@given(lists, ranks, boxes)
@brief
def test_a_point_is_kept_by_the_first_box_that_has_it(held: list[Box], order: list[int], asked: Box) -> None:
    division = Partition(held, order)
    kept = {point: keepers(point, held, order) for point in points(asked)}
    inside = division.within(asked)
    assert set(inside) == set().union(*kept.values())
    for number in range(len(held)):
        point = division.point(number, asked)
        assert (point is not None) == (number in inside)
        assert point is None or number in kept[point]


@given(lists, ranks)
@brief
def test_what_keeps_no_point_is_what_is_hidden(held: list[Box], order: list[int]) -> None:
    division = Partition(held, order)
    assert len(division) == len(held) - len(hidden(held, order))
    assert set(division.within(((0, SIDE - 1),) * 3)) == set(range(len(held))) - set(hidden(held, order))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda e: (min(e), max(e))), min_size=3, max_size=3)
)
@brief
def test_a_point_picked_from_a_box_is_in_it(sides: list[tuple[int, int]]) -> None:
    box = tuple(sides)
    diagrams = Diagrams(box)
    point = diagrams.point(diagrams.of(box))
    assert point is not None and within(tuple((value, value) for value in point), box)
    assert diagrams.point(diagrams.nothing) is None


def test_what_is_left_takes_no_nodes_where_nothing_is_cut() -> None:
    whole = ((0, 3), (0, 3))
    bits = 4
    assert Partition([whole] * 5, range(5)).nodes() == bits
    assert Partition([((1, 2), (0, 3)), whole], range(2)).nodes() > bits
