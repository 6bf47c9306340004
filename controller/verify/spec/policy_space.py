"""What policies permit, as sets of packets: worked out from the intent once more, without the compiler.

Lives here: services as limits on packets, and which boxes one endpoint may send another. Must not know: rules,
addresses, places. Group membership is all that matters of an endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.intent.model import ALLOW, Endpoint, Intent, Service, Tenant
from clos.controller.verify.headerspace.header_layouts import IP4
from clos.controller.verify.headerspace.header_space import (
    L4_DST,
    L4_SRC,
    LAYOUT,
    Box,
    HeaderSpace,
    Limits,
    outside,
    within,
)
from clos.controller.verify.headerspace.port_ranges import port_regions

_TRANSPORT = {6: "tcp", 17: "udp", 132: "sctp"}


class PolicyClass(NamedTuple):
    """A tenant, and the groups of it that an endpoint is in.

    ``forwarded_by``: the waypoint that passes its packets on; "" where it sends them itself.
    """

    tenant: str
    groups: frozenset[str]
    forwarded_by: str = ""


Ways = dict[str, tuple[Limits, ...]]
"""The packets that may pass, by the name of the waypoint that gets them first; "" for those that go straight."""


class PolicySpace:
    """The intent's policies over a space. ``before``: another intent's, of which everything is kept that has not
    changed."""

    def __init__(self, intent: Intent, space: HeaderSpace, before: PolicySpace | None = None) -> None:
        self._intent, self._space = intent, space
        self._known: dict[tuple[str, str], dict[tuple[PolicyClass, PolicyClass], Ways]] = {}
        if before is not None:
            same = {name for name, tenant in intent.tenants.items() if before._intent.tenants.get(name) is tenant}
            agreed = before._intent.agreed == intent.agreed
            self._known = {
                ends: known
                for ends, known in before._known.items()
                if same.issuperset(ends) and (agreed or ends[0] == ends[1])
            }

    def who(self, tenant: Tenant, endpoint: Endpoint) -> PolicyClass:
        """What policies see of an endpoint."""
        return PolicyClass(
            tenant.name, frozenset([group.name for group in tenant.groups.values() if group.holds(endpoint)])
        )

    def permitted(self, sender: PolicyClass, receiver: PolicyClass) -> tuple[Limits, ...]:
        """The IPv4 packets that may pass straight from one to the other, as limits that have nothing in common."""
        return self._ways(sender, receiver).get("", ())

    def permits(self) -> Iterator[tuple[Limits, ...]]:
        """All that ``permitted`` has answered."""
        yield ()
        for known in self._known.values():
            yield from (ways[""] for ways in known.values() if "" in ways)

    def detours(self, sender: PolicyClass, receiver: PolicyClass) -> Iterator[tuple[str, tuple[Limits, ...]]]:
        """The same for those that go by a waypoint first: its name, and the packets."""
        yield from ((via, limits) for via, limits in self._ways(sender, receiver).items() if via)

    def _ways(self, sender: PolicyClass, receiver: PolicyClass) -> Ways:
        key = sender, receiver
        known = self._known.setdefault((sender.tenant, receiver.tenant), {})
        if key not in known:
            own = sender.tenant == receiver.tenant
            boxes = self._own(sender, receiver) if own else self._shared(sender, receiver)
            if sender.forwarded_by:
                boxes = {"": boxes.get(sender.forwarded_by, [])}
            known[key] = {via: tuple(map(self._told, some)) for via, some in boxes.items()}
        return known[key]

    def _told(self, box: Box) -> Limits:
        full = self._space.full
        return tuple((slot, box[slot]) for slot in (LAYOUT, L4_SRC, L4_DST) if box[slot] != full[slot])

    def _own(self, sender: PolicyClass, receiver: PolicyClass) -> dict[str, list[Box]]:
        """Within a tenant: the first policy that speaks of a packet, or of it as a reply, decides."""
        rows: list[tuple[str | None, Limits]] = []
        for policy in self._intent.tenants[sender.tenant].policies:
            allow = policy.action == ALLOW
            way = (policy.via or "") if allow else None
            asks = policy.source in sender.groups and policy.target in receiver.groups
            answers = policy.source in receiver.groups and policy.target in sender.groups
            for service in policy.services:
                rows += [(way, self._limits(service, L4_DST))] if asks else []
                rows += [(way, self._limits(service, L4_SRC))] if answers else []
        return self._first(rows)

    def _shared(self, sender: PolicyClass, receiver: PolicyClass) -> dict[str, list[Box]]:
        """Between tenants: what both agreed to, and its answers, but for what an import denies."""
        denied: list[tuple[str | None, Limits]] = []
        rows: list[tuple[str | None, Limits]] = []
        for share, profile, importer in self._intent.agreed:
            for asker, owner, side in ((sender, receiver, L4_DST), (receiver, sender, L4_SRC)):
                speaks = (asker.tenant, owner.tenant) == (importer, share.tenant)
                if speaks and share.group in owner.groups and not asker.groups.isdisjoint(profile.groups):
                    denied += [(None, self._limits(service, side)) for service in profile.deny]
                    rows += [("", self._limits(service, side)) for service in share.services]
        return self._first([*denied, *rows])

    def _first(self, rows: Iterable[tuple[str | None, Limits]]) -> dict[str, list[Box]]:
        """The packets that a row takes before any other row does, by the way it lets them go."""
        left: list[Box] = [self._space.full]
        found: dict[str, list[Box]] = {}
        for way, limits in rows:
            rest: list[Box] = []
            for box in left:
                taken = within(box, limits)
                if taken is not None and way is not None:
                    found.setdefault(way, []).append(taken)
                rest += [box] if taken is None else outside(box, limits)
            left = rest
        return found

    def _limits(self, service: Service, side: int) -> Limits:
        shapes = self._space.shapes
        if service.proto is None:
            return ((LAYOUT, shapes.ip4),)
        if service.first is None or service.last is None:
            return ((LAYOUT, shapes.where(layer=IP4, proto=service.proto)),)
        name = f"{_TRANSPORT[service.proto]}_src"
        ports = 0
        for value, mask in port_regions(service.first, service.last):
            ports |= self._space.domain[side].of(value, mask)
        return (LAYOUT, self._space.reads[name] & shapes.ip4), (side, ports)
