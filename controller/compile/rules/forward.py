"""Forwarding: how a frame gets from its ingress leaf to its target, remote or local.

A remote target's rules name only its node, tag and class, so one block serves every ingress leaf. Bridged
and routed frames differ in the match and in the rewrite before; both take the same way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from clos.controller.compile.cookie import cookie, network_path
from clos.controller.compile.locate import Located
from clos.controller.compile.rules.prefixes import EXACT, route_priority, term
from clos.controller.compile.rules.underlay import POP, PUSH_INNER, RETURN, group, output, set_vid
from clos.controller.compile.stages import ARP, BRIDGE, PAIR, POLICY, REFUSE, ROUTE, SEGMENT, TARGET, VRF
from clos.controller.compile.stages import DELIVER as DELIVER_STAGE
from clos.controller.intent.model import ROUTER_MAC, Network
from clos.fabric.dataplane.action import IN_PORT, Action, DecNwTtl, Move, SetField
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import FAST_FAILOVER, Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import EGRESS, Block
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, IP_ICMP, VID_PRESENT

TO_HOST, ARRIVED = 0x4000_0000, 0x5000_0000
"""Groups ``TO_HOST | tag << 16 | port``: a dual-homed host's port, or its other leaf when the port is down;
with ARRIVED the same for a frame that came over the fabric, which may have to leave by the port it came in by."""

_IP, _ARP = ("eth_type", ETH_IPV4, None), ("eth_type", ETH_ARP, None)
_BACK = (output(IN_PORT),)
DEC_TTL = DecNwTtl()
_ANSWER_ARP = (
    Move("eth_src", "eth_dst"),
    Move("arp_sha", "arp_tha"),
    Move("arp_spa", "arp_tpa"),
    SetField("arp_op", 2),
)


def host_groups(one: Located, leaf: str, peer_tag: int) -> tuple[GroupEntry, GroupEntry]:
    """The two groups of a dual-homed endpoint's port on a leaf: for frames from its hosts, and from the fabric."""
    port = one.port_on(leaf)
    number = one.tag << 16 | port
    direct = Bucket((*tagged(one.vlan), output(port)), watch_port=port)
    away = Bucket((PUSH_INNER, set_vid(one.tag), group(peer_tag)), watch_group=peer_tag)
    back = Bucket((PUSH_INNER, set_vid(one.tag), group(RETURN)), watch_group=peer_tag)
    return (
        GroupEntry(TO_HOST | number, FAST_FAILOVER, (direct, away)),
        GroupEntry(ARRIVED | number, FAST_FAILOVER, (direct, back)),
    )


def tagged(vlan: int | None) -> tuple[Action, ...]:
    """What makes a frame look as its host expects: nothing on access ports, its VLAN tag on trunks."""
    return () if vlan is None else (PUSH_INNER, set_vid(vlan))


def reach(one: Located, leaf: str) -> tuple[Action, ...]:
    """The action set that hands a frame to the endpoint from one of its leaves; falls over when dual-homed."""
    port = one.port_on(leaf)
    if one.dual_homed:
        return (group(TO_HOST | one.tag << 16 | port),)
    return (*tagged(one.vlan), output(port))


def _way(apply: tuple[Action, ...], write: tuple[Action, ...], klass: int) -> Instructions:
    """Towards an endpoint of this class: forget what was to be sent back, ask policy next."""
    return Instructions(None, apply, True, write, TARGET.write(klass), POLICY.table)


def bridge_remote(node_tag: int, located: tuple[Located, ...]) -> Block:
    """Frames for a remote endpoint of the same network: push its segment tag, go to its node's group."""
    rules: list[Rule] = []
    known: dict[tuple[int, int], Instructions] = {}
    for one in located:
        way = known.get((one.tag, one.klass))
        if way is None:
            way = known[one.tag, one.klass] = _way((PUSH_INNER, set_vid(one.tag)), (group(node_tag),), one.klass)
        if one.border:
            rules += _bridged(100, one, way, ())
        else:
            rules.append(_bridge(100, one, way, ()))
    return Block(rules)


