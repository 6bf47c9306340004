"""Where endpoints stand and what policies let them send each other, read from an intent.

Lives here: an endpoint as packets see it, the classes policies put it in, verdicts between classes. Derived from the
intent once more, without the compiler. Must not know: rules, what changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from clos.controller.impact.traffic_sets import (
    EVERYTHING,
    Box,
    Traffic,
    canonical,
    common,
    minus,
    of_service,
)
from clos.controller.intent.model import (
    ALLOW,
    ROUTER_MAC,
    Endpoint,
    Import,
    Intent,
    Policy,
    Rate,
    Share,
    Tenant,
)
from clos.fabric.topology import LEGACY, PortRef, Topology


class Attachment(NamedTuple):
    """An endpoint as packets see it: no names. ``vlan``: the VLAN id of its frames on a trunk, 0 without a tag.

    ``router``: the MAC address of its gateway, 0 where it has none; of no account but where packets are routed.
    """

    ports: tuple[PortRef, ...]
    vlan: int
    mac: int
    ip: int
    router: int = ROUTER_MAC

    @property
    def place(self) -> Attachment:
        """The same but for what is routed."""
        return self if self.router == ROUTER_MAC else self._replace(router=ROUTER_MAC)


class Network(NamedTuple):
    """A network of an intent, by the names of tenant and network."""

    tenant: str
    name: str


class PolicyClass(NamedTuple):
    """What policies see of an endpoint: its tenant and groups; of its packets that a waypoint passes on,
    ``forwarded_by``."""

    tenant: str
    groups: frozenset[str]
    forwarded_by: str = ""


class EndpointView(NamedTuple):
    """An endpoint of an intent. ``border``: the ports of its host if that is legacy: its network goes on behind them,
    where endpoints reach one another without the fabric. ``number``: of its addresses, the one that this speaks of."""

    name: str
    network: Network
    who: PolicyClass
    end: Attachment
    host: str
    border: tuple[PortRef, ...] = ()
    number: int = 0

    @property
    def tenant(self) -> str:
        return self.who.tenant

    def __str__(self) -> str:
        return f"{self.who.tenant}/{self.name}"


def members(intent: Intent, topology: Topology, tenants: Iterable[str]) -> Iterator[EndpointView]:
    """The endpoints of these tenants, in the intent's order, once for each of their addresses."""
    for name in tenants:
        tenant = intent.tenants.get(name)
        if tenant is not None:
            yield from _members(tenant, topology)


def _members(tenant: Tenant, topology: Topology) -> Iterator[EndpointView]:
    known: dict[tuple[object, ...], PolicyClass] = {}
    named = {name for group in tenant.groups.values() for name in group.names}
    for e in tenant.endpoints.values():
        alike = (e.name if e.name in named else "", e.network, e.labels)
        who = known.get(alike)
        if who is None:
            who = known[alike] = PolicyClass(
                tenant.name, frozenset(g.name for g in tenant.groups.values() if g.holds(e))
            )
        border = host.ports if (host := topology.hosts[e.host]).mode == LEGACY else ()
        network, end = Network(tenant.name, e.network), place(tenant, e, topology)
        for i, ip in enumerate(e.addresses):
            yield EndpointView(e.name, network, who, end._replace(ip=ip) if i else end, e.host, border, i)


def place(tenant: Tenant, endpoint: Endpoint, topology: Topology) -> Attachment:
    """Where packets see an endpoint."""
    host = topology.hosts[endpoint.host]
    vlan = (tenant.networks[endpoint.network].vlan or 0) if host.tagged else 0
    router = tenant.networks[endpoint.network].router or 0
    return Attachment(host.ports, vlan, endpoint.mac, endpoint.ip, router)


def waypoint_senders(intent: Intent, topology: Topology, tenants: Iterable[str]) -> Iterator[EndpointView]:
    """What these tenants' waypoints send under the addresses of others, as if it were endpoints that only send."""
    for name in tenants:
        tenant = intent.tenants.get(name)
        turned = {policy.via for policy in tenant.policies if policy.via} if tenant is not None else set()
        if tenant is not None and turned:
            held = list(_members(tenant, topology))
            for waypoint in (member for member in held if member.name in turned):
                yield from _passed(waypoint, held, tenant.policies)


def _passed(waypoint: EndpointView, held: Iterable[EndpointView], policies: Iterable[Policy]) -> Iterator[EndpointView]:
    ends = {end for policy in policies if policy.via == waypoint.name for end in (policy.source, policy.target)}
    for one in held:
        if not ends.isdisjoint(one.who.groups):
            who, end = one.who._replace(forwarded_by=waypoint.name), waypoint.end._replace(ip=one.end.ip)
            yield waypoint._replace(name=one.name, who=who, end=end)


class Row(NamedTuple):
    """What one policy or share says of packets between two classes: those in ``box`` pass (with a rate) or do not.

    ``via``: the waypoint that gets them first, by tenant and name.
    """

    allow: bool
    rate: Rate | None
    box: Box
    via: str | None = None


