"""Whether what becomes of packets is what must: the difference, and the claim that it breaks.

Must not know: how either was found, how packets are grouped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from clos.controller.verify.dataplane.outcome import (
    LOOP,
    AclFilter,
    Alternative,
    Arrival,
    Filtered,
    Outcome,
    plain,
)
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    LAYOUT,
    Box,
    HeaderSpace,
    Limits,
    meet,
    minus,
    within,
)
from clos.controller.verify.headerspace.transform import HeaderTransform, canonical
from clos.controller.verify.proof.claims import (
    ADMITTED,
    FAITHFUL,
    ISOLATED,
    LOOP_FREE,
    POLICY,
    QUIET,
    REACHABLE,
    WAYPOINTED,
)
from clos.controller.verify.spec.intent_terms import MULTICAST
from clos.controller.verify.spec.requirements import (
    TO_CONTROLLER,
    ConditionalRequirement,
    Requirement,
    Requirements,
    requirement_cases,
)
from clos.controller.verify.spec.specification import OWN_HOST, Specification
from clos.fabric.dataplane.action import CONTROLLER, IN_PORT
from clos.fabric.topology import PortRef

Wants = Callable[[Box], Iterable[Requirements]]
"""What must become of the packets of a box: a partition of it, or of more."""
Movers = Callable[[Box, Requirement, Requirement], Iterable[Requirements]]
"""What must become of packets whose sender only one of two requirements knows here: from where the other intent has it.
"""
Spot = tuple[str, HeaderTransform]
"""A host, and what arrives there looks like."""


class Mismatch(NamedTuple):
    """Packets whose outcome is not what is wanted."""

    box: Box
    outcome: Outcome
    wanted: Requirement


class OutcomeComparison:
    """Compares outcomes with an expectation; ``old``: or with another that may hold just as well, packet by packet.

    ``hosts``: by port; ``cut_off``: hosts that nothing can reach, of which nothing is expected.
    """

    def __init__(self, space: HeaderSpace, hosts: dict[PortRef, str], cut_off: frozenset[str]) -> None:
        self.space, self.hosts, self.cut_off = space, hosts, cut_off
        self._every = space.everything()
        self._many = space.domain[ETH_DST].of(MULTICAST, MULTICAST)
        self._alike: dict[tuple[int, int], tuple[bool, AclFilter, tuple[Limits, ...]]] = {}
        self.made = 0

    def mismatches(
        self,
        box: Box,
        outcome: Outcome | Filtered,
        requirements: Iterable[Requirements],
        old: Wants | None = None,
        movers: Movers | None = None,
    ) -> list[Mismatch]:
        """The packets of a box for which the outcome is neither what is wanted nor what was wanted before."""
        found: list[Mismatch] = []
        for part, requirement in requirements:
            common = part if part == box else meet(part, box)
            if common is not None:
                found += self._mismatches(common, outcome, requirement)
        return found if old is None else [each for one in found for each in self._still(one, old(one.box), movers)]

    def _mismatches(
        self, box: Box, outcome: Outcome | Filtered, requirement: Requirement | ConditionalRequirement
    ) -> Iterator[Mismatch]:
        """Packets are judged together when policy's filter is the very set of packets that are permitted."""
        if isinstance(outcome, Filtered) and isinstance(requirement, ConditionalRequirement):
            same = self.alike(outcome.filter, requirement.permits)
            if same and (not requirement.permits or self.agrees(box, outcome.kept, requirement.yes)):
                return
        for part, each in plain([(box, outcome)]):
            for piece, wanted in requirement_cases(part, requirement):
                if not self.agrees(piece, each, wanted) and any(meet(piece, every) for every in self._every):
                    yield Mismatch(piece, each, wanted)

    def _still(self, one: Mismatch, before: Iterable[Requirements], movers: Movers | None) -> Iterator[Mismatch]:
        """What of it is not what was wanted before either, nor what is wanted of a sender that stands elsewhere."""
        for part, requirement in before:
            common = meet(part, one.box)
            for piece, wanted in requirement_cases(common, requirement) if common is not None else ():
                if self.agrees(piece, one.outcome, wanted) or self._between(piece, one.outcome, one.wanted, wanted):
                    continue
                for left in self._unmoved(piece, one, wanted, movers) if movers is not None else [piece]:
                    yield Mismatch(left, one.outcome, one.wanted)

    def _unmoved(self, box: Box, one: Mismatch, before: Requirement, movers: Movers) -> list[Box]:
        """The packets of a box that do not end as those of their sender do from where the other intent has it."""
        left = [box]
        known = before if one.wanted.sender is None else one.wanted
        for part, requirement in movers(box, one.wanted, before):
            for piece, wanted in requirement_cases(part, requirement):
                if self.agrees(piece, one.outcome, wanted) or self._between(piece, one.outcome, known, wanted):
                    left = [rest for some in left for rest in minus(some, piece)]
        return left

    def _between(self, box: Box, outcome: Outcome, one: Requirement, other: Requirement) -> bool:
        """Whether copies for many go to all that must have one by both, and to none that must not by either."""
        if box[ETH_DST] & ~self._many or any(self._bad(each) for each in outcome):
            return False
        new, old = self._must(box, one), self._must(box, other)
        return all((new & old) <= does <= (new | old) for does in (self._does(box, each, ()) for each in outcome))

    def alike(self, acl_filter: AclFilter, permits: tuple[Limits, ...]) -> bool:
        """Whether the filter keeps exactly the IPv4 packets that are permitted."""
        key = id(acl_filter), id(permits)
        if key not in self._alike:
            self.made += 1
            every = within(self.space.full, ((LAYOUT, self.space.shapes.ip4),)) or self.space.full
            kept = [part for limits, keeps in acl_filter.rows if keeps and (part := within(every, limits))]
            permitted = [part for limits in permits if (part := within(every, limits))]
            self._alike[key] = not _beyond(kept, permitted) and not _beyond(permitted, kept), acl_filter, permits
        return self._alike[key][0]

    @property
    def size(self) -> int:
        return len(self._alike)

    def drop_dead(self, filters: set[int], permits: set[int]) -> None:
        """Forget comparisons but of these filters with these permits, each by ``id``."""
        self._alike = {
            (one, other): known for (one, other), known in self._alike.items() if one in filters and other in permits
        }

    def agrees(self, box: Box, outcome: Outcome, wanted: Requirement) -> bool:
        if not any(outcome) and not wanted.arrivals:
            return True
        if len(outcome) == 1 and len(wanted.arrivals) == 1 and not wanted.free and not self.cut_off:
            (alternative,) = outcome
            if len(alternative) == 1:
                return self._one(box, alternative[0], wanted.arrivals[0])
        must = self._must(box, wanted)
        return all(self._fits(box, alternative, wanted, must) for alternative in outcome)

    def _one(self, box: Box, arrival: Arrival, due: Spot) -> bool:
        """Whether the only copy arrives at the only host that must get one, looking as it should."""
        switch, port, frame = arrival
        if switch == LOOP or self._host(switch, port) != due[0]:
            return False
        return frame == due[1] or canonical(self.space, box, frame) == canonical(self.space, box, due[1])

    def _fits(self, box: Box, alternative: Alternative, wanted: Requirement, must: Counter[Spot]) -> bool:
        if self._bad(alternative):
            return False
        return self._does(box, alternative, wanted.free) == must

    @staticmethod
    def _bad(alternative: Alternative) -> bool:
        """What no intent would have: a loop."""
        return any(a.switch == LOOP for a in alternative)

    def _host(self, switch: str, port: int) -> str:
        """Who gets what leaves a switch by a port."""
        if port == IN_PORT:
            return OWN_HOST
        return TO_CONTROLLER if port == CONTROLLER else self.hosts[PortRef(switch, port)]

    def _does(self, box: Box, alternative: Alternative, free: tuple[str, ...]) -> Counter[Spot]:
        does: Counter[Spot] = Counter()
        for switch, port, frame in alternative:
            if switch != LOOP and (host := self._host(switch, port)) not in free:
                does[host, canonical(self.space, box, frame)] += 1
        return does

    def _must(self, box: Box, wanted: Requirement) -> Counter[Spot]:
        arrivals = ((host, canonical(self.space, box, frame)) for host, frame in wanted.arrivals)
        return Counter(spot for spot in arrivals if spot[0] not in self.cut_off)

    # -- which claim it is -------------------------------------------------------------------------------------------

    def faults(
        self, one: Mismatch, expectations: tuple[Specification, ...], box: Box | None = None
    ) -> Iterator[tuple[str, str, Alternative]]:
        """The claims that are broken, each once: (claim, host concerned, what happens)."""
        must = self._must(box or one.box, one.wanted)
        seen: set[str] = set()
        for alternative in sorted(one.outcome):
            for claim, host in self._broken(box or one.box, alternative, one.wanted, must, expectations):
                if claim not in seen:
                    seen.add(claim)
                    yield claim, host, alternative

    def _broken(
        self,
        box: Box,
        alternative: Alternative,
        wanted: Requirement,
        must: Counter[Spot],
        expectations: tuple[Specification, ...],
    ) -> Iterator[tuple[str, str]]:
        for switch, port, _ in alternative:
            if switch == LOOP:
                yield LOOP_FREE, ""
            elif port == CONTROLLER and all(host != TO_CONTROLLER for host, _ in must):
                yield QUIET, switch
        does = self._does(box, alternative, wanted.free)
        if does == must:
            return
        due, got = ({host for host, _ in places} for places in (must, does))
        for host in sorted(got - due - {TO_CONTROLLER}):
            if wanted.later is not None:
                yield WAYPOINTED, host
            if wanted.later != host:
                yield self._leak(host, wanted, expectations), host
        for host in sorted(due - got):
            yield REACHABLE, host
        if due == got:
            yield FAITHFUL, min((host for host, _ in (does - must) + (must - does)), default="")

    def _leak(self, host: str, wanted: Requirement, expectations: tuple[Specification, ...]) -> str:
        """Which claim is broken when the host gets a packet that it must not get."""
        if wanted.sender is None:
            return ADMITTED
        if host == OWN_HOST:
            return POLICY
        return POLICY if any(wanted.sender[0] in each.tenants_at(host) for each in expectations) else ISOLATED


def _beyond(some: list[Box], others: list[Box]) -> list[Box]:
    """What is in some of these boxes and in none of the others."""
    for other in others:
        some = [part for box in some for part in minus(box, other)]
    return some
