"""What a rule makes of the packets of a class: worked out once, wherever the rule is met again.

It depends on the rule and on what its groups do, not on the switch nor on who sends: equal ones have one effect id.
Must not know: what must become of packets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, count
from typing import Any

from clos.controller.verify.dataplane.action_set import in_order, written
from clos.controller.verify.dataplane.locations import ANY_HOST_PORT
from clos.controller.verify.dataplane.outcome import DROPPED, Partition, Plain, plain
from clos.controller.verify.dataplane.pipeline import SwitchTraversal
from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule, cut
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.dataplane.symbolic_switch import SymbolicSwitch
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.headerspace.transform import HeaderTransform
from clos.controller.verify.proof.passed_checks import PassedChecks
from clos.controller.verify.proof.sender_class import SenderClass
from clos.fabric.dataplane.action import IN_PORT

_OWN_SWITCH = 1 << 40
"""An effect id's bit: what the rule does is this switch's own matter."""
_SENDS = (1 << 48) - 1
"""An effect id's bits that say where the rule sends to; the bits above are the rule's serial."""


class RuleEffect:
    """What a rule makes of packets whose action set is executed: ``parts``; ``changed``: the slots it gives values to.
    ``fine``: the requirements it is known to meet, by ``id``; ``passed_checks`` and ``sender_classes``: where it passed
    for good, and where it did not.
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
    """What a group of a switch does, as a number: equal ones do the same with every packet. 0: cannot be said."""

    __slots__ = ("group", "number", "switch")

    def __init__(self, switch: str, group: int, number: int) -> None:
        self.switch, self.group, self.number = switch, group, number


class RuleEffects:
    """The effects of a fabric's rules. ``made``: how many were ever worked out."""

    def __init__(self, fabric: SymbolicFabric) -> None:
        self.fabric = fabric
        self.made = 0
        self._switches = {name: i for i, name in enumerate(sorted(fabric.models))}
        self._behaviours: dict[tuple[str, int], GroupBehaviour] = {}
        self._effect_ids: dict[str, dict[int, tuple[list[PreparedRule], list[tuple[int, PreparedRule]]]]] = {}
        self._looks: dict[tuple[Box, HeaderTransform, tuple[Any, ...]], int] = {}
        self._effects: dict[tuple[int, int, int], RuleEffect] = {}
        self._next_looks = count()

    def __len__(self) -> int:
        return len(self._effects)

    def number(self, state: PipelineState) -> int:
        """A number for what packets look like, registers aside."""
        key = state.box, state.frame, state.write
        found = self._looks.get(key)
        if found is None:
            found = self._looks[key] = next(self._next_looks)
        return found

    def effect_ids(self, model: SymbolicSwitch, rules: list[PreparedRule]) -> list[tuple[int, PreparedRule]]:
        """Some rules of a switch with their effect ids; remembered until a group of the switch does something else."""
        if len(rules) == 1:
            return [(self._effect_id(model, rules[0]), rules[0])]
        held = self._effect_ids.setdefault(model.name, {})
        found = held.get(id(rules))
        if found is None or found[0] is not rules:
            found = held[id(rules)] = rules, [(self._effect_id(model, one), one) for one in rules]
        return found[1]

    def _effect_id(self, model: SymbolicSwitch, prepared: PreparedRule) -> int:
        """A number for what a rule does on a switch: equal ones do the same with packets of one look."""
        if len(prepared.groups) == 1 and not prepared.outputs:
            behaviour = self._behaviour(model.name, prepared.groups[0])
            if behaviour:
                return prepared.serial << 48 | behaviour
        elif not prepared.groups and all(port == IN_PORT for port in prepared.outputs):
            return prepared.serial << 48
        return prepared.serial << 48 | _OWN_SWITCH | self._switches[model.name]

    def _behaviour(self, switch: str, group: int) -> int:
        found = self._behaviours.get((switch, group))
        if found is None:
            found = self._behaviours[switch, group] = GroupBehaviour(switch, group, 0)
            with self.fabric.reading(found):
                value = self.fabric.value(switch, group)
            found.number = 0 if value is None else value.serial + 1
        return found.number

    def effect(
        self, model: SymbolicSwitch, prepared: PreparedRule, state: PipelineState, effect_id: int, looks: int
    ) -> RuleEffect:
        """What a rule makes of packets that look so; worked out once."""
        key = effect_id, prepared.rule.table, looks
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
        taken = cut(self.fabric.space, prepared, state.box, state.frame)[0]
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

    # -- what is forgotten -----------------------------------------------------------------------------------------

    def forget(self, effect: RuleEffect) -> Iterator[SenderClass]:
        """Check anew what rests on an effect; the classes concerned."""
        if self._effects.get(effect.key) is effect:
            del self._effects[effect.key]
        yield from effect.sender_classes
        for done in effect.passed_checks:
            if done.drop(effect.effect_id):
                yield from done.sender_classes

    def drop_behaviour(self, behaviour: GroupBehaviour) -> Iterator[SenderClass]:
        """A group does something else now; the classes that meet rules which send to it."""
        self._behaviours.pop((behaviour.switch, behaviour.group), None)
        self._effect_ids.pop(behaviour.switch, None)
        for table in self.fabric.models[behaviour.switch].tables.values():
            for cell in table.using(behaviour.group):
                yield from (user for user in cell.users if isinstance(user, SenderClass))

    def edited(self, switch: str) -> None:
        """A switch's rules or groups are others now."""
        self._effect_ids.pop(switch, None)

    def readers(self) -> Iterable[GroupBehaviour | RuleEffect]:
        """All who rest on what they read of the fabric."""
        return chain(self._behaviours.values(), self._effects.values())

    def drop_unused(self) -> None:
        """Drop what speaks of groups that no rule sends to any more, and of lists of rules."""
        self._effect_ids.clear()
        self._behaviours = {
            (switch, group): one
            for (switch, group), one in self._behaviours.items()
            if any(table.counts.groups[group] for table in self.fabric.models[switch].tables.values())
        }

    def drop_dead(self, serials: Collection[int], requirements: Collection[int], live: Collection[SenderClass]) -> None:
        """Drop the effects of rules that are gone, or sent to groups as they were, or that nothing rests on.
        ``serials``: those of the rules there are; ``requirements``: those that are remembered, by ``id``."""
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

    def drop_looks(self, used: set[int]) -> None:
        """Forget the numbers of looks that neither an effect nor these speak of."""
        used |= {looks for _, _, looks in self._effects}
        self._looks = {key: looks for key, looks in self._looks.items() if looks in used}


def _end(state: PipelineState) -> Partition:
    return [(state.box, DROPPED)]
