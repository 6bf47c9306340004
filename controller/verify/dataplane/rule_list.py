"""Rules by priority, and where packets of some registers meet them.

Lives here: the cut of a box rule by rule, highest priority first. Must not know: what rules do. Source: OpenFlow 1.3.5
§5.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from clos.controller.verify.dataplane.prepared_rule import PreparedRule, cut
from clos.controller.verify.dataplane.priority_level import Hit, PriorityLevel
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace
from clos.controller.verify.headerspace.transform import HeaderTransform


class RegisterContext:
    """Where a table's packets of some registers are: ``candidates`` are what they may meet there now.

    ``users``: who looked, and at which packets: (box, frame) pairs, None for all.
    """

    __slots__ = ("candidates", "users")

    def __init__(self, candidates: RuleList) -> None:
        self.candidates = candidates
        self.users: dict[Any, dict[tuple[Box, HeaderTransform], None] | None] = {}

    def touched(self, space: HeaderSpace, changed: list[PreparedRule] | None) -> list[Any]:
        """Those who looked at packets that these rules (None: any) may take."""
        return [
            user
            for user, record_read in self.users.items()
            if changed is None
            or record_read is None
            or any(cut(space, one, box, frame)[0] for one in changed for box, frame in record_read)
        ]


class RuleList:
    """Rules that agree with a port and registers, by priority."""

    __slots__ = ("__weakref__", "_groups", "_sieve", "_space", "_weight", "levels")

    def __init__(self, space: HeaderSpace, prepared: Iterable[PreparedRule]) -> None:
        self._space = space
        self._groups: frozenset[int] | None = None
        self._weight: int | None = None
        self._sieve: tuple[bool, tuple[int, ...], frozenset[int]] | None = None
        found: dict[int, list[PreparedRule]] = {}
        for one in prepared:
            found.setdefault(one.priority, []).append(one)
        self.levels = tuple([PriorityLevel(found[priority]) for priority in sorted(found, reverse=True)])

    def edited(self, gone: list[PreparedRule], come: list[PreparedRule]) -> RuleList:
        """The same with some rules less and others more; priorities that keep their rules keep their level."""
        made = RuleList(self._space, ())
        levels = {level.priority: level for level in self.levels}
        left = {one.serial for one in gone}
        for priority in {one.priority for one in (*gone, *come)}:
            out, into = ([one for one in some if one.priority == priority] for some in (gone, come))
            level = levels.get(priority)
            held = [one for one in (level.rules if level else ()) if one.serial not in left] + into
            if held:
                levels[priority] = level.edited(held, out, into) if level else PriorityLevel(held)
            else:
                levels.pop(priority, None)
        made.levels = tuple([levels[priority] for priority in sorted(levels, reverse=True)])
        return made

    @property
    def groups(self) -> frozenset[int]:
        """The groups that they send to."""
        if self._groups is None:
            self._groups = frozenset([g for level in self.levels for one in level.rules for g in one.groups])
        return self._groups

    @property
    def weight(self) -> int:
        """What it counts to look packets up: rules that are tried one by one, eight of them as a box."""
        if self._weight is None:
            self._weight = sum(len(level.rules) for level in self.levels if level.key_field is None) >> 3
        return self._weight

    @property
    def acl_filter(self) -> tuple[bool, tuple[int, ...], frozenset[int]]:
        """Whether they do nothing but let packets go on, or clear the action set and stop; the tables they lead to;
        and the slots they look at."""
        if self._sieve is None:
            prepared = [one for level in self.levels for one in level.rules]
            gotos = {to for one in prepared if (to := one.rule.instructions.goto) is not None}
            slots = frozenset(slot for one in prepared for slot, _ in one.limits)
            self._sieve = all(_sifts(one) for one in prepared), tuple(sorted(gotos)), slots
        return self._sieve

    def split(self, box: Box, frame: HeaderTransform) -> Iterator[Hit]:
        """The box in parts, each with the rules that may take it."""
        left = [box]
        for level in self.levels:
            rest: list[Box] = []
            for part in left:
                yield from level.split(self._space, part, frame, rest)
            left = rest
            if not left:
                return
        for part in left:
            yield part, ()


Pool = MutableMapping[tuple[int, ...], RuleList]
"""Candidates by the serials of their rules, shared by all tables of a fabric."""


def _sifts(prepared: PreparedRule) -> bool:
    todo = prepared.rule.instructions
    acts = todo.apply or todo.write or todo.metadata is not None or (todo.clear and todo.goto is not None)
    return not acts and prepared.vid is None
