"""What an intent permits, read straight from its words: who may send what to whom, and which line says so.

Lives here: policy as people mean it. Must not know: topologies, rules, numbers; the compiler is held against this.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from clos.controller.intent.model import (
    ALLOW,
    Endpoint,
    Import,
    Intent,
    Policy,
    Service,
    Share,
    Tenant,
)
from clos.controller.intent.outside import longest

ICMP = 1


class End(NamedTuple):
    """An endpoint and its tenant; or addresses outside, behind one router and in the same groups."""

    tenant: Tenant
    endpoint: Endpoint

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that hold it."""
        return tuple(group.name for group in self.tenant.groups.values() if group.holds(self.endpoint))

    def within(self, group: str) -> bool:
        return self.tenant.groups[group].holds(self.endpoint)

    def __str__(self) -> str:
        return f"{self.tenant.name}/{self.endpoint.name}"


class Flow(NamedTuple):
    """IPv4 packets of one direction of a conversation; ports are None where the protocol has none."""

    proto: int
    source_port: int | None = None
    target_port: int | None = None

    def back(self) -> Flow:
        """The flow of the answers."""
        return Flow(self.proto, self.target_port, self.source_port)


PING = Flow(ICMP)


class Ruling(NamedTuple):
    """The decision on a flow. ``by``: the policy or share that speaks of it, None when none does; ``reply``: it takes
    the flow as the answer to what it permits or forbids. ``astray``: why the fabric has no way for it, whatever
    policies say; empty where it has one. ``wish``: the import of the share that denies."""

    allowed: bool
    by: Policy | Share | None = None
    reply: bool = False
    astray: str = ""
    wish: Import | None = None

    @property
    def via(self) -> str | None:
        """The endpoint of the tenant that gets the flow first; None when it goes straight, or nowhere."""
        return self.by.via if self.allowed and isinstance(self.by, Policy) else None


def ends(intent: Intent) -> Iterator[End]:
    """Every endpoint in the intent's order; after those of a tenant, the addresses outside that it reaches."""
    for tenant in intent.tenants.values():
        yield from (End(tenant, endpoint) for endpoint in tenant.everyone.values())


def ruling(intent: Intent, source: End, target: End, flow: Flow) -> Ruling:
    """Whether packets of this flow may go from ``source`` to ``target``, and what decides it.

    Inside a tenant the first policy that speaks of the flow decides, and a policy speaks of both directions of its
    services: a deny stops their answers, too. Between tenants a share that both consent to allows what no import of the
    two denies. What nothing speaks of is denied. The two ends are different endpoints.
    """
    if source.tenant.name == target.tenant.name:
        return _inside(source, target, flow)
    ends = source.tenant.name, target.tenant.name
    concerned = []
    for share, wish, importer in intent.agreed:
        asks = ends == (importer, share.tenant) and _shared(share, wish, source, target)
        answers = ends == (share.tenant, importer) and _shared(share, wish, target, source)
        concerned += [(share, wish, answers)] if asks or answers else []
    for allowed in (False, True):
        for share, wish, answers in concerned:
            if serves(share.services if allowed else wish.deny, flow.back() if answers else flow):
                return Ruling(allowed, share, reply=answers, wish=None if allowed else wish)
    return Ruling(False)


def passage(intent: Intent, source: End, target: End, flow: Flow, legacy: Container[str] = ()) -> Ruling:
    """As ``ruling``, where the fabric has a way from one to the other; a refusal that says so where it has none.

    ``legacy``: the names of legacy hosts.
    """
    why = _astray(source, target, legacy)
    return Ruling(False, astray=why) if why else ruling(intent, source, target, flow)


def _astray(source: End, target: End, legacy: Container[str]) -> str:
    """Between networks there is a way if both have a gateway; within one, unless a legacy host has both ends."""
    if near(source, target):
        host = source.endpoint.host
        if host == target.endpoint.host and host in legacy:
            return f"both are behind legacy host {host}, where network {source.endpoint.network} goes on without it"
        return ""
    for end in (source, target):
        if end.tenant.networks[end.endpoint.network].gateway is None:
            return f"{end} is in network {end.endpoint.network}, which has no gateway in the fabric (gateway: none)"
    return ""


