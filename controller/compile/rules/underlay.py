"""The fabric part: what switches need to carry tagged frames between leaves, whoever the tenants are.

Two rules per node on a spine, a group per node on a leaf. Depends on the topology alone.
"""

from __future__ import annotations

from functools import cache
from math import gcd
from typing import NamedTuple

from clos.controller.compile.cookie import cookie, node_path, switch_path
from clos.controller.compile.locate import without
from clos.controller.compile.numbering import MAX_METER
from clos.controller.compile.rules.legacy import bridge_rules, control_meter, legacy_ports
from clos.controller.compile.rules.probes import probe_meter, probe_rule
from clos.controller.compile.stages import (
    DELIVER,
    EXECUTE,
    METER,
    PAIR,
    POLICY,
    PORT,
    REFUSE,
    SPINE,
    CompileError,
)
from clos.fabric.dataplane.action import (
    CONTROLLER,
    IN_PORT,
    Action,
    Group,
    Output,
    PopVlan,
    PushVlan,
    SetField,
)
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import (
    FAST_FAILOVER,
    INDIRECT,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.dataplane.ruleset import EGRESS, Block, Part, Placed
from clos.fabric.packet.fields import ETH_QINQ, ETH_VLAN, VID_NONE, VID_PRESENT
from clos.fabric.protocols.lldp import NEAREST_BRIDGE
from clos.fabric.topology import DETOUR, PortRef, Switch, Topology

PART = "fabric"

PUSH_OUTER, PUSH_INNER, POP = PushVlan(ETH_QINQ), PushVlan(ETH_VLAN), PopVlan()

BOTH, ANY_LINK, RETURN = 0x1000, 0x2000, 0x2001
"""Group numbers besides ``tag`` (towards a node): ``BOTH | tag`` a pair's two links at a spine, ANY_LINK a spine's
links (never a target, only watched), RETURN back to where a frame came from, for the pair's other leaf,
``detour_group(port)`` a leaf's uplinks but one."""


LLDP_METER = MAX_METER
"""The meter of what discovery hears: a number that is given to no policy. A port is asked about every few seconds."""
LLDP_EACH, LLDP_LEAST = 2, 10
"""Frames a second that a switch hands to the controller: for each of its cables, and at the least."""


@cache
def set_vid(tag: int) -> SetField:
    return SetField("vlan_vid", VID_PRESENT | tag)


@cache
def group(number: int) -> Group:
    return Group(number)


@cache
def output(port: int) -> Output:
    return Output(port)


def detour_group(uplink: int) -> int:
    return 0x3000 + uplink


def fabric_part(topology: Topology) -> Part:
    """The blocks that depend on the topology alone, one per switch."""
    leaves = {leaf.name: Placed(_leaf(leaf, topology), (leaf.name,)) for leaf in topology.leaves}
    speeds = _speeds(topology)
    return leaves | {spine.name: Placed(_spine(spine, topology, speeds), (spine.name,)) for spine in topology.spines}


Uplinks = tuple[tuple[int, str, int], ...]
"""A leaf's cables to spines as (port, spine, speed): leaves cabled alike have the same ways to every node."""


class EgressGroup(NamedTuple):
    """The egress group towards ``node`` of the leaves in ``leaves``, which are cabled alike."""

    key: str
    node: str
    block: Block
    leaves: tuple[str, ...]


def egress_groups(topology: Topology) -> tuple[EgressGroup, ...]:
    """The egress groups from every leaf to every node but itself, once for all leaves that are cabled alike."""
    speeds = _speeds(topology)
    alike: dict[Uplinks, list[str]] = {}
    for leaf in topology.leaves:
        uplinks = topology.ways[leaf.name]
        cables = tuple((port, spine, speeds[PortRef(leaf.name, port)]) for port, spine in uplinks)
        alike.setdefault(cables, []).append(leaf.name)
    return tuple(
        EgressGroup(
            f"{node}/{number}", node, Block(groups=[_way(node, tag, uplinks, leaves, topology)], phase=EGRESS), others
        )
        for number, (uplinks, leaves) in enumerate(alike.items())
        for node, tag in topology.nodes.items()
        if (others := without(tuple(sorted(leaves)), topology.members(node)))
    )


def _speeds(topology: Topology) -> dict[PortRef, int]:
    """Mbit/s by cabled port."""
    return {end: link.speed for link in topology.links for end in (link.a, link.b)}


def _leaf(leaf: Switch, topology: Topology) -> Block:
    """A leaf's way in from the fabric, its detours, and the last two stages' defaults.

    Policy refuses by a rule, not by a miss: Open vSwitch executes the action set of a packet that misses
    (OpenFlow 1.3.5 §5.4 has it dropped), which would deliver what no policy permits.
    """
    uplinks = topology.uplinks[leaf.name]
    pair = topology.pair_of.get(leaf.name)
    own = [(leaf.tag, False)] + ([(pair.tag, True)] if pair else [])
    why = cookie(switch_path(leaf.name))
    rules = [
        _arrive(port, tag | mark, anycast, why) for port, _ in uplinks for tag, anycast in own for mark in (0, DETOUR)
    ]
    groups: list[GroupEntry] = []
    if pair is not None:
        other = next(name for name in pair.leaves if name != leaf.name)
        back = Bucket((PUSH_OUTER, set_vid(topology.nodes[other]), output(IN_PORT)))
        groups.append(GroupEntry(RETURN, INDIRECT, (back,)))
    if len(uplinks) > 1:
        rules += [_transit(port, why) for port, _ in uplinks]
        groups += [_detours(port, uplinks, topology.ways[leaf.name]) for port, _ in uplinks]
    if topology.probes:
        rules += [probe_rule(port, leaf.tag, why) for port, _ in uplinks]
    rules += [PORT.rule(300, _lldp(port), TELL, why) for port, _ in uplinks]
    beyond = legacy_ports(leaf.name, topology)
    rules += bridge_rules(beyond, why)
    rules += [POLICY.rule(0, ANY, REFUSE, why), METER.rule(0, ANY, EXECUTE, why)]
    meters = [_lldp_meter(len(uplinks)), *([control_meter()] if beyond else [])]
    meters += [probe_meter()] if topology.probes else []
    return Block(rules, groups, meters, phase=EGRESS)


Ways = tuple[tuple[int, str], ...]


def _detours(port: int, uplinks: Ways, used: Ways) -> GroupEntry:
    """Every other uplink than ``port``: of those that are used, where there is one."""
    ways = [way for way, _ in used if way != port] or [way for way, _ in uplinks if way != port]
    return GroupEntry(detour_group(port), SELECT, tuple(Bucket((output(way),), watch_port=way) for way in ways))


def _arrive(port: int, tag: int, anycast: bool, why: int) -> Rule:
    """A frame for this leaf: take the outer tag off, deliver."""
    match = Match.trusted((("in_port", port, None), ("vlan_vid", VID_PRESENT | tag, None)))
    mark = PAIR.mask if anycast else 0
    return PORT.rule(200, match, Instructions(None, (POP,), False, (), (mark, PAIR.mask), DELIVER.table), why)


def _transit(port: int, why: int) -> Rule:
    """A frame that a spine could not deliver and sent back: try another spine. Its tag has DETOUR set."""
    marked = VID_PRESENT | DETOUR
    match = Match.trusted((("in_port", port, None), ("vlan_vid", marked, marked)))
    return PORT.rule(100, match, Instructions(write=(group(detour_group(port)),)), why)


TELL = Instructions(meter=LLDP_METER, write=(Output(CONTROLLER),))


def _lldp(port: int | None = None) -> Match:
    """What discovery sends from switch to switch: untagged LLDP, by this port or (spines have no hosts) by any.

    At a leaf's host ports there is no such rule: what a host says of itself reaches no controller. LLDP's address is
    enough, since no bridge passes on what is sent to it; the prover need not tell apart one Ethernet type more.
    """
    at = {} if port is None else {"in_port": port}
    return Match.of(**at, eth_dst=NEAREST_BRIDGE, vlan_vid=VID_NONE)


def _lldp_meter(cables: int) -> Meter:
    rate = max(LLDP_LEAST, LLDP_EACH * cables)
    return Meter(LLDP_METER, (Band(rate, rate),), packets=True)


def _way(node: str, tag: int, uplinks: Uplinks, leaves: list[str], topology: Topology) -> GroupEntry:
    """The group that sends a frame to a node over every spine that reaches it, in proportion to link speed."""
    spines = {spine for member in topology.members(node) for _, spine in topology.ways[member]}
    usable = [(port, speed) for port, spine, speed in uplinks if spine in spines]
    if not usable:
        apart = next(leaf for leaf in leaves if leaf not in topology.members(node))
        spare = " and avoid none of their cables" if topology.avoid else ""
        raise CompileError(f"{apart} and {node} have no spine in common; connect them to the same spines{spare}")
    unit = gcd(*(speed for _, speed in usable))
    buckets = (
        Bucket((PUSH_OUTER, set_vid(tag), output(port)), max(1, speed // unit), watch_port=port)
        for port, speed in usable
    )
    return GroupEntry(tag, SELECT, tuple(buckets))


def _spine(spine: Switch, topology: Topology, speeds: dict[PortRef, int]) -> Block:
    downlinks = topology.downlinks[spine.name]
    rules: list[Rule] = []
    groups: list[GroupEntry] = []
    if downlinks:
        every = tuple(Bucket((output(port),), watch_port=port) for port, _ in downlinks)
        groups.append(GroupEntry(ANY_LINK, SELECT, every))
    for node, tag in topology.nodes.items():
        members = topology.members(node)
        every_port = [port for port, leaf in downlinks if leaf in members]
        ports = [p for p in every_port if topology.peers[PortRef(spine.name, p)] not in topology.avoid] or every_port
        if ports:
            here_groups, last = _to_node(tag, ports, speeds, spine.name)
            groups += here_groups
            rules.append(_spine_rule(tag, (group(tag),), node))
            rules.append(_spine_rule(tag | DETOUR, last, node))
    rules.append(SPINE.rule(300, _lldp(), TELL, cookie(switch_path(spine.name))))
    return Block(rules, groups, [_lldp_meter(len(downlinks))], phase=EGRESS)


def _to_node(
    tag: int, ports: list[int], speeds: dict[PortRef, int], spine: str
) -> tuple[list[GroupEntry], tuple[Action, ...]]:
    """Groups towards a node, and the actions for a frame already detoured, which gets no second detour."""
    away = Bucket((set_vid(tag | DETOUR), output(IN_PORT)), watch_group=ANY_LINK)
    if len(ports) == 1:
        direct = Bucket((output(ports[0]),), watch_port=ports[0])
        return [GroupEntry(tag, FAST_FAILOVER, (direct, away))], (output(ports[0]),)
    unit = gcd(*(speeds[PortRef(spine, port)] for port in ports))
    buckets = tuple(Bucket((output(p),), max(1, speeds[PortRef(spine, p)] // unit), watch_port=p) for p in ports)
    both = GroupEntry(BOTH | tag, SELECT, buckets)
    through = Bucket((group(BOTH | tag),), watch_group=BOTH | tag)
    return [both, GroupEntry(tag, FAST_FAILOVER, (through, away))], (group(BOTH | tag),)


def _spine_rule(tag: int, actions: tuple[Action, ...], node: str) -> Rule:
    match = Match.trusted((("vlan_vid", VID_PRESENT | tag, None),))
    return SPINE.rule(100, match, Instructions(write=actions), cookie(node_path(node)))
