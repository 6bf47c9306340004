"""What hosts say: endpoints, stamped requests and the replies to them.

Lives here: the packets. Must not know: when and where they are sent.
Source: RFC 792 (echo).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import IP_ICMP, IP_TCP, IP_UDP, VID_PRESENT


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address on a host. ``mac`` 48 bits, ``ip`` and ``gateway`` 32 bits, ``vlan`` None on an access port."""

    name: str
    host: str
    mac: int
    ip: int
    prefix_len: int
    gateway: int | None = None
    vlan: int | None = None

    def next_hop(self, target: int) -> int | None:
        """Whom to ask ARP for: the target in the own subnet, else the gateway; None where there is no gateway."""
        return target if (target ^ self.ip) >> (32 - self.prefix_len) == 0 else self.gateway

    @property
    def vlan_vid(self) -> int:
        return 0 if self.vlan is None else VID_PRESENT | self.vlan


ASK, ANSWER, ONE_WAY = 1, 2, 3
EPHEMERAL = 40_000

_STAMP = Struct("!19x4sBII")
"""32 bytes at the end of the payload, so that no frame that carries it is ever padded behind it."""
_MAGIC = b"clos"


class Stamp(NamedTuple):
    """What the payload of our packets says: ``kind`` ASK, ANSWER or ONE_WAY, whose it is, and its number."""

    kind: int
    owner: int
    seq: int

    def to_bytes(self) -> bytes:
        return _STAMP.pack(_MAGIC, *self)


def stamp_of(packet: Packet) -> Stamp | None:
    """The stamp at the end of a packet, None for packets of others."""
    if len(packet) < _STAMP.size or packet.data[-13:-9] != _MAGIC:
        return None
    return Stamp(*_STAMP.unpack(packet.data[-_STAMP.size :])[1:])


Build = Callable[[int], Packet]
"""Makes the packet once the MAC address of the next hop is known."""


def request(source: Endpoint, target: int, proto: int, port: int, stamp: Stamp) -> Build:
    """The packet that asks ``target``: an echo request, or a TCP SYN or UDP datagram to ``port``.

    Raises ValueError for a protocol hosts do not speak.
    """
    payload = stamp.to_bytes()
    near = EPHEMERAL + stamp.owner % 20_000
    if proto == IP_ICMP:
        ident, seq = stamp.owner & 0xFFFF, stamp.seq & 0xFFFF
        return lambda mac: build.icmp_echo(
            eth_src=source.mac, eth_dst=mac, ipv4_src=source.ip, ipv4_dst=target,
            ident=ident, seq=seq, vlan=source.vlan, payload=payload,
        )  # fmt: skip
    if proto == IP_TCP:
        return lambda mac: build.tcp(
            eth_src=source.mac, eth_dst=mac, ipv4_src=source.ip, ipv4_dst=target,
            tcp_src=near, tcp_dst=port, vlan=source.vlan, payload=payload,
        )  # fmt: skip
    if proto == IP_UDP:
        return lambda mac: build.udp(
            eth_src=source.mac, eth_dst=mac, ipv4_src=source.ip, ipv4_dst=target,
            udp_src=near, udp_dst=port, vlan=source.vlan, payload=payload,
        )  # fmt: skip
    raise ValueError(f"hosts speak ICMP, TCP and UDP, not IP protocol {proto}")


def reply(me: Endpoint, asked: Packet, headers: dict[str, int], payload: bytes) -> Build | None:
    """The reply to an IP packet for ``me``: an echo reply, or TCP or UDP the other way; None where none is due.

    ``payload`` is carried back; an echo without one gets its own.
    """
    kind = _REPLIES.get(headers["ip_proto"])
    if kind is None or headers.keys().isdisjoint(kind.needs) or headers.get("icmpv4_type", 8) != 8:
        return None
    peer = headers["ipv4_src"]
    return lambda mac: kind.make(me, mac, peer, asked, payload)


class _Reply(NamedTuple):
    """How a protocol is answered, where one of the fields ``needs`` is there (a later fragment has none)."""

    needs: tuple[str, ...]
    make: Callable[[Endpoint, int, int, Packet, bytes], Packet]


def _echo_reply(me: Endpoint, mac: int, peer: int, asked: Packet, payload: bytes) -> Packet:
    at = asked.layout.marks["icmpv4"]
    ident, seq = int.from_bytes(asked.data[at + 4 : at + 6], "big"), int.from_bytes(asked.data[at + 6 : at + 8], "big")
    return build.icmp_echo(
        eth_src=me.mac, eth_dst=mac, ipv4_src=me.ip, ipv4_dst=peer,
        reply=True, ident=ident, seq=seq, vlan=me.vlan, payload=payload or asked.data[at + 8 :],
    )  # fmt: skip


def _tcp_reply(me: Endpoint, mac: int, peer: int, asked: Packet, payload: bytes) -> Packet:
    ports = asked.headers()
    return build.tcp(
        eth_src=me.mac, eth_dst=mac, ipv4_src=me.ip, ipv4_dst=peer, tcp_src=ports["tcp_dst"],
        tcp_dst=ports["tcp_src"], vlan=me.vlan, payload=payload, flags=0x12,
    )  # fmt: skip


def _udp_reply(me: Endpoint, mac: int, peer: int, asked: Packet, payload: bytes) -> Packet:
    ports = asked.headers()
    return build.udp(
        eth_src=me.mac, eth_dst=mac, ipv4_src=me.ip, ipv4_dst=peer, udp_src=ports["udp_dst"],
        udp_dst=ports["udp_src"], vlan=me.vlan, payload=payload,
    )  # fmt: skip


_REPLIES = {
    IP_ICMP: _Reply(("icmpv4_type",), _echo_reply),
    IP_TCP: _Reply(("tcp_src",), _tcp_reply),
    IP_UDP: _Reply(("udp_src",), _udp_reply),
}
