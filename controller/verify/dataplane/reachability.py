"""Where all packets of a port may end up: switches joined by links, whose rules may be edited.

What becomes of packets that enter a switch from a link, or a group, is worked out once for fresh variables, and then
read through whatever was done to a packet before. Packets that go on to a table of a switch beyond the first are left
*ahead*: what that table does is asked only for the packets in question. Whoever reads something is remembered as its
user, so that an edit tells exactly who must look again. Loops are found where a packet comes back to a place as it was.
Must not know: intents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from clos.controller.verify.dataplane.flow_table import Pool, RegisterContext
from clos.controller.verify.dataplane.header_actions import touches
from clos.controller.verify.dataplane.locations import (
    ANY_HOST_PORT,
    ANY_LINK,
    GroupPoint,
    PipelinePoint,
    PortMatters,
    TraceSink,
)
from clos.controller.verify.dataplane.memo import CachedOutcome, Dependent, OutcomeMemo, Reading, Where
from clos.controller.verify.dataplane.outcome import (
    DEFERRED,
    DROPPED,
    LOOP,
    AclFilter,
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
from clos.controller.verify.dataplane.pipeline import Defer, SwitchTraversal
from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule, prepare
from clos.controller.verify.dataplane.summary import Summary
from clos.controller.verify.dataplane.symbolic_switch import BY_PORT, Changes, Filters, SymbolicSwitch
from clos.controller.verify.effort import PER_PLACE, Effort, TooMuch, room
from clos.controller.verify.headerspace.header_layouts import ANY_LAYER
from clos.controller.verify.headerspace.header_space import (
    FIELD,
    LAYOUT,
    PCP,
    SLOTS,
    TAG_SLOTS,
    TTL,
    VID,
    Box,
    HeaderSpace,
    narrowed,
)
from clos.controller.verify.headerspace.header_terms import terms_of_groups, terms_of_rules
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform, image
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import PortRef, Topology

MAX_HOPS, MAX_DEPTH = 32, 64
"""Switches in a row, and switches and groups in a row. Of packets that go farther nothing is said, but for those that
come back to where they were with nothing changed but their time to live: that is a loop while they live."""

MAX_TOLD = 1_000
"""Switches on the way of one packet that a trace tells of."""

Trail = tuple[tuple[int, Box, Box], ...]
"""Places that packets were left at: the place's number, what they looked like there, which packets they are."""
T = TypeVar("T")


class _Step(NamedTuple):
    """A place on the way of packets. ``fewer``: not all of the place before come here, their time to live aside."""

    depth: int
    fewer: bool


class SwitchEdit(NamedTuple):
    """What is to change on a switch: rules that go (by table, priority and match) and come, groups (None: gone)."""

    gone: tuple[Rule, ...] = ()
    come: tuple[Rule, ...] = ()
    groups: Mapping[int, GroupEntry | None] = {}


class FreshProofNeeded(Exception):
    """An edit that needs packets told apart in ways that cannot be had without starting over."""


class _TooWide(Unmodelled):
    """Packets taken together that have to be told apart."""


