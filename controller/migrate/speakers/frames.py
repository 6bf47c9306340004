"""Frames of legacy trunks: what a frame is, and frames of our own with the VLAN's tag.

Lives here: Ethernet, tag, IPv4, UDP, ARP headers. Must not know: protocols above them, ports.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.packet import build
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, ETH_VLAN, IP_UDP

EIGRP_PROTOCOL = 88
MULTICAST = 0x0100_5E00_0000
"""With the low 23 bits of a group's address: its MAC address (RFC 1112 §6.4)."""
_UDP_HEAD = 8


class Heard(NamedTuple):
    """A frame. ``vlan`` None: untagged. ``proto``, ``target``: of IPv4. ``payload``: behind the last header read."""

    vlan: int | None
    mac: int
    kind: int
    source: int = 0
    target: int = 0
    proto: int = 0
    udp_port: int = 0
    payload: bytes = b""


def read_frame(data: bytes) -> Heard | None:
    """What a frame is; None: it is cut short, or no Ethernet of ours."""
    if len(data) < 18:
        return None
    mac, kind, at, vlan = int.from_bytes(data[6:12]), int.from_bytes(data[12:14]), 14, None
    if kind == ETH_VLAN:
        vlan, kind, at = int.from_bytes(data[14:16]) & 0xFFF, int.from_bytes(data[16:18]), 18
    if kind != ETH_IPV4:
        return Heard(vlan, mac, kind, payload=data[at:])
    head = data[at : at + 20]
    if len(head) < 20 or head[0] >> 4 != 4 or int.from_bytes(head[6:8]) & 0x3FFF:
        return None
    length, total = (head[0] & 15) * 4, int.from_bytes(head[2:4])
    body = data[at + length : at + total]
    if length < 20 or len(data) < at + total or total < length:
        return None
    ends = int.from_bytes(head[12:16]), int.from_bytes(head[16:20])
    if head[9] != IP_UDP:
        return Heard(vlan, mac, kind, *ends, head[9], 0, body)
    if len(body) < _UDP_HEAD:
        return None
    port, size = int.from_bytes(body[2:4]), int.from_bytes(body[4:6])
    return Heard(vlan, mac, kind, *ends, head[9], port, body[_UDP_HEAD:size])


def group_mac(address: int) -> int:
    """The MAC address of an IPv4 multicast group."""
    return MULTICAST | address & 0x7F_FFFF


def hsrp_frame(vlan: int, mac: int, source: int, group: int, port: int, data: bytes) -> bytes:
    """An HSRP packet, TTL 1 (RFC 2281 §5)."""
    return bytes(
        build.udp(
            eth_src=mac, eth_dst=group_mac(group), ipv4_src=source, ipv4_dst=group, udp_src=port, udp_dst=port, ttl=1,
            vlan=vlan, payload=data,
        ).data
    )  # fmt: skip


def eigrp_frame(vlan: int, mac: int, to: int, source: int, target: int, data: bytes) -> bytes:
    """An EIGRP packet, TTL 2 as routers send it, to a group or to a neighbour's MAC address."""
    return bytes(
        build.ipv4(
            eth_src=mac, eth_dst=to, ipv4_src=source, ipv4_dst=target, ip_proto=EIGRP_PROTOCOL, ttl=2, vlan=vlan,
            payload=data,
        ).data
    )  # fmt: skip


def gratuitous_arp(vlan: int, mac: int, address: int) -> bytes:
    """The address is at this MAC, told to everybody (RFC 5227 §3)."""
    return bytes(build.arp_request(mac, address, address, vlan).data)


def arp_asked(heard: Heard) -> tuple[int, int, int] | None:
    """Of an ARP request: (the asker's MAC, its address, the address asked for)."""
    body = heard.payload
    if heard.kind != ETH_ARP or len(body) < 28 or body[:8] != b"\0\1\x08\0\6\4\0\1":
        return None
    return int.from_bytes(body[8:14]), int.from_bytes(body[14:18]), int.from_bytes(body[24:28])


def arp_answer(vlan: int, mac: int, address: int, asker: tuple[int, int]) -> bytes:
    """We have the address."""
    return bytes(build.arp_reply(mac, address, *asker, vlan).data)
