"""Header fields as OpenFlow 1.3 names them: one row per OXM field.

Lives here: the field table (number, width, maskability, prerequisites) and the text form of values.
Must not know: packets, rules, bytes on the wire.

Source: OpenFlow Switch Specification 1.3.5 §7.2.3.7 (table 12) and §7.2.3.8.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import NamedTuple

VID_PRESENT = 0x1000
"""``vlan_vid`` of a tagged frame is ``VID_PRESENT | vid``; of an untagged one 0 (OpenFlow 1.3.5 §7.2.3.8)."""
VID_NONE = 0

ETH_IPV4, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86DD
ETH_VLAN, ETH_QINQ, ETH_PBB = 0x8100, 0x88A8, 0x88E7
ETH_MPLS, ETH_MPLS_MC = 0x8847, 0x8848
IP_ICMP, IP_TCP, IP_UDP, IP_ICMPV6, IP_SCTP = 1, 6, 17, 58, 132


class Field(NamedTuple):
    """One OXM field.

    ``needs``: alternatives of prerequisites, each a mapping field -> allowed values; a match (or a
    set-field) on this field is legal only where one alternative holds. Empty: always legal.
    """

    name: str
    number: int
    bits: int
    maskable: bool
    needs: tuple[tuple[str, frozenset[int]], ...]
    form: str  # "int", "mac", "ipv4", "ipv6"

    @property
    def full(self) -> int:
        """The mask that covers every bit of the field."""
        return (1 << self.bits) - 1

    @property
    def octets(self) -> int:
        """Bytes the value takes in an OXM (OpenFlow 1.3.5 §7.2.3.7: 20 bits take four, 24 bits three)."""
        return 4 if self.bits == 20 else (self.bits + 7) // 8


def _need(name: str, *values: int) -> tuple[tuple[str, frozenset[int]], ...]:
    return ((name, frozenset(values)),)


_IP = _need("eth_type", ETH_IPV4, ETH_IPV6)
_V4, _V6, _ARP = _need("eth_type", ETH_IPV4), _need("eth_type", ETH_IPV6), _need("eth_type", ETH_ARP)
_MPLS = _need("eth_type", ETH_MPLS, ETH_MPLS_MC)
_TCP, _UDP, _SCTP = _need("ip_proto", IP_TCP), _need("ip_proto", IP_UDP), _need("ip_proto", IP_SCTP)
_ICMP4, _ICMP6 = _need("ip_proto", IP_ICMP), _need("ip_proto", IP_ICMPV6)
_NS_NA = _need("icmpv6_type", 135, 136)

_ROWS: tuple[tuple[str, int, bool, tuple[tuple[str, frozenset[int]], ...], str], ...] = (
    ("in_port", 32, False, (), "int"),
    ("in_phy_port", 32, False, (), "int"),
    ("metadata", 64, True, (), "int"),
    ("eth_dst", 48, True, (), "mac"),
    ("eth_src", 48, True, (), "mac"),
    ("eth_type", 16, False, (), "int"),
    ("vlan_vid", 13, True, (), "int"),
    ("vlan_pcp", 3, False, (("vlan_vid", frozenset()),), "int"),
    ("ip_dscp", 6, False, _IP, "int"),
    ("ip_ecn", 2, False, _IP, "int"),
    ("ip_proto", 8, False, _IP, "int"),
    ("ipv4_src", 32, True, _V4, "ipv4"),
    ("ipv4_dst", 32, True, _V4, "ipv4"),
    ("tcp_src", 16, True, _TCP, "int"),
    ("tcp_dst", 16, True, _TCP, "int"),
    ("udp_src", 16, True, _UDP, "int"),
    ("udp_dst", 16, True, _UDP, "int"),
    ("sctp_src", 16, True, _SCTP, "int"),
    ("sctp_dst", 16, True, _SCTP, "int"),
    ("icmpv4_type", 8, False, _ICMP4, "int"),
    ("icmpv4_code", 8, False, _ICMP4, "int"),
    ("arp_op", 16, False, _ARP, "int"),
    ("arp_spa", 32, True, _ARP, "ipv4"),
    ("arp_tpa", 32, True, _ARP, "ipv4"),
    ("arp_sha", 48, True, _ARP, "mac"),
    ("arp_tha", 48, True, _ARP, "mac"),
    ("ipv6_src", 128, True, _V6, "ipv6"),
    ("ipv6_dst", 128, True, _V6, "ipv6"),
    ("ipv6_flabel", 20, True, _V6, "int"),
    ("icmpv6_type", 8, False, _ICMP6, "int"),
    ("icmpv6_code", 8, False, _ICMP6, "int"),
    ("ipv6_nd_target", 128, False, _NS_NA, "ipv6"),
    ("ipv6_nd_sll", 48, False, _need("icmpv6_type", 135), "mac"),
    ("ipv6_nd_tll", 48, False, _need("icmpv6_type", 136), "mac"),
    ("mpls_label", 20, False, _MPLS, "int"),
    ("mpls_tc", 3, False, _MPLS, "int"),
    ("mpls_bos", 1, False, _MPLS, "int"),
    ("pbb_isid", 24, True, _need("eth_type", ETH_PBB), "int"),
    ("tunnel_id", 64, True, (), "int"),
    ("ipv6_exthdr", 9, True, _V6, "int"),
)

FIELDS: dict[str, Field] = {
    name: Field(name, number, bits, maskable, needs, form)
    for number, (name, bits, maskable, needs, form) in enumerate(_ROWS)
}
"""Field by name, in OXM order. TCP, UDP and SCTP ports are maskable as in Open vSwitch (an extension; the
specification has them exact), because a port range is then a handful of rules, not thousands."""

BY_NUMBER: tuple[Field, ...] = tuple(FIELDS.values())
ORDER: dict[str, int] = {name: field.number for name, field in FIELDS.items()}


def mac(text: str) -> int:
    """The 48-bit value of ``aa:bb:cc:dd:ee:ff``. Raises ValueError for anything else."""
    parts = text.split(":")
    if len(parts) != 6 or any(len(part) != 2 for part in parts):
        raise ValueError(f"{text!r} is not a MAC address like 02:00:00:00:00:01")
    return int("".join(parts), 16)


def mac_text(value: int) -> str:
    """``aa:bb:cc:dd:ee:ff`` for a 48-bit value."""
    raw = f"{value:012x}"
    return ":".join(raw[i : i + 2] for i in range(0, 12, 2))


def ipv4(text: str) -> int:
    """The 32-bit value of a dotted quad. Raises ValueError for anything else."""
    return int(ipaddress.IPv4Address(text))


def ipv4_text(value: int) -> str:
    return f"{value >> 24 & 255}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def _int_text(value: int) -> str:
    return str(value) if value < 1024 else hex(value)


_TEXT: dict[str, Callable[[int], str]] = {
    "int": _int_text,
    "mac": mac_text,
    "ipv4": ipv4_text,
    "ipv6": lambda value: str(ipaddress.IPv6Address(value)),
}
_DECIMAL = frozenset({"in_port", "tcp_src", "tcp_dst", "udp_src", "udp_dst", "sctp_src", "sctp_dst", "ip_proto"})


def text(name: str, value: int, mask: int | None = None) -> str:
    """A value of the field as engineers write it: ``02:00:00:00:00:01``, ``10.1.0.0/16``, ``tag 7``, ``none``."""
    field = FIELDS[name]
    if name == "vlan_vid" and mask is None:
        return f"{value & 0xFFF}" if value & VID_PRESENT else "none"
    if name in _DECIMAL and mask is None:
        return str(value)
    shown = _TEXT[field.form](value)
    if mask is None:
        return shown
    if field.form == "ipv4":
        ones = mask.bit_count()
        if mask == (0xFFFFFFFF << (32 - ones)) & 0xFFFFFFFF:
            return f"{shown}/{ones}"
    return f"{shown}/{_TEXT[field.form](mask)}"
