"""Which packets an audit tries: one for everything an intent tells packets apart by, the most telling first.

Lives here: senders, targets, and the edges of services as packets; the order in which they are tried. Must not know:
what should become of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product
from typing import Any, NamedTuple

from clos.controller.audit.control import control_packets
from clos.controller.audit.oracle import IntentOracle
from clos.controller.intent.model import ROUTER_MAC, Endpoint, Service
from clos.controller.intent.reach import PING, End, Flow, spoken_of
from clos.fabric.packet import build
from clos.fabric.packet.build import BROADCAST, Packet
from clos.fabric.topology import LEGACY, PortRef

CLIENT_PORT, OTHER_PORT, SOME_PROTO, UNKNOWN, SOME_TAG = 40_000, 9, 47, 0x3D, 0xABC
_GROUP_MAC = 0x01005E000001
ALONE, KIN, STRANGERS = "each sender alone", "pairs that may have to do with each other", "all other pairs"

Try = tuple[PortRef, Packet]


class Task(NamedTuple):
    """Packets of one sender, to a target or (None) to nobody in particular. ``kind``: ALONE, KIN or STRANGERS."""

    kind: str
    sender: End
    target: End | None = None


class Tasks:
    """Everything there is to try for an intent. ``total``: tasks of each kind."""

    def __init__(self, reading: IntentOracle) -> None:
        self.reading = reading
        self.known: dict[str, list[End]] = {}
        count = len(reading.ends)
        near = sum(len(self.kin(end)) - 1 for end in reading.ends)
        self.total = {ALONE: count, KIN: near, STRANGERS: count * (count - 1) - near}
        self._flows: dict[frozenset[str], tuple[Flow, ...]] = {}

    def kin(self, end: End) -> list[End]:
        """The endpoints of the sender's tenant and of those that agreed to a share with it, itself among them."""
        name = end.tenant.name
        if name not in self.known:
            agreed = ({share.tenant, importer} for share, _, importer in self.reading.intent.agreed)
            near = {name}.union(*(pair for pair in agreed if name in pair))
            self.known[name] = [other for other in self.reading.ends if other.tenant.name in near]
        return self.known[name]

    def __iter__(self) -> Iterator[Task]:
        """Kinds in turn, senders in turn, so that wherever one stops every sender has had its share."""
        waiting = [self._alone(), self._kin(), self._strangers()]
        while waiting:
            for stream in tuple(waiting):
                task = next(stream, None)
                if task is None:
                    waiting.remove(stream)
                else:
                    yield task

    def _alone(self) -> Iterator[Task]:
        return (Task(ALONE, self.reading.ends[i]) for i in _scattered(len(self.reading.ends)))

    def _kin(self) -> Iterator[Task]:
        yield from self._rounds(KIN, max((len(self.kin(end)) for end in self.reading.ends), default=0))

    def _strangers(self) -> Iterator[Task]:
        yield from self._rounds(STRANGERS, len(self.reading.ends))

    def _rounds(self, kind: str, rounds: int) -> Iterator[Task]:
        for turn in range(rounds):
            for i in _scattered(len(self.reading.ends)):
                sender = self.reading.ends[i]
                near = self.kin(sender)
                others = near if kind == KIN else self.reading.ends
                if turn >= len(others):
                    continue
                target = others[(i + turn) % len(others)]
                if target is not sender and (kind == KIN or target.tenant.name not in {e.tenant.name for e in near}):
                    yield Task(kind, sender, target)

    def packets(self, task: Task) -> Iterator[Try]:
        """The packets of a task, at every port of the sender's host."""
        made = self._to_nobody(task.sender) if task.target is None else self._to(task.sender, task.target)
        ports = self.reading.topology.hosts[task.sender.endpoint.host].ports
        return ((at, packet) for packet in made for at in ports)

    def _to(self, sender: End, target: End) -> Iterator[Packet]:
        """Every service edge, both as a neighbour and over the router; with a forged address; and a question."""
        tag, own, other = self.reading.tag(sender), sender.endpoint, target.endpoint
        router, far = self.reading.network(sender).gateway_mac, self.reading.network(target).gateway_mac
        near = (sender.tenant, own.network) == (target.tenant, other.network)
        for i, flow in enumerate(self.flows(sender, target)):
            yield _packet(flow, own.mac, router, own.ip, other.ip, tag)
            if near or i < len(_PLAIN):
                yield _packet(flow, own.mac, other.mac, own.ip, other.ip, tag)
        yield _packet(PING, own.mac, router, own.ip, other.ip, tag, ttl=1)
        yield _packet(PING, own.mac, other.mac, other.ip, other.ip, tag)
        yield _packet(PING, other.mac, router, other.ip, own.ip, tag)
        yield _packet(PING, other.mac, far, other.ip, other.ip, self.reading.tag(target))
        yield build.arp_request(own.mac, own.ip, other.ip, tag)
        yield build.arp_request(own.mac, other.ip, own.ip, tag)
        yield from self._passed_on(sender, target)
        yield from self._further(sender, target)

    def _further(self, sender: End, target: End) -> Iterator[Packet]:
        """The same plain packets from and to their further addresses, and those behind them."""
        tag, own, other = self.reading.tag(sender), sender.endpoint, target.endpoint
        router = self.reading.network(sender).gateway_mac
        for source, to in product(_addresses(own), _addresses(other)):
            if (source, to) != (own.ip, other.ip):
                for flow in _PLAIN:
                    yield _packet(flow, own.mac, router, source, to, tag)
        for to in other.ips:
            yield build.arp_request(own.mac, own.ip, to, tag)

    def _passed_on(self, sender: End, target: End) -> Iterator[Packet]:
        """What a waypoint may pass on to the target for others, and what it may not; nothing of anybody else."""
        tag, own, other = self.reading.tag(sender), sender.endpoint, target.endpoint
        for end in self.reading.behind.get(own.host, {}).values():
            for flow in self.flows(end, target):
                for mac in (self.reading.network(sender).gateway_mac, other.mac):
                    yield _packet(flow, own.mac, mac, end.endpoint.ip, other.ip, tag)

    def _to_nobody(self, sender: End) -> Iterator[Packet]:
        tag, own = self.reading.tag(sender), sender.endpoint
        router = self.reading.network(sender).gateway_mac
        gateways = [gateway for network in sender.tenant.networks.values() for gateway in network.gateways]
        for gateway in gateways:
            for flow in (PING, Flow(6, CLIENT_PORT, OTHER_PORT)):
                yield _packet(flow, own.mac, router, own.ip, gateway, tag)
            yield build.arp_request(own.mac, own.ip, gateway, tag)
        for mac in dict.fromkeys((own.mac ^ UNKNOWN, BROADCAST, _GROUP_MAC, router, ROUTER_MAC)):
            yield _packet(Flow(17, CLIENT_PORT, OTHER_PORT), own.mac, mac, own.ip, own.ip ^ UNKNOWN << 8, tag)
        if self.reading.topology.hosts[own.host].mode == LEGACY:
            yield from control_packets(self.reading.network(sender), own.ip, tag)
        for mac, ip, vid in ((own.mac ^ UNKNOWN, own.ip, tag), (own.mac, own.ip ^ UNKNOWN, tag)):
            yield _packet(PING, mac, BROADCAST, ip, own.ip ^ 1, vid)
            yield build.arp_request(mac, ip, gateways[0] if gateways else own.ip ^ 1, vid)
        yield _packet(PING, own.mac, BROADCAST, own.ip, own.ip ^ 1, SOME_TAG)
        yield build.arp_reply(own.mac, own.ip, ROUTER_MAC, own.ip, tag)
        yield build.arp_request(own.mac, own.ip, own.ip, tag)
        yield build.ethernet(eth_dst=BROADCAST, eth_src=own.mac, eth_type=0x88B5, payload=bytes(46), vlan=tag)

    def flows(self, sender: End, target: End) -> tuple[Flow, ...]:
        """Flows on each side of the edges of services that are said of the two, and one of each service around them."""
        intent = self.reading.intent
        said = spoken_of(intent, sender, target)
        others = self._services(sender.tenant.name, target.tenant.name)
        return tuple(dict.fromkeys((*_PLAIN, *chain.from_iterable(map(_edges, said)), *others)))

    def _services(self, *tenants: str) -> tuple[Flow, ...]:
        key = frozenset(tenants)
        if key not in self._flows:
            intent = self.reading.intent
            services = [s for name in key for policy in intent.tenants[name].policies for s in policy.services]
            services += [s for share in intent.shares.values() if share.tenant in key for s in share.services]
            services += [s for name in key for wish in intent.tenants[name].imports for s in wish.deny]
            self._flows[key] = tuple(dict.fromkeys(Flow(s.proto or 6, CLIENT_PORT, s.first or 0) for s in services))
        return self._flows[key]


