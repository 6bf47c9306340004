"""Attacks: what a host that means harm might send, built by Scapy, and which table stops each.

Lives here: the catalogue. Must not know: how frames are sent. Scapy builds them, so that no code of ours is both the
attacker and the judge of what the bytes mean.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from clos.controller.intent.model import ROUTER_MAC, Intent
from clos.controller.probe.packets import Party, Probe, parties
from clos.controller.probe.report import stopped
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ipv4_text, mac_text
from clos.fabric.topology import Topology
from clos.lab.witness.compare import Fabric

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import ICMPv6ND_RA, IPv6  # noqa: E402
from scapy.layers.l2 import ARP, LLC, STP, Dot1AD, Dot1Q, Dot3, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

_BODY = UDP(sport=64999, dport=53) / Raw(b"attack")
_IGMP = bytes.fromhex("1600f8fbef010203")
"""A version 2 membership report for 239.1.2.3 (RFC 2236 §2)."""
BROADCAST = "ff:ff:ff:ff:ff:ff"
ROUTER = mac_text(ROUTER_MAC)


class Cast(NamedTuple):
    """Who plays: the attacker, a neighbour of the same network if there is one, a victim of another tenant."""

    attacker: Party
    neighbour: Party
    victim: Party

    @property
    def mac(self) -> str:
        return mac_text(self.attacker.endpoint.mac)

    @property
    def ip(self) -> str:
        return ipv4_text(self.attacker.endpoint.ip)


def attacks(intent: Intent, topology: Topology) -> list[Probe]:
    """Every attack, by an attacker on an access port and, where there is one, by one on a trunk.

    Each is called ``KIND: WHAT (access port)``.
    """
    everyone = parties(intent, topology)
    found: list[Probe] = []
    for trunk in (False, True):
        cast = _cast(everyone, trunk)
        for kind, tried in _KINDS if cast is not None else ():
            found += [
                Probe(cast.attacker.ports[0], Packet(bytes(frame)), f"{kind}: {what} ({_port(trunk)})")  # type: ignore[union-attr]
                for what, frame in tried(cast, topology)  # type: ignore[arg-type]
            ]
    return found


def catalogue(intent: Intent, fabric: Fabric) -> list[tuple[Probe, str]]:
    """Every attack and where the evaluator says it ends."""
    topology = fabric.topology
    return [(probe, stopped(fabric.walk(probe.at, probe.packet), topology)) for probe in attacks(intent, topology)]


def _port(trunk: bool) -> str:
    return "trunk port" if trunk else "access port"


def _cast(everyone: list[Party], trunk: bool) -> Cast | None:
    """The first three that fit; deterministic."""
    for one in everyone:
        near = [
            o for o in everyone if o is not one and (o.tenant, o.endpoint.network) == (one.tenant, one.endpoint.network)
        ]
        far = [o for o in everyone if o.tenant is not one.tenant]
        if (one.vlan is not None) == trunk and near and far:
            return Cast(one, near[0], far[0])
    return None


def _on_wire(cast: Cast, frame: Any) -> Any:
    """As the attacker's port expects it: tagged on a trunk."""
    if cast.attacker.vlan is None:
        return frame
    return Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=cast.attacker.vlan) / frame.payload


def _spoofs(c: Cast, _: Topology) -> Iterator[tuple[str, Any]]:
    target, near = ipv4_text(c.victim.endpoint.ip), ipv4_text(c.neighbour.endpoint.ip)
    near_mac = mac_text(c.neighbour.endpoint.mac)
    for what, mac, ip in (
        ("a neighbour's MAC address as the source", near_mac, c.ip),
        ("a neighbour's IP address as the source", c.mac, near),
        ("a neighbour's MAC and IP address as the source", near_mac, near),
        ("the router's MAC address as the source", ROUTER, c.ip),
        ("another tenant's IP address as the source", c.mac, target),
        ("the gateway's IP address as the source", c.mac, ipv4_text(c.attacker.gateway or 0)),
        ("nobody's IP address as the source", c.mac, "192.0.2.1"),
        ("a broadcast MAC address as the source", BROADCAST, c.ip),
    ):
        yield what, _on_wire(c, Ether(src=mac, dst=ROUTER) / IP(src=ip, dst=target) / _BODY)


