"""Shapes of packets: which headers a frame has, hence which fields a match can read and an action can set.

A shape is (Ethernet type, what follows, IP protocol, how much of the transport header is there). Sets of shapes
are integers, one bit each, so "is ARP", "has a TCP port" and ``eth_type=0x0800`` are all sets of shapes.
Must not know: rules, values of other fields.

Source: OpenFlow 1.3.5 §7.2.3.8; a later IPv4 fragment has no transport header, its ports read 0 and cannot be set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132

ANY_LAYER = "any"
PLAIN, IP4, IP6, ARP_PACKET = "plain", "ipv4", "ipv6", "arp"
BARE, WHOLE, LATER = "bare", "whole", "later fragment"

_LIKELY_UNUSED = (*range(253, -1, -1), 254, 255)
"""All IP protocols; those that an example packet had better have come first (RFC 3692)."""

_TRANSPORTS = {IP4: (ICMP, TCP, UDP, SCTP), IP6: (ICMPV6, TCP, UDP, SCTP)}


class HeaderLayout(NamedTuple):
    """``eth_type`` and ``proto`` None: any that is not told apart. ``part``: of the transport header."""

    eth_type: int | None
    layer: str = PLAIN
    proto: int | None = None
    part: str = BARE


class HeaderLayouts:
    """Every shape that can be told apart, given the Ethernet types and IP protocols that are mentioned.

    ``every_proto``: IP protocols are told apart one by one, whether mentioned or not.
    """

    __slots__ = ("_known", "all", "eth_types", "full", "ip4", "later", "protos")

    def __init__(self, eth_types: Iterable[int], protos: Iterable[int], every_proto: bool = False) -> None:
        self.eth_types = tuple(sorted({IPV4, ARP, IPV6, *eth_types}))
        self.protos = tuple(sorted({ICMP, TCP, UDP, ICMPV6, SCTP, *protos}))
        plain = [HeaderLayout(kind) for kind in (*self.eth_types, None)]
        shapes = (*plain, HeaderLayout(ARP, ARP_PACKET), *self._ip(IPV4, IP4), *self._ip(IPV6, IP6))
        if every_proto:
            mentioned = self.protos
            self.protos = (*mentioned, *(proto for proto in _LIKELY_UNUSED if proto not in mentioned))
            shapes = tuple(shape for shape in shapes if shape.layer not in _TRANSPORTS or shape.proto is not None)
            shapes += tuple(
                HeaderLayout(eth_type, layer, proto)
                for eth_type, layer in ((IPV4, IP4), (IPV6, IP6))
                for proto in self.protos[len(mentioned) :]
            )
        self.all = shapes
        self.full = (1 << len(self.all)) - 1
        self._known: dict[tuple[tuple[str, object], ...], int] = {}
        self.later = self.where(part=LATER)
        self.ip4 = self.where(layer=IP4)

    def _ip(self, eth_type: int, layer: str) -> list[HeaderLayout]:
        found = [HeaderLayout(eth_type, layer, proto) for proto in (*self.protos, None)]
        parts = (WHOLE, LATER) if layer == IP4 else (WHOLE,)
        return found + [HeaderLayout(eth_type, layer, proto, part) for proto in _TRANSPORTS[layer] for part in parts]

    def where(self, **wanted: object) -> int:
        """The shapes with these properties."""
        key = tuple(wanted.items())
        if key not in self._known:
            having = (i for i, shape in enumerate(self.all) if all(getattr(shape, k) == v for k, v in key))
            self._known[key] = sum(1 << i for i in having)
        return self._known[key]

    def knows(self, field: str, value: int) -> bool:
        """Whether a match on this value of ``eth_type`` or ``ip_proto`` takes exactly a set of shapes."""
        return value in (self.eth_types if field == "eth_type" else self.protos)

    def eth_type(self, value: int) -> int:
        """The shapes that a match on this Ethernet type takes."""
        return self.where(eth_type=value)

    def proto(self, value: int) -> int:
        """The shapes that a match on this IP protocol takes."""
        return self.where(layer=IP4, proto=value) | self.where(layer=IP6, proto=value)

    def reads(self, layer: str, proto: int | None) -> int:
        """The shapes in which a field of this layer (of this transport protocol) can be read."""
        if layer == ANY_LAYER:
            return self.full
        if proto is None:
            return sum(self.where(layer=each) for each in layer.split())
        parts = (self.where(layer=each, proto=proto, part=part) for each in layer.split() for part in (WHOLE, LATER))
        return sum(parts)

    def name(self, chosen: int) -> HeaderLayout:
        """The first shape of a set that is not empty."""
        return self.all[(chosen & -chosen).bit_length() - 1]
