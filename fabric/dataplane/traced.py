"""One step of a packet with everything it depended on: which bits were looked at, and where the bytes sent come from.

Lives here: ``trace``, which runs fabric.dataplane.step on a packet and notes beside it. What it notes holds for every
packet that agrees in the bits looked at and in length: the same rules, groups and ports, and bytes copied from the
same places. Must not know: how walks are kept, when they cease to hold.

After Open vSwitch's megaflows (B. Pfaff et al., The Design and Implementation of Open vSwitch, NSDI 2015, section 4).
What a switch seldom does (label stacks, backbone headers, changes of a packet's own structure) is not traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.choose import FLOW, Bounds, Choose, bounds_of, seed_of
from clos.fabric.dataplane.outcome import Emission, PacketIn, Step
from clos.fabric.dataplane.recipe import CONSTANT, Copy, Recipe, Repair, copied
from clos.fabric.dataplane.rewrite import REWRITES
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.step import Meters, Run, State
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import FIELDS
from clos.fabric.packet.layout import OWN, SLOTS, STRUCTURAL, Layout, Slot, dissect


class Untraced(Exception):
    """The packet met something whose meaning for other packets is not followed."""


class Metered(NamedTuple):
    """The packet, as it then was, went through a meter."""

    meter: int
    packet: Recipe


class Picked(NamedTuple):
    """A SELECT group took a bucket by the hash of ``key`` under ``seed``."""

    bounds: Bounds
    key: Copy
    seed: int


Question = Metered | Picked
"""What the bits looked at do not settle; it is asked again for each packet."""
Answer = bool | int
"""Whether the meter let the packet pass; the index of the bucket."""


class Sight(NamedTuple):
    """A look into a table: the bits looked at there, as field -> (value, mask), and the fields the packet had."""

    table: int
    seen: dict[str, tuple[int, int]]
    present: frozenset[str]

    def excludes(self, rule: Rule) -> bool:
        """Whether no packet that looks the same here can match the rule."""
        if rule.table != self.table:
            return True
        for name, value, mask in rule.match:
            if name not in self.present:
                return True
            have, looked = self.seen.get(name, (0, 0))
            if (have ^ value) & looked & (FIELDS[name].full if mask is None else mask):
                return True
        return False


class Trace(NamedTuple):
    """A step and what it depended on. ``looked``: a mask for each byte of the arriving frame."""

    step: Step
    looked: bytes
    sights: tuple[Sight, ...]
    asked: tuple[tuple[Question, Answer], ...]
    emissions: tuple[tuple[int, Recipe], ...]
    packet_ins: tuple[tuple[PacketIn, Recipe], ...]


def trace(switch: SwitchModel, in_port: int, packet: Packet, choose: Choose, meters: Meters) -> Trace:
    """What ``step`` makes of the packet, and why. Raises Untraced; meters may have been asked by then."""
    run = _Traced(switch, in_port, choose, meters)
    run.pipeline(_Frame(packet.data, tuple(range(len(packet.data))), (), run.looked))
    return run.trace(packet)


class _Watched(bytes):
    """Bytes that note what is read of them."""

    note: Callable[[int, int], None]

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self))
            self.note(start, stop)
        else:
            self.note(at, at + 1)
        return super().__getitem__(at)


class _Frame(Packet):
    """A packet on its way. ``origin``: of each byte, where in the arriving frame it lies, or CONSTANT."""

    __slots__ = ("looked", "origin", "repairs")

    def __init__(self, data: bytes, origin: tuple[int, ...], repairs: tuple[Repair, ...], looked: bytearray) -> None:
        super().__init__(data)
        self.origin, self.repairs, self.looked = origin, repairs, looked

    @property
    def layout(self) -> Layout:
        if self._layout is None:
            watched = _Watched(self.data)
            watched.note = self.note
            self._layout = dissect(watched)
        return self._layout

    def note(self, start: int, stop: int) -> None:
        """Every bit of these bytes was looked at."""
        for place in self.origin[start:stop]:
            if place != CONSTANT:
                self.looked[place] = 0xFF

    def note_field(self, name: str, mask: int) -> None:
        """These bits of a field were looked at. A computed field hangs on the frame's structure alone."""
        for slot in SLOTS.get(name, ()):
            at = self.layout.marks.get(slot.layer)
            if at is None:
                continue
            bits = ((mask & slot.mask) << slot.shift).to_bytes(slot.size, "big")
            for place, byte in zip(self.origin[at + slot.offset :], bits, strict=False):
                if place != CONSTANT:
                    self.looked[place] |= byte

    def slot(self, name: str) -> Slot | None:
        """Where ``Packet.set`` writes the field."""
        return next((slot for slot in SLOTS[name] if slot.layer in self.layout.marks), None)

    def plain(self) -> Packet:
        return Packet.laid_out(self.data, self.layout)

    def recipe(self, arrived: bytes) -> Recipe:
        layout = self.layout
        whole = self.origin == tuple(range(len(arrived))) and not self.repairs
        made = [
            (CONSTANT if place != CONSTANT and self.looked[place] == 0xFF else place, value)
            for place, value in zip(self.origin, self.data, strict=True)
        ]
        return Recipe(copied(made), self.repairs, layout, whole)


