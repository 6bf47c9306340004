"""One tenant's part of the ruleset, as recipes."""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.compile.cookie import cookie, tenant_path
from clos.controller.compile.locate import Located, by_leaf, by_network, by_node, leaves_of, without
from clos.controller.compile.numbering import TenantNumbers
from clos.controller.compile.recipe import Recipe
from clos.controller.compile.rules import admit, broadcast, forward, legacy, prefixes, waypoint
from clos.controller.compile.rules import policy as permit
from clos.controller.intent.model import Network, Prefix, Tenant
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.topology import Topology


def tenant_recipes(
    tenant: Tenant, located: tuple[Located, ...], numbers: TenantNumbers, topology: Topology
) -> Iterator[Recipe]:
    """Every block of the tenant. ``located``: its endpoints, as ``locate`` gives them."""
    everywhere = leaves_of(located)
    networks = by_network(located)
    for name, network in tenant.networks.items():
        yield from _network(tenant.name, network, tuple(networks.get(name, ())), numbers, everywhere, topology)
    for node, there in by_node(located).items():
        inputs = (numbers.vrf, topology.nodes[node], tuple(there))
        yield Recipe(f"route/{node}", forward.route_remote, inputs, without(everywhere, topology.members(node)))
    routes = tuple(prefix for one in located for prefix in one.endpoint.routes)
    subnets = prefixes.subnets_of(tenant) if routes else ()
    claims = (*routes, *(claim.prefix for claim in subnets))
    if routes:
        yield Recipe("connected", prefixes.connected, (numbers.vrf, routes, subnets), everywhere)
    for leaf, here in by_leaf(located).items():
        yield Recipe(f"local/{leaf}", _local, (tenant.name, numbers.vrf, leaf, tuple(here), claims), (leaf,))
        if any(one.legacy for one in here):
            behind = legacy.attached(tenant.networks, leaf, tuple(here))
            yield Recipe(f"control/{leaf}", legacy.control_block, (tenant.name, behind), (leaf,))
        peer = _peer_tag(leaf, topology)
        yield Recipe(f"deliver/{leaf}", forward.deliver, (leaf, peer, tuple(here)), (leaf,))
    permits = permit.permits_of(tenant, numbers.classes, numbers.meters)
    yield Recipe("policy", permit.policy_block, (permits,), everywhere)
    yield from waypoint.recipes(tenant, located, permits, numbers, everywhere, topology)
    if tenant.rate:
        inputs_rate = (numbers.vrf, numbers.meters["rate"], tenant.rate, cookie(tenant_path(tenant.name)))
        yield Recipe("rate", permit.rate_block, inputs_rate, everywhere)


def _local(tenant: str, vrf: int, leaf: str, here: tuple[Located, ...], claims: tuple[Prefix, ...]) -> Block:
    """Everything ingress that only this leaf has: its host ports and the ways to its own endpoints."""
    return Block(
        admit.port_rules(tenant, leaf, here)
        + admit.admit_rules(leaf, here)
        + forward.bridge_local(leaf, here)
        + forward.route_local(vrf, leaf, here)
        + list(legacy.silent_rules(leaf, here))
        + list(prefixes.admit_rules(leaf, here, claims))
    )


def _network(
    tenant: str,
    network: Network,
    located: tuple[Located, ...],
    numbers: TenantNumbers,
    everywhere: tuple[str, ...],
    topology: Topology,
) -> Iterator[Recipe]:
    name, segment = network.name, numbers.segments[network.name]
    leaves = leaves_of(located)
    yield Recipe(f"gateway/{name}", forward.gateway, (tenant, network, segment), leaves)
    yield Recipe(f"ping/{name}", forward.gateway_ping, (tenant, network, numbers.vrf), everywhere)
    nodes = by_node(located)
    for node, there in nodes.items():
        here = tuple(there)
        remote = (topology.nodes[node], here)
        yield Recipe(f"arp/{name}/{node}", forward.arp, (here,), leaves)
        yield Recipe(f"bridge/{name}/{node}", forward.bridge_remote, remote, without(leaves, topology.members(node)))
    if network.broadcast:
        tags = {node: (topology.nodes[node], there[0].tag) for node, there in nodes.items()}
        for leaf, at in by_leaf(located).items():
            own = {leaf, topology.domain_of(leaf)}
            others = tuple(tags[node] for node in sorted(tags) if node not in own)
            sent = (tenant, name, leaf, segment, tuple(at), others)
            yield Recipe(f"send/{name}/{leaf}", broadcast.send, sent, (leaf,))
            yield Recipe(f"receive/{name}/{leaf}", broadcast.receive, (tenant, name, leaf, tuple(at)), (leaf,))


def _peer_tag(leaf: str, topology: Topology) -> int:
    pair = topology.pair_of.get(leaf)
    return next(topology.nodes[other] for other in pair.leaves if other != leaf) if pair else 0
