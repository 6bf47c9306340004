"""Attacks: what a host that means harm might send, built by Scapy, and which table stops each.

Lives here: the catalogue. Must not know: how frames are sent. Scapy builds them, so that no code of ours is both the
attacker and the judge of what the bytes mean.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from controller.compile.forward import ROUTER_MAC
from controller.compile.stages import SPINE, STAGES
from controller.intent.model import Intent
from fabric.packet import Packet
from fabric.topology import Topology
from fabric.walk import Walk
from lab.layout import colons, dotted
from lab.probes import Party, Probe, parties
from lab.witness import Fabric

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import ARP, LLC, STP, Dot1AD, Dot1Q, Dot3, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

BROADCAST = "ff:ff:ff:ff:ff:ff"
ROUTER = colons(ROUTER_MAC)


class Cast(NamedTuple):
    """Who plays: the attacker, a neighbour of the same network if there is one, a victim of another tenant."""

    attacker: Party
    neighbour: Party
    victim: Party

    @property
    def mac(self) -> str:
        return colons(self.attacker.endpoint.mac)

    @property
    def ip(self) -> str:
        return dotted(self.attacker.endpoint.ip)


def attacks(intent: Intent, topology: Topology) -> list[Probe]:
    """Every attack, by an attacker on an access port and, where there is one, by one on a trunk."""
    everyone = parties(intent, topology)
    found: list[Probe] = []
    for trunk in (False, True):
        cast = _cast(everyone, trunk)
        if cast is not None:
            found += [
                Probe(cast.attacker.ports[0], Packet(bytes(frame)), f"{what} ({'trunk' if trunk else 'access'} port)")
                for what, frame in (*_spoofs(cast), *_arp(cast), *_tags(cast, topology), *_leaks(cast))
            ]
    return found


def stopped(done: Walk) -> str:
    """Where a frame ended: ``leaf1 table 1 admit``; empty when it reached a host."""
    if done.deliveries or not done.hops:
        return ""
    last = done.hops[-1]
    table = last.step.trail[-1].table
    spine = len(last.step.trail) == 1 and table == SPINE.table and last.parent is not None
    return f"{last.switch} table {table} {SPINE.name if spine else STAGES[table].name}"


def catalogue(intent: Intent, fabric: Fabric) -> list[tuple[Probe, str]]:
    """Every attack and where the evaluator says it ends."""
    return [(probe, stopped(fabric.walk(probe.at, probe.packet))) for probe in attacks(intent, fabric.topology)]


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


def _spoofs(c: Cast) -> Iterator[tuple[str, Any]]:
    body = UDP(sport=64999, dport=53) / Raw(b"attack")
    target, near = dotted(c.victim.endpoint.ip), dotted(c.neighbour.endpoint.ip)
    near_mac = colons(c.neighbour.endpoint.mac)
    for what, mac, ip in (
        ("a neighbour's MAC address as the source", near_mac, c.ip),
        ("a neighbour's IP address as the source", c.mac, near),
        ("a neighbour's MAC and IP address as the source", near_mac, near),
        ("the router's MAC address as the source", ROUTER, c.ip),
        ("another tenant's IP address as the source", c.mac, target),
        ("the gateway's IP address as the source", c.mac, dotted(c.attacker.gateway)),
    ):
        yield what, _on_wire(c, Ether(src=mac, dst=ROUTER) / IP(src=ip, dst=target) / body)
    yield (
        "another tenant by the gateway, no policy",
        _on_wire(c, Ether(src=c.mac, dst=ROUTER) / IP(src=c.ip, dst=target) / TCP(sport=64999, dport=64999)),
    )
    yield (
        "another tenant by its MAC address",
        _on_wire(
            c,
            Ether(src=c.mac, dst=colons(c.victim.endpoint.mac))
            / IP(src=c.ip, dst=target)
            / TCP(sport=64999, dport=64999),
        ),
    )
    yield (
        "a time to live of 1 across the gateway",
        _on_wire(c, Ether(src=c.mac, dst=ROUTER) / IP(src=c.ip, dst=near, ttl=1) / ICMP()),
    )
    yield (
        "a later fragment without ports",
        _on_wire(c, Ether(src=c.mac, dst=near_mac) / IP(src=c.ip, dst=near, proto=17, frag=64) / Raw(b"x" * 32)),
    )


def _arp(c: Cast) -> Iterator[tuple[str, Any]]:
    near, near_mac = dotted(c.neighbour.endpoint.ip), colons(c.neighbour.endpoint.mac)
    gateway, nobody = dotted(c.attacker.gateway), "00:00:00:00:00:00"
    for what, op, sha, spa, tha, tpa, dst in (
        ("ARP: the gateway is at me, to all", 2, c.mac, gateway, BROADCAST, gateway, BROADCAST),
        ("ARP: the gateway is at me, to a neighbour", 2, c.mac, gateway, near_mac, near, near_mac),
        ("ARP: a neighbour's address is at me", 2, c.mac, near, BROADCAST, near, BROADCAST),
        ("ARP: I announce my own address", 1, c.mac, c.ip, nobody, c.ip, BROADCAST),
        ("ARP: who has another tenant's address", 1, c.mac, c.ip, nobody, dotted(c.victim.endpoint.ip), BROADCAST),
        ("ARP: a stolen MAC address asks", 1, near_mac, c.ip, nobody, gateway, BROADCAST),
    ):
        yield what, _on_wire(c, Ether(src=c.mac, dst=dst) / ARP(op=op, hwsrc=sha, psrc=spa, hwdst=tha, pdst=tpa))


def _tags(c: Cast, topology: Topology) -> Iterator[tuple[str, Any]]:
    inner = IP(src=c.ip, dst=dotted(c.victim.endpoint.ip)) / UDP(sport=64999, dport=53) / Raw(b"attack")
    ends = Ether(src=c.mac, dst=colons(c.victim.endpoint.mac))
    other = next(v for v in (c.victim.vlan or 77, 78) if v != c.attacker.vlan)
    own = c.attacker.vlan or 1
    node = next(iter(topology.nodes.values()))
    yield "another VLAN's tag", ends / Dot1Q(vlan=other) / inner
    yield "two tags: my own over another's", ends / Dot1Q(vlan=own) / Dot1Q(vlan=other) / inner
    yield "three tags", ends / Dot1Q(vlan=own) / Dot1Q(vlan=other) / Dot1Q(vlan=own) / inner
    yield "the fabric's own two tags", ends / Dot1AD(vlan=node) / Dot1Q(vlan=2) / inner
    yield "a priority tag", ends / Dot1Q(vlan=0, prio=7) / inner


def _leaks(c: Cast) -> Iterator[tuple[str, Any]]:
    body, everybody = UDP(sport=68, dport=67) / Raw(b"attack"), "255.255.255.255"
    near = colons(c.neighbour.endpoint.mac)
    for what, dst, rest in (
        ("IPv4 broadcast", BROADCAST, IP(src=c.ip, dst=everybody) / body),
        ("IPv4 multicast", "01:00:5e:00:00:fb", IP(src=c.ip, dst="224.0.0.251") / body),
        ("DHCP without an address", BROADCAST, IP(src="0.0.0.0", dst=everybody) / body),
        ("IPv6", "33:33:00:00:00:01", IPv6(src="fe80::1", dst="ff02::1") / body),
    ):
        yield what, _on_wire(c, Ether(src=c.mac, dst=dst) / rest)
    discovery = Raw(b"\x02\x07\x04" + bytes(6) + b"\0\0")
    yield "LLDP", Ether(src=c.mac, dst="01:80:c2:00:00:0e", type=0x88CC) / discovery
    yield "an unknown Ethernet type", Ether(src=c.mac, dst=near, type=0x9999) / Raw(bytes(46))
    yield "a spanning-tree BPDU", Dot3(src=c.mac, dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()
