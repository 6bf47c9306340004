"""Tables that are called and come back, as tables of their own for each place they are called from.

OpenFlow 1.3 only ever leads on to tables. So what may be met between a call and its return is copied under new numbers,
with the way back at the end of each of its rules. Must not know: how flows are spelt.
Source: ovs-actions(7), resubmit: a table without a match does nothing, and the actions after the call follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.dump.registers import ExitInstructions
from clos.controller.dump.words import NotModelled
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule

MOST = 64
"""Places that tables are called from, one within another; Open vSwitch gives up at about as many (ovs-actions(7))."""
TABLES = 256
_BACK = 255
"""The table, in each copy, that what was called comes back to: no switch has one of this number."""
_MISS = -1

Calling = dict[tuple[int, int, object], tuple[Instructions, ...]]
"""What follows the calls of a rule, by the rule's key."""


class _Place(NamedTuple):
    """Where tables are called from: ``number`` of their copy, ``then`` what follows, in the copy ``within``."""

    number: int
    then: tuple[Instructions, ...]
    within: _Place | None


def without_calls(rules: Iterable[Rule], calling: Calling) -> Iterator[tuple[Rule, Rule]]:
    """Rules that do the same without a call, each with the one it is made of. Raises NotModelled: calls within calls
    without an end."""
    by_table: dict[int, list[Rule]] = {}
    for rule in rules:
        by_table.setdefault(rule.table, []).append(rule)
    yield from _Copying(by_table, calling).all_of()


class _Copying:
    """Tables to be copied, and those that were."""

    def __init__(self, by_table: dict[int, list[Rule]], calling: Calling) -> None:
        self._tables, self._calling = by_table, calling
        self._waiting: list[tuple[_Place | None, int]] = []
        self._seen: set[int] = set()
        self._backs: list[_Place] = []
        self._places = 0

    def all_of(self) -> Iterator[tuple[Rule, Rule]]:
        for table in self._tables:
            self._lead(None, table)
        while self._waiting or self._backs:
            if self._backs:
                made = self._back(self._backs.pop())
                yield made, made
                continue
            place, table = self._waiting.pop()
            some = self._tables.get(table, [])
            for rule in some:
                todo = self._todo(place, rule.instructions, self._calling.get(rule.key, ()))
                yield rule._replace(table=_numbered(place, table), instructions=todo), rule
            if place is not None:
                like = some[0] if some else Rule(table, _MISS, ANY, Instructions())
                miss = Instructions(goto=_numbered(place, _BACK))
                yield Rule(_numbered(place, table), _MISS, ANY, miss), like

    def _back(self, place: _Place) -> Rule:
        """The rule by which what was called comes back."""
        first, *then = place.then
        return Rule(_numbered(place, _BACK), 0, ANY, self._todo(place.within, first, tuple(then)))

    def _todo(self, place: _Place | None, todo: Instructions, then: tuple[Instructions, ...]) -> Instructions:
        """The instructions in a copy: on within it, into a further one, or back."""
        if then:
            return self._onward(todo, self._called(place, todo.goto, then))
        if todo.goto is not None:
            return self._onward(todo, self._lead(place, todo.goto))
        return (
            todo if place is None or isinstance(todo, ExitInstructions) else self._onward(todo, _numbered(place, _BACK))
        )

    @staticmethod
    def _onward(todo: Instructions, table: int) -> Instructions:
        return type(todo)(*todo)._replace(goto=table)

    def _lead(self, place: _Place | None, table: int) -> int:
        number = _numbered(place, table)
        if number not in self._seen:
            self._seen.add(number)
            self._waiting.append((place, table))
        return number

    def _called(self, place: _Place | None, table: int | None, then: tuple[Instructions, ...]) -> int:
        self._places += 1
        if self._places > MOST or table is None:
            raise NotModelled(f"resubmit that comes back from more than {MOST} places within each other")
        made = _Place(self._places, then, place)
        self._backs.append(made)
        return self._lead(made, table)


def _numbered(place: _Place | None, table: int) -> int:
    return table if place is None else place.number * TABLES + table
