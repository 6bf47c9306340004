"""Routes as EIGRP packets carry them: IPv4 prefixes with a metric, internal or external, in classic or wide form.

Lives here: the bytes of the four route TLVs, and back. Must not know: packets around them, neighbors, which route wins.
Source: RFC 7868 §6.9 (classic: types 0x0102 and 0x0103), §6.10-6.11 (multiprotocol: 0x0602 and 0x0603).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from clos.fabric.protocols.eigrp.metric import (
    UNREACHABLE,
    Vector,
    bandwidth_of,
    delay_of,
    scaled_bandwidth,
    scaled_delay,
)

CLASSIC_INTERNAL, CLASSIC_EXTERNAL = 0x0102, 0x0103
WIDE_INTERNAL, WIDE_EXTERNAL = 0x0602, 0x0603
ROUTE_TYPES = frozenset((CLASSIC_INTERNAL, CLASSIC_EXTERNAL, WIDE_INTERNAL, WIDE_EXTERNAL))

EIGRP, STATIC, RIP, OSPF, ISIS, BGP, CONNECTED = 2, 3, 4, 6, 7, 9, 11
"""Where external routes come from (RFC 7868 §6.9.2)."""

CANDIDATE_DEFAULT, ACTIVE = 2, 4
"""Flags of a route (RFC 7868 §6.9.1, the opaque flags of §6.10)."""

_CLASSIC = Struct("!II3sBBBBB")
_EXTERNAL = Struct("!IIIIHBB")
_WIDE = Struct("!HHIBBBB3sB6s6sHH")
_IPV4, _BASE_TOPOLOGY = 1, 0


class Malformed(ValueError):
    """The bytes are no sound EIGRP packet; the text says what is wrong and where."""


class Prefix(NamedTuple):
    """An IPv4 network: the address as an integer, without host bits, and the length of the mask."""

    address: int
    length: int

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.address.to_bytes(4)))}/{self.length}"

    def covers(self, other: Prefix) -> bool:
        """Whether every address of ``other`` is in this network."""
        return self.length <= other.length and not (self.address ^ other.address) >> (32 - self.length)


class External(NamedTuple):
    """Where a redistributed route comes from (RFC 7868 §6.9.2)."""

    router_id: int
    asn: int = 0
    tag: int = 0
    metric: int = 0
    protocol: int = STATIC
    flags: int = 0


class Route(NamedTuple):
    """One destination of a route TLV. ``external`` None: internal. ``next_hop`` 0: the sender.

    ``router_id``: of the sender of a wide internal route; 0 in classic form.
    """

    prefix: Prefix
    vector: Vector
    external: External | None = None
    next_hop: int = 0
    flags: int = 0
    router_id: int = 0


def encode_route(route: Route, wide: bool) -> bytes:
    """The TLV of one route, with its header."""
    outside = b"" if route.external is None else _EXTERNAL.pack(*_external(route.external))
    hop, prefix = route.next_hop.to_bytes(4), _prefix(route.prefix)
    if wide:
        kind = WIDE_INTERNAL if route.external is None else WIDE_EXTERNAL
        body = _wide_metric(route) + hop + outside + prefix
    else:
        kind = CLASSIC_INTERNAL if route.external is None else CLASSIC_EXTERNAL
        body = hop + outside + _classic_metric(route) + prefix
    return kind.to_bytes(2) + (len(body) + 4).to_bytes(2) + body


def decode_routes(kind: int, body: bytes) -> tuple[Route, ...]:
    """The routes of a TLV without its header: a TLV may name several destinations. Raises Malformed."""
    external, router_id, flags = None, 0, 0
    if kind in (WIDE_INTERNAL, WIDE_EXTERNAL):
        vector, router_id, flags, at = _read_wide(body)
        hop, at = _take(body, at, 4)
        if kind == WIDE_EXTERNAL:
            external, at = _read_external(body, at)
    else:
        hop, at = _take(body, 0, 4)
        if kind == CLASSIC_EXTERNAL:
            external, at = _read_external(body, at)
        vector, flags, at = _read_classic(body, at)
    next_hop = int.from_bytes(hop)
    routes = tuple(Route(p, vector, external, next_hop, flags, router_id) for p in _prefixes(body, at))
    if not routes:
        raise Malformed("a route TLV without a destination")
    return routes


def _external(of: External) -> tuple[int, ...]:
    return of.router_id, of.asn, of.tag, of.metric, 0, of.protocol, of.flags


def _classic_metric(route: Route) -> bytes:
    v = route.vector
    delay = scaled_delay(v.delay_ps) if v.reachable else scaled_delay(UNREACHABLE.delay_ps)
    bandwidth = scaled_bandwidth(v.bandwidth_kbps)
    return _CLASSIC.pack(
        delay, bandwidth, v.mtu.to_bytes(3), min(v.hops, 255), v.reliability, v.load, 0, route.flags & 0xFF
    )


def _wide_metric(route: Route) -> bytes:
    v = route.vector
    delay = (v.delay_ps if v.reachable else UNREACHABLE.delay_ps).to_bytes(6)
    numbers = (0, 0, v.reliability, v.load, v.mtu.to_bytes(3), min(v.hops, 255), delay, v.bandwidth_kbps.to_bytes(6))
    return _WIDE.pack(_BASE_TOPOLOGY, _IPV4, route.router_id, *numbers, 0, route.flags)


def _read_classic(body: bytes, at: int) -> tuple[Vector, int, int]:
    raw, at = _take(body, at, _CLASSIC.size)
    delay, bandwidth, mtu, hops, reliability, load, _tag, flags = _CLASSIC.unpack(raw)
    return _vector(delay_of(delay), bandwidth_of(bandwidth), mtu, hops, reliability, load), flags, at


def _read_wide(body: bytes) -> tuple[Vector, int, int, int]:
    raw, at = _take(body, 0, _WIDE.size)
    fields = _WIDE.unpack(raw)
    topology, family, router_id, attributes, _priority, reliability, load, mtu, hops, delay, bandwidth = fields[:11]
    if family != _IPV4 or topology != _BASE_TOPOLOGY:
        raise Malformed(f"a route of address family {family}, topology {topology}: IPv4 in the base topology expected")
    _skipped, at = _take(body, at, 2 * attributes)
    vector = _vector(int.from_bytes(delay), int.from_bytes(bandwidth), mtu, hops, reliability, load)
    return vector, router_id, fields[12], at


def _vector(delay_ps: int, kbps: int, mtu: bytes, hops: int, reliability: int, load: int) -> Vector:
    """A vector as received; every unreachable one is the same value."""
    vector = Vector(delay_ps, kbps, int.from_bytes(mtu), hops, reliability, load)
    return vector if vector.reachable and kbps else UNREACHABLE


def _read_external(body: bytes, at: int) -> tuple[External, int]:
    raw, at = _take(body, at, _EXTERNAL.size)
    router_id, asn, tag, metric, _reserved, protocol, flags = _EXTERNAL.unpack(raw)
    return External(router_id, asn, tag, metric, protocol, flags), at


def _prefix(prefix: Prefix) -> bytes:
    """Length, then as many bytes of the address as it needs."""
    return bytes((prefix.length,)) + prefix.address.to_bytes(4)[: _width(prefix.length)]


def _prefixes(body: bytes, at: int) -> Iterator[Prefix]:
    while at < len(body):
        length = body[at]
        if length > 32:
            raise Malformed(f"a prefix of {length} bits at byte {at}: at most 32")
        raw, at = _take(body, at + 1, _width(length))
        address = int.from_bytes(raw.ljust(4, b"\0"))
        yield Prefix(address & ~((1 << (32 - length)) - 1), length)


def _width(length: int) -> int:
    """Bytes of an address of that length on the wire; the default route has one too (as IOS and FRR write it)."""
    return max(1, (length + 7) // 8)


def _take(body: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(body):
        raise Malformed(f"a route TLV ends at byte {len(body)}, {at + size - len(body)} bytes short")
    return body[at : at + size], at + size