def _crossings(c: Cast, _: Topology) -> Iterator[tuple[str, Any]]:
    """To another tenant, which nothing permits."""
    target, mac = ipv4_text(c.victim.endpoint.ip), mac_text(c.victim.endpoint.mac)
    body = TCP(sport=64999, dport=64999)
    yield "by the gateway", _on_wire(c, Ether(src=c.mac, dst=ROUTER) / IP(src=c.ip, dst=target) / body)
    yield "by its MAC address", _on_wire(c, Ether(src=c.mac, dst=mac) / IP(src=c.ip, dst=target) / body)
    hidden = IP(src=c.ip, dst=ipv4_text(c.attacker.gateway or 0)) / IP(src=c.ip, dst=target) / body
    yield "inside a packet for the gateway (IP in IP)", _on_wire(c, Ether(src=c.mac, dst=ROUTER) / hidden)


def _lives(c: Cast, _: Topology) -> Iterator[tuple[str, Any]]:
    """Packets whose time to live ends at the gateway (RFC 1812 §5.3.1)."""
    for ttl in (1, 0):
        packet = IP(src=c.ip, dst=ipv4_text(c.neighbour.endpoint.ip), ttl=ttl) / ICMP()
        yield f"a time to live of {ttl} across the gateway", _on_wire(c, Ether(src=c.mac, dst=ROUTER) / packet)


def _fragments(c: Cast, _: Topology) -> Iterator[tuple[str, Any]]:
    """Parts of datagrams, which hide ports from who does not join them (RFC 1858, RFC 3128)."""
    near, near_mac = ipv4_text(c.neighbour.endpoint.ip), mac_text(c.neighbour.endpoint.mac)
    for what, flags, offset, proto, body in (
        ("a later fragment without ports", 0, 64, 17, b"x" * 32),
        ("a later fragment in the middle", "MF", 64, 17, b"x" * 32),
        ("a first fragment for a port nobody permits", "MF", 0, 17, bytes.fromhex("fde7fde700200000") + b"x" * 24),
        ("a first fragment too short for its ports", "MF", 0, 6, b"\xfd\xe7"),
        ("a fragment that would write over the flags (offset 1)", 0, 1, 6, b"x" * 16),
    ):
        packet = IP(src=c.ip, dst=near, proto=proto, flags=flags, frag=offset, id=4711) / Raw(body)
        yield what, _on_wire(c, Ether(src=c.mac, dst=near_mac) / packet)
    target = IP(src=c.ip, dst=ipv4_text(c.victim.endpoint.ip), proto=17, frag=64, id=4711) / Raw(b"x" * 32)
    yield "a later fragment to another tenant", _on_wire(c, Ether(src=c.mac, dst=ROUTER) / target)


def _arp(c: Cast, _: Topology) -> Iterator[tuple[str, Any]]:
    near, near_mac = ipv4_text(c.neighbour.endpoint.ip), mac_text(c.neighbour.endpoint.mac)
    gateway, nobody = ipv4_text(c.attacker.gateway or 0), "00:00:00:00:00:00"
    for what, op, sha, spa, tha, tpa, dst in (
        ("the gateway is at me, to all", 2, c.mac, gateway, BROADCAST, gateway, BROADCAST),
        ("the gateway is at me, to a neighbour", 2, c.mac, gateway, near_mac, near, near_mac),
        ("a neighbour's address is at me", 2, c.mac, near, BROADCAST, near, BROADCAST),
        ("I announce my own address", 1, c.mac, c.ip, nobody, c.ip, BROADCAST),
        ("who has another tenant's address", 1, c.mac, c.ip, nobody, ipv4_text(c.victim.endpoint.ip), BROADCAST),
        ("a stolen MAC address asks", 1, near_mac, c.ip, nobody, gateway, BROADCAST),
    ):
        yield what, _on_wire(c, Ether(src=c.mac, dst=dst) / ARP(op=op, hwsrc=sha, psrc=spa, hwdst=tha, pdst=tpa))


