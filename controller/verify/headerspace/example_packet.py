"""One packet out of a box, as bytes on the wire, and the scapy expression that sends it.

Must not know: rules, intents. Built from the RFCs' layouts, not by fabric.packet.build: a witness is checked by others.
Source: RFC 791, RFC 793, RFC 768, RFC 792, RFC 826, RFC 4960, RFC 8200, RFC 1071 (checksums).
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from clos.controller.verify.headerspace.header_layouts import (
    ARP_PACKET,
    BARE,
    ICMP,
    ICMPV6,
    IP4,
    IP6,
    LATER,
    SCTP,
    TCP,
    UDP,
    HeaderLayout,
)
from clos.controller.verify.headerspace.header_space import (
    DEPTH,
    DSCP,
    ECN,
    ETH_DST,
    ETH_SRC,
    FLABEL,
    ICMP_CODE,
    ICMP_TYPE,
    IP6_DST,
    IP6_SRC,
    IP_DST,
    IP_SRC,
    L4_DST,
    L4_SRC,
    LAYOUT,
    PCP,
    SHA,
    SLOTS,
    THA,
    TTL,
    VID,
    Box,
    HeaderSpace,
)
from clos.fabric.packet.fields import ETH_VLAN, ipv4_text, mac_text

_UNNAMED_TYPE, _UNNAMED_PROTO = 0x88B5, 253
"""For "any other": the Ethernet type for experiments (IEEE 802), the protocol for experiments (RFC 3692)."""


class ExamplePacket(NamedTuple):
    """A packet of a box; ``box`` holds the atoms it was picked from, so that it stands for all packets there."""

    box: Box
    data: bytes
    scapy: str


def example_packet(space: HeaderSpace, box: Box) -> ExamplePacket:
    """Some packet of the box, the same every time."""
    picked = tuple(_pick(space, box, slot) for slot in range(SLOTS))
    values = {slot: _value(space, slot, picked[slot]) for slot in range(SLOTS) if slot != LAYOUT}
    shape = space.shapes.name(picked[LAYOUT])
    tags = []
    for k in range(DEPTH):
        if not values[VID + k]:
            break
        tags.append((values[VID + k] & 0xFFF, values[PCP + k]))
    kind = shape.eth_type if shape.eth_type is not None else _other(_UNNAMED_TYPE, space.shapes.eth_types)
    proto = shape.proto if shape.proto is not None else _other(_UNNAMED_PROTO, space.shapes.protos)
    data = values[ETH_DST].to_bytes(6, "big") + values[ETH_SRC].to_bytes(6, "big")
    data += b"".join(_u16(ETH_VLAN) + _u16(pcp << 13 | vid) for vid, pcp in tags)
    data += _u16(kind) + _body(shape, proto, values)
    return ExamplePacket(picked, data, _scapy(shape, kind, proto, values, tags, data))


def _pick(space: HeaderSpace, box: Box, slot: int) -> int:
    """One atom of the slot: an absent tag where that is possible, a common time to live, else the first."""
    held = box[slot]
    if VID <= slot < VID + DEPTH and held & space.untagged:
        return space.untagged
    if slot == TTL and held >> 64 & 1:
        return 1 << 64
    return held & -held


def _value(space: HeaderSpace, slot: int, atom: int) -> int:
    """A value of the atom; different slots take different ones where they can, so that moves show."""
    domain = space.domain[slot]
    value = domain.value(atom)
    other = value | slot
    return other if domain.single(atom) is None and other >> domain.bits == 0 and domain.atom(other) == atom else value


def _other(wanted: int, taken: tuple[int, ...]) -> int:
    while wanted in taken:
        wanted -= 1
    return wanted


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _body(shape: HeaderLayout, proto: int, v: dict[int, int]) -> bytes:
    if shape.layer == ARP_PACKET:
        head = b"\0\1\x08\0\6\4" + _u16(v[L4_SRC])
        return head + b"".join(v[s].to_bytes(n, "big") for s, n in ((SHA, 6), (IP_SRC, 4), (THA, 6), (IP_DST, 4)))
    if shape.layer == IP4:
        ends = v[IP_SRC].to_bytes(4, "big") + v[IP_DST].to_bytes(4, "big")
        payload = bytes(8) if shape.part == LATER else _transport(shape, proto, v, ends)
        flags = 1 if shape.part == LATER else 0
        head = bytes((0x45, v[DSCP] << 2 | v[ECN])) + _u16(20 + len(payload)) + bytes(2) + _u16(flags)
        head += bytes((v[TTL], proto))
        return head + _u16(_sum(head + ends)) + ends + payload
    if shape.layer == IP6:
        ends = v[IP6_SRC].to_bytes(16, "big") + v[IP6_DST].to_bytes(16, "big")
        payload = _transport(shape, proto, v, ends)
        first = 6 << 28 | v[DSCP] << 22 | v[ECN] << 20 | v[FLABEL]
        return first.to_bytes(4, "big") + _u16(len(payload)) + bytes((proto, v[TTL])) + ends + payload
    return b""


def _transport(shape: HeaderLayout, proto: int, v: dict[int, int], ends: bytes) -> bytes:
    """The transport header; none for protocols without one, and cut short where the shape has it so."""
    if shape.part == BARE:
        return b""
    ports = _u16(v[L4_SRC]) + _u16(v[L4_DST])
    if proto == TCP:
        return _summed(ports + bytes(8) + b"\x50\x02\x40\0" + bytes(4), 16, proto, ends)
    if proto == UDP:
        return _summed(ports + _u16(8) + bytes(2), 6, proto, ends)
    if proto == SCTP:
        return ports + bytes(4) + zlib.crc32(b"").to_bytes(4, "little")
    kind = bytes((v[ICMP_TYPE], v[ICMP_CODE]))
    if proto == ICMPV6:
        return _summed(kind + bytes(6), 2, proto, ends)
    return kind + _u16(_sum(kind + bytes(6))) + bytes(4) if proto == ICMP else b""


def _summed(segment: bytes, at: int, proto: int, ends: bytes) -> bytes:
    checksum = _sum(ends + bytes((0, proto)) + _u16(len(segment)) + segment)
    return segment[:at] + _u16(checksum or 0xFFFF) + segment[at + 2 :]


def _sum(data: bytes) -> int:
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF & ~total


def _scapy(
    shape: HeaderLayout, kind: int, proto: int, v: dict[int, int], tags: list[tuple[int, int]], data: bytes
) -> str:
    """An expression that makes the packet; the bytes themselves where scapy's defaults would not."""
    head = f'Ether(src="{mac_text(v[ETH_SRC])}", dst="{mac_text(v[ETH_DST])}")'
    head += "".join(f"/Dot1Q(vlan={vid}, prio={pcp})" for vid, pcp in tags)
    ends = f'"{ipv4_text(v[IP_SRC])}"', f'"{ipv4_text(v[IP_DST])}"'
    if shape.layer == ARP_PACKET:
        macs = f'hwsrc="{mac_text(v[SHA])}", hwdst="{mac_text(v[THA])}"'
        return f"{head}/ARP(op={v[L4_SRC]}, psrc={ends[0]}, pdst={ends[1]}, {macs})"
    if shape.layer == IP4 and shape.part not in (LATER,):
        ip = f"IP(src={ends[0]}, dst={ends[1]}, ttl={v[TTL]}, proto={proto}, tos={v[DSCP] << 2 | v[ECN]})"
        if shape.part == BARE:
            return f"{head}/{ip}"
        if proto in (TCP, UDP):
            return f"{head}/{ip}/{'TCP' if proto == TCP else 'UDP'}(sport={v[L4_SRC]}, dport={v[L4_DST]})"
        if proto == ICMP:
            return f"{head}/{ip}/ICMP(type={v[ICMP_TYPE]}, code={v[ICMP_CODE]})"
    return f'Ether(bytes.fromhex("{data.hex()}"))'
