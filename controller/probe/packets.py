"""Packets that endpoints send, each at the host port it is sent from.

Lives here: who sends what to whom, as an honest host would. Must not know: what should become of it, how it is sent.
A probe can carry a number after its end, so that it can be told from others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from clos.controller.intent.model import Endpoint, Intent, Network, Service, Tenant
from clos.controller.intent.reach import End, Flow, near
from clos.controller.intent.spans import LAST_PORT, edges
from clos.controller.probe.landing import Landing, landing
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import IP_ICMP, IP_SCTP, IP_TCP, IP_UDP
from clos.fabric.topology import PortRef, Topology

STRANGE_PORT = 64999
"""A port that no service is likely to name: what goes there is a negative probe."""
MARK = b"clos"
WITH_PORTS = (IP_TCP, IP_UDP, IP_SCTP)


class Probe(NamedTuple):
    """A frame to send at a host's port, and in words what it is."""

    at: PortRef
    packet: Packet
    what: str

    @property
    def frame(self) -> tuple[PortRef, bytes]:
        return self.at, self.packet.to_bytes()


class Party(NamedTuple):
    """An endpoint with what is needed to send as it. ``vlan``: the tag its host puts on, None on an access port.

    ``waypoints``: where its tenant's waypoints get their frames, by name. ``legacy``: the names of legacy hosts.
    """

    tenant: Tenant
    endpoint: Endpoint
    ports: tuple[PortRef, ...]
    vlan: int | None
    waypoints: Mapping[str, Landing] = MappingProxyType({})
    legacy: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.tenant.name}/{self.endpoint.name}"

    @property
    def landing(self) -> Landing:
        """Where it gets its frames."""
        return Landing(self.ports, self.vlan, self.endpoint.mac, frozenset(self.endpoint.addresses))

    @property
    def network(self) -> Network:
        return self.tenant.networks[self.endpoint.network]

    @property
    def gateway(self) -> int | None:
        return self.network.gateway

    @property
    def router(self) -> int:
        """The MAC address that it sends to what is to be routed; nobody has it where its network has no gateway."""
        return self.network.gateway_mac

    @property
    def end(self) -> End:
        return End(self.tenant, self.endpoint)

    def at(self, ip: int) -> Party:
        """The same with another of its addresses."""
        return self._replace(endpoint=replace(self.endpoint, ip=ip))

    def near(self, other: Party) -> bool:
        """Whether both are on one network, where frames are bridged."""
        return near(self.end, other.end)


def parties(intent: Intent, topology: Topology) -> list[Party]:
    """Every endpoint of every tenant."""
    found = []
    for tenant in intent.tenants.values():
        names = {policy.via for policy in tenant.policies if policy.via is not None}
        waypoints = {name: landing(End(tenant, tenant.endpoints[name]), topology) for name in sorted(names)}
        for endpoint in tenant.everyone.values():
            own = landing(End(tenant, endpoint), topology)
            found.append(Party(tenant, endpoint, own.ports, own.vlan, waypoints, topology.legacy))
    return found


def marked(packet: Packet, number: int) -> Packet:
    """The same frame with a number after its end, where no header reaches."""
    return Packet(packet.to_bytes() + MARK + number.to_bytes(4, "big"))


def number_of(frame: bytes) -> int:
    """The number ``marked`` put at the end; -1 without."""
    return int.from_bytes(frame[-4:], "big") if frame[-8:-4] == MARK else -1


def numbered(probes: Iterable[Probe]) -> list[Probe]:
    """The probes marked 0, 1, 2 and so on."""
    return [probe._replace(packet=marked(probe.packet, i)) for i, probe in enumerate(probes)]


def services(intent: Intent) -> tuple[Service, ...]:
    """One conversation of each kind the intent speaks of: each protocol with its ports' ends, and one nobody names."""
    named = _named(intent)
    ends = {Service(s.proto, port, port) for s in named if s.first is not None for port in (s.first, s.last)}
    bare = {Service(s.proto) for s in named if s.proto is not None and s.first is None}
    strange = {
        Service(IP_TCP, STRANGE_PORT, STRANGE_PORT),
        Service(IP_UDP, STRANGE_PORT, STRANGE_PORT),
        Service(IP_ICMP),
    }
    return tuple(sorted(ends | bare | strange, key=lambda s: (s.proto or 0, s.first or 0)))


