"""Prefixes behind endpoints: routes to them, and packets from them; the longest prefix decides.

A tenant's claims are its routes, the subnets of its networks, and those of the tenants it shares with; a subnet is
behind nobody's router. So a packet for an address of a subnet that no endpoint has goes nowhere, whatever wider route
there is, and none comes from a router under one. Lives here: the rules beside those of endpoints' own addresses. Must
not know: policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.compile.cookie import cookie, network_path
from clos.controller.compile.locate import Located
from clos.controller.compile.stages import ADMIT, BRIDGE, REFUSE, ROUTE, SEGMENT, SOURCE, VRF
from clos.controller.intent.model import Prefix, Tenant
from clos.controller.intent.outside import within
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.packet.fields import ETH_IPV4, VID_NONE

_IP: Term = ("eth_type", ETH_IPV4, None)
EXACT = 32


class Claim(NamedTuple):
    """A subnet that the fabric routes, as against routes: whose it is, by cookie."""

    prefix: Prefix
    cookie: int


def subnets_of(tenant: Tenant) -> tuple[Claim, ...]:
    """The subnets of a tenant's networks that have a gateway."""
    networks = (network for network in tenant.networks.values() if network.gateway is not None)
    return tuple(
        Claim(subnet, cookie(network_path(tenant.name, network.name)))
        for network in networks
        for subnet in network.subnets
    )


def term(field: str, prefix: Prefix) -> tuple[Term, ...]:
    """The match on a prefix; none for all addresses."""
    address, length = prefix
    if not length:
        return ()
    return ((field, address, None if length == EXACT else (1 << 32) - (1 << 32 - length)),)


def route_priority(length: int) -> int:
    """Of a route; one more: for packets that go back where they came from; two more: for subnets within."""
    return 100 if length == EXACT else 3 * length + 1


def connected(vrf: int, routes: tuple[Prefix, ...], subnets: tuple[Claim, ...]) -> Block:
    """Packets for subnets within routes that no endpoint has taken."""
    rules = []
    for claim in subnets:
        around = [length for address, length in routes if within(claim.prefix, (address, length))]
        if around:
            match = Match.trusted((VRF.term(vrf), _IP, *term("ipv4_dst", claim.prefix)))
            rules.append(ROUTE.rule(route_priority(max(around)) + 2, match, REFUSE, claim.cookie))
    return Block(rules)


def _halves(prefix: Prefix) -> tuple[Prefix, ...]:
    """All addresses in two parts: without a look at any address, frames would be taken that have no IPv4 header."""
    return (prefix,) if prefix[1] else ((0, 1), (1 << 31, 1))


def _admit_priority(length: int) -> int:
    return 20 + 2 * length


def _sent(leaf: str, one: Located, prefix: Prefix) -> Match:
    start: tuple[Term, ...] = (
        ("in_port", one.port_on(leaf), None),
        SEGMENT.term(one.segment),
        ("eth_src", one.endpoint.mac, None),
        _IP,
        ("vlan_vid", VID_NONE, None),
    )
    return Match.trusted((*start, *term("ipv4_src", prefix)))


def admit_rules(leaf: str, located: Iterable[Located], claims: Iterable[Prefix]) -> Iterator[Rule]:
    """What routers send from the prefixes behind them, but for longer ones that are others'."""
    routers = [one for one in located if one.endpoint.routes]
    mine: dict[tuple[int, int, int], set[Prefix]] = {}
    for one in routers:
        mine.setdefault(_sender(leaf, one), set()).update(one.endpoint.routes)
        known = Instructions(metadata=SOURCE.write(one.klass), goto=BRIDGE.table)
        for prefix in one.endpoint.routes:
            for half in _halves(prefix):
                yield ADMIT.rule(_admit_priority(prefix[1]), _sent(leaf, one, half), known, one.cookie)
    first = {_sender(leaf, one): one for one in reversed(routers)}
    for sender, own in mine.items():
        for claim in claims:
            if claim not in own and any(within(claim, prefix) for prefix in own):
                one = first[sender]
                yield ADMIT.rule(_admit_priority(claim[1]) + 1, _sent(leaf, one, claim), REFUSE, one.cookie)


def _sender(leaf: str, one: Located) -> tuple[int, int, int]:
    """What its frames are known by: the port, the network, the MAC address. Addresses outside have their router's."""
    return one.port_on(leaf), one.segment, one.endpoint.mac


def refuse_block(leaf: str, located: tuple[Located, ...], subnets: tuple[Prefix, ...]) -> Block:
    """Nothing comes from a router under addresses of a tenant that its own shares with."""
    known: set[tuple[tuple[int, int, int], Prefix]] = set()
    rules = []
    for one in located:
        for subnet in subnets:
            key = _sender(leaf, one), subnet
            if key not in known and any(within(subnet, prefix) for prefix in one.endpoint.routes):
                known.add(key)
                rules.append(ADMIT.rule(_admit_priority(subnet[1]) + 1, _sent(leaf, one, subnet), REFUSE, one.cookie))
    return Block(rules)
