"""Broadcast and multicast, where a network asks for it: one copy per node, one per host port.

Copies for a pair's dual-homed hosts go to the pair's anycast tag, copies for single-homed hosts to their
leaf's own tag, so that each host gets each broadcast once.
"""

from __future__ import annotations

from clos.controller.compile.cookie import cookie, network_path
from clos.controller.compile.locate import Located
from clos.controller.compile.rules.forward import tagged
from clos.controller.compile.rules.underlay import POP, PUSH_INNER, group, output, set_vid
from clos.controller.compile.stages import BRIDGE, DELIVER, METER, PAIR, SEGMENT
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import ALL, Bucket, GroupEntry, Instructions
from clos.fabric.dataplane.ruleset import EGRESS, Block
from clos.fabric.packet.fields import VID_PRESENT

FROM_HOST, FROM_FABRIC = 0x2000_0000, 0x3000_0000
"""Groups ``FROM_HOST | segment`` and ``FROM_FABRIC | tag << 1 | anycast``."""

_MULTICAST = ("eth_dst", 1 << 40, 1 << 40)


def _host_buckets(leaf: str, located: tuple[Located, ...]) -> tuple[Bucket, ...]:
    """One bucket per host port, however many endpoints sit behind it."""
    ports = {(one.port_on(leaf), one.vlan) for one in located}
    return tuple(Bucket((*tagged(vlan), output(port))) for port, vlan in sorted(ports, key=lambda key: key[0]))


def send(
    tenant: str, network: str, leaf: str, segment: int, here: tuple[Located, ...], nodes: tuple[tuple[int, int], ...]
) -> Block:
    """At the ingress leaf: its own hosts, and every other node as (node tag, segment tag there)."""
    number = FROM_HOST | segment
    remote = tuple(Bucket((PUSH_INNER, set_vid(tag), group(node))) for node, tag in nodes)
    match = Match.trusted((SEGMENT.term(segment), _MULTICAST))
    way = Instructions(clear=True, write=(group(number),), goto=METER.table)
    rule = BRIDGE.rule(50, match, way, cookie(network_path(tenant, network)))
    return Block([rule], [GroupEntry(number, ALL, _host_buckets(leaf, here) + remote)])


def receive(tenant: str, network: str, leaf: str, here: tuple[Located, ...]) -> Block:
    """At an egress leaf: dual-homed hosts for the pair's tag, single-homed hosts for the leaf's own."""
    rules, groups = [], []
    for anycast in (0, 1):
        chosen = tuple(one for one in here if one.dual_homed == bool(anycast))
        if chosen:
            tag = chosen[0].tag
            number = FROM_FABRIC | tag << 1 | anycast
            match = Match.trusted((PAIR.term(anycast), _MULTICAST, ("vlan_vid", VID_PRESENT | tag, None)))
            way = Instructions(write=(POP, group(number)))
            rules.append(DELIVER.rule(50, match, way, cookie(network_path(tenant, network))))
            groups.append(GroupEntry(number, ALL, _host_buckets(leaf, chosen)))
    return Block(rules, groups, phase=EGRESS)
