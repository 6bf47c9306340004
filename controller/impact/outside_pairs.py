"""Addresses outside before a change and after it: every stretch of them that both intents treat alike is a party.

Lives here: how they are paired. Must not know: sentences, sets of packets, rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clos.controller.impact.endpoint_pairs import EndpointPair, Snapshot
from clos.controller.impact.policy_classes import EndpointView, Network, PolicyClass, place
from clos.controller.intent.model import Endpoint, Prefix, Tenant
from clos.controller.intent.outside import example, longest
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.topology import Topology

MOST = 3
"""Prefixes that a name has at the most."""

Owners = dict[Prefix, EndpointView | None]
"""Who stands for the addresses of a prefix; None for subnets, and for what is behind an endpoint."""


def outside_pairs(old: Snapshot, new: Snapshot, tenants: Iterable[str]) -> list[EndpointPair]:
    """What stands for addresses outside of these tenants, before and after; each pair once.

    Those that somebody else stands for after the change have their prefixes in their names.
    """
    found: list[EndpointPair] = []
    for name in tenants:
        sides = [side.intent.tenants.get(name) for side in (old, new)]
        if any(tenant is not None and tenant.external for tenant in sides):
            were, are = _owners(sides[0], old.topology), _owners(sides[1], new.topology)
            stretches: dict[EndpointPair, list[Prefix]] = {}
            for prefix, pair in _paired(were, are):
                stretches.setdefault(pair, []).append(prefix)
            found += [_called(pair, prefixes) for pair, prefixes in stretches.items()]
    return found


def _called(pair: EndpointPair, prefixes: list[Prefix]) -> EndpointPair:
    if pair.before is not None and pair.after is not None and pair.before.name == pair.after.name:
        return pair
    which = ", ".join(f"{ipv4_text(base)}/{length}" for base, length in prefixes[:MOST])
    which += ", ..." if len(prefixes) > MOST else ""
    return EndpointPair(*(view and view._replace(name=f"{view.name} ({which})") for view in pair))


def _paired(were: Owners, are: Owners) -> Iterator[tuple[Prefix, EndpointPair]]:
    """Each stretch, and whom it belongs to: nothing that either side has a prefix for differs within one."""
    every = sorted({*were, *are})
    for prefix in every:
        ip = example((prefix,), every)
        if ip is not None:
            before, after = (_owner(side, ip) for side in (were, are))
            if before is not None or after is not None:
                yield prefix, EndpointPair(before, after)


def _owner(side: Owners, ip: int) -> EndpointView | None:
    prefix = longest((ip, 32), side)
    return side[prefix] if prefix is not None else None


def _owners(tenant: Tenant | None, topology: Topology) -> Owners:
    if tenant is None:
        return {}
    found: Owners = {}
    for endpoint in tenant.everyone.values():
        view = _view(tenant, endpoint, topology) if endpoint.outside is not None else None
        found.update(dict.fromkeys(endpoint.routes, view))
    for network in tenant.networks.values():
        found.update(dict.fromkeys(network.subnets if network.gateway is not None else (), None))
    return found


def _view(tenant: Tenant, endpoint: Endpoint, topology: Topology) -> EndpointView:
    groups = frozenset(group.name for group in tenant.groups.values() if group.holds(endpoint))
    network, who = Network(tenant.name, endpoint.network), PolicyClass(tenant.name, groups)
    return EndpointView(endpoint.name, network, who, place(tenant, endpoint, topology), endpoint.host)
