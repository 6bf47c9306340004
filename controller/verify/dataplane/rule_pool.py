"""Rules prepared once, however many switches hold them. Must not know: switches, what rules do."""

from __future__ import annotations

from itertools import count
from weakref import WeakValueDictionary

from clos.controller.verify.dataplane.prepared_rule import PreparedRule, prepare
from clos.controller.verify.headerspace.header_space import HeaderSpace
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule


class RulePool:
    """The rules that switches hold, prepared. Rules that do the same to the same packets have one serial, whatever
    their cookies."""

    def __init__(self, space: HeaderSpace) -> None:
        self._space = space
        self._serials: dict[tuple[int, int, Match, Instructions], int] = {}
        self._next = count()
        self._prepared: WeakValueDictionary[int, PreparedRule] = WeakValueDictionary()

    def prepared(self, rule: Rule) -> PreparedRule:
        """The rule prepared; one object for one rule as long as some switch holds it."""
        found = self._prepared.get(id(rule))
        if found is None or found.rule is not rule:
            found = self._prepared[id(rule)] = self._prepare(rule)
        return found

    def all_prepared(self, rules: tuple[Rule, ...], known: dict[int, PreparedRule]) -> list[PreparedRule]:
        """Many rules prepared; ``known`` holds those that were met before, by ``id``, and takes the others."""
        found: list[PreparedRule] = []
        for rule in rules:
            prepared = known.get(id(rule))
            if prepared is None:
                prepared = known[id(rule)] = self._prepare(rule)
            found.append(prepared)
        return found

    def keep(self, known: dict[int, PreparedRule]) -> None:
        """Know these from now on."""
        self._prepared.update(known)

    def _prepare(self, rule: Rule) -> PreparedRule:
        key = rule.table, rule.priority, rule.match, rule.instructions
        serial = self._serials.get(key)
        if serial is None:
            serial = self._serials[key] = next(self._next)
        return prepare(rule, self._space, serial)

    def drop_dead(self) -> set[int]:
        """Forget the serials of rules that no switch holds; those that stay."""
        held = {prepared.serial for prepared in self._prepared.values()}
        self._serials = {key: serial for key, serial in self._serials.items() if serial in held}
        return held