def has(tenant: Tenant, endpoint: Endpoint, ip: int) -> bool:
    """Whether an address is the endpoint's, or one of the addresses outside that it stands for."""
    if ip in endpoint.addresses or endpoint.outside is None:
        return ip in endpoint.addresses
    routes = [prefix for each in tenant.everyone.values() for prefix in each.routes]
    gated = (network for network in tenant.networks.values() if network.gateway is not None)
    return longest((ip, 32), {*routes, *(subnet for net in gated for subnet in net.subnets)}) in endpoint.routes


def near(source: End, target: End) -> bool:
    """Whether packets from one to the other stay in one network; addresses outside are always routed to."""
    same = source.tenant.name == target.tenant.name and source.endpoint.network == target.endpoint.network
    return same and target.endpoint.outside is None


def waypoint(source: End, decided: Ruling) -> End | None:
    """The endpoint that packets of ``source`` go to first, if the ruling sends them anywhere first."""
    return End(source.tenant, source.tenant.endpoints[decided.via]) if decided.via else None


def behind(waypoint: End) -> Iterator[End]:
    """Those whose packets an endpoint may pass on: all in the groups of the policies that it is the waypoint of."""
    tenant, name = waypoint.tenant, waypoint.endpoint.name
    groups = {group for p in tenant.policies if p.via == name for group in (p.source, p.target)}
    for endpoint in tenant.endpoints.values():
        end = End(tenant, endpoint)
        if any(end.within(group) for group in groups):
            yield end


def passes(intent: Intent, waypoint: End, source: End, target: End, flow: Flow) -> bool:
    """Whether a waypoint may pass a flow of ``source`` on to ``target``: what is sent to it first, and nothing else."""
    own = source.tenant.name == target.tenant.name
    return own and ruling(intent, source, target, flow).via == waypoint.endpoint.name


def converse(intent: Intent, source: End, target: End, flow: Flow) -> bool:
    """Whether ``source`` can ask and ``target`` can answer."""
    there, back = passage(intent, source, target, flow), passage(intent, target, source, flow.back())
    return there.allowed and back.allowed


def between(intent: Intent, source: End, target: End) -> tuple[Policy | Share, ...]:
    """What speaks of traffic that ``source`` opens to ``target``, whatever the service."""
    if source.tenant.name == target.tenant.name:
        policies = source.tenant.policies
        return tuple(p for p in policies if source.within(p.source) and target.within(p.target))
    return tuple(
        share
        for share, wish, importer in intent.agreed
        if (importer, share.tenant) == (source.tenant.name, target.tenant.name) and _shared(share, wish, source, target)
    )


def spoken_of(intent: Intent, source: End, target: End) -> list[Service]:
    """The services that anything between the two speaks of, whoever opens them."""
    said = [s for by in (*between(intent, source, target), *between(intent, target, source)) for s in by.services]
    if source.tenant.name != target.tenant.name:
        for share, wish, importer in intent.agreed:
            said += wish.deny if {share.tenant, importer} == {source.tenant.name, target.tenant.name} else ()
    return said


def serves(services: tuple[Service, ...], flow: Flow) -> bool:
    """Whether the flow, as one opens it, belongs to any of the services."""
    return any(_serves(service, flow) for service in services)


def _serves(service: Service, flow: Flow) -> bool:
    if service.proto is None:
        return True
    if service.proto != flow.proto:
        return False
    if service.first is None or service.last is None:
        return True
    return flow.target_port is not None and service.first <= flow.target_port <= service.last


def _inside(source: End, target: End, flow: Flow) -> Ruling:
    for policy in source.tenant.policies:
        allow = policy.action == ALLOW
        if source.within(policy.source) and target.within(policy.target) and serves(policy.services, flow):
            return Ruling(allow, policy)
        if target.within(policy.source) and source.within(policy.target) and serves(policy.services, flow.back()):
            return Ruling(allow, policy, reply=True)
    return Ruling(False)


def _shared(share: Share, wish: Import, user: End, server: End) -> bool:
    """Whether the share is open to this user at this server."""
    return server.within(share.group) and any(user.within(group) for group in wish.groups)
