"""Whether ways out of the fabric lead anywhere, and whether groups by CIDR hold what is outside.

Lives here: the rules about ``external``, and about ``cidr`` of groups. Must not know: YAML, schemas, OpenFlow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from clos.controller.intent.model import External, Group, Intent, Prefix, Tenant
from clos.controller.intent.outside import longest
from clos.controller.intent.problem import Finding, Path
from clos.controller.intent.schema.scalars import ipv4_text

SPEC = "spec"


def external_findings(tenant: Tenant, lost: Collection[str]) -> Iterator[Finding]:
    """What is wrong with a tenant's ways out by themselves. ``lost``: endpoints that are written but were not read."""
    owners = {prefix: each.name for each in tenant.endpoints.values() for prefix in each.routes}
    for way in tenant.external.values():
        yield from _router(way, tenant, lost)
        path: Path = (SPEC, "external", way.name, "prefixes")
        for i, prefix in enumerate(way.prefixes):
            first = owners.setdefault(prefix, way.name)
            if first != way.name or way.prefixes.index(prefix) < i:
                message = f"{_text(prefix)} is already behind {first}: each prefix has one router"
                yield Finding(way.where, path, message)
            yield from _taken(way, prefix, tenant, "")
    yield from _turned(tenant)


def range_findings(group: Group, tenant: Tenant, lost: bool) -> Iterator[Finding]:
    """What is wrong with a group by CIDR. ``lost``: some way out was not read."""
    path: Path = (SPEC, "groups", group.name)
    if lost:
        return
    if not tenant.external:
        message = f"group {group.name} holds addresses outside, and the tenant has no way there: write external"
        yield Finding(group.where, (*path, "cidr"), message)
    elif not any(group.holds(each) for each in tenant.everyone.values() if each.outside is not None):
        message = f"group {group.name} holds no address outside: each is an endpoint's network, or behind no way of"
        message += " external, or in groups with a longer prefix"
        yield Finding(group.where, (*path, "cidr"), message)


def shared_external_findings(intent: Intent) -> Iterator[Finding]:
    """Ways out of tenants that share: neither what is outside nor what is inside is another's."""
    told: set[tuple[str, str, str]] = set()
    for share, wish, importer in intent.agreed:
        owner, user = intent.tenants.get(share.tenant), intent.tenants[importer]
        for tenant, partner, names in ((owner, user, (share.group,)), (user, owner, wish.groups)):
            if tenant is None or partner is None or not tenant.external:
                continue
            for group in (tenant.groups[name] for name in names if name in tenant.groups):
                if _outward(group, tenant) and (key := (tenant.name, group.name, "")) not in told:
                    told.add(key)
                    message = (
                        f"group {group.name} holds addresses outside, so share {share.name} of tenant {share.tenant}"
                    )
                    message += " cannot be for it: what is outside is its own tenant's only"
                    yield Finding(group.where, (SPEC, "groups", group.name), message)
            if (key := (tenant.name, "", partner.name)) not in told:
                told.add(key)
                yield from _near(tenant, partner)


def _router(way: External, tenant: Tenant, lost: Collection[str]) -> Iterator[Finding]:
    path: Path = (SPEC, "external", way.name, "router")
    router = tenant.endpoints.get(way.router)
    if router is None:
        if way.router not in lost and "*" not in lost:
            message = f"unknown endpoint {way.router}"
            yield Finding(way.where, path, message, way.router, tenant.endpoints)
        return
    network = tenant.networks.get(router.network)
    if network is not None and network.gateway is None:
        message = f"network {network.name} of {router.name} has no gateway, so nothing is routed to it"
        yield Finding(way.where, path, f"{message}: give the network one")


def _taken(way: External, prefix: Prefix, owner: Tenant, whose: str) -> Iterator[Finding]:
    """A prefix within a subnet that the fabric routes itself."""
    for network in owner.networks.values():
        around = longest(prefix, network.subnets) if network.gateway is not None else None
        if around is not None:
            message = f"{_text(prefix)} is within {_text(around)} of network {network.name}{whose}"
            path = (SPEC, "external", way.name, "prefixes")
            yield Finding(way.where, path, f"{message}, which is not outside: leave it out")


def _turned(tenant: Tenant) -> Iterator[Finding]:
    """Waypoints of what is outside: whose packets come by is known by single addresses only."""
    for i, policy in enumerate(tenant.policies if tenant.external else ()):
        if policy.via is None:
            continue
        path: Path = (SPEC, "policies", i, "via")
        if policy.via in tenant.border:
            message = f"{policy.via} is the router of addresses outside, so it is no waypoint"
            yield Finding(policy.where, path, f"{message}: name another endpoint")
        for name in (policy.source, policy.target):
            if name in tenant.groups and _outward(tenant.groups[name], tenant):
                message = f"group {name} holds addresses outside, and what goes via {policy.via} is known by single"
                yield Finding(policy.where, path, f"{message} addresses only: leave out via")


def _outward(group: Group, tenant: Tenant) -> bool:
    return any(group.holds(each) for each in tenant.everyone.values() if each.outside is not None)


def _near(tenant: Tenant, partner: Tenant) -> Iterator[Finding]:
    """What a tenant takes to be outside, and another one that it shares with has."""
    whose = f" of tenant {partner.name}"
    for way in tenant.external.values():
        for prefix in way.prefixes:
            yield from _taken(way, prefix, partner, whose)
    for group in tenant.groups.values():
        for key, prefixes in (("cidr", group.cidr), ("except", group.cut)):
            for network in partner.networks.values():
                around = (longest(one, network.subnets) for one in prefixes if network.gateway is not None)
                for one in filter(None, around):
                    message = (
                        f"{_text(one)} of network {network.name}{whose} is not outside: leave out what is within it"
                    )
                    yield Finding(group.where, (SPEC, "groups", group.name, key), message)


def _text(prefix: Prefix) -> str:
    return f"{ipv4_text(prefix[0])}/{prefix[1]}"
