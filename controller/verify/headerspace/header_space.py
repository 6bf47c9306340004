"""The space of all packets: boxes with one set of values per slot, and the fields that live in the slots.

A *slot* is a variable of the packet as it came in: a set of shapes, an address, the VLAN id of a tag. Fields that no
packet has together share a slot (``tcp_dst`` and ``udp_dst``). A *box* is a tuple of sets, one per slot; it stands
for every packet with a value of each set. Must not know: switches, rules' effects, intents.

Slots of tags are by depth, the outermost first: ``VID + k`` and ``PCP + k``. An absent tag is VLAN id 0 of that depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.verify.headerspace.exact_values import ExactValues
from clos.controller.verify.headerspace.header_layouts import (
    ANY_LAYER,
    ARP_PACKET,
    ICMP,
    ICMPV6,
    IP4,
    IP6,
    SCTP,
    TCP,
    UDP,
    HeaderLayouts,
)
from clos.controller.verify.headerspace.value_atoms import Region, Unmodelled, ValueAtoms
from clos.fabric.packet.fields import VID_PRESENT

DEPTH = 3
"""Tags told apart; what is below the third cannot be looked at."""

LAYOUT, ETH_DST, ETH_SRC, VID, PCP = 0, 1, 2, 3, 6
IP_SRC, IP_DST, L4_SRC, L4_DST, ICMP_TYPE, ICMP_CODE, SHA, THA = 9, 10, 11, 12, 13, 14, 15, 16
DSCP, ECN, TTL, IP6_SRC, IP6_DST, FLABEL = 17, 18, 19, 20, 21, 22
SLOTS = 23
TAG_SLOTS = (*range(VID, VID + DEPTH), *range(PCP, PCP + DEPTH))

TTL_DOMAIN = -8
_WIDTH = {
    ETH_DST: 48, ETH_SRC: 48, SHA: 48, THA: 48, IP_SRC: 32, IP_DST: 32, L4_SRC: 16, L4_DST: 16, ICMP_TYPE: 8,
    ICMP_CODE: 8, DSCP: 6, ECN: 2, IP6_SRC: 128, IP6_DST: 128, FLABEL: 20, TTL: TTL_DOMAIN,
    **{VID + k: 13 for k in range(DEPTH)}, **{PCP + k: 3 for k in range(DEPTH)},
}  # fmt: skip
"""Width of each slot's values. Slots of one width share a domain, so a value may move from one to another."""
_NARROW = (2, 3, 6, 8, 16)
"""Widths of slots whose values are told apart one by one in a space that grows."""


class FieldRow(NamedTuple):
    """Where a field lives: slot, layers that carry it, transport protocol (None: none needed)."""

    slot: int
    layer: str
    proto: int | None = None


FIELD: dict[str, FieldRow] = {
    "eth_dst": FieldRow(ETH_DST, ANY_LAYER), "eth_src": FieldRow(ETH_SRC, ANY_LAYER),
    "ip_dscp": FieldRow(DSCP, f"{IP4} {IP6}"), "ip_ecn": FieldRow(ECN, f"{IP4} {IP6}"),
    "ipv4_src": FieldRow(IP_SRC, IP4), "ipv4_dst": FieldRow(IP_DST, IP4),
    "tcp_src": FieldRow(L4_SRC, f"{IP4} {IP6}", TCP), "tcp_dst": FieldRow(L4_DST, f"{IP4} {IP6}", TCP),
    "udp_src": FieldRow(L4_SRC, f"{IP4} {IP6}", UDP), "udp_dst": FieldRow(L4_DST, f"{IP4} {IP6}", UDP),
    "sctp_src": FieldRow(L4_SRC, f"{IP4} {IP6}", SCTP), "sctp_dst": FieldRow(L4_DST, f"{IP4} {IP6}", SCTP),
    "icmpv4_type": FieldRow(ICMP_TYPE, IP4, ICMP), "icmpv4_code": FieldRow(ICMP_CODE, IP4, ICMP),
    "icmpv6_type": FieldRow(ICMP_TYPE, IP6, ICMPV6), "icmpv6_code": FieldRow(ICMP_CODE, IP6, ICMPV6),
    "arp_op": FieldRow(L4_SRC, ARP_PACKET), "arp_spa": FieldRow(IP_SRC, ARP_PACKET),
    "arp_tpa": FieldRow(IP_DST, ARP_PACKET), "arp_sha": FieldRow(SHA, ARP_PACKET), "arp_tha": FieldRow(THA, ARP_PACKET),
    "ipv6_src": FieldRow(IP6_SRC, IP6), "ipv6_dst": FieldRow(IP6_DST, IP6), "ipv6_flabel": FieldRow(FLABEL, IP6),
}  # fmt: skip
"""Plain fields. ``eth_type`` and ``ip_proto`` are shapes; ``vlan_*`` are the outermost tag's; the rest is refused."""

