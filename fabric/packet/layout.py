"""Where each header field lies in a frame: the dissector and the table of slots.

Lives here: finding the layers of a frame and naming the bits of each field. Must not know: how a packet is
changed, checksums, rules.

A frame is dissected into *marks* (the offset at which each layer starts) and *computed* fields (those no bits
stand for: an absent VLAN tag, the ports of a later fragment). What is malformed or cut short is simply not
marked, so its fields are absent.

Sources: OpenFlow 1.3.5 §7.2.3.7 and §7.2.3.8; RFC 8200 §4 (extension headers); RFC 4861 §4 (neighbour discovery).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clos.fabric.packet.fields import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    ETH_MPLS_MC,
    ETH_PBB,
    ETH_QINQ,
    ETH_VLAN,
    FIELDS,
    IP_ICMP,
    IP_ICMPV6,
    IP_SCTP,
    IP_TCP,
    IP_UDP,
    VID_NONE,
)

TAG_TYPES = frozenset({ETH_VLAN, ETH_QINQ})
MIN_FRAME = 14
NOT_ETH_TYPE = 0x05FF
"""``eth_type`` of an IEEE 802.3 frame that carries no Ethernet type (as OpenFlow 1.0 and Open vSwitch have it)."""

IP_HOP, IP_ROUTING, IP_FRAGMENT, IP_ESP, IP_AUTH, IP_NONE, IP_DEST = 0, 43, 44, 50, 51, 59, 60
NS, NA = 135, 136

HEADER, PSEUDO, OWN = "header", "pseudo", "own"
"""Which checksum covers a slot: the IPv4 header's, the transport's by its pseudo-header, the transport's itself."""


class Slot(NamedTuple):
    """The bits of a field: ``size`` bytes at ``offset`` from the layer's mark, shifted right, under ``mask``."""

    layer: str
    offset: int
    size: int
    shift: int
    mask: int
    sums: tuple[str, ...]


_ROWS: tuple[tuple[str, str, int, int, int, tuple[str, ...]], ...] = (
    # field, layer, offset, size, shift, checksums over it
    ("eth_dst", "eth", 0, 6, 0, ()),
    ("eth_src", "eth", 6, 6, 0, ()),
    ("eth_type", "type", 0, 2, 0, ()),
    ("vlan_vid", "vlan", 0, 2, 0, ()),
    ("vlan_pcp", "vlan", 0, 2, 13, ()),
    ("mpls_label", "mpls", 0, 4, 12, ()),
    ("mpls_tc", "mpls", 0, 4, 9, ()),
    ("mpls_bos", "mpls", 0, 4, 8, ()),
    ("mpls_ttl", "mpls", 3, 1, 0, ()),
    ("pbb_isid", "pbb", 0, 4, 0, ()),
    ("arp_op", "arp", 6, 2, 0, ()),
    ("arp_sha", "arp", 8, 6, 0, ()),
    ("arp_spa", "arp", 14, 4, 0, ()),
    ("arp_tha", "arp", 18, 6, 0, ()),
    ("arp_tpa", "arp", 24, 4, 0, ()),
    ("ip_dscp", "ipv4", 1, 1, 2, (HEADER,)),
    ("ip_ecn", "ipv4", 1, 1, 0, (HEADER,)),
    ("nw_ttl", "ipv4", 8, 1, 0, (HEADER,)),
    ("ip_proto", "ipv4", 9, 1, 0, (HEADER, PSEUDO)),
    ("ipv4_src", "ipv4", 12, 4, 0, (HEADER, PSEUDO)),
    ("ipv4_dst", "ipv4", 16, 4, 0, (HEADER, PSEUDO)),
    ("ip_dscp", "ipv6", 0, 2, 6, ()),
    ("ip_ecn", "ipv6", 0, 2, 4, ()),
    ("ipv6_flabel", "ipv6", 0, 4, 0, ()),
    ("nw_ttl", "ipv6", 7, 1, 0, ()),
    ("ipv6_src", "ipv6", 8, 16, 0, (PSEUDO,)),
    ("ipv6_dst", "ipv6", 24, 16, 0, (PSEUDO,)),
    ("ip_proto", "next", 0, 1, 0, (PSEUDO,)),
    ("tcp_src", "tcp", 0, 2, 0, (OWN,)),
    ("tcp_dst", "tcp", 2, 2, 0, (OWN,)),
    ("udp_src", "udp", 0, 2, 0, (OWN,)),
    ("udp_dst", "udp", 2, 2, 0, (OWN,)),
    ("sctp_src", "sctp", 0, 2, 0, (OWN,)),
    ("sctp_dst", "sctp", 2, 2, 0, (OWN,)),
    ("icmpv4_type", "icmpv4", 0, 1, 0, (OWN,)),
    ("icmpv4_code", "icmpv4", 1, 1, 0, (OWN,)),
    ("icmpv6_type", "icmpv6", 0, 1, 0, (OWN,)),
    ("icmpv6_code", "icmpv6", 1, 1, 0, (OWN,)),
    ("ipv6_nd_target", "nd", 8, 16, 0, (OWN,)),
    ("ipv6_nd_sll", "sll", 2, 6, 0, (OWN,)),
    ("ipv6_nd_tll", "tll", 2, 6, 0, (OWN,)),
)