_PLAIN = (PING, Flow(SOME_PROTO), Flow(6, CLIENT_PORT, OTHER_PORT), Flow(17, CLIENT_PORT, OTHER_PORT))


def _addresses(endpoint: Endpoint) -> list[int]:
    """Its own, and two of each prefix behind it: the first and the last."""
    ends = [(base, base | (1 << 32 - length) - 1) for base, length in endpoint.routes]
    return [*dict.fromkeys([*endpoint.addresses, *chain.from_iterable(ends)])]


def _edges(service: Service) -> Iterator[Flow]:
    proto, first, last = service
    if first is None or last is None:
        yield from () if proto is None else (Flow(proto, CLIENT_PORT, OTHER_PORT), Flow(proto, OTHER_PORT, CLIENT_PORT))
        return
    for port in (first - 1, first, last, last + 1):
        if 0 <= port < 1 << 16:
            yield from (Flow(proto or 6, CLIENT_PORT, port), Flow(proto or 6, port, CLIENT_PORT))
    yield Flow(17 if proto == 6 else 6, CLIENT_PORT, first)


def _packet(
    flow: Flow, eth_src: int, eth_dst: int, ip_src: int, ip_dst: int, vlan: int | None, ttl: int = 64
) -> Packet:
    """An IPv4 packet of the flow, with its transport's header where ports tell flows apart."""
    ends: dict[str, Any] = {"eth_src": eth_src, "eth_dst": eth_dst, "ipv4_src": ip_src, "ipv4_dst": ip_dst, "ttl": ttl}
    source, target = flow.source_port or 0, flow.target_port or 0
    match flow.proto:
        case 1:
            return build.icmp_echo(**ends, vlan=vlan)
        case 6:
            return build.tcp(**ends, tcp_src=source, tcp_dst=target, vlan=vlan)
        case 17:
            return build.udp(**ends, udp_src=source, udp_dst=target, vlan=vlan)
    ports = source.to_bytes(2, "big") + target.to_bytes(2, "big")
    return build.ipv4(**ends, ip_proto=flow.proto, payload=ports + bytes(8), vlan=vlan)


def _scattered(count: int) -> Iterator[int]:
    """Every number below ``count`` once, neighbours far apart, the same every time."""
    step = next((n for n in range(round(count * 0.618) or 1, count) if _coprime(n, count)), 1)
    return (i * step % count for i in range(count))


def _coprime(a: int, b: int) -> bool:
    while b:
        a, b = b, a % b
    return a == 1
