"""Whether a tenant is consistent in itself and with the topology, whoever else there is.

Lives here: the rules about one tenant. Must not know: other tenants, YAML, schemas, OpenFlow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from functools import reduce
from itertools import count
from operator import and_
from typing import NamedTuple, TypeVar

from clos.controller.intent.check_external import external_findings, range_findings
from clos.controller.intent.check_routes import route_findings
from clos.controller.intent.model import EVERYONE, ROUTER_MAC, Endpoint, Group, Network, Prefix, Tenant, Where, fits
from clos.controller.intent.problem import Finding, Path
from clos.controller.intent.reading import NOTHING_HIDDEN, Hidden, Reading
from clos.controller.intent.schema.scalars import ipv4_text, mac_text
from clos.fabric.topology import LEGACY, Topology

SPEC = "spec"


def tenant_findings(tenant: Tenant, topology: Topology, hidden: Hidden = NOTHING_HIDDEN) -> Iterator[Finding]:
    """What is wrong with a tenant by itself; depends on nothing else."""
    known = _names(tenant, hidden)
    yield from _networks(tenant)
    yield from _endpoints(tenant, topology, known["networks"])
    yield from _same(tenant)
    yield from route_findings(tenant)
    yield from external_findings(tenant, hidden.get("endpoints", frozenset()))
    yield from _claimed_twice(tenant, topology)
    yield from _borders(tenant, topology)
    index = _Index(tenant)
    unsure = any(hidden.get(section) for section in ("external", "endpoints", "networks", "groups"))
    for group in tenant.groups.values():
        yield from range_findings(group, tenant, unsure) if group.cidr else _group(group, index, known)
    yield from _policies(tenant, known["groups"], hidden)


def mention_findings(tenant: Tenant, topology: Topology, reading: Reading) -> Iterator[Finding]:
    """Names that do not exist, in those parts of a tenant that could not be read for another reason."""
    known = _names(tenant, reading.hidden) | {"hosts": Names(topology.hosts, "hosts", NOTHING_HIDDEN)}
    known["groups"] = Names({*tenant.groups, *EVERYONE}, "groups", reading.hidden)
    for what, name, where, path in reading.mentions:
        names = known[f"{what}s"]
        if names.lack(name):
            yield unknown(what, name, where, path, names.names)


def _names(tenant: Tenant, hidden: Hidden) -> dict[str, Names]:
    return {
        "networks": Names(tenant.networks, "networks", hidden),
        "endpoints": Names(tenant.endpoints, "endpoints", hidden),
        "groups": Names(tenant.groups, "groups", hidden),
    }


class Names:
    """The names of one section; knows a name that is written but could not be read."""

    def __init__(self, names: Collection[str], section: str, hidden: Hidden) -> None:
        self.names = names
        self.hidden = hidden.get(section, frozenset())
        """Names of what could not be read."""

    def lack(self, name: str) -> bool:
        return name not in self.names and name not in self.hidden and "*" not in self.hidden


T = TypeVar("T")


def numbered(items: Iterable[T], section: str, hidden: Hidden) -> Iterator[tuple[int, T]]:
    """Items with their positions in the document, where some may be missing here."""
    lost = hidden.get(section, frozenset())
    return zip((i for i in count() if str(i) not in lost), items, strict=False)


def unknown(what: str, name: str, where: Where, path: Path, options: Collection[str]) -> Finding:
    return Finding(where, path, f"unknown {what} {name}", name, options)


def _bounds(prefix: Prefix) -> tuple[int, int]:
    base, bits = prefix
    return base, base | (1 << (32 - bits)) - 1


def prefix_text(prefix: Prefix) -> str:
    return f"{ipv4_text(prefix[0])}/{prefix[1]}"


class Subnet(NamedTuple):
    """A subnet of a network: its only one, or ``number`` of its secondary ones."""

    tenant: Tenant
    network: Network
    prefix: Prefix
    number: int | None = None

    @property
    def path(self) -> Path:
        """The way to where it is written."""
        place: Path = ("subnet",) if self.number is None else ("secondary", self.number, "subnet")
        return SPEC, "networks", self.network.name, *place

    def __str__(self) -> str:
        return prefix_text(self.prefix)


def subnets(tenant: Tenant) -> Iterator[Subnet]:
    for network in tenant.networks.values():
        yield Subnet(tenant, network, network.subnet)
        yield from (Subnet(tenant, network, each.subnet, i) for i, each in enumerate(network.secondary))


def _networks(tenant: Tenant) -> Iterator[Finding]:
    for subnet in subnets(tenant):
        network, number = subnet.network, subnet.number
        gateway = network.gateway if number is None else network.secondary[number].gateway
        first, last = _bounds(subnet.prefix)
        if gateway is not None and not first < gateway < last:
            message = f"{ipv4_text(gateway)} is not a host address of {subnet}"
            yield Finding(network.where, (*subnet.path[:-1], "gateway"), message)
    for one, other in overlapping(subnets(tenant)):
        message = f"{other} overlaps {one} of network {one.network.name}"
        yield Finding(other.network.where, other.path, message)


def overlapping(rows: Iterable[Subnet]) -> Iterator[tuple[Subnet, Subnet]]:
    """Each subnet that overlaps one before it in address order, with the one reaching furthest of those."""
    ordered = sorted(rows, key=lambda row: (row.prefix, row.tenant.name, row.network.name))
    widest: Subnet | None = None
    for row in ordered:
        if widest is not None and row.prefix[0] <= _bounds(widest.prefix)[1]:
            yield widest, row
        if widest is None or _bounds(row.prefix)[1] > _bounds(widest.prefix)[1]:
            widest = row


def _endpoints(tenant: Tenant, topology: Topology, networks: Names) -> Iterator[Finding]:
    hosts = topology.hosts
    for endpoint in tenant.endpoints.values():
        host, network = hosts.get(endpoint.host), tenant.networks.get(endpoint.network)
        path = (SPEC, "endpoints", endpoint.name)
        if host is None:
            yield unknown("host", endpoint.host, endpoint.where, (*path, "host"), hosts)
        elif host.tagged and network is not None and network.vlan is None:
            kind = "legacy" if host.mode == LEGACY else "a trunk"
            message = f"host {host.name} is {kind}: give network {network.name} a vlan"
            yield Finding(endpoint.where, (*path, "host"), message)
        if host is not None and host.mode == LEGACY and endpoint.mac == host.mac:
            message = f"{endpoint.name} is behind legacy host {host.name}, not the host itself: give it a mac"
            yield Finding(endpoint.where, (*path, "host"), message)
        router = ROUTER_MAC if network is None else network.router
        if endpoint.mac in (ROUTER_MAC, router) or endpoint.mac >> 40 & 1 or (not endpoint.mac and host is not None):
            yield Finding(endpoint.where, (*path, "mac"), _mac_message(endpoint))
        if network is None:
            if networks.lack(endpoint.network):
                yield unknown("network", endpoint.network, endpoint.where, (*path, "network"), tenant.networks)
            continue
        for i, ip in enumerate(endpoint.addresses):
            if ip in network.gateways or not any(first < ip < last for first, last in map(_bounds, network.subnets)):
                place: Path = ("ips", i - 1) if i else ("ip",)
                yield Finding(endpoint.where, (*path, *place), _ip_message(ip, network))


def _borders(tenant: Tenant, topology: Topology) -> Iterator[Finding]:
    """Networks that go on behind two legacy hosts: a loop, unless one of them is cut off elsewhere."""
    first: dict[str, Endpoint] = {}
    for endpoint in tenant.endpoints.values():
        host = topology.hosts.get(endpoint.host)
        if host is not None and host.mode == LEGACY:
            other = first.setdefault(endpoint.network, endpoint)
            if other.host != endpoint.host:
                message = (
                    f"network {endpoint.network} is already behind legacy host {other.host} (endpoint {other.name}"
                )
                message += f", {other.where}): attach it at one, or its frames could go round"
                yield Finding(endpoint.where, (SPEC, "endpoints", endpoint.name, "host"), message)


class Claim(NamedTuple):
    """What only one network may have: the access port of a host (no ``vlan``) or a VLAN of a trunk host."""

    host: str
    vlan: int | None


Claims = Mapping[Claim, Endpoint]
"""What a tenant claims, each with the endpoint that claims it first."""


def claims_of(tenant: Tenant, topology: Topology) -> Claims:
    """What a tenant claims of the topology's hosts."""
    found: dict[Claim, Endpoint] = {}
    for claim, endpoint in _claims(tenant, topology):
        found.setdefault(claim, endpoint)
    return found


