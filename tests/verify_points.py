"""Between the prover's sets and the evaluator's packets: where a packet lies in a space, how a frame changes it."""

from __future__ import annotations

from typing import Any

from controller.verify.frame import Frame, source, tag_at
from controller.verify.shapes import ARP, ARP_PACKET, BARE, IP4, IP6, IPV4, IPV6, LATER, PLAIN, WHOLE, Shape
from controller.verify.space import DEPTH, FIELD, PCP, SHAPE, TTL, VID, Box, Space
from fabric.packet import Packet

_TRANSPORT = {6: "tcp", 17: "udp", 132: "sctp"}


def point(space: Space, packet: Packet) -> Box:
    """The smallest box of the space that the packet is in; slots that say nothing of it are full."""
    found = list(space.full)
    fields = packet.headers()
    found[SHAPE] = 1 << space.shapes.all.index(shape_of(space, packet))
    for name, row in FIELD.items():
        if name in fields:
            found[row.slot] = space.domain[row.slot].atom(fields[name])
    ttl = packet.get("nw_ttl")
    if ttl is not None:
        found[TTL] = 1 << ttl
    for k, (_, tci) in enumerate(tags(packet)[:DEPTH]):
        found[VID + k] = space.domain[VID].atom(0x1000 | tci & 0xFFF)
        found[PCP + k] = space.domain[PCP].atom(tci >> 13)
    for k in range(len(tags(packet)), DEPTH):
        found[VID + k] = space.untagged
    return tuple(found)


def shape_of(space: Space, packet: Packet) -> Shape:
    fields, marks = packet.headers(), packet.layout.marks
    kind = fields["eth_type"] if fields["eth_type"] in space.shapes.eth_types else None
    proto = fields.get("ip_proto")
    known = proto if proto in space.shapes.protos else None
    part = WHOLE if any(layer in marks for layer in ("tcp", "udp", "sctp", "icmpv4", "icmpv6")) else BARE
    if "arp" in marks:
        return Shape(ARP, ARP_PACKET)
    if "ipv4" in marks:
        later = part == BARE and any(name in fields for name in ("tcp_src", "udp_src", "sctp_src", "icmpv4_type"))
        return Shape(IPV4, IP4, known, LATER if later else part)
    if "ipv6" in marks:
        return Shape(IPV6, IP6, known, part)
    return Shape(kind, PLAIN)


def tags(packet: Packet) -> list[tuple[int, int]]:
    """(TPID, TCI) of each tag, outermost first."""
    pairs = (packet.data[at : at + 4] for at in range(12, 12 + 4 * len(packet.vlans), 4))
    return [(int.from_bytes(pair[:2], "big"), int.from_bytes(pair[2:], "big")) for pair in pairs]


def _value(packet: Packet, slot: int, found: int, arrived: dict[int, int]) -> int:
    return found if found >= 0 else arrived[~found]


def changed(packet: Packet, frame: Frame) -> dict[str, Any]:
    """The fields of the packet as the frame leaves it; "tags" and "nw_ttl" among them."""
    fields = packet.headers()
    own = tags(packet)
    arrived = {row.slot: fields[name] for name, row in FIELD.items() if name in fields}
    arrived |= {VID + k: 0x1000 | tci & 0xFFF for k, (_, tci) in enumerate(own)}
    arrived |= {PCP + k: tci >> 13 for k, (_, tci) in enumerate(own)}
    done: dict[str, Any] = {
        name: _value(packet, row.slot, source(frame, row.slot), arrived)
        for name, row in FIELD.items()
        if name in fields
    }
    done["tags"] = []
    for depth in range(len(frame.tags)):
        tag = tag_at(frame, depth)
        tpid, dei = (tag.origin, 0) if tag.origin >= 0 else (own[~tag.origin][0], own[~tag.origin][1] & 0x1000)
        vid, pcp = (_value(packet, 0, s, arrived) for s in (tag.vid, tag.pcp))
        done["tags"].append((tpid, pcp << 13 | dei | vid & 0xFFF))
    done["tags"] += own[frame.base :]
    ttl = packet.get("nw_ttl")
    done["nw_ttl"] = ttl if ttl is None else ~frame.ttl if frame.ttl < 0 else ttl - frame.ttl
    return done


def seen(packet: Packet) -> dict[str, Any]:
    """The fields of a packet as it is, to be compared with ``changed``."""
    fields = packet.headers()
    return {name: fields[name] for name in FIELD if name in fields} | {
        "tags": tags(packet),
        "nw_ttl": packet.get("nw_ttl"),
    }


def inside(box: Box, where: Box) -> bool:
    """Whether the packet at a point is in the box."""
    return all(a & b for a, b in zip(box, where, strict=True))
