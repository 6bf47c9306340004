"""What policies permit, as sets of packets: worked out from the intent once more, without the compiler.

Lives here: services as limits on packets, and which boxes one endpoint may send another. Must not know: rules,
addresses, places. Group membership is all that matters of an endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controller.intent.model import ALLOW, Endpoint, Intent, Service, Tenant
from controller.verify.domain import Region
from controller.verify.shapes import IP4
from controller.verify.space import L4_DST, L4_SRC, SHAPE, Box, Limits, Space, outside, within

_TRANSPORT = {6: "tcp", 17: "udp", 132: "sctp"}

Who = tuple[str, frozenset[str]]
"""A tenant and the groups of it that an endpoint is in."""


def port_regions(first: int, last: int) -> Iterator[Region]:
    """The largest aligned blocks of 16-bit values that make up a range."""
    while first <= last:
        bits = min((first & -first).bit_length() - 1 if first else 16, (last - first + 1).bit_length() - 1)
        yield first, 0xFFFF & ~((1 << bits) - 1)
        first += 1 << bits


def every_service(intent: Intent) -> Iterator[Service]:
    for tenant in intent.tenants.values():
        for policy in tenant.policies:
            yield from policy.services
    for share in intent.shares.values():
        yield from share.services


class Services:
    """The intent's policies over a space. ``before``: another intent's, of which everything is kept that has not
    changed."""

    def __init__(self, intent: Intent, space: Space, before: Services | None = None) -> None:
        self._intent, self._space = intent, space
        self._known: dict[tuple[str, str], dict[tuple[Who, Who], tuple[Limits, ...]]] = {}
        if before is not None:
            same = {name for name, tenant in intent.tenants.items() if before._intent.tenants.get(name) is tenant}
            agreed = before._intent.agreed == intent.agreed
            self._known = {
                ends: known
                for ends, known in before._known.items()
                if same.issuperset(ends) and (agreed or ends[0] == ends[1])
            }

    def who(self, tenant: Tenant, endpoint: Endpoint) -> Who:
        """What policies see of an endpoint."""
        return tenant.name, frozenset([group.name for group in tenant.groups.values() if group.holds(endpoint)])

    def permitted(self, sender: Who, receiver: Who) -> tuple[Limits, ...]:
        """The IPv4 packets that may pass from one to the other, as limits that have nothing in common."""
        key = sender, receiver
        known = self._known.setdefault((sender[0], receiver[0]), {})
        if key not in known:
            boxes = self._own(sender, receiver) if sender[0] == receiver[0] else self._shared(sender, receiver)
            full = self._space.full
            known[key] = tuple(
                tuple((slot, box[slot]) for slot in (SHAPE, L4_SRC, L4_DST) if box[slot] != full[slot]) for box in boxes
            )
        return known[key]

    def _own(self, sender: Who, receiver: Who) -> list[Box]:
        """Within a tenant: the first policy that speaks of a packet decides; an allow speaks of replies too."""
        rows: list[tuple[bool, Limits]] = []
        for policy in self._intent.tenants[sender[0]].policies:
            allow = policy.action == ALLOW
            asks = policy.source in sender[1] and policy.target in receiver[1]
            answers = allow and policy.source in receiver[1] and policy.target in sender[1]
            for service in policy.services:
                rows += [(allow, self._limits(service, L4_DST))] if asks else []
                rows += [(allow, self._limits(service, L4_SRC))] if answers else []
        return self._first(rows)

    def _shared(self, sender: Who, receiver: Who) -> list[Box]:
        """Between tenants: what both agreed to, and its answers."""
        rows: list[tuple[bool, Limits]] = []
        for share, wish, importer in self._intent.agreed:
            for asker, owner, side in ((sender, receiver, L4_DST), (receiver, sender, L4_SRC)):
                speaks = (asker[0], owner[0]) == (importer, share.tenant)
                if speaks and share.group in owner[1] and not asker[1].isdisjoint(wish.groups):
                    rows += [(True, self._limits(service, side)) for service in share.services]
        return self._first(rows)

    def _first(self, rows: Iterable[tuple[bool, Limits]]) -> list[Box]:
        """The packets that an allowing row takes before any other row does."""
        left, found = [self._space.full], []
        for allow, limits in rows:
            rest: list[Box] = []
            for box in left:
                taken = within(box, limits)
                if taken is not None and allow:
                    found.append(taken)
                rest += [box] if taken is None else outside(box, limits)
            left = rest
        return found

    def _limits(self, service: Service, side: int) -> Limits:
        shapes = self._space.shapes
        if service.proto is None:
            return ((SHAPE, shapes.ip4),)
        if service.first is None or service.last is None:
            return ((SHAPE, shapes.where(layer=IP4, proto=service.proto)),)
        name = f"{_TRANSPORT[service.proto]}_src"
        ports = 0
        for value, mask in port_regions(service.first, service.last):
            ports |= self._space.domain[side].of(value, mask)
        return (SHAPE, self._space.reads[name] & shapes.ip4), (side, ports)
