"""Whether waypoints are such that policies can send packets by them.

Lives here: the rules about ``via``. Must not know: YAML, schemas, OpenFlow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clos.controller.intent.check_tenant import SPEC, Claims, Names, numbered, unknown
from clos.controller.intent.model import ALLOW, Endpoint, Intent, Policy, Tenant
from clos.controller.intent.problem import Finding, Path
from clos.controller.intent.reading import NOTHING_HIDDEN, Hidden
from clos.fabric.topology import LEGACY, Topology

ALONE = "a waypoint needs a host of its own, so that what comes from there is known to have passed it"


def via_findings(tenant: Tenant, topology: Topology, hidden: Hidden = NOTHING_HIDDEN) -> Iterator[Finding]:
    """What is wrong with a tenant's waypoints on a topology; depends on nothing else."""
    names = Names(tenant.endpoints, "endpoints", hidden)
    for i, policy in numbered(tenant.policies, "policies", hidden):
        path = (SPEC, "policies", i, "via")
        if policy.via is None:
            continue
        if policy.action != ALLOW:
            yield Finding(policy.where, path, "what is denied goes nowhere, so not via anything: leave via out")
        waypoint = tenant.endpoints.get(policy.via)
        if waypoint is not None:
            yield from _at_an_end(tenant, policy, waypoint, path)
            yield from _in_company(tenant, policy, waypoint, path)
            host = topology.hosts.get(waypoint.host)
            if host is not None and host.mode == LEGACY:
                message = f"{waypoint.name} is behind legacy host {host.name}, as others may be: {ALONE}"
                yield Finding(policy.where, path, message)
        elif names.lack(policy.via):
            yield unknown("endpoint", policy.via, policy.where, path, tenant.endpoints)


def _at_an_end(tenant: Tenant, policy: Policy, waypoint: Endpoint, path: Path) -> Iterator[Finding]:
    """A waypoint that is one of the two ends: it would have to pass itself."""
    for key, name in (("from", policy.source), ("to", policy.target)):
        group = tenant.groups.get(name)
        if group is not None and group.holds(waypoint):
            message = f"{waypoint.name} is in group {name}, which this policy is {key}: a waypoint is neither end"
            yield Finding(policy.where, path, message)
            return


def _in_company(tenant: Tenant, policy: Policy, waypoint: Endpoint, path: Path) -> Iterator[Finding]:
    """A waypoint that shares its host with another endpoint of the tenant."""
    for other in tenant.endpoints.values():
        if other.host == waypoint.host and other.name != waypoint.name:
            yield _shared(policy, waypoint, f"endpoint {other.name} ({other.where})", path)
            return


def _shared(policy: Policy, waypoint: Endpoint, other: str, path: Path) -> Finding:
    message = f"host {waypoint.host} of {waypoint.name} is also the host of {other}: {ALONE}"
    return Finding(policy.where, path, message)


def shared_findings(intent: Intent, claims: Mapping[str, Claims], hidden: Mapping[str, Hidden]) -> Iterator[Finding]:
    """Waypoints whose host another tenant lives on too. ``claims``, ``hidden``: by tenant."""
    for tenant in intent.tenants.values():
        for i, policy in numbered(tenant.policies, "policies", hidden.get(tenant.name, NOTHING_HIDDEN)):
            waypoint = tenant.endpoints.get(policy.via) if policy.via is not None else None
            for name, own in claims.items() if waypoint is not None else ():
                other = next((e for claim, e in own.items() if waypoint and claim.host == waypoint.host), None)
                if waypoint is not None and other is not None and name != tenant.name:
                    text = f"endpoint {other.name} of tenant {name} ({other.where})"
                    yield _shared(policy, waypoint, text, (SPEC, "policies", i, "via"))
