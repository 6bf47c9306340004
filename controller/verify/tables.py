"""Flow tables over sets of packets: which rule takes which part of a box.

Rules are prepared once, however many switches hold them. A table finds its candidates by what is known exactly
(port, metadata, fields with one value), then cuts the box rule by rule, highest priority first.
Must not know: what rules do.

Source: OpenFlow 1.3.5 §5.3. Of overlapping rules of one priority any may win ("undefined"): all of them are reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from controller.verify.domain import Unmodelled
from controller.verify.frame import Frame, source, tag_at
from controller.verify.space import FIELD, PCP, SHAPE, VID, Box, Limits, Space, outside, within
from fabric.rule import Rule


class Ready(NamedTuple):
    """A rule prepared: ``port`` None = any; metadata and tunnel id as (value, mask); ``vid`` and ``pcp``: sets for the
    outermost tag, None = any; ``limits``: sets for plain slots, the shape's first."""

    rule: Rule
    priority: int
    port: int | None
    metadata: tuple[int, int]
    tunnel: tuple[int, int]
    vid: int | None
    pcp: int | None
    limits: Limits
    possible: bool = True


class State(NamedTuple):
    """Packets somewhere in a pipeline: which (box, of the packets that came in), what they look like now, registers."""

    box: Box
    frame: Frame
    metadata: int = 0
    tunnel: int = 0
    write: tuple[object, ...] = ()


Hit = tuple[Box, tuple[Rule, ...]]
"""Packets, and the rules that may take them: none is a miss, several are a tie that OpenFlow leaves open."""

_FULL64 = (1 << 64) - 1


def prepare(rule: Rule, space: Space) -> Ready:
    """Raises Unmodelled, naming the field, for matches on what the prover cannot look at."""
    ready = _Preparing(space)
    for name, value, mask in rule.match:
        ready.term(name, value, mask)
    limits = tuple(sorted((slot, bits) for slot, bits in ready.limits.items() if bits != space.full[slot]))
    possible = ready.possible and all(ready.limits.values()) and ready.vid != 0
    return Ready(rule, rule.priority, ready.port, ready.metadata, ready.tunnel, ready.vid, ready.pcp, limits, possible)


class _Preparing:
    """A match on its way into limits."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.limits: dict[int, int] = {}
        self.port: int | None = None
        self.metadata = self.tunnel = (0, 0)
        self.vid: int | None = None
        self.pcp: int | None = None
        self.possible = True

    def term(self, name: str, value: int, mask: int | None) -> None:
        if name in ("in_port", "in_phy_port"):
            self.possible &= self.port in (None, value)
            self.port = value
        elif name == "metadata":
            self.metadata = value, _FULL64 if mask is None else mask
        elif name == "tunnel_id":
            self.tunnel = value, _FULL64 if mask is None else mask
        elif name == "eth_type":
            self.cut(SHAPE, self.space.shapes.eth_type(value))
        elif name == "ip_proto":
            self.cut(SHAPE, self.space.shapes.proto(value))
        elif name == "vlan_vid":
            bits = self.space.domain[VID].of(value, mask)
            self.vid = bits if self.vid is None else self.vid & bits
        elif name == "vlan_pcp":
            self.pcp = self.space.domain[PCP].of(value, mask)
            present = self.space.full[VID] & ~self.space.untagged
            self.vid = present if self.vid is None else self.vid & present
        elif name in FIELD:
            slot, bits, shapes = self.space.limit(name, value, mask)
            self.cut(SHAPE, shapes)
            self.cut(slot, bits)
        else:
            raise Unmodelled(f"a match on {name}")

    def cut(self, slot: int, bits: int) -> None:
        self.limits[slot] = self.limits.get(slot, self.space.full[slot]) & bits


class Table:
    """One flow table."""

    __slots__ = ("_found", "_kinds", "_pool", "_space")

    def __init__(self, space: Space, rules: Iterable[Ready], pool: Pool) -> None:
        self._space, self._pool = space, pool
        self._kinds: dict[tuple[bool, int, int], dict[tuple[int, int, int], list[Ready]]] = {}
        self._found: dict[tuple[tuple[int, int, int], ...], Candidates] = {}
        for ready in rules:
            if ready.possible:
                kind = ready.port is not None, ready.metadata[1], ready.tunnel[1]
                key = ready.port or 0, ready.metadata[0], ready.tunnel[0]
                self._kinds.setdefault(kind, {}).setdefault(key, []).append(ready)

    def candidates(self, port: int, metadata: int, tunnel: int) -> Candidates:
        """The rules that packets with these registers may meet; the same object wherever they are the same rules."""
        key = tuple([(port if p else 0, metadata & m, tunnel & t) for p, m, t in self._kinds])
        found = self._found.get(key)
        if found is None:
            lists = (held.get(k, ()) for held, k in zip(self._kinds.values(), key, strict=True))
            ready = [one for some in lists for one in some]
            ids = tuple(map(id, ready))
            if ids not in self._pool:
                self._pool[ids] = Candidates(self._space, ready)
            found = self._found[key] = self._pool[ids]
        return found

    def split(self, port: int, state: State) -> Iterator[Hit]:
        """The state's box in parts, each with the rules that may take it."""
        return self.candidates(port, state.metadata, state.tunnel).split(state.box, state.frame)


