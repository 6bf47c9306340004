"""Rules that can never match, because rules before them take every packet they would.

Lives here: what hides what, in a list of boxes by rank and in the flow tables of one switch. Must not know: which
packets ever reach a table, what rules do, how a union of boxes is told to cover a box (that is ``cover``).

Most rules meet few others. Boxes of one *shape* (how many leading bits are fixed in each dimension) are looked up by
the bits that two shapes both fix, so hardly any are compared that do not meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from clos.controller.analysis import bdd as diagrams
from clos.controller.analysis.cover import Multiplied, cover, least_cover
from clos.controller.analysis.interval_boxes import Box, Masked, boxes_of, meets, within
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.rule import Rule
from clos.fabric.packet.fields import FIELDS, VID_PRESENT

LIMIT = 50_000
"""Intersections after which the search for a cover gives way to decision diagrams: a few tenths of a second."""
LAST = 2_000_000
"""Intersections after which it is given up where no diagrams can be drawn: some ten seconds."""

_FIRST = -(1 << 16)
"""The rank of what comes before every rule."""

_WIDTHS = {name: field.bits for name, field in FIELDS.items()}
_FULL = {name: field.full for name, field in FIELDS.items()}


class Shadow(NamedTuple):
    """A rule that no packet can match, and rules that hide it, by falling priority; none of them can be spared.

    No hiding rules: no packet has what the rule asks for (a VLAN id without the present bit).
    """

    rule: Rule
    by: tuple[Rule, ...]

    def __str__(self) -> str:
        if not self.by:
            return f"{self.rule} never matches: no packet has such headers"
        shown = "; ".join(map(str, self.by[:3])) + f"; and {len(self.by) - 3} more" * (len(self.by) > 3)
        return f"{self.rule} never matches: its packets are taken by {shown}"


def shadowed(rules: Iterable[Rule]) -> tuple[Shadow, ...]:
    """The rules of one switch that can never match, by table and falling priority.

    Exact over all values of the fields that rules mention. Only rules of higher priority hide: among equals the choice
    is the switch's (OpenFlow 1.3.5 §5.3). It holds for as long as the hiding rules are there.
    Raises Unmodelled: a table too intricate to decide.
    """
    tables: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        tables[rule.table].append(rule)
    return tuple(shadow for _, table in sorted(tables.items()) for shadow in _in_table(table))


def _in_table(rules: list[Rule]) -> Iterator[Shadow]:
    rules = sorted(rules, key=lambda rule: -rule.priority)
    impossible = _impossible(rules)
    boxes = boxes_of([*impossible, *map(_masked, rules)], _WIDTHS)
    ranks = [_FIRST] * len(impossible) + [-rule.priority for rule in rules]
    for number, by in sorted(hidden(boxes, ranks, len(impossible)).items()):
        if number >= len(impossible):
            hiding = (rules[each - len(impossible)] for each in by if each >= len(impossible))
            yield Shadow(rules[number - len(impossible)], tuple(hiding))


def _masked(rule: Rule) -> Masked:
    """A packet that lacks a field may be given any value of it: a match that mentions the field also asks for a
    prerequisite, which the packet lacks too (OpenFlow 1.3.5 §7.2.3.8)."""
    return {name: (value, _FULL[name] if mask is None else mask) for name, value, mask in rule.match}


def _impossible(rules: Iterable[Rule]) -> list[Masked]:
    """What no packet has: a VLAN id without the present bit (OpenFlow 1.3.5 §7.2.3.8)."""
    if all(rule.match.get("vlan_vid") is None for rule in rules):
        return []
    bits = [1 << place for place in range(VID_PRESENT.bit_length() - 1)]
    return [{"vlan_vid": (bit, _FULL["vlan_vid"] & -bit)} for bit in bits]


def hidden(boxes: Sequence[Box], ranks: Sequence[int], free: int = 0) -> dict[int, tuple[int, ...]]:
    """Each box that boxes of lower rank cover together: their numbers, by rank; none of them can be spared.

    Boxes have equally many dimensions. The first ``free`` boxes, which have the lowest rank, cost nothing: what they
    cover needs no other. Raises Unmodelled: too intricate to decide.
    """
    found: dict[int, tuple[int, ...]] = {}
    for number, rivals in _rivals(boxes, ranks):
        if not rivals:
            continue
        box, given = boxes[number], sum(each < free for each in rivals)
        alone = next((each for each in rivals if within(box, boxes[each])), None)
        if alone is not None and (alone < free or not given):
            found[number] = (alone,)
            continue
        covering = _least([box, *(boxes[each] for each in rivals)], given)
        if covering is not None:
            found[number] = tuple(rivals[each] for each in covering)
    return found


def _least(boxes: list[Box], free: int) -> tuple[int, ...] | None:
    """A least cover of the first box by the others, by whichever way gets there."""
    box, *others = boxes
    try:
        return least_cover(box, others, partial(cover, limit=LIMIT), free)
    except Multiplied:
        how = diagrams.cover if diagrams.installed() else partial(cover, limit=LAST)
    try:
        return least_cover(box, others, how, free)
    except Multiplied:
        raise Unmodelled(
            f"{len(others)} rules overlap in more than {LAST:,} ways: install the extra diagrams"
        ) from None


def _rivals(boxes: Sequence[Box], ranks: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each box with the boxes of lower rank that meet it, by rank and number."""
    shapes = _by_shape(boxes, ranks)
    for shape, members in shapes.items():
        rivals: dict[int, list[int]] = {number: [] for _, number in members}
        for other, others in shapes.items():
            if ranks[others[0][1]] >= ranks[members[-1][1]]:
                continue
            common = shape & other
            alike: dict[int, list[int]] = defaultdict(list)
            for bits, number in others:
                alike[bits & common].append(number)
            for bits, number in members:
                for each in alike.get(bits & common, ()):
                    if ranks[each] >= ranks[number]:
                        break
                    if meets(boxes[number], boxes[each]):
                        rivals[number].append(each)
        for number, met in rivals.items():
            yield number, sorted(met, key=lambda each: (ranks[each], each))


def _by_shape(boxes: Sequence[Box], ranks: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """(fixed bits, number) of the boxes of each shape, by rank. A shape is the mask of the fixed bits."""
    widths = [max(last for _, last in intervals).bit_length() for intervals in zip(*boxes, strict=True)]
    shapes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number in sorted(range(len(boxes)), key=lambda number: ranks[number]):
        bits = shape = 0
        for (first, last), width in zip(boxes[number], widths, strict=True):
            free = (first ^ last).bit_length()
            fixed = (1 << width) - 1 >> free << free
            bits, shape = bits << width | first & fixed, shape << width | fixed
        shapes[shape].append((bits, number))
    return shapes
