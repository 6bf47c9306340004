"""One flow table: which rule a packet meets.

Lives here: storage and search. Rules are kept by *signature* (which fields, under which masks); within one, the
rule for a packet is one look-up in a dictionary (tuple-space search). Must not know: what instructions do,
groups, counters.

Source: OpenFlow 1.3.5 §5.3 (matching: the highest priority wins), §6.4 (strict and non-strict).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Rule
from clos.fabric.packet.fields import FIELDS

_Values = tuple[int, ...]
_Signature = tuple[tuple[str, ...], tuple[int | None, ...]]
_NONE = -2
"""Below every priority: -1 is of rules that stand for "no rule matched" (controller.dump.calls)."""
_FULL = {name: field.full for name, field in FIELDS.items()}


class _Space:
    """The rules of one signature. ``first``: the highest-priority rule of each value; ``rest``: those below it."""

    __slots__ = ("first", "rest", "terms", "top")

    def __init__(self, signature: _Signature) -> None:
        self.terms = tuple((name, _FULL[name] if mask is None else mask) for name, mask in zip(*signature, strict=True))
        self.first: dict[_Values, Rule] = {}
        self.rest: dict[_Values, tuple[Rule, ...]] = {}
        self.top = _NONE

    def copy(self) -> _Space:
        twin = object.__new__(_Space)
        twin.terms, twin.top = self.terms, self.top
        twin.first, twin.rest = self.first.copy(), self.rest.copy()
        return twin

    def put(self, values: _Values, rule: Rule) -> Rule | None:
        """Store the rule; returns the one of equal priority it replaces."""
        priority = rule.priority
        head = self.first.get(values)
        if head is None:
            self.first[values] = rule
            self.top = max(self.top, priority)
            return None
        chain = (head, *self.rest.get(values, ()))
        old = next((r for r in chain if r.priority == priority), None)
        self._store(values, [r for r in chain if r is not old] + [rule])
        return old

    def remove(self, values: _Values, rule: Rule) -> None:
        chain = (self.first[values], *self.rest.get(values, ()))
        self._store(values, [r for r in chain if r is not rule])

    def _store(self, values: _Values, rules: list[Rule]) -> None:
        if not rules:
            del self.first[values]
            return
        head, *tail = sorted(rules, key=lambda r: -r.priority)
        self.first[values] = head
        self.top = max(self.top, head.priority)
        if tail:
            self.rest[values] = tuple(tail)
        else:
            self.rest.pop(values, None)

    def rules(self) -> Iterator[Rule]:
        if not self.rest:
            yield from self.first.values()
            return
        for values, head in self.first.items():
            yield head
            yield from self.rest.get(values, ())


def _split(match: Match) -> tuple[_Signature, _Values]:
    if not match:
        return ((), ()), ()
    names, values, masks = zip(*match, strict=True)
    return (names, masks), values


class FlowTable:
    """A mutable flow table with cheap copies: a copy shares storage until either side changes it."""

    __slots__ = ("_borrowed", "_order", "_spaces", "size")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._spaces: dict[_Signature, _Space] = {}
        self._order: list[_Space] = []
        self._borrowed: set[_Signature] = set()
        self.size = 0
        for rule in rules:
            self.put(rule)

    def copy(self) -> FlowTable:
        twin = FlowTable()
        twin._spaces, twin._order, twin.size = dict(self._spaces), list(self._order), self.size
        twin._borrowed = set(self._spaces)
        self._borrowed = set(self._spaces)
        return twin

    def lookup(self, fields: Mapping[str, int]) -> Rule | None:
        """The rule of highest priority that takes these fields; None is a table miss.

        Rules of equal priority that overlap have no defined winner (§5.3); here it is the same every time.
        """
        best, floor = None, _NONE
        for space in self._order:
            if space.top <= floor:
                break
            try:
                rule = space.first.get(tuple([fields[name] & mask for name, mask in space.terms]))
            except KeyError:
                continue
            if rule is not None and rule.priority > floor:
                best, floor = rule, rule.priority
        return best

    def consulted(self, fields: Mapping[str, int]) -> list[tuple[tuple[str, int], ...]]:
        """What ``lookup`` looks at for these fields: the terms (field, mask) of each signature it tries.

        A signature with a field that the packet lacks is none: whether a field is there is no question of its bits.
        """
        found, floor = [], _NONE
        for space in self._order:
            if space.top <= floor:
                break
            if all(name in fields for name, _ in space.terms):
                found.append(space.terms)
                rule = space.first.get(tuple([fields[name] & mask for name, mask in space.terms]))
                floor = max(floor, rule.priority) if rule is not None else floor
        return found

    def find(self, match: Match, priority: int) -> Rule | None:
        """The rule with exactly this match and priority."""
        signature, values = _split(match)
        space = self._spaces.get(signature)
        head = space.first.get(values) if space is not None else None
        if space is None or head is None or head.priority == priority:
            return head
        return next((r for r in space.rest.get(values, ()) if r.priority == priority), None)

    def put(self, rule: Rule) -> Rule | None:
        """Add the rule; returns the one with the same match and priority that it replaces."""
        signature, values = _split(rule.match)
        space = self._writable(signature)
        top = space.top
        old = space.put(values, rule)
        if space.top != top:
            self._sort()
        self.size += old is None
        return old

    def remove(self, rule: Rule) -> None:
        """Take out a rule the table holds."""
        signature, values = _split(rule.match)
        space = self._writable(signature)
        space.remove(values, rule)
        self.size -= 1
        if not space.first:
            del self._spaces[signature]
            self._order.remove(space)

    def _writable(self, signature: _Signature) -> _Space:
        space = self._spaces.get(signature)
        if space is None:
            space = self._spaces[signature] = _Space(signature)
            self._order.append(space)
        elif signature in self._borrowed:
            space = self._spaces[signature] = space.copy()
            self._sort()
        self._borrowed.discard(signature)
        return space

    def _sort(self) -> None:
        self._order = sorted(self._spaces.values(), key=lambda space: -space.top)

    def covered(self, match: Match) -> list[Rule]:
        """The rules at least as specific as ``match`` (non-strict selection, §6.4)."""
        if not match:
            return list(self)
        return [rule for space in self._at_least(match) for rule in space.rules() if match.covers(rule.match)]

    def _at_least(self, match: Match) -> list[_Space]:
        """The spaces that fix every bit ``match`` does."""
        found = []
        for space in self._spaces.values():
            masks = dict(space.terms)
            if all((_FULL[n] if m is None else m) & ~masks.get(n, 0) == 0 for n, _, m in match):
                found.append(space)
        return found

    def overlapping(self, rule: Rule) -> Rule | None:
        """A rule of the same priority that one packet could match too (OFPFF_CHECK_OVERLAP)."""
        return next((r for r in self if r.priority == rule.priority and r.match.overlaps(rule.match)), None)

    def __iter__(self) -> Iterator[Rule]:
        for space in self._spaces.values():
            yield from space.rules()

    def __len__(self) -> int:
        return self.size
