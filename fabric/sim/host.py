"""Hosts: machines with endpoints that resolve, answer and send, as an ordinary IP stack does.

Lives here: ARP, when to answer, the bonding of a dual-homed host. What is said is in fabric.sim.host_packets.
Must not know: switches, rules, how the network carries a frame.
Source: RFC 826.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clos.fabric.packet import build
from clos.fabric.packet.build import BROADCAST, Packet
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, IP_ICMP, ipv4_text
from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.host_packets import ANSWER, ASK, Build, Endpoint, Stamp, reply, stamp_of
from clos.fabric.sim.journey import Journey
from clos.fabric.topology import Host

ARP_AGE = 30 * SECOND

_Waiting = list[tuple[Build, Journey]]
"""Packets that wait for an ARP answer."""


@dataclass(slots=True)
class Traffic:
    """Counters of one host: frames and bytes each way, and frames that were for none of its endpoints."""

    rx_packets: int = 0
    rx_bytes: int = 0
    tx_packets: int = 0
    tx_bytes: int = 0
    foreign: int = 0


class SimHost:
    """One host. ``transmit(port index, packet, journey)`` is the network's; ``arrived`` hears of stamped packets.

    Frames leave by the first live port and are taken on all of them.
    """

    def __init__(
        self,
        host: Host,
        clock: Clock,
        transmit: Callable[[int, Packet, Journey], object],
        arrived: Callable[[Stamp, Endpoint], object],
    ) -> None:
        self.host = host
        self.alive = True
        self.live = [True] * len(host.ports)
        self.traffic = Traffic()
        self.endpoints: dict[str, Endpoint] = {}
        self._clock, self._transmit, self._arrived = clock, transmit, arrived
        self._by_ip: dict[tuple[int, int], Endpoint] = {}
        self._by_mac: dict[tuple[int, int], list[Endpoint]] = {}
        self._arp: dict[tuple[str, int], tuple[int, int]] = {}
        self._waiting: dict[tuple[str, int], _Waiting] = {}

    @property
    def name(self) -> str:
        return self.host.name

    def attach(self, endpoint: Endpoint) -> None:
        """Give the host an endpoint. Raises ValueError when the address is taken here."""
        taken = self._by_ip.get((endpoint.vlan_vid, endpoint.ip))
        if endpoint.name in self.endpoints or taken is not None:
            raise ValueError(f"{self.name}: {endpoint.name} ({ipv4_text(endpoint.ip)}) is attached already")
        self.endpoints[endpoint.name] = endpoint
        self._by_ip[endpoint.vlan_vid, endpoint.ip] = endpoint
        self._by_mac.setdefault((endpoint.vlan_vid, endpoint.mac), []).append(endpoint)

    def detach(self, name: str) -> Endpoint:
        """Take an endpoint away. Raises KeyError when the host has none of that name."""
        endpoint = self.endpoints.pop(name)
        del self._by_ip[endpoint.vlan_vid, endpoint.ip]
        self._by_mac[endpoint.vlan_vid, endpoint.mac].remove(endpoint)
        return endpoint

    def forget(self) -> None:
        """Empty the ARP caches."""
        self._arp.clear()

    def carrier(self, index: int, up: bool) -> None:
        """A port noticed that its cable works, or does not."""
        self.live[index] = up

    # ---- sending

    def send(self, source: Endpoint, target: int, make: Build, journey: Journey) -> None:
        """Send an IP packet to ``target``, after ARP where the next hop's address is not known."""
        hop = source.next_hop(target)
        if hop is None:
            journey.depart()
            journey.drop(self.name, f"no gateway towards {ipv4_text(target)}")
            journey.land()
            return
        known = self._arp.get((source.name, hop))
        if known is not None and self._clock.now - known[1] < ARP_AGE:
            self.emit(make(known[0]), journey)
            return
        self._ask(source, hop, make, journey)

    def emit(self, packet: Packet, journey: Journey) -> None:
        """Put a frame on the wire of the first live port."""
        for index, live in enumerate(self.live):
            if live:
                self.traffic.tx_packets += 1
                self.traffic.tx_bytes += len(packet)
                self._transmit(index, packet, journey)
                return
        journey.depart()
        journey.drop(self.name, "no live port")
        journey.land()

    def _ask(self, source: Endpoint, hop: int, make: Build, journey: Journey) -> None:
        key = (source.name, hop)
        journey.depart()  # held here until the answer
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append((make, journey))
            return
        waiting = self._waiting[key] = [(make, journey)]
        asking = Journey(hops=journey.hops)
        asking.ended = lambda: self._unanswered(key, waiting, asking)
        self.emit(build.arp_request(source.mac, source.ip, hop, source.vlan), asking)

    def _unanswered(self, key: tuple[str, int], waiting: _Waiting, asking: Journey) -> None:
        if self._waiting.get(key) is not waiting:
            return
        del self._waiting[key]
        why = asking.why() or "nobody answered"
        for _, journey in waiting:
            journey.drop(self.name, f"no answer to ARP for {ipv4_text(key[1])} ({why})")
            journey.land()

    def _learn(self, endpoint: Endpoint, ip: int, mac: int, *, asked: bool) -> None:
        key = (endpoint.name, ip)
        if not asked and key not in self._arp and key not in self._waiting:
            return
        self._arp[key] = (mac, self._clock.now)
        for make, journey in self._waiting.pop(key, ()):
            self.emit(make(mac), journey)
            journey.land()

    # ---- receiving

    def receive(self, index: int, packet: Packet, journey: Journey) -> None:
        """A frame from the wire of port ``index``. Replies belong to the journey that caused them."""
        self.traffic.rx_packets += 1
        self.traffic.rx_bytes += len(packet)
        headers = packet.headers()
        kind = headers["eth_type"]
        taken = False
        if kind == ETH_ARP:
            taken = self._receive_arp(headers, journey)
        elif kind == ETH_IPV4:
            taken = self._receive_ip(packet, headers, journey)
        self.traffic.foreign += not taken

    def _receive_arp(self, headers: dict[str, int], journey: Journey) -> bool:
        endpoint = self._by_ip.get((headers["vlan_vid"], headers.get("arp_tpa", 0)))
        if endpoint is None or headers["eth_dst"] not in (endpoint.mac, BROADCAST):
            return False
        asker, mac = headers["arp_spa"], headers["arp_sha"]
        self._learn(endpoint, asker, mac, asked=headers["arp_op"] == 2)
        if headers["arp_op"] == 1:
            self.emit(build.arp_reply(endpoint.mac, endpoint.ip, mac, asker, endpoint.vlan), journey)
        return True

    def _receive_ip(self, packet: Packet, headers: dict[str, int], journey: Journey) -> bool:
        mine = self._by_mac.get((headers["vlan_vid"], headers["eth_dst"]), ())
        endpoint = next((e for e in mine if e.ip == headers["ipv4_dst"]), None)
        if endpoint is None:
            return False
        stamp = stamp_of(packet)
        if stamp is not None:
            self._arrived(stamp, endpoint)
        if stamp.kind == ASK if stamp else headers["ip_proto"] == IP_ICMP:
            self._answer(endpoint, packet, headers, stamp, journey)
        return True

    def _answer(
        self, me: Endpoint, packet: Packet, headers: dict[str, int], stamp: Stamp | None, journey: Journey
    ) -> None:
        payload = b"" if stamp is None else stamp._replace(kind=ANSWER).to_bytes()
        make = reply(me, packet, headers, payload)
        if make is not None:
            self.send(me, headers["ipv4_src"], make, journey)
