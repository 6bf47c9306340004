"""Endpoints by the shortest true name: a group when they are exactly a group, else themselves, cut short.

Must not know: what is said of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from clos.controller.impact.endpoint_pairs import EndpointPair
from clos.controller.impact.policy_classes import EndpointView
from clos.controller.intent.model import Intent

MOST = 4
"""Names written out in a row."""


class Named(NamedTuple):
    """``data``: ``{"name", "endpoints"}``, the endpoints all of them."""

    text: str
    data: dict[str, Any]


def some(names: Iterable[str]) -> str:
    """Names in a row; beyond ``MOST``, the first and how many more."""
    held = list(names)
    if len(held) <= MOST:
        return ", ".join(held)
    return f"{', '.join(held[: MOST - 1])} and {len(held) - MOST + 1:,} more"


class Names:
    """The groups of two intents, by who is in them. ``named``: everybody of the tenants concerned."""

    def __init__(self, old: Intent, new: Intent, named: Iterable[EndpointPair]) -> None:
        held = list(named)
        self._intents = old, new
        self._members: tuple[dict[str, list[EndpointView]], dict[str, list[EndpointView]]] = ({}, {})
        for side, everybody in enumerate(self._members):
            for member in (party[side] for party in held):
                if member is not None:
                    everybody.setdefault(member.tenant, []).append(member)
        self._groups: dict[tuple[int, str], dict[frozenset[str], str]] = {}

    def of(self, some_parties: Iterable[EndpointPair], before: bool = False) -> Named:
        """The name of some parties, as they are called after the change (or before it)."""
        side = 0 if before else 1
        by_tenant: dict[str, list[str]] = {}
        for party in some_parties:
            member = party[side] or party.told
            by_tenant.setdefault(member.tenant, []).append(member.name)
        text = ", ".join(self._of_tenant(side, tenant, sorted(set(held))) for tenant, held in sorted(by_tenant.items()))
        every = [f"{tenant}/{name}" for tenant, held in sorted(by_tenant.items()) for name in sorted(set(held))]
        return Named(text, {"name": text, "endpoints": every})

    def _of_tenant(self, side: int, tenant: str, held: list[str]) -> str:
        groups = self._groups_of(side, tenant)
        wanted = frozenset(held)
        exact = groups.get(wanted)
        if exact is not None:
            return f"{tenant}/{exact}"
        if wanted == {member.name for member in self._members[side].get(tenant, ())}:
            return f"{tenant} (all)"
        parts = list(_cover(groups, wanted))
        if len(held) > 2 and 1 < len(parts) <= MOST and frozenset().union(*(names for names, _ in parts)) == wanted:
            return f"{tenant}/{'+'.join(sorted(name for _, name in parts))}"
        return some(f"{tenant}/{name}" for name in held)

    def _groups_of(self, side: int, tenant: str) -> dict[frozenset[str], str]:
        """A tenant's groups by who is in them; of groups that are the same, the one policies speak of."""
        key = side, tenant
        if key not in self._groups:
            found: dict[frozenset[str], str] = {}
            for name in _in_use(self._intents[side], tenant):
                inside = (m.name for m in self._members[side].get(tenant, ()) if name in m.who.groups)
                found.setdefault(frozenset(inside), name)
            self._groups[key] = found
        return self._groups[key]


def _in_use(intent: Intent, tenant: str) -> dict[str, None]:
    """The names of a tenant's groups, those that policies and shares speak of first."""
    held = intent.tenants.get(tenant)
    if held is None:
        return {}
    spoken = [name for policy in held.policies for name in (policy.source, policy.target)]
    spoken += [share.group for share in intent.shares.values() if share.tenant == tenant]
    spoken += [name for profile in held.imports for name in profile.groups]
    return dict.fromkeys((*spoken, *held.groups))


def _cover(groups: dict[frozenset[str], str], wanted: frozenset[str]) -> Iterator[tuple[frozenset[str], str]]:
    """Groups within the wanted that together come as close to it as such groups can, the largest first."""
    left = wanted
    for inside, name in sorted(groups.items(), key=lambda row: (-len(row[0]), row[1])):
        if inside <= wanted and inside & left:
            left -= inside
            yield inside, name
