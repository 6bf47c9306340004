"""Probes: the frames whose fate tells whether an intent holds, each at the host port it is sent from.

Lives here: who sends what to whom, rightly and wrongly. Must not know: what should become of it, how it is sent.
Every probe carries its number, in its payload or after the end of its packet, so that it can be told from others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from controller.compile.forward import ROUTER_MAC
from controller.intent.model import Endpoint, Intent, Network, Service, Tenant
from fabric import packet as build
from fabric.fields import IP_ICMP, IP_TCP, IP_UDP
from fabric.packet import BROADCAST, Packet
from fabric.topology import TRUNK, PortRef, Topology

STRANGE_PORT = 64999
"""A port that no service is likely to name: what goes there is a negative probe."""
MARK = b"clos"


class Probe(NamedTuple):
    """A frame to send at a host's port, and in words what it is."""

    at: PortRef
    packet: Packet
    what: str

    @property
    def frame(self) -> tuple[PortRef, bytes]:
        return self.at, self.packet.to_bytes()


class Party(NamedTuple):
    """An endpoint with what is needed to send as it."""

    tenant: Tenant
    endpoint: Endpoint
    ports: tuple[PortRef, ...]
    vlan: int | None

    @property
    def name(self) -> str:
        return f"{self.tenant.name}/{self.endpoint.name}"

    @property
    def network(self) -> Network:
        return self.tenant.networks[self.endpoint.network]

    @property
    def gateway(self) -> int:
        return self.network.gateway


def parties(intent: Intent, topology: Topology) -> list[Party]:
    """Every endpoint of every tenant."""
    found = []
    for tenant in intent.tenants.values():
        for endpoint in tenant.endpoints.values():
            host = topology.hosts[endpoint.host]
            vlan = tenant.networks[endpoint.network].vlan if host.mode == TRUNK else None
            found.append(Party(tenant, endpoint, host.ports, vlan))
    return found


def marked(packet: Packet, number: int) -> Packet:
    """The same frame with a number after its end, where no header reaches."""
    return Packet(packet.to_bytes() + MARK + number.to_bytes(4, "big"))


def services(intent: Intent) -> tuple[Service, ...]:
    """One conversation of each kind the intent speaks of: each protocol with its ports' ends, and one nobody names."""
    named = {s for t in intent.tenants.values() for p in t.policies for s in p.services}
    named |= {service for share in intent.shares.values() for service in share.services}
    ends = {Service(s.proto, port, port) for s in named if s.first is not None for port in (s.first, s.last)}
    bare = {Service(s.proto) for s in named if s.proto is not None and s.first is None}
    strange = {
        Service(IP_TCP, STRANGE_PORT, STRANGE_PORT),
        Service(IP_UDP, STRANGE_PORT, STRANGE_PORT),
        Service(IP_ICMP),
    }
    return tuple(sorted(ends | bare | strange, key=lambda s: (s.proto or 0, s.first or 0)))


def matrix(intent: Intent, topology: Topology) -> Iterator[Probe]:
    """From every endpoint to every other, each service: asked by the right MAC address, as an honest host would."""
    everyone = parties(intent, topology)
    for source in everyone:
        for target in everyone:
            if source is not target:
                for service in services(intent):
                    what = f"{source.name} -> {target.name} {service}"
                    yield Probe(source.ports[0], talk(source, target, service), what)


def talk(source: Party, target: Party, service: Service) -> Packet:
    """The first packet of a conversation, sent to the target itself on the same network, else to the gateway."""
    same = source.tenant is target.tenant and source.endpoint.network == target.endpoint.network
    return _message(source, target.endpoint.mac if same else ROUTER_MAC, target.endpoint.ip, service)


def _message(source: Party, eth_dst: int, ip: int, service: Service, ttl: int = 64) -> Packet:
    ends: dict[str, Any] = {
        "eth_src": source.endpoint.mac, "eth_dst": eth_dst, "ipv4_src": source.endpoint.ip, "ipv4_dst": ip,
        "ttl": ttl, "vlan": source.vlan,
    }  # fmt: skip
    port = service.first if service.first is not None else STRANGE_PORT
    if service.proto == IP_TCP:
        return build.tcp(**ends, tcp_src=STRANGE_PORT, tcp_dst=port)
    if service.proto == IP_UDP:
        return build.udp(**ends, udp_src=STRANGE_PORT, udp_dst=port, payload=b"probe")
    if service.proto == IP_ICMP:
        return build.icmp_echo(**ends)
    return build.ipv4(**ends, ip_proto=service.proto or 47, payload=bytes(8))


