"""Changing a frame: fields written in place with their checksums repaired, tags pushed and popped.

Lives here: pure functions from bytes to bytes. Must not know: rules, pipelines.
Source: OpenFlow 1.3.5 §5.12 and §5.12.1 (what a pushed header inherits), RFC 1624.
"""

from __future__ import annotations

from clos.fabric.packet.checksum import crc32c, repaired
from clos.fabric.packet.layout import HEADER, OWN, PSEUDO, Layout, Slot, inner_ip

_SUM_AT = {"tcp": 16, "udp": 6, "icmpv6": 2, "icmpv4": 2}
_PSEUDO_LAYERS = ("tcp", "udp", "icmpv6")
_PBB_HEADER = 4


def write(data: bytes, layout: Layout, slot: Slot, value: int) -> bytes:
    """The frame with the slot's bits set; every checksum over them moves along, right or wrong as it was."""
    start = layout.marks[slot.layer] + slot.offset
    stop = start + slot.size
    old = int.from_bytes(data[start:stop], "big")
    new = old & ~(slot.mask << slot.shift) | (value & slot.mask) << slot.shift
    if new == old:
        return data
    frame = bytearray(data)
    frame[start:stop] = new.to_bytes(slot.size, "big")
    if OWN in slot.sums and slot.layer == "sctp":
        _repair_sctp(frame, data, layout)
    else:
        repair(frame, layout, slot, new - old)
    return bytes(frame)


def repair(frame: bytearray, layout: Layout, slot: Slot, change: int) -> None:
    """Move the checksums over a slot along with its bits, which are ``change`` more than they were; not SCTP's."""
    odd = 8 * ((slot.offset + slot.size) & 1)
    for cover in slot.sums:
        if cover == HEADER:
            _repair(frame, layout.marks["ipv4"] + 10, change << odd)
        elif cover == PSEUDO:
            _repair_transport(frame, layout, _PSEUDO_LAYERS, change)
        else:
            _repair_transport(frame, layout, tuple(_SUM_AT), change << odd)


def _repair_transport(frame: bytearray, layout: Layout, layers: tuple[str, ...], change: int) -> None:
    for layer in layers:
        at = layout.marks.get(layer)
        if at is None:
            continue
        at += _SUM_AT[layer]
        if layer == "udp" and not any(frame[at : at + 2]):
            continue
        _repair(frame, at, change)
        if not any(frame[at : at + 2]) and _zero_is_wrong(frame, layout, layer):
            frame[at : at + 2] = b"\xff\xff"


def _zero_is_wrong(frame: bytearray, layout: Layout, layer: str) -> bool:
    """A UDP checksum of zero would mean none (RFC 768); an ICMP message of nothing but zeros sums to zero, not ones."""
    return layer == "udp" or (layer == "icmpv4" and not any(frame[layout.marks[layer] : layout.end]))


def _repair(frame: bytearray, at: int, change: int) -> None:
    frame[at : at + 2] = repaired(frame[at] << 8 | frame[at + 1], change).to_bytes(2, "big")


def _repair_sctp(frame: bytearray, before: bytes, layout: Layout) -> None:
    """CRCs are affine: the checksum changes by the difference of the two messages' CRCs."""
    if "fragment" in layout.marks:
        return
    at, end = layout.marks["sctp"], layout.end

    def crc(message: bytes) -> int:
        return crc32c(message[at : at + 8] + bytes(4) + message[at + 12 : end])

    old = int.from_bytes(frame[at + 8 : at + 12], "little")
    frame[at + 8 : at + 12] = (old ^ crc(before) ^ crc(bytes(frame))).to_bytes(4, "little")


def push_vlan(data: bytes, ethertype: int, tci: int) -> bytes:
    """A new outermost tag, right after the Ethernet addresses."""
    return data[:12] + ethertype.to_bytes(2, "big") + tci.to_bytes(2, "big") + data[12:]


def pop_vlan(data: bytes) -> bytes:
    return data[:12] + data[16:]


def push_mpls(data: bytes, ethertype: int, entry: int) -> bytes:
    """A new outermost label stack entry, right after the Ethernet header and before any other tag (§5.12)."""
    return data[:12] + ethertype.to_bytes(2, "big") + entry.to_bytes(4, "big") + data[14:]


def pop_mpls(data: bytes, at: int, ethertype: int) -> bytes:
    """Without the label stack entry at ``at``; what follows is of the given type."""
    return data[: at - 2] + ethertype.to_bytes(2, "big") + data[at + 4 :]


def push_pbb(data: bytes, ethertype: int, service: int) -> bytes:
    """The whole frame behind a new backbone header: its addresses copied, then the I-TAG (IEEE 802.1ah)."""
    return data[:12] + ethertype.to_bytes(2, "big") + service.to_bytes(_PBB_HEADER, "big") + data


def pop_pbb(data: bytes, at: int) -> bytes:
    """Without the I-TAG at ``at`` and the backbone addresses. A B-TAG stays: Pop VLAN is for that (§5.12)."""
    customer = at + _PBB_HEADER
    return data[customer : customer + 12] + data[12 : at - 2] + data[customer + 12 :]


def below_mpls(data: bytes, layout: Layout) -> Layout:
    """What is right below the outermost label stack entry: another entry (mark ``mpls``), an IP packet, or nothing."""
    at = layout.marks["mpls"]
    below = at + 4
    if not data[at + 2] & 1:
        return Layout({"mpls": below} if len(data) >= below + 4 else {}, {}, len(data))
    return inner_ip(data, below)
