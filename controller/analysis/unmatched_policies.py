"""Policies that never match, because policies before them take every packet they would, or because nobody is meant.

Lives here: which policies and which of their services decide nothing, and why. Must not know: rules, topologies, words
on a terminal.

A policy takes a packet of a service, or a reply to one, and the first that takes a packet decides. Both directions are
decided alike, so it is enough to look at the packets that open a conversation: for every two endpoints that the
policy is about, or rather for every two sets of groups that such endpoints are in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from clos.controller.impact.traffic_sets import (
    EVERYTHING,
    NO_PORT,
    PORTED,
    Box,
    Traffic,
    common,
    minus,
    of_service,
)
from clos.controller.intent.model import Intent, Policy, Service, Tenant

CLIENT_PORTS = (49152, 60999)
"""Ports that clients open conversations from: of RFC 6335 §6 and of Linux, those that are in both ranges."""
_FROM_CLIENTS: Box = (0, 255), (NO_PORT, 0xFFFF), CLIENT_PORTS

PAIRS = 20_000
"""Pairs of sets of groups that are looked at for a policy; one with more is taken to match."""

Groups = frozenset[str]


class Unmatched(NamedTuple):
    """A policy, by its place in its tenant, or one of its services, that decides nothing.

    ``service``: None for the policy as a whole. ``by``: the policies before it that take its packets; none when it is
    about one endpoint alone. ``clients``: only what clients usually open is taken, from CLIENT_PORTS.
    """

    tenant: str
    place: int
    policy: Policy
    service: Service | None
    by: tuple[Policy, ...]
    clients: bool = False


def unmatched(intent: Intent) -> Iterator[Unmatched]:
    """Every policy, and every service of the others, that no packet comes to; in the intent's order."""
    for tenant in intent.tenants.values():
        yield from _Tenant(tenant).unmatched()


class _Taken(NamedTuple):
    """Who takes a service's packets, where policies before it leave none, or none that clients send."""

    by: frozenset[int]
    clients: bool


class _Tenant:
    """One tenant's policies, by the groups they are about; and its endpoints, by the groups they are in."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._sizes = _sizes(tenant)
        self._holding: dict[str, list[Groups]] = {}
        for groups in self._sizes:
            for name in groups:
                self._holding.setdefault(name, []).append(groups)
        self._about: dict[tuple[str, str], list[int]] = {}
        for place, policy in enumerate(tenant.policies):
            self._about.setdefault((policy.source, policy.target), []).append(place)

    def unmatched(self) -> Iterator[Unmatched]:
        name, policies = self._tenant.name, self._tenant.policies
        for place, policy in enumerate(policies):
            pairs = list(islice(self._pairs(policy), PAIRS))
            if len(pairs) == PAIRS:
                continue
            if not pairs:
                yield Unmatched(name, place, policy, None, ())
                continue
            taken = {service: self._taken(place, service, pairs) for service in policy.services}
            lost = [found for found in taken.values() if found is not None]
            if len(lost) == len(taken):
                by = frozenset[int]().union(*(found.by for found in lost))
                clients = any(found.clients for found in lost)
                yield Unmatched(name, place, policy, None, self._named(by), clients)
                continue
            for service, found in taken.items():
                if found is not None:
                    yield Unmatched(name, place, policy, service, self._named(found.by), found.clients)

    def _named(self, places: frozenset[int]) -> tuple[Policy, ...]:
        return tuple(self._tenant.policies[place] for place in sorted(places))

    def _pairs(self, policy: Policy) -> Iterator[tuple[Groups, Groups]]:
        """Who the policy is about: the groups of two different endpoints."""
        for one in self._holding.get(policy.source, ()):
            for other in self._holding.get(policy.target, ()):
                if one != other or self._sizes[one] > 1:
                    yield one, other

    def _taken(self, place: int, service: Service, pairs: list[tuple[Groups, Groups]]) -> _Taken | None:
        """Whether policies before it take all packets of a service, between all pairs; None: they do not."""
        by: set[int] = set()
        clients = False
        for one, other in pairs:
            left: Traffic = common(EVERYTHING, [of_service(service)])
            for before, box in self._before(place, one, other):
                rest = minus(left, [box])
                by |= {before} if rest != left else set()
                left = rest
            if _reachable(left):
                return None
            clients |= bool(left)
        return _Taken(frozenset(by), clients)

    def _before(self, place: int, one: Groups, other: Groups) -> Iterator[tuple[int, Box]]:
        """What policies before a place say of packets from one to the other, in their order."""
        asks = {n for a in one for b in other for n in self._about.get((a, b), ()) if n < place}
        answers = {n for a in other for b in one for n in self._about.get((a, b), ()) if n < place}
        for number in sorted(asks | answers):
            for service in self._tenant.policies[number].services:
                if number in asks:
                    yield number, of_service(service)
                if number in answers:
                    yield number, of_service(service, answers=True)


def _sizes(tenant: Tenant) -> Counter[Groups]:
    """How many endpoints there are of each set of groups, of those that policies are about."""
    spoken = {name for policy in tenant.policies for name in (policy.source, policy.target)}
    groups = [group for group in tenant.groups.values() if group.name in spoken]
    named = {name for group in groups for name in group.names}
    known: dict[tuple[object, ...], Groups] = {}
    found: Counter[Groups] = Counter()
    for endpoint in tenant.everyone.values():
        alike = (endpoint.name if endpoint.name in named else "", endpoint.network, endpoint.labels, endpoint.outside)
        if alike not in known:
            known[alike] = frozenset(group.name for group in groups if group.holds(endpoint))
        found[known[alike]] += 1
    return found


def _reachable(left: Traffic) -> bool:
    """Whether a client would ever send any of this: it has no ports, or comes from a port that clients use."""
    return any(box[0][0] not in PORTED for box in left) or bool(common(left, [_FROM_CLIENTS]))