class SymbolicFabric:
    """A fabric's rules on its links, some of its ports ``down``. Raises Unmodelled for what it cannot reason about.

    ``reader``: on whose behalf things are read; it must be hashable, and hears of edits by what ``edit`` returns.
    """

    def __init__(
        self,
        topology: Topology,
        states: Mapping[str, SwitchState],
        space: HeaderSpace,
        down: frozenset[PortRef] = frozenset(),
    ) -> None:
        self.topology, self.space = topology, space
        self.peers, self.hosts = topology.peers, topology.host_at
        self.down = down | {self.peers[port] for port in down if port in self.peers}
        self.reader: Any = None
        self._serials = count()
        self._rule_serials: dict[tuple[int, int, Match, Instructions], int] = {}
        self._next_rule = count()
        self._changed: Changes = {}
        self._shared: tuple[Pool, Filters, Changes] = WeakValueDictionary(), {}, self._changed
        self._links: dict[str, set[int]] = {name: set() for name in states}
        for port in self.peers:
            self._links.setdefault(port.switch, set()).add(port.port)
        prepared: dict[int, PreparedRule] = {}
        self.models = {name: self._model(name, state, prepared) for name, state in states.items()}
        self._ready: WeakValueDictionary[int, PreparedRule] = WeakValueDictionary(prepared)
        self._reached: dict[str, set[int]] = {}
        self.live: tuple[int, ...] = tuple(sorted(self._looked_at()))
        self.memo = OutcomeMemo()
        self._equal: WeakValueDictionary[object, Summary] = WeakValueDictionary()
        self._by_parts: WeakValueDictionary[int, Summary] = WeakValueDictionary()
        self._reads: dict[tuple[int, Box, HeaderTransform], tuple[Summary, Plain]] = {}
        self._crossed: dict[tuple[str, Box, HeaderTransform], tuple[CachedOutcome, Plain]] = {}
        self._too_wide: set[tuple[Where, Box]] = set()
        self._by_port: set[tuple[Where, Box]] = set()
        self._stack: dict[tuple[object, Box], _Step] = {}
        self._cut = MAX_DEPTH
        self.effort = Effort()
        self._exact = False
        self._retraced = 0
        self._places: dict[int, PipelinePoint] = {}
        self._next_place = count()
        self._numbers: dict[PipelinePoint, int] = {}

    def _model(self, name: str, state: SwitchState, known: dict[int, PreparedRule]) -> SymbolicSwitch:
        held: list[PreparedRule] = []
        for rule in state.rules:
            prepared = known.get(id(rule))
            if prepared is None:
                prepared = known[id(rule)] = self._prepare(rule)
            held.append(prepared)
        dead = frozenset(port.port for port in self.down if port.switch == name)
        ports = self.topology.ports.get(name, ())
        return SymbolicSwitch(name, self.space, held, state.groups, ports, self._links[name], dead, self._shared)

    def _prepare(self, rule: Rule) -> PreparedRule:
        """A rule prepared; rules that do the same to the same packets have one serial, whatever their cookies."""
        key = rule.table, rule.priority, rule.match, rule.instructions
        serial = self._rule_serials.get(key)
        if serial is None:
            serial = self._rule_serials[key] = next(self._next_rule)
        return prepare(rule, self.space, serial)

    # -- edits ---------------------------------------------------------------------------------------------------

    def edit(self, edits: Mapping[str, SwitchEdit]) -> list[Dependent]:
        """Change switches. Those readers to whom something may look different now. StartOver when it cannot be done;
        nothing can be asked of the fabric then."""
        for edit in edits.values():
            groups = [entry for entry in edit.groups.values() if entry is not None]
            if not self.space.grow(terms_of_rules(edit.come) | terms_of_groups(groups)):
                raise FreshProofNeeded
        self._forget_reads()
        come = {name: [self._prepared(rule) for rule in edit.come] for name, edit in edits.items()}
        for name, edit in edits.items():
            self._check(name, come[name], edit.groups)
        users: list[Dependent] = []
        for name, edit in edits.items():
            model = self.models[name]
            gone = [held for rule in edit.gone if (held := self._held(model, rule)) is not None]
            users += model.edit(gone, come[name], edit.groups)
        return self.memo.invalidate(users, self._again)

    def states(self) -> dict[str, SwitchState]:
        """What switches hold, in no order."""
        return {
            name: SwitchState(
                tuple([prepared.rule for table in model.tables.values() for prepared in table.every()]),
                tuple(model.groups.values()),
                (),
            )
            for name, model in self.models.items()
        }

    def _forget_reads(self) -> None:
        for memory in (self._reads, self._crossed, self._changed):
            memory.clear()
        self._too_wide.clear()
        self._by_port.clear()

    def reading(self, reader: Any) -> Reading:
        """Within it, whatever is read is read on behalf of this reader."""
        return Reading(self, reader)

    # -- what is dead ----------------------------------------------------------------------------------------------

    def drop_filters(self) -> dict[int, AclFilter]:
        """Drop the filters of rules that nobody meets together any more; those that stay, by ``id``."""
        cells = (cell for model in self.models.values() for table in model.tables.values() for cell in table.cells())
        held = {id(cell.candidates) for cell in cells}
        for model in self.models.values():
            model.forget_filters()
        filters = self._shared[1]
        for key in [key for key in filters if any(number not in held for _, number in key)]:
            del filters[key]
        return {id(each): each for each, _ in filters.values() if each is not None}

    def drop_rules(self) -> set[int]:
        """Forget the serials of rules that no switch holds; those that stay."""
        held = {prepared.serial for prepared in self._ready.values()}
        self._rule_serials = {key: serial for key, serial in self._rule_serials.items() if serial in held}
        return held

    def drop_dead(self, living: set[Any]) -> None:
        """Drop what none of these readers rests on."""
        self._forget_reads()
        models = self.models.values()
        outcomes = self.memo.drop_dead([readers for model in models for readers in model.registers()], living)
        for model in models:
            model.drop_unread()
        parts = (outcome for each in outcomes if each.summary for _, outcome in each.summary.parts)
        left = {a.port for outcome in parts for option in outcome for a in option if a.switch == DEFERRED}
        self._places = {number: place for number, place in self._places.items() if number in left}
        self._numbers = {place: number for number, place in self._places.items()}

    def _prepared(self, rule: Rule) -> PreparedRule:
        found = self._ready.get(id(rule))
        if found is None or found.rule is not rule:
            found = self._ready[id(rule)] = self._prepare(rule)
        return found

    def _held(self, model: SymbolicSwitch, rule: Rule) -> PreparedRule | None:
        """The rule that a switch holds with this one's table, priority and match."""
        return model.table(rule.table).holds(rule, self._prepared(rule))

    def _again(self, entry: CachedOutcome) -> CachedOutcome | None:
        try:
            return self._ask(lambda: self._entry(entry.place, entry.box, entry.wide))
        except (Unmodelled, PortMatters):
            return None

    # -- which slots matter beyond the first switch ----------------------------------------------------------------

    def _looked_at(self) -> set[int]:
        """The slots that decide what becomes of a packet once it is on a link."""
        found: set[int] = set()
        for name, model in self.models.items():
            waiting, reached = [0], {0}
            while waiting:
                for prepared in model.table(waiting.pop()).rules():
                    if prepared.port is not None and prepared.port not in self._links[name]:
                        continue
                    found |= _slots(prepared.rule)
                    goto = prepared.rule.instructions.goto
                    if goto is not None and goto not in reached:
                        reached.add(goto)
                        waiting.append(goto)
            self._reached[name] = reached
            found |= _slots_of_groups(model.groups.values())
        return found

    def _check(self, name: str, come: list[PreparedRule], groups: Mapping[int, GroupEntry | None]) -> None:
        """StartOver when rules look, for packets on links, at slots that did not matter before."""
        found = _slots_of_groups(entry for entry in groups.values() if entry is not None)
        for prepared in come:
            if prepared.rule.table in self._reached[name] and (
                prepared.port is None or prepared.port in self._links[name]
            ):
                found |= _slots(prepared.rule)
                if prepared.rule.instructions.goto not in (None, *self._reached[name]):
                    raise FreshProofNeeded
        if not found <= set(self.live):
            raise FreshProofNeeded

    # -- asking --------------------------------------------------------------------------------------------------

    def entering(self, at: PortRef, box: Box, trace: TraceSink | None = None, defer: Defer | None = None) -> Partition:
        """What becomes of the packets of a box that come in at a port from outside, as seen there; perhaps gated.

        ``defer`` may leave what tables do to its caller: then the partition is told as it is left.
        """
        if at in self.down or at.switch not in self.models:
            return [(box, DROPPED)]
        self._retraced = 0
        found = self._ask(lambda: self._visit(at, PipelineState(box, UNCHANGED), trace, defer))
        return found if defer is not None else self.settled(found)

    def _ask(self, question: Callable[[], T]) -> T:
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

    def _visit(
        self, at: PortRef, state: PipelineState, trace: TraceSink | None, defer: Defer | None = None
    ) -> Partition:
        if trace is not None:
            trace(f"{at.switch} port {at.port}", at.switch, None)
        return SwitchTraversal(self.models[at.switch], at.port, self, trace, defer).table(
            0, PipelineState(state.box, state.frame)
        )

    def settled(self, parts: Partition) -> Partition:
        """The partition with nothing left ahead."""
        if not any(_ahead(outcome) for _, outcome in parts):
            return parts
        return self._ask(lambda: self._settled(parts))

    def _settled(self, parts: Partition) -> Partition:
        found: list[Piece] = []
        self.effort.down()
        try:
            self._settle_all(parts, found)
        finally:
            self.effort.up()
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
        return plain(any_of([self._option(box, option, trail) for option in sorted(outcome)], self.effort))

    def _option(self, box: Box, option: Alternative, trail: Trail) -> Plain:
        found: Plain = [(box, frozenset({tuple(a for a in option if a.switch != DEFERRED)}))]
        for _, number, frame in (a for a in option if a.switch == DEFERRED):
            found = joined(found, self._beyond(number, PipelineState(box, frame), trail), both, self.effort)
        return found

    def _beyond(self, number: int, state: PipelineState, trail: Trail) -> Plain:
        """What becomes of packets at a place that they were left at."""
        self.effort.spend(1)
        box = image(self.space, state.box, state.frame, self.live)
        here = number, box, state.box
        if here in trail or (len(trail) >= MAX_HOPS and _aged(here) in map(_aged, trail)):
            return [(state.box, arrives(LOOP, 0, UNCHANGED))]
        if len(trail) >= MAX_HOPS:
            raise TooMuch(f"ways of more than {MAX_HOPS} switches")
        parts = self._read(self._entry(self._places[number], box, False), state)
        if not any(_ahead(outcome) for _, outcome in parts):
            return parts
        way = (*trail, here)
        return [piece for part, outcome in parts for piece in self._settle(part, outcome, way)]

    # -- what a visit asks of what lies beyond -------------------------------------------------------------------------

    def record_read(self, cell: RegisterContext, box: Box, frame: HeaderTransform) -> None:
        if self.reader is None:
            return
        if box == self.space.full and frame == UNCHANGED:
            cell.users[self.reader] = None
        elif (seen := cell.users.setdefault(self.reader, {})) is not None:
            seen[box, frame] = None

    def grouped(self, model: SymbolicSwitch, group: int, through: bool) -> None:
        if self.reader is not None:
            (model.read_by if through else model.sketched_for)(self.reader, group)

    def asked(self, users: dict[Any, None]) -> None:
        if self.reader is not None:
            users[self.reader] = None

    def _later(self, visit: SwitchTraversal, table: int, state: PipelineState) -> Partition | None:
        """Leave packets at a table, unless that depends on the port they came in by in ways that cannot be told."""
        self.asked(visit.model.dependents(table))
        matters = visit.model.apart(table)
        carried = self.carried(visit.model, state)
        if matters is None or not carried.isdisjoint(BY_PORT):
            return None
        port = visit.port if visit.matters(matters | carried) else ANY_HOST_PORT
        place = PipelinePoint(visit.model.name, port, table, state.metadata, state.tunnel, state.write)
        number = self._numbers.get(place)
        if number is None:
            number = self._numbers[place] = next(self._next_place)
            self._places[number] = place
        return [(state.box, arrives(DEFERRED, number, state.frame))]

    def carried(self, model: SymbolicSwitch, state: PipelineState) -> frozenset[int]:
        """The ports that packets may be sent to by what tables before wrote into their action set."""
        ports, groups = model.carried(state.write)
        for group in groups:
            self.grouped(model, group, False)
        return ports

    def leave(self, port: PortRef, state: PipelineState, trace: TraceSink | None) -> Partition:
        """What becomes of packets that leave by a port which is up."""
        there = self.peers.get(port)
        if there is None:
            if trace is not None:
                end = f"delivered to {self.hosts[port]} at {port}" if port in self.hosts else f"{port} leads nowhere"
                trace(end, port.switch, None)
            return [(state.box, arrives(*port, state.frame) if port in self.hosts else DROPPED)]
        if there.switch not in self.models:
            raise Unmodelled(f"packets to {there.switch}: its rules are not known")
        if trace is not None:
            return self._relative_to(there, state, trace)
        return self._crossing(there, state)

    def _crossing(self, there: PortRef, state: PipelineState) -> Plain:
        """What becomes of packets that come in by a link."""
        key = there.switch, state.box, state.frame
        known = self._crossed.get(key)
        if known is not None and there.port not in known[0].ports:
            if self.reader is not None:
                known[0].users[self.reader] = None
            return known[1]
        entry, parts = self._ask(lambda: self._recalled(there, state, False))
        if self._stack and entry.place.port == ANY_LINK:
            self._crossed[key] = entry, parts
        return parts

    def recall(self, where: Where, state: PipelineState, broad: bool) -> Plain:
        """What becomes of packets at a place: remembered, for all packets at once where that can be.

        ``broad``: whatever their outermost tag is.
        """
        return self._ask(lambda: self._recalled(where, state, broad))[1]

    def _recalled(self, where: Where, state: PipelineState, broad: bool) -> tuple[CachedOutcome, Plain]:
        box = None if broad else image(self.space, state.box, state.frame, self.live)
        wide = self.space.full if box is None else _same_tag(self.space.full, box)
        if not self._exact and (where, wide) not in self._too_wide:
            try:
                entry = self._entry(where, wide, wide != box, state.box)
                return entry, self._read(entry, state)
            except TooMuch:
                raise
            except Unmodelled:
                if wide == box:
                    raise
                self._too_wide.add((where, wide))
        box = image(self.space, state.box, state.frame, self.live) if box is None else box
        entry = self._entry(where, box, False, state.box)
        return entry, self._read(entry, state)

    def value(self, switch: str, group: int) -> Summary | None:
        """What a group that puts a tag on makes of packets from some host's port, whatever they are; None when that
        cannot be said of all packets at once, or when it puts none on."""
        model = self.models[switch]
        entry = model.groups.get(group)
        self.grouped(model, group, False)
        if entry is None or not model.way(entry).pushes or not model.way(entry).chosen:
            return None
        try:
            return self._ask(
                lambda: self._entry(GroupPoint(switch, group, ANY_HOST_PORT), self.space.full, True).summary
            )
        except Unmodelled:
            return None

    def _read(self, entry: CachedOutcome, state: PipelineState) -> Plain:
        summary = entry.summary
        if summary is None:
            raise Unmodelled(f"what becomes of packets at {entry.place}")
        if not self._stack:
            return summary.read(self.space, state.box, state.frame, self.effort)
        key = summary.serial, state.box, state.frame
        if key not in self._reads:
            self._reads[key] = summary, summary.read(self.space, state.box, state.frame, self.effort)
        return self._reads[key][1]

    def _entry(self, place: Where, box: Box, wide: bool, part: Box | None = None) -> CachedOutcome:
        """What is known of a box at a place; worked out once. ``part``: the packets that come to be it, of those at the
        place before."""
        if isinstance(place, PortRef) and place.port != ANY_LINK:
            shared = self._by_any_link(place, box, wide, part)
            if shared is not None:
                return shared
        found = self.memo.get(place, box)
        if found is None:
            found = self._made(place, box, wide, part)
        if self.reader is not None:
            found.users[self.reader] = None
        return found

    def _by_any_link(self, at: PortRef, box: Box, wide: bool, part: Box | None) -> CachedOutcome | None:
        """What is known of a box that comes in by any link of a switch, when this one is no exception."""
        place = PortRef(at.switch, ANY_LINK)
        key = place, box
        if key in self._by_port or key in self._stack:
            return None
        try:
            found = self._entry(place, box, wide, part)
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
            if wide:
                raise _TooWide(f"all packets at {place} at once")
            since = self._since(key)
            if since is None or any(one.fewer for one in (*list(self._stack.values())[since + 1 :], step)):
                raise TooMuch(f"ways of more than {MAX_DEPTH} switches and groups")
            self._cut = min(self._cut, self._stack[key].depth if key in self._stack else 0)
            found.summary = Summary(box, [(box, arrives(LOOP, 0, UNCHANGED))], next(self._serials))
            return found
        before, self._cut = self._cut, MAX_DEPTH
        reader, self.reader = self.reader, found
        self._stack[key] = step
        try:
            found.summary = self._interned(box, plain(self._run(found, PipelineState(box, UNCHANGED))))
            if self._cut >= depth:
                self.memo.add(found)
        finally:
            del self._stack[key]
            self.reader = reader
            self._cut = min(before, self._cut if self._cut < depth else MAX_DEPTH)
        return found

    def _fewer(self, part: Box | None) -> bool:
        """Whether the packets that come from the last place are not all of those there, their time to live aside."""
        if part is None or not self._stack:
            return True
        *_, (_, whole) = self._stack
        return any(part[slot] != whole[slot] for slot in self.live if slot != TTL)

    def _since(self, key: tuple[object, Box]) -> int | None:
        """When packets were at a place before that look the same but for their time to live; None: never."""
        if key in self._stack:
            return self._stack[key].depth
        aged = key[0], narrowed(key[1], TTL, 0)
        return next((i for i, (place, box) in enumerate(self._stack) if (place, narrowed(box, TTL, 0)) == aged), None)

    def _run(self, entry: CachedOutcome, state: PipelineState) -> Partition:
        place = entry.place
        visit = SwitchTraversal(self.models[place.switch], place.port, self, None, self._later)
        if isinstance(place, GroupPoint):
            return visit.group(place.group, state, 0, True)
        if isinstance(place, PipelinePoint):
            return visit.table(
                place.table, PipelineState(state.box, UNCHANGED, place.metadata, place.tunnel, place.write)
            )
        found = visit.table(0, state)
        entry.ports = frozenset(visit.ports)
        return found

    def _interned(self, box: Box, parts: Plain) -> Summary:
        """One object for equal summaries, so that what is read from one is known of all."""
        known = self._by_parts.get(id(parts))
        if known is not None and known.parts is parts and known.box == box:
            return known
        made = Summary(box, parts, next(self._serials))
        found = self._equal.setdefault((box, made.rows), made)
        self._by_parts[id(found.parts)] = found
        return found

    def _relative_to(self, at: PortRef, state: PipelineState, trace: TraceSink) -> Partition:
        """The same without memory, telling every step; for one packet."""
        key = at, image(self.space, state.box, state.frame, tuple(range(SLOTS)))
        self._retraced += 1
        if key in self._stack or (len(self._stack) >= MAX_HOPS and self._since(key) is not None):
            trace(f"{at}: a loop", at.switch, None)
            return [(state.box, arrives(LOOP, 0, UNCHANGED))]
        if len(self._stack) >= MAX_DEPTH or self._retraced > MAX_TOLD:
            trace(f"{at}: what follows is left out", at.switch, None)
            return [(state.box, DROPPED)]
        self._stack[key] = _Step(len(self._stack), False)
        try:
            return self._visit(at, PipelineState(state.box, state.frame), trace)
        finally:
            del self._stack[key]


