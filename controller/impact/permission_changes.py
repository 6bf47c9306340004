"""What policies newly permit and refuse, in the words policies are written in: from which endpoints to which, what.

Lives here: gathering shifts between classes into few statements. Must not know: how names are told, rules.
A service implies its answers, so a statement about a service says nothing of these unless they part company.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.impact.changed_flows import grouped, rectangles
from clos.controller.impact.endpoint_pairs import (
    AffectedTenants,
    EndpointPair,
    PermissionChange,
    PermissionChanges,
    Role,
    pairs,
    role,
)
from clos.controller.impact.service_names import ServiceTerm, service_terms
from clos.controller.intent.model import Rate

PERMITS, REFUSES, LIMITS, TURNS = "permits", "refuses", "limits", "turns"

Vias = tuple[str | None, str | None]
"""The waypoint before and after; None: none."""


class Statement(NamedTuple):
    """One word about packets; their answers fare alike.

    ``rates``: the limit before and after, where that is all that changes. ``vias``: the waypoint before and after.
    """

    kind: str
    word: ServiceTerm
    rates: tuple[Rate | None, Rate | None] = (None, None)
    vias: Vias = (None, None)


class Permission(NamedTuple):
    """Statements that hold of all packets from ``senders`` to ``receivers``; with ``mutual``, of those back as well."""

    kind: str
    senders: tuple[EndpointPair, ...]
    receivers: tuple[EndpointPair, ...]
    words: tuple[ServiceTerm, ...]
    rates: tuple[Rate | None, Rate | None] = (None, None)
    mutual: bool = False
    vias: Vias = (None, None)


Pair = tuple[Role, Role]
Said = dict[Statement, list[Pair]]


def permissions(named: Iterable[EndpointPair], who: AffectedTenants, shifts: PermissionChanges) -> list[Permission]:
    """Every change of what may pass between parties as people know them."""
    roles = grouped((role(party), party) for party in named)
    said: Said = {}
    for pair in pairs(roles, roles, who):
        alone = pair[0] == pair[1] and len(roles[pair[0]]) == 1 and not _in_company(pair[0], roles)
        for statement in _statements(pair, shifts):
            if not alone or any(statement.vias):
                said.setdefault(statement, []).append(pair)
    return _merged(_without_answers(said), roles)


def _in_company(one: Role, roles: Iterable[Role]) -> bool:
    """Whether others have the role's tenants: then what it may send itself, nobody's business, rounds off a group."""
    return any(other != one and not other.tenants.isdisjoint(one.tenants) for other in roles)


def _statements(pair: Pair, shifts: PermissionChanges) -> Iterator[Statement]:
    shift = shifts(*pair)
    if not shift:
        return
    for via, gained in shift.gained.items():
        for word in service_terms(gained, shift.after[via]):
            yield Statement(PERMITS, word, vias=(None, via))
    for via, lost in shift.lost.items():
        yield from (Statement(REFUSES, word, vias=(via, None)) for word in service_terms(lost, shift.before[via]))
    for both, was, now in shift.turned:
        yield from (Statement(TURNS, word, vias=(was, now)) for word in service_terms(both, both))
    yield from _limits(shift)


def _limits(shift: PermissionChange) -> Iterator[Statement]:
    by_rates = grouped(((was, now), box) for traffic, was, now in shift.rated for box in traffic)
    for rates, boxes in by_rates.items():
        yield from (Statement(LIMITS, word, rates) for word in service_terms(tuple(boxes), tuple(boxes)))


def _without_answers(said: Said) -> Said:
    """What is said of answers is left out where the same is said of the service they answer."""
    services: dict[tuple[str, ServiceTerm, object, Vias], set[Pair]] = {}
    for statement, related in said.items():
        if statement.word.asks:
            services.setdefault(_apart(statement), set()).update(related)
    found: Said = {}
    for statement, related in said.items():
        if not statement.word.asks:
            asked = services.get(_apart(statement), set())
            related = [(sender, receiver) for sender, receiver in related if (receiver, sender) not in asked]
        if related:
            found[statement] = related
    return found


def _apart(one: Statement) -> tuple[str, ServiceTerm, object, Vias]:
    """What a statement and one about the answers have in common."""
    return one.kind, one.word.service, one.rates, one.vias


Ends = tuple[Role, ...]


class Product(NamedTuple):
    """All pairs of senders and receivers; with ``mutual``, those of receivers and senders as well."""

    senders: Ends
    receivers: Ends
    mutual: bool = False


Key = tuple[str, Product, tuple[Rate | None, Rate | None], Vias]


def _merged(said: Said, roles: dict[Role, list[EndpointPair]]) -> list[Permission]:
    """Statements about the same senders and receivers together."""
    rows: dict[Key, list[ServiceTerm]] = {}
    alone = {one for one, held in roles.items() if len(held) == 1}
    for statement, related in said.items():
        single = set[Role]() if any(statement.vias) else alone
        for product in _products(related, single, statement.word == statement.word.answer):
            key = statement.kind, product, statement.rates, statement.vias
            rows.setdefault(key, []).append(statement.word)
    found = []
    for (kind, product, rates, vias), held in rows.items():
        senders, receivers = (tuple(p for one in ends for p in roles[one]) for ends in product[:2])
        found.append(Permission(kind, senders, receivers, tuple(held), rates, product.mutual, vias))
    return found


def _products(related: list[Pair], alone: set[Role], symmetric: bool) -> list[Product]:
    """Pairs as products: first within two tenants, for so they are written, then several of these as one.

    What somebody ``alone`` in a role sends to the same role is nobody's business: it may be in several, or in none.
    """
    own = {one for one, other in related if one == other and one in alone}
    apart = grouped(((_tenants(pair[0]), _tenants(pair[1])), pair) for pair in related)
    found = []
    for ones, others in (product for some in apart.values() for product in rectangles(some)):
        senders = {*ones, *(others if len(others) == 1 and others[0] in own else ())}
        receivers = {*others, *(ones if len(ones) == 1 and ones[0] in own else ())}
        if len(senders | receivers) > 1 or senders.isdisjoint(alone):
            found.append(Product(_ends(senders), _ends(receivers)))
    return _joined(_both_ways(found) if symmetric else found)


def _both_ways(products: list[Product]) -> list[Product]:
    """Products of which each is there in both directions as one that is mutual."""
    every, found = set(products), []
    for one in products:
        back = Product(one.receivers, one.senders)
        if back not in every or one == back:
            found.append(one)
        elif list(map(_order, one.senders)) < list(map(_order, one.receivers)):
            found.append(one._replace(mutual=True))
    return found


def _joined(products: list[Product]) -> list[Product]:
    """Products with the same receivers as one, then those with the same senders."""
    by_receivers = grouped(((one.receivers, one.mutual), one.senders) for one in products)
    found = [Product(_every(held), receivers, mutual) for (receivers, mutual), held in by_receivers.items()]
    by_senders = grouped(((one.senders, one.mutual), one.receivers) for one in found)
    return [Product(senders, _every(held), mutual) for (senders, mutual), held in by_senders.items()]


def _every(held: list[Ends]) -> Ends:
    return _ends({one for ends in held for one in ends})


def _tenants(one: Role) -> tuple[str, ...]:
    return tuple(who.tenant if who else "" for who in one)


def _ends(some: Iterable[Role]) -> Ends:
    return tuple(sorted(some, key=_order))


def _order(one: Role) -> tuple[tuple[str, list[str]], ...]:
    return tuple((who.tenant, sorted(who.groups)) if who else ("", []) for who in one)
