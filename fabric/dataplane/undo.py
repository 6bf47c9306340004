"""Taking back changes to a switch: what was held where something changed, so that a failed bundle leaves no trace.

Lives here: noting entries before they change, and putting them back. Must not know: messages, bundles. The cost is
that of the entries noted, whatever else the switch holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.counts import Count
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.switch import SwitchModel


class Undo:
    """Note each entry before it is changed; ``back`` puts all of them back as they were, counters included."""

    __slots__ = ("_model", "_steps")

    def __init__(self, model: SwitchModel) -> None:
        self._model = model
        self._steps: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def rule(self, table: int, priority: int, match: Match) -> None:
        """The rule with exactly this key, or that there is none, is about to change."""
        held = self._model.tables.get(table)
        old = None if held is None else held.find(match, priority)
        count = None if old is None else self._model.counts.noted(old)
        self._steps.append((self._rule_back, (table, priority, match, old, count)))

    def _rule_back(self, table: int, priority: int, match: Match, old: Rule | None, count: Count | None) -> None:
        now = self._model.table(table).find(match, priority)
        if now is not None:
            self._model.forget(now)
        if old is not None:
            self._model.recall(old, count)

    def group(self, number: int) -> None:
        """The group, or that there is none, is about to change; its users may go with it."""
        model = self._model
        old, counts = model.groups.get(number), model.counts.of_group(number)
        if model.group_users(number):
            for rule in model.rules():
                if _uses(rule, number):
                    self.rule(*rule.key)

        self._steps.append((self._group_back, (number, old, counts)))

    def _group_back(self, number: int, old: GroupEntry | None, counts: dict[tuple[int, int | None], Count]) -> None:
        self._model.recall_group(number, old)
        self._model.counts.groups.update(counts)

    def back(self) -> None:
        while self._steps:
            put_back, what = self._steps.pop()
            put_back(*what)


def _uses(rule: Rule, group: int) -> bool:
    sent = (*rule.instructions.apply, *rule.instructions.write)
    return any(isinstance(action, Group) and action.group == group for action in sent)
