"""Packets, and builders for the usual kinds.

Lives here: the layout of new frames. The value itself is fabric.packet.value. Must not know: rules, switches.
Every value is a number: MAC addresses 48 bits, IPv4 addresses 32. Frames are not padded to 60 bytes.
"""

from __future__ import annotations

from clos.fabric.packet import checksum as packet_checksum
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, ETH_VLAN, IP_ICMP, IP_TCP, IP_UDP
from clos.fabric.packet.value import Packet, PacketError

__all__ = [
    "BROADCAST",
    "Packet",
    "PacketError",
    "arp",
    "arp_reply",
    "arp_request",
    "ethernet",
    "icmp_echo",
    "ipv4",
    "tcp",
    "udp",
]

BROADCAST = 0xFFFF_FFFF_FFFF


def ethernet(*, eth_dst: int, eth_src: int, eth_type: int, payload: bytes = b"", vlan: int | None = None) -> Packet:
    """A frame with at most one 802.1Q tag; not padded to 60 bytes."""
    tag = b"" if vlan is None else ETH_VLAN.to_bytes(2, "big") + vlan.to_bytes(2, "big")
    addresses = eth_dst.to_bytes(6, "big") + eth_src.to_bytes(6, "big")
    return Packet(addresses + tag + eth_type.to_bytes(2, "big") + payload)


def ipv4(
    *,
    eth_src: int,
    eth_dst: int,
    ipv4_src: int,
    ipv4_dst: int,
    ip_proto: int,
    ttl: int = 64,
    vlan: int | None = None,
    payload: bytes = b"",
) -> Packet:
    """An IPv4 packet whose ``payload`` is the whole transport segment."""
    head = b"\x45\0" + (20 + len(payload)).to_bytes(2, "big") + b"\0\0\x40\0" + bytes((ttl, ip_proto))
    ends = ipv4_src.to_bytes(4, "big") + ipv4_dst.to_bytes(4, "big")
    checksum = packet_checksum.internet(head + ends).to_bytes(2, "big")
    body = head + checksum + ends + payload
    return ethernet(eth_dst=eth_dst, eth_src=eth_src, eth_type=ETH_IPV4, payload=body, vlan=vlan)


def tcp(
    *,
    eth_src: int,
    eth_dst: int,
    ipv4_src: int,
    ipv4_dst: int,
    tcp_src: int,
    tcp_dst: int,
    ttl: int = 64,
    vlan: int | None = None,
    payload: bytes = b"",
    flags: int = 0x02,
) -> Packet:
    """A TCP segment, by default a SYN."""
    ports = tcp_src.to_bytes(2, "big") + tcp_dst.to_bytes(2, "big")
    segment = ports + bytes(8) + bytes((0x50, flags, 0x40, 0)) + bytes(4) + payload
    segment = _summed(segment, 16, ipv4_src, ipv4_dst, IP_TCP)
    return ipv4(
        eth_src=eth_src,
        eth_dst=eth_dst,
        ipv4_src=ipv4_src,
        ipv4_dst=ipv4_dst,
        ip_proto=IP_TCP,
        ttl=ttl,
        vlan=vlan,
        payload=segment,
    )


def udp(
    *,
    eth_src: int,
    eth_dst: int,
    ipv4_src: int,
    ipv4_dst: int,
    udp_src: int,
    udp_dst: int,
    ttl: int = 64,
    vlan: int | None = None,
    payload: bytes = b"",
) -> Packet:
    """A UDP datagram."""
    ports = udp_src.to_bytes(2, "big") + udp_dst.to_bytes(2, "big")
    segment = ports + (8 + len(payload)).to_bytes(2, "big") + bytes(2) + payload
    segment = _summed(segment, 6, ipv4_src, ipv4_dst, IP_UDP)
    return ipv4(
        eth_src=eth_src,
        eth_dst=eth_dst,
        ipv4_src=ipv4_src,
        ipv4_dst=ipv4_dst,
        ip_proto=IP_UDP,
        ttl=ttl,
        vlan=vlan,
        payload=segment,
    )


def _summed(segment: bytes, at: int, source: int, target: int, proto: int) -> bytes:
    ends = source.to_bytes(4, "big"), target.to_bytes(4, "big")
    checksum = packet_checksum.transport(*ends, proto, segment)
    return segment[:at] + checksum.to_bytes(2, "big") + segment[at + 2 :]


def icmp_echo(
    *,
    eth_src: int,
    eth_dst: int,
    ipv4_src: int,
    ipv4_dst: int,
    reply: bool = False,
    ident: int = 1,
    seq: int = 1,
    ttl: int = 64,
    vlan: int | None = None,
    payload: bytes = b"",
) -> Packet:
    """An ICMP echo request, or the reply to one."""
    rest = ident.to_bytes(2, "big") + seq.to_bytes(2, "big") + payload
    kind = bytes((0 if reply else 8, 0))
    message = kind + packet_checksum.internet(kind + bytes(2) + rest).to_bytes(2, "big") + rest
    return ipv4(
        eth_src=eth_src,
        eth_dst=eth_dst,
        ipv4_src=ipv4_src,
        ipv4_dst=ipv4_dst,
        ip_proto=IP_ICMP,
        ttl=ttl,
        vlan=vlan,
        payload=message,
    )


def arp(
    *, eth_dst: int, eth_src: int, op: int, sha: int, spa: int, tha: int, tpa: int, vlan: int | None = None
) -> Packet:
    """An ARP packet for IPv4 over Ethernet (RFC 826)."""
    body = b"\0\1\x08\0\6\4" + op.to_bytes(2, "big") + sha.to_bytes(6, "big") + spa.to_bytes(4, "big")
    body += tha.to_bytes(6, "big") + tpa.to_bytes(4, "big")
    return ethernet(eth_dst=eth_dst, eth_src=eth_src, eth_type=ETH_ARP, payload=body, vlan=vlan)


def arp_request(sha: int, spa: int, tpa: int, vlan: int | None = None) -> Packet:
    """Who has ``tpa``? Broadcast by ``sha``/``spa``; with ``spa == tpa`` a gratuitous one."""
    return arp(eth_dst=BROADCAST, eth_src=sha, op=1, sha=sha, spa=spa, tha=0, tpa=tpa, vlan=vlan)


def arp_reply(sha: int, spa: int, tha: int, tpa: int, vlan: int | None = None) -> Packet:
    """``spa`` is at ``sha``, told to ``tha``/``tpa``."""
    return arp(eth_dst=tha, eth_src=sha, op=2, sha=sha, spa=spa, tha=tha, tpa=tpa, vlan=vlan)
