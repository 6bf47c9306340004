"""The packets that brute force judges a fabric by: they ask every question that an intent answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from clos.controller.audit.control import control_packets
from clos.controller.intent.model import Endpoint, Intent, Service, Tenant
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology


def probes(intent: Intent, topology: Topology) -> list[tuple[PortRef, Packet]]:
    """Packets at every host's port that together ask every question an intent answers, and some that are forged."""
    every = [(tenant, endpoint) for tenant in intent.tenants.values() for endpoint in tenant.endpoints.values()]
    found: dict[tuple[PortRef, bytes], Packet] = {}
    for tenant, sender in every:
        host = topology.hosts[sender.host]
        vlan = tenant.networks[sender.network].vlan if host.tagged else None
        for packet in _from(intent, tenant, sender, every, vlan):
            for at in host.ports:
                found[at, packet.data] = packet
    for at, packet in _passed_on(intent, topology):
        found[at, packet.data] = packet
    return [(at, packet) for (at, _), packet in found.items()]


def _passed_on(intent: Intent, topology: Topology) -> Iterator[tuple[PortRef, Packet]]:
    """What each waypoint sends under the address of everybody in its tenant."""
    for tenant in intent.tenants.values():
        for name in dict.fromkeys(policy.via for policy in tenant.policies if policy.via is not None):
            waypoint = tenant.endpoints[name]
            host = topology.hosts[waypoint.host]
            vlan = tenant.networks[waypoint.network].vlan if host.tagged else None
            every = [(tenant, endpoint) for endpoint in tenant.endpoints.values()]
            for _, sender in every:
                for packet in _from(intent, tenant, replace(waypoint, ip=sender.ip), every, vlan):
                    yield from ((at, packet) for at in host.ports)


def _from(
    intent: Intent, tenant: Tenant, sender: Endpoint, every: list[tuple[Tenant, Endpoint]], vlan: int | None
) -> Iterator[Packet]:
    targets = [endpoint for _, endpoint in every if endpoint is not sender]
    gateways = [network.gateway for network in tenant.networks.values() if network.gateway is not None]
    router = tenant.networks[sender.network].gateway_mac
    ports = _ports(intent)
    for ip in [*gateways, *(target.ip for target in targets)]:
        yield build.arp_request(sender.mac, sender.ip, ip, vlan)
    for target in targets:
        for mac, ip in ((target.mac, target.ip), (router, target.ip)):
            ends = {"eth_src": sender.mac, "eth_dst": mac, "ipv4_src": sender.ip, "ipv4_dst": ip, "vlan": vlan}
            yield build.icmp_echo(**ends)
            yield build.ipv4(**ends, ip_proto=47, payload=bytes(8))
            yield build.icmp_echo(**ends, ttl=1)
            for (source, to), make in product(ports, ("tcp", "udp")):
                yield getattr(build, make)(**ends, **{f"{make}_src": source, f"{make}_dst": to})
    yield from control_packets(tenant.networks[sender.network], sender.ip, vlan)
    first = targets[0] if targets else replace(sender, mac=2, ip=3)
    ends = {
        "eth_src": sender.mac,
        "eth_dst": (1 << 48) - 1,
        "ipv4_src": sender.ip,
        "ipv4_dst": 0xFFFFFFFF,
        "vlan": vlan,
    }
    yield build.udp(**ends, udp_src=68, udp_dst=67)
    for gateway in gateways:
        yield build.icmp_echo(**{**ends, "eth_dst": router, "ipv4_dst": gateway})
    forged = {**ends, "eth_dst": first.mac, "ipv4_dst": first.ip}
    yield build.icmp_echo(**{**forged, "ipv4_src": sender.ip + 77})
    yield build.icmp_echo(**{**forged, "eth_src": sender.mac + 77})
    yield build.icmp_echo(**{**forged, "vlan": 77})
    yield build.icmp_echo(**{**forged, "eth_dst": 0x0200000000AA})


def _ports(intent: Intent) -> list[tuple[int, int]]:
    services: set[Service] = set()
    for tenant in intent.tenants.values():
        services.update(service for policy in tenant.policies for service in policy.services)
    services.update(service for share in intent.shares.values() for service in share.services)
    edges = {edge for s in services if s.first is not None and s.last is not None for edge in (s.first, s.last + 1)}
    return [pair for edge in sorted(e for e in edges if e < 65536) for pair in ((edge, 40000), (40000, edge))] + [
        (9, 9)
    ]
