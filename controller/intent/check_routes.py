"""Whether prefixes behind endpoints are such that the longest decides, and nobody's addresses are lost to a router.

Lives here: the rules about ``routes``. Must not know: YAML, schemas, OpenFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from clos.controller.intent.model import Endpoint, Intent, Network, Prefix, Tenant
from clos.controller.intent.problem import Finding
from clos.controller.intent.schema.scalars import ipv4_text

SPEC = "spec"


def route_findings(tenant: Tenant) -> Iterator[Finding]:
    """What is wrong with a tenant's routes by themselves; depends on nothing else."""
    first: dict[Prefix, Endpoint] = {}
    routers = [endpoint for endpoint in tenant.endpoints.values() if endpoint.routes]
    for endpoint in routers:
        path = (SPEC, "endpoints", endpoint.name, "routes")
        network = tenant.networks.get(endpoint.network)
        if network is not None and network.gateway is None:
            message = f"network {network.name} of {endpoint.name} has no gateway, so nothing is routed to it"
            yield Finding(endpoint.where, path, f"{message}: give the network one, or leave routes out")
        for i, prefix in enumerate(endpoint.routes):
            other = first.setdefault(prefix, endpoint)
            if other is not endpoint or endpoint.routes.index(prefix) < i:
                message = f"{_text(prefix)} is already behind {other.name} ({other.where})"
                yield Finding(endpoint.where, path, f"{message}: each prefix has one router")
            yield from _lost(endpoint, prefix, tenant, "")
    yield from _turned(tenant, routers)


def _lost(endpoint: Endpoint, prefix: Prefix, owner: Tenant, whose: str) -> Iterator[Finding]:
    """A prefix within a subnet that the fabric routes itself."""
    for network in owner.networks.values():
        for subnet in network.subnets if network.gateway is not None else ():
            if subnet[1] <= prefix[1] and (prefix[0] ^ subnet[0]) >> (32 - subnet[1]) == 0:
                message = f"{_text(prefix)} is within {_text(subnet)} of network {network.name}{whose}"
                yield Finding(
                    endpoint.where,
                    (SPEC, "endpoints", endpoint.name, "routes"),
                    f"{message}, which the fabric routes: write addresses as ips",
                )


def _turned(tenant: Tenant, routers: list[Endpoint]) -> Iterator[Finding]:
    """Routers that waypoints have to do with: whose packets come by is known by single addresses only."""
    for i, policy in enumerate(tenant.policies if routers else ()):
        if policy.via is None:
            continue
        groups = [tenant.groups[name] for name in (policy.source, policy.target) if name in tenant.groups]
        for endpoint in routers:
            if endpoint.name == policy.via or any(group.holds(endpoint) for group in groups):
                message = (
                    f"{endpoint.name} has routes, and what goes via {policy.via} is known by single addresses only"
                )
                yield Finding(policy.where, (SPEC, "policies", i, "via"), f"{message}: leave out via or routes")


def shared_route_findings(intent: Intent) -> Iterator[Finding]:
    """Routes of tenants that share: these reach the router itself, not what is behind it."""
    if not intent.routed:
        return
    told: set[tuple[str, str]] = set()
    for share, wish, importer in intent.agreed:
        owner, user = intent.tenants.get(share.tenant), intent.tenants[importer]
        if owner is None:
            continue
        sides = ((owner, (share.group,), user), (user, wish.groups, owner))
        for tenant, names, partner in sides:
            groups = [tenant.groups[name] for name in names if name in tenant.groups]
            for endpoint in tenant.endpoints.values():
                if not endpoint.routes or (tenant.name, endpoint.name) in told:
                    continue
                path = (SPEC, "endpoints", endpoint.name, "routes")
                if any(group.holds(endpoint) for group in groups):
                    told.add((tenant.name, endpoint.name))
                    message = f"{endpoint.name} is in a group of share {share.name} of tenant {share.tenant}"
                    yield Finding(
                        endpoint.where, path, f"{message}: what is behind an endpoint is its own tenant's only"
                    )
                for prefix in endpoint.routes:
                    yield from _lost(endpoint, prefix, partner, f" of tenant {partner.name}")
    yield from _doubtful(intent)


def _doubtful(intent: Intent) -> Iterator[Finding]:
    """Two partners of a tenant with routes that have the same addresses: whose they are must be known."""
    for tenant in intent.tenants.values():
        router = next((endpoint for endpoint in tenant.endpoints.values() if endpoint.routes), None)
        if router is None:
            continue
        names = sorted(partners_of(intent, tenant.name))
        rows = sorted(
            (subnet, name, network)
            for name in names
            if name in intent.tenants
            for network in _gated(intent.tenants[name])
            for subnet in network.subnets
        )
        for one, other in pairwise(rows):
            if one[1] != other[1] and (one[0][0] ^ other[0][0]) >> (32 - min(one[0][1], other[0][1])) == 0:
                message = (
                    f"tenants {one[1]} and {other[1]}, of which {tenant.name} imports, both have {_text(other[0])}"
                )
                path = (SPEC, "endpoints", router.name, "routes")
                yield Finding(router.where, path, f"{message}: a tenant with routes can share with one of them")


def partners_of(intent: Intent, tenant: str) -> set[str]:
    """The other tenants that it shares with, one way or the other."""
    pairs = ({share.tenant, importer} for share, _, importer in intent.agreed)
    return set().union(*(pair for pair in pairs if tenant in pair)) - {tenant}


def _gated(tenant: Tenant) -> list[Network]:
    return [network for network in tenant.networks.values() if network.gateway is not None]


def _text(prefix: Prefix) -> str:
    return f"{ipv4_text(prefix[0])}/{prefix[1]}"
