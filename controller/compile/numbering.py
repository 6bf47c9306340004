"""Numbers that rules need and intents do not have: VRFs, segments, classes, segment tags, meters.

``allocate`` is a pure function of the intent, the topology and the numbering before, so a revision keeps
its numbers for life, and compiling step by step gives what compiling at once gives. A number that a change
frees is not given away within that change: old and new rules never meet under one number.

Lives here: the numbers and how they are chosen. Must not know: rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from clos.controller.compile.stages import SEGMENT, SOURCE, VRF, CompileError
from clos.controller.intent.model import Endpoint, Intent, Tenant
from clos.fabric.topology import Topology

PolicyClass = tuple[str, ...]
"""An endpoint's class: the sorted names of the groups that hold it. Policy knows endpoints only by class.

What a waypoint passes on is of a class of its own: the sender's, with ``via NAME`` at the end.
"""

_VIA = "via "

K = TypeVar("K")

MAX_SEGMENT_TAG = 4094
MAX_METER = 0xFFFF
_OWN_METERS = 3
"""The last numbers, which the fabric's own meters have."""


class TenantNumbers(NamedTuple):
    """The numbers of one tenant. ``tags``: domain -> network -> inner VLAN id, unique within the domain.

    ``meters``: what is limited -> meter number: ``policy.NAME``, ``share.NAME.IMPORTER``, ``rate`` (the tenant).
    """

    vrf: int
    segments: Mapping[str, int]
    classes: Mapping[PolicyClass, int]
    tags: Mapping[str, Mapping[str, int]]
    meters: Mapping[str, int]


Numbering = Mapping[str, TenantNumbers]
"""Numbers by tenant name."""


class Needs(NamedTuple):
    """What a tenant needs numbers for, each sorted."""

    segments: tuple[str, ...]
    classes: tuple[PolicyClass, ...]
    tags: tuple[tuple[str, tuple[str, ...]], ...]
    meters: tuple[str, ...]


def classes_of(tenant: Tenant) -> dict[str, PolicyClass]:
    """The class of every endpoint of the tenant."""
    named = [group for group in tenant.groups.values() if group.names]
    broad = [group for group in tenant.groups.values() if not group.names]
    known: dict[tuple[object, ...], list[str]] = {}
    found: dict[str, PolicyClass] = {}
    for endpoint in tenant.everyone.values():
        kind = endpoint.network, endpoint.labels, endpoint.outside
        by_kind = known.get(kind)
        if by_kind is None:
            by_kind = known[kind] = [group.name for group in broad if group.holds(endpoint)]
        own = [group.name for group in named if group.holds(endpoint)]
        found[endpoint.name] = tuple(sorted(by_kind + own))
    return found


def passed_by(waypoint: str, klass: PolicyClass) -> PolicyClass:
    """The class of what a waypoint passes on for endpoints of a class; no group has a name with a space in it."""
    return (*klass, _VIA + waypoint)


def passer_of(klass: PolicyClass) -> str | None:
    """The waypoint that passes packets of this class on; None for a class of endpoints."""
    return klass[-1].removeprefix(_VIA) if klass and klass[-1].startswith(_VIA) else None


def passed_classes(tenant: Tenant, classes: Iterable[PolicyClass]) -> Iterator[PolicyClass]:
    """The classes of what the tenant's waypoints pass on: for whoever is in the groups of policies that name them."""
    every = sorted(set(classes))
    groups: dict[str, set[str]] = {}
    for policy in tenant.policies:
        if policy.via is not None:
            groups.setdefault(policy.via, set()).update((policy.source, policy.target))
    for waypoint, concerned in groups.items():
        yield from (passed_by(waypoint, klass) for klass in every if not concerned.isdisjoint(klass))


def domains_of(endpoint: Endpoint, topology: Topology) -> str:
    """The numbering domain an endpoint is delivered in."""
    return topology.domain_of(topology.hosts[endpoint.host].ports[0].switch)


def needs(tenant: Tenant, classes: Mapping[str, PolicyClass], shares: Iterable[str], topology: Topology) -> Needs:
    """What the tenant needs numbers for; ``shares``: its agreed shares with a rate, as ``share.NAME.IMPORTER``."""
    tags: dict[str, set[str]] = {}
    for endpoint in tenant.everyone.values():
        tags.setdefault(domains_of(endpoint, topology), set()).add(endpoint.network)
    metered = [f"policy.{policy.name}" for policy in tenant.policies if policy.rate]
    metered += [*shares, *(["rate"] if tenant.rate else [])]
    return Needs(
        tuple(sorted(tenant.networks)),
        tuple(sorted({*classes.values(), *passed_classes(tenant, classes.values())})),
        tuple((domain, tuple(sorted(networks))) for domain, networks in sorted(tags.items())),
        tuple(sorted(metered)),
    )