Term = tuple[str, int, int | None]
"""(field, value, mask) that packets must be told apart by; mask None = every bit."""
Box = tuple[int, ...]
Limits = tuple[tuple[int, int], ...]
"""(slot, set) pairs: what a box must also be within."""


_TAGGED: Term = ("vlan_vid", VID_PRESENT, VID_PRESENT)
"""What asks for any tag: all ids that have the bit which says there is one, and so all but 0 that any packet has."""


class HeaderSpace:
    """All packets, told apart as finely as ``terms`` need: (field, value, mask) that rules and claims mention.

    ``growing``: IP protocols and the values of ports and other narrow fields are told apart one by one, whatever is
    mentioned, so that no term of these is ever new.
    """

    def __init__(self, terms: Iterable[Term], growing: bool = False) -> None:
        regions: dict[int, set[Region]] = {width: set() for width in _WIDTH.values()}
        regions[13] |= {(0, 0x1FFF), (0x1000, 0x1FFF), (0, VID_PRESENT)}
        regions[3].add((0, 7))
        regions[8].add((0, 0xFF))
        regions[16].add((0, 0xFFFF))
        regions[TTL_DOMAIN] = {(value, 0xFF) for value in range(256)}
        named: dict[str, set[int]] = {"eth_type": set(), "ip_proto": set()}
        for field, value, mask in terms:
            if field in named:
                named[field].add(value)
            if field in named or (field, value, mask) == _TAGGED:
                continue
            width = self.width(field)
            regions[width].add((value, (1 << width) - 1 if mask is None else mask))
        self._domains: dict[int, ValueAtoms | ExactValues] = {
            width: ExactValues(width, held) if growing and width in _NARROW else ValueAtoms(abs(width), held)
            for width, held in regions.items()
        }
        self.domain = tuple(self._domains[_WIDTH.get(slot, 13)] for slot in range(SLOTS))
        self.shapes = HeaderLayouts(named["eth_type"], named["ip_proto"], growing)
        self.untagged = self.domain[VID].of(0)
        self.tagged = self.domain[VID].full & ~self.domain[VID].of(0, VID_PRESENT)
        full = [domain.full for domain in self.domain]
        full[LAYOUT] = self.shapes.full
        full[VID : VID + DEPTH] = [self.untagged | self.tagged] * DEPTH
        self.full: Box = tuple(full)
        self.reads = {name: self.shapes.reads(row.layer, row.proto) for name, row in FIELD.items()}
        self.sets = {
            name: bits & ~self.shapes.later if FIELD[name].proto else bits for name, bits in self.reads.items()
        }

    def grow(self, terms: Iterable[Term]) -> bool:
        """Tell packets apart by these terms too; False when that cannot be done without starting over."""
        for field, value, mask in terms:
            if field in ("eth_type", "ip_proto"):
                known = self.shapes.knows(field, value)
            else:
                domain = self._domains[self.width(field)]
                known = domain.knows(value, mask) or (field, value, mask) == _TAGGED
                known = known or (mask is None and domain.grow(value))
            if not known:
                return False
        return True

    def vids(self, value: int, mask: int | None) -> int:
        """The set of VLAN ids that a match takes."""
        return self.tagged if ("vlan_vid", value, mask) == _TAGGED else self.domain[VID].of(value, mask)

    @staticmethod
    def width(field: str) -> int:
        """The width of a field's values. Unmodelled when the prover cannot look at the field."""
        if field == "vlan_vid":
            return 13
        if field == "vlan_pcp":
            return 3
        if field not in FIELD:
            raise Unmodelled(f"the field {field}")
        return _WIDTH[FIELD[field].slot]

    def everything(self) -> list[Box]:
        """All packets that can come in by a port: later fragments, whose ports read 0, and all others."""
        later, rest = list(self.full), list(self.full)
        rest[LAYOUT] &= ~self.shapes.later
        later[LAYOUT] = self.shapes.later
        for slot in (L4_SRC, L4_DST, ICMP_TYPE, ICMP_CODE):
            later[slot] = self.domain[slot].of(0)
        return [tuple(rest), tuple(later)]

    def limit(self, field: str, value: int, mask: int | None = None) -> tuple[int, int, int]:
        """(slot, its set, shapes) of the packets that a match on a plain field takes."""
        slot = FIELD[field].slot
        return slot, self.domain[slot].of(value, mask), self.reads[field]

    def single(self, slot: int, chosen: int) -> int | None:
        """The one value of a slot's set, None when it has several."""
        return self.domain[slot].single(chosen)


