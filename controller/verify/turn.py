"""What differs between two intents, as far as proofs go: by tenant, whose packets may be wanted elsewhere now.

Must not know: rules, crowds, how what is proved is found out again.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.intent.model import Intent, Tenant
from controller.verify.expect import Expectation
from controller.verify.space import ETH_DST, IP_DST, Space


class Dirty:
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

    def add(self, more: Dirty) -> None:
        """What changes besides."""
        self.everything |= more.everything
        self.macs |= more.macs
        self.ips |= more.ips
        self.hosts |= more.hosts


def differences(old: Expectation, new: Expectation) -> dict[str, Dirty]:
    """What differs between two intents, by the tenant whose packets it concerns."""
    found: dict[str, Dirty] = {}
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
                found.setdefault(name, Dirty()).everything = True
    for name, dirty in list(found.items()):
        for partner in {*old.partners(name), *new.partners(name)} - {name}:
            found.setdefault(partner, Dirty()).add(dirty)
    return found


def _difference(space: Space, one: Tenant | None, other: Tenant | None) -> Dirty:
    dirty = Dirty()
    if one is None or other is None:
        dirty.everything = True
    else:
        same = (one.networks, one.groups, one.policies, one.imports)
        dirty.everything = same != (other.networks, other.groups, other.policies, other.imports)
    held = [tenant.endpoints if tenant is not None else {} for tenant in (one, other)]
    # Where a waypoint is, and whose packets it passes on, concerns packets for others.
    dirty.everything |= held[0] != held[1] and any(tenant and has_detours(tenant) for tenant in (one, other))
    mac, ip = space.domain[ETH_DST], space.domain[IP_DST]
    for name in held[0].keys() | held[1].keys():
        ends = [some.get(name) for some in held]
        if ends[0] == ends[1]:
            continue
        for end in ends:
            if end is not None:
                dirty.macs |= mac.of(end.mac)
                dirty.ips |= ip.of(end.ip)
                dirty.hosts.add(end.host)
    return dirty


def merge(into: dict[str, Dirty], more: Mapping[str, Dirty]) -> None:
    """What changes of tenants' wishes besides."""
    for name, dirty in more.items():
        into.setdefault(name, Dirty()).add(dirty)


def detours(intent: Intent) -> bool:
    """Whether any policy sends packets by a waypoint."""
    return any(map(has_detours, intent.tenants.values()))


def has_detours(tenant: Tenant) -> bool:
    """Whether any policy of the tenant does."""
    return any(policy.via is not None for policy in tenant.policies)
