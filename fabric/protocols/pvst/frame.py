"""BPDUs in Ethernet frames: IEEE's encapsulation, and Cisco's for trees per VLAN (SSTP).

Lives here: headers, the VLAN tag, the PVID TLV. Must not know: which switch sends which form where (``switch``).
Source: IEEE 802.1D-2004 §7.12.3, §9.1 (LLC 42-42-03 to 01:80:C2:00:00:00); SSTP as switches send it: LLC and SNAP
AA-AA-03 00-00-0C 01-0B to 01:00:0C:CC:CC:CD, after the BPDU the TLV type 0, length 2, VLAN. One octet of padding
stands before the TLV after a configuration BPDU, whose 35 octets are thereby 36 like a rapid one's.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.protocols.pvst.packet import BadBpdu, Bpdu, decode, encode

IEEE_GROUP, SSTP_GROUP = 0x0180_C200_0000, 0x0100_0CCC_CCCD
_IEEE_LLC = bytes((0x42, 0x42, 0x03))
_SSTP_LLC = bytes((0xAA, 0xAA, 0x03, 0x00, 0x00, 0x0C, 0x01, 0x0B))
_TPID = b"\x81\x00"
_TLV = bytes((0, 0, 0, 2))
RAPID_LENGTH, TCN_LENGTH = 36, 4
SHORTEST = 60
"""Octets of an Ethernet frame without its check sequence."""
PRIORITY = 7
"""The user priority in the tag of a BPDU."""


class StpFrame(NamedTuple):
    """A BPDU on the wire: ``tag`` None: untagged. ``pvid`` None: IEEE's encapsulation, else SSTP with this VLAN."""

    source: int
    bpdu: Bpdu
    tag: int | None = None
    pvid: int | None = None


def encode_frame(frame: StpFrame) -> bytes:
    """The frame, padded to Ethernet's least length."""
    body = encode(frame.bpdu)
    if frame.pvid is None:
        group, payload = IEEE_GROUP, _IEEE_LLC + body
    else:
        padded = body if len(body) == TCN_LENGTH else body.ljust(RAPID_LENGTH, b"\0")
        group, payload = SSTP_GROUP, _SSTP_LLC + padded + _TLV + frame.pvid.to_bytes(2)
    tag = b"" if frame.tag is None else _TPID + (PRIORITY << 13 | frame.tag).to_bytes(2)
    head = group.to_bytes(6) + frame.source.to_bytes(6) + tag + len(payload).to_bytes(2)
    return (head + payload).ljust(SHORTEST, b"\0")


def decode_frame(data: bytes) -> StpFrame:
    """The frame of these octets. Raises BadBpdu: another protocol's, cut short, or a TLV that is not a PVID."""
    if len(data) < 17:
        raise BadBpdu("shorter than Ethernet and LLC headers")
    group, source, at, tag = int.from_bytes(data[:6]), int.from_bytes(data[6:12]), 12, None
    if data[12:14] == _TPID:
        tag, at = int.from_bytes(data[14:16]) & 0xFFF, 16
    length = int.from_bytes(data[at : at + 2])
    payload = data[at + 2 : at + 2 + length]
    if len(payload) < length or length < 3 + TCN_LENGTH:
        raise BadBpdu(f"{len(payload)} octets where the length field says {length}")
    if group == IEEE_GROUP and payload.startswith(_IEEE_LLC):
        return StpFrame(source, decode(payload[3:]), tag)
    if group == SSTP_GROUP and payload.startswith(_SSTP_LLC):
        return StpFrame(source, decode(payload[8:]), tag, _pvid(payload[8:]))
    raise BadBpdu("neither IEEE's nor Cisco's encapsulation of a BPDU")


def _pvid(body: bytes) -> int:
    """The VLAN of the TLV behind the BPDU."""
    at = TCN_LENGTH if len(body) > 3 and body[3] == 0x80 else RAPID_LENGTH
    vlan = int.from_bytes(body[at + 4 : at + 6])
    if body[at : at + 4] != _TLV or len(body) < at + 6 or not 1 <= vlan <= 4094:
        raise BadBpdu("the PVID TLV is missing or wrong")
    return vlan
