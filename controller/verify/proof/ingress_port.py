"""One host's port: which senders stand in which crowd, and the packets that have to be looked at by themselves.

Most packets of a sender end as those of its whole crowd do. Not so what goes back to its own host: a switch does not
send out of the port a packet came in by. Must not know: what crowds find out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from clos.controller.verify.dataplane.group_table import FLOODS
from clos.controller.verify.dataplane.outcome import (
    DEFERRED,
    DROPPED,
    Alternative,
    Filtered,
    Outcome,
    Partition,
    arrives,
)
from clos.controller.verify.dataplane.pipeline import SwitchTraversal
from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule, cut
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    IP_DST,
    LAYOUT,
    TAG_SLOTS,
    Box,
    meet,
    merged,
    outside,
    split,
    within,
)
from clos.controller.verify.headerspace.transform import UNCHANGED, preimage
from clos.controller.verify.proof.compare import Mismatch
from clos.controller.verify.proof.sender_class import Pair, PipelineEntry, SenderClass
from clos.controller.verify.proof.sender_classes import SenderClasses
from clos.controller.verify.spec.admissions import Admission
from clos.controller.verify.spec.requirements import Requirement, Requirements
from clos.controller.verify.spec.specification import Specification
from clos.fabric.topology import PortRef


class Violation(NamedTuple):
    """Packets of a port for which a claim does not hold; ``host``: the one concerned."""

    claim: str
    at: PortRef
    box: Box
    outcome: Outcome
    wanted: Requirement
    host: str
    alternative: Alternative


class Deferred(NamedTuple):
    """A table that packets are left at, and what they look like there."""

    table: int
    state: PipelineState


class Hairpin:
    """Packets of a port that are looked at by themselves."""

    __slots__ = ("box", "faults", "ingress")

    def __init__(self, ingress: IngressPort, box: Box) -> None:
        self.ingress, self.box = ingress, box
        self.faults: list[Violation] = []

    def look(self) -> None:
        self.faults = list(self.ingress.exact(self.box, self))


class PortReading:
    """One look at who may send what at a port, as the reader of what was met: the next look is another."""

    __slots__ = ("ingress",)

    def __init__(self, ingress: IngressPort) -> None:
        self.ingress = ingress


class IngressPort:
    """A host's port that is up. ``faults``: of packets that stand in no crowd; ``sets``: how many sets these were;
    ``reader``: who looked at it last."""

    __slots__ = ("_joined", "at", "faults", "reader", "sender_classes", "sets", "specials")

    def __init__(self, at: PortRef, sender_classes: SenderClasses) -> None:
        self.at, self.sender_classes = at, sender_classes
        self._joined: dict[tuple[SenderClass, Pair], None] = {}
        self.faults: list[Violation] = []
        self.specials: list[Hairpin] = []
        self.sets = 0
        self.reader = PortReading(self)

    def leave(self) -> list[tuple[SenderClass, Pair]]:
        """Stand in no crowd any more; those it left."""
        left, self._joined = list(self._joined), {}
        for sender_class, pair in left:
            self.sender_classes.leave(sender_class, pair, self.at)
        return left

    def look(self) -> list[tuple[SenderClass, Pair]]:
        """See who may send what, and where that leads; the crowds that the port's senders stand in now."""
        self.reader = PortReading(self)
        self.sender_classes.looks += 1
        known = {one.box: one for one in self.specials}  # who looks at the same packets again is not another reader
        self.faults, self.specials, self.sets = [], [], 0
        boxes: list[Box] = []
        with self.sender_classes.fabric.reading(self.reader):
            for box, outcome, left in self._pieces():
                if left is None:
                    self.sets += 1
                    if outcome != DROPPED or self._anybody_may(box):
                        self.faults += self._judged(box, outcome)
                else:
                    boxes += self._table_visit(box, left)
        self.specials = [known.get(box) or Hairpin(self, box) for box in merged(boxes, (IP_DST, ETH_DST))]
        self.sets += len(self.specials)
        return list(self._joined)

    def _pieces(self) -> Iterator[tuple[Box, Outcome | Filtered, Deferred | None]]:
        """All packets in parts: each with its outcome, or with the table that it is left at and its looks there."""
        fabric = self.sender_classes.fabric
        model = fabric.models[self.at.switch]
        class_tables = model.layout.class_tables()
        left: list[Deferred] = []

        def defer(visit: SwitchTraversal, table: int, state: PipelineState) -> Partition | None:
            if visit.model is not model or visit.port != self.at.port or table not in class_tables:
                return None
            if not model.carried(state.write, fabric.reads.reader).isdisjoint(FLOODS):
                return None
            left.append(Deferred(table, state))
            return [(state.box, arrives(DEFERRED, len(left) - 1, UNCHANGED))]

        found = fabric.entering(self.at, fabric.space.full, None, defer)
        if not all(_whole(outcome) for _, outcome in found):
            yield from ((box, outcome, None) for box, outcome in fabric.entering(self.at, fabric.space.full))
            return
        for box, outcome in found:
            number = _number(outcome)
            if number is None:
                yield from ((part, each, None) for part, each in fabric.settled([(box, outcome)]))
            else:
                yield box, outcome, left[number]

    def _table_visit(self, box: Box, left: Deferred) -> Iterator[Box]:
        """Let senders of these packets stand where they are left; the packets to be looked at by themselves."""
        table, state = left
        sender_classes = self.sender_classes
        mine, rest = self._control(box)
        for part in mine:
            self.sets += 1
            self.faults += self.exact(part, self.reader)
        for part, senders in (each for one in rest for each in self._senders(one)):
            pair = senders[0] and senders[0].profile, senders[-1] and senders[-1].profile
            if pair == (None, None):
                self.sets += 1
                self.faults += self.exact(part, self.reader)
                continue
            start = PipelineEntry(self.at.switch, table, state._replace(box=_anybody(sender_classes.space.full, part)))
            self._joined[sender_classes.join(start, pair, self.at, part), pair] = None
        # Whole, with what is for the controller: cut into what is left of each, there would be many times as many.
        for part, senders in self._senders(box) if rest else ():
            for expectation, sender in zip(sender_classes.expectations, senders, strict=True):
                yield from expectation.beside(sender, part) if sender is not None else ()
            yield from self._by_port(part, table, state) if any(senders) else ()

    def _control(self, box: Box) -> tuple[list[Box], list[Box]]:
        """The packets of a box that are for the controller by any expectation, and the others."""
        mine: list[Box] = []
        rest = [box]
        host = self.sender_classes.fabric.hosts[self.at]
        for limits, _ in chain.from_iterable(each.control(host) for each in self.sender_classes.expectations):
            found, rest = split(rest, limits)
            mine += found
        return mine, rest

    def _senders(self, box: Box) -> Iterator[tuple[Box, tuple[Admission | None, ...]]]:
        """The box in parts by who may send them: by each expectation that may hold."""
        now, old = self.sender_classes.now, self.sender_classes.old
        for part, sender in self._admitted(now, box):
            if old is None:
                yield part, (sender,)
            else:
                yield from ((piece, (sender, before)) for piece, before in self._admitted(old, part))

    def _admitted(self, expectation: Specification, box: Box) -> Iterator[tuple[Box, Admission | None]]:
        left = [box]
        for admission in expectation.admissions(self.sender_classes.fabric.hosts[self.at], box):
            rest: list[Box] = []
            for part in left:
                taken = within(part, admission.limits)
                if taken is None:
                    rest.append(part)
                else:
                    yield taken, admission
                    rest += outside(part, admission.limits)
            left = rest
        yield from ((part, None) for part in left)

    def _anybody_may(self, box: Box) -> bool:
        """Whether any endpoint of the port's host may send some of these packets, or they are for the controller."""
        if self._control(box)[0]:
            return True
        host = self.sender_classes.fabric.hosts[self.at]
        every = (each for expectation in self.sender_classes.expectations for each in expectation.admissions(host, box))
        return any(within(box, admission.limits) is not None for admission in every)

    def _by_port(self, box: Box, table: int, state: PipelineState) -> Iterator[Box]:
        """The packets that rules for this very port may take, beyond the table that a crowd stands at."""
        model, space = self.sender_classes.fabric.models[self.at.switch], self.sender_classes.space
        kept = model.layout.kept(table)
        for number in model.layout.reached(table):
            rules = [one for one in model.table(number).at_port(self.at.port) if _agrees(one, state.metadata, kept)]
            if rules and not model.layout.untouched(table, number):
                yield box
                continue
            ways = model.layout.between(table, number) if rules and number != table else ((),)
            for part in [preimage(space, box, state.frame, limits) for limits in ways] if rules else ():
                if part is not None:
                    yield from (some for one in rules if (some := cut(space, one, part, state.frame)[0]) is not None)

    # -- one by one --------------------------------------------------------------------------------------------------

    def exactly(self, box: Box, sender_class: SenderClass, pair: Pair) -> Iterator[Violation]:
        """What is wrong with packets of a crowd when they are the ones of this port."""
        for own in sender_class.members[pair].get(self.at, ()):
            part = meet(box, own)
            if part is not None:
                yield from self.exact(part, sender_class)

    def exact(self, box: Box, reader: object) -> Iterator[Violation]:
        """What is wrong with packets of the port, whatever may be said of others."""
        fabric = self.sender_classes.fabric
        with fabric.reading(reader):
            parts = fabric.entering(self.at, box)
        for piece, outcome in parts:
            yield from self._judged(piece, outcome)

    def _judged(self, box: Box, outcome: Outcome | Filtered) -> Iterator[Violation]:
        if not self._mismatches(box, outcome):
            return
        for every in self.sender_classes.space.everything():
            part = meet(every, box)
            for mismatches in self._mismatches(part, outcome) if part is not None else ():
                for claim, host, alternative in self.sender_classes.judge.faults(
                    mismatches, self.sender_classes.expectations
                ):
                    yield Violation(
                        claim, self.at, mismatches.box, mismatches.outcome, mismatches.wanted, host, alternative
                    )

    def _mismatches(self, box: Box, outcome: Outcome | Filtered) -> list[Mismatch]:
        now, old = self.sender_classes.now, self.sender_classes.old

        def before(part: Box) -> list[Requirements]:
            return old.at(self.at, part) if old is not None else []

        if old is None:
            return self.sender_classes.judge.mismatches(box, outcome, now.at(self.at, box))
        movers = self.sender_classes.movers
        return self.sender_classes.judge.mismatches(box, outcome, now.at(self.at, box), before, movers)


def _anybody(full: Box, box: Box) -> Box:
    """The packets of a box, whoever sends them and whatever they say beyond their shape and tags."""
    wide = list(full)
    for slot in (LAYOUT, *TAG_SLOTS):
        wide[slot] = box[slot]
    return tuple(wide)


def _number(outcome: Outcome | Filtered) -> int | None:
    """The number of the one place that packets are left at; None when they are not left."""
    if isinstance(outcome, Filtered) or len(outcome) != 1:
        return None
    (option,) = outcome
    return option[0].port if len(option) == 1 and option[0].switch == DEFERRED else None


def _whole(outcome: Outcome | Filtered) -> bool:
    """Whether packets are left as they are, or not at all."""
    if isinstance(outcome, Filtered) or _number(outcome) is not None:
        return True
    return not any(a.switch == DEFERRED for option in outcome for a in option)


def _agrees(prepared: PreparedRule, metadata: int, kept: int) -> bool:
    """Whether a rule may take packets with this metadata, of which these bits are kept."""
    value, mask = prepared.metadata
    return not (value ^ metadata) & mask & kept
