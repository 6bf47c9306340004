"""A switch's memory of walks: what became of a packet is not worked out again for the next one that looks the same.

Lives here: the memory, and which of it a change of the switch makes void. Must not know: how a packet is handled
(fabric.dataplane.step), how its bits are followed (fabric.dataplane.traced), time.

Every answer is the one ``step`` would give. Packets look the same that came in by one port, are of one length and agree
in all bits a walk looked at. What those bits leave open, meters and the hashes of SELECT groups, is asked per packet.

After Open vSwitch's megaflows (B. Pfaff et al., The Design and Implementation of Open vSwitch, NSDI 2015, section 4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clos.fabric.dataplane.choose import Choose, chosen, hash_of
from clos.fabric.dataplane.counts import Tally
from clos.fabric.dataplane.outcome import Emission, Step
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.step import Meters, step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.traced import Answer, Metered, Question, Sight, Trace, Untraced, trace
from clos.fabric.packet.build import Packet

MOST = 4096
"""Walks that are remembered; one more, and all are forgotten."""
HEAD = 34
"""Bytes by which a packet is told to be the second of its kind, and its walk worth remembering: up to IPv4's ends."""


class Walk:
    """One outcome: everything of a ``Step`` but the packets, which are made from the one that arrives."""

    __slots__ = ("_emissions", "_hops", "_packet_ins", "_step", "sights", "tally")

    def __init__(self, traced: Trace, tally: Tally) -> None:
        self._step, self._emissions, self._packet_ins = traced.step, traced.emissions, traced.packet_ins
        self.sights, self.tally = traced.sights, tally
        self._hops: tuple[str, ...] | None = None

    @property
    def hops(self) -> tuple[str, ...]:
        """The tables visited, as text."""
        if self._hops is None:
            self._hops = tuple(map(str, self._step.trail))
        return self._hops

    def of(self, packet: Packet) -> Step:
        """What becomes of this packet."""
        emissions = tuple([Emission(port, recipe.of(packet)) for port, recipe in self._emissions])
        packet_ins = tuple([punt._replace(packet=recipe.of(packet)) for punt, recipe in self._packet_ins])
        _, _, trail, picks, drops = self._step
        return Step(emissions, packet_ins, trail, picks, drops)


@dataclass(slots=True)
class _Asking:
    """What is asked of each packet, and how it goes on by the answer."""

    question: Question
    ways: dict[Answer, _Asking | Walk] = field(default_factory=dict)


@dataclass(slots=True)
class _Same:
    """Packets that look the same: the masks they are told by, and what becomes of them."""

    looked: bytes
    root: _Asking | Walk


@dataclass(slots=True)
class _Masked:
    """The memory under one mask: the first ``width`` bytes of a frame, under ``mask``."""

    width: int
    mask: int
    held: dict[tuple[int, int], _Same] = field(default_factory=dict)


@dataclass(slots=True)
class _Met:
    """A packet on its way through the memory: how meters have answered so far."""

    ask: Meters
    given: list[Packet | None] = field(default_factory=list)
    turn: int = 0

    def metered(self, question: Metered, packet: Packet) -> bool | None:
        """Whether the meter lets the packet pass; None where it changes it."""
        then = question.packet.of(packet)
        found = self.ask(question.meter, then)
        self.given.append(found)
        return found is not None if found is None or found is then else None

    def again(self, meter: int, packet: Packet) -> Packet | None:
        """A meter's answer: the one it gave before for this packet, in turn, then new ones."""
        self.turn += 1
        if self.turn > len(self.given):
            self.given.append(self.ask(meter, packet))
        found = self.given[self.turn - 1]
        return packet if found is not None and found.data == packet.data else found


