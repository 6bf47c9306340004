"""Packets of many senders judged together: a crowd is all who stand at one table with the same registers.

What a rule of a pivot level makes of a crowd depends on the rule and on what its groups are worth, not on the switch
nor on who sends. So each such pair is judged once per wish, wherever it is met again; which pairs were judged well is
remembered in ``PassedChecks``. Must not know: which packets of a crowd a port's senders may really send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any, NamedTuple

from clos.controller.verify.dataplane.action_set import in_order, written
from clos.controller.verify.dataplane.locations import ANY_HOST_PORT
from clos.controller.verify.dataplane.outcome import DROPPED, AclFilter, Partition, Plain, plain
from clos.controller.verify.dataplane.pipeline import SwitchTraversal
from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule, cut
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.dataplane.rule_list import RegisterContext
from clos.controller.verify.dataplane.symbolic_switch import SymbolicSwitch
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.headerspace.transform import HeaderTransform
from clos.controller.verify.proof.compare import OutcomeComparison, Wants
from clos.controller.verify.spec.admissions import SenderProfile
from clos.controller.verify.spec.intent_delta import IntentDelta
from clos.controller.verify.spec.requirements import NOT_ADMITTED
from clos.controller.verify.spec.specification import Specification
from clos.fabric.dataplane.action import IN_PORT
from clos.fabric.topology import PortRef

Pair = tuple[SenderProfile | None, SenderProfile | None]
"""Whose wish it is now, and whose it was before a change under way; None: nobody's."""


class PipelineEntry(NamedTuple):
    """Where a crowd stands: a table of a switch, and what its packets look like there."""

    switch: str
    table: int
    state: PipelineState


class TableVisit(NamedTuple):
    """Rules that packets of a crowd meet, at which table, and what the packets look like there."""

    cell: RegisterContext
    table: int
    state: PipelineState


class RuleChange(NamedTuple):
    """What came or went in a cell: why a crowd is to be looked at again."""

    cell: RegisterContext
    changed: list[PreparedRule]


class SenderClass:
    """Senders that stand at one place. ``members``: by pair, the ports and the packets that come in there. ``visits``:
    where they were looked at, once they were: (cell, table, state).
    """

    __slots__ = ("members", "start", "visits")

    def __init__(self, start: PipelineEntry) -> None:
        self.start = start
        self.visits: dict[Pair, dict[tuple[int, int], TableVisit]] = {}
        self.members: dict[Pair, dict[PortRef, list[Box]]] = {}


class PassedChecks:
    """Tokens judged well, for one pair and one state before one filter: (atom of the pivot, whether something must
    arrive). ``slot`` is the pivot's; ``counts``: (all, those that must arrive), of all together."""

    __slots__ = ("counts", "effect_ids", "filter", "sender_classes", "slot")

    def __init__(self, slot: int, acl_filter: AclFilter | None, counts: list[int]) -> None:
        self.slot, self.filter, self.counts = slot, acl_filter, counts
        self.effect_ids: dict[int, tuple[int, bool]] = {}
        self.sender_classes: dict[SenderClass, None] = {}

    def add(self, effect_id: int, atom: int, wanted: bool) -> None:
        self.effect_ids[effect_id] = atom, wanted
        self.counts[0] += 1
        self.counts[1] += wanted

    def drop(self, effect_id: int) -> bool:
        """Forget a token; whether it was known."""
        held = self.effect_ids.pop(effect_id, None)
        if held is None:
            return False
        self.counts[0] -= 1
        self.counts[1] -= held[1]
        return True

    def clear(self) -> None:
        """Forget all."""
        for effect_id in list(self.effect_ids):
            self.drop(effect_id)


class RuleEffect:
    """What a rule makes of packets whose action set is executed: ``parts``; ``changed``: the slots it gives values to.
    ``fine``: what it is known to be right for; ``passed_checks`` and ``sender_classes``: where that was judged well
    for good, and where it was judged otherwise.
    """

    __slots__ = ("changed", "effect_id", "fine", "key", "parts", "passed_checks", "sender_classes")

    def __init__(self, key: tuple[int, int, int]) -> None:
        self.key, self.effect_id = key, key[0]
        self.parts: Plain = []
        self.changed: set[int] = set()
        self.fine: dict[int, object] = {}
        self.passed_checks: dict[PassedChecks, None] = {}
        self.sender_classes: dict[SenderClass, None] = {}


