"""Packets at the limits of what is allowed: the longest, the shortest-lived, in pieces; and longer than that.

Lives here: what is sent, by Scapy. Must not know: how a fabric carries it. What a policy permits must arrive even so;
what is longer than the hosts' cables carry (MTU 1500) must end there, and nowhere else.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from clos.controller.intent.model import Intent
from clos.controller.intent.reach import Flow
from clos.controller.probe.candidates import Reach
from clos.controller.probe.packets import Party, Probe, parties
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import IP_ICMP, IP_TCP, IP_UDP, ipv4_text, mac_text
from clos.fabric.topology import Topology
from clos.lab.lab import Lab
from clos.lab.mininet.taps import Taps

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.l2 import Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

MTU, JUMBO = 1500, 9000
NUMBER = 8
"""Bytes that a probe's number takes after its end: with them the longest frame is as long as a cable carries."""
_REFUSALS = {errno.EMSGSIZE: f"its own interface (MTU {MTU})", errno.ENOBUFS: f"the cable to {{at}} (MTU {MTU})"}
"""What Linux says when a frame is longer than the interface sends, or than the cable's other end takes."""
HEADERS = {IP_TCP: 40, IP_UDP: 28, IP_ICMP: 28}
"""Bytes of IPv4 and transport headers."""


class Talk(NamedTuple):
    """A conversation that policy permits."""

    source: Party
    target: Party
    flow: Flow


def limits(intent: Intent, topology: Topology) -> list[Probe]:
    """Permitted packets at the limits: all of these arrive, but for those that say so."""
    found = []
    for talk in _talks(intent, topology):
        at, near = talk.source.ports[0], talk.source.near(talk.target)
        for what, frame in _extremes(talk, near):
            found.append(Probe(at, Packet(bytes(frame)), f"{talk.source.name} -> {talk.target.name} {what}"))
    return found


def oversize(lab: Lab, taps: Taps) -> list[tuple[str, str]]:
    """Permitted packets that are longer than a cable carries, and where each ends; empty for one that arrived.

    First as the host's system lets it, then with the host's end of the cable set to carry more.
    """
    found = []
    for talk in _talks(lab.intent, lab.topology):
        node, interface = lab.plan.ends[talk.source.ports[0]]
        inside = node if node in lab.cell.nodes and lab.plan.station(node) is not None else ""
        for size in (MTU + 1, JUMBO):
            what = f"{talk.source.name} -> {talk.target.name} {size:,} bytes"
            found.append((what, _sent(taps, talk, size)))
            lab.cell.run(inside, "ip", "link", "set", "dev", interface, "mtu", str(JUMBO))
            try:
                found.append((f"{what}, its interface set to {JUMBO:,}", _sent(taps, talk, size)))
            finally:
                lab.cell.run(inside, "ip", "link", "set", "dev", interface, "mtu", str(MTU))
    return found


def _sent(taps: Taps, talk: Talk, size: int) -> str:
    at = talk.source.ports[0]
    frame = bytes(_frame(talk, talk.source.near(talk.target), size))
    taps.gather()
    try:
        taps.send([(at, frame)])
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        return _REFUSALS[error.errno].format(at=at)
    came = [port for port, _ in taps.gather()[0] if port in talk.target.ports]
    return "" if came else _REFUSALS[errno.ENOBUFS].format(at=at)


def _talks(intent: Intent, topology: Topology) -> list[Talk]:
    """One conversation across the gateway and one within a network, between different leaves, where there are any."""
    everyone = parties(intent, topology)
    reach = Reach(intent, everyone)
    found: dict[bool, Talk] = {}
    for source in everyone:
        for target in everyone:
            apart = source.ports[0].switch not in {port.switch for port in target.ports}
            flow = reach.permitted(source, target) if apart and source.vlan is None else None
            if flow is not None and flow.proto in HEADERS:
                found.setdefault(source.near(target), Talk(source, target, flow))
    return list(found.values())


def _extremes(talk: Talk, near: bool) -> Iterator[tuple[str, Any]]:
    yield f"{MTU:,} bytes, its number included", _frame(talk, near, MTU - NUMBER)
    yield "a time to live of 2", _frame(talk, near, 100, ttl=2)
    yield f"a time to live of 1{'' if near else ', which ends at the gateway'}", _frame(talk, near, 100, ttl=1)
    yield "don't fragment", _frame(talk, near, 1000, flags="DF")
    yield "a first fragment, with its ports", _frame(talk, near, 996, flags="MF")


def _frame(talk: Talk, near: bool, size: int, **fields: Any) -> Any:
    """A frame whose IPv4 packet has this length."""
    source, target, flow = talk
    body = {
        IP_TCP: TCP(sport=flow.source_port or 0, dport=flow.target_port or 0),
        IP_UDP: UDP(sport=flow.source_port or 0, dport=flow.target_port or 0),
        IP_ICMP: ICMP(),
    }[flow.proto] / Raw(bytes(size - HEADERS[flow.proto]))
    ends = Ether(src=mac_text(source.endpoint.mac), dst=mac_text(target.endpoint.mac if near else source.router))
    tag = Dot1Q(vlan=source.vlan) if source.vlan is not None else None
    head = ends if tag is None else ends / tag
    return head / IP(src=ipv4_text(source.endpoint.ip), dst=ipv4_text(target.endpoint.ip), **fields) / body