class Candidates:
    """Rules that agree with a port and registers, by priority. ``sifts``: they do nothing but let packets go on to
    ``gotos``, or clear the action set and stop."""

    __slots__ = ("_levels", "_space", "gotos", "sifts", "slots")

    def __init__(self, space: Space, ready: list[Ready]) -> None:
        self._space = space
        self.slots = frozenset(slot for one in ready for slot, _ in one.limits)
        self.gotos = tuple(sorted({to for one in ready if (to := one.rule.instructions.goto) is not None}))
        self.sifts = all(_sifts(one) for one in ready)
        levels: dict[int, list[Ready]] = {}
        for one in ready:
            levels.setdefault(one.priority, []).append(one)
        self._levels = [_Level(levels[priority]) for priority in sorted(levels, reverse=True)]

    def split(self, box: Box, frame: Frame) -> Iterator[Hit]:
        """The box in parts, each with the rules that may take it."""
        left = [box]
        for level in self._levels:
            rest: list[Box] = []
            for part in left:
                yield from level.split(self._space, part, frame, rest)
            left = rest
            if not left:
                return
        for part in left:
            yield part, ()


Pool = dict[tuple[int, ...], Candidates]
"""Candidates by the identities of their rules, shared by all tables of a fabric."""


def _sifts(ready: Ready) -> bool:
    todo = ready.rule.instructions
    acts = todo.apply or todo.write or todo.metadata is not None or (todo.clear and todo.goto is not None)
    return not acts and ready.vid is None


class _Level:
    """Rules of one priority. ``pivot``: where each has one atom of its own, so that they cannot overlap."""

    __slots__ = ("_by_atom", "_pivot", "_rules", "_ties")

    def __init__(self, rules: list[Ready]) -> None:
        self._rules = rules
        self._pivot, self._by_atom = _pivot(rules)
        self._ties = self._pivot is None and any(_tie(a, b) for a, b in combinations(rules, 2))

    def split(self, space: Space, box: Box, frame: Frame, rest: list[Box]) -> Iterator[Hit]:
        """The parts of the box that these rules take; what they leave is added to ``rest``."""
        if self._ties:
            yield from self._tied(space, box, frame, rest)
            return
        if self._pivot is None:
            left = [box]
            for ready in self._rules:
                missed: list[Box] = []
                for part in left:
                    taken, others = _cut(space, ready, part, frame)
                    if taken is not None:
                        yield taken, (ready.rule,)
                    missed += others
                left = missed
                if not left:
                    return
            rest += left
            return
        for part, near in self._near(space, box, frame, self._pivot):
            if near is None:
                rest.append(part)
                continue
            taken, others = _cut(space, near, part, frame)
            if taken is not None:
                yield taken, (near.rule,)
            rest += others

    def _near(self, space: Space, box: Box, frame: Frame, pivot: int) -> Iterator[tuple[Box, Ready | None]]:
        """The box in parts, each with the one rule that may take some of it."""
        found = tag_at(frame, 0).vid if pivot == VID else source(frame, pivot)
        if found >= 0:
            yield box, self._by_atom.get(space.domain[pivot].atom(found))
            return
        var, held = ~found, box[~found]
        if held & held - 1 == 0:
            yield box, self._by_atom.get(held)
            return
        for atom, ready in self._by_atom.items():
            if atom & held:
                held &= ~atom
                yield (*box[:var], atom, *box[var + 1 :]), ready
        if held:
            yield (*box[:var], held, *box[var + 1 :]), None

    def _tied(self, space: Space, box: Box, frame: Frame, rest: list[Box]) -> Iterator[Hit]:
        parts: list[tuple[Box, tuple[Rule, ...]]] = [(box, ())]
        for ready in self._rules:
            refined = []
            for part, rules in parts:
                taken, others = _cut(space, ready, part, frame)
                refined += [(other, rules) for other in others]
                if taken is not None:
                    refined.append((taken, (*rules, ready.rule)))
            parts = refined
        for part, rules in parts:
            if rules:
                yield part, rules
            else:
                rest.append(part)


def _pivot(rules: list[Ready]) -> tuple[int | None, dict[int, Ready]]:
    """A slot that tells all the rules apart (VID: the outermost tag), and the rule of each atom of it."""
    if len(rules) < 2:
        return None, {}
    for slot in (*(slot for slot, _ in rules[0].limits), VID):
        if slot == VID:
            by_atom = {ready.vid: ready for ready in rules if ready.vid is not None}
        else:
            by_atom = {bits: ready for ready in rules for held, bits in ready.limits if held == slot}
        if len(by_atom) == len(rules) and slot != SHAPE and all(bits & bits - 1 == 0 for bits in by_atom):
            return slot, by_atom
    return None, {}


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


def _cut(space: Space, ready: Ready, box: Box, frame: Frame) -> tuple[Box | None, list[Box]]:
    """The part of the box that the rule takes, and the rest."""
    limits = _pulled(space, ready, frame)
    if limits is None:
        return None, [box]
    taken = within(box, limits)
    return taken, [box] if taken is None else list(outside(box, limits))


def _pulled(space: Space, ready: Ready, frame: Frame) -> Limits | None:
    """The rule's limits as limits on the packet that came in; None when a changed field contradicts them."""
    if not frame.over and ready.vid is None:
        return ready.limits
    found: list[tuple[int, int]] = []
    for slot, bits in ready.limits:
        where = source(frame, slot)
        if where < 0:
            found.append((~where, bits))
        elif not space.domain[slot].atom(where) & bits:
            return None
    if ready.vid is not None:
        tag = tag_at(frame, 0)
        for slot, bits_or_any, where in ((VID, ready.vid, tag.vid), (PCP, ready.pcp, tag.pcp)):
            if bits_or_any is None:
                continue
            if where < 0:
                found.append((~where, bits_or_any))
            elif not space.domain[slot].atom(where) & bits_or_any:
                return None
    return tuple(found)
