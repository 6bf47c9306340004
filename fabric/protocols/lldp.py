"""LLDP frames by which switches' ports are recognised: who sent this, out of which port.

Lives here: the frame of a port as bytes, and back; what of a stranger's frame can be told. Must not know: sockets,
clocks, topologies, what a frame that arrives somewhere says of the cabling.

Frames of ours carry, in an organisation's TLV, when they were sent and a digest under a key of the sender's, so that
nobody who has not seen such a frame lately can make one. Source: IEEE 802.1AB-2016 §8 (TLVs), RFC 2104 (HMAC).

    chassis id (7, locally assigned): the datapath id, 16 hex digits    port id (7): the number, decimal
    time to live: seconds    system name: the switch's    organisation 02-C1-05, subtype 1: time and digest    end
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

NEAREST_BRIDGE = 0x0180_C200_000E
"""The group address that no bridge passes on (IEEE 802.1AB-2016 §7.1)."""
ETH_LLDP = 0x88CC
SOURCE = 0x02C1_0588_CC00
"""The address frames come from: locally administered, nobody's."""

END, CHASSIS, PORT, TTL, SYSTEM_NAME, ORGANISATION = 0, 1, 2, 3, 5, 127
LOCAL = 7
"""The subtype "locally assigned" of chassis ids and of port ids (§8.5.2.2, §8.5.3.2)."""
MARK = bytes((0x02, 0xC1, 0x05, 1))
"""Organisation and subtype of our own TLV."""
DIGEST = 16
LONGEST = 511
"""Bytes of a TLV's value; nine bits hold its length (§8.4)."""
_MAC, _PORT_MAC = 4, 3
"""Subtypes that are MAC addresses, of chassis ids and of port ids."""


class Advertisement(NamedTuple):
    """Port ``port`` of the switch ``name`` with datapath id ``dpid`` said this at ``sent``, in its sender's seconds.

    ``ttl``: for how many seconds it holds.
    """

    dpid: int
    port: int
    name: str
    sent: int
    ttl: int = 120


class Stranger(NamedTuple):
    """A frame that is not ours: chassis, port and system name as people read them, perhaps empty."""

    chassis: str
    port: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name or self.chassis or 'a device without a name'} port {self.port or '?'}"


class NotLldp(ValueError):
    """The bytes are no sound LLDP frame; the text says where."""


def encode(said: Advertisement, key: bytes) -> bytes:
    """The frame, from Ethernet header to the end TLV."""
    ids = _tlv(CHASSIS, bytes((LOCAL,)) + b"%016x" % said.dpid) + _tlv(PORT, bytes((LOCAL,)) + b"%d" % said.port)
    about = _tlv(TTL, said.ttl.to_bytes(2)) + _tlv(SYSTEM_NAME, said.name.encode()[:255])
    proof = _tlv(ORGANISATION, MARK + said.sent.to_bytes(8) + _digest(said, key))
    header = NEAREST_BRIDGE.to_bytes(6) + SOURCE.to_bytes(6) + ETH_LLDP.to_bytes(2)
    return header + ids + about + proof + _tlv(END, b"")


def decode(data: bytes, key: bytes) -> Advertisement | Stranger:
    """What a frame says. Without a sound digest under the key it is a stranger's. Raises NotLldp."""
    if len(data) < 14 or int.from_bytes(data[12:14]) != ETH_LLDP:
        raise NotLldp("not an LLDP frame")
    found: dict[int, bytes] = {}
    for position, (kind, value) in enumerate(_tlvs(data[14:])):
        if position < 3 and kind != position + 1:
            raise NotLldp(f"TLV {position + 1} is of type {kind}: chassis, port and time to live come first")
        if kind != ORGANISATION or value[:4] == MARK:
            found.setdefault(kind, value)
    if not found.keys() >= {CHASSIS, PORT, TTL}:
        raise NotLldp("chassis, port or time to live is missing")
    said = _said(found)
    if said is not None:
        ours = encode(said, key)
        if hmac.compare_digest(ours, data[: len(ours)]):
            return said
    return Stranger(_read(found[CHASSIS], _MAC), _read(found[PORT], _PORT_MAC), _name(found))


def _said(found: dict[int, bytes]) -> Advertisement | None:
    """What a frame of ours would say with these TLVs; None when ours have others."""
    mark, chassis, port = found.get(ORGANISATION, b""), found[CHASSIS], found[PORT]
    if len(mark) != 12 + DIGEST or len(chassis) != 17 or len(found[TTL]) != 2:
        return None
    try:
        dpid, number = int(chassis[1:], 16), int(port[1:])
    except ValueError:
        return None
    return Advertisement(dpid, number, _name(found), int.from_bytes(mark[4:12]), int.from_bytes(found[TTL]))


def _digest(said: Advertisement, key: bytes) -> bytes:
    text = f"{said.dpid:x} {said.port} {said.sent} {said.ttl} {said.name}"
    return hmac.digest(key, text.encode(), sha256)[:DIGEST]


def _tlv(kind: int, value: bytes) -> bytes:
    if len(value) > LONGEST:
        raise ValueError(f"a TLV of {len(value)} bytes: at most {LONGEST} fit")
    return (kind << 9 | len(value)).to_bytes(2) + value


def _tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and values up to the end TLV; padding may follow it."""
    at = 0
    while at + 2 <= len(data):
        head = int.from_bytes(data[at : at + 2])
        kind, length = head >> 9, head & LONGEST
        value = data[at + 2 : at + 2 + length]
        if kind == END:
            return
        if len(value) < length:
            raise NotLldp(f"a TLV of type {kind} at byte {14 + at} is cut short")
        yield kind, value
        at += 2 + length
    raise NotLldp("the end TLV is missing")


def _name(found: dict[int, bytes]) -> str:
    return _printable(found.get(SYSTEM_NAME, b""))


def _read(value: bytes, mac: int) -> str:
    """An id as text: a MAC address where its subtype says so, else its printable characters."""
    if len(value) == 7 and value[0] == mac:
        return value[1:].hex(":")
    return _printable(value[1:])


def _printable(value: bytes) -> str:
    """What a stranger says reaches terminals: nothing but printable characters of it, and not too many."""
    text = value[:64].decode("utf-8", "replace")
    return "".join(c if c.isprintable() and c != "\ufffd" else "?" for c in text)