def _aged(at: tuple[int, Box, Box]) -> tuple[int, Box, Box]:
    """A place as packets were left there, whatever their time to live."""
    number, looks, which = at
    return number, narrowed(looks, TTL, 0), narrowed(which, TTL, 0)


def _ahead(outcome: Outcome | Filtered) -> bool:
    kept = outcome.kept if isinstance(outcome, Filtered) else outcome
    return any(a.switch == DEFERRED for option in kept for a in option)


def _same_tag(full: Box, box: Box) -> Box:
    """All packets with the outermost tag of these."""
    wide = list(full)
    wide[VID], wide[PCP] = box[VID], box[PCP]
    return tuple(wide)


def _slots(rule: Rule) -> set[int]:
    """The slots that a rule looks at."""
    found: set[int] = set()
    for name, _, _ in rule.match:
        if name in FIELD:
            found.update((FIELD[name].slot,) if FIELD[name].layer == ANY_LAYER else (LAYOUT, FIELD[name].slot))
        elif name in ("eth_type", "ip_proto"):
            found.add(LAYOUT)
        elif name.startswith("vlan_"):
            found.update(TAG_SLOTS)
    return found | set(_touched((*rule.instructions.apply, *rule.instructions.write)))


def _slots_of_groups(groups: Iterable[GroupEntry]) -> set[int]:
    return set(_touched(action for entry in groups for bucket in entry.buckets for action in bucket.actions))


def _touched(actions: Iterable[object]) -> Iterator[int]:
    for action in actions:
        if not isinstance(action, act.Output | act.Group):
            yield from touches(action)
