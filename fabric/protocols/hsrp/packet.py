"""HSRP packets as bytes, and back: version 1 (RFC 2281 §5.1) and the TLVs of Cisco's version 2.

Lives here: the payload of UDP port 1985, virtual MAC addresses, authentication by text and by keyed MD5. Must not
know: groups' states, timers. Bytes that are no sound packet raise Malformed, and nothing of them is used.

Keyed MD5 is taken as RFC 1828 has it (key, fill, packet with a zero digest, key); Cisco publishes no description.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

PORT = 1985
GROUP_ADDRESS = {1: 0xE000_0002, 2: 0xE000_0066}
"""Where packets go, by version: 224.0.0.2 and 224.0.0.102."""
LAST_GROUP = {1: 255, 2: 4095}

HELLO, COUP, RESIGN, ADVERTISE = 0, 1, 2, 3
INITIAL, LEARN, LISTEN, SPEAK, STANDBY, ACTIVE = range(6)
"""States in ascending order; each version has numbers of its own for them on the wire."""
STATE_NAMES = ("Initial", "Learn", "Listen", "Speak", "Standby", "Active")
_STATES_1 = (0, 1, 2, 4, 8, 16)
_STATES_2 = (1, 2, 3, 4, 5, 6)

DEFAULT_TEXT = b"cisco\0\0\0"
"""The authentication data of version 1 where none is configured (RFC 2281 §5.1)."""

_V1 = Struct("!BBBBBBBB8sI")
_GROUP = Struct("!BBBBH6sIII16s")
_MD5 = Struct("!BBHII16s")
_TLV_GROUP, _TLV_INTERFACE, _TLV_TEXT, _TLV_MD5 = 1, 2, 3, 4


class Malformed(ValueError):
    """The bytes are no sound HSRP packet; the text says what is wrong."""


class Unauthentic(ValueError):
    """The packet's authentication is missing or wrong."""


class Keyed(NamedTuple):
    """A key for MD5 authentication."""

    key: bytes
    key_id: int = 0

    def __repr__(self) -> str:
        """Without the key: what is printed of it reaches logs."""
        return f"Keyed(key_id={self.key_id})"


class Digest(NamedTuple):
    """The MD5 authentication TLV: the sender's address, the key's number, the digest."""

    address: int
    key_id: int
    digest: bytes


class Packet(NamedTuple):
    """One packet of a group. Times in milliseconds; version 1 carries whole seconds.

    ``identifier``: the sender's MAC address (version 2). ``text``: eight bytes; None: none (version 2 without text).
    """

    version: int
    opcode: int
    state: int
    group: int
    priority: int
    hello_ms: int
    hold_ms: int
    address: int
    text: bytes | None = DEFAULT_TEXT
    identifier: int = 0
    digest: Digest | None = None


def virtual_mac(version: int, group: int) -> int:
    """The MAC address that hosts see (RFC 2281 §5.1; version 2: 0000.0c9f.fXXX)."""
    if not 0 <= group <= LAST_GROUP[version]:
        raise ValueError(f"group {group}: version {version} has 0 to {LAST_GROUP[version]}")
    return (0x0000_0C07_AC00 if version == 1 else 0x0000_0C9F_F000) | group


def encode(packet: Packet) -> bytes:
    """The packet as bytes; a digest is written as it stands."""
    body = _version_1(packet) if packet.version == 1 else _version_2(packet)
    if packet.digest is not None:
        d = packet.digest
        body += bytes((_TLV_MD5, _MD5.size)) + _MD5.pack(1, 0, 0, d.address, d.key_id, d.digest)
    return body


def signed(packet: Packet, source: int, key: Keyed | None) -> bytes:
    """The packet's bytes, with a digest where there is a key."""
    if key is None:
        return encode(packet)
    blank = packet._replace(digest=Digest(source, key.key_id, bytes(16)))
    return encode(packet._replace(digest=Digest(source, key.key_id, _md5(encode(blank), key.key))))


def verified(data: bytes, source: int, text: bytes | None, key: Keyed | None) -> Packet:
    """The packet, if it is sound and authentic. Raises Malformed or Unauthentic."""
    packet = decode(data)
    if key is None:
        if packet.digest is not None:
            raise Unauthentic("it carries a digest, and no key is configured")
        if packet.text != text:
            raise Unauthentic("its authentication text is not the configured one")
        return packet
    found = packet.digest
    if found is None or found.key_id != key.key_id or found.address != source:
        raise Unauthentic("it carries no digest of the configured key and the sender's address")
    blank = packet._replace(digest=found._replace(digest=bytes(16)))
    if not hmac.compare_digest(found.digest, _md5(encode(blank), key.key)):
        raise Unauthentic("its digest is wrong")
    return packet


