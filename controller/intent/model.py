"""Intents as values: what an engineer asked for, checked and resolved.

Lives here: the model only. Must not know: YAML, topologies, rules.

Marks (``where``) say which line an object came from; they take no part in equality, so an intent whose
lines moved is the same intent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from clos.controller.intent import outside
from clos.controller.intent.outside import Range, cut_up

ALLOW, DENY = "allow", "deny"

EVERYONE = ("any", "everyone")
"""What stands for the group of all endpoints of a tenant, where the tenant has no group of that name."""
JOINED = "+"
"""Between the names of groups in the name of the group that stands for a list of them; in no name that is written."""

ROUTER_MAC = 0x02_C1_05_00_00_01
"""The MAC address of every anycast gateway that is given no other; no endpoint may have it."""


class Where(NamedTuple):
    """A place in a file; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Where("-", 0, 0)


class Rate(NamedTuple):
    """A limit: ``kbps`` kilobits (1,000 bits) per second, ``burst`` kilobits (0 = one second's worth)."""

    kbps: int
    burst: int = 0


PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 132: "sctp"}


def protocol_name(proto: int) -> str:
    """``tcp``, ``gre``; ``ip/89`` for a protocol without a word of its own."""
    return PROTOCOL_NAMES.get(proto, f"ip/{proto}")


class Service(NamedTuple):
    """What a policy permits: IPv4 packets of ``proto``.

    ``proto``: IP protocol number, None = any IPv4 packet. ``first``..``last``: destination ports, inclusive,
    for TCP, UDP and SCTP; None = any port. Parsed from ``tcp/443``, ``udp/5000-5010``, ``icmp``, ``any``.
    """

    proto: int | None = None
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        proto = "any" if self.proto is None else protocol_name(self.proto)
        if self.first is None:
            return proto
        return f"{proto}/{self.first}" if self.first == self.last else f"{proto}/{self.first}-{self.last}"


Prefix = outside.Prefix
"""(address, length) of the IPv4 addresses that begin alike; no bit is set beyond the length."""


class Secondary(NamedTuple):
    """One more subnet of a network; ``gateway``: the address that the network's gateway has there."""

    subnet: Prefix
    gateway: int | None