_WIDTHS = {name: field.full for name, field in FIELDS.items()} | {"vlan_vid": 0xFFF, "nw_ttl": 0xFF, "mpls_ttl": 0xFF}

SLOTS: dict[str, tuple[Slot, ...]] = {
    name: tuple(Slot(*row[1:5], _WIDTHS[name], row[5]) for row in _ROWS if row[0] == name) for name in _WIDTHS
}
"""The slots of each field, one per layer that carries it. ``nw_ttl`` and ``mpls_ttl`` are set by actions only: no
match reads them. A field without a slot (``ipv6_exthdr``, pipeline fields) cannot be set in a packet."""

READS: dict[str, tuple[tuple[str, int, int, int, int], ...]] = {
    layer: tuple(
        (name, slot.offset, slot.offset + slot.size, slot.shift, slot.mask)
        for name, slots in SLOTS.items()
        if name in FIELDS
        for slot in slots
        if slot.layer == layer
    )
    for layer in dict.fromkeys(row[1] for row in _ROWS)
}
"""For each layer what a match can read there: (field, start, end, shift, mask)."""

STRUCTURAL = frozenset({"eth_type", "ip_proto", "icmpv6_type", "icmpv6_code"})
"""Fields that say what comes next: changing one changes which fields the packet has."""


class Layout(NamedTuple):
    """``marks``: layer -> offset; ``computed``: fields no bits stand for; ``end``: where the IP packet ends."""

    marks: dict[str, int]
    computed: dict[str, int]
    end: int


def dissect(data: bytes) -> Layout:
    """Find the layers of a frame of at least MIN_FRAME bytes. Never fails: what it cannot read, it leaves out."""
    marks, computed = {"eth": 0}, {}
    kind, at = data[12] << 8 | data[13], 12
    if kind in TAG_TYPES and len(data) >= 18:
        marks["vlan"] = 14
        while kind in TAG_TYPES and len(data) >= at + 6:
            at += 4
            kind = data[at] << 8 | data[at + 1]
    else:
        computed["vlan_vid"] = VID_NONE
    if kind < 0x600:
        snap = data[at + 2 : at + 8] == b"\xaa\xaa\x03\0\0\0" and len(data) >= at + 10
        at += 8 if snap else 0
        kind = data[at] << 8 | data[at + 1] if snap else NOT_ETH_TYPE
    if kind == NOT_ETH_TYPE:
        computed["eth_type"] = kind
    else:
        marks["type"] = at
    look = _BY_TYPE.get(kind)
    end = look(data, at + 2, marks, computed) if look is not None else len(data)
    return Layout(marks, computed, end)


def inner_ip(data: bytes, at: int) -> Layout:
    """The layout of an IP packet below a label stack, told by its version nibble; no marks if it is neither."""
    marks: dict[str, int] = {}
    version = data[at] >> 4 if at < len(data) else 0
    look = {4: _ipv4, 6: _ipv6}.get(version)
    end = look(data, at, marks, {}) if look is not None else len(data)
    return Layout(marks, {}, end)


_Marks = dict[str, int]


def _mpls(data: bytes, at: int, marks: _Marks, computed: _Marks) -> int:
    if len(data) >= at + 4:
        marks["mpls"] = at
    return len(data)


def _pbb(data: bytes, at: int, marks: _Marks, computed: _Marks) -> int:
    if len(data) >= at + 18:
        marks["pbb"] = at
    return len(data)


def _arp(data: bytes, at: int, marks: _Marks, computed: _Marks) -> int:
    if data[at : at + 6] == b"\0\1\x08\0\6\4" and len(data) >= at + 28:
        marks["arp"] = at
    return len(data)


def _ipv4(data: bytes, at: int, marks: _Marks, computed: _Marks) -> int:
    if len(data) < at + 20 or data[at] >> 4 != 4:
        return len(data)
    header, end = (data[at] & 15) * 4, at + (data[at + 2] << 8 | data[at + 3])
    if header < 20 or not at + header <= end <= len(data):
        return len(data)
    marks["ipv4"] = at
    proto, fragment = data[at + 9], data[at + 6] << 8 | data[at + 7]
    if fragment & 0x1FFF:
        computed.update(_ABSENT_PORTS.get(proto, {}))
    elif proto != IP_ICMPV6:
        _transport(data, at + header, end, proto, marks)
    if fragment & 0x3FFF:
        marks["fragment"] = at
    return end


