"""Policy rules: (source class, target class, service) -> go on. Classes², never endpoints².

The first policy that takes a packet decides. Neighbouring policies of one verdict share a priority level, so
adding an ``allow`` among others moves no rule; levels part only where the verdict changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from controller.compile.cookie import cookie, policy_path
from controller.compile.numbering import Class
from controller.compile.stages import METER, POLICY, REFUSE, SOURCE, TARGET, VRF, CompileError
from controller.intent.model import ALLOW, Policy, Rate, Service, Tenant
from fabric.fields import ETH_IPV4, IP_SCTP, IP_TCP, IP_UDP
from fabric.match import Match, Term
from fabric.rule import Band, Instructions, Meter, Rule
from fabric.ruleset import Block

TOP = 30_000
"""Priority of the first level; levels go down from here."""

_PORT_FIELDS = {IP_TCP: ("tcp_src", "tcp_dst"), IP_UDP: ("udp_src", "udp_dst"), IP_SCTP: ("sctp_src", "sctp_dst")}
_IP: Term = ("eth_type", ETH_IPV4, None)


class Permit(NamedTuple):
    """One policy in numbers: from any of ``sources`` to any of ``targets``; ``meter`` limits what it allows."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    services: tuple[Service, ...]
    allow: bool
    meter: int | None
    rate: Rate | None
    cookie: int


def holding(group: str, classes: Mapping[Class, int]) -> tuple[int, ...]:
    """The numbers of the classes whose endpoints are in the group."""
    return tuple(sorted(number for groups, number in classes.items() if group in groups))


def permits_of(tenant: Tenant, classes: Mapping[Class, int], meters: Mapping[str, int]) -> tuple[Permit, ...]:
    """The tenant's own policies in order."""
    return tuple(_permit(tenant.name, policy, classes, meters) for policy in tenant.policies)


def _permit(tenant: str, policy: Policy, classes: Mapping[Class, int], meters: Mapping[str, int]) -> Permit:
    return Permit(
        holding(policy.source, classes),
        holding(policy.target, classes),
        policy.services,
        policy.action == ALLOW,
        meters[f"policy.{policy.name}"] if policy.rate else None,
        policy.rate,
        cookie(policy_path(tenant, policy.name)),
    )


def policy_block(permits: tuple[Permit, ...]) -> Block:
    """The policy stage's rules, and the meters they use. Raises CompileError when priorities run out."""
    rules: dict[tuple[int, Match], Rule] = {}
    level, verdict = 0, None
    for permit in permits:
        now = permit.allow, permit.meter
        level += verdict is not None and now != verdict
        verdict = now
        if level >= TOP:
            raise CompileError(f"more than {TOP} changes of verdict in one tenant's policies")
        way = Instructions(meter=permit.meter, goto=METER.table) if permit.allow else REFUSE
        for match in _matches(permit):
            key = TOP - level, match
            if key not in rules:
                rules[key] = POLICY.rule(*key, way, permit.cookie)
    meters = {p.meter: meter(p.meter, p.rate) for p in permits if p.meter is not None and p.rate is not None}
    return Block(rules.values(), (), meters.values())


def meter(number: int, rate: Rate) -> Meter:
    """A meter that drops above the rate; the burst is a second's worth unless the intent says otherwise."""
    return Meter(number, (Band(rate.kbps, rate.burst or rate.kbps),))


def _matches(permit: Permit) -> Iterator[Match]:
    """Every match of a policy: forward, and for an allow the replies with the ports mirrored."""
    forward = [terms for service in permit.services for terms in _terms(service, 1)]
    replies = [terms for service in permit.services for terms in _terms(service, 0)] if permit.allow else []
    for source in permit.sources:
        for target in permit.targets:
            there, back = _classes(source, target), _classes(target, source)
            yield from (Match.trusted((there, *terms)) for terms in forward)
            yield from (Match.trusted((back, *terms)) for terms in replies)


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


def numbers_of(groups: Iterable[str], classes: Mapping[Class, int]) -> tuple[int, ...]:
    """The class numbers held by any of the groups."""
    return tuple(sorted({number for group in groups for number in holding(group, classes)}))
