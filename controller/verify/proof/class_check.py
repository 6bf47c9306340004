"""Whether a crowd's packets end as they should: all of them, or those that something concerns.

Lives here: the way through tables, rule by rule, asking of each only what is not known yet. Must not know: who stands
in a crowd, how a switch is told of changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from clos.controller.verify.dataplane.action_set import written
from clos.controller.verify.dataplane.locations import ANY_HOST_PORT
from clos.controller.verify.dataplane.outcome import DROPPED, AclFilter
from clos.controller.verify.dataplane.pipeline import SwitchTraversal
from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule, cut
from clos.controller.verify.dataplane.priority_level import PriorityLevel
from clos.controller.verify.dataplane.rule_list import RegisterContext
from clos.controller.verify.dataplane.symbolic_switch import SymbolicSwitch
from clos.controller.verify.headerspace.header_space import VID, Box, narrowed, outside
from clos.controller.verify.proof.compare import Mismatch
from clos.controller.verify.proof.effect_check import EffectCheck
from clos.controller.verify.proof.passed_checks import PassedChecks
from clos.controller.verify.proof.recheck_scope import recheck_scope
from clos.controller.verify.proof.sender_class import Pair, RuleChange, SenderClass, TableVisit
from clos.controller.verify.proof.sender_classes import SenderClasses
from clos.controller.verify.spec.intent_delta import IntentDelta


def check(sender_classes: SenderClasses, sender_class: SenderClass, pair: Pair) -> list[Mismatch]:
    """The packets of a crowd that do not end as they should, for a sender of whom nothing is known but its wish."""
    sender_class.visits[pair] = {}
    return _checked(
        sender_classes,
        sender_class,
        pair,
        lambda check: check.table(sender_class.start.table, sender_class.start.state, True),
    )


def recheck(
    sender_classes: SenderClasses, sender_class: SenderClass, pair: Pair, reasons: Iterable[RuleChange | IntentDelta]
) -> list[Mismatch] | None:
    """The same where all was well before, of the packets that the reasons concern; None when that will not do."""
    parts = recheck_scope(sender_classes, sender_class, pair, reasons)
    if parts is None:
        return None
    visits = sender_class.visits[pair]

    def look(check: _Check) -> Iterator[Mismatch]:
        for (table, looks, slot), atoms in parts.items():
            yield from check.some(visits[table, looks], slot, atoms)

    return _checked(sender_classes, sender_class, pair, look)


def _checked(
    sender_classes: SenderClasses, sender_class: SenderClass, pair: Pair, look: Callable[[_Check], Iterator[Mismatch]]
) -> list[Mismatch]:
    fabric = sender_classes.fabric
    with fabric.reading(sender_class):
        return list(look(_Check(sender_classes, sender_class, pair, fabric.models[sender_class.start.switch])))


class _Check:
    """One crowd and one pair under way."""

    def __init__(
        self, sender_classes: SenderClasses, sender_class: SenderClass, pair: Pair, model: SymbolicSwitch
    ) -> None:
        self.sender_classes, self.sender_class, self.pair, self.model = sender_classes, sender_class, pair, model
        self.fabric, self.judge = sender_classes.fabric, sender_classes.judge
        self.requirements, self.before = sender_classes.requirements(pair)
        self.effects, self.effect_check = (
            sender_classes.effects,
            EffectCheck(self.judge, self.requirements, self.before),
        )
        self.passed_checks = sender_classes.checks.of(pair)
        self.spared = sender_classes.checks.spared.setdefault(pair, {})

    def table(self, number: int, state: PipelineState, noted: bool = False) -> Iterator[Mismatch]:
        """Packets at a table; ``noted``: from now on they stand there."""
        cell = self._cell(number, state)
        if noted:
            self.sender_class.visits[self.pair][number, self.effects.number(state)] = TableVisit(cell, number, state)
        left = [state.box]
        for level in cell.candidates.levels:
            rest: list[Box] = []
            for box in left:
                here = state._replace(box=box)
                if level.key_field is not None and _plain_key_field(level, here):
                    yield from self.level(level, number, here, noted)
                    rest += level.beside(box)
                else:
                    for part, rules in level.split(self.fabric.space, box, state.frame, rest):
                        met = [one for one in level.rules if one.rule in rules]
                        yield from self.hit(met, here._replace(box=part), noted)
            left = rest
        yield from self.missed(left)

    def some(self, table_visit: TableVisit, slot: int, atoms: int) -> Iterator[Mismatch]:
        """The packets of a stand that have one of these atoms in a slot."""
        _, number, state = table_visit
        held = state.box[slot] & atoms
        left = [narrowed(state.box, slot, held)] if held else []
        for level in self._cell(number, state).candidates.levels:
            rest: list[Box] = []
            for box in left:
                if (
                    level.key_field == slot
                    and _plain_key_field(level, state)
                    and box == narrowed(state.box, slot, box[slot])
                ):
                    yield from self.among(level, number, state, box, rest)
                    continue
                for part, rules in level.split(self.fabric.space, box, state.frame, rest):
                    met = [one for one in level.rules if one.rule in rules]
                    yield from self.hit(met, state._replace(box=part), False)
            left = rest
        yield from self.missed(left)

    def among(
        self, level: PriorityLevel, number: int, state: PipelineState, box: Box, rest: list[Box]
    ) -> Iterator[Mismatch]:
        """The packets of a box that a level's rules take, found by its pivot; what they leave is added to ``rest``."""
        slot = level.key_field or 0
        taken = box[slot] & level.handled
        if box[slot] & ~taken:
            rest.append(narrowed(box, slot, box[slot] & ~taken))
        while taken:
            atom = taken & -taken
            taken ^= atom
            one = level.by_atom[atom.bit_length()]
            part = narrowed(box, slot, atom)
            rest += outside(part, tuple([pair for pair in one.limits if pair[0] != slot]))
            goto = one.rule.instructions.goto
            metadata = _written(state.metadata, one.rule.instructions.metadata)
            acl_filter = None if goto is None else self.acl_filter(goto, metadata, state.tunnel)
            if goto is None or acl_filter is not None:
                yield from self.rules([one], slot, number, self.effects.number(state), state, acl_filter)
            elif (own := cut(self.fabric.space, one, part, state.frame)[0]) is not None:
                yield from self.hit([one], state._replace(box=own), False)

    def _cell(self, number: int, state: PipelineState) -> RegisterContext:
        cell = self.model.table(number).cell(ANY_HOST_PORT, state.metadata, state.tunnel)
        cell.users[self.sender_class] = None
        return cell

    def missed(self, boxes: list[Box]) -> Iterator[Mismatch]:
        """Packets that no rule takes. Whether they may be dropped is the same at every switch."""
        for box in boxes:
            if box not in self.spared:
                mismatches = self.judge.mismatches(box, DROPPED, self.requirements(box), self.before)
                if not mismatches:
                    self.spared[box] = None
                yield from mismatches

    def level(self, level: PriorityLevel, number: int, state: PipelineState, noted: bool) -> Iterator[Mismatch]:
        """Rules that cannot overlap: those with the same way on are judged as one, but for what was judged before."""
        slot, looks = level.key_field or 0, self.effects.number(state)
        for (written_metadata, goto), rules in level.kinds.items():
            metadata = _written(state.metadata, written_metadata)
            acl_filter = None if goto is None else self.acl_filter(goto, metadata, state.tunnel)
            if goto is not None and acl_filter is None:
                for one in rules:
                    part = cut(self.fabric.space, one, state.box, state.frame)[0]
                    if part is not None:
                        yield from self.hit([one], state._replace(box=part), noted)
                continue
            yield from self.rules(rules, slot, number, looks, state, acl_filter)

    def acl_filter(self, goto: int, metadata: int, tunnel: int) -> AclFilter | None:
        return self.model.filters.at(goto, ANY_HOST_PORT, metadata, tunnel, self.fabric.reads)

    def done(self, slot: int, number: int, looks: int, acl_filter: AclFilter | None) -> PassedChecks:
        """What was judged well of packets that look so at a table, for this pair and before this filter."""
        key = number, looks << 8 | slot, id(acl_filter)
        found = self.passed_checks.get(key)
        if found is None:
            found = self.passed_checks[key] = self.sender_classes.checks.new(slot, acl_filter)
        found.sender_classes[self.sender_class] = None
        return found

    def rules(
        self,
        rules: list[PreparedRule],
        slot: int,
        number: int,
        looks: int,
        state: PipelineState,
        acl_filter: AclFilter | None,
    ) -> Iterator[Mismatch]:
        """Rules that end the pipeline, or lead to the filter: each is judged once for all packets that look alike."""
        sender_classes, model = self.sender_classes, self.model
        done = self.done(slot, number, looks, acl_filter)
        known = done.effect_ids
        for mark, one in self.effects.effect_ids(model, rules):
            if mark in known:
                continue
            effect = self.effects.effect(model, one, state, mark, looks)
            if acl_filter is not None and not effect.changed.isdisjoint(acl_filter.slots):
                part = cut(self.fabric.space, one, state.box, state.frame)[0]
                if part is not None:
                    yield from self.performed([one], state._replace(box=part))
                continue
            mismatches, wanted = self.effect_check.mismatches(effect, acl_filter)
            atom = next((bits for held, bits in one.limits if held == slot), 0)
            if not mismatches and sender_classes.lasts(self.pair, slot, atom):
                done.add(mark, atom, wanted)
                effect.passed_checks[done] = None
            else:
                effect.sender_classes[self.sender_class] = None
                yield from mismatches

    def hit(self, rules: list[PreparedRule], state: PipelineState, noted: bool) -> Iterator[Mismatch]:
        """Packets that one rule takes; or one of several, whichever the switch likes."""
        todo = rules[0].rule.instructions
        if len(rules) > 1:
            yield from self.performed(rules, state)
            return
        metadata = _written(state.metadata, todo.metadata)
        acl_filter = None if todo.goto is None else self.acl_filter(todo.goto, metadata, state.tunnel)
        if todo.goto is None or acl_filter is not None:
            yield from self.rules(rules, 0, rules[0].rule.table, self.effects.number(state), state, acl_filter)
        elif todo.apply:
            yield from self.performed(rules, state)
        else:
            write = () if todo.clear else state.write
            for action in todo.write:
                write = written(write, action)
            there = PipelineState(state.box, state.frame, metadata, state.tunnel, write)
            yield from self.table(todo.goto, there, noted)

    def performed(self, rules: list[PreparedRule], state: PipelineState) -> Iterator[Mismatch]:
        """The same without any memory."""
        visit = SwitchTraversal(self.model, ANY_HOST_PORT, self.fabric)
        for one in rules:
            for box, outcome in self.fabric.settled(visit.perform(one.rule.instructions, state)):
                yield from self.judge.mismatches(box, outcome, self.requirements(box), self.before)


def _plain_key_field(level: PriorityLevel, state: PipelineState) -> bool:
    """Whether packets still have what they came in with where the level's rules tell them apart, and in many ways."""
    slot = level.key_field
    if slot is None or slot == VID or state.frame.rewrites:
        return False
    held = state.box[slot]
    return held & held - 1 != 0 and not level.tagged


def _written(metadata: int, write: tuple[int, int] | None) -> int:
    return metadata if write is None else metadata & ~write[1] | write[0] & write[1]