def strays(intent: Intent, topology: Topology, seed: int, count: int, second_tags: bool = True) -> list[Probe]:
    """Frames as they come: mostly what hosts send, often with something wrong in them. The same for the same seed.

    ``second_tags``: some frames have two VLAN tags, or three.
    """
    chance = random.Random(seed)
    everyone = parties(intent, topology)
    asked = services(intent)
    if len(everyone) < 2:
        return []
    found = [_stray(chance, everyone, asked, sorted(topology.host_at)) for _ in range(count)]
    return [probe for probe in found if second_tags or not probe.packet.pop_vlan().headers()["vlan_vid"]]


def _stray(chance: random.Random, everyone: Sequence[Party], asked: Sequence[Service], ports: list[PortRef]) -> Probe:
    source, target = chance.sample(everyone, 2)
    packet = chance.choice(_KINDS)(chance, source, target, chance.choice(asked))
    at = chance.choice(source.ports)
    for twist, odds in _TWISTS:
        if chance.random() < odds:
            packet = twist(chance, packet, target)
    if chance.random() < 0.05:
        at = chance.choice(ports)
    return Probe(at, packet, f"{source.name} -> {target.name}")


def _honest(chance: random.Random, source: Party, target: Party, service: Service) -> Packet:
    return talk(source, target, service)


def _answer(chance: random.Random, source: Party, target: Party, service: Service) -> Packet:
    packet = talk(source, target, service)
    for name in ("tcp", "udp"):
        ends = packet.get(f"{name}_src"), packet.get(f"{name}_dst")
        if ends[0] is not None and ends[1] is not None:
            return packet.set(f"{name}_src", ends[1]).set(f"{name}_dst", ends[0])
    return packet


def _odd(chance: random.Random, source: Party, target: Party, service: Service) -> Packet:
    """To a MAC address and an IP address that need not belong together."""
    to = chance.choice((target.endpoint.mac, ROUTER_MAC, BROADCAST, 0x01005E000001))
    ip = chance.choice((target.endpoint.ip, source.gateway, target.gateway, 0xFFFFFFFF))
    return _message(source, to, ip, service, chance.choice((64, 2, 1, 0)))


def _who_has(chance: random.Random, source: Party, target: Party, service: Service) -> Packet:
    wanted = chance.choice((target.endpoint.ip, source.gateway, target.gateway, source.endpoint.ip))
    return build.arp_request(source.endpoint.mac, source.endpoint.ip, wanted, source.vlan)


_KINDS: tuple[Callable[[random.Random, Party, Party, Service], Packet], ...] = (
    _honest, _honest, _honest, _honest, _answer, _answer, _odd, _who_has,
)  # fmt: skip


def _forged(chance: random.Random, packet: Packet, target: Party) -> Packet:
    """One of the sender's addresses replaced by somebody else's."""
    other = {
        "eth_src": target.endpoint.mac, "ipv4_src": target.endpoint.ip, "arp_spa": target.endpoint.ip,
        "arp_sha": target.endpoint.mac, "arp_op": 2,
    }  # fmt: skip
    field = chance.choice([name for name in other if name in packet.headers()])
    return packet.set(field, other[field])


def _tagged(chance: random.Random, packet: Packet, target: Party) -> Packet:
    vid = chance.choice((0, 1, target.vlan or 2, chance.randrange(4096)))
    return packet.push_vlan(chance.choice((0x8100, 0x8100, 0x88A8))).set("vlan_vid", 0x1000 | vid)


_TWISTS: tuple[tuple[Callable[[random.Random, Packet, Party], Packet], float], ...] = (
    (_forged, 0.12), (_tagged, 0.06), (_tagged, 0.03),
)  # fmt: skip


def numbered(probes: Iterable[Probe]) -> list[Probe]:
    """The probes marked 0, 1, 2 and so on."""
    return [probe._replace(packet=marked(probe.packet, i)) for i, probe in enumerate(probes)]
