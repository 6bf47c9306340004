"""Frames that a router makes or changes: the next hop's addresses, one hop less to live, answers to echoes.

Lives here: bytes. Must not know: routes, interfaces. Frames are untagged Ethernet.
Source: RFC 791 (TTL), RFC 1624 (checksum), RFC 792 (echo, time exceeded), RFC 1112 (group addresses).
"""

from __future__ import annotations

from clos.fabric.packet import build, checksum
from clos.fabric.packet.fields import IP_ICMP

GROUP = 0x0100_5E00_0000
TIME_EXCEEDED, UNREACHABLE = 11, 3


def group_mac(address: int) -> int:
    """Where frames to a multicast address go (RFC 1112 §6.4)."""
    return GROUP | address & 0x7F_FFFF


def forwarded(frame: bytes, source: int, target: int) -> bytes:
    """The frame as a router sends it on: TTL one less, the checksum brought in line (RFC 1624)."""
    total = int.from_bytes(frame[24:26]) + 0x100
    total = (total & 0xFFFF) + (total >> 16)
    return b"".join(
        (
            target.to_bytes(6), source.to_bytes(6), frame[12:22], bytes((frame[22] - 1, frame[23])),
            total.to_bytes(2), frame[26:],
        )
    )  # fmt: skip


def echo_reply(frame: bytes, source: int, mac: int, target_mac: int) -> bytes | None:
    """The reply to an echo request; None: it is none."""
    head = 14 + (frame[14] & 15) * 4
    end = 14 + int.from_bytes(frame[16:18])
    if frame[23] != IP_ICMP or len(frame) < head + 8 or frame[head] != 8:
        return None
    return build.icmp_echo(
        eth_src=mac, eth_dst=target_mac, ipv4_src=source, ipv4_dst=int.from_bytes(frame[26:30]), reply=True,
        ident=int.from_bytes(frame[head + 4 : head + 6]), seq=int.from_bytes(frame[head + 6 : head + 8]),
        ttl=255, payload=frame[head + 8 : end],
    ).data  # fmt: skip


def icmp_error(frame: bytes, kind: int, code: int, source: int) -> bytes | None:
    """An ICMP error about a frame's packet, still without Ethernet addresses; None where none may be sent: about
    another error, or a group's packet (RFC 1122 §3.2.2)."""
    head = 14 + (frame[14] & 15) * 4
    echo = frame[23] != IP_ICMP or (len(frame) > head and frame[head] in (0, 8))
    if not echo or frame[30] >= 224:
        return None
    body = bytes((kind, code)) + bytes(6) + frame[14 : head + 8]
    body = body[:2] + checksum.internet(body).to_bytes(2) + body[4:]
    return build.ipv4(
        eth_src=0, eth_dst=0, ipv4_src=source, ipv4_dst=int.from_bytes(frame[26:30]), ip_proto=IP_ICMP, ttl=255,
        payload=body,
    ).data  # fmt: skip


def addressed(frame: bytes, source: int, target: int) -> bytes:
    """The frame with these Ethernet addresses."""
    return target.to_bytes(6) + source.to_bytes(6) + frame[12:]
