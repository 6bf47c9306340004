"""Rules of one priority over sets of packets. Must not know: what rules do.

Source: OpenFlow 1.3.5 §5.3. Of overlapping rules of one priority any may win ("undefined"): all of them are reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from clos.controller.verify.dataplane.prepared_rule import PreparedRule, cut
from clos.controller.verify.effort import TooMuch
from clos.controller.verify.headerspace.header_space import LAYOUT, VID, Box, HeaderSpace, Limits, narrowed, outside
from clos.controller.verify.headerspace.transform import HeaderTransform, source, tag_at
from clos.fabric.dataplane.rule import Rule

Hit = tuple[Box, tuple[Rule, ...]]
"""Packets, and the rules that may take them: none is a miss, several are a tie that OpenFlow leaves open."""


MAX_TIED = 20_000
"""Parts that rules of one priority which overlap may cut packets into: each may double them."""

MANY = 32
"""Rules that are worth an index where no field tells them all apart."""


class PriorityLevel:
    """Rules of one priority. ``key_field``: where each has one atom of its own, so that they cannot overlap;
    ``by_atom``
    finds them there, by the length of the atom in bits, and ``handled`` is all those atoms. ``tagged``: some look at
    the outermost tag.
    """

    __slots__ = (
        "_index",
        "_kinds",
        "_others",
        "by_atom",
        "handled",
        "key_field",
        "priority",
        "rules",
        "tagged",
        "ties",
    )

    def __init__(self, rules: list[PreparedRule]) -> None:
        self.rules, self.priority = rules, rules[0].priority
        self.tagged = any(one.vid is not None or one.pcp is not None for one in rules)
        self._kinds: dict[Kind, list[PreparedRule]] | None = None
        self._others: dict[Limits, int] | None = None
        self.key_field, self.by_atom = _key_field(rules)
        self.handled = 0
        for one in self.by_atom.values():
            self.handled |= atom_of(one, self.key_field)
        self._index = _index(rules) if self.key_field is None else None
        near = [rules] if self._index is None else self._index[1].values()
        self.ties = self.key_field is None and any(_tie(a, b) for some in near for a, b in combinations(some, 2))

    def edited(self, held: list[PreparedRule], gone: list[PreparedRule], come: list[PreparedRule]) -> PriorityLevel:
        """The level of the rules ``held``, which are this one's without those gone and with those come."""
        atoms = [atom_of(one, self.key_field) for one in (*gone, *come)]
        if self.key_field is None or len(held) < 2 or not all(atoms):
            return PriorityLevel(held)
        found = dict(self.by_atom)
        handled = self.handled
        for atom in atoms[: len(gone)]:
            found.pop(atom.bit_length())
            handled &= ~atom
        for atom, one in zip(atoms[len(gone) :], come, strict=True):
            if atom.bit_length() in found:
                return PriorityLevel(held)
            found[atom.bit_length()] = one
            handled |= atom
        made = PriorityLevel.__new__(PriorityLevel)
        made.rules, made.priority, made._kinds, made._others, made._index = held, self.priority, None, None, None
        made.tagged = any(one.vid is not None or one.pcp is not None for one in held)
        made.key_field, made.by_atom, made.handled, made.ties = self.key_field, found, handled, False
        return made

    @property
    def kinds(self) -> dict[Kind, list[PreparedRule]]:
        """The rules by what they write into the metadata and where they go."""
        if self._kinds is None:
            self._kinds = {}
            for one in self.rules:
                todo = one.rule.instructions
                self._kinds.setdefault((todo.metadata, todo.goto), []).append(one)
        return self._kinds

    def beside(self, box: Box) -> list[Box]:
        """What the rules leave of a box, when there is a pivot and the packets have what they came in with there."""
        key_field = self.key_field or 0
        if self._others is None:
            self._others = {}
            for one in self.by_atom.values():
                limits = tuple([pair for pair in one.limits if pair[0] != key_field])
                self._others[limits] = self._others.get(limits, 0) | atom_of(one, key_field)
        missed = box[key_field] & ~self.handled
        found = [narrowed(box, key_field, missed)] if missed else []
        for limits, atoms in self._others.items():
            if limits and (some := box[key_field] & atoms):
                found += outside(narrowed(box, key_field, some), limits)
        return found

    def split(self, space: HeaderSpace, box: Box, frame: HeaderTransform, rest: list[Box]) -> Iterator[Hit]:
        """The parts of the box that these rules take; what they leave is added to ``rest``."""
        if self.key_field is None:
            for part, some in self._indexed(space, box, frame):
                yield from (_tied if self.ties else _tried)(space, some, part, frame, rest)
            return
        for part, near in self._near(space, box, frame, self.key_field):
            if near is None:
                rest.append(part)
                continue
            taken, others = cut(space, near, part, frame)
            if taken is not None:
                yield taken, (near.rule,)
            rest += others

    def _indexed(
        self, space: HeaderSpace, box: Box, frame: HeaderTransform
    ) -> Iterator[tuple[Box, list[PreparedRule]]]:
        """The box in parts, each with the rules that may take some of it; in one where there is no index."""
        if self._index is None:
            yield box, self.rules
            return
        slot, by_atom = self._index
        found = source(frame, slot)
        if found >= 0:
            yield box, by_atom.get(space.domain[slot].atom(found), [])
            return
        held = box[~found]
        if held & held - 1 == 0:
            yield box, by_atom.get(held, [])
            return
        for atom, some in by_atom.items():
            if atom & held:
                held &= ~atom
                yield narrowed(box, ~found, atom), some
        if held:
            yield narrowed(box, ~found, held), []

    def _near(
        self, space: HeaderSpace, box: Box, frame: HeaderTransform, key_field: int
    ) -> Iterator[tuple[Box, PreparedRule | None]]:
        """The box in parts, each with the one rule that may take some of it."""
        found = tag_at(frame, 0).vid if key_field == VID else source(frame, key_field)
        if found >= 0:
            yield box, self.by_atom.get(space.domain[key_field].atom(found).bit_length())
            return
        var, held = ~found, box[~found]
        if held & held - 1 == 0:
            yield box, self.by_atom.get(held.bit_length())
            return
        for prepared in self.by_atom.values():
            atom = atom_of(prepared, key_field)
            if atom & held:
                held &= ~atom
                yield (*box[:var], atom, *box[var + 1 :]), prepared
        if held:
            yield (*box[:var], held, *box[var + 1 :]), None


