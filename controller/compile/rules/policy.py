"""Policy rules: (source class, target class, service) -> go on. Classes², never endpoints².

The first policy that takes a packet decides. Neighbouring policies of one verdict share a priority level, so
adding an ``allow`` among others moves no rule; levels part only where the verdict changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.compile.cookie import cookie, policy_path
from clos.controller.compile.numbering import PolicyClass, passer_of
from clos.controller.compile.stages import METER, POLICY, REFUSE, SOURCE, TARGET, VRF, CompileError
from clos.controller.intent.model import ALLOW, Policy, Rate, Service, Tenant
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import Band, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.packet.fields import ETH_IPV4, IP_SCTP, IP_TCP, IP_UDP

TOP = 30_000
"""Priority of the first level; levels go down from here."""

_PORT_FIELDS = {IP_TCP: ("tcp_src", "tcp_dst"), IP_UDP: ("udp_src", "udp_dst"), IP_SCTP: ("sctp_src", "sctp_dst")}
_IP: Term = ("eth_type", ETH_IPV4, None)


class PolicyEntry(NamedTuple):
    """One policy in numbers: from any of ``sources`` to any of ``targets``; ``meter`` limits what it allows.

    ``via``: the waypoint that gets what it allows first. ``passed``: what it says of what waypoints pass on.
    """

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    services: tuple[Service, ...]
    allow: bool
    meter: int | None
    rate: Rate | None
    cookie: int
    via: str | None = None
    passed: tuple[Passed, ...] = ()

    @property
    def verdict(self) -> tuple[object, ...]:
        """What it makes of packets: neighbours that make the same of them are at one level."""
        return self.allow, self.meter, self.via


class Passed(NamedTuple):
    """What a policy says of what one waypoint passes on: for ``sources`` to its targets, for ``targets`` to its
    sources. ``allow``: whether it was the policy that sent it there."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    allow: bool


def holding(group: str, classes: Mapping[PolicyClass, int], passer: str | None = None) -> tuple[int, ...]:
    """The numbers of the classes whose endpoints are in the group; or of what a waypoint passes on for these."""
    return tuple(sorted(n for groups, n in classes.items() if group in groups and passer_of(groups) == passer))


def permits_of(
    tenant: Tenant, classes: Mapping[PolicyClass, int], meters: Mapping[str, int]
) -> tuple[PolicyEntry, ...]:
    """The tenant's own policies in order. Of what a waypoint passes on, no policy after its last need speak."""
    passers: dict[str, None] = {}
    found = []
    for policy in reversed(tenant.policies):
        if policy.via is not None:
            passers[policy.via] = None
        passed = tuple(_passed(policy, passer, classes) for passer in passers)
        found.append(_permit(tenant.name, policy, classes, meters)._replace(passed=passed))
    return tuple(reversed(found))


def _permit(tenant: str, policy: Policy, classes: Mapping[PolicyClass, int], meters: Mapping[str, int]) -> PolicyEntry:
    return PolicyEntry(
        holding(policy.source, classes),
        holding(policy.target, classes),
        policy.services,
        policy.action == ALLOW,
        meters[f"policy.{policy.name}"] if policy.rate else None,
        policy.rate,
        cookie(policy_path(tenant, policy.name)),
        policy.via,
    )


def _passed(policy: Policy, passer: str, classes: Mapping[PolicyClass, int]) -> Passed:
    sources, targets = (holding(group, classes, passer) for group in (policy.source, policy.target))
    return Passed(sources, targets, policy.via == passer)


def policy_block(permits: tuple[PolicyEntry, ...]) -> Block:
    """The policy stage's rules but for those that send packets to waypoints, and the meters they use.

    Raises CompileError when priorities run out.
    """
    rules: dict[tuple[int, Match], Rule] = {}
    for priority, permit in levels(permits):
        way = Instructions(meter=permit.meter, goto=METER.table) if permit.allow else REFUSE
        rows = [(match, way) for match in straight(permit)] if permit.via is None else []
        for passed in permit.passed:
            rows += [(match, way if passed.allow else REFUSE) for match in _passed_on(permit, passed)]
        for match, each in rows:
            key = priority, match
            if key not in rules:
                rules[key] = POLICY.rule(*key, each, permit.cookie)
    meters = {p.meter: meter(p.meter, p.rate) for p in permits if p.meter is not None and p.rate is not None}
    return Block(rules.values(), (), meters.values())