# ---- the actions that are followed


def _set(action: Action, frame: _Frame, name: str) -> _Frame:
    """What an action that sets one field makes of the frame."""
    slot = frame.slot(name)
    made = REWRITES[type(action)](action, frame.plain())
    if slot is None:
        return frame
    if name in STRUCTURAL or slot.layer == "sctp" or (name == "ipv6_dst" and "routing" in frame.layout.marks):
        raise Untraced
    if OWN in slot.sums and any(OWN in each.slot.sums for each in frame.repairs):
        raise Untraced  # whether a message is all zeros, which matters to its checksum, is asked once only
    start = frame.layout.marks[slot.layer] + slot.offset
    stop = start + slot.size
    if slot.sums or slot.mask << slot.shift != (1 << 8 * slot.size) - 1:
        frame.note(start, stop)
    change = int.from_bytes(made.data[start:stop], "big") - int.from_bytes(frame.data[start:stop], "big")
    repairs = (*frame.repairs, Repair(slot, change)) if slot.sums and change else frame.repairs
    origin = frame.origin[:start] + (CONSTANT,) * slot.size + frame.origin[stop:]
    after = _Frame(made.data, origin, repairs, frame.looked)
    after._layout = frame.layout
    return after


def _moved(action: act.Move, frame: _Frame) -> _Frame:
    if frame.get(action.source) is None:
        return frame
    frame.note_field(action.source, FIELDS[action.source].full)
    return _set(action, frame, action.target)


def _decremented(action: act.DecNwTtl, frame: _Frame) -> _Frame:
    slot = frame.slot("nw_ttl")
    if slot is not None:
        at = frame.layout.marks[slot.layer] + slot.offset
        frame.note(at, at + 1)
    return _set(action, frame, "nw_ttl")


def _pushed(action: act.PushVlan, frame: _Frame) -> _Frame:
    tag = frame.layout.marks.get("vlan")
    if tag is not None:
        frame.note(tag, tag + 2)
    made = frame.plain().push_vlan(action.ethertype)
    return _Frame(made.data, frame.origin[:12] + (CONSTANT,) * 4 + frame.origin[12:], frame.repairs, frame.looked)


def _popped(action: act.PopVlan, frame: _Frame) -> _Frame:
    if "vlan" not in frame.layout.marks:
        return frame
    return _Frame(frame.plain().pop_vlan().data, frame.origin[:12] + frame.origin[16:], frame.repairs, frame.looked)


