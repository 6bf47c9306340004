"""Answers as they are found, perhaps by several provers that each look at a part of what there is.

Must not know: how anything was found, processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clos.controller.verify.proof.claims import (
    CLAIMS,
    FAITHFUL,
    NO_WAYPOINT,
    REACHABLE,
    WAYPOINTED,
    Counterexample,
    Proof,
    Report,
)

SHOWN = 5
"""Counterexamples told in full, per claim."""


class Findings(NamedTuple):
    """What a prover found out. ``ports``: those it speaks of; ``sets``: into how many all packets were parted,
    ``wanted``: how many of them must arrive somewhere; ``found``: how many break a claim; ``told``: some of these,
    SHOWN of each claim; ``waypoints``: whether any policy has one.
    """

    ports: int
    sets: int
    wanted: int
    found: int
    told: tuple[Counterexample, ...]
    waypoints: bool


def report(parts: Sequence[Findings]) -> Report:
    """The answers to all claims, from what was found out of each part of the packets of the same ports."""
    whole = Findings(
        parts[0].ports,
        sum(part.sets for part in parts),
        sum(part.wanted for part in parts),
        sum(part.found for part in parts),
        tuple(one for part in parts for one in part.told),
        parts[0].waypoints,
    )
    shown: list[Counterexample] = []
    for claim in CLAIMS:
        shown += sorted((one for one in whole.told if one.claim == claim), key=lambda one: one.at)[:SHOWN]
    broken = {one.claim for one in whole.told}
    proofs = tuple(_proof(claim, whole) for claim in CLAIMS if claim not in broken)
    return Report(proofs, tuple(shown), None, whole.found)


def _proof(claim: str, whole: Findings) -> Proof:
    vacuous = None
    if not whole.ports:
        vacuous = "no host's port is up"
    elif claim in (REACHABLE, FAITHFUL) and not whole.wanted:
        vacuous = "the intent permits no packet"
    elif claim == WAYPOINTED and not whole.waypoints:
        vacuous = NO_WAYPOINT
    covered = f"all packets at {whole.ports} ports, in {whole.sets} sets"
    return Proof(claim, covered + (f", {whole.wanted} of them permitted" if whole.wanted else ""), vacuous)
