"""Packets: immutable frames whose fields OpenFlow reads and writes, and builders for the usual kinds.

A packet *is* its bytes; fields are read through ``packet_layout`` and written by ``packet_edit``.
Must not know: ports, metadata, rules (those belong to the switch).
Source: OpenFlow 1.3.5 §5.12 (actions on headers), §7.2.3.7 (fields).
"""

from __future__ import annotations

from fabric import packet_checksum, packet_edit
from fabric.fields import (
    ETH_ARP,
    ETH_IPV4,
    ETH_MPLS,
    ETH_PBB,
    ETH_VLAN,
    IP_ICMP,
    IP_TCP,
    IP_UDP,
    VID_PRESENT,
)
from fabric.packet_layout import MIN_FRAME, READS, SLOTS, STRUCTURAL, TAG_TYPES, Layout, dissect
from fabric.packet_text import describe

BROADCAST = 0xFFFF_FFFF_FFFF


class PacketError(ValueError):
    """Not an Ethernet frame, or a field no packet can carry."""


class Packet:
    """An Ethernet frame without its checksum (FCS). Immutable; equal when the bytes are."""

    __slots__ = ("_headers", "_layout", "data")

    data: bytes
    _layout: Layout | None
    _headers: dict[str, int] | None

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._layout = None
        self._headers = None

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """The packet of a frame. Odd bytes above Ethernet stay payload; PacketError for under 14 bytes."""
        if len(data) < MIN_FRAME:
            raise PacketError(f"{len(data)} bytes are too short for an Ethernet frame: it has at least {MIN_FRAME}")
        return cls(bytes(data))

    def to_bytes(self) -> bytes:
        return self.data

    @property
    def layout(self) -> Layout:
        """Where the layers are; found once."""
        if self._layout is None:
            self._layout = dissect(self.data)
        return self._layout

    def headers(self) -> dict[str, int]:
        """Every OXM packet field present, by name; treat as read-only.

        ``vlan_vid`` is always there: 0 untagged, ``0x1000 | vid`` tagged. ``eth_type`` is the type after VLAN tags.
        """
        if self._headers is None:
            self._headers = self._read()
        return self._headers

    def _read(self) -> dict[str, int]:
        data, layout = self.data, self.layout
        found = dict(layout.computed)
        whole = int.from_bytes
        for layer, at in layout.marks.items():
            for name, start, stop, shift, mask in READS.get(layer, ()):
                found[name] = whole(data[at + start : at + stop], "big") >> shift & mask
        if "vlan" in layout.marks:
            found["vlan_vid"] |= VID_PRESENT
        return found

    def get(self, field: str) -> int | None:
        """The field's value, or None when the packet has none. ``nw_ttl`` and ``mpls_ttl`` are answered too."""
        if field in ("nw_ttl", "mpls_ttl"):
            for slot in SLOTS[field]:
                at = self.layout.marks.get(slot.layer)
                if at is not None:
                    return self.data[at + slot.offset]
        return self.headers().get(field)

    def set(self, field: str, value: int) -> Packet:
        """The packet with the field set and the checksums over it repaired.

        A packet without the field is returned as it is, as switches do. PacketError: not a packet field at all,
        or one that has no bits of its own (``ipv6_exthdr``).
        """
        slots = SLOTS.get(field)
        if not slots:
            raise PacketError(f"{field}: cannot be set in a packet")
        layout = self.layout
        for slot in slots:
            if slot.layer in layout.marks:
                if field == "ipv6_dst" and "routing" in layout.marks:
                    slot = slot._replace(sums=())
                changed = Packet(packet_edit.write(self.data, layout, slot, value))
                if field not in STRUCTURAL:
                    changed._layout = layout
                return changed
        return self

    def push_vlan(self, ethertype: int = ETH_VLAN) -> Packet:
        """A new outermost tag; VLAN id and priority are those of the tag that was outermost, else 0 (§5.12.1)."""
        at = self.layout.marks.get("vlan")
        tci = 0 if at is None else int.from_bytes(self.data[at : at + 2], "big") & 0xEFFF
        return Packet(packet_edit.push_vlan(self.data, ethertype, tci))

    def pop_vlan(self) -> Packet:
        """Without the outermost tag; an untagged packet is returned as it is."""
        return Packet(packet_edit.pop_vlan(self.data)) if "vlan" in self.layout.marks else self

    def push_mpls(self, ethertype: int = ETH_MPLS) -> Packet:
        """A new outermost label stack entry.

        Label, traffic class and TTL are those of the entry that was outermost; else 0, with the IP packet's TTL
        (0 for other packets). It is the bottom of the stack unless another entry follows right away.
        """
        marks = self.layout.marks
        at = marks.get("mpls")
        if at is not None:
            entry = int.from_bytes(self.data[at : at + 4], "big") & ~0x100
            return Packet(packet_edit.push_mpls(self.data, ethertype, entry | (0x100 if "vlan" in marks else 0)))
        return Packet(packet_edit.push_mpls(self.data, ethertype, 0x100 | (self.get("nw_ttl") or 0)))

    def pop_mpls(self, ethertype: int) -> Packet:
        """Without the outermost label stack entry; a packet without one is returned as it is."""
        at = self.layout.marks.get("mpls")
        return self if at is None else Packet(packet_edit.pop_mpls(self.data, at, ethertype))

    def push_pbb(self, ethertype: int = ETH_PBB) -> Packet:
        """A new backbone header: addresses copied, I-SID of the present I-TAG, priority of the VLAN tag, else 0."""
        fields = self.headers()
        service = fields.get("vlan_pcp", 0) << 29 | fields.get("pbb_isid", 0)
        return Packet(packet_edit.push_pbb(self.data, ethertype, service))

    def pop_pbb(self) -> Packet:
        """The customer's frame; a packet without a PBB header is returned as it is."""
        at = self.layout.marks.get("pbb")
        return self if at is None else Packet(packet_edit.pop_pbb(self.data, at))

    def copy_ttl_out(self) -> Packet:
        """The TTL right below the outermost label stack entry copied into it (IP-to-MPLS or MPLS-to-MPLS)."""
        if "mpls" not in self.layout.marks:
            return self
        below = packet_edit.below_mpls(self.data, self.layout)
        for slot in (*SLOTS["mpls_ttl"], *SLOTS["nw_ttl"]):
            at = below.marks.get(slot.layer)
            if at is not None:
                return self.set("mpls_ttl", self.data[at + slot.offset])
        return self

    def copy_ttl_in(self) -> Packet:
        """The TTL of the outermost label stack entry copied into what is right below it."""
        ttl = self.get("mpls_ttl")
        if ttl is None:
            return self
        below = packet_edit.below_mpls(self.data, self.layout)
        for slot in (*SLOTS["mpls_ttl"], *SLOTS["nw_ttl"]):
            if slot.layer in below.marks:
                return Packet(packet_edit.write(self.data, below, slot, ttl))
        return self

    def remarked(self, levels: int) -> Packet:
        """With the drop precedence of an assured-forwarding DSCP raised by ``levels``, to at most 3 (RFC 2597 §6)."""
        dscp = self.get("ip_dscp")
        precedence = 0 if dscp is None else dscp >> 1 & 3
        if dscp is None or dscp & 1 or not precedence or not 1 <= dscp >> 3 <= 4:
            return self
        return self.set("ip_dscp", dscp & ~6 | min(precedence + levels, 3) << 1)

    @property
    def vlans(self) -> tuple[int, ...]:
        """The VLAN ids of the tag stack, outermost first."""
        found, at = [], 12
        while int.from_bytes(self.data[at : at + 2], "big") in TAG_TYPES and len(self.data) >= at + 6:
            found.append(int.from_bytes(self.data[at + 2 : at + 4], "big") & 0xFFF)
            at += 4
        return tuple(found)

    def __len__(self) -> int:
        return len(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __reduce__(self) -> tuple[type[Packet], tuple[bytes]]:
        return Packet, (self.data,)

    def __str__(self) -> str:
        return describe(self.headers(), self.get("nw_ttl"), self.vlans, len(self.data))

    def __repr__(self) -> str:
        return f"<Packet {self}>"


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
