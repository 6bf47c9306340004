"""Random changes of random intents: what people do to them, one or two at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from clos.controller.intent.model import ROUTER_MAC, Intent, Policy, Rate, Tenant
from clos.fabric.topology import Topology
from tests.support.fabrics import SERVICES, intents, may_be_via, renamed, sound

Edit = Callable[[st.DrawFn, Intent, Topology], Intent]


@st.composite
def pairs(draw: st.DrawFn, topology: Topology) -> tuple[Intent, Intent]:
    """Two intents of one topology: mostly one and an edited form of it, sometimes strangers."""
    old = without_routes(draw(intents(topology)))
    if draw(st.integers(0, 4)) == 0:
        return old, without_routes(draw(intents(topology)))
    new = old
    for _ in range(draw(st.integers(0, 2))):
        new = sound(draw(st.sampled_from(EDITS))(draw, new, topology))
    return (old, new) if draw(st.booleans()) else (new, old)


def without_routes(intent: Intent) -> Intent:
    """The intent without prefixes behind endpoints, of which sets of packets do not speak."""
    if not intent.routed:
        return intent
    tenants = {
        name: replace(tenant, endpoints={n: replace(e, routes=()) for n, e in tenant.endpoints.items()}, external={})
        for name, tenant in intent.tenants.items()
    }
    return Intent(tenants, intent.shares)


def _tenant(draw: st.DrawFn, intent: Intent) -> Tenant:
    return draw(st.sampled_from(list(intent.tenants.values())))


def _with(intent: Intent, tenant: Tenant) -> Intent:
    return Intent({**intent.tenants, tenant.name: tenant}, intent.shares)


def _adds_a_policy(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    groups = st.sampled_from(list(tenant.groups))
    services = draw(st.lists(st.sampled_from(SERVICES), min_size=1, max_size=2))
    action, rate = draw(st.sampled_from([("allow", None), ("allow", Rate(50_000)), ("deny", None)]))
    policy = Policy(f"q{len(tenant.policies)}", draw(groups), draw(groups), tuple(services), action, rate)
    policies = list(tenant.policies)
    policies.insert(draw(st.integers(0, len(policies))), policy)
    return _with(intent, replace(tenant, policies=tuple(policies)))


def _drops_a_policy(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    lost = draw(st.integers(0, max(0, len(tenant.policies) - 1)))
    return _with(intent, replace(tenant, policies=tuple(p for i, p in enumerate(tenant.policies) if i != lost)))


def _reorders_policies(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    return _with(intent, replace(tenant, policies=tuple(draw(st.permutations(tenant.policies)))))


def _turns_a_policy(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    """By another endpoint, by one for the first time, or by none any more."""
    tenant = _tenant(draw, intent)
    if not tenant.policies:
        return intent
    policy = draw(st.sampled_from(tenant.policies))
    via = draw(st.sampled_from([None, *may_be_via(tenant, policy, intent.tenants)]))
    turned = tuple(replace(p, via=via) if p.name == policy.name else p for p in tenant.policies)
    return _with(intent, replace(tenant, policies=turned))


def _drops_an_endpoint(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    if not tenant.endpoints:
        return intent
    lost = draw(st.sampled_from(list(tenant.endpoints)))
    return _with(intent, replace(tenant, endpoints={n: e for n, e in tenant.endpoints.items() if n != lost}))


def _edits_an_endpoint(draw: st.DrawFn, intent: Intent, topology: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    if not tenant.endpoints:
        return intent
    name = draw(st.sampled_from(list(tenant.endpoints)))
    held = tenant.endpoints[name]
    used = {e.host for t in intent.tenants.values() for e in t.endpoints.values()}
    free = [host for host in topology.hosts if host not in used] or [held.host]
    edited = {
        "address": replace(held, ip=held.ip + 100),
        "card": replace(held, mac=held.mac + 0x1000),
        "label": replace(held, labels=(("tier", draw(st.sampled_from(["web", "db"]))),)),
        "host": replace(held, host=draw(st.sampled_from(free))),
    }
    changed = edited[draw(st.sampled_from(sorted(edited)))]
    return _with(intent, replace(tenant, endpoints={**tenant.endpoints, name: changed}))


def _renames_an_endpoint(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    old = draw(st.sampled_from(list(tenant.endpoints) or ["none"]))
    endpoints = {(f"{n}x" if n == old else n): replace(e, name=f"{n}x" if n == old else n) for n, e in _items(tenant)}
    groups = {name: renamed(group, endpoint=(old, f"{old}x")) for name, group in tenant.groups.items()}
    policies = tuple(replace(p, via=f"{old}x") if p.via == old else p for p in tenant.policies)
    ways = {n: replace(way, router=f"{old}x") if way.router == old else way for n, way in tenant.external.items()}
    return _with(intent, replace(tenant, endpoints=endpoints, groups=groups, policies=policies, external=ways))


def _items(tenant: Tenant):
    return tenant.endpoints.items()


def _edits_a_network(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    name = draw(st.sampled_from(list(tenant.networks)))
    held = tenant.networks[name]
    edited = [
        replace(held, broadcast=not held.broadcast),
        replace(held, gateway=(held.gateway or held.subnet[0] + 1) + 200),
        replace(held, gateway=None if held.gateway is not None else held.subnet[0] + 1),
        replace(held, gateway_mac=0x00000C07AC01 if held.gateway_mac == ROUTER_MAC else ROUTER_MAC),
        replace(held, vlan=(held.vlan or 0) + 1000),
    ]
    return _with(intent, replace(tenant, networks={**tenant.networks, name: draw(st.sampled_from(edited))}))


def _renames_a_network(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    tenant = _tenant(draw, intent)
    old = draw(st.sampled_from(list(tenant.networks)))

    def called(name: str) -> str:
        return f"{old}x" if name == old else name

    return _with(
        intent,
        replace(
            tenant,
            networks={called(n): replace(x, name=called(n)) for n, x in tenant.networks.items()},
            endpoints={n: replace(e, network=called(e.network)) for n, e in tenant.endpoints.items()},
            groups={n: renamed(g, network=(old, f"{old}x")) for n, g in tenant.groups.items()},
        ),
    )


def _drops_a_tenant(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    lost = _tenant(draw, intent).name
    shares = {key: share for key, share in intent.shares.items() if lost not in (share.tenant, *share.to)}
    kept = {
        name: replace(tenant, imports=tuple(i for i in tenant.imports if (i.tenant, i.share) in shares))
        for name, tenant in intent.tenants.items()
        if name != lost
    }
    return Intent(kept, shares) if kept else intent


def _renames_a_tenant(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    old = _tenant(draw, intent).name
    new = f"{old}x"

    def called(name: str) -> str:
        return new if name == old else name

    tenants = {
        called(n): replace(t, name=called(n), imports=tuple(replace(i, tenant=called(i.tenant)) for i in t.imports))
        for n, t in intent.tenants.items()
    }
    shares = {
        (called(owner), name): replace(
            share, tenant=called(owner), to=tuple(map(called, share.to)), without=tuple(map(called, share.without))
        )
        for (owner, name), share in intent.shares.items()
    }
    return Intent(tenants, shares)


def _withdraws_a_share(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    """On one side only: the other's consent is worth nothing without it."""
    if not intent.shares:
        return intent
    key = draw(st.sampled_from(sorted(intent.shares)))
    if draw(st.booleans()):
        return Intent(intent.tenants, {k: share for k, share in intent.shares.items() if k != key})
    return Intent({n: replace(t, imports=()) for n, t in intent.tenants.items()}, intent.shares)


def _limits_a_tenant(draw: st.DrawFn, intent: Intent, _: Topology) -> Intent:
    return _with(intent, replace(_tenant(draw, intent), rate=draw(st.sampled_from([None, Rate(2_000_000)]))))


EDITS: tuple[Edit, ...] = (
    _adds_a_policy, _adds_a_policy, _adds_a_policy, _drops_a_policy, _reorders_policies, _turns_a_policy,
    _turns_a_policy, _drops_an_endpoint,
    _edits_an_endpoint, _edits_an_endpoint, _renames_an_endpoint, _edits_a_network, _renames_a_network,
    _drops_a_tenant, _renames_a_tenant, _withdraws_a_share, _limits_a_tenant,
)  # fmt: skip
POLICIES_ONLY: tuple[Edit, ...] = (
    _adds_a_policy,
    _drops_a_policy,
    _reorders_policies,
    _turns_a_policy,
    _turns_a_policy,
)
NAMES_ONLY: tuple[Edit, ...] = (_renames_an_endpoint, _renames_a_network, _renames_a_tenant)