def _claims(tenant: Tenant, topology: Topology) -> Iterator[tuple[Claim, Endpoint]]:
    for endpoint in tenant.endpoints.values():
        host, network = topology.hosts.get(endpoint.host), tenant.networks.get(endpoint.network)
        if host is None or network is None or (host.tagged and network.vlan is None):
            continue
        yield Claim(host.name, network.vlan if host.tagged else None), endpoint


def _claimed_twice(tenant: Tenant, topology: Topology) -> Iterator[Finding]:
    first: dict[Claim, Endpoint] = {}
    for claim, endpoint in _claims(tenant, topology):
        other = first.setdefault(claim, endpoint)
        if other.network != endpoint.network:
            yield taken(claim, endpoint, other, tenant.name)


def taken(claim: Claim, endpoint: Endpoint, other: Endpoint, owner: str) -> Finding:
    """``endpoint`` claims what already belongs to another network: that of ``other``, of the tenant ``owner``."""
    host, vlan = claim
    user = f"network {other.network} of tenant {owner} (endpoint {other.name}, {other.where})"
    if vlan is None:
        message = (
            f"host {host} has an access port, which already belongs to {user}: make it a trunk or use another host"
        )
    else:
        message = f"VLAN {vlan} on host {host} already belongs to {user}: give one network another vlan"
    return Finding(endpoint.where, (SPEC, "endpoints", endpoint.name, "host"), message)