class GroupBehaviour:
    """What a group of a switch is worth, as a number: equal ones do the same with every packet. 0: cannot be said."""

    __slots__ = ("group", "number", "switch")

    def __init__(self, switch: str, group: int, number: int) -> None:
        self.switch, self.group, self.number = switch, group, number


_OWN_SWITCH = 1 << 40
"""A token's bit: what the rule does is this switch's own matter."""
_SENDS = (1 << 48) - 1
"""A token's bits that say where the rule sends to."""


class SenderClasses:
    """All crowds of a fabric, and what was found out about them."""

    def __init__(self, fabric: SymbolicFabric, judge: OutcomeComparison) -> None:
        self.fabric, self.judge, self.space = fabric, judge, fabric.space
        self.now: Specification
        self.old: Specification | None = None
        self.loose: dict[str, IntentDelta] = {}
        self._sender_classes: dict[PipelineEntry, SenderClass] = {}
        self._of: dict[str, dict[tuple[SenderClass, Pair], None]] = {}
        self._numbers = {name: i for i, name in enumerate(sorted(fabric.models))}
        self._behaviours: dict[tuple[str, int], GroupBehaviour] = {}
        self._effect_ids: dict[str, dict[int, tuple[list[PreparedRule], list[tuple[int, PreparedRule]]]]] = {}
        self._done: dict[Pair, dict[tuple[int, int, int], PassedChecks]] = {}
        self._states: dict[tuple[Box, HeaderTransform, tuple[Any, ...]], int] = {}
        self._effects: dict[tuple[int, int, int], RuleEffect] = {}
        self._next_state = count()
        self._counts = [0, 0]
        self.made = 0  # effects, and looks at ports
        self._by_tenant: dict[str, dict[Pair, None]] = {}
        self.spared: dict[Pair, dict[Box, None]] = {}

    @property
    def expectations(self) -> tuple[Specification, ...]:
        """Those that may hold."""
        return (self.now,) if self.old is None else (self.now, self.old)

    def at(self, start: PipelineEntry) -> SenderClass:
        """The crowd that stands there."""
        found = self._sender_classes.get(start)
        if found is None:
            found = self._sender_classes[start] = SenderClass(start)
        return found

    def join(self, start: PipelineEntry, pair: Pair, at: PortRef, box: Box) -> SenderClass:
        """Packets that come in at a port stand there."""
        sender_class = self.at(start)
        sender_class.members.setdefault(pair, {}).setdefault(at, []).append(box)
        for profile in pair:
            if profile is not None:
                self._of.setdefault(profile.tenant, {})[sender_class, pair] = None
        return sender_class

    def leave(self, sender_class: SenderClass, pair: Pair, at: PortRef) -> None:
        """Packets of a port do not stand there any more."""
        ports = sender_class.members.get(pair, {})
        ports.pop(at, None)
        if not ports:
            sender_class.members.pop(pair, None)
            sender_class.visits.pop(pair, None)
            for profile in pair:
                if profile is not None:
                    self._of.get(profile.tenant, {}).pop((sender_class, pair), None)

    def of(self, tenant: str) -> Iterable[tuple[SenderClass, Pair]]:
        """The crowds with members of a tenant."""
        return self._of.get(tenant, ())

    def counted(self) -> tuple[int, int]:
        """Sets of packets judged well, and how many of them must arrive somewhere."""
        return self._counts[0], self._counts[1]

    # -- what is forgotten -----------------------------------------------------------------------------------------

    def forget(self, effect: RuleEffect) -> Iterator[SenderClass]:
        """Judge anew what rests on a job; the crowds that need to be checked."""
        if self._effects.get(effect.key) is effect:
            del self._effects[effect.key]
        yield from effect.sender_classes
        for done in effect.passed_checks:
            if done.drop(effect.effect_id):
                yield from done.sender_classes

    def drop_behaviour(self, behaviour: GroupBehaviour) -> Iterator[SenderClass]:
        """A group is worth something else now; the crowds that meet rules which send to it."""
        self._behaviours.pop((behaviour.switch, behaviour.group), None)
        self._effect_ids.pop(behaviour.switch, None)
        for table in self.fabric.models[behaviour.switch].tables.values():
            for cell in table.using(behaviour.group):
                yield from (user for user in cell.users if isinstance(user, SenderClass))

    def invalidate(self, tenant: str, delta: IntentDelta) -> None:
        """Judge anew what a tenant's changed wishes concern."""
        for done in (done for pair in self._by_tenant.get(tenant, ()) for done in self._done[pair].values()):
            for effect_id in [t for t, (atom, _) in done.effect_ids.items() if delta.touches(done.slot, atom)]:
                done.drop(effect_id)

    # -- what is dead ----------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Effects of rules that are remembered."""
        return len(self._effects)

    def readers(self) -> Iterable[SenderClass | GroupBehaviour | RuleEffect]:
        """All who rest on what they read of the fabric."""
        return chain(self._sender_classes.values(), self._behaviours.values(), self._effects.values())

    def drop_dead(
        self, filters: Mapping[int, AclFilter], serials: Callable[[], set[int]], requirements: set[int]
    ) -> None:
        """Drop what speaks of none but senders, groups and rules that are gone, of other filters than these and other
        requirements than these (by ``id``). ``serials``: those of the rules there are, once no list of ours holds
        others."""
        self._effect_ids.clear()
        self._sender_classes = {start: one for start, one in self._sender_classes.items() if one.members}
        self._behaviours = {
            (switch, group): one
            for (switch, group), one in self._behaviours.items()
            if any(table.counts.groups[group] for table in self.fabric.models[switch].tables.values())
        }
        self._drop_checks(filters)
        self._drop_effects(serials(), requirements)
        states = {number for _, _, number in self._effects}
        states |= {looks >> 8 for done in self._done.values() for _, looks, _ in done}
        states |= {
            number for one in self._sender_classes.values() for held in one.visits.values() for _, number in held
        }
        self._states = {key: number for key, number in self._states.items() if number in states}

    def _drop_checks(self, filters: Mapping[int, AclFilter]) -> None:
        """Drop the checks that no sender class with members would pass again."""
        live = set(self._sender_classes.values())
        pairs = {pair for one in live for pair in one.members}
        self.spared = {pair: boxes for pair, boxes in self.spared.items() if pair in pairs}
        self._by_tenant = {
            tenant: held
            for tenant, some in self._by_tenant.items()
            if (held := {pair: None for pair in some if pair in pairs})
        }
        for pair, checks in list(self._done.items()):
            for key, checked in list(checks.items()):
                checked.sender_classes = {one: None for one in checked.sender_classes if one in live}
                gone = checked.filter is not None and id(checked.filter) not in filters
                if gone or pair not in pairs or not checked.sender_classes:
                    checked.clear()
                    del checks[key]
            if pair not in pairs:
                del self._done[pair]

    def _drop_effects(self, serials: set[int], requirements: set[int]) -> None:
        """Drop the effects of rules that are gone, or sent to groups as they were, or that nothing rests on."""
        live = set(self._sender_classes.values())
        numbers = {one.number for one in self._behaviours.values()}
        for effect in list(self._effects.values()):
            effect_id = effect.effect_id
            effect.passed_checks = {done: None for done in effect.passed_checks if effect_id in done.effect_ids}
            effect.sender_classes = {one: None for one in effect.sender_classes if one in live}
            effect.fine = {number: one for number, one in effect.fine.items() if number in requirements}
            sends = effect_id & _SENDS
            known = not sends or sends & _OWN_SWITCH or sends in numbers
            used = effect.passed_checks or effect.sender_classes
            if not (known and used and effect_id >> 48 in serials):
                del self._effects[effect.key]
                for done in effect.passed_checks:
                    done.drop(effect_id)

    # -- what is wanted, and what is known --------------------------------------------------------------------

    def requirements(self, pair: Pair) -> tuple[Wants, Wants | None]:
        """What is wanted of packets; and what was before a change under way, if that differs."""
        new, old = pair
        loose = self.old is not None and (new != old or (new is not None and new.tenant in self.loose))
        return self._requirements(self.now, new), self._requirements(
            self.old, old
        ) if loose and self.old is not None else None

    @staticmethod
    def _requirements(expectation: Specification, profile: SenderProfile | None) -> Wants:
        if profile is None:
            return lambda box: [(box, NOT_ADMITTED)]
        return lambda box: expectation.of(profile, box)

    def passed_checks(self, pair: Pair) -> dict[tuple[int, int, int], PassedChecks]:
        """What was judged well for a pair: by table, what packets look like and the pivot, and the filter."""
        found = self._done.get(pair)
        if found is None:
            found = self._done[pair] = {}
            for profile in pair:
                if profile is not None:
                    self._by_tenant.setdefault(profile.tenant, {})[pair] = None
        return found

    def new(self, slot: int, acl_filter: AclFilter | None) -> PassedChecks:
        return PassedChecks(slot, acl_filter, self._counts)

    def lasts(self, pair: Pair, slot: int, atom: int) -> bool:
        """Whether what is judged well stays so when the change under way is over."""
        if pair[0] != pair[1] and self.old is not None:
            return False
        profile = pair[0]
        delta = self.loose.get(profile.tenant) if profile is not None else None
        return delta is None or not delta.touches(slot, atom)

    def number(self, state: PipelineState) -> int:
        """A number for what packets look like, registers aside."""
        key = state.box, state.frame, state.write
        found = self._states.get(key)
        if found is None:
            found = self._states[key] = next(self._next_state)
        return found

    def effect_ids(self, model: SymbolicSwitch, rules: list[PreparedRule]) -> list[tuple[int, PreparedRule]]:
        """Some rules of a switch with their tokens; remembered until a group of the switch is worth something else."""
        if len(rules) == 1:
            return [(self.effect_id(model, rules[0]), rules[0])]
        held = self._effect_ids.setdefault(model.name, {})
        found = held.get(id(rules))
        if found is None or found[0] is not rules:
            found = held[id(rules)] = rules, [(self.effect_id(model, one), one) for one in rules]
        return found[1]

    def edited(self, switch: str) -> None:
        """A switch's rules or groups are others now."""
        self._effect_ids.pop(switch, None)

    def effect_id(self, model: SymbolicSwitch, prepared: PreparedRule) -> int:
        """A number for what a rule does on a switch: equal ones do the same with packets of one look."""
        if len(prepared.groups) == 1 and not prepared.outputs:
            behaviour = self.behaviour(model.name, prepared.groups[0])
            if behaviour:
                return prepared.serial << 48 | behaviour
        elif not prepared.groups and all(port == IN_PORT for port in prepared.outputs):
            return prepared.serial << 48
        return prepared.serial << 48 | _OWN_SWITCH | self._numbers[model.name]

    def behaviour(self, switch: str, group: int) -> int:
        found = self._behaviours.get((switch, group))
        if found is None:
            found = self._behaviours[switch, group] = GroupBehaviour(switch, group, 0)
            with self.fabric.reading(found):
                value = self.fabric.value(switch, group)
            found.number = 0 if value is None else value.serial + 1
        return found.number

    def effect(
        self, model: SymbolicSwitch, prepared: PreparedRule, state: PipelineState, effect_id: int, number: int
    ) -> RuleEffect:
        key = effect_id, prepared.rule.table, number
        found = self._effects.get(key)
        if found is None:
            self.made += 1
            found = self._effects[key] = RuleEffect(key)
            with self.fabric.reading(found):
                found.parts = self._executed(model, prepared, state, found.changed)
        return found

    def _executed(
        self, model: SymbolicSwitch, prepared: PreparedRule, state: PipelineState, changed: set[int]
    ) -> Plain:
        taken = cut(self.space, prepared, state.box, state.frame)[0]
        if taken is None:
            return []
        todo = prepared.rule.instructions
        visit = SwitchTraversal(model, ANY_HOST_PORT, self.fabric)

        def then(after: PipelineState) -> Partition:
            changed.update([slot for slot, _ in after.frame.rewrites])
            write = () if todo.clear else after.write
            for action in todo.write:
                write = written(write, action)
            return visit.apply(in_order(write), after, 0, _end)

        start = PipelineState(taken, state.frame, 0, state.tunnel, state.write)
        done = visit.apply(todo.apply, start, 0, then) if todo.apply else then(start)
        return plain(self.fabric.settled(done))


def _end(state: PipelineState) -> Partition:
    return [(state.box, DROPPED)]
