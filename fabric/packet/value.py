"""The packet as a value: an immutable frame whose fields OpenFlow reads and writes.

A packet *is* its bytes; fields are read through ``packet_layout`` and written by ``packet_edit``.
Must not know: ports, metadata, rules (those belong to the switch), how packets of a kind are built.
Source: OpenFlow 1.3.5 §5.12 (actions on headers), §7.2.3.7 (fields).
"""

from __future__ import annotations

from clos.fabric.packet import edit as packet_edit
from clos.fabric.packet.fields import ETH_MPLS, ETH_PBB, ETH_VLAN, VID_PRESENT
from clos.fabric.packet.layout import (
    MIN_FRAME,
    READS,
    SLOTS,
    STRUCTURAL,
    TAG_TYPES,
    Layout,
    dissect,
)
from clos.fabric.packet.text import describe


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

    @classmethod
    def laid_out(cls, data: bytes, layout: Layout) -> Packet:
        """The packet of a frame whose layers are known to lie so: ``layout`` is what ``dissect`` would find."""
        packet = Packet.__new__(Packet)
        packet.data, packet._layout, packet._headers = data, layout, None
        return packet

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