def narrowed(box: Box, slot: int, bits: int) -> Box:
    """The box with other values in a slot."""
    return (*box[:slot], bits, *box[slot + 1 :])


def within(box: Box, limits: Limits) -> Box | None:
    """The part of a box within limits (the very box, when that is all of it); None when it is empty."""
    cut: list[int] | None = None
    for slot, allowed in limits:
        held = box[slot] if cut is None else cut[slot]
        left = held & allowed
        if not left:
            return None
        if left != held:
            if cut is None:
                cut = list(box)
            cut[slot] = left
    return box if cut is None else tuple(cut)


def limits_of(box: Box, part: Box) -> Limits:
    """The limits that cut the part out of the box."""
    return tuple([(slot, left) for slot, (whole, left) in enumerate(zip(box, part, strict=True)) if left != whole])


def outside(box: Box, limits: Limits) -> Iterator[Box]:
    """The rest of the box, as boxes that have nothing in common."""
    cut = list(box)
    for slot, allowed in limits:
        left = cut[slot] & ~allowed
        if left:
            yield (*cut[:slot], left, *cut[slot + 1 :])
        cut[slot] &= allowed
        if not cut[slot]:
            return


def merged(boxes: Iterable[Box], slots: Iterable[int]) -> Iterable[Box]:
    """The same packets in fewer boxes: those that differ in one of these slots only are one."""
    for slot in slots:
        alike: dict[Box, int] = {}
        for box in boxes:
            key = narrowed(box, slot, 0)
            alike[key] = alike.get(key, 0) | box[slot]
        boxes = [narrowed(key, slot, bits) for key, bits in alike.items()]
    return boxes


def split(boxes: Iterable[Box], limits: Limits) -> tuple[list[Box], list[Box]]:
    """The parts of boxes within limits, and the rest; a box with nothing within stays in one piece."""
    found: list[Box] = []
    rest: list[Box] = []
    for box in boxes:
        taken = within(box, limits)
        if taken is None:
            rest.append(box)
        else:
            found.append(taken)
            rest += outside(box, limits)
    return found, rest


def meet(a: Box, b: Box) -> Box | None:
    """What two boxes have in common; None when nothing."""
    cut = tuple([x & y for x, y in zip(a, b, strict=True)])
    return None if 0 in cut else cut


def minus(a: Box, b: Box) -> list[Box]:
    """What is in ``a`` and not in ``b``, as boxes that have nothing in common."""
    if meet(a, b) is None:
        return [a]
    return list(outside(a, tuple([(s, y) for s, (x, y) in enumerate(zip(a, b, strict=True)) if x & ~y])))
