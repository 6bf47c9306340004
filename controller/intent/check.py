"""Whether an intent is consistent in itself and with its topology: every problem, all at once.

Lives here: the rules, one small generator each. Must not know: YAML, schemas, OpenFlow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import NamedTuple, TypeVar

from controller.intent.documents import Hidden
from controller.intent.model import ROUTER_MAC, Endpoint, Group, Intent, Network, Share, Tenant, Where
from controller.intent.problem import Finding, Path, Problem, conclude
from controller.intent.scalars import ipv4_text, mac_text
from fabric.topology import TRUNK, Topology

SPEC = "spec"


def check(intent: Intent, topology: Topology) -> tuple[Problem, ...]:
    """Everything wrong with an intent on a topology; empty when it can be compiled.

    Problems name the place of the object concerned; ``load_intent`` finds the very word.
    """
    return conclude(findings(intent, topology))


class Unread(NamedTuple):
    """What documents say but could not be read: nobody is told that it does not exist.

    ``names``: by tenant. ``documents``: whether there is a document whose tenant or share is not even known by name.
    """

    names: Mapping[str, Hidden] = {}
    documents: bool = False

    def of(self, tenant: str) -> Hidden:
        return self.names.get(tenant, frozenset())


NOTHING_UNREAD = Unread()


def findings(intent: Intent, topology: Topology, unread: Unread = NOTHING_UNREAD) -> Iterator[Finding]:
    """All findings, in no particular order."""
    for tenant in intent.tenants.values():
        yield from tenant_findings(tenant, topology, unread.of(tenant.name))
        yield from _imports(tenant, intent, unread)
    for share in intent.shares.values():
        yield from _share(share, intent, unread)
    yield from _hosts(intent, topology)
    yield from _overlaps(intent)


def tenant_findings(tenant: Tenant, topology: Topology, hidden: Hidden = frozenset()) -> Iterator[Finding]:
    """What is wrong with a tenant by itself; depends on nothing else."""
    known = {
        "networks": _Names(tenant.networks, "networks", hidden),
        "endpoints": _Names(tenant.endpoints, "endpoints", hidden),
        "groups": _Names(tenant.groups, "groups", hidden),
    }
    yield from _networks(tenant)
    yield from _endpoints(tenant, topology, known["networks"])
    yield from _same(tenant)
    for group in tenant.groups.values():
        yield from _group(group, tenant, known)
    yield from _policies(tenant, known["groups"], hidden)


class _Names:
    """The names of one section; knows a name that is written but could not be read."""

    def __init__(self, names: Collection[str], section: str, hidden: Hidden) -> None:
        self.names = names
        self.whole = not any(s == section for s, _ in hidden)
        self.any = (section, "*") in hidden
        self.hidden = {name for s, name in hidden if s == section}

    def lack(self, name: str) -> bool:
        return name not in self.names and not self.any and name not in self.hidden


T = TypeVar("T")


def _numbered(items: Iterable[T], section: str, hidden: Hidden) -> Iterator[tuple[int, T]]:
    """Items with their positions in the document, where some may be missing here."""
    return zip((i for i in count() if (section, str(i)) not in hidden), items, strict=False)


def _unknown(what: str, name: str, where: Where, path: Path, options: Collection[str]) -> Finding:
    return Finding(where, path, f"unknown {what} {name}", name, options)


def _bounds(network: Network) -> tuple[int, int]:
    base, bits = network.subnet
    return base, base | (1 << (32 - bits)) - 1


def _cidr(network: Network) -> str:
    return f"{ipv4_text(network.subnet[0])}/{network.subnet[1]}"


def _networks(tenant: Tenant) -> Iterator[Finding]:
    for network in tenant.networks.values():
        first, last = _bounds(network)
        path = (SPEC, "networks", network.name, "gateway")
        if not first < network.gateway < last:
            message = f"{ipv4_text(network.gateway)} is not a host address of {_cidr(network)}"
            yield Finding(network.where, path, message)
    for one, other in _overlapping((tenant, network) for network in tenant.networks.values()):
        message = f"{_cidr(other[1])} overlaps {_cidr(one[1])} of network {one[1].name}"
        yield Finding(other[1].where, (SPEC, "networks", other[1].name, "subnet"), message)


_Owned = tuple[Tenant, Network]


def _overlapping(networks: Iterable[_Owned]) -> Iterator[tuple[_Owned, _Owned]]:
    """Each network that overlaps one before it in address order, with the one reaching furthest of those."""
    ordered = sorted(networks, key=lambda row: (row[1].subnet, row[0].name, row[1].name))
    widest: _Owned | None = None
    for row in ordered:
        if widest is not None and row[1].subnet[0] <= _bounds(widest[1])[1]:
            yield widest, row
        if widest is None or _bounds(row[1])[1] > _bounds(widest[1])[1]:
            widest = row


def _endpoints(tenant: Tenant, topology: Topology, networks: _Names) -> Iterator[Finding]:
    bounds = {name: _bounds(network) for name, network in tenant.networks.items()}
    hosts = topology.hosts
    for endpoint in tenant.endpoints.values():
        host, network = hosts.get(endpoint.host), tenant.networks.get(endpoint.network)
        path = (SPEC, "endpoints", endpoint.name)
        if host is None:
            yield _unknown("host", endpoint.host, endpoint.where, (*path, "host"), hosts)
        elif host.mode == TRUNK and network is not None and network.vlan is None:
            message = f"host {host.name} is a trunk: give network {network.name} a vlan"
            yield Finding(endpoint.where, (*path, "host"), message)
        if endpoint.mac == ROUTER_MAC or endpoint.mac >> 40 & 1:
            yield Finding(endpoint.where, (*path, "mac"), _mac_message(endpoint))
        if network is None:
            if networks.lack(endpoint.network):
                yield _unknown("network", endpoint.network, endpoint.where, (*path, "network"), tenant.networks)
            continue
        first, last = bounds[endpoint.network]
        if not first < endpoint.ip < last or endpoint.ip == network.gateway:
            yield Finding(endpoint.where, (*path, "ip"), _ip_message(endpoint.ip, network))


def _mac_message(endpoint: Endpoint) -> str:
    if endpoint.mac == ROUTER_MAC:
        return f"{mac_text(ROUTER_MAC)} is the MAC address of every gateway"
    return f"{mac_text(endpoint.mac)} is a multicast address: an endpoint needs a unicast one"


def _ip_message(ip: int, network: Network) -> str:
    first, last = _bounds(network)
    text = ipv4_text(ip)
    if ip == network.gateway:
        return f"{text} is the gateway of network {network.name}"
    if not first <= ip <= last:
        return f"{text} is not in {_cidr(network)}, the subnet of network {network.name}"
    return f"{text} is the {'network' if ip == first else 'broadcast'} address of {_cidr(network)}"


def _same(tenant: Tenant) -> Iterator[Finding]:
    """Addresses that two endpoints claim: an IP within the tenant, a MAC within a network."""
    ips: dict[int, str] = {}
    macs: dict[tuple[str, int], str] = {}
    for endpoint in tenant.endpoints.values():
        path = (SPEC, "endpoints", endpoint.name)
        if (first := ips.setdefault(endpoint.ip, endpoint.name)) != endpoint.name:
            message = f"{ipv4_text(endpoint.ip)} is already the address of {first}"
            yield Finding(endpoint.where, (*path, "ip"), message)
        if not endpoint.mac:
            continue
        if (first := macs.setdefault((endpoint.network, endpoint.mac), endpoint.name)) != endpoint.name:
            message = f"{mac_text(endpoint.mac)} is already the MAC address of {first} in network {endpoint.network}"
            yield Finding(endpoint.where, (*path, "mac"), message)


def _group(group: Group, tenant: Tenant, known: Mapping[str, _Names]) -> Iterator[Finding]:
    path = (SPEC, "groups", group.name)
    lost = False
    for section, names in (("endpoints", group.endpoints), ("networks", group.networks)):
        for i, name in enumerate(names):
            if known[section].lack(name):
                lost = True
                yield _unknown(section[:-1], name, group.where, (*path, section, i), known[section].names)
    if not lost and known["endpoints"].whole and not any(True for _ in members(group, tenant)):
        yield Finding(group.where, path, f"group {group.name} selects no endpoint")


def members(group: Group, tenant: Tenant) -> Iterator[Endpoint]:
    """The endpoints a group selects, in the tenant's order, or the group's where it lists them."""
    listed = (tenant.endpoints[name] for name in group.endpoints if name in tenant.endpoints)
    networks, labels = frozenset(group.networks), [(key, frozenset(values)) for key, values in group.labels]
    for endpoint in listed if group.endpoints else tenant.endpoints.values():
        if networks and endpoint.network not in networks:
            continue
        have = dict(endpoint.labels) if labels else {}
        if all(have.get(key) in values for key, values in labels):
            yield endpoint


def _policies(tenant: Tenant, groups: _Names, hidden: Hidden) -> Iterator[Finding]:
    seen: dict[str, Where] = {}
    for i, policy in _numbered(tenant.policies, "policies", hidden):
        path = (SPEC, "policies", i)
        for key, name in (("from", policy.source), ("to", policy.target)):
            if groups.lack(name):
                yield _unknown("group", name, policy.where, (*path, key), tenant.groups)
        if seen.setdefault(policy.name, policy.where) is not policy.where:
            message = f"there is already a policy {policy.name}, in line {seen[policy.name].line}: name one of them"
            yield Finding(policy.where, (*path, "name"), message)


def _imports(tenant: Tenant, intent: Intent, unread: Unread) -> Iterator[Finding]:
    groups = _Names(tenant.groups, "groups", unread.of(tenant.name))
    seen: set[tuple[str, str]] = set()
    for i, wish in _numbered(tenant.imports, "imports", unread.of(tenant.name)):
        path = (SPEC, "imports", i)
        for j, name in enumerate(wish.groups):
            if groups.lack(name):
                yield _unknown("group", name, wish.where, (*path, "groups", j), tenant.groups)
        if (wish.tenant, wish.share) in seen:
            yield Finding(wish.where, path, f"share {wish.share} of {wish.tenant} is imported twice")
        seen.add((wish.tenant, wish.share))
        share = intent.shares.get((wish.tenant, wish.share))
        if wish.tenant == tenant.name:
            yield Finding(wish.where, (*path, "tenant"), "a tenant cannot import from itself: write a policy")
        elif share is not None and tenant.name not in share.to:
            message = (
                f"{wish.tenant} does not export {wish.share} to {tenant.name}: add it to the share's to ({share.where})"
            )
            yield Finding(wish.where, (*path, "share"), message)
        elif unread.documents:
            continue
        elif wish.tenant not in intent.tenants:
            yield _unknown("tenant", wish.tenant, wish.where, (*path, "tenant"), intent.tenants)
        elif share is None:
            options = [name for owner, name in intent.shares if owner == wish.tenant]
            yield Finding(
                wish.where, (*path, "share"), f"{wish.tenant} exports no share {wish.share}", wish.share, options
            )


def _share(share: Share, intent: Intent, unread: Unread) -> Iterator[Finding]:
    owner = intent.tenants.get(share.tenant)
    if owner is not None:
        groups = _Names(owner.groups, "groups", unread.of(owner.name))
        if groups.lack(share.group):
            yield _unknown("group", share.group, share.where, (SPEC, "group"), owner.groups)
    elif not unread.documents:
        yield _unknown("tenant", share.tenant, share.where, ("metadata", "tenant"), intent.tenants)
    seen: set[str] = set()
    for i, name in enumerate(share.to):
        if name == share.tenant:
            yield Finding(share.where, (SPEC, "to", i), "a tenant cannot export to itself: write a policy")
        elif name in seen:
            yield Finding(share.where, (SPEC, "to", i), f"{name} is named twice")
        elif name not in intent.tenants and not unread.documents:
            yield _unknown("tenant", name, share.where, (SPEC, "to", i), intent.tenants)
        seen.add(name)


def _hosts(intent: Intent, topology: Topology) -> Iterator[Finding]:
    """An access port belongs to one network, a VLAN of a trunk port to one network."""
    users: dict[tuple[str, int | None], tuple[str, str, Endpoint]] = {}
    for tenant in intent.tenants.values():
        for endpoint in tenant.endpoints.values():
            host, network = topology.hosts.get(endpoint.host), tenant.networks.get(endpoint.network)
            if host is None or network is None or (host.mode == TRUNK and network.vlan is None):
                continue
            vlan = network.vlan if host.mode == TRUNK else None
            owner, name, first = users.setdefault((host.name, vlan), (tenant.name, network.name, endpoint))
            if (owner, name) != (tenant.name, network.name):
                message = _host_message(host.name, vlan, owner, name, first)
                yield Finding(endpoint.where, (SPEC, "endpoints", endpoint.name, "host"), message)


def _host_message(host: str, vlan: int | None, owner: str, network: str, first: Endpoint) -> str:
    user = f"network {network} of tenant {owner} (endpoint {first.name}, {first.where})"
    if vlan is None:
        return f"host {host} has an access port, which already belongs to {user}: make it a trunk or use another host"
    return f"VLAN {vlan} on trunk host {host} already belongs to {user}: give one network another vlan"


def _overlaps(intent: Intent) -> Iterator[Finding]:
    """Tenants that share must be able to route to each other: so must all importers of one exporter."""
    parties: dict[str, set[str]] = defaultdict(set)
    for share, _, importer in intent.agreed:
        parties[share.tenant].add(importer)
    for exporter in sorted(parties):
        owners = [intent.tenants[name] for name in sorted({exporter, *parties[exporter]}) if name in intent.tenants]
        networks = [(tenant, network) for tenant in owners for network in tenant.networks.values()]
        for (one, there), (other, here) in _overlapping(networks):
            if one.name != other.name:
                message = f"{_cidr(here)} overlaps {_cidr(there)} of tenant {one.name} ({there.where})"
                message += f"; {_why(exporter, one, other)}"
                yield Finding(here.where, (SPEC, "networks", here.name, "subnet"), message)


def _why(exporter: str, one: Tenant, other: Tenant) -> str:
    if exporter in (one.name, other.name):
        return f"{one.name} and {other.name} share services, so their addresses must differ"
    return f"both import from {exporter}, which must be able to answer both"
