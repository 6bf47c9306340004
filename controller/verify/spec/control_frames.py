"""What bridges and routers behind a legacy host say to one another, or to the fabric's gateways.

It is for the controller, and nobody else.

Must not know: rules, policies; who listens.

Sources: IEEE 802.1D-2004 §7.12.3, RFC 2281 §3 and HSRP version 2, RFC 7868 §6, RFC 826, RFC 792.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.verify.headerspace.header_layouts import ARP_PACKET, IP4
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    ICMP_TYPE,
    IP_DST,
    L4_DST,
    L4_SRC,
    LAYOUT,
    VID,
    HeaderSpace,
    Limits,
    Term,
)
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform, Tag
from clos.controller.verify.spec.attachments import AttachedEndpoint, Attachments
from clos.controller.verify.spec.intent_terms import ANSWERS, ECHO_REPLY
from clos.controller.verify.spec.requirements import TO_CONTROLLER, Requirement
from clos.fabric.packet.fields import ETH_VLAN, VID_PRESENT
from clos.fabric.topology import LEGACY, Topology

BRIDGES = (0x0180_C200_0000, 0x0100_0CCC_CCCD)
"""Ethernet addresses of BPDUs: the standard's, and PVST+'s."""
HSRP_GROUPS = ((0x0100_5E00_0002, 0xE000_0002), (0x0100_5E00_0066, 0xE000_0066))
EIGRP_GROUP = (0x0100_5E00_000A, 0xE000_000A)
"""Multicast groups as (Ethernet address, IPv4 address)."""
HSRP_PORT, EIGRP = 1985, 88


class ControlFrames(NamedTuple):
    """Such packets of a port, and what must become of them."""

    limits: Limits
    wanted: Requirement


def control_terms(topology: Topology) -> set[Term]:
    """Every value that tells such packets apart, gateways' addresses aside; none where no host is legacy."""
    if all(host.mode != LEGACY for host in topology.hosts.values()):
        return set()
    groups = (*HSRP_GROUPS, EIGRP_GROUP)
    found: set[Term] = {("eth_dst", mac, None) for mac in (*BRIDGES, *(mac for mac, _ in groups))}
    found |= {("ipv4_dst", ip, None) for _, ip in groups}
    return found | {("udp_dst", HSRP_PORT, None), ("ip_proto", EIGRP, None), ("icmpv4_type", ECHO_REPLY, None)}


def control_frames(host: str, places: Attachments) -> tuple[ControlFrames, ...]:
    """Those of a legacy host's port; none of any other."""
    if places.topology.hosts[host].mode != LEGACY:
        return ()
    space = places.space
    bridges = 0
    for mac in BRIDGES:
        bridges |= space.domain[ETH_DST].of(mac)
    found = [ControlFrames(((ETH_DST, bridges),), _told("it is a BPDU", UNCHANGED))]
    networks = {(place.tenant.name, place.network.name): place for place in places.at(host)}
    for place in networks.values():
        found += _of_network(place, space)
    return tuple(found)


def _of_network(place: AttachedEndpoint, space: HeaderSpace) -> Iterator[ControlFrames]:
    tag = VID_PRESENT | (place.vlan or 0)
    tagged: Limits = ((VID, space.domain[VID].of(tag)), (VID + 1, space.untagged))
    looks = HeaderTransform((), (Tag(ETH_VLAN, tag, 0),), 1, 0)
    for limits in _limits(place, space):
        yield ControlFrames((*tagged, *limits), _told("it is for the controller", looks))


def _limits(place: AttachedEndpoint, space: HeaderSpace) -> Iterator[Limits]:
    shapes, domain = space.shapes, space.domain

    def to(mac: int, ip: int) -> Limits:
        return (ETH_DST, domain[ETH_DST].of(mac)), (IP_DST, domain[IP_DST].of(ip))

    eigrp = LAYOUT, shapes.where(layer=IP4, proto=EIGRP)
    for group in HSRP_GROUPS:
        yield *to(*group), (LAYOUT, space.reads["udp_dst"] & shapes.ip4), (L4_DST, domain[L4_DST].of(HSRP_PORT))
    yield *to(*EIGRP_GROUP), eigrp
    network = place.network
    for gateway in network.gateways:
        own = to(network.gateway_mac, gateway)
        yield *own, eigrp
        yield *own, (LAYOUT, space.reads["icmpv4_type"]), (ICMP_TYPE, domain[ICMP_TYPE].of(ECHO_REPLY))
        yield *own, (LAYOUT, shapes.where(layer=ARP_PACKET)), (L4_SRC, domain[L4_SRC].of(ANSWERS))


def _told(why: str, looks: HeaderTransform) -> Requirement:
    return Requirement(None, why, ((TO_CONTROLLER, looks),))