def each_kind(intent: Intent, wish: Service) -> tuple[Service, ...]:
    """Conversations of a service, one of each kind that an intent may have another answer for.

    Of ports: both ends of the range, and both sides of each edge within it of a service that the intent names. A
    protocol without ports named is tried at a port that nobody names, too; ``any`` is every protocol that is named.
    """
    if wish.proto is None:
        return services(intent)
    if wish.proto not in WITH_PORTS:
        return (wish,)
    first, last = wish.first or 1, LAST_PORT if wish.last is None else wish.last
    starts = edges(_named(intent), wish.proto, first, last)
    ports = {*starts, *(start - 1 for start in starts[1:]), last}
    if wish.first is None:
        ports = ports - {first, last} | {STRANGE_PORT}
    return tuple(Service(wish.proto, port, port) for port in sorted(ports))


def _named(intent: Intent) -> set[Service]:
    """The services that policies, shares and imports name."""
    named = {s for t in intent.tenants.values() for p in t.policies for s in p.services}
    named |= {s for t in intent.tenants.values() for wish in t.imports for s in wish.deny}
    return named | {service for share in intent.shares.values() for service in share.services}


def matrix(intent: Intent, topology: Topology) -> Iterator[Probe]:
    """From every endpoint to every other, each service: asked by the right MAC address, as an honest host would."""
    everyone, asked = parties(intent, topology), services(intent)
    for source in everyone:
        for target in everyone:
            if source is not target:
                for service in asked:
                    what = f"{source.name} -> {target.name} {service}"
                    yield Probe(source.ports[0], talk(source, target, service), what)


def opening(service: Service) -> Flow:
    """The first packet of a conversation: from a port nobody names."""
    proto = service.proto if service.proto is not None else IP_TCP
    if proto not in WITH_PORTS:
        return Flow(proto)
    return Flow(proto, STRANGE_PORT, service.first if service.first is not None else STRANGE_PORT)


def talk(source: Party, target: Party, service: Service) -> Packet:
    """The first packet of a conversation, sent to the target itself on the same network, else to the gateway."""
    return said(source, target, opening(service))


def said(source: Party, target: Party, flow: Flow) -> Packet:
    """A packet of this flow, as an honest host sends it."""
    return message(source, target.endpoint.mac if source.near(target) else source.router, target.endpoint.ip, flow)


class Ends(TypedDict):
    """Who and where to: what every builder of ``fabric.packet.build`` takes."""

    eth_src: int
    eth_dst: int
    ipv4_src: int
    ipv4_dst: int
    ttl: int
    vlan: int | None


def message(source: Party, eth_dst: int, ip: int, flow: Flow, ttl: int = 64) -> Packet:
    """An IPv4 packet from this endpoint to any addresses."""
    one = source.endpoint
    return built(Ends(eth_src=one.mac, eth_dst=eth_dst, ipv4_src=one.ip, ipv4_dst=ip, ttl=ttl, vlan=source.vlan), flow)


def built(ends: Ends, flow: Flow) -> Packet:
    """An IPv4 packet of a flow: a SYN, a short datagram, an echo request, or a few bytes of another protocol."""
    first, last = flow.source_port or 0, flow.target_port or 0
    if flow.proto == IP_TCP:
        return build.tcp(**ends, tcp_src=first, tcp_dst=last)
    if flow.proto == IP_UDP:
        return build.udp(**ends, udp_src=first, udp_dst=last, payload=b"probe")
    if flow.proto == IP_ICMP:
        return build.icmp_echo(**ends)
    ports = first.to_bytes(2, "big") + last.to_bytes(2, "big") if flow.proto == IP_SCTP else b""
    return build.ipv4(**ends, ip_proto=flow.proto, payload=ports + bytes(8))


def who_has(source: Party, ip: int) -> Packet:
    """This endpoint asks by ARP for an address; for its own: it announces itself."""
    return build.arp_request(source.endpoint.mac, source.endpoint.ip, ip, source.vlan)
