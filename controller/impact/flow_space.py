"""Flows as limits on boxes of the prover's space, by the port where their packets come in.

Lives here: the translation from what is said of packets to what the prover cuts boxes with. Must not know: rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clos.controller.impact.changed_flows import (
    ASKED,
    BRIDGED,
    BROADCAST,
    PINGED,
    ROUTED,
    VIA_BRIDGED,
    VIA_ROUTED,
    Flow,
    Target,
)
from clos.controller.impact.policy_classes import Attachment
from clos.controller.impact.traffic_sets import NO_PORT, PORTED, PORTS, Interval, Traffic
from clos.controller.verify.headerspace.header_layouts import ARP_PACKET, BARE, ICMP, IP4, LATER, WHOLE
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    ETH_SRC,
    ICMP_TYPE,
    IP_DST,
    IP_SRC,
    L4_DST,
    L4_SRC,
    LAYOUT,
    SHA,
    TTL,
    VID,
    HeaderSpace,
    Limits,
)
from clos.controller.verify.headerspace.port_ranges import port_regions
from clos.fabric.packet.fields import VID_PRESENT
from clos.fabric.topology import PortRef

MULTICAST = 1 << 40
ASKS, ECHO = 1, 8

Term = tuple[str, int, int | None]


def flow_terms(flows: Iterable[Flow], ends: Iterable[Attachment]) -> set[Term]:
    """Every value that flows and packets to their own sender tell packets apart by."""
    found: set[Term] = {("eth_dst", MULTICAST, MULTICAST)}
    found |= {("arp_op", ASKS, None), ("icmpv4_type", ECHO, None)}
    for end in ends:
        found |= {("eth_src", end.mac, None), ("ipv4_src", end.ip, None), ("vlan_vid", VID_PRESENT | end.vlan, None)}
        found.add(("eth_dst", end.router, None))
    for flow in flows:
        field = "eth_dst" if flow.way == VIA_BRIDGED else "ipv4_dst"
        found.update((field, one, None) for one in flow.receivers if isinstance(one, int))
        for traffic in {flow.traffic}:
            found.update(_traffic_terms(traffic))
    return found


def _traffic_terms(traffic: Traffic) -> Iterator[Term]:
    for (low, high), target, source in traffic:
        yield from (("ip_proto", proto, None) for proto in {low, low - 1, high, high + 1} if 0 <= proto <= 255)
        if target[0] != NO_PORT:
            yield from (("tcp_dst", *region) for side in (target, source) for region in port_regions(*side))


class FlowSpace:
    """Flows, and packets to their own sender, as limits.

    ``ends``: those who may be such senders. What a waypoint passes on is not of the endpoint whose address it bears.
    """

    def __init__(self, space: HeaderSpace, flows: Iterable[Flow], ends: Iterable[Attachment]) -> None:
        self._space = space
        self._at: dict[PortRef, list[Limits]] = {}
        self._known: dict[Traffic, list[Limits]] = {}
        self._ends = frozenset(end.place for end in ends)
        for end in self._ends:
            self._add(end, self._to_itself(end))
        for flow in flows:
            for end in flow.senders:
                self._add(end, self._of(flow, end))

    def add(self, port: PortRef, limits: Limits) -> None:
        """Something is said of these packets, too."""
        self._at.setdefault(port, []).append(limits)

    def at(self, port: PortRef) -> list[Limits]:
        """Limits of packets that come in at a port; together they are all that is said of these."""
        return self._at.get(port, [])

    def _add(self, end: Attachment, cuts: Iterable[Limits]) -> None:
        space = self._space
        tag = space.domain[VID].of(VID_PRESENT | end.vlan) if end.vlan else space.untagged
        inner = ((VID + 1, space.untagged),) if end.vlan else ()
        start = ((ETH_SRC, self._atom(ETH_SRC, end.mac)), (IP_SRC, self._atom(IP_SRC, end.ip)), (VID, tag), *inner)
        for limits in cuts:
            for port in end.ports:
                self._at.setdefault(port, []).append((*start, *limits))

    def _atom(self, slot: int, value: int) -> int:
        return self._space.domain[slot].of(value)

    def _any(self, slot: int, values: Iterable[int], but: int | None) -> int:
        found = 0
        for value in values:
            if value != but:
                found |= self._atom(slot, value)
        return found

    def _to_itself(self, end: Attachment) -> Iterator[Limits]:
        yield (LAYOUT, self._space.shapes.ip4), (ETH_DST, self._atom(ETH_DST, end.mac))
        yield (LAYOUT, self._space.shapes.ip4), (IP_DST, self._atom(IP_DST, end.ip))

    def _of(self, flow: Flow, end: Attachment) -> Iterator[Limits]:
        """The packets of a flow that one sender sends."""
        space = self._space
        router = ETH_DST, self._atom(ETH_DST, end.router)
        named = flow.receivers if flow.way != VIA_BRIDGED else ()
        ips = [one if isinstance(one, int) else one.ip for one in named if isinstance(one, int | Attachment)]
        to = IP_DST, self._any(IP_DST, ips, but=end.ip if end.place in self._ends else None)
        if flow.way in (ROUTED, VIA_ROUTED):
            young = TTL, space.full[TTL] & ~3
            yield from ((router, to, young, *limits) for limits in self._traffic(flow.traffic))
        elif flow.way in (BRIDGED, VIA_BRIDGED):
            macs = [one if isinstance(one, int) else one.mac for one in flow.receivers if isinstance(one, int | Target)]
            near = ETH_DST, self._any(ETH_DST, macs, but=end.mac)
            yield from ((near, *limits) for limits in self._traffic(flow.traffic))
        elif flow.way == ASKED:
            shape = LAYOUT, space.shapes.where(layer=ARP_PACKET)
            yield shape, (L4_SRC, self._atom(L4_SRC, ASKS)), (SHA, self._atom(SHA, end.mac)), to
        elif flow.way == PINGED:
            shape = LAYOUT, space.shapes.where(layer=IP4, proto=ICMP, part=WHOLE)
            yield shape, (ICMP_TYPE, self._atom(ICMP_TYPE, ECHO)), router, to
        elif flow.way == BROADCAST:
            yield (LAYOUT, space.shapes.ip4), (ETH_DST, space.domain[ETH_DST].of(MULTICAST, MULTICAST))

    def _traffic(self, traffic: Traffic) -> list[Limits]:
        if traffic not in self._known:
            self._known[traffic] = list(self._limits(traffic))
        return self._known[traffic]

    def _limits(self, traffic: Traffic) -> Iterator[Limits]:
        shapes = self._space.shapes
        unnamed = next(proto for proto in range(256) if proto not in shapes.protos)
        bare = 0
        for (low, high), target, source in traffic:
            if target[0] != NO_PORT:
                parts = shapes.where(layer=IP4, proto=low, part=WHOLE) | shapes.where(layer=IP4, proto=low, part=LATER)
                yield (LAYOUT, parts), *self._ports(L4_DST, target), *self._ports(L4_SRC, source)
                continue
            for proto in (proto for proto in shapes.protos if low <= proto <= high):
                part = {"part": BARE} if proto in PORTED else {}
                bare |= shapes.where(layer=IP4, proto=proto, **part)
            if low <= unnamed <= high:
                bare |= shapes.where(layer=IP4, proto=None)
        if bare:
            yield ((LAYOUT, bare),)

    def _ports(self, slot: int, side: Interval) -> Limits:
        if side == PORTS:
            return ()
        found = 0
        for region in port_regions(*side):
            found |= self._space.domain[slot].of(*region)
        return ((slot, found),)