def _ipv6(data: bytes, at: int, marks: _Marks, computed: _Marks) -> int:
    if len(data) < at + 40 or data[at] >> 4 != 6:
        return len(data)
    end = at + 40 + (data[at + 4] << 8 | data[at + 5])
    if end > len(data):
        return len(data)
    marks["ipv6"] = at
    upper, seen = _extensions(data, at + 6, at + 40, end, marks)
    computed["ipv6_exthdr"] = seen
    if upper is not None and data[marks["next"]] != IP_ICMP:
        _transport(data, upper, end, data[marks["next"]], marks)
    return end


_EXTENSION_BITS = {
    IP_NONE: 1, IP_ESP: 2, IP_AUTH: 4, IP_DEST: 8, IP_FRAGMENT: 16, IP_ROUTING: 32, IP_HOP: 64,
}  # fmt: skip
_REPEATED, _UNORDERED = 128, 256
_RANK = {IP_HOP: 0, IP_DEST: 1, IP_ROUTING: 2, IP_FRAGMENT: 3, IP_AUTH: 4, IP_ESP: 5, IP_NONE: 7}
_LAST_DEST = 6


def _extensions(data: bytes, pointer: int, at: int, end: int, marks: _Marks) -> tuple[int | None, int]:
    """Walk the extension headers from the next-header byte at ``pointer``.

    Returns (where the upper layer starts, or None when it cannot be read; OFPIEH_* bits of §7.2.3.8).
    """
    seen, rank = 0, -1
    while True:
        marks["next"] = pointer
        kind = data[pointer]
        bit = _EXTENSION_BITS.get(kind)
        if bit is None:
            return at, seen
        mine = _LAST_DEST if kind == IP_DEST and rank >= _RANK[IP_DEST] else _RANK[kind]
        seen |= (
            bit | (_UNORDERED if mine < rank else 0) | (_REPEATED if seen & bit and not _may_repeat(kind, rank) else 0)
        )
        rank = max(rank, mine)
        if kind in (IP_ESP, IP_NONE) or at + 8 > end:
            return None, seen
        if kind == IP_FRAGMENT:
            marks["fragment"] = at
            if (data[at + 2] << 8 | data[at + 3]) & 0xFFF8:
                return None, seen
        if kind == IP_ROUTING and data[at + 3]:
            marks["routing"] = at
        pointer, at = at, at + _extension_size(kind, data[at + 1])


def _may_repeat(kind: int, rank: int) -> bool:
    """Destination options may come twice: before a routing header and before the upper layer (RFC 8200 §4.1)."""
    return kind == IP_DEST and rank < _LAST_DEST


def _extension_size(kind: int, length: int) -> int:
    if kind == IP_FRAGMENT:
        return 8
    return (length + 2) * 4 if kind == IP_AUTH else (length + 1) * 8


_TRANSPORTS = {
    IP_TCP: ("tcp", 20), IP_UDP: ("udp", 8), IP_SCTP: ("sctp", 12), IP_ICMP: ("icmpv4", 4), IP_ICMPV6: ("icmpv6", 4),
}  # fmt: skip
_ABSENT_PORTS = {
    proto: dict.fromkeys([name for name, *_ in READS[layer]], 0)
    for proto, (layer, _) in _TRANSPORTS.items()
    if proto != IP_ICMPV6
}
"""A later IPv4 fragment has no transport header: its ports read 0, as Open vSwitch's fragment mode "normal" has it."""


def _transport(data: bytes, at: int, end: int, proto: int, marks: _Marks) -> None:
    layer, shortest = _TRANSPORTS.get(proto, ("", 0))
    if not layer or at + shortest > end:
        return
    marks[layer] = at
    if proto == IP_ICMPV6 and data[at] in (NS, NA) and data[at + 1] == 0 and at + 24 <= end:
        marks["nd"] = at
        _nd_options(data, at + 24, end, data[at], marks)


def _nd_options(data: bytes, at: int, end: int, kind: int, marks: _Marks) -> None:
    wanted = ("sll", 1) if kind == NS else ("tll", 2)
    while at + 8 <= end and data[at + 1] and at + data[at + 1] * 8 <= end:
        if data[at] == wanted[1] and data[at + 1] == 1:
            marks.setdefault(wanted[0], at)
        at += data[at + 1] * 8


_BY_TYPE: dict[int, Callable[[bytes, int, _Marks, _Marks], int]] = {
    ETH_IPV4: _ipv4, ETH_IPV6: _ipv6, ETH_ARP: _arp, ETH_MPLS: _mpls, ETH_MPLS_MC: _mpls, ETH_PBB: _pbb,
}  # fmt: skip
