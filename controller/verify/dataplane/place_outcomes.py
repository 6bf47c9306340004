"""What becomes of packets at a place: a link's end, a group, a table. Worked out once, for fresh variables.

Lives here: which packets are taken together, how far they are followed, when they are in a loop. Packets are taken with
all others of their tag where that can be, else by themselves. Must not know: what a switch does to packets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from clos.controller.verify.dataplane.locations import ANY_LINK, PortMatters
from clos.controller.verify.dataplane.memo import CachedOutcome, OutcomeMemo, ReadLog, Where
from clos.controller.verify.dataplane.outcome import LOOP, Partition, Plain, arrives, plain
from clos.controller.verify.dataplane.prepared_rule import PipelineState
from clos.controller.verify.dataplane.summary import Summary, SummaryPool
from clos.controller.verify.effort import PER_PLACE, Effort, TooMuch, room
from clos.controller.verify.headerspace.header_space import PCP, TTL, VID, Box, HeaderSpace, narrowed
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform, image
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.topology import PortRef

MAX_DEPTH = 64
"""Switches and groups in a row. Of packets that go farther nothing is said, but for those that come back to where they
were with nothing changed but their time to live: that is a loop while they live."""

T = TypeVar("T")


class _Step(NamedTuple):
    """A place on the way of packets. ``fewer``: not all of the place before come here, their time to live aside."""

    depth: int
    fewer: bool


class _TooWide(Unmodelled):
    """Packets taken together that have to be told apart."""


class PlaceOutcomes:
    """Outcomes by place and box. ``live``: the slots that decide what becomes of packets on links; ``follow`` works out
    what becomes of packets at a place, and may ask for others meanwhile."""

    def __init__(
        self, space: HeaderSpace, live: tuple[int, ...], reads: ReadLog, follow: Callable[[CachedOutcome], Partition]
    ) -> None:
        self.space, self.live, self._log, self._follow = space, live, reads, follow
        self.memo, self.effort = OutcomeMemo(), Effort()
        self._summaries = SummaryPool()
        self._reads: dict[tuple[int, Box, HeaderTransform], tuple[Summary, Plain]] = {}
        self._crossed: dict[tuple[str, Box, HeaderTransform], tuple[CachedOutcome, Plain]] = {}
        self._too_wide: set[tuple[Where, Box]] = set()
        self._by_port: set[tuple[Where, Box]] = set()
        self._stack: dict[tuple[Where, Box], _Step] = {}
        self._cut = MAX_DEPTH
        self._exact = False

    def forget_reads(self) -> None:
        """Rules are others now: forget what was read from outcomes; the outcomes themselves know their readers."""
        for memory in (self._reads, self._crossed):
            memory.clear()
        self._too_wide.clear()
        self._by_port.clear()

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question. One that costs too much when packets are taken together that need not be told
        apart is asked once more with every set of packets by itself, and so are all that follow."""
        if self.effort.level:
            return question()
        with room():
            try:
                return question()
            except TooMuch:
                if self._exact:
                    raise
            self._exact = True
            return question()

    def crossing(self, there: PortRef, state: PipelineState) -> Plain:
        """What becomes of packets that come in by a link."""
        key = there.switch, state.box, state.frame
        known = self._crossed.get(key)
        if known is not None and there.port not in known[0].ports:
            self._log.asked(known[0].users)
            return known[1]
        entry, parts = self.ask(lambda: self._recalled(there, state, False))
        if self._stack and entry.place.port == ANY_LINK:
            self._crossed[key] = entry, parts
        return parts

    def recall(self, where: Where, state: PipelineState, broad: bool) -> Plain:
        """What becomes of packets at a place: remembered, for all packets at once where that can be.

        ``broad``: whatever their outermost tag is.
        """
        return self.ask(lambda: self._recalled(where, state, broad))[1]

    def again(self, entry: CachedOutcome) -> CachedOutcome | None:
        """An outcome worked out once more; None when that cannot be done."""
        try:
            return self.ask(lambda: self.entry(entry.place, entry.box, entry.wide))
        except (Unmodelled, PortMatters):
            return None

    def read(self, entry: CachedOutcome, state: PipelineState) -> Plain:
        """What an outcome says of packets that were changed before they came there."""
        summary = entry.summary
        if summary is None:
            raise Unmodelled(f"what becomes of packets at {entry.place}")
        if not self._stack:
            return summary.read(self.space, state.box, state.frame, self.effort)
        key = summary.serial, state.box, state.frame
        if key not in self._reads:
            self._reads[key] = summary, summary.read(self.space, state.box, state.frame, self.effort)
        return self._reads[key][1]

    def _recalled(self, where: Where, state: PipelineState, broad: bool) -> tuple[CachedOutcome, Plain]:
        box = None if broad else image(self.space, state.box, state.frame, self.live)
        wide = self.space.full if box is None else _same_tag(self.space.full, box)
        if not self._exact and (where, wide) not in self._too_wide:
            try:
                entry = self.entry(where, wide, wide != box, state.box)
                return entry, self.read(entry, state)
            except TooMuch:
                raise
            except Unmodelled:
                if wide == box:
                    raise
                self._too_wide.add((where, wide))
        box = image(self.space, state.box, state.frame, self.live) if box is None else box
        entry = self.entry(where, box, False, state.box)
        return entry, self.read(entry, state)

    # -- working out ---------------------------------------------------------------------------------------------------

    def entry(self, place: Where, box: Box, wide: bool, part: Box | None = None) -> CachedOutcome:
        """What is known of a box at a place; worked out once. ``part``: the packets that come to be it, of those at the
        place before."""
        if isinstance(place, PortRef) and place.port != ANY_LINK:
            shared = self._by_any_link(place, box, wide, part)
            if shared is not None:
                return shared
        found = self.memo.get(place, box)
        if found is None:
            found = self._made(place, box, wide, part)
        self._log.asked(found.users)
        return found

    def _by_any_link(self, at: PortRef, box: Box, wide: bool, part: Box | None) -> CachedOutcome | None:
        """What is known of a box that comes in by any link of a switch, when this one is no exception."""
        place = PortRef(at.switch, ANY_LINK)
        key = place, box
        if key in self._by_port or key in self._stack:
            return None
        try:
            found = self.entry(place, box, wide, part)
        except PortMatters:
            self._by_port.add(key)
            return None
        return None if at.port in found.ports else found

    def _made(self, place: Where, box: Box, wide: bool, part: Box | None) -> CachedOutcome:
        key, depth = (place, box), len(self._stack)
        step = _Step(depth, self._fewer(part))
        self.effort.spend(PER_PLACE)
        self.memo.made += 1
        found = CachedOutcome(place, box, wide)
        if key in self._stack or depth >= MAX_DEPTH:
            found.summary = self._loop(key, step, wide)
            return found
        before, self._cut = self._cut, MAX_DEPTH
        reader, self._log.reader = self._log.reader, found
        self._stack[key] = step
        try:
            found.summary = self._summaries.interned(box, plain(self._follow(found)))
            if self._cut >= depth:
                self.memo.add(found)
        finally:
            del self._stack[key]
            self._log.reader = reader
            self._cut = min(before, self._cut if self._cut < depth else MAX_DEPTH)
        return found

    def _loop(self, key: tuple[Where, Box], step: _Step, wide: bool) -> Summary:
        """Packets that come back to a place, or are far on their way: in a loop if they come back as they were."""
        place, box = key
        if wide:
            raise _TooWide(f"all packets at {place} at once")
        since = self._since(key)
        if since is None or any(one.fewer for one in (*list(self._stack.values())[since + 1 :], step)):
            raise TooMuch(f"ways of more than {MAX_DEPTH} switches and groups")
        self._cut = min(self._cut, self._stack[key].depth if key in self._stack else 0)
        return self._summaries.new(box, [(box, arrives(LOOP, 0, UNCHANGED))])

    def _fewer(self, part: Box | None) -> bool:
        """Whether the packets that come from the last place are not all of those there, their time to live aside."""
        if part is None or not self._stack:
            return True
        *_, (_, whole) = self._stack
        return any(part[slot] != whole[slot] for slot in self.live if slot != TTL)

    def _since(self, key: tuple[Where, Box]) -> int | None:
        """When packets were at a place before that look the same but for their time to live; None: never."""
        if key in self._stack:
            return self._stack[key].depth
        aged = key[0], narrowed(key[1], TTL, 0)
        return next((i for i, (place, box) in enumerate(self._stack) if (place, narrowed(box, TTL, 0)) == aged), None)


def _same_tag(full: Box, box: Box) -> Box:
    """All packets with the outermost tag of these."""
    wide = list(full)
    wide[VID], wide[PCP] = box[VID], box[PCP]
    return tuple(wide)
