"""The prover as a witness of single packets: what its sets say of one of them, as frames with exact bytes.

Lives here: finding a packet in the prover's space, and doing to its bytes what a set's frame says was done to all.
Must not know: the evaluator, Open vSwitch, intents. Bytes are edited by fabric.packet.build, which the prover does
not use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from clos.controller.verify.dataplane.outcome import LOOP, Alternative, plain
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.header_layouts import (
    ARP,
    ARP_PACKET,
    BARE,
    IP4,
    IP6,
    IPV4,
    IPV6,
    LATER,
    PLAIN,
    WHOLE,
    HeaderLayout,
)
from clos.controller.verify.headerspace.header_space import DEPTH, FIELD, LAYOUT, PCP, TTL, VID, Box, HeaderSpace
from clos.controller.verify.headerspace.header_terms import terms_of
from clos.controller.verify.headerspace.transform import HeaderTransform, source, tag_at
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import VID_PRESENT
from clos.fabric.topology import PortRef, Topology

Copy = tuple[PortRef, bytes]
"""A frame at a host's port, at port CONTROLLER of a switch, or (LOOPED) going round."""
Outcome = tuple[Copy, ...]
"""All that comes of a packet at once, sorted."""

LOOPED: Copy = (PortRef("", 0), b"")
_TRANSPORTS = ("tcp", "udp", "sctp", "icmpv4", "icmpv6")
_FIRST_PORTS = ("tcp_src", "udp_src", "sctp_src", "icmpv4_type")


class Says(NamedTuple):
    """What may become of a packet: any of ``outcomes``; or ``refused``, the prover's reason to say nothing."""

    outcomes: frozenset[Outcome]
    refused: str = ""


class ProverWitness:
    """``ProverWitness(topology, states, down).says(at, packet)``: the prover on a fabric's rules; ``down``: dead
    ports."""

    def __init__(
        self, topology: Topology, states: Mapping[str, SwitchState], down: frozenset[PortRef] = frozenset()
    ) -> None:
        self.space = HeaderSpace(terms_of(states.values()))
        self.fabric = SymbolicFabric(topology, states, self.space, down)

    def says(self, at: PortRef, packet: Packet) -> Says:
        """What may become of a packet that comes in at a port. Several outcomes: a switch has the choice."""
        try:
            pieces = plain(self.fabric.entering(at, point(self.space, packet)))
        except Unmodelled as why:
            return Says(frozenset(), str(why))
        return Says(frozenset(_copies(packet, option) for _, outcome in pieces for option in outcome))

    def account(self, at: PortRef, packet: Packet) -> str:
        """The way of the packet, as the prover tells it."""
        lines: list[str] = []
        try:
            self.fabric.entering(at, point(self.space, packet), lambda text, switch, rule: lines.append(text))
        except Unmodelled as why:
            lines.append(f"cannot reason about {why}")
        return "\n".join(lines)


def _copies(packet: Packet, option: Alternative) -> Outcome:
    found = [
        LOOPED if switch == LOOP else (PortRef(switch, port), applied(packet, frame).to_bytes())
        for switch, port, frame in option
    ]
    return tuple(sorted(found))


def point(space: HeaderSpace, packet: Packet) -> Box:
    """The smallest box of the space that the packet is in; slots that say nothing of it are full."""
    found, fields = list(space.full), packet.headers()
    found[LAYOUT] = 1 << space.shapes.all.index(_shape(space, packet))
    for name, row in FIELD.items():
        if name in fields:
            found[row.slot] = space.domain[row.slot].atom(fields[name])
    ttl = packet.get("nw_ttl")
    if ttl is not None:
        found[TTL] = 1 << ttl
    own = _tags(packet)
    for k in range(DEPTH):
        if k < len(own):
            found[VID + k] = space.domain[VID].atom(VID_PRESENT | own[k][1] & 0xFFF)
            found[PCP + k] = space.domain[PCP].atom(own[k][1] >> 13)
        else:
            found[VID + k] = space.untagged
    return tuple(found)


def _shape(space: HeaderSpace, packet: Packet) -> HeaderLayout:
    fields, marks = packet.headers(), packet.layout.marks
    if "arp" in marks:
        return HeaderLayout(ARP, ARP_PACKET)
    proto = fields.get("ip_proto")
    known = proto if proto in space.shapes.protos else None
    part = WHOLE if any(layer in marks for layer in _TRANSPORTS) else BARE
    if "ipv4" in marks:
        later = part == BARE and any(name in fields for name in _FIRST_PORTS)
        return HeaderLayout(IPV4, IP4, known, LATER if later else part)
    if "ipv6" in marks:
        return HeaderLayout(IPV6, IP6, known, part)
    return HeaderLayout(fields["eth_type"] if fields["eth_type"] in space.shapes.eth_types else None, PLAIN)


def _tags(packet: Packet) -> list[tuple[int, int]]:
    """(TPID, TCI) of each tag, outermost first."""
    pairs = (packet.data[at : at + 4] for at in range(12, 12 + 4 * len(packet.vlans), 4))
    return [(int.from_bytes(pair[:2], "big"), int.from_bytes(pair[2:], "big")) for pair in pairs]


def applied(packet: Packet, frame: HeaderTransform) -> Packet:
    """The packet as the frame leaves it."""
    fields, own = packet.headers(), _tags(packet)
    came = {row.slot: fields[name] for name, row in FIELD.items() if name in fields}
    came |= {VID + k: VID_PRESENT | tci & 0xFFF for k, (_, tci) in enumerate(own)}
    came |= {PCP + k: tci >> 13 for k, (_, tci) in enumerate(own)}
    done = packet
    for name, row in FIELD.items():
        found = source(frame, row.slot)
        if name in fields and found != ~row.slot:
            done = done.set(name, _value(found, came))
    ttl = packet.get("nw_ttl")
    if ttl is not None and frame.ttl:
        done = done.set("nw_ttl", ~frame.ttl if frame.ttl < 0 else ttl - frame.ttl)
    tags = [_tag(frame, depth, own, came) for depth in range(len(frame.tags))] + own[frame.base :]
    stack = b"".join(tpid.to_bytes(2, "big") + tci.to_bytes(2, "big") for tpid, tci in tags)
    return Packet(done.data[:12] + stack + done.data[12 + 4 * len(own) :])


def _tag(frame: HeaderTransform, depth: int, own: list[tuple[int, int]], came: Mapping[int, int]) -> tuple[int, int]:
    """(TPID, TCI) of a tag put on or looked into; a tag looked into keeps its drop eligible bit."""
    tag = tag_at(frame, depth)
    tpid, dei = (tag.origin, 0) if tag.origin >= 0 else (own[~tag.origin][0], own[~tag.origin][1] & 0x1000)
    return tpid, _value(tag.pcp, came) << 13 | dei | _value(tag.vid, came) & 0xFFF


def _value(found: int, came: Mapping[int, int]) -> int:
    """What a source gives: a number, or what a slot held when the packet came in."""
    return found if found >= 0 else came[~found]
