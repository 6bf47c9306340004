"""EIGRP packets as bytes, and back: header, checksum, and the TLVs of hellos and of routes.

Lives here: the form of packets (the payload of IP protocol 88). Must not know: neighbors, keys (``authentication``),
what an answer to a packet is. What is no sound packet raises Malformed, and nothing of it is used.

Source: RFC 7868 §6.3 (header), §6.6 (parameters, authentication, sequence, software version, multicast sequence,
stub, termination), §6.9 and on (routes: ``routes``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from clos.fabric.protocols.eigrp.metric import KValues
from clos.fabric.protocols.eigrp.routes import ROUTE_TYPES, Malformed, Route, decode_routes, encode_route

PROTOCOL = 88
"""EIGRP's number in the IP header (RFC 7868 §6.1)."""
ALL_ROUTERS = 0xE000_000A
"""224.0.0.10, the group that hellos go to."""

UPDATE, REQUEST, QUERY, REPLY, HELLO, SIA_QUERY, SIA_REPLY = 1, 2, 3, 4, 5, 10, 11
"""Opcodes (RFC 7868 §6.3); an acknowledgement is a hello with an acknowledge number."""
OPCODES = frozenset((UPDATE, REQUEST, QUERY, REPLY, HELLO, SIA_QUERY, SIA_REPLY))

INIT, CONDITIONAL_RECEIVE, RESTART, END_OF_TABLE = 1, 2, 4, 8
"""Flags (RFC 7868 §6.3)."""

PARAMETER, AUTHENTICATION, SEQUENCE, VERSION, MULTICAST_SEQUENCE, STUB, TERMINATION, TOPOLOGIES = range(1, 9)
"""Types of the TLVs that are no routes (RFC 7868 §6.6)."""

STUB_FLAGS = {"connected": 1, "static": 2, "summary": 4, "redistributed": 8, "leak-map": 16, "receive-only": 32}
"""What a stub router still advertises (the bits of the stub TLV)."""

HEADER = Struct("!BBHIIIHH")
LONGEST = 1480
"""Bytes of the largest packet sent: what an Ethernet frame carries behind an IPv4 header."""
_VERSION = 2
GOODBYE = KValues(255, 255, 255, 255, 255, 0)
"""Weights that say farewell (RFC 7868 §5.3.4)."""


class Parameters(NamedTuple):
    """Weights and hold time of a hello (RFC 7868 §6.6.1)."""

    k: KValues
    hold_s: int


class Digest(NamedTuple):
    """The authentication TLV (RFC 7868 §6.6.2). ``method``: 2 MD5, 3 SHA-256."""

    method: int
    key_id: int
    key_sequence: int
    digest: bytes


class Release(NamedTuple):
    """The versions of software and of TLVs (RFC 7868 §6.6.4); TLVs from 2.0 on carry wide metrics."""

    software: tuple[int, int] = (12, 4)
    tlv: tuple[int, int] = (1, 2)


@dataclass(frozen=True, slots=True)
class Packet:
    """One EIGRP packet. ``stub``: bits of STUB_FLAGS; None: no stub. ``wide``: the form its routes are written in."""

    opcode: int
    asn: int
    flags: int = 0
    sequence: int = 0
    acknowledge: int = 0
    virtual_router: int = 0
    parameters: Parameters | None = None
    digest: Digest | None = None
    listed: tuple[int, ...] | None = None
    """The addresses of the sequence TLV: who shall not take the next conditional packets."""
    release: Release | None = None
    multicast_sequence: int | None = None
    stub: int | None = None
    terminated: bool = False
    routes: tuple[Route, ...] = ()
    wide: bool = False

    @property
    def reliable(self) -> bool:
        """Whether the receiver must acknowledge it (RFC 7868 §5.3.1)."""
        return self.sequence != 0


def encode(packet: Packet) -> bytes:
    """The packet as bytes, its checksum right; digests are written as they stand."""
    body = b"".join(_tlv(kind, value) for kind, value in _general(packet))
    body += b"".join(encode_route(route, packet.wide) for route in packet.routes)
    return sealed(_header(packet) + body)


def sealed(data: bytes) -> bytes:
    """The same bytes with the checksum they need (RFC 7868 §6.3: as IP's, over the whole packet)."""
    blank = data[:2] + b"\0\0" + data[4:]
    return blank[:2] + checksum(blank).to_bytes(2) + blank[4:]


def decode(data: bytes) -> Packet:
    """What a packet says. TLVs that nobody here knows are skipped (RFC 7868 §6.4). Raises Malformed."""
    if len(data) < HEADER.size:
        raise Malformed(f"{len(data)} bytes: an EIGRP header has {HEADER.size}")
    version, opcode, _checksum, flags, sequence, acknowledge, virtual_router, asn = HEADER.unpack_from(data)
    if version != _VERSION:
        raise Malformed(f"version {version}: 2 expected")
    if opcode not in OPCODES:
        raise Malformed(f"opcode {opcode} is unknown")
    if checksum(data):
        raise Malformed("the checksum is wrong")
    found: dict[int, bytes] = {}
    routes: list[Route] = []
    kinds: set[int] = set()
    for kind, value in _tlvs(data):
        if kind in ROUTE_TYPES:
            kinds.add(kind >> 8)
            routes += decode_routes(kind, value)
        else:
            found.setdefault(kind, value)
    head = Packet(opcode, asn, flags, sequence, acknowledge, virtual_router)
    return _completed(head, found, tuple(routes), 0x06 in kinds)