Rows = tuple[Row, ...]
Verdict = tuple[tuple[Traffic, Rate | None, str | None], ...]
"""What may pass, in parts that have nothing in common, each with the rate and the waypoint that hold for it."""


class PolicyTable:
    """An intent's verdicts between classes of endpoints. ``called``: other names to call waypoints by."""

    def __init__(self, intent: Intent, called: Mapping[str, str] | None = None) -> None:
        self._called = called or {}
        self._policies = {
            name: (tenant.policies, _by_groups(tenant.policies)) for name, tenant in intent.tenants.items()
        }
        self._agreed: dict[tuple[str, str], list[tuple[Share, Import]]] = {}
        for share, profile, importer in intent.agreed:
            self._agreed.setdefault((importer, share.tenant), []).append((share, profile))

    def policies(self, tenant: str) -> tuple[Policy, ...]:
        """A tenant's policies in their order."""
        return self._policies[tenant][0]

    def agreed(self, one: str, other: str) -> tuple[object, ...]:
        """What two tenants agreed to, in their order."""
        return self._agreed.get((one, other)), self._agreed.get((other, one))

    def rows(self, sender: PolicyClass | None, receiver: PolicyClass | None) -> Rows:
        """What speaks of packets from one to the other, in the order that decides; none where either is not there."""
        if sender is None or receiver is None:
            return ()
        own = sender.tenant == receiver.tenant
        return tuple(self._own(sender, receiver) if own else self._shared(sender, receiver))

    def _own(self, sender: PolicyClass, receiver: PolicyClass) -> Iterator[Row]:
        """The first policy that speaks of a packet decides; each speaks of its services' answers, too."""
        policies, held = self._policies[sender.tenant]
        asks = {n for a in sender.groups for b in receiver.groups for n in held.get((a, b), ())}
        answers = {n for a in receiver.groups for b in sender.groups for n in held.get((a, b), ())}
        for number in sorted(asks | answers):
            policy = policies[number]
            allow, via = self._way(sender, policy)
            for service in policy.services:
                if number in asks:
                    yield Row(allow, policy.rate, of_service(service), via)
                if number in answers:
                    yield Row(allow, policy.rate, of_service(service, answers=True), via)

    def _way(self, sender: PolicyClass, policy: Policy) -> tuple[bool, str | None]:
        """Whether a policy lets the sender's packets pass, and by which waypoint."""
        if policy.action != ALLOW or policy.via is None:
            return policy.action == ALLOW and not sender.forwarded_by, None
        if sender.forwarded_by:
            return policy.via == sender.forwarded_by, None
        name = f"{sender.tenant}/{policy.via}"
        return True, self._called.get(name, name)

    def _shared(self, sender: PolicyClass, receiver: PolicyClass) -> Iterator[Row]:
        """What both tenants agreed to, and its answers, after what imports deny; no waypoint passes any of it on."""
        if sender.forwarded_by:
            return
        permits: list[Row] = []
        for asker, owner, answers in ((sender, receiver, False), (receiver, sender, True)):
            for share, profile in self._agreed.get((asker.tenant, owner.tenant), ()):
                if share.group in owner.groups and not asker.groups.isdisjoint(profile.groups):
                    permits += (Row(True, share.rate, of_service(service, answers)) for service in share.services)
                    yield from (Row(False, None, of_service(service, answers)) for service in profile.deny)
        yield from permits


def reordered_groups(before: tuple[Policy, ...], after: tuple[Policy, ...]) -> frozenset[tuple[str, str]]:
    """The groups that policies speak of which are not in their place any more, between a same start and a same end."""
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    moved = (*before[first : len(before) - last], *after[first : len(after) - last])
    return frozenset((policy.source, policy.target) for policy in moved)


def _by_groups(policies: Iterable[Policy]) -> dict[tuple[str, str], list[int]]:
    """The places of policies in their order, by the groups they speak of."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, policy in enumerate(policies):
        found.setdefault((policy.source, policy.target), []).append(number)
    return found


@lru_cache(maxsize=4096)
def verdict(rows: Rows) -> Verdict:
    """What may pass by rows of which the first that takes a packet decides."""
    left, found = EVERYTHING, []
    for row in rows:
        taken = common(left, [row.box])
        if taken and row.allow:
            found.append((taken, row.rate, row.via))
        left = minus(left, [row.box])
    return tuple(found)


def permitted(found: Verdict) -> Traffic:
    """All that may pass, whatever its rate."""
    return tuple([box for traffic, _, _ in found for box in traffic])


def by_way(found: Verdict) -> dict[str | None, Traffic]:
    """What may pass, by the waypoint that gets it first; None: what goes straight."""
    parted: dict[str | None, list[Box]] = {}
    for traffic, _, via in found:
        parted.setdefault(via, []).extend(traffic)
    return {via: canonical(tuple(boxes)) for via, boxes in parted.items()}