def _mac_message(endpoint: Endpoint) -> str:
    if endpoint.mac == ROUTER_MAC:
        return f"{mac_text(ROUTER_MAC)} is the MAC address of every gateway that has no other"
    if endpoint.mac and not endpoint.mac >> 40 & 1:
        return f"{mac_text(endpoint.mac)} is the MAC address of the gateway of network {endpoint.network}"
    return f"{mac_text(endpoint.mac)} is not the address of one host: an endpoint needs a unicast MAC address"


def _ip_message(ip: int, network: Network) -> str:
    text = ipv4_text(ip)
    if ip in network.gateways:
        return f"{text} is the gateway of network {network.name}"
    for prefix in network.subnets:
        first, last = _bounds(prefix)
        if ip in (first, last):
            return f"{text} is the {'network' if ip == first else 'broadcast'} address of {prefix_text(prefix)}"
    held = " or ".join(map(prefix_text, network.subnets))
    return f"{text} is not in {held}, the subnet of network {network.name}"


def _same(tenant: Tenant) -> Iterator[Finding]:
    """Addresses that two endpoints claim: an IP within the tenant, a MAC within a network."""
    ips: dict[int, str] = {}
    macs: dict[tuple[str, int], str] = {}
    for endpoint in tenant.endpoints.values():
        path = (SPEC, "endpoints", endpoint.name)
        for i, ip in enumerate(endpoint.addresses):
            place: Path = ("ips", i - 1) if i else ("ip",)
            if ip in ips and (ips[ip] != endpoint.name or i):
                yield Finding(endpoint.where, (*path, *place), f"{ipv4_text(ip)} is already the address of {ips[ip]}")
            ips.setdefault(ip, endpoint.name)
        if not endpoint.mac:
            continue
        if (first := macs.setdefault((endpoint.network, endpoint.mac), endpoint.name)) != endpoint.name:
            message = f"{mac_text(endpoint.mac)} is already the MAC address of {first} in network {endpoint.network}"
            message += ": give each a mac of its own"
            yield Finding(endpoint.where, (*path, "mac"), message)


def _group(group: Group, index: _Index, known: Mapping[str, Names]) -> Iterator[Finding]:
    path = (SPEC, "groups", group.name)
    lost = False
    written = [(path, group), *(((*path, "except"), less) for less in group.without if not less.name)]
    for place, one in written:
        for section, names in (("endpoints", one.endpoints), ("networks", one.networks)):
            for i, name in enumerate(names):
                if known[section].lack(name):
                    lost = True
                    yield unknown(section[:-1], name, group.where, (*place, section, i), known[section].names)
    if not lost and not known["endpoints"].hidden and not index.selects(group):
        yield Finding(group.where, path, f"group {group.name} selects no endpoint")


class _Index:
    """The endpoints of a tenant by network and by label, so that a group costs what it selects, not what there is."""

    def __init__(self, tenant: Tenant) -> None:
        self.all = tenant.endpoints.keys()
        self.of: dict[str | tuple[str, str], set[str]] = defaultdict(set)
        self.values: dict[str, set[str]] = defaultdict(set)
        for endpoint in tenant.endpoints.values():
            keys: tuple[str | tuple[str, str], ...] = (endpoint.network, *endpoint.labels)
            for key in keys:
                self.of[key].add(endpoint.name)
            for key, value in endpoint.labels:
                self.values[key].add(value)

    def selects(self, group: Group) -> bool:
        """Whether a group holds any endpoint."""
        return bool(self._held(group))

    def _held(self, group: Group) -> Set[str]:
        wanted: list[Set[str]] = [self._any(self._labelled(key, values)) for key, values in group.labels]
        wanted += [set(group.endpoints)] if group.endpoints else []
        wanted += [self._any(group.networks)] if group.networks else []
        wanted += [set[str]().union(*map(self._held, group.groups))] if group.groups else []
        held: Set[str] = reduce(and_, sorted(wanted, key=len), self.all) if wanted else self.all
        return held - set[str]().union(*map(self._held, group.without)) if group.without else held

    def _labelled(self, key: str, values: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if any("*" in value for value in values):
            return ((key, value) for value in self.values[key] if fits(value, values))
        return ((key, value) for value in values)

    def _any(self, keys: Iterable[str | tuple[str, str]]) -> set[str]:
        return set().union(*(self.of[key] for key in keys if key in self.of))


def _policies(tenant: Tenant, groups: Names, hidden: Hidden) -> Iterator[Finding]:
    seen: dict[str, Where] = {}
    for i, policy in numbered(tenant.policies, "policies", hidden):
        path = (SPEC, "policies", i)
        for key, name in (("from", policy.source), ("to", policy.target)):
            if groups.lack(name):
                yield unknown("group", name, policy.where, (*path, key), tenant.groups)
        if policy.name in seen:
            message = f"there is already a policy {policy.name}, in line {seen[policy.name].line}: name one of them"
            yield Finding(policy.where, (*path, "name"), message)
        seen.setdefault(policy.name, policy.where)
