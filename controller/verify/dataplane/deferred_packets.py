"""Packets left at tables beyond the first of a switch: what these do is asked only for the packets in question.

Must not know: how outcomes are worked out, intents.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from clos.controller.verify.dataplane.group_table import BY_PORT
from clos.controller.verify.dataplane.locations import ANY_HOST_PORT, PipelinePoint
from clos.controller.verify.dataplane.memo import CachedOutcome
from clos.controller.verify.dataplane.outcome import (
    DEFERRED,
    DROPPED,
    LOOP,
    Alternative,
    Filtered,
    Outcome,
    Partition,
    Piece,
    Plain,
    any_of,
    arrives,
    both,
    joined,
    plain,
)
from clos.controller.verify.dataplane.pipeline import SwitchTraversal
from clos.controller.verify.dataplane.place_outcomes import PlaceOutcomes
from clos.controller.verify.dataplane.prepared_rule import PipelineState
from clos.controller.verify.effort import TooMuch
from clos.controller.verify.headerspace.header_space import TTL, Box, narrowed
from clos.controller.verify.headerspace.transform import UNCHANGED, image

MAX_HOPS = 32
"""Switches in a row. Of packets that go farther nothing is said, but for those that come back to where they were with
nothing changed but their time to live: that is a loop while they live."""

Trail = tuple[tuple[int, Box, Box], ...]
"""Places that packets were left at: the place's number, what they looked like there, which packets they are."""


class DeferredPackets:
    """The places that packets were left at, by number, and what becomes of the packets there."""

    def __init__(self, outcomes: PlaceOutcomes) -> None:
        self._outcomes = outcomes
        self._places: dict[int, PipelinePoint] = {}
        self._numbers: dict[PipelinePoint, int] = {}
        self._next = count()

    def leave(self, visit: SwitchTraversal, table: int, state: PipelineState) -> Partition | None:
        """Leave packets at a table, unless that depends on the port they came in by in ways that cannot be told."""
        layout = visit.model.layout
        visit.reads.asked(layout.dependents(table))
        matters = layout.apart(table)
        carried = visit.model.carried(state.write, visit.reads.reader)
        if matters is None or not carried.isdisjoint(BY_PORT):
            return None
        port = visit.port if visit.matters(matters | carried) else ANY_HOST_PORT
        place = PipelinePoint(visit.model.name, port, table, state.metadata, state.tunnel, state.write)
        number = self._numbers.get(place)
        if number is None:
            number = self._numbers[place] = next(self._next)
            self._places[number] = place
        return [(state.box, arrives(DEFERRED, number, state.frame))]

    def settled(self, parts: Partition) -> Partition:
        """The partition with nothing left for later."""
        if not any(_left(outcome) for _, outcome in parts):
            return parts
        return self._outcomes.ask(lambda: self._settled(parts))

    def drop_dead(self, outcomes: Iterable[CachedOutcome]) -> None:
        """Forget the places that none of these outcomes speaks of."""
        parts = (outcome for each in outcomes if each.summary for _, outcome in each.summary.parts)
        left = {a.port for outcome in parts for option in outcome for a in option if a.switch == DEFERRED}
        self._places = {number: place for number, place in self._places.items() if number in left}
        self._numbers = {place: number for number, place in self._places.items()}

    def _settled(self, parts: Partition) -> Partition:
        found: list[Piece] = []
        self._outcomes.effort.down()
        try:
            self._settle_all(parts, found)
        finally:
            self._outcomes.effort.up()
        return found

    def _settle_all(self, parts: Partition, found: list[Piece]) -> None:
        for box, outcome in parts:
            if isinstance(outcome, Filtered):
                kept = self._settle(box, outcome.kept, ())
                found += [(part, Filtered(outcome.filter, each) if each != DROPPED else each) for part, each in kept]
            else:
                found += self._settle(box, outcome, ())

    def _settle(self, box: Box, outcome: Outcome, trail: Trail) -> Plain:
        if not any(a.switch == DEFERRED for option in outcome for a in option):
            return [(box, outcome)]
        effort = self._outcomes.effort
        return plain(any_of([self._option(box, option, trail) for option in sorted(outcome)], effort))

    def _option(self, box: Box, option: Alternative, trail: Trail) -> Plain:
        found: Plain = [(box, frozenset({tuple(a for a in option if a.switch != DEFERRED)}))]
        for _, number, frame in (a for a in option if a.switch == DEFERRED):
            beyond = self._beyond(number, PipelineState(box, frame), trail)
            found = joined(found, beyond, both, self._outcomes.effort)
        return found

    def _beyond(self, number: int, state: PipelineState, trail: Trail) -> Plain:
        """What becomes of packets at a place that they were left at."""
        outcomes = self._outcomes
        outcomes.effort.spend(1)
        box = image(outcomes.space, state.box, state.frame, outcomes.live)
        here = number, box, state.box
        if here in trail or (len(trail) >= MAX_HOPS and _aged(here) in map(_aged, trail)):
            return [(state.box, arrives(LOOP, 0, UNCHANGED))]
        if len(trail) >= MAX_HOPS:
            raise TooMuch(f"ways of more than {MAX_HOPS} switches")
        parts = outcomes.read(outcomes.entry(self._places[number], box, False), state)
        if not any(_left(outcome) for _, outcome in parts):
            return parts
        way = (*trail, here)
        return [piece for part, outcome in parts for piece in self._settle(part, outcome, way)]


def _aged(at: tuple[int, Box, Box]) -> tuple[int, Box, Box]:
    """A place as packets were left there, whatever their time to live."""
    number, looks, which = at
    return number, narrowed(looks, TTL, 0), narrowed(which, TTL, 0)


def _left(outcome: Outcome | Filtered) -> bool:
    kept = outcome.kept if isinstance(outcome, Filtered) else outcome
    return any(a.switch == DEFERRED for option in kept for a in option)