class Megaflows:
    """The memory of one switch. ``meet`` answers as ``step`` does; ``choose`` is as there.

    It looks at ``model.edits`` and ``model.down`` by itself: entries change by SwitchModel's methods only.
    """

    def __init__(self, model: SwitchModel, choose: Choose) -> None:
        self.model, self._choose = model, choose
        self._counts = model.counts
        self._down = set(model.down)
        self._by_port: dict[int, list[_Masked]] = {}
        self._size = 0
        self._once: set[tuple[int, bytes]] = set()
        model.edits.clear()

    def meet(self, in_port: int, packet: Packet, meters: Meters) -> tuple[Step, Walk | None]:
        """What becomes of a packet, and the walk it takes (None: one that is not remembered)."""
        model = self.model
        if model.edits.made or model.counts is not self._counts or model.down != self._down:
            self._reconsider()
        data = packet.data
        size = len(data)
        for masked in self._by_port.get(in_port, ()):
            same = masked.held.get((size, int.from_bytes(data[: masked.width], "big") & masked.mask))
            if same is not None:
                if type(same.root) is Walk:
                    return same.root.of(packet), same.root
                return self._asked(in_port, packet, meters, masked, same)
        likeness = in_port, data[:HEAD]
        if likeness in self._once:
            return self._anew(in_port, packet, _Met(meters))
        if len(self._once) >= MOST:
            self._once.clear()
        self._once.add(likeness)
        return step(model, in_port, packet, self._choose, meters=meters), None

    def __len__(self) -> int:
        """The walks remembered, told by what is looked at."""
        return self._size

    # ---- remembering

    def _asked(
        self, in_port: int, packet: Packet, meters: Meters, masked: _Masked, same: _Same
    ) -> tuple[Step, Walk | None]:
        """Follow the answers to a walk; where they lead to none yet, to the memory of one."""
        met, at = _Met(meters), same.root
        while type(at) is _Asking:
            question = at.question
            answer: Answer | None
            if isinstance(question, Metered):
                answer = met.metered(question, packet)
            else:
                answer = chosen(question.bounds, hash_of(question.key.of(packet.data), question.seed))
            way = at.ways.get(answer) if answer is not None else None
            if way is None:
                return self._anew(in_port, packet, met, same)
            at = way
        assert isinstance(at, Walk)
        return at.of(packet), at

    def _anew(self, in_port: int, packet: Packet, met: _Met, same: _Same | None = None) -> tuple[Step, Walk | None]:
        """Work it out, and remember it where it can be."""
        try:
            traced = trace(self.model, in_port, packet, self._choose, met.again)
        except Untraced:
            met.turn = 0
            return step(self.model, in_port, packet, self._choose, meters=met.again), None
        walk = Walk(traced, self._counts.tally(traced.step.trail, traced.step.picks))
        if same is not None and _within(traced.looked, same.looked):
            _lead(same, traced, walk)
        else:
            looked = (
                traced.looked if same is None else bytes(a | b for a, b in zip(traced.looked, same.looked, strict=True))
            )
            self._remember(in_port, packet, looked, traced, walk)
            if same is not None:
                self._forget(in_port, lambda each: each is same)
        return traced.step, walk

    def _remember(self, in_port: int, packet: Packet, looked: bytes, traced: Trace, walk: Walk) -> None:
        if self._size >= MOST:
            self._by_port.clear()
            self._size = 0
        width = len(looked.rstrip(b"\0"))
        mask = int.from_bytes(looked[:width], "big")
        held = self._by_port.setdefault(in_port, [])
        masked = next((each for each in held if (each.width, each.mask) == (width, mask)), None)
        if masked is None:
            masked = _Masked(width, mask)
            held.append(masked)
        same = _Same(looked, walk)
        _lead(same, traced, walk)
        masked.held[len(packet), int.from_bytes(packet.data[:width], "big") & mask] = same
        self._size += 1

    # ---- forgetting

    def _reconsider(self) -> None:
        """Forget what a change since the last packet may have made void."""
        model, edits = self.model, self.model.edits
        if edits.many or edits.groups or model.counts is not self._counts or model.down != self._down:
            self._by_port.clear()
            self._size = 0
            self._counts, self._down = model.counts, set(model.down)
        else:
            for in_port in list(self._by_port):
                self._forget(in_port, lambda same: _void(same.root, edits.rules))
        edits.clear()

    def _forget(self, in_port: int, void: Callable[[_Same], bool]) -> None:
        for masked in self._by_port[in_port]:
            for key in [key for key, same in masked.held.items() if void(same)]:
                del masked.held[key]
                self._size -= 1
        self._by_port[in_port] = [masked for masked in self._by_port[in_port] if masked.held]


def _within(looked: bytes, wider: bytes) -> bool:
    return not any(a & ~b for a, b in zip(looked, wider, strict=True))


def _lead(same: _Same, traced: Trace, walk: Walk) -> None:
    """Have the answers that this trace was given lead to its walk."""
    if not traced.asked:
        same.root = walk
        return
    if type(same.root) is not _Asking:
        same.root = _Asking(traced.asked[0][0])
    at = same.root
    for (_, answer), (question, _) in zip(traced.asked, traced.asked[1:], strict=False):
        way = at.ways.get(answer)
        if not isinstance(way, _Asking):
            way = at.ways[answer] = _Asking(question)
        at = way
    at.ways[traced.asked[-1][1]] = walk


def _void(at: _Asking | Walk, rules: list[Rule]) -> bool:
    """Whether a packet that leads here may meet one of these rules."""
    if isinstance(at, _Asking):
        return any(_void(way, rules) for way in at.ways.values())
    return any(not sight.excludes(rule) for sight in at.sights for rule in rules)


__all__ = ["Megaflows", "Sight", "Walk"]