@dataclass(frozen=True, slots=True)
class Network:
    """An L2 segment. ``subnet``: (network address, prefix length); ``gateway``: the anycast gateway's IPv4 address.

    ``gateway`` None: the fabric routes neither into the network nor out of it; who routes there is one of its
    endpoints. ``vlan``: the VLAN id hosts use for it on trunk ports, or None. ``broadcast``: whether broadcast and
    multicast frames are delivered to the network's other endpoints (default: dropped). ``gateway_mac``: the gateway's
    MAC address, 48 bits; routed packets come into the network from it. ``secondary``: its further subnets.
    """

    name: str
    subnet: tuple[int, int]
    gateway: int | None
    vlan: int | None = None
    broadcast: bool = False
    where: Where = field(default=NOWHERE, compare=False)
    gateway_mac: int = ROUTER_MAC
    secondary: tuple[Secondary, ...] = ()

    @property
    def subnets(self) -> tuple[Prefix, ...]:
        """All of its subnets."""
        return (self.subnet, *(each.subnet for each in self.secondary)) if self.secondary else (self.subnet,)

    @property
    def gateways(self) -> tuple[int, ...]:
        """All addresses of its gateway."""
        if not self.secondary:
            return () if self.gateway is None else (self.gateway,)
        every = (self.gateway, *(each.gateway for each in self.secondary))
        return tuple(gateway for gateway in every if gateway is not None)

    @property
    def router(self) -> int | None:
        """The MAC address that packets to be routed are sent to; None where nothing is."""
        return None if self.gateway is None else self.gateway_mac


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One (MAC, IP) of a tenant. ``host`` is the topology's host it lives on; its ports are where it may send.

    ``labels``: sorted (key, value) pairs, such as ("region", "eu"). ``ips``: further addresses of it. ``routes``:
    prefixes behind it, which it is the router of; sorted. The longest prefix of its tenant decides where a packet goes.
    ``outside``: None, or it stands for addresses outside the fabric (``routes``) behind a router whose host and MAC
    address it has: the names of the groups by CIDR that these are in; it has no address of its own, and ``ip`` is one
    of theirs.
    """

    name: str
    network: str
    host: str
    mac: int
    ip: int
    labels: tuple[tuple[str, str], ...] = ()
    where: Where = field(default=NOWHERE, compare=False)
    ips: tuple[int, ...] = ()
    routes: tuple[Prefix, ...] = ()
    outside: tuple[str, ...] | None = None

    @property
    def addresses(self) -> tuple[int, ...]:
        """All of its own addresses."""
        if self.outside is not None:
            return ()
        return (self.ip, *self.ips) if self.ips else (self.ip,)


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints selected by all of: ``endpoints`` (names), ``networks`` (names), ``labels`` (each key must have one of
    the values; ``*`` in a value stands for any letters), ``groups`` (in one of them); and in none of ``without``. An
    empty selector of a kind does not restrict, so a group without any holds all endpoints.

    ``groups`` and ``without`` are resolved: these groups themselves; one without a name is written where it is used.

    ``cidr``: the group holds no endpoint, but addresses outside the fabric that are in one of these prefixes and in
    none of ``cut``. Of all groups of the tenant, an address is in those that have it by the longest prefix.
    """

    name: str
    endpoints: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: Where = field(default=NOWHERE, compare=False)
    groups: tuple[Group, ...] = ()
    without: tuple[Group, ...] = ()
    cidr: tuple[Prefix, ...] = ()
    cut: tuple[Prefix, ...] = ()

    def holds(self, endpoint: Endpoint) -> bool:
        if endpoint.outside is not None or self.cidr:
            return self._holds_outside(endpoint)
        if self.endpoints and endpoint.name not in self.endpoints:
            return False
        if self.networks and endpoint.network not in self.networks:
            return False
        if self.labels:
            have = dict(endpoint.labels)
            if not all(fits(have.get(key), values) for key, values in self.labels):
                return False
        if self.groups and not any(group.holds(endpoint) for group in self.groups):
            return False
        return not any(group.holds(endpoint) for group in self.without)

    def _holds_outside(self, endpoint: Endpoint) -> bool:
        """Whether it holds addresses outside: by CIDR, or as one of the groups that it is made of and nothing else."""
        if self.cidr:
            inside = self.name in (endpoint.outside or ())
        else:
            narrowed = self.endpoints or self.networks or self.labels
            inside = not narrowed and any(group.holds(endpoint) for group in self.groups)
        return inside and not any(group.holds(endpoint) for group in self.without)

    @property
    def names(self) -> frozenset[str]:
        """The names of endpoints that it asks for anywhere: two others that look alike are both in it or neither."""
        return frozenset(self.endpoints).union(*(group.names for group in (*self.groups, *self.without)))


def fits(value: str | None, wanted: tuple[str, ...]) -> bool:
    """Whether a label has one of the values wanted; None: the endpoint has no such label."""
    return value is not None and (
        value in wanted or any("*" in one and _pattern(one).fullmatch(value) for one in wanted)
    )


