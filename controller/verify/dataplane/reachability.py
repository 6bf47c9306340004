"""Where all packets of a port may end up: switches joined by links, whose rules may be edited.

What becomes of packets that enter a switch from a link, or a group, is worked out once (``place_outcomes``) and then
read through whatever was done to a packet before. Packets that go on to a table of a switch beyond the first are left
for later (``deferred_packets``). Whoever reads something is remembered as its reader (``memo``), so that an edit tells
exactly who must look again. Must not know: intents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from clos.controller.verify.dataplane.deferred_packets import DeferredPackets
from clos.controller.verify.dataplane.edits import FreshProofNeeded, LinkSlots, SwitchEdit
from clos.controller.verify.dataplane.locations import ANY_HOST_PORT, GroupPoint, PipelinePoint, TraceSink
from clos.controller.verify.dataplane.memo import CachedOutcome, Dependent, Reading, ReadLog
from clos.controller.verify.dataplane.outcome import DROPPED, AclFilter, Partition, Plain, arrives
from clos.controller.verify.dataplane.pipeline import Defer, SwitchTraversal
from clos.controller.verify.dataplane.place_outcomes import PlaceOutcomes
from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule
from clos.controller.verify.dataplane.rule_pool import RulePool
from clos.controller.verify.dataplane.summary import Summary
from clos.controller.verify.dataplane.symbolic_switch import Ports, Shared, SymbolicSwitch
from clos.controller.verify.dataplane.traced_path import TracedPath
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace
from clos.controller.verify.headerspace.header_terms import terms_of_groups, terms_of_rules
from clos.controller.verify.headerspace.transform import UNCHANGED
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.action import port_text
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import PortRef, Topology


class SymbolicFabric:
    """A fabric's rules on its links, some of its ports ``down``. Raises Unmodelled for what it cannot reason about.

    ``blind_ends``: packets may come to what is not modelled, and are told to have; else that is Unmodelled.
    ``reads``: on whose behalf things are read; these hear of edits by what ``edit`` returns.
    """

    def __init__(
        self,
        topology: Topology,
        states: Mapping[str, SwitchState],
        space: HeaderSpace,
        down: frozenset[PortRef] = frozenset(),
        *,
        blind_ends: bool = False,
    ) -> None:
        self.blind_ends = blind_ends
        self.topology, self.space = topology, space
        self.peers, self.hosts = topology.peers, topology.host_at
        self.down = down | {self.peers[port] for port in down if port in self.peers}
        self.reads = ReadLog(space.full)
        self._pool = RulePool(space)
        self._shared = Shared(WeakValueDictionary(), {}, {})
        links = self._links(states)
        prepared: dict[int, PreparedRule] = {}
        self.models = {name: self._model(name, state, links[name], prepared) for name, state in states.items()}
        self._pool.keep(prepared)
        self._link_slots = LinkSlots(self.models, links)
        self._outcomes = PlaceOutcomes(space, self._link_slots.live, self.reads, self._follow)
        self.effort, self.memo = self._outcomes.effort, self._outcomes.memo
        self._deferred = DeferredPackets(self._outcomes)
        self._path = TracedPath(space)

    def _links(self, states: Mapping[str, SwitchState]) -> dict[str, set[int]]:
        links: dict[str, set[int]] = {name: set() for name in states}
        for port in self.peers:
            links.setdefault(port.switch, set()).add(port.port)
        return links

    def _model(self, name: str, state: SwitchState, links: set[int], known: dict[int, PreparedRule]) -> SymbolicSwitch:
        rules = self._pool.all_prepared(state.rules, known)
        dead = frozenset(port.port for port in self.down if port.switch == name)
        ports = Ports(frozenset(self.topology.ports.get(name, ())), frozenset(links), dead)
        return SymbolicSwitch(name, self.space, rules, state.groups, ports, self._shared)

    # -- edits ---------------------------------------------------------------------------------------------------

    def edit(self, edits: Mapping[str, SwitchEdit]) -> list[Dependent]:
        """Change switches. Those readers to whom something may look different now. FreshProofNeeded when it cannot be
        done; nothing can be asked of the fabric then."""
        for edit in edits.values():
            groups = [entry for entry in edit.groups.values() if entry is not None]
            if not self.space.grow(terms_of_rules(edit.come) | terms_of_groups(groups)):
                raise FreshProofNeeded
        self._forget_reads()
        come = {name: [self._pool.prepared(rule) for rule in edit.come] for name, edit in edits.items()}
        for name, edit in edits.items():
            self._link_slots.check(name, come[name], edit.groups)
        users: list[Dependent] = []
        for name, edit in edits.items():
            model = self.models[name]
            held = (model.table(rule.table).holds(rule, self._pool.prepared(rule)) for rule in edit.gone)
            users += model.edit([rule for rule in held if rule is not None], come[name], edit.groups)
        return self.memo.invalidate(users, self._outcomes.again)

    def states(self) -> dict[str, SwitchState]:
        """What switches hold, in no order."""
        return {
            name: SwitchState(
                tuple([prepared.rule for table in model.tables.values() for prepared in table.every()]),
                tuple(model.groups.entries.values()),
                (),
            )
            for name, model in self.models.items()
        }

    def reading(self, reader: Any) -> Reading:
        """Within it, whatever is read is read on behalf of this reader."""
        return Reading(self.reads, reader)

    # -- what is dead ----------------------------------------------------------------------------------------------

    def drop_filters(self) -> dict[int, AclFilter]:
        """Drop the filters of rules that nobody meets together any more; those that stay, by ``id``."""
        cells = (cell for model in self.models.values() for table in model.tables.values() for cell in table.cells())
        held = {id(cell.candidates) for cell in cells}
        for model in self.models.values():
            model.filters.clear()
        filters = self._shared.filters
        for key in [key for key in filters if any(number not in held for _, number in key)]:
            del filters[key]
        return {id(each): each for each, _ in filters.values() if each is not None}

    def drop_rules(self) -> set[int]:
        """Forget the serials of rules that no switch holds; those that stay."""
        return self._pool.drop_dead()

    def drop_dead(self, living: set[Any]) -> None:
        """Drop what none of these readers rests on."""
        self._forget_reads()
        models = self.models.values()
        outcomes = self.memo.drop_dead([readers for model in models for readers in model.registers()], living)
        for model in models:
            model.drop_unread()
        self._deferred.drop_dead(outcomes)

    def _forget_reads(self) -> None:
        self._outcomes.forget_reads()
        self._shared.changes.clear()

    # -- asking --------------------------------------------------------------------------------------------------

    def entering(self, at: PortRef, box: Box, trace: TraceSink | None = None, defer: Defer | None = None) -> Partition:
        """What becomes of the packets of a box that come in at a port from outside, as seen there; perhaps gated.

        ``defer`` may leave what tables do to its caller: then the partition is told as it is left.
        """
        if at in self.down or at.switch not in self.models:
            return [(box, DROPPED)]
        if trace is not None:
            self._path = TracedPath(self.space)
        found = self._outcomes.ask(lambda: self._visit(at, PipelineState(box, UNCHANGED), trace, defer))
        return found if defer is not None else self.settled(found)

    def settled(self, parts: Partition) -> Partition:
        """The partition with nothing left for later."""
        return self._deferred.settled(parts)

    def value(self, switch: str, group: int) -> Summary | None:
        """What a group that puts a tag on makes of packets from some host's port, whatever they are; None when that
        cannot be said of all packets at once, or when it puts none on."""
        groups = self.models[switch].groups
        groups.read(self.reads.reader, group, False)
        entry = groups.entries.get(group)
        if entry is None or not groups.choice(entry).pushes or not groups.choice(entry).chosen:
            return None
        place, outcomes = GroupPoint(switch, group, ANY_HOST_PORT), self._outcomes
        try:
            return outcomes.ask(lambda: outcomes.entry(place, self.space.full, True).summary)
        except Unmodelled:
            return None

    def _visit(
        self, at: PortRef, state: PipelineState, trace: TraceSink | None, defer: Defer | None = None
    ) -> Partition:
        if trace is not None:
            trace(f"{at.switch} port {at.port}", at.switch, None)
        traversal = SwitchTraversal(self.models[at.switch], at.port, self, trace, defer)
        return traversal.table(0, PipelineState(state.box, state.frame))

    def _follow(self, entry: CachedOutcome) -> Partition:
        """What becomes of a box of packets at a place, worked out."""
        place, state = entry.place, PipelineState(entry.box, UNCHANGED)
        visit = SwitchTraversal(self.models[place.switch], place.port, self, None, self._deferred.leave)
        if isinstance(place, GroupPoint):
            return visit.group(place.group, state, 0, True)
        if isinstance(place, PipelinePoint):
            return visit.table(
                place.table, PipelineState(state.box, UNCHANGED, place.metadata, place.tunnel, place.write)
            )
        found = visit.table(0, state)
        entry.ports = frozenset(visit.ports)
        return found

    # -- what a traversal asks of what lies beyond its switch --------------------------------------------------------

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
            return self._path.onward(there, state, trace, self._visit)
        return self._outcomes.crossing(there, state)

    def blind(self, end: PortRef, state: PipelineState) -> Partition:
        """What becomes of packets of which nothing more can be said."""
        if not self.blind_ends:
            raise Unmodelled(f"output to {port_text(end.port)} on {end.switch}")
        return [(state.box, arrives(*end, state.frame))]

    def recall(self, where: GroupPoint, state: PipelineState, broad: bool) -> Plain:
        """What becomes of packets at a group, remembered; ``broad``: whatever their outermost tag is."""
        return self._outcomes.recall(where, state, broad)
