"""Intents to begin with: every host of a topology in one network, everybody may reach everybody.

Lives here: how hosts become endpoints. Must not know: files.
"""

from __future__ import annotations

from clos.controller.intent.model import EVERYONE, Endpoint, Group, Network, Policy, Prefix, Service, Tenant
from clos.controller.intent.schema.scalars import ipv4_text
from clos.fabric.topology import LEGACY, Topology

VLAN = 100
"""What trunk hosts tag frames of the network with."""


def starter(topology: Topology, name: str, subnet: Prefix) -> Tenant:
    """A tenant with an endpoint on every host that is not legacy. Raises ValueError for a subnet that is too small, or
    where there is no host."""
    hosts = [host for host in topology.hosts.values() if host.mode != LEGACY]
    base, length = subnet
    room = (1 << (32 - length)) - 3
    if not hosts:
        raise ValueError("the topology has no hosts that are not legacy, so there is nobody to write intents for")
    if len(hosts) > room:
        raise ValueError(
            f"{len(hosts):,} hosts, and {ipv4_text(base)}/{length} has room for {room:,}: pass a larger --subnet"
        )
    vlan = VLAN if any(host.tagged for host in hosts) else None
    endpoints = {host.name: Endpoint(host.name, "hosts", host.name, 0, base + 2 + i) for i, host in enumerate(hosts)}
    everyone = EVERYONE[1]
    policy = Policy(f"{everyone}-to-{everyone}", everyone, everyone, (Service(),))
    network = Network("hosts", subnet, base + 1, vlan)
    return Tenant(name, {"hosts": network}, endpoints, {everyone: Group(everyone)}, (policy,))