def levels(permits: Iterable[PolicyEntry]) -> Iterator[tuple[int, PolicyEntry]]:
    """Each policy with its priority. Raises CompileError when there are too many changes of verdict."""
    level, verdict = 0, None
    for permit in permits:
        level += verdict is not None and permit.verdict != verdict
        verdict = permit.verdict
        if level >= TOP:
            raise CompileError(f"more than {TOP} changes of verdict in one tenant's policies")
        yield TOP - level, permit


def meter(number: int, rate: Rate) -> Meter:
    """A meter that drops above the rate; the burst is a second's worth unless the intent says otherwise."""
    return Meter(number, (Band(rate.kbps, rate.burst or rate.kbps),))


def straight(permit: PolicyEntry) -> Iterator[Match]:
    """Every match of a policy on what endpoints send: forward, and the replies with the ports mirrored."""
    forward, replies = _sides(permit)
    for source in permit.sources:
        for target in permit.targets:
            there, back = _classes(source, target), _classes(target, source)
            yield from (Match.trusted((there, *terms)) for terms in forward)
            yield from (Match.trusted((back, *terms)) for terms in replies)


def _passed_on(permit: PolicyEntry, passed: Passed) -> Iterator[Match]:
    """Every match of a policy on what a waypoint passes on."""
    forward, replies = _sides(permit)
    for senders, receivers, side in (
        (passed.sources, permit.targets, forward),
        (passed.targets, permit.sources, replies),
    ):
        for sender in senders:
            for receiver in receivers:
                yield from (Match.trusted((_classes(sender, receiver), *terms)) for terms in side)


def _sides(permit: PolicyEntry) -> tuple[list[tuple[Term, ...]], list[tuple[Term, ...]]]:
    """The packets of the services, and those of their answers."""
    forward = [terms for service in permit.services for terms in _terms(service, 1)]
    replies = [terms for service in permit.services for terms in _terms(service, 0)]
    return forward, replies


def _classes(source: int, target: int) -> Term:
    return "metadata", source << SOURCE.shift | target << TARGET.shift, SOURCE.mask | TARGET.mask


def _terms(service: Service, side: int) -> Iterator[tuple[Term, ...]]:
    """The packets of a service; ``side`` 1 looks at destination ports, 0 at source ports."""
    if service.proto is None:
        yield (_IP,)
    elif service.first is None or service.last is None:
        yield _IP, ("ip_proto", service.proto, None)
    else:
        field = _PORT_FIELDS[service.proto][side]
        for value, mask in port_masks(service.first, service.last):
            yield _IP, ("ip_proto", service.proto, None), (field, value, None if mask == 0xFFFF else mask)


def port_masks(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The fewest (value, mask) that together hold exactly ``first``..``last``; mask 0 is never needed but for 0-65535.

    >>> [(v, hex(m)) for v, m in port_masks(6, 11)]
    [(6, '0xfffe'), (8, '0xfffc')]
    """
    while first <= last:
        size = first & -first or 1 << 16
        while first + size - 1 > last:
            size >>= 1
        yield first, 0xFFFF & ~(size - 1)
        first += size


def rate_block(vrf: int, number: int, rate: Rate, why: int) -> Block:
    """The tenant's slice of each leaf: whatever its endpoints send through a leaf shares one meter there."""
    match = Match.trusted((VRF.term(vrf),))
    return Block([METER.rule(10, match, Instructions(meter=number), why)], (), [meter(number, rate)])


def numbers_of(groups: Iterable[str], classes: Mapping[PolicyClass, int]) -> tuple[int, ...]:
    """The class numbers held by any of the groups."""
    return tuple(sorted({number for group in groups for number in holding(group, classes)}))
