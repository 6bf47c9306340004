"""What differs between two intents, as far as proofs go: by tenant, whose packets may be wanted elsewhere now.

Must not know: rules, crowds, how what is proved is found out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clos.controller.intent.model import Endpoint, Intent, Tenant
from clos.controller.verify.headerspace.header_space import ETH_DST, IP_DST, HeaderSpace
from clos.controller.verify.spec.specification import Specification


class IntentDelta:
    """What of a tenant's wishes changes: ``everything``, or what concerns packets for these addresses, as sets."""

    __slots__ = ("everything", "hosts", "ips", "macs")

    def __init__(self) -> None:
        self.everything = False
        self.macs = self.ips = 0
        self.hosts: set[str] = set()

    def touches(self, slot: int, atom: int) -> bool:
        if self.everything or slot not in (ETH_DST, IP_DST):
            return True
        return bool(atom & (self.macs if slot == ETH_DST else self.ips))

    def add(self, more: IntentDelta) -> None:
        """What changes besides."""
        self.everything |= more.everything
        self.macs |= more.macs
        self.ips |= more.ips
        self.hosts |= more.hosts


def intent_deltas(old: Specification, new: Specification) -> dict[str, IntentDelta]:
    """What differs between two intents, by the tenant whose packets it concerns."""
    found: dict[str, IntentDelta] = {}
    if old is new:
        return found
    before, after = old.intent.tenants, new.intent.tenants
    for name in (*before, *(name for name in after if name not in before)):
        one, other = before.get(name), after.get(name)
        if one is not other and one != other:
            found[name] = _difference(new.space, one, other)
    if old.intent.agreed != new.intent.agreed:
        for share, _, importer in {*old.intent.agreed, *new.intent.agreed}:
            for name in (share.tenant, importer):
                found.setdefault(name, IntentDelta()).everything = True
    for name, delta in list(found.items()):
        for partner in {*old.partners(name), *new.partners(name)} - {name}:
            found.setdefault(partner, IntentDelta()).add(delta)
    return found


def _difference(space: HeaderSpace, one: Tenant | None, other: Tenant | None) -> IntentDelta:
    delta = IntentDelta()
    if one is None or other is None:
        delta.everything = True
    else:
        same = (one.networks, one.groups, one.policies, one.imports)
        delta.everything = same != (other.networks, other.groups, other.policies, other.imports)
    held = [tenant.everyone if tenant is not None else {} for tenant in (one, other)]
    # Where a waypoint is, and whose packets it passes on, concerns packets for others.
    delta.everything |= held[0] != held[1] and any(tenant and has_detours(tenant) for tenant in (one, other))
    # What a prefix takes away concerns the routers of wider ones.
    delta.everything |= held[0] != held[1] and any(_routes(some) for some in held)
    mac, ip = space.domain[ETH_DST], space.domain[IP_DST]
    for name in held[0].keys() | held[1].keys():
        ends = [some.get(name) for some in held]
        if ends[0] == ends[1]:
            continue
        for end in ends:
            if end is not None:
                delta.macs |= mac.of(end.mac)
                for address in end.addresses:
                    delta.ips |= ip.of(address)
                delta.hosts.add(end.host)
    return delta


def _routes(endpoints: Mapping[str, Endpoint]) -> bool:
    return any(endpoint.routes for endpoint in endpoints.values())


def merge(into: dict[str, IntentDelta], more: Mapping[str, IntentDelta]) -> None:
    """What changes of tenants' wishes besides."""
    for name, delta in more.items():
        into.setdefault(name, IntentDelta()).add(delta)


def carried(one: Intent, other: Intent) -> Intent:
    """The first intent with the endpoints of networks that both have, where the second has them; without all others."""
    tenants = {name: _carried(tenant, other.tenants.get(name)) for name, tenant in one.tenants.items()}
    return Intent(tenants, one.shares)


def _carried(tenant: Tenant, other: Tenant | None) -> Tenant:
    if other is tenant or other == tenant:
        return tenant
    there = other.endpoints if other is not None else {}
    both = [(each, there[name]) for name, each in tenant.endpoints.items() if name in there]
    kept = (replace(each, host=that.host) for each, that in both if each.network == that.network)
    return replace(tenant, endpoints={each.name: each for each in kept})


def detours(intent: Intent) -> bool:
    """Whether any policy sends packets by a waypoint."""
    return any(map(has_detours, intent.tenants.values()))


def has_detours(tenant: Tenant) -> bool:
    """Whether any policy of the tenant does."""
    return any(policy.via is not None for policy in tenant.policies)