def checksum(data: bytes) -> int:
    """The ones' complement of the ones' complement sum of 16-bit words (RFC 1071)."""
    total = int.from_bytes(data + b"\0" * (len(data) % 2)) % 0xFFFF
    return 0xFFFF - (total or (0xFFFF if any(data) else 0))


def _header(packet: Packet) -> bytes:
    return HEADER.pack(
        _VERSION,
        packet.opcode,
        0,
        packet.flags,
        packet.sequence,
        packet.acknowledge,
        packet.virtual_router,
        packet.asn,
    )


def _general(packet: Packet) -> Iterator[tuple[int, bytes]]:
    """The TLVs that are no routes, in the order in which they are written."""
    if packet.parameters is not None:
        yield PARAMETER, bytes(packet.parameters.k) + packet.parameters.hold_s.to_bytes(2)
    if packet.digest is not None:
        yield AUTHENTICATION, _digest(packet.digest)
    if packet.listed is not None:
        yield SEQUENCE, b"".join(b"\x04" + address.to_bytes(4) for address in packet.listed)
    if packet.release is not None:
        yield VERSION, bytes(packet.release.software + packet.release.tlv)
    if packet.multicast_sequence is not None:
        yield MULTICAST_SEQUENCE, packet.multicast_sequence.to_bytes(4)
    if packet.stub is not None:
        yield STUB, packet.stub.to_bytes(2)
    if packet.terminated:
        yield TERMINATION, b""


def _completed(head: Packet, found: dict[int, bytes], routes: tuple[Route, ...], wide: bool) -> Packet:
    return Packet(
        head.opcode,
        head.asn,
        head.flags,
        head.sequence,
        head.acknowledge,
        head.virtual_router,
        _read_parameters(found.get(PARAMETER)),
        _read_digest(found.get(AUTHENTICATION)),
        _read_listed(found.get(SEQUENCE)),
        _read_release(found.get(VERSION)),
        _number(found.get(MULTICAST_SEQUENCE), 4, "multicast sequence"),
        _number(found.get(STUB), 2, "stub"),
        TERMINATION in found,
        routes,
        wide,
    )


def _read_parameters(value: bytes | None) -> Parameters | None:
    if value is None:
        return None
    if len(value) != 8:
        raise Malformed(f"a parameter TLV of {len(value)} bytes: 8 expected")
    return Parameters(KValues(*value[:6]), int.from_bytes(value[6:]))


def _digest(of: Digest) -> bytes:
    """Method, length, key, key sequence, eight bytes of padding, digest (RFC 7868 §6.6.2)."""
    numbers = of.method.to_bytes(2) + len(of.digest).to_bytes(2) + of.key_id.to_bytes(4)
    return numbers + of.key_sequence.to_bytes(4) + bytes(8) + of.digest


def _read_digest(value: bytes | None) -> Digest | None:
    if value is None:
        return None
    if len(value) < 20 or len(value) != 20 + int.from_bytes(value[2:4]):
        raise Malformed(f"an authentication TLV of {len(value)} bytes does not fit its digest's length")
    return Digest(int.from_bytes(value[:2]), int.from_bytes(value[4:8]), int.from_bytes(value[8:12]), bytes(value[20:]))


def _read_listed(value: bytes | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    if len(value) % 5 or any(value[at] != 4 for at in range(0, len(value), 5)):
        raise Malformed("a sequence TLV holds something else than IPv4 addresses")
    return tuple(int.from_bytes(value[at + 1 : at + 5]) for at in range(0, len(value), 5))


def _read_release(value: bytes | None) -> Release | None:
    if value is None:
        return None
    if len(value) != 4:
        raise Malformed(f"a software version TLV of {len(value)} bytes: 4 expected")
    return Release((value[0], value[1]), (value[2], value[3]))


def _number(value: bytes | None, size: int, what: str) -> int | None:
    if value is None:
        return None
    if len(value) < size:
        raise Malformed(f"a {what} TLV of {len(value)} bytes: {size} expected")
    return int.from_bytes(value[:size])


def _tlv(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2) + (len(value) + 4).to_bytes(2) + value


def _tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = HEADER.size
    while at < len(data):
        length = int.from_bytes(data[at + 2 : at + 4])
        if at + 4 > len(data) or length < 4 or at + length > len(data):
            raise Malformed(f"the TLV at byte {at} is cut short or has length {length}")
        yield int.from_bytes(data[at : at + 2]), data[at + 4 : at + length]
        at += length