@lru_cache(maxsize=4_096)
def _pattern(wanted: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", wanted))))


@dataclass(frozen=True, slots=True)
class Policy:
    """From one group to another: the first policy that takes a packet decides. It takes its services' replies, too.

    ``rate``: a limit for what this policy allows, per ingress leaf. ``via``: the endpoint that gets what this policy
    allows first, its waypoint; only what that sends on reaches the other end. ``description``, ``ticket``: for people;
    they are no part of what the policy is.
    """

    name: str
    source: str
    target: str
    services: tuple[Service, ...]
    action: str = ALLOW
    rate: Rate | None = None
    via: str | None = None
    where: Where = field(default=NOWHERE, compare=False)
    description: str = field(default="", compare=False)
    ticket: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Import:
    """The importing tenant's consent: its ``groups`` may use ``share`` of tenant ``tenant``.

    Between these groups and the share's, nothing of the services ``deny`` passes, whatever share it is of.
    """

    tenant: str
    share: str
    groups: tuple[str, ...]
    where: Where = field(default=NOWHERE, compare=False)
    enabled: bool = True
    deny: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class External:
    """A way out of the fabric: ``prefixes`` are reached by ``router``, an endpoint of the tenant."""

    name: str
    router: str
    prefixes: tuple[Prefix, ...]
    where: Where = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Tenant:
    """One owner's slice of the fabric. Mappings are by name in file order; read-only.

    ``services``: what its names for services stand for; ``disabled``: policies that are written and not in force. Both
    are for people and other documents: nothing of them is left to decide in the tenant.
    """

    name: str
    networks: dict[str, Network]
    endpoints: dict[str, Endpoint]
    groups: dict[str, Group]
    policies: tuple[Policy, ...] = ()
    imports: tuple[Import, ...] = ()
    rate: Rate | None = None
    where: Where = field(default=NOWHERE, compare=False)
    services: dict[str, tuple[Service, ...]] = field(default_factory=dict, compare=False)
    disabled: tuple[Policy, ...] = field(default=(), compare=False)
    external: dict[str, External] = field(default_factory=dict)

    @cached_property
    def everyone(self) -> dict[str, Endpoint]:
        """The endpoints, and after them those that stand for addresses outside: one for each way out and set of groups,
        named ``WAY:GROUP+GROUP``, ``WAY:-`` where no group holds them."""
        return {**self.endpoints, **self._outside()} if self.external else self.endpoints

    @cached_property
    def border(self) -> frozenset[str]:
        """The names of the endpoints that are routers of addresses outside."""
        return frozenset(each.router for each in self.external.values())

    def _outside(self) -> dict[str, Endpoint]:
        ways = [each for each in self.external.values() if each.router in self.endpoints]
        routes = {prefix: each.name for each in ways for prefix in each.prefixes}
        networks = (network for network in self.networks.values() if network.gateway is not None)
        others = {subnet for network in networks for subnet in network.subnets}
        others.update(prefix for endpoint in self.endpoints.values() for prefix in endpoint.routes)
        ranges = [Range(g.name, frozenset(g.cidr), frozenset(g.cut)) for g in self.groups.values() if g.cidr]
        found = {}
        for (name, groups), piece in cut_up(routes, others, ranges).items():
            way, key = self.external[name], f"{name}:{'+'.join(groups) or '-'}"
            at = self.endpoints[way.router]
            place = key, at.network, at.host, at.mac, piece.example
            found[key] = Endpoint(*place, where=way.where, routes=piece.prefixes, outside=groups)
        return found


@dataclass(frozen=True, slots=True)
class Share:
    """The exporting tenant's consent: ``services`` of its ``group`` are open to the tenants ``to``; to all others where
    it is empty, but for those ``without``.

    It takes effect only for tenants that import it, and only while both are ``enabled``.
    """

    tenant: str
    name: str
    group: str
    services: tuple[Service, ...]
    to: tuple[str, ...]
    rate: Rate | None = None
    where: Where = field(default=NOWHERE, compare=False)
    enabled: bool = True
    description: str = field(default="", compare=False)
    ticket: str = field(default="", compare=False)
    without: tuple[str, ...] = ()

    def offers_to(self, tenant: str) -> bool:
        """Whether a tenant may import it."""
        return tenant in self.to if self.to else tenant != self.tenant and tenant not in self.without


@dataclass(frozen=True)
class Intent:
    """All tenants and shares of a revision. ``shares`` is keyed by (exporting tenant, share name)."""

    tenants: dict[str, Tenant] = field(default_factory=dict)
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)

    @cached_property
    def routed(self) -> bool:
        """Whether any endpoint is the router of a prefix."""
        return any(endpoint.routes for tenant in self.tenants.values() for endpoint in tenant.everyone.values())

    @cached_property
    def agreed(self) -> tuple[tuple[Share, Import, str], ...]:
        """Shares both sides consent to, as (share, import, importing tenant), sorted."""
        found = [
            (share, wish, tenant.name)
            for tenant in self.tenants.values()
            for wish in tenant.imports
            if (share := self.shares.get((wish.tenant, wish.share))) is not None
            if share.offers_to(tenant.name) and share.enabled and wish.enabled
        ]
        return tuple(sorted(found, key=lambda row: (row[0].tenant, row[0].name, row[2])))
