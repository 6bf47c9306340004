"""Where a table's rules send packets and what they write, counted, so that an edit costs what it changes.

Must not know: which packets rules take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from clos.controller.verify.dataplane.prepared_rule import PreparedRule
from clos.controller.verify.headerspace.header_space import Limits

Lead = tuple[int | None, Limits | None]
"""The table that a rule leads to, and what it looks for; None when it does more."""


class RuleCounts:
    """What a table's rules do, counted. ``gotos``, ``groups``, ``outputs``: where they send packets; ``changing``: of
    the gotos, those of rules that change packets before; ``leads``: the gotos, each with what rules that do nothing
    else look for (None: rules that do more); ``writes``: masks of metadata that rules write. ``ported``: how many rules
    look at the port a packet came in by."""

    __slots__ = ("_layout", "changing", "gotos", "groups", "leads", "outputs", "ported", "size", "writes")

    def __init__(self) -> None:
        self.gotos: Counter[int | None] = Counter()
        self.changing: Counter[int | None] = Counter()
        self.leads: Counter[Lead] = Counter()
        self.writes: Counter[int] = Counter()
        self.groups: Counter[int] = Counter()
        self.outputs: Counter[int] = Counter()
        self.ported = self.size = 0
        self._layout: tuple[object, ...] | None = None

    def add_all(self, rules: Sequence[PreparedRule]) -> None:
        """Count many rules at once."""
        self._layout = None
        todos = [prepared.rule.instructions for prepared in rules]
        self.gotos.update([todo.goto for todo in todos])
        self.changing.update([todo.goto for todo in todos if todo.apply])
        self.leads.update([_lead(prepared) for prepared in rules if prepared.rule.instructions.goto is not None])
        self.writes.update([wrote[1] for todo in todos if (wrote := todo.metadata) is not None])
        self.groups.update([group for prepared in rules for group in prepared.groups])
        self.outputs.update([port for prepared in rules for port in prepared.outputs])
        self.size += len(rules)
        self.ported += sum([prepared.port is not None for prepared in rules])

    def count(self, prepared: PreparedRule, by: int) -> None:
        """Count one rule more (1) or less (-1)."""
        todo = prepared.rule.instructions
        self._layout = None
        self.gotos[todo.goto] += by
        if todo.apply:
            self.changing[todo.goto] += by
        if todo.goto is not None:
            self.leads[_lead(prepared)] += by
        if todo.metadata is not None:
            self.writes[todo.metadata[1]] += by
        for group in prepared.groups:
            self.groups[group] += by
        for port in prepared.outputs:
            self.outputs[port] += by
        self.size += by
        self.ported += by if prepared.port is not None else 0

    @property
    def layout(self) -> tuple[object, ...]:
        """Where the rules lead, where they lead packets that they change, which bits of the metadata they write."""
        if self._layout is None:
            counted = self.gotos, self.changing, self.writes
            self._layout = tuple(frozenset(each for each, count in some.items() if count) for some in counted)
        return self._layout


def _lead(prepared: PreparedRule) -> Lead:
    todo = prepared.rule.instructions
    more = todo.apply or todo.write or prepared.vid is not None or prepared.pcp is not None
    return todo.goto, None if more else prepared.limits
