"""What two tenants agreed to share, as recipes: routes between their VRFs and the policy for it.

One part per pair of tenants, whatever the direction, so that no two parts write the same route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.compile.cookie import cookie, import_path, share_path
from clos.controller.compile.locate import Located, by_leaf, by_node, leaves_of, without
from clos.controller.compile.numbering import TenantNumbers, share_meter
from clos.controller.compile.recipe import Recipe
from clos.controller.compile.rules import forward, prefixes
from clos.controller.compile.rules.policy import PolicyEntry, holding, numbers_of, policy_block
from clos.controller.intent.model import Import, Intent, Share, Tenant
from clos.fabric.topology import Topology

Agreed = tuple[Share, Import, str]
Pair = tuple[str, str]


class Side(NamedTuple):
    """A tenant as one side of an agreement."""

    tenant: Tenant
    numbers: TenantNumbers
    located: tuple[Located, ...]

    def in_groups(self, groups: Iterable[str]) -> frozenset[str]:
        """Names of the endpoints in any of the groups."""
        chosen = [self.tenant.groups[name] for name in groups]
        return frozenset(
            one.endpoint.name for one in self.located if any(group.holds(one.endpoint) for group in chosen)
        )


def pairs_of(intent: Intent) -> dict[Pair, tuple[Agreed, ...]]:
    """Agreements by the two tenants concerned, the lesser name first."""
    found: dict[Pair, list[Agreed]] = {}
    for agreed in intent.agreed:
        share, _, importer = agreed
        key = (share.tenant, importer) if share.tenant < importer else (importer, share.tenant)
        found.setdefault(key, []).append(agreed)
    return {pair: tuple(rows) for pair, rows in sorted(found.items())}


def concerned(agreed: tuple[Agreed, ...], sides: Mapping[str, Side]) -> dict[str, Side]:
    """Both tenants, each with only those endpoints that some agreement between the two speaks of."""
    members: dict[str, set[str]] = {name: set() for name in sides}
    for share, wish, importer in agreed:
        members[share.tenant] |= sides[share.tenant].in_groups([share.group])
        members[importer] |= sides[importer].in_groups(wish.groups)
    return {
        name: side._replace(located=tuple(one for one in side.located if one.endpoint.name in members[name]))
        for name, side in sides.items()
    }


def share_recipes(
    agreed: tuple[Agreed, ...], sides: Mapping[str, Side], whole: Mapping[str, Side], topology: Topology
) -> Iterator[Recipe]:
    """Every block of one pair of tenants. ``sides``: both by name, with the endpoints ``concerned``; ``whole``: with
    all."""
    first, second = sorted(sides)
    leaves = {name: leaves_of(side.located) for name, side in sides.items()}
    for here, there in ((first, second), (second, first)):
        yield from _routes(here, sides[here].numbers.vrf, leaves[here], sides[there].located, topology)
        yield from _kept_apart(whole[here], whole[there].tenant)
    denies = tuple(_deny(row, sides) for row in agreed if row[1].deny)
    permits = (*denies, *(_permit(row, sides) for row in agreed))
    yield Recipe("policy", policy_block, (permits,), tuple(sorted({*leaves[first], *leaves[second]})))


def _routes(
    here: str, vrf: int, leaves: tuple[str, ...], targets: tuple[Located, ...], topology: Topology
) -> Iterator[Recipe]:
    """Routes in the VRF of ``here`` to endpoints of another tenant, on the leaves where ``here`` may ask for them."""
    for node, at in by_node(targets).items():
        where = without(leaves, topology.members(node))
        inputs = (vrf, topology.nodes[node], tuple(at))
        yield Recipe(f"route/{here}/{node}", forward.route_remote, inputs, where)
    for leaf, at in by_leaf(targets).items():
        if leaf in leaves:
            yield Recipe(f"local/{here}/{leaf}", forward.route_local_block, (vrf, leaf, tuple(at)), (leaf,))


def _kept_apart(here: Side, there: Tenant) -> Iterator[Recipe]:
    """The other tenant's subnets are not behind this one's routers, whatever prefixes are."""
    routers = tuple(one for one in here.located if one.endpoint.routes)
    if not routers:
        return
    routes = tuple(prefix for one in routers for prefix in one.endpoint.routes)
    subnets = prefixes.subnets_of(there)
    name = here.tenant.name
    yield Recipe(f"connected/{name}", prefixes.connected, (here.numbers.vrf, routes, subnets), leaves_of(here.located))
    for leaf, at in by_leaf(routers).items():
        inputs = (leaf, tuple(at), tuple(claim.prefix for claim in subnets))
        yield Recipe(f"apart/{name}/{leaf}", prefixes.refuse_block, inputs, (leaf,))


def _deny(agreed: Agreed, sides: Mapping[str, Side]) -> PolicyEntry:
    """What an import lets no share of the two tenants permit."""
    _, wish, importer = agreed
    why = cookie(import_path(importer, wish.tenant, wish.share))
    entry = _permit(agreed, sides)
    return entry._replace(services=wish.deny, allow=False, meter=None, rate=None, cookie=why)


def _permit(agreed: Agreed, sides: Mapping[str, Side]) -> PolicyEntry:
    share, wish, importer = agreed
    exporter = sides[share.tenant].numbers
    return PolicyEntry(
        numbers_of(wish.groups, sides[importer].numbers.classes),
        holding(share.group, exporter.classes),
        share.services,
        True,
        exporter.meters[share_meter(share.name, importer)] if share.rate else None,
        share.rate,
        cookie(share_path(share.tenant, share.name)),
    )
