"""How many packets the simulated fabric carries: one flow, and pings between all endpoints of a tenant.

    python -m benchmarks.sim_packets [2k|25k] [--packets 20000]

The ratio is to the same packets in the same run with every switch working each of them out by itself
(``fabric.dataplane.step``), as the first packet of a flow always is. Of both: processor time, with the hosts' work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from benchmarks.compile import SIZES
from clos.controller.compile import compile_fabric
from clos.controller.intent import load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.intent.model import Intent, Policy, Service, Tenant
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.sim.control.query import flow, ping_matrix
from clos.fabric.sim.network import SimNetwork
from clos.fabric.topology import TRUNK, Topology

PPS = 10_000
"""Packets a second of virtual time; it says how densely they are sent, not how many are carried."""


class Rate(NamedTuple):
    """So many of something in so many seconds of processor time."""

    number: int
    seconds: float

    @property
    def each(self) -> float:
        return self.number / self.seconds

    def __str__(self) -> str:
        return f"{self.number:,} in {self.seconds:.2f} s, {self.each:,.0f} /s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="2k", choices=list(SIZES))
    parser.add_argument("--packets", type=int, default=20_000)
    chosen = parser.parse_args()
    topology = load_topology(Path(f"topologies/bench-{chosen.size}.yaml")).topology
    if topology is None:
        raise SystemExit(f"topologies/bench-{chosen.size}.yaml does not load")
    intent = bench_intent(topology, *SIZES[chosen.size])
    tenant = opened(max(intent.tenants.values(), key=lambda each: len(each.endpoints)))
    ruleset = compile_fabric(Intent({**intent.tenants, tenant.name: tenant}), topology).ruleset
    names = sorted(tenant.endpoints)
    print(f"{tenant.name} of bench-{chosen.size}: {len(names)} endpoints on {len(topology.switches)} switches")
    for what, work in (("flow", partial_flow(names, chosen.packets)), ("pings", partial_pings(names))):
        rates = {}
        for word, cached in (("remembered", True), ("worked out", False)):
            network = programmed(ruleset, topology, tenant, cached=cached)
            first = rate(work, network)
            work(network)
            rates[word] = rate(work, network)
            print(f"  {what}, {word}, the first time: {first}")
            print(f"  {what}, {word}: {rates[word]}", flush=True)
        print(f"  {what}: {rates['remembered'].each / rates['worked out'].each:.1f} x")


def opened(tenant: Tenant) -> Tenant:
    """The tenant with policies by which all its endpoints reach each other."""
    ways = product(tenant.networks, tenant.networks)
    allowed = (Policy(f"all{number}", source, target, (Service(),)) for number, (source, target) in enumerate(ways))
    return replace(tenant, policies=(*allowed, *tenant.policies))


def programmed(ruleset: Ruleset, topology: Topology, tenant: Tenant, *, cached: bool) -> SimNetwork:
    """A fabric that holds the rules, with the tenant's endpoints attached."""
    network = SimNetwork(topology)
    for name, switch in network.switches.items():
        switch.model = SwitchModel.of(ruleset.state(name), set(switch.ports))
        switch.remembers = cached
    for endpoint in tenant.endpoints.values():
        segment = tenant.networks[endpoint.network]
        vlan = segment.vlan if topology.hosts[endpoint.host].mode == TRUNK else None
        network.attach(
            endpoint.name, endpoint.host, endpoint.mac, endpoint.ip, segment.subnet[1], segment.gateway, vlan
        )
    return network


def partial_flow(names: list[str], packets: int) -> Callable[[SimNetwork], int]:
    def work(network: SimNetwork) -> int:
        target = next(name for name in names if network.endpoints[name].host != network.endpoints[names[0]].host)
        return flow(network, names[0], target, PPS, packets / PPS).received

    return work


def partial_pings(names: list[str]) -> Callable[[SimNetwork], int]:
    def work(network: SimNetwork) -> int:
        return len(ping_matrix(network, names))

    return work


def rate(work: Callable[[SimNetwork], int], network: SimNetwork) -> Rate:
    begun = time.process_time()
    return Rate(work(network), time.process_time() - begun)


if __name__ == "__main__":
    main()
