"""Routers with longest-prefix tables on any graph: what is said of loops and losses is what every address does."""

from __future__ import annotations

import pytest

from clos.controller.verify.proof.claims import LOOP_FREE
from clos.controller.verify.proof.invariants import NO_BLACK_HOLE, check_invariants
from tests.support.examples import EXAMPLES
from tests.support.routed_networks import KINDS, routed


def _agrees(seed: int) -> tuple[bool, bool]:
    network = routed(seed)
    report = check_invariants(network.topology, network.states).report
    assert report.refused is None, f"network {seed}: {report.refused}"
    refuted = {one.claim for one in report.counterexamples}
    found = LOOP_FREE in refuted, NO_BLACK_HOLE in refuted
    assert found == network.truth(), f"network {seed}: (loops, losses)"
    return found


def test_loops_and_losses_of_longest_prefix_routers_are_found_and_no_others() -> None:
    found = [_agrees(seed) for seed in range(max(30, EXAMPLES // 2))]
    loops, losses = (sum(column) for column in zip(*found, strict=True))
    assert loops and losses and loops < len(found) and losses < len(found)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1_000, 1_000 + 4 * EXAMPLES, 200))
def test_none_is_false_and_none_is_missed_among_many_networks(first: int) -> None:
    """2,000 networks with CLOS_EXAMPLES=500, as docs/performance.md has it."""
    found = [_agrees(seed) for seed in range(first, first + 200)]
    assert sum(loops for loops, _ in found) > 5


def test_graphs_of_every_kind_are_among_them() -> None:
    assert len({seed % len(KINDS) for seed in range(30)}) == len(KINDS)
