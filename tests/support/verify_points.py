"""Between the prover's sets and the evaluator's packets: where a packet lies in a space, how a frame changes it."""

from __future__ import annotations

from typing import Any

from clos.controller.verify.headerspace.header_space import FIELD, PCP, VID, Box
from clos.controller.verify.headerspace.transform import HeaderTransform, source, tag_at
from clos.fabric.packet.build import Packet
from clos.lab.witness.prover import point

__all__ = ["changed", "inside", "point", "seen", "tags"]


def tags(packet: Packet) -> list[tuple[int, int]]:
    """(TPID, TCI) of each tag, outermost first."""
    pairs = (packet.data[at : at + 4] for at in range(12, 12 + 4 * len(packet.vlans), 4))
    return [(int.from_bytes(pair[:2], "big"), int.from_bytes(pair[2:], "big")) for pair in pairs]


def _value(packet: Packet, slot: int, found: int, arrived: dict[int, int]) -> int:
    return found if found >= 0 else arrived[~found]


def changed(packet: Packet, frame: HeaderTransform) -> dict[str, Any]:
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
