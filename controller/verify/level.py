"""Rules of one priority over sets of packets. Must not know: what rules do.

Source: OpenFlow 1.3.5 §5.3. Of overlapping rules of one priority any may win ("undefined"): all of them are reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from controller.verify.frame import Frame, source, tag_at
from controller.verify.ready import Ready, cut
from controller.verify.space import SHAPE, VID, Box, Limits, Space, narrowed, outside
from fabric.rule import Rule

Hit = tuple[Box, tuple[Rule, ...]]
"""Packets, and the rules that may take them: none is a miss, several are a tie that OpenFlow leaves open."""


class Level:
    """Rules of one priority. ``pivot``: where each has one atom of its own, so that they cannot overlap; ``by_atom``
    finds them there, by the length of the atom in bits, and ``handled`` is all those atoms. ``tagged``: some look at
    the outermost tag.
    """

    __slots__ = ("_kinds", "_others", "by_atom", "handled", "pivot", "priority", "rules", "tagged", "ties")

    def __init__(self, rules: list[Ready]) -> None:
        self.rules, self.priority = rules, rules[0].priority
        self.tagged = any(one.vid is not None or one.pcp is not None for one in rules)
        self._kinds: dict[Kind, list[Ready]] | None = None
        self._others: dict[Limits, int] | None = None
        self.pivot, self.by_atom = _pivot(rules)
        self.handled = 0
        for one in self.by_atom.values():
            self.handled |= atom_of(one, self.pivot)
        self.ties = self.pivot is None and any(_tie(a, b) for a, b in combinations(rules, 2))

    def edited(self, held: list[Ready], gone: list[Ready], come: list[Ready]) -> Level:
        """The level of the rules ``held``, which are this one's without those gone and with those come."""
        atoms = [atom_of(one, self.pivot) for one in (*gone, *come)]
        if self.pivot is None or len(held) < 2 or not all(atoms):
            return Level(held)
        found = dict(self.by_atom)
        handled = self.handled
        for atom in atoms[: len(gone)]:
            found.pop(atom.bit_length())
            handled &= ~atom
        for atom, one in zip(atoms[len(gone) :], come, strict=True):
            if atom.bit_length() in found:
                return Level(held)
            found[atom.bit_length()] = one
            handled |= atom
        made = Level.__new__(Level)
        made.rules, made.priority, made._kinds, made._others = held, self.priority, None, None
        made.tagged = any(one.vid is not None or one.pcp is not None for one in held)
        made.pivot, made.by_atom, made.handled, made.ties = self.pivot, found, handled, False
        return made

    @property
    def kinds(self) -> dict[Kind, list[Ready]]:
        """The rules by what they write into the metadata and where they go."""
        if self._kinds is None:
            self._kinds = {}
            for one in self.rules:
                todo = one.rule.instructions
                self._kinds.setdefault((todo.metadata, todo.goto), []).append(one)
        return self._kinds

    def beside(self, box: Box) -> list[Box]:
        """What the rules leave of a box, when there is a pivot and the packets have what they came in with there."""
        pivot = self.pivot or 0
        if self._others is None:
            self._others = {}
            for one in self.by_atom.values():
                limits = tuple([pair for pair in one.limits if pair[0] != pivot])
                self._others[limits] = self._others.get(limits, 0) | atom_of(one, pivot)
        missed = box[pivot] & ~self.handled
        found = [narrowed(box, pivot, missed)] if missed else []
        for limits, atoms in self._others.items():
            if limits and (some := box[pivot] & atoms):
                found += outside(narrowed(box, pivot, some), limits)
        return found

    def split(self, space: Space, box: Box, frame: Frame, rest: list[Box]) -> Iterator[Hit]:
        """The parts of the box that these rules take; what they leave is added to ``rest``."""
        if self.ties:
            yield from self._tied(space, box, frame, rest)
            return
        if self.pivot is None:
            left = [box]
            for ready in self.rules:
                missed: list[Box] = []
                for part in left:
                    taken, others = cut(space, ready, part, frame)
                    if taken is not None:
                        yield taken, (ready.rule,)
                    missed += others
                left = missed
                if not left:
                    return
            rest += left
            return
        for part, near in self._near(space, box, frame, self.pivot):
            if near is None:
                rest.append(part)
                continue
            taken, others = cut(space, near, part, frame)
            if taken is not None:
                yield taken, (near.rule,)
            rest += others

    def _near(self, space: Space, box: Box, frame: Frame, pivot: int) -> Iterator[tuple[Box, Ready | None]]:
        """The box in parts, each with the one rule that may take some of it."""
        found = tag_at(frame, 0).vid if pivot == VID else source(frame, pivot)
        if found >= 0:
            yield box, self.by_atom.get(space.domain[pivot].atom(found).bit_length())
            return
        var, held = ~found, box[~found]
        if held & held - 1 == 0:
            yield box, self.by_atom.get(held.bit_length())
            return
        for ready in self.by_atom.values():
            atom = atom_of(ready, pivot)
            if atom & held:
                held &= ~atom
                yield (*box[:var], atom, *box[var + 1 :]), ready
        if held:
            yield (*box[:var], held, *box[var + 1 :]), None

    def _tied(self, space: Space, box: Box, frame: Frame, rest: list[Box]) -> Iterator[Hit]:
        parts: list[tuple[Box, tuple[Rule, ...]]] = [(box, ())]
        for ready in self.rules:
            refined = []
            for part, rules in parts:
                taken, others = cut(space, ready, part, frame)
                refined += [(other, rules) for other in others]
                if taken is not None:
                    refined.append((taken, (*rules, ready.rule)))
            parts = refined
        for part, rules in parts:
            if rules:
                yield part, rules
            else:
                rest.append(part)


Kind = tuple[tuple[int, int] | None, int | None]
"""(metadata written, table gone to)."""


def _pivot(rules: list[Ready]) -> tuple[int | None, dict[int, Ready]]:
    """A slot that tells all the rules apart (VID: the outermost tag), and the rule of each atom of it."""
    if len(rules) > 1:
        for slot in (*[slot for slot in rules[0].atoms if slot not in (SHAPE, VID)], VID):
            found: dict[int, Ready] = {}
            for one in rules:
                atom = one.atoms.get(slot, 0)
                if not atom or atom.bit_length() in found:
                    break
                found[atom.bit_length()] = one
            else:
                return slot, found
    return None, {}


def atom_of(ready: Ready, slot: int | None) -> int:
    """The one atom that a rule wants of a slot (VID: of the outermost tag); 0 when it wants others too."""
    return ready.atoms.get(slot, 0) if slot is not None else 0


def _tie(a: Ready, b: Ready) -> bool:
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