_FOLLOWED: dict[type, Callable[[Any, _Frame], _Frame]] = {
    act.SetField: lambda action, frame: _set(action, frame, action.field),
    act.SetNwTtl: lambda action, frame: _set(action, frame, "nw_ttl"),
    act.Move: _moved,
    act.DecNwTtl: _decremented,
    act.PushVlan: _pushed,
    act.PopVlan: _popped,
    act.SetQueue: lambda action, frame: frame,
}


class _Traced(Run):
    """A step in progress, with notes."""

    def __init__(self, switch: SwitchModel, in_port: int, choose: Choose, meters: Meters) -> None:
        super().__init__(switch, in_port, self._pick, self._meter, ())
        self._choose, self._meters, self._seed = choose, meters, seed_of(choose)
        self.looked = bytearray()
        self.sights: list[Sight] = []
        self.asked: list[tuple[Question, Answer]] = []
        self.arrived = b""

    def pipeline(self, packet: Packet) -> None:
        self.arrived = packet.data
        self.looked.extend(bytes(len(packet.data)))
        super().pipeline(packet)

    def look(self, table: int, state: State) -> Rule | None:
        fields, frame = self.fields(state), _frame(state.packet)
        held = self.switch.tables.get(table)
        seen: dict[str, int] = {}
        for terms in held.consulted(fields) if held is not None else ():
            for name, mask in terms:
                seen[name] = seen.get(name, 0) | mask
        for name, mask in seen.items():
            frame.note_field(name, mask)
        values = {name: (fields[name], mask) for name, mask in seen.items()}
        self.sights.append(Sight(table, values, frozenset(fields)))
        return held.lookup(fields) if held is not None else None

    def rewrite(self, action: Action, packet: Packet) -> Packet:
        follow = _FOLLOWED.get(type(action))
        if follow is None:
            raise Untraced
        return follow(action, _frame(packet))

    def _pick(self, entry: GroupEntry, live: tuple[int, ...], packet: Packet) -> tuple[int, ...]:
        taken, frame = self._choose(entry, live, packet), _frame(packet)
        if self._seed is None:
            raise Untraced
        key: list[tuple[int, int]] = []
        for name in FLOW:
            if (value := packet.headers().get(name)) is not None:
                key += _sixteen(frame, name, value)
        self.asked.append((Picked(bounds_of(entry, live), copied(key), self._seed), taken[0]))
        return taken

    def _meter(self, meter: int, packet: Packet) -> Packet | None:
        passed = self._meters(meter, packet)
        if passed is not None and passed is not packet:
            raise Untraced
        self.asked.append((Metered(meter, _frame(packet).recipe(self.arrived)), passed is not None))
        return passed

    def trace(self, packet: Packet) -> Trace:
        done = self.result()
        sent = tuple((port, self._recipe(frame)) for port, frame in done.emissions)
        told = tuple((punt, self._recipe(punt.packet)) for punt in done.packet_ins)
        emissions = tuple(Emission(port, recipe.of(packet)) for port, recipe in sent)
        punts = tuple(punt._replace(packet=recipe.of(packet)) for punt, recipe in told)
        step = done._replace(emissions=emissions, packet_ins=punts)
        return Trace(step, bytes(self.looked), tuple(self.sights), tuple(self.asked), sent, told)

    def _recipe(self, packet: Packet) -> Recipe:
        return _frame(packet).recipe(self.arrived)


def _frame(packet: Packet) -> _Frame:
    assert isinstance(packet, _Frame)
    return packet


def _sixteen(frame: _Frame, name: str, value: int) -> list[tuple[int, int]]:
    """A field of a flow's hash in 16 bytes, as (origin, value)."""
    made = [(CONSTANT, byte) for byte in value.to_bytes(16, "big")]
    slot = frame.slot(name)
    if slot is None:
        return made  # computed from the structure
    at = frame.layout.marks[slot.layer] + slot.offset
    return made[: 16 - slot.size] + [(frame.origin[at + i], made[16 - slot.size + i][1]) for i in range(slot.size)]