def _tried(
    space: HeaderSpace, rules: list[PreparedRule], box: Box, frame: HeaderTransform, rest: list[Box]
) -> Iterator[Hit]:
    """The parts of a box that rules take which do not tie, one rule after the other."""
    left = [box]
    for prepared in rules:
        missed: list[Box] = []
        for part in left:
            taken, others = cut(space, prepared, part, frame)
            if taken is not None:
                yield taken, (prepared.rule,)
            missed += others
        left = missed
        if not left:
            return
    rest += left


def _tied(
    space: HeaderSpace, rules: list[PreparedRule], box: Box, frame: HeaderTransform, rest: list[Box]
) -> Iterator[Hit]:
    """The same of rules that may tie."""
    parts: list[tuple[Box, tuple[Rule, ...]]] = [(box, ())]
    for prepared in rules:
        refined = []
        for part, tied in parts:
            taken, others = cut(space, prepared, part, frame)
            refined += [(other, tied) for other in others]
            if taken is not None:
                refined.append((taken, (*tied, prepared.rule)))
        if len(refined) > MAX_TIED:
            raise TooMuch(f"more than {MAX_TIED:,} sets of packets for which rules of one priority tie")
        parts = refined
    for part, tied in parts:
        if tied:
            yield part, tied
        else:
            rest.append(part)


Kind = tuple[tuple[int, int] | None, int | None]
"""(metadata written, table gone to)."""


def _key_field(rules: list[PreparedRule]) -> tuple[int | None, dict[int, PreparedRule]]:
    """A slot that tells all the rules apart (VID: the outermost tag), and the rule of each atom of it."""
    if len(rules) > 1:
        for slot in (*[slot for slot in rules[0].atoms if slot not in (LAYOUT, VID)], VID):
            found: dict[int, PreparedRule] = {}
            for one in rules:
                atom = one.atoms.get(slot, 0)
                if not atom or atom.bit_length() in found:
                    break
                found[atom.bit_length()] = one
            else:
                return slot, found
    return None, {}


def _index(rules: list[PreparedRule]) -> tuple[int, dict[int, list[PreparedRule]]] | None:
    """Of many rules that want one atom of a slot each: the slot that parts them best, and the rules of each atom."""
    best: tuple[int, dict[int, list[PreparedRule]]] | None = None
    for slot in rules[0].atoms if len(rules) >= MANY else ():
        if slot in (LAYOUT, VID) or any(slot not in one.atoms for one in rules):
            continue
        found: dict[int, list[PreparedRule]] = {}
        for one in rules:
            found.setdefault(one.atoms[slot], []).append(one)
        if best is None or len(found) > len(best[1]):
            best = slot, found
    return best


def atom_of(prepared: PreparedRule, slot: int | None) -> int:
    """The one atom that a rule wants of a slot (VID: of the outermost tag); 0 when it wants others too."""
    return prepared.atoms.get(slot, 0) if slot is not None else 0


def _tie(a: PreparedRule, b: PreparedRule) -> bool:
    """Whether one packet could match both, and they do not do the same."""
    if a.rule.instructions == b.rule.instructions:
        return False
    if a.port is not None and b.port is not None and a.port != b.port:
        return False
    theirs = dict(b.limits)
    if any(not bits & theirs.get(slot, bits) for slot, bits in a.limits):
        return False
    tags = a.vid is None or b.vid is None or bool(a.vid & b.vid)
    return tags and (a.pcp is None or b.pcp is None or bool(a.pcp & b.pcp))
