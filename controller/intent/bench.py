"""Large intents for measurements: deterministic, valid, spread at random over a topology's hosts.

Lives here: how a benchmark's tenants look. Must not know: YAML, compilers, clocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice, product
from random import Random
from typing import NamedTuple

from clos.controller.intent.model import Endpoint, Group, Intent, Network, Policy, Service, Tenant
from clos.fabric.topology import TRUNK, Host, Topology

RESOURCES = ("web", "app", "db")
SERVICES = (Service(6, 443, 443), Service(6, 8000, 8099), Service(17, 53, 53), Service(1), Service(6, 5432, 5432))
_SUBNETS = 10 << 24
_ROOM = 500
"""Endpoints per network: each has a /23."""


class Size(NamedTuple):
    """How large an intent is; ``networks``: fewest and most per tenant."""

    tenants: int
    networks: tuple[int, int]
    endpoints: int
    policies: int


BENCH_SMALL = Size(tenants=4, networks=(1, 2), endpoints=40, policies=8)
BENCH_2K = Size(tenants=50, networks=(2, 2), endpoints=2_000, policies=100)
BENCH_25K = Size(tenants=200, networks=(2, 4), endpoints=25_000, policies=1_000)


def bench_intent(
    topology: Topology, tenants: int, networks: tuple[int, int], endpoints: int, policies: int, seed: int = 1
) -> Intent:
    """An intent of this size; the same arguments give the same intent.

    Endpoints take turns over tenants and are spread at random over their networks and over the topology's hosts:
    an access host holds one endpoint, a trunk host any number. ``ValueError`` when they do not fit.
    """
    dice = Random(seed)
    counts = [dice.randint(*networks) for _ in range(tenants)]
    segments = _networks(counts)
    homes = _homes(topology, endpoints, dice)
    members = _endpoints(segments, homes, dice)
    groups = [_groups(list(own.values())) for own in members]
    rules = [_policies(list(own), share, dice) for own, share in zip(groups, _shares(policies, tenants), strict=True)]
    named = [f"t{n:03}" for n in range(1, tenants + 1)]
    rows = zip(named, segments, members, groups, rules, strict=True)
    return Intent({name: Tenant(name, nets, own, picks, allows) for name, nets, own, picks, allows in rows})


def _networks(counts: list[int]) -> list[dict[str, Network]]:
    """Networks per tenant, every one with a subnet and a VLAN id of its own."""
    if sum(counts) > 4094:
        raise ValueError(f"{sum(counts)} networks, but there are only 4094 VLAN ids")
    numbers = iter(range(sum(counts)))
    return [{net.name: net for net in (_network(i, n) for i, n in enumerate(islice(numbers, k), 1))} for k in counts]


def _network(position: int, number: int) -> Network:
    base = _SUBNETS + number * 512
    return Network(f"n{position}", (base, 23), base + 1, vlan=number + 1)


def _homes(topology: Topology, endpoints: int, dice: Random) -> list[Host]:
    """A host for each endpoint, in random order."""
    access = [host for host in topology.hosts.values() if host.mode != TRUNK]
    trunks = [host for host in topology.hosts.values() if host.mode == TRUNK]
    dice.shuffle(access)
    homes = access[: endpoints if not trunks else min(endpoints // 2, len(access))]
    if len(homes) < endpoints and not trunks:
        raise ValueError(f"{endpoints} endpoints, but only {len(access)} hosts and no trunk")
    homes += [dice.choice(trunks) for _ in range(endpoints - len(homes))]
    dice.shuffle(homes)
    return homes


def _endpoints(segments: list[dict[str, Network]], homes: list[Host], dice: Random) -> list[dict[str, Endpoint]]:
    members: list[dict[str, Endpoint]] = [{} for _ in segments]
    filled: dict[int, int] = {}
    for number, host, turn in zip(range(len(homes)), homes, cycle(range(len(segments))), strict=False):
        free = [net for net in segments[turn].values() if filled.get(net.subnet[0], 0) < _ROOM]
        if not free:
            raise ValueError(f"{len(homes)} endpoints do not fit into these networks")
        network = dice.choice(free)
        filled[network.subnet[0]] = place = filled.get(network.subnet[0], 0) + 1
        mac = host.mac if host.mode != TRUNK else 0x0A << 40 | number
        name = f"e{number:05}"
        labels = (("resource", dice.choice(RESOURCES)),)
        members[turn][name] = Endpoint(name, network.name, host.name, mac, network.subnet[0] + 1 + place, labels)
    return members


def _groups(endpoints: list[Endpoint]) -> dict[str, Group]:
    """One group for each network and each resource that has an endpoint."""
    nets = sorted({endpoint.network for endpoint in endpoints})
    words = sorted({endpoint.labels[0][1] for endpoint in endpoints})
    found = [Group(net, networks=(net,)) for net in nets]
    found += [Group(word, labels=(("resource", (word,)),)) for word in words]
    return {group.name: group for group in found}


def _shares(policies: int, tenants: int) -> Iterator[int]:
    """How many policies each tenant has."""
    return (policies // tenants + (n < policies % tenants) for n in range(tenants))


def _policies(groups: list[str], count: int, dice: Random) -> tuple[Policy, ...]:
    ways = list(product(groups, groups))
    chosen = dice.sample(ways, min(count, len(ways)))
    return tuple(
        Policy(f"p{i}", source, target, (dice.choice(SERVICES),)) for i, (source, target) in enumerate(chosen, 1)
    )
