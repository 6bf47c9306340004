"""Waypoints: packets that a policy sends by another endpoint first, and what that passes on.

At the sender's leaf the policy stage turns a packet towards the waypoint instead of letting it go on. At the
waypoint's own port its frames with somebody else's IP address get a class of their own, of which only the policies
that name the waypoint speak well. Lives here: both, as recipes. Must not know: how priorities come about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.compile.locate import Located, without
from clos.controller.compile.numbering import TenantNumbers, passed_by
from clos.controller.compile.recipe import Recipe
from clos.controller.compile.rules.forward import reach
from clos.controller.compile.rules.policy import PolicyEntry, levels, straight
from clos.controller.compile.rules.underlay import POP, PUSH_INNER, group, set_vid
from clos.controller.compile.stages import ADMIT, BRIDGE, METER, POLICY, REFUSE, SEGMENT, SOURCE
from clos.controller.intent.model import Tenant
from clos.fabric.dataplane.action import Action, SetField
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.packet.fields import ETH_IPV4, VID_NONE, VID_PRESENT
from clos.fabric.topology import Topology

NEAR: Term = ("vlan_vid", VID_NONE, None)
FAR: Term = ("vlan_vid", VID_PRESENT, VID_PRESENT)
"""At the policy stage a packet has a tag iff its target is on another leaf."""

_MULTICAST = ("eth_dst", 1 << 40, 1 << 40)
_UNTAGGED = NEAR


class Redirect(NamedTuple):
    """How a packet is turned towards a waypoint: what is done to one with a tag and one without, and its way out."""

    far: tuple[Action, ...]
    near: tuple[Action, ...]
    write: tuple[Action, ...]


def recipes(
    tenant: Tenant,
    located: tuple[Located, ...],
    permits: tuple[PolicyEntry, ...],
    numbers: TenantNumbers,
    everywhere: tuple[str, ...],
    topology: Topology,
) -> Iterator[Recipe]:
    """Every block that the tenant has because of its waypoints; none when no policy names one."""
    names = dict.fromkeys(policy.via for policy in tenant.policies if policy.via is not None)
    gateways = tuple(gateway for network in tenant.networks.values() for gateway in network.gateways)
    for name in names:
        one = next(each for each in located if each.endpoint.name == name)
        passed = _passed(tenant, one, located, numbers)
        members = topology.members(one.node)
        there = (permits, name, _remote(one, topology.nodes[one.node]))
        yield Recipe(f"via/{name}", redirect_block, there, without(everywhere, members))
        for leaf in (port.switch for port in one.ports):
            yield Recipe(f"via/{name}/{leaf}", redirect_block, (permits, name, _local(one, leaf)), (leaf,))
            yield Recipe(f"passed/{name}/{leaf}", admit_block, (leaf, one, passed, gateways), (leaf,))


def _passed(
    tenant: Tenant, waypoint: Located, located: tuple[Located, ...], numbers: TenantNumbers
) -> tuple[tuple[int, int], ...]:
    """Whose packets the waypoint may pass on: their IP addresses, and the class these get."""
    groups_of = {number: groups for groups, number in numbers.classes.items()}
    found = []
    for one in located:
        klass = numbers.classes.get(passed_by(waypoint.endpoint.name, groups_of[one.klass]))
        if klass is not None:
            found += [(ip, klass) for ip in one.endpoint.addresses]
    return tuple(found)


def _remote(waypoint: Located, node_tag: int) -> Redirect:
    """Towards a waypoint on another leaf: with its segment tag instead of the target's."""
    to = SetField("eth_dst", waypoint.endpoint.mac)
    return Redirect((set_vid(waypoint.tag), to), (PUSH_INNER, set_vid(waypoint.tag), to), (group(node_tag),))


def _local(waypoint: Located, leaf: str) -> Redirect:
    """Towards a waypoint on this very leaf: without any tag."""
    to = SetField("eth_dst", waypoint.endpoint.mac)
    return Redirect((POP, to), (to,), reach(waypoint, leaf))


def redirect_block(permits: tuple[PolicyEntry, ...], waypoint: str, turn: Redirect) -> Block:
    """The policy stage's rules that send packets to a waypoint."""
    rules: dict[tuple[int, Match], Rule] = {}
    for priority, permit in levels(permits):
        if permit.via != waypoint:
            continue
        for seen, apply in ((FAR, turn.far), (NEAR, turn.near)):
            way = Instructions(permit.meter, apply, True, turn.write, None, METER.table)
            for match in straight(permit):
                key = priority, _and(match, seen)
                if key not in rules:
                    rules[key] = POLICY.rule(*key, way, permit.cookie)
    return Block(rules.values())


def _and(match: Match, seen: Term) -> Match:
    """The match, and whether there is a tag; terms stay in their order."""
    return Match.trusted((*match[:2], seen, *match[2:]))


def admit_block(leaf: str, one: Located, passed: tuple[tuple[int, int], ...], gateways: tuple[int, ...]) -> Block:
    """At a waypoint's port: what it passes on. Its own packets are admitted as every endpoint's, at a higher priority.

    Gateways answer no pings that are passed on, and nothing is passed on to everybody.
    """
    port, segment = ("in_port", one.port_on(leaf), None), SEGMENT.term(one.segment)
    sent = (("eth_src", one.endpoint.mac, None), ("eth_type", ETH_IPV4, None), _UNTAGGED)
    rules = [ADMIT.rule(95, Match.trusted((port, segment, _MULTICAST, *sent)), REFUSE, one.cookie)]
    to_router = () if one.router is None else (("eth_dst", one.router, None),)
    for gateway in gateways if to_router else ():
        match = (port, segment, *to_router, *sent, ("ipv4_dst", gateway, None))
        rules.append(ADMIT.rule(95, Match.trusted(match), REFUSE, one.cookie))
    for ip, klass in passed:
        way = Instructions(metadata=SOURCE.write(klass), goto=BRIDGE.table)
        rules.append(ADMIT.rule(90, Match.trusted((port, segment, *sent, ("ipv4_src", ip, None))), way, one.cookie))
    return Block(rules)