def _tags(c: Cast, topology: Topology) -> Iterator[tuple[str, Any]]:
    inner = IP(src=c.ip, dst=ipv4_text(c.victim.endpoint.ip)) / UDP(sport=64999, dport=53) / Raw(b"attack")
    ends = Ether(src=c.mac, dst=mac_text(c.victim.endpoint.mac))
    other = next(v for v in (c.victim.vlan or 77, 78) if v != c.attacker.vlan)
    own = c.attacker.vlan or 1
    node = next(iter(topology.nodes.values()))
    yield "another VLAN's tag", ends / Dot1Q(vlan=other) / inner
    yield "two tags: my own over another's", ends / Dot1Q(vlan=own) / Dot1Q(vlan=other) / inner
    yield "three tags", ends / Dot1Q(vlan=own) / Dot1Q(vlan=other) / Dot1Q(vlan=own) / inner
    yield "the fabric's own two tags", ends / Dot1AD(vlan=node) / Dot1Q(vlan=2) / inner
    yield "a priority tag", ends / Dot1Q(vlan=0, prio=7) / inner


def _leaks(c: Cast, _: Topology) -> Iterator[tuple[str, Any]]:
    everybody, near = "255.255.255.255", mac_text(c.neighbour.endpoint.mac)
    of_all = ipv4_text(c.attacker.network.subnet[0] | (1 << 32 - c.attacker.network.subnet[1]) - 1)
    for what, dst, rest in (
        ("broadcast", BROADCAST, IP(src=c.ip, dst=everybody) / _BODY),
        ("broadcast to its own network", BROADCAST, IP(src=c.ip, dst=of_all) / _BODY),
        ("broadcast to its own network by the gateway", ROUTER, IP(src=c.ip, dst=of_all) / _BODY),
        ("a broadcast MAC address with a neighbour's IP address", BROADCAST, _to_neighbour(c)),
        (
            "multicast (mDNS)",
            "01:00:5e:00:00:fb",
            IP(src=c.ip, dst="224.0.0.251", ttl=255) / UDP(sport=5353, dport=5353),
        ),
        ("multicast (SSDP)", "01:00:5e:7f:ff:fa", IP(src=c.ip, dst="239.255.255.250") / UDP(sport=64999, dport=1900)),
        ("multicast by the gateway", ROUTER, IP(src=c.ip, dst="239.1.2.3") / _BODY),
        ("an IGMP report", "01:00:5e:01:02:03", IP(src=c.ip, dst="239.1.2.3", ttl=1, proto=2) / Raw(_IGMP)),
        ("a multicast MAC address with a neighbour's IP address", "01:00:5e:01:02:03", _to_neighbour(c)),
        ("DHCP without an address", BROADCAST, IP(src="0.0.0.0", dst=everybody) / UDP(sport=68, dport=67)),
        ("IPv6 multicast", "33:33:00:00:00:01", IPv6(src="fe80::1", dst="ff02::1") / _BODY),
        ("an IPv6 router's advertisement", "33:33:00:00:00:01", IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_RA()),
    ):
        yield what, _on_wire(c, Ether(src=c.mac, dst=dst) / rest)
    discovery = Raw(b"\x02\x07\x04" + bytes(6) + b"\0\0")
    yield "LLDP", Ether(src=c.mac, dst="01:80:c2:00:00:0e", type=0x88CC) / discovery
    yield "an unknown Ethernet type", Ether(src=c.mac, dst=near, type=0x9999) / Raw(bytes(46))
    yield "a spanning-tree BPDU", Dot3(src=c.mac, dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()


def _to_neighbour(c: Cast) -> Any:
    return IP(src=c.ip, dst=ipv4_text(c.neighbour.endpoint.ip)) / UDP(sport=64999, dport=64999) / Raw(b"attack")


_KINDS: tuple[tuple[str, Callable[[Cast, Topology], Iterator[tuple[str, Any]]]], ...] = (
    ("spoofing", _spoofs), ("ARP", _arp), ("VLAN hopping", _tags), ("crossing tenants", _crossings),
    ("fragments", _fragments), ("time to live", _lives), ("leaks", _leaks),
)  # fmt: skip
