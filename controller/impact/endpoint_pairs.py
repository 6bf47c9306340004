"""Endpoints before and after a change: which is which, and what policies newly say between them.

Lives here: pairing, the tenants a change concerns, verdicts compared. Must not know: words, rules.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from clos.controller.impact.policy_classes import (
    EndpointView,
    PolicyClass,
    PolicyTable,
    Rows,
    Verdict,
    by_way,
    members,
    permitted,
    reordered_groups,
    verdict,
    waypoint_senders,
)
from clos.controller.impact.traffic_sets import Traffic, canonical, common, minus
from clos.controller.intent.model import ROUTER_MAC, Intent, Rate
from clos.fabric.topology import Topology

Ways = Mapping[str | None, Traffic]
"""Packets by the waypoint that gets them first; None: those that go straight."""
NO_WAYS: Ways = MappingProxyType({})


class Snapshot(NamedTuple):
    """An intent on its topology: what holds before a change, or after."""

    intent: Intent
    topology: Topology


class EndpointPair(NamedTuple):
    """An endpoint before and after; None where there is none. Never both."""

    before: EndpointView | None
    after: EndpointView | None

    @property
    def told(self) -> EndpointView:
        """The one to call it by."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a party of nobody")
        return found

    @property
    def tenants(self) -> set[str]:
        return {member.tenant for member in self if member is not None}


class Role(NamedTuple):
    """What policies see of a party."""

    before: PolicyClass | None
    after: PolicyClass | None

    @property
    def tenants(self) -> set[str]:
        return {who.tenant for who in self if who is not None}

    @property
    def lasts(self) -> bool:
        """Whether policies see no change of it."""
        return self.before is self.after or self.before == self.after


def role(party: EndpointPair) -> Role:
    return Role(party.before and party.before.who, party.after and party.after.who)


def receiving(one: Role) -> Role:
    """The role as one gets packets in it: what a waypoint passes on is nobody to be reached."""
    return Role(*(None if who is None or who.forwarded_by else who for who in one))


class AffectedTenants(NamedTuple):
    """The tenants whose documents, shares or hosts ``changed``, and ``partners``: by tenant, those it may speak to."""

    changed: frozenset[str]
    partners: Mapping[str, set[str]]

    @property
    def tenants(self) -> list[str]:
        """Everybody who may notice."""
        return sorted(set().union(self.changed, *(self.partners[name] for name in self.changed)))


def affected_tenants(old: Snapshot, new: Snapshot) -> AffectedTenants:
    """Whom a change concerns; costs a look at each tenant, no more when it is the very same value."""
    were, are = old.intent.tenants, new.intent.tenants
    names = were.keys() | are.keys()
    changed = {name for name in names if were.get(name) is not are.get(name) and were.get(name) != are.get(name)}
    changed.update(_rehosted(old, new))
    partners: dict[str, set[str]] = {name: {name} for name in names}
    agreed = set(old.intent.agreed), set(new.intent.agreed)
    for share, _, importer in agreed[0] ^ agreed[1]:
        changed |= {share.tenant, importer}
    for share, _, importer in agreed[0] | agreed[1]:
        partners[share.tenant].add(importer)
        partners[importer].add(share.tenant)
    return AffectedTenants(frozenset(changed & names), partners)


def _rehosted(old: Snapshot, new: Snapshot) -> Iterator[str]:
    """Tenants with an endpoint on a host that has other ports now."""
    were, are = old.topology.hosts, new.topology.hosts
    if were is are or were == are:
        return
    other = {name for name in were.keys() | are.keys() if were.get(name) != are.get(name)}
    for side in (old, new):
        for name, tenant in side.intent.tenants.items():
            if any(endpoint.host in other for endpoint in tenant.endpoints.values()):
                yield name


class Paired(NamedTuple):
    """Endpoints before and after, paired as packets see them: those that are ``routed``, those that stay ``near``; and
    as people do: ``named``.

    Packets know no names: a renamed endpoint is the same one, and what a waypoint passes on for others looks as if
    somebody else lived there. To a routed packet an endpoint whose gateway has another MAC address is another one.
    People follow a name to another port or address.
    """

    routed: list[EndpointPair]
    near: list[EndpointPair]
    named: list[EndpointPair]


def endpoint_pairs(old: Snapshot, new: Snapshot, tenants: Iterable[str]) -> Paired:
    """The endpoints of these tenants, paired."""
    names = list(tenants)
    before, after = list(members(*old, names)), list(members(*new, names))
    plain = _by_place(before, after)
    passed = list(waypoint_senders(*old, names)), list(waypoint_senders(*new, names))
    every = before + passed[0], after + passed[1]
    near = _by_place(*every) if any(passed) else plain
    common = all(member.end.router == ROUTER_MAC for member in (*every[0], *every[1]))
    routed = near if common else _paired(*every, lambda member: member.end)
    kept = [party for party in plain if party.before and party.after]
    gone = [party.before for party in plain if party.before and not party.after]
    come = [party.after for party in plain if party.after and not party.before]
    named = kept + _paired(gone, come, lambda member: (member.tenant, member.name, member.number))
    return Paired([party for party in routed if party.told.end.router], near, named)


def _by_place(before: Iterable[EndpointView], after: Iterable[EndpointView]) -> list[EndpointPair]:
    return _paired(before, after, lambda member: member.end.place)


def _paired(
    before: Iterable[EndpointView], after: Iterable[EndpointView], key: Callable[[EndpointView], Hashable]
) -> list[EndpointPair]:
    were = {key(member): member for member in before}
    are = {key(member): member for member in after}
    return [EndpointPair(were.get(one), are.get(one)) for one in dict.fromkeys(chain(were, are))]