def bridge_local(leaf: str, located: Iterable[Located]) -> list[Rule]:
    """Frames for an endpoint on this very leaf, and back out of the port they came in by; not so to a legacy host."""
    rules: list[Rule] = []
    for one in located:
        way = _way((), reach(one, leaf), one.klass)
        if one.border:
            rules += _bridged(100, one, way, ())
        else:
            rules.append(_bridge(100, one, way, ()))
        if one.hairpin:
            back = REFUSE if one.legacy else _way((), (*tagged(one.vlan), *_BACK), one.klass)
            port = (("in_port", one.port_on(leaf), None),)
            rules += _bridged(110, one, back, port) if one.border else (_bridge(110, one, back, port),)
    return rules


def _bridge(priority: int, one: Located, way: Instructions, port: tuple[tuple[str, int, None], ...]) -> Rule:
    match = Match.trusted((*port, SEGMENT.term(one.segment), ("eth_dst", one.endpoint.mac, None)))
    return BRIDGE.rule(priority, match, way, one.cookie)


def _bridged(priority: int, one: Located, way: Instructions, port: tuple[tuple[str, int, None], ...]) -> Iterator[Rule]:
    """The same for a router of addresses outside: only what is for itself. For what stands for these, nothing."""
    for ip in one.endpoint.addresses:
        terms = (*port, SEGMENT.term(one.segment), ("eth_dst", one.endpoint.mac, None))
        yield BRIDGE.rule(priority, Match.trusted((*terms, _IP, ("ipv4_dst", ip, None))), way, one.cookie)


def route_remote(vrf: int, node_tag: int, located: tuple[Located, ...]) -> Block:
    """Packets for a remote endpoint's IP address: rewrite as a router does, then as bridging."""
    rules: list[Rule] = []
    for one in located:
        if one.router is not None:
            way = _way((*_rewrite(one, one.router), PUSH_INNER, set_vid(one.tag)), (group(node_tag),), one.klass)
            rules += _routes(0, one, vrf, way, ())
    return Block(rules)


def _rewrite(one: Located, router: int) -> tuple[Action, ...]:
    """What a router does to a packet for an endpoint: it comes from the gateway of the endpoint's network."""
    return DEC_TTL, _from(router), SetField("eth_dst", one.endpoint.mac)


@cache
def _from(router: int) -> SetField:
    return SetField("eth_src", router)


def route_local(vrf: int, leaf: str, located: Iterable[Located]) -> list[Rule]:
    """Packets for an IP address on this very leaf."""
    rules: list[Rule] = []
    for one in located:
        if one.router is None:
            continue
        rewrite = _rewrite(one, one.router)
        way = _way(rewrite, reach(one, leaf), one.klass)
        rules += _routes(0, one, vrf, way, ())
        if one.hairpin:
            back = _way(rewrite, (*tagged(one.vlan), *_BACK), one.klass)
            rules += _routes(1, one, vrf, back, (("in_port", one.port_on(leaf), None),))
    return rules


def route_local_block(vrf: int, leaf: str, located: tuple[Located, ...]) -> Block:
    return Block(route_local(vrf, leaf, located))


def _routes(
    back: int, one: Located, vrf: int, way: Instructions, port: tuple[tuple[str, int, None], ...]
) -> Iterator[Rule]:
    """To an endpoint's own addresses and to the prefixes behind it; ``back``: 1 where it came from, else 0."""
    for ip in one.endpoint.addresses:
        match = Match.trusted((*port, VRF.term(vrf), _IP, ("ipv4_dst", ip, None)))
        yield ROUTE.rule(100 + 10 * back, match, way, one.cookie)
    for prefix in one.endpoint.routes:
        match = Match.trusted((*port, VRF.term(vrf), _IP, *term("ipv4_dst", prefix)))
        priority = route_priority(prefix[1]) + (10 * back if prefix[1] == EXACT else back)
        yield ROUTE.rule(priority, match, way, one.cookie)


