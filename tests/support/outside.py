"""Random ways out of the fabric: routers, prefixes, groups by CIDR and policies that name these."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from clos.controller.intent.model import External, Group, Intent, Tenant

Prefix = tuple[int, int]
WAYS: tuple[Prefix, ...] = ((0, 0), (0, 1), (0xC0000200, 24), (0xC6336400, 22), (0xAC100000, 13), (0xC0000209, 32))
"""Prefixes that ways out may have."""
RANGES: tuple[Prefix, ...] = (
    *((0, 0), (0, 0), (10 << 24, 8), (0xC0000000, 8), (0xC0000200, 24), (0xC0000280, 25), (0xC0000209, 32)),
    *((0xC6336400, 22), (0xC6336500, 24), (0xAC100000, 12), (0xAC100500, 25), (1 << 31, 1)),
)
"""Prefixes that groups may have; some are of no way, some within subnets of the tests' tenants."""


@st.composite
def with_external(draw: st.DrawFn, intent: Intent) -> Intent:
    """The intent, sometimes with ways out of the fabric and groups of addresses there."""
    chosen = [name for name, tenant in intent.tenants.items() if may_be_routers(tenant) and not draw(st.integers(0, 2))]
    tenants = {name: draw(opened(intent.tenants[name], intent)) for name in chosen}
    return Intent({**intent.tenants, **tenants}, intent.shares)


@st.composite
def opened(draw: st.DrawFn, tenant: Tenant, intent: Intent) -> Tenant:
    """The tenant with ways out of the fabric; one of its endpoints may be a router."""
    fit = may_be_routers(tenant)
    taken = {prefix for endpoint in tenant.endpoints.values() for prefix in endpoint.routes}
    pool = draw(st.lists(st.sampled_from([p for p in WAYS if p not in taken]), min_size=1, max_size=4, unique=True))
    routers = draw(st.lists(st.sampled_from(fit), min_size=1, max_size=2))
    ways = {f"w{i}": External(f"w{i}", one, tuple(sorted(pool[i::2]))) for i, one in enumerate(routers) if pool[i::2]}
    prefixes = st.lists(st.sampled_from(RANGES), min_size=1, max_size=3, unique=True).map(
        lambda some: tuple(sorted(some))
    )
    groups = {}
    for name in ("world", "part")[: draw(st.integers(1, 2))]:
        cut = draw(st.one_of(st.just(()), prefixes))
        groups[name] = Group(name, cidr=draw(prefixes), cut=cut)
    policies = [
        policy
        if policy.via is not None or draw(st.integers(0, 3)) == 0
        else replace(policy, **{draw(st.sampled_from(["source", "target"])): draw(st.sampled_from([*groups]))})
        for policy in tenant.policies
    ]
    opened = replace(tenant, external=ways, groups={**tenant.groups, **groups}, policies=tuple(policies))
    return sound_outside(opened, intent)


def may_be_routers(tenant: Tenant) -> list[str]:
    """The endpoints of a tenant that addresses outside may be behind."""
    turned = {policy.via for policy in tenant.policies}
    return [
        endpoint.name
        for endpoint in tenant.endpoints.values()
        if endpoint.name not in turned and tenant.networks[endpoint.network].gateway is not None
    ]


def sound_outside(tenant: Tenant, intent: Intent) -> Tenant:
    """The tenant without ways, prefixes and ranges that cannot be, in the company of others; what an edit leaves."""
    if not tenant.external:
        return tenant
    known = {prefix for endpoint in tenant.endpoints.values() for prefix in endpoint.routes}
    fit = may_be_routers(tenant)
    ways = {}
    for way in tenant.external.values():
        kept = tuple(p for p in way.prefixes if p not in known and not _within_any(p, _subnets([tenant])))
        known |= {*kept}
        if way.router in fit and kept:
            ways[way.name] = replace(way, prefixes=kept)
    agreed = [{share.tenant, importer} for share, _, importer in intent.agreed]
    friends = [intent.tenants[name] for pair in agreed if tenant.name in pair for name in pair - {tenant.name}]
    near = _subnets(friends)
    ways = {
        name: replace(way, prefixes=kept)
        for name, way in ways.items()
        if (kept := tuple(p for p in way.prefixes if not _within_any(p, near)))
    }
    groups = {
        name: replace(
            group,
            cidr=tuple(p for p in group.cidr if not _within_any(p, near)) or ((0, 0),),
            cut=tuple(p for p in group.cut if not _within_any(p, near)),
        )
        if group.cidr
        else group
        for name, group in tenant.groups.items()
    }
    return replace(tenant, external=ways, groups=groups)


def _subnets(tenants: list[Tenant]) -> list[Prefix]:
    networks = [network for tenant in tenants for network in tenant.networks.values()]
    return [subnet for network in networks if network.gateway is not None for subnet in network.subnets]


def _within_any(prefix: Prefix, subnets: list[Prefix]) -> bool:
    return any(s[1] <= prefix[1] and (prefix[0] ^ s[0]) >> (32 - s[1]) == 0 for s in subnets)