def decode(data: bytes) -> Packet:
    """What a packet of either version says. Raises Malformed; an interface's advertisement is not a group's packet."""
    if not data:
        raise Malformed("no bytes")
    return _read_1(data) if data[0] == 0 else _read_2(data)


def _version_1(packet: Packet) -> bytes:
    hello, hold = -(-packet.hello_ms // 1000), -(-packet.hold_ms // 1000)
    text = (packet.text or bytes(8)).ljust(8, b"\0")[:8]
    state = _STATES_1[packet.state]
    return _V1.pack(0, packet.opcode, state, hello, hold, packet.priority, packet.group, 0, text, packet.address)


def _version_2(packet: Packet) -> bytes:
    head = (2, packet.opcode, _STATES_2[packet.state], 4, packet.group, packet.identifier.to_bytes(6))
    numbers = (packet.priority, packet.hello_ms, packet.hold_ms, packet.address.to_bytes(4).ljust(16, b"\0"))
    body = bytes((_TLV_GROUP, _GROUP.size)) + _GROUP.pack(*head, *numbers)
    if packet.text is not None:
        body += bytes((_TLV_TEXT, 8)) + packet.text.ljust(8, b"\0")[:8]
    return body


def _read_1(data: bytes) -> Packet:
    if len(data) < _V1.size:
        raise Malformed(f"{len(data)} bytes: a packet of version 1 has {_V1.size}")
    _version, opcode, state, hello, hold, priority, group, _reserved, text, address = _V1.unpack_from(data)
    if opcode not in (HELLO, COUP, RESIGN):
        raise Malformed(f"opcode {opcode} is no group's")
    digest = dict(_tlvs(data, _V1.size)).get(_TLV_MD5)
    where = _state(state, _STATES_1)
    packet = Packet(1, opcode, where, group, priority, hello * 1000, hold * 1000, address, text)
    return packet._replace(digest=_read_digest(digest))


def _read_2(data: bytes) -> Packet:
    found = dict(reversed(list(_tlvs(data, 0))))
    raw = found.get(_TLV_GROUP)
    if raw is None or len(raw) != _GROUP.size:
        raise Malformed("no group state TLV of 40 bytes")
    version, opcode, state, family, group, identifier, priority, hello, hold, address = _GROUP.unpack(raw)
    if version != 2 or family != 4 or opcode not in (HELLO, COUP, RESIGN):
        raise Malformed(f"version {version}, IP version {family}, opcode {opcode}: 2, 4 and 0 to 2 expected")
    if group > LAST_GROUP[2] or priority > 255:
        raise Malformed(f"group {group} or priority {priority} is too great")
    text = found.get(_TLV_TEXT)
    if text is not None and len(text) != 8:
        raise Malformed(f"a text of {len(text)} bytes: 8 expected")
    where, mac = _state(state, _STATES_2), int.from_bytes(identifier)
    packet = Packet(2, opcode, where, group, priority, hello, hold, int.from_bytes(address[:4]), text, mac)
    return packet._replace(digest=_read_digest(found.get(_TLV_MD5)))


def _state(number: int, numbers: tuple[int, ...]) -> int:
    if number not in numbers:
        raise Malformed(f"state {number} is unknown")
    return numbers.index(number)


def _read_digest(value: bytes | None) -> Digest | None:
    if value is None:
        return None
    if len(value) != _MD5.size:
        raise Malformed(f"an MD5 TLV of {len(value)} bytes: {_MD5.size} expected")
    algorithm, _padding, _flags, address, key_id, digest = _MD5.unpack(value)
    if algorithm != 1:
        raise Malformed(f"digest algorithm {algorithm}: 1 (MD5) expected")
    return Digest(address, key_id, digest)


def _tlvs(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Types and values, each header two bytes."""
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise Malformed(f"the TLV at byte {at} is cut short")
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def _md5(blank: bytes, key: bytes) -> bytes:
    """Keyed MD5 (RFC 1828 §3): the key filled to 64 bytes as MD5 fills its input, the packet, the key."""
    key = key[:55]
    filled = (key + b"\x80").ljust(56, b"\0") + (8 * len(key)).to_bytes(8, "little")
    return hashlib.md5(filled + blank + key, usedforsecurity=False).digest()
