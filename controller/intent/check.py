"""Whether an intent is consistent in itself and with its topology: every problem, all at once.

Lives here: the rules, one small generator each. Must not know: YAML, schemas, OpenFlow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from clos.controller.intent.check_external import shared_external_findings
from clos.controller.intent.check_routes import shared_route_findings
from clos.controller.intent.check_tenant import (
    SPEC,
    Claim,
    Claims,
    Names,
    claims_of,
    numbered,
    overlapping,
    subnets,
    taken,
    tenant_findings,
    unknown,
)
from clos.controller.intent.check_via import shared_findings, via_findings
from clos.controller.intent.model import EVERYONE, Endpoint, Intent, Share, Tenant
from clos.controller.intent.problem import Finding, Problem, conclude
from clos.controller.intent.reading import NOTHING_HIDDEN, Hidden
from clos.fabric.topology import Topology


def check(intent: Intent, topology: Topology) -> tuple[Problem, ...]:
    """Everything wrong with an intent on a topology; empty when it can be compiled.

    Problems name the place of the object concerned; ``load_intent`` finds the very word.
    """
    tenants = intent.tenants.values()
    own = (
        found for tenant in tenants for found in (*tenant_findings(tenant, topology), *via_findings(tenant, topology))
    )
    claims = {tenant.name: claims_of(tenant, topology) for tenant in tenants}
    return conclude(chain(own, common_findings(intent, claims)))


class Unread(NamedTuple):
    """What documents say but could not be read: nobody is told that it does not exist.

    ``names``: by tenant. ``documents``: whether there is a document whose tenant or share is not even known by name.
    """

    names: Mapping[str, Hidden] = {}
    documents: bool = False

    def of(self, tenant: str) -> Hidden:
        return self.names.get(tenant, NOTHING_HIDDEN)


NOTHING_UNREAD = Unread()


def common_findings(intent: Intent, claims: Mapping[str, Claims], unread: Unread = NOTHING_UNREAD) -> Iterator[Finding]:
    """What is wrong between tenants; ``tenant_findings`` has what is wrong within one. ``claims``: by tenant."""
    for tenant in intent.tenants.values():
        yield from _imports(tenant, intent, unread)
    for share in intent.shares.values():
        yield from _share(share, intent, unread)
    yield from _claimed(claims)
    yield from shared_findings(intent, claims, unread.names)
    yield from _overlaps(intent)
    yield from shared_route_findings(intent)
    yield from shared_external_findings(intent)


def _imports(tenant: Tenant, intent: Intent, unread: Unread) -> Iterator[Finding]:
    groups = Names(tenant.groups, "groups", unread.of(tenant.name))
    seen: set[tuple[str, str]] = set()
    for i, wish in numbered(tenant.imports, "imports", unread.of(tenant.name)):
        path = (SPEC, "imports", i)
        for j, name in enumerate(wish.groups):
            if groups.lack(name):
                yield unknown("group", name, wish.where, (*path, "groups", j), tenant.groups)
        if (wish.tenant, wish.share) in seen:
            yield Finding(wish.where, path, f"share {wish.share} of {wish.tenant} is imported twice")
        seen.add((wish.tenant, wish.share))
        share = intent.shares.get((wish.tenant, wish.share))
        if wish.tenant == tenant.name:
            yield Finding(wish.where, (*path, "tenant"), "a tenant cannot import from itself: write a policy")
        elif share is not None and not share.offers_to(tenant.name):
            todo = f"add it to the share's to ({share.where})" if share.to else f"the share excepts it ({share.where})"
            message = f"{wish.tenant} does not export {wish.share} to {tenant.name}: {todo}"
            yield Finding(wish.where, (*path, "share"), message)
        elif unread.documents:
            continue
        elif wish.tenant not in intent.tenants:
            yield unknown("tenant", wish.tenant, wish.where, (*path, "tenant"), intent.tenants)
        elif share is None:
            options = [name for owner, name in intent.shares if owner == wish.tenant]
            yield Finding(
                wish.where, (*path, "share"), f"{wish.tenant} exports no share {wish.share}", wish.share, options
            )


def _share(share: Share, intent: Intent, unread: Unread) -> Iterator[Finding]:
    owner = intent.tenants.get(share.tenant)
    if owner is not None:
        groups = Names(owner.groups, "groups", unread.of(owner.name))
        if groups.lack(share.group):
            yield unknown("group", share.group, share.where, (SPEC, "group"), (*owner.groups, *EVERYONE))
    elif not unread.documents:
        yield unknown("tenant", share.tenant, share.where, ("metadata", "tenant"), intent.tenants)
    seen: set[str] = set()
    for key, i, name in (
        *(("to", *row) for row in enumerate(share.to)),
        *(("except", *r) for r in enumerate(share.without)),
    ):
        if name == share.tenant:
            yield Finding(share.where, (SPEC, key, i), "a tenant cannot export to itself: write a policy")
        elif name in seen:
            yield Finding(share.where, (SPEC, key, i), f"{name} is named twice")
        elif name not in intent.tenants and not unread.documents:
            yield unknown("tenant", name, share.where, (SPEC, key, i), intent.tenants)
        seen.add(name)


def _claimed(claims: Mapping[str, Claims]) -> Iterator[Finding]:
    """Ports and VLANs of hosts that several tenants claim."""
    if sum(map(len, claims.values())) == len(set().union(*claims.values())):
        return
    first: dict[Claim, tuple[str, Endpoint]] = {}
    for tenant, own in claims.items():
        for claim, endpoint in own.items():
            owner, other = first.setdefault(claim, (tenant, endpoint))
            if owner != tenant:
                yield taken(claim, endpoint, other, owner)


def _overlaps(intent: Intent) -> Iterator[Finding]:
    """Tenants that share must be able to route to each other: so must all importers of one exporter."""
    parties: dict[str, set[str]] = defaultdict(set)
    for share, _, importer in intent.agreed:
        parties[share.tenant].add(importer)
    for exporter in sorted(parties):
        owners = [intent.tenants[name] for name in sorted({exporter, *parties[exporter]}) if name in intent.tenants]
        for there, here in overlapping(chain.from_iterable(map(subnets, owners))):
            one, other = there.tenant, here.tenant
            if one.name != other.name:
                message = f"{here} overlaps {there} of tenant {one.name} ({there.network.where})"
                message += f"; {_why(exporter, one, other)}"
                yield Finding(here.network.where, here.path, message)


def _why(exporter: str, one: Tenant, other: Tenant) -> str:
    if exporter in (one.name, other.name):
        return f"{one.name} and {other.name} share services, so their addresses must differ"
    return f"both import from {exporter}, which must be able to answer both"
