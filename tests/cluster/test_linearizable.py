"""The checker of histories finds what could not have happened one after another, and lets the rest pass."""

from __future__ import annotations

import random

import pytest

from tests.support.linearizable import Seen, violations


def write(begin, end, number, document, outcome="written"):
    return Seen("w", begin, end, outcome, number, document)


def read(begin, end, number):
    return Seen("r", begin, end, "read", number)


TWO = [write(0, 2, 1, "a"), write(3, 5, 2, "b")]
STORE = {1: "a", 2: "b"}


@pytest.mark.parametrize(
    "seen",
    [
        TWO,
        [*TWO, read(0, 1, 0), read(1, 2, 1), read(4, 5, 1), read(4, 5, 2), read(6, 7, 2)],
        [write(0, 9, 2, "b"), write(1, 8, 1, "a"), read(2, 3, 1), read(4, 5, 2)],
        [write(0, 2, 1, "a"), write(3, 5, 0, "b", "unknown"), read(4, 5, 1), read(9, 10, 2)],
        [*TWO, write(3, 4, 0, "c", "refused"), write(5, 6, 0, "d", "unknown")],
    ],
)
def test_what_could_have_happened_passes(seen):
    assert violations(seen, STORE) == []


@pytest.mark.parametrize(
    ("seen", "store"),
    [
        ([*TWO, read(6, 7, 1)], STORE),  # stale
        ([*TWO, read(1, 2, 2)], STORE),  # from the future
        ([*TWO, read(1, 2, 1), read(3, 4, 0)], STORE),  # back
        ([write(0, 2, 2, "b"), write(3, 5, 1, "a")], STORE),  # numbers against time
        ([*TWO, read(6, 7, 3)], STORE),  # never applied
        (TWO, {1: "a"}),  # lost
        (TWO, {1: "a", 2: "a"}),  # replaced
        ([*TWO, write(3, 4, 0, "c", "refused")], {**STORE, 3: "c"}),  # refused, and done
        (TWO, {**STORE, 3: "x"}),  # nobody's
        ([*TWO, write(6, 7, 3, "b")], {**STORE, 3: "b"}),  # done twice
    ],
)
def test_what_could_not_have_happened_is_found(seen, store):
    assert violations(seen, store)


def test_any_order_within_overlaps_passes_and_any_stale_read_after_them_is_found():
    dice = random.Random(5)
    for _ in range(200):
        points = sorted(dice.uniform(0, 100) for _ in range(20))
        seen = [write(at - dice.random() * 9, at + dice.random() * 9, n, f"d{n}") for n, at in enumerate(points, 1)]
        seen += [
            read(at - dice.random(), at + dice.random(), sum(point <= at for point in points))
            for at in (dice.uniform(0, 100) for _ in range(20))
        ]
        store = {n: f"d{n}" for n in range(1, 21)}
        assert violations(seen, store) == []
        assert violations([*seen, read(200, 201, 19)], store)
