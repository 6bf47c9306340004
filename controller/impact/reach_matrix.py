"""Who may reach whom: what policies and shares come to, between the classes of endpoints they make.

Lives here: verdicts of an intent as rows of words. Must not know: rules, changes, how rows are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.impact.policy_classes import PolicyClass, PolicyTable, verdict
from clos.controller.impact.service_names import service_terms
from clos.controller.intent.model import EVERYONE, JOINED, Intent, Rate, Tenant


class Class(NamedTuple):
    """Endpoints of a tenant that policies and shares do not tell apart: ``groups``, those of them that any names.

    ``outside``: it stands for addresses outside the fabric.
    """

    tenant: str
    groups: tuple[str, ...]
    endpoints: tuple[str, ...]
    outside: bool = False

    def __str__(self) -> str:
        own = [name for name in self.groups if JOINED not in name and name not in EVERYONE]
        rest = "addresses outside" if self.outside else "everyone else"
        return f"{self.tenant}/{'+'.join(own) or rest}"


class Way(NamedTuple):
    """Services that one class may open to another, the limit on them, and the waypoint that they pass."""

    services: tuple[str, ...]
    rate: Rate | None
    via: str | None


class Reach(NamedTuple):
    source: Class
    target: Class
    ways: tuple[Way, ...]


class ReachMatrix(NamedTuple):
    """``classes`` in the intent's order; of other tenants than those asked for, ``tenants``, only who is met.

    ``reach``: every pair of them of which the one may open anything to the other. A class may be in a pair with itself:
    of its endpoints each with each other.
    """

    classes: tuple[Class, ...]
    reach: tuple[Reach, ...]
    tenants: frozenset[str]


def reach_matrix(intent: Intent, tenants: Iterable[str] = ()) -> ReachMatrix:
    """What an intent permits; ``tenants``: only what concerns any of these, if there are any."""
    wanted = set(tenants) or intent.tenants.keys()
    spoken = _spoken(intent)
    classes = [each for tenant in intent.tenants.values() for each in _classes(tenant, spoken[tenant.name])]
    table = PolicyTable(intent)
    found = tuple(_reach(classes, table, wanted))
    met = {end for reach in found for end in (reach.source, reach.target)}
    return ReachMatrix(
        tuple(each for each in classes if each.tenant in wanted or each in met), found, frozenset(wanted)
    )


def _reach(classes: list[Class], table: PolicyTable, wanted: Iterable[str]) -> Iterator[Reach]:
    for source in classes:
        for target in classes:
            concerned = source.tenant in wanted or target.tenant in wanted
            if concerned and (source is not target or len(source.endpoints) > 1):
                ways = tuple(_ways(source, target, table))
                if ways:
                    yield Reach(source, target, ways)


def _ways(source: Class, target: Class, table: PolicyTable) -> Iterator[Way]:
    sender, receiver = (PolicyClass(each.tenant, frozenset(each.groups)) for each in (source, target))
    services: dict[tuple[Rate | None, str | None], list[str]] = {}
    for traffic, rate, via in verdict(table.rows(sender, receiver)):
        words = (str(word) for word in service_terms(traffic, traffic) if word.asks)
        services.setdefault((rate, via), []).extend(words)
    yield from (Way(tuple(dict.fromkeys(words)), rate, via) for (rate, via), words in services.items() if words)


def _spoken(intent: Intent) -> dict[str, set[str]]:
    """The groups of each tenant that a policy, a share or an import names."""
    found = {
        tenant.name: {
            name
            for policy in tenant.policies
            for end in (policy.source, policy.target)
            for name in (end, *end.split(JOINED))
        }
        for tenant in intent.tenants.values()
    }
    for share, wish, importer in intent.agreed:
        found[share.tenant].add(share.group)
        found[importer].update(wish.groups)
    return found


def _classes(tenant: Tenant, spoken: set[str]) -> Iterator[Class]:
    held: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for endpoint in tenant.everyone.values():
        groups = tuple(name for name, group in tenant.groups.items() if name in spoken and group.holds(endpoint))
        held.setdefault((groups, endpoint.outside is not None), []).append(endpoint.name)
    yield from (Class(tenant.name, groups, tuple(names), outside) for (groups, outside), names in held.items())
