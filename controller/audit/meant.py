"""What an intent means for one packet: the frames that must arrive, said as a person with the YAML in hand would.

Lives here: who may have sent a packet, whom it is for, how it arrives. Whether policy lets it pass is
controller.intent.reach's to say. Must not know: rules, tags of the fabric, the compiler, the prover.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from controller.intent.model import ROUTER_MAC, Intent, Network
from controller.intent.reach import End, Flow, ends, ruling
from fabric.fields import ETH_ARP, ETH_IPV4, ETH_VLAN, VID_NONE, VID_PRESENT
from fabric.packet import Packet
from fabric.topology import TRUNK, PortRef, Topology

MULTICAST = 1 << 40
ASKS, ANSWERS, ECHO, ECHO_REPLY = 1, 2, 8, 0
_PORTS = {6: ("tcp_src", "tcp_dst"), 17: ("udp_src", "udp_dst"), 132: ("sctp_src", "sctp_dst")}

Frames = Counter[tuple[str, bytes]]
"""Frames as hosts get them, and how often: (host, bytes)."""


class Meant(NamedTuple):
    """``sender``: None when nobody may send the packet. ``frames``: what must arrive.

    ``own``: the packet is for its very sender, whose port may get it or not.
    """

    sender: End | None
    frames: Frames
    own: str | None = None


class Reading:
    """An intent on a topology, looked up by address."""

    def __init__(self, intent: Intent, topology: Topology) -> None:
        self.intent, self.topology = intent, topology
        self.ends = tuple(ends(intent))
        self.homes: defaultdict[str, list[End]] = defaultdict(list)
        self.by_mac: defaultdict[tuple[str, str, int], list[End]] = defaultdict(list)
        self.by_ip: defaultdict[int, list[End]] = defaultdict(list)
        self.members: defaultdict[tuple[str, str], list[End]] = defaultdict(list)
        for end in self.ends:
            tenant, endpoint = end.tenant.name, end.endpoint
            self.homes[endpoint.host].append(end)
            self.by_mac[tenant, endpoint.network, endpoint.mac].append(end)
            self.by_ip[endpoint.ip].append(end)
            self.members[tenant, endpoint.network].append(end)

    def network(self, end: End) -> Network:
        return end.tenant.networks[end.endpoint.network]

    def tag(self, end: End) -> int | None:
        """The VLAN id that the endpoint's frames carry at its host's ports."""
        return self.network(end).vlan if self.topology.hosts[end.endpoint.host].mode == TRUNK else None

    def meant(self, at: PortRef, packet: Packet) -> Meant:
        """What must become of a packet that comes in at a host's port."""
        sender = self._sender(self.topology.host_at[at], packet)
        if sender is None:
            return Meant(None, Counter())
        frame = packet if self.tag(sender) is None else packet.pop_vlan()
        fields = frame.headers()
        if fields["eth_type"] == ETH_ARP:
            return Meant(sender, Counter(self._answer(sender, frame, fields)))
        own = fields["eth_dst"] == sender.endpoint.mac or fields["ipv4_dst"] == sender.endpoint.ip
        return Meant(sender, Counter(self._sent(sender, frame, fields)), sender.endpoint.host if own else None)

    def _sender(self, host: str, packet: Packet) -> End | None:
        return next((end for end in self.homes.get(host, ()) if self._is_from(end, packet)), None)

    def _is_from(self, end: End, packet: Packet) -> bool:
        """Whether the packet bears the tag and the addresses of the endpoint, and no second tag."""
        tag = self.tag(end)
        if packet.get("vlan_vid") != (VID_NONE if tag is None else VID_PRESENT | tag):
            return False
        fields = (packet if tag is None else packet.pop_vlan()).headers()
        mac, ip = end.endpoint.mac, end.endpoint.ip
        if fields["vlan_vid"] != VID_NONE or fields["eth_src"] != mac:
            return False
        if fields["eth_type"] == ETH_ARP:
            return (fields.get("arp_sha"), fields.get("arp_spa")) == (mac, ip)
        return fields["eth_type"] == ETH_IPV4 and fields.get("ipv4_src") == ip

    def _answer(self, sender: End, frame: Packet, fields: dict[str, int]) -> Iterator[tuple[str, bytes]]:
        """The answer to an ARP question: for the gateway, and for everybody else in the network."""
        asked, network = fields["arp_tpa"], self.network(sender)
        near = self.members[sender.tenant.name, network.name]
        known = {end.endpoint.ip: end.endpoint.mac for end in near} | {network.gateway: ROUTER_MAC}
        if fields["arp_op"] == ASKS and asked in known and asked != sender.endpoint.ip:
            mac = known[asked]
            changes = {
                "eth_dst": fields["eth_src"], "eth_src": mac, "arp_op": ANSWERS, "arp_spa": asked,
                "arp_tpa": fields["arp_spa"], "arp_sha": mac, "arp_tha": fields["arp_sha"],
            }  # fmt: skip
            yield self._given(sender, _with(frame, changes))

    def _sent(self, sender: End, frame: Packet, fields: dict[str, int]) -> Iterator[tuple[str, bytes]]:
        """Where an IPv4 packet goes: to the whole network, over the router, or to a neighbour."""
        tenant, network, mac = sender.tenant, self.network(sender), fields["eth_dst"]
        if mac & MULTICAST:
            if network.broadcast:
                others = {end.endpoint.host: end for end in self.members[tenant.name, network.name]}
                others.pop(sender.endpoint.host)
                yield from (self._given(end, frame) for end in others.values())
        elif mac == ROUTER_MAC:
            yield from self._routed(sender, frame, fields)
        else:
            near = self.by_mac.get((tenant.name, network.name, mac), [])
            yield from (self._given(end, frame) for end in self._permitted(sender, near, fields))

    def _routed(self, sender: End, frame: Packet, fields: dict[str, int]) -> Iterator[tuple[str, bytes]]:
        ip, ttl = fields["ipv4_dst"], frame.get("nw_ttl") or 0
        if any(network.gateway == ip for network in sender.tenant.networks.values()):
            if fields.get("icmpv4_type") == ECHO:
                back = {"eth_dst": sender.endpoint.mac, "eth_src": ROUTER_MAC, "icmpv4_type": ECHO_REPLY}
                yield self._given(sender, _with(frame, back | {"ipv4_src": ip, "ipv4_dst": fields["ipv4_src"]}))
        elif ttl > 1:
            for end in self._permitted(sender, self.by_ip.get(ip, []), fields):
                hop = {"eth_src": ROUTER_MAC, "eth_dst": end.endpoint.mac, "nw_ttl": ttl - 1}
                yield self._given(end, _with(frame, hop))

    def _permitted(self, sender: End, near: list[End], fields: dict[str, int]) -> list[End]:
        """The first of these, which have one address, that policy lets the sender reach with such a packet."""
        ports = (fields.get(name) for name in _PORTS.get(fields["ip_proto"], ("", "")))
        flow = Flow(fields["ip_proto"], *ports)
        reached = [end for end in near if end != sender and ruling(self.intent, sender, end, flow).allowed]
        return reached[:1]

    def _given(self, end: End, frame: Packet) -> tuple[str, bytes]:
        """The frame as the endpoint's host gets it."""
        tag = self.tag(end)
        if tag is not None:
            frame = frame.push_vlan(ETH_VLAN).set("vlan_vid", VID_PRESENT | tag)
        return end.endpoint.host, frame.to_bytes()


def _with(frame: Packet, changes: dict[str, int]) -> Packet:
    for field, value in changes.items():
        frame = frame.set(field, value)
    return frame
