"""Frames as they come: what hosts send, rightly and wrongly, drawn at random. Honest ones are controller.probe's.

Lives here: strays. Must not know: what should become of them, how they are sent.
Every probe carries its number, in its payload or after the end of its packet, so that it can be told from others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from clos.controller.intent.model import Intent, Service
from clos.controller.probe.packets import (
    MARK,
    STRANGE_PORT,
    Party,
    Probe,
    marked,
    matrix,
    message,
    numbered,
    opening,
    parties,
    services,
    talk,
    who_has,
)
from clos.fabric.packet.build import BROADCAST, Packet
from clos.fabric.topology import PortRef, Topology

__all__ = [
    "MARK",
    "STRANGE_PORT",
    "Party",
    "Probe",
    "marked",
    "matrix",
    "numbered",
    "parties",
    "services",
    "strays",
    "talk",
]


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
    to = chance.choice((target.endpoint.mac, source.router, BROADCAST, 0x01005E000001))
    ip = chance.choice((target.endpoint.ip, source.gateway or 0, target.gateway or 0, 0xFFFFFFFF))
    return message(source, to, ip, opening(service), chance.choice((64, 2, 1, 0)))


def _who_has(chance: random.Random, source: Party, target: Party, service: Service) -> Packet:
    wanted = chance.choice((target.endpoint.ip, source.gateway or 0, target.gateway or 0, source.endpoint.ip))
    return who_has(source, wanted)


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