class PermissionChange(NamedTuple):
    """What policies newly say of packets from one role to another. ``before`` and ``after``: all that may pass, by the
    waypoint that gets it first (None: straight).

    ``gained`` and ``lost``: by waypoint too. ``rated``: what passes before and after, but with another rate.
    ``turned``: what passes both times, but by another waypoint: (traffic, before, after).
    """

    before: Ways = NO_WAYS
    after: Ways = NO_WAYS
    gained: Ways = NO_WAYS
    lost: Ways = NO_WAYS
    rated: tuple[tuple[Traffic, Rate | None, Rate | None], ...] = ()
    turned: tuple[tuple[Traffic, str | None, str | None], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.rated or self.turned)

    @property
    def came(self) -> Traffic:
        """What newly passes straight."""
        return canonical(minus(self.after.get(None, ()), self.before.get(None, ())))

    @property
    def went(self) -> Traffic:
        """What passes straight no longer."""
        return canonical(minus(self.before.get(None, ()), self.after.get(None, ())))


class PermissionChanges:
    """The shifts between two intents, each worked out once. ``called``: waypoints of the first by their names in the
    second, where these are others."""

    def __init__(self, old: Intent, new: Intent, called: Mapping[str, str] | None = None) -> None:
        self._old, self._new = PolicyTable(old, called), PolicyTable(new)
        self._renamed = bool(called)
        self._plain = PolicyTable(old) if called else self._old, self._new
        self._turned: dict[tuple[Rows, Rows], tuple[Ways, Ways]] = {}
        self._known: dict[tuple[Role, Role], PermissionChange] = {}
        self._stirred: dict[str, frozenset[tuple[str, str]]] = {}
        self._alike: dict[tuple[Rows, Rows], PermissionChange] = {}

    def __call__(self, sender: Role, receiver: Role) -> PermissionChange:
        key = sender, receiver
        if key not in self._known:
            self._known[key] = self._compared(sender, receiver)
        return self._known[key]

    def _compared(self, sender: Role, receiver: Role) -> PermissionChange:
        if sender.lasts and receiver.lasts and not self._disturbed(sender, receiver):
            return PermissionChange()
        key = self._old.rows(sender.before, receiver.before), self._new.rows(sender.after, receiver.after)
        if key not in self._alike:
            self._alike[key] = PermissionChange() if key[0] == key[1] else _shift(verdict(key[0]), verdict(key[1]))
        return self._alike[key]

    def _disturbed(self, sender: Role, receiver: Role) -> bool:
        """Whether anything speaks of packets between these lasting roles that is new, gone or in another place."""
        one, other = sender.before, receiver.before
        if one is None or other is None:
            return False
        if one.tenant != other.tenant:
            return self._old.agreed(one.tenant, other.tenant) != self._new.agreed(one.tenant, other.tenant)
        if self._renamed and any(policy.via for policy in self._old.policies(one.tenant)):
            return True
        if one.tenant not in self._stirred:
            self._stirred[one.tenant] = reordered_groups(self._old.policies(one.tenant), self._new.policies(one.tenant))
        return any(
            (a in one.groups and b in other.groups) or (a in other.groups and b in one.groups)
            for a, b in self._stirred[one.tenant]
        )

    def turned(self, sender: Role, receiver: Role) -> tuple[Ways, Ways]:
        """What goes by waypoints before and after, by their names then and now."""
        rows = self._plain[0].rows(sender.before, receiver.before), self._plain[1].rows(sender.after, receiver.after)
        if rows not in self._turned:
            ways = [by_way(verdict(each)) for each in rows]
            before, after = (
                dict[str | None, Traffic]({via: held for via, held in each.items() if via is not None}) for each in ways
            )
            self._turned[rows] = before, after
        return self._turned[rows]

    def after(self, sender: Role, receiver: Role) -> Traffic:
        """All that may pass after the change."""
        return canonical(permitted(verdict(self._new.rows(sender.after, receiver.after))))


def _shift(was: Verdict, now: Verdict) -> PermissionChange:
    before, after = by_way(was), by_way(now)
    rated = [
        (canonical(both), rate, other)
        for traffic, rate, _ in was
        for held, other, _ in now
        if rate != other and (both := common(traffic, held))
    ]
    turned = [
        (canonical(both), via, other)
        for via, traffic in before.items()
        for other, held in after.items()
        if via != other and (both := common(traffic, held))
    ]
    return PermissionChange(before, after, _beyond(after, was), _beyond(before, now), tuple(rated), tuple(turned))


def _beyond(ways: Ways, others: Verdict) -> Ways:
    """What passes and does not by another verdict, by way."""
    every = permitted(others)
    rest = {via: canonical(minus(traffic, every)) for via, traffic in ways.items()}
    return {via: traffic for via, traffic in rest.items() if traffic}


def pairs(senders: Iterable[Role], receivers: Iterable[Role], who: AffectedTenants) -> Iterator[tuple[Role, Role]]:
    """Every two roles between which a change may matter."""
    by_tenant: dict[str, list[Role]] = {}
    for one in receivers:
        for tenant in one.tenants:
            by_tenant.setdefault(tenant, []).append(one)
    for one in senders:
        partners = sorted(set().union(*(who.partners[tenant] for tenant in one.tenants)))
        touched = not who.changed.isdisjoint(one.tenants)
        near = dict.fromkeys(other for tenant in partners for other in by_tenant.get(tenant, ()))
        yield from ((one, other) for other in near if touched or not who.changed.isdisjoint(other.tenants))