def arp(located: tuple[Located, ...]) -> Block:
    """Who has a known endpoint's address: the asking leaf answers in its stead."""
    pairs = ((one, ip) for one in located for ip in one.endpoint.addresses)
    return Block(_arp(one.segment, one.endpoint.mac, ip, one.cookie) for one, ip in pairs)


def _arp(segment: int, mac: int, ip: int, why: int) -> Rule:
    answer = (*_ANSWER_ARP, SetField("eth_src", mac), SetField("arp_sha", mac), SetField("arp_spa", ip))
    asked = Match.trusted((SEGMENT.term(segment), _ARP, ("arp_op", 1, None), ("arp_tpa", ip, None)))
    return ARP.rule(100, asked, Instructions(apply=answer, write=_BACK), why)


def gateway(tenant: str, network: Network, segment: int) -> Block:
    """The anycast gateway: its ARP answer, and frames to its MAC address go on to be routed.

    A MAC address of its own is also what answers to pings are sent from: the action set remembers it, for whichever
    gateway of the tenant answers. Packets that are routed forget it.
    """
    if network.gateway is None:
        return Block()
    why, mac = cookie(network_path(tenant, network.name)), network.gateway_mac
    to_router = Match.trusted((SEGMENT.term(segment), ("eth_dst", mac, None)))
    answers = () if mac == ROUTER_MAC else (_from(mac),)
    return Block(
        [
            *(_arp(segment, mac, address, why) for address in network.gateways),
            BRIDGE.rule(100, to_router, Instructions(write=answers, goto=ROUTE.table), why),
        ]
    )


def gateway_ping(tenant: str, network: Network, vrf: int) -> Block:
    """The gateway answers pings: engineers' first question to any network."""
    return Block(_ping(address, vrf, cookie(network_path(tenant, network.name))) for address in network.gateways)


def _ping(gateway: int, vrf: int, why: int) -> Rule:
    asked = Match.trusted(
        (VRF.term(vrf), _IP, ("ip_proto", IP_ICMP, None), ("ipv4_dst", gateway, None), ("icmpv4_type", 8, None))
    )
    answer = (
        Move("eth_src", "eth_dst"), SetField("eth_src", ROUTER_MAC),
        Move("ipv4_src", "ipv4_dst"), SetField("ipv4_src", gateway), SetField("icmpv4_type", 0),
    )  # fmt: skip
    return ROUTE.rule(100, asked, Instructions(apply=answer, write=_BACK), why)


FROM_PAIR, TO_LEAF = 110, 100
"""Priorities of delivery: frames under the pair's tag first, then whatever else is for this leaf."""


def deliver(leaf: str, peer_tag: int, located: tuple[Located, ...]) -> Block:
    """Frames that arrived for this leaf's endpoints: take the segment tag off, hand over.

    ``peer_tag``: node tag of the other leaf of the pair (0: no pair). A frame that the peer redirected comes
    with this leaf's own tag and is not redirected again.

    Every endpoint has the rule without a look at that tag, and a dual-homed one has another before it. So an endpoint
    that moves between a host of the pair and a host of this leaf keeps the rule's key: it is modified, and no two
    rules of one priority ever overlap while the plan is under way.
    """
    rules: list[Rule] = []
    groups: dict[int, GroupEntry] = {}
    for one in located:
        if one.outside:
            continue
        direct = (*tagged(one.vlan), output(one.port_on(leaf)))
        if one.dual_homed:
            local, arrived = host_groups(one, leaf, peer_tag)
            groups |= {local.group: local, arrived.group: arrived}
            rules.append(_deliver(FROM_PAIR, one, (PAIR.term(1),), (group(arrived.group),)))
        rules.append(_deliver(TO_LEAF, one, (), direct))
    return Block(rules, groups.values(), phase=EGRESS)


def _deliver(
    priority: int, one: Located, context: tuple[tuple[str, int, int], ...], actions: tuple[Action, ...]
) -> Rule:
    match = Match.trusted((*context, ("eth_dst", one.endpoint.mac, None), ("vlan_vid", VID_PRESENT | one.tag, None)))
    return DELIVER_STAGE.rule(priority, match, Instructions(write=(POP, *actions)), one.cookie)