def allocate(
    intent: Intent, topology: Topology, before: Numbering, classes: Mapping[str, Mapping[str, PolicyClass]]
) -> dict[str, TenantNumbers]:
    """Numbers for every tenant; those of ``before`` are kept wherever they are still needed.

    ``classes``: the classes of the endpoints of every tenant, by tenant; tenants the caller knows to be as they
    were may be left out, which is only a short cut. Raises CompileError when a kind of number runs out.
    """
    rated: dict[str, set[str]] = {}
    for share, _, importer in intent.agreed:
        if share.rate:
            rated.setdefault(share.tenant, set()).add(share_meter(share.name, importer))
    found = {}
    free = _Free(before)
    for name in sorted(intent.tenants):
        shares = rated.get(name, set())
        if name not in classes and shares == {key for key in before[name].meters if key.startswith("share.")}:
            found[name] = before[name]
        else:
            tenant = intent.tenants[name]
            want = needs(tenant, classes.get(name) or classes_of(tenant), shares, topology)
            found[name] = _numbers(name, want, before.get(name), free)
    return found


def share_meter(share: str, importer: str) -> str:
    """The key of the meter of a share as one importer uses it."""
    return f"share.{share}.{importer}"


def _numbers(tenant: str, want: Needs, old: TenantNumbers | None, free: _Free) -> TenantNumbers:
    empty: Mapping[str, int] = {}
    return TenantNumbers(
        old.vrf if old else free.take("VRFs", VRF.limit),
        _keep(want.segments, old.segments if old else empty, free, "segments", SEGMENT.limit),
        _keep(want.classes, old.classes if old else {}, free, "endpoint classes", SOURCE.limit),
        {
            domain: _keep(
                networks, old.tags.get(domain, empty) if old else empty, free, f"tags {domain}", MAX_SEGMENT_TAG + 1
            )
            for domain, networks in want.tags
        },
        _keep(want.meters, old.meters if old else empty, free, "meters", MAX_METER + 1 - _OWN_METERS),
    )


def _keep(want: Iterable[K], old: Mapping[K, int], free: _Free, kind: str, limit: int) -> dict[K, int]:
    """The wanted keys with their old numbers, or new ones."""
    return {key: old[key] if key in old else free.take(kind, limit) for key in want}


class _Free:
    """Hands out, per kind, the lowest numbers that the numbering before did not use."""

    def __init__(self, before: Numbering) -> None:
        self._before = before
        self._used: dict[str, set[int]] = {}
        self._next: dict[str, int] = {}

    def take(self, kind: str, limit: int) -> int:
        used = self._used.get(kind)
        if used is None:
            used = self._used[kind] = self._collect(kind)
        number = self._next.get(kind, 1)
        while number in used:
            number += 1
        if number >= limit:
            raise CompileError(f"out of {kind}: all {limit - 1} numbers are in use")
        self._next[kind] = number + 1
        return number

    def _collect(self, kind: str) -> set[int]:
        every = self._before.values()
        if kind == "VRFs":
            return {numbers.vrf for numbers in every}
        if kind == "segments":
            return {n for numbers in every for n in numbers.segments.values()}
        if kind == "endpoint classes":
            return {n for numbers in every for n in numbers.classes.values()}
        if kind == "meters":
            return {n for numbers in every for n in numbers.meters.values()}
        domain = kind.removeprefix("tags ")
        return {n for numbers in every for n in numbers.tags.get(domain, {}).values()}


def to_json(numbering: Numbering) -> str:
    """The numbering as JSON text, byte-stable."""
    return json.dumps(
        {
            name: {
                "vrf": n.vrf,
                "segments": n.segments,
                "classes": [[list(groups), number] for groups, number in n.classes.items()],
                "tags": n.tags,
                "meters": n.meters,
            }
            for name, n in numbering.items()
        },
        sort_keys=True,
    )


def from_json(text: str) -> dict[str, TenantNumbers]:
    """The inverse of ``to_json``. Raises ValueError for anything else."""
    try:
        return {
            name: TenantNumbers(
                row["vrf"],
                row["segments"],
                {tuple(groups): number for groups, number in row["classes"]},
                row["tags"],
                row["meters"],
            )
            for name, row in json.loads(text).items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a numbering: {error!r}") from None
