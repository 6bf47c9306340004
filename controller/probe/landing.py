"""Which endpoint a frame reaches when it leaves the fabric by a host's port.

Lives here: the one definition of delivery that probes, traces, explanations, the lab and the pytest plugin share.
Must not know: rules, how frames are sent, whether they may arrive.

A host's port is no endpoint: a hypervisor's trunk carries many, of several tenants, which may use the same addresses.
An endpoint has a frame when it comes by a port of its host, under the endpoint's VLAN tag and no other, to the
endpoint's MAC address and its IPv4 address; or, under that tag, to all stations of its network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.controller.intent.outside import Prefix, longest
from clos.controller.intent.reach import End, behind, ends
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ETH_VLAN, VID_NONE, VID_PRESENT
from clos.fabric.topology import PortRef, Topology

GROUP_ADDRESS = 1 << 40
"""The bit of a MAC address that means many stations (IEEE 802, clause 8)."""
_TYPE = slice(12, 14)


class Landing(NamedTuple):
    """Where a frame must arrive for an endpoint to have it. ``vlan``: its tag there, None on an access port.

    ``ips``: the IPv4 addresses it takes packets for: its own; a waypoint also takes those it passes on. ``routes``: the
    prefixes behind it, for which it takes them, too, but for what longer prefixes of others (``others``) hold.
    """

    ports: tuple[PortRef, ...]
    vlan: int | None
    mac: int
    ips: frozenset[int]
    routes: tuple[Prefix, ...] = ()
    others: tuple[Prefix, ...] = ()

    def takes(self, delivery: Delivery) -> bool:
        """Whether this frame, at this port, reaches the endpoint."""
        frame = self._untagged(delivery.packet) if delivery.port in self.ports else None
        if frame is None:
            return False
        fields = frame.headers()
        if fields["vlan_vid"] != VID_NONE:
            return False
        asked = fields.get("ipv4_dst", fields.get("arp_tpa"))
        own = fields["eth_dst"] == self.mac and (asked is None or self._has(asked))
        return own or bool(fields["eth_dst"] & GROUP_ADDRESS)

    def _has(self, ip: int) -> bool:
        if ip in self.ips or not self.routes:
            return ip in self.ips
        own, other = longest((ip, 32), self.routes), longest((ip, 32), self.others)
        return own is not None and (other is None or other[1] < own[1])

    def _untagged(self, frame: Packet) -> Packet | None:
        """The frame without the endpoint's tag; None when it does not bear it."""
        if self.vlan is None:
            return frame
        tagged = frame.to_bytes()[_TYPE] == ETH_VLAN.to_bytes(2, "big")
        return frame.pop_vlan() if tagged and frame.get("vlan_vid") == VID_PRESENT | self.vlan else None

    def of(self, ip: int) -> Landing:
        """Where it gets packets for somebody else's address, as a waypoint does."""
        return self._replace(ips=frozenset({ip}))


def landing(end: End, topology: Topology) -> Landing:
    """Where an endpoint gets its own frames."""
    host = topology.hosts[end.endpoint.host]
    vlan = end.tenant.networks[end.endpoint.network].vlan if host.tagged else None
    own = Landing(host.ports, vlan, end.endpoint.mac, frozenset(end.endpoint.addresses), end.endpoint.routes)
    return own if end.endpoint.outside is None else own._replace(others=tuple(_others(end)))


def _others(end: End) -> Iterator[Prefix]:
    """The prefixes of a tenant that are not those of addresses outside."""
    for endpoint in end.tenant.everyone.values():
        yield from endpoint.routes if endpoint.name != end.endpoint.name else ()
    for network in end.tenant.networks.values():
        yield from network.subnets if network.gateway is not None else ()


def arrived(due: Landing, deliveries: Iterable[Delivery]) -> bool:
    """Whether any of these frames reached the endpoint it was due at."""
    return any(due.takes(delivery) for delivery in deliveries)


def content(frame: Packet) -> bytes:
    """A frame without the zeros at its end: cables pad short frames (IEEE 802.3 §4.2.3.3), some more than once."""
    return frame.to_bytes().rstrip(b"\0")


class Landings:
    """Every endpoint's landing, looked up by port."""

    def __init__(self, intent: Intent, topology: Topology) -> None:
        self._at: defaultdict[PortRef, list[tuple[Landing, End]]] = defaultdict(list)
        waypoints = {(tenant.name, p.via) for tenant in intent.tenants.values() for p in tenant.policies if p.via}
        for end in ends(intent):
            turned = (end.tenant.name, end.endpoint.name) in waypoints
            place = landing(end, topology)
            if turned:
                place = place._replace(ips=place.ips.union(*(other.endpoint.addresses for other in behind(end))))
            for port in place.ports:
                self._at[port].append((place, end))

    def takers(self, delivery: Delivery) -> tuple[End, ...]:
        """The endpoints that have this frame; none when it reached only their host."""
        return tuple(end for place, end in self._at.get(delivery.port, ()) if place.takes(delivery))
