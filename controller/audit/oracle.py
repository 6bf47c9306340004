"""What an intent means for one packet: the frames that must arrive, said as a person with the YAML in hand would.

Lives here: who may have sent a packet, whom it is for, how it arrives. Whether policy lets it pass is
controller.intent.reach's to say. Must not know: rules, tags of the fabric, the compiler, the prover.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.audit.control import BRIDGES, is_control
from clos.controller.intent.model import Intent, Network, Prefix
from clos.controller.intent.reach import End, Flow, behind, ends, passes, ruling, waypoint
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, ETH_VLAN, VID_NONE, VID_PRESENT
from clos.fabric.topology import LEGACY, Host, PortRef, Topology

MULTICAST = 1 << 40
ASKS, ANSWERS, ECHO, ECHO_REPLY = 1, 2, 8, 0
_PORTS = {6: ("tcp_src", "tcp_dst"), 17: ("udp_src", "udp_dst"), 132: ("sctp_src", "sctp_dst")}

Frames = Counter[tuple[str, bytes]]
"""Frames as hosts get them, and how often: (host, bytes)."""


class Expected(NamedTuple):
    """``sender``: None when nobody may send the packet. ``frames``: what must arrive.

    ``own``: hosts that may get it or not: the packet is for its very sender. ``later``: the host that it is for, which
    must not get it before a waypoint has. ``control``: it is for the controller, as these bytes, and for nobody else.
    """

    sender: End | None
    frames: Frames
    own: frozenset[str] = frozenset()
    later: str | None = None
    control: bytes | None = None

    def counted(self, got: Frames) -> Frames:
        """What hosts got, without what they may get or not: hold it against ``frames``."""
        return Counter({row: count for row, count in got.items() if row[0] not in self.own or row in self.frames})


class Sender(NamedTuple):
    """Who sends a packet. ``behind``: whose address it bears, when a waypoint passes it on."""

    end: End
    behind: End | None = None


class Sent(NamedTuple):
    """A frame on its way: who gets it as what, and the host that it is for, when that is another one."""

    frame: tuple[str, bytes]
    later: str | None = None


class IntentOracle:
    """An intent on a topology, looked up by address."""

    def __init__(self, intent: Intent, topology: Topology) -> None:
        self.intent, self.topology = intent, topology
        self.ends = tuple(ends(intent))
        self.homes: defaultdict[str, list[End]] = defaultdict(list)
        self.by_mac: defaultdict[tuple[str, str, int], list[End]] = defaultdict(list)
        self.by_ip: defaultdict[int, list[End]] = defaultdict(list)
        self.members: defaultdict[tuple[str, str], list[End]] = defaultdict(list)
        self.behind: dict[str, dict[int, End]] = {}
        for end in self.ends:
            tenant, endpoint = end.tenant.name, end.endpoint
            self.homes[endpoint.host].append(end)
            if endpoint.outside is None:
                self.by_mac[tenant, endpoint.network, endpoint.mac].append(end)
            for ip in endpoint.addresses if self.network(end).gateway is not None else ():
                self.by_ip[ip].append(end)
            self.members[tenant, endpoint.network].append(end)
        for end in self.waypoints():
            self.behind[end.endpoint.host] = {ip: each for each in behind(end) for ip in each.endpoint.addresses}
        self._claims: dict[str, list[tuple[Prefix, End | None]]] = {}

    def waypoints(self) -> Iterator[End]:
        """The endpoints that policies send packets to first; each has its host for itself."""
        for tenant in self.intent.tenants.values():
            names = dict.fromkeys(policy.via for policy in tenant.policies if policy.via)
            yield from (End(tenant, tenant.endpoints[name]) for name in names)

    def network(self, end: End) -> Network:
        return end.tenant.networks[end.endpoint.network]

    def tag(self, end: End) -> int | None:
        """The VLAN id that the endpoint's frames carry at its host's ports."""
        return self.network(end).vlan if self.topology.hosts[end.endpoint.host].tagged else None

    def meant(self, at: PortRef, packet: Packet) -> Expected:
        """What must become of a packet that comes in at a host's port."""
        control = self._control(self.topology.hosts[self.topology.host_at[at]], packet)
        if control is not None:
            return Expected(None, Counter(), control=control)
        sender = self._sender(self.topology.host_at[at], packet)
        if sender is None:
            return Expected(None, Counter())
        end = sender.end
        frame = packet if self.tag(end) is None else packet.pop_vlan()
        fields = frame.headers()
        if fields["eth_type"] == ETH_ARP:
            return Expected(end, Counter(self._answer(end, frame, fields)))
        sent = list(self._sent(sender, frame, fields))
        frames, later = Counter(each.frame for each in sent), next((each.later for each in sent if each.later), None)
        own = fields["eth_dst"] == end.endpoint.mac or self.has(end, fields["ipv4_dst"])
        return Expected(end, frames, self._free(end) if own and sender.behind is None else frozenset(), later)

    def _control(self, host: Host, packet: Packet) -> bytes | None:
        """What the controller gets of a packet from a legacy host, if it is for the controller."""
        if host.mode != LEGACY:
            return None
        if packet.get("eth_dst") in BRIDGES:
            return packet.to_bytes()
        for end in self.homes.get(host.name, ()):
            network = self.network(end)
            if packet.get("vlan_vid") == VID_PRESENT | (network.vlan or 0):
                frame = packet.pop_vlan()
                if is_control(network, frame.headers()):
                    return self._given(end, frame)[1]
        return None

    def has(self, end: End, ip: int | None) -> bool:
        """Whether an address is the endpoint's, or behind it."""
        own = end.endpoint
        return ip is not None and (ip in own.addresses or bool(own.routes and self.router(end.tenant.name, ip) == end))

    def router(self, tenant: str, ip: int) -> End | None:
        """The endpoint of a tenant that an address is behind: its prefix is the longest, and no subnet is longer."""
        claims = self._claims.get(tenant)
        if claims is None:
            claims = self._claims[tenant] = list(self._claimed(tenant))
        mine = [(length, end) for (base, length), end in claims if (ip ^ base) >> (32 - length) == 0]
        return max(mine, key=lambda row: row[0])[1] if mine else None

    def _claimed(self, tenant: str) -> Iterator[tuple[Prefix, End | None]]:
        """The prefixes of a tenant's routers; and the subnets, behind nobody, of it and of those it shares with."""
        ends = [end for end in self.ends if end.tenant.name == tenant and end.endpoint.routes]
        yield from ((prefix, end) for end in ends for prefix in end.endpoint.routes)
        near = {tenant}.union(
            *({share.tenant, user} for share, _, user in self.intent.agreed if tenant in (share.tenant, user))
        )
        for network in (network for name in near for network in self.intent.tenants[name].networks.values()):
            yield from ((subnet, None) for subnet in network.subnets if network.gateway is not None and ends)

    def _free(self, end: End) -> frozenset[str]:
        """Who may get what an endpoint addresses to itself: itself, and waypoints within groups that hold it."""
        turned = (p.via for p in end.tenant.policies if p.via and end.within(p.source) and end.within(p.target))
        return frozenset((end.endpoint.host, *(end.tenant.endpoints[name].host for name in turned)))

    def _sender(self, host: str, packet: Packet) -> Sender | None:
        for end in self.homes.get(host, ()):
            fields = self._untagged(end, packet)
            if fields is not None and self._is_from(end, fields):
                return Sender(end)
            other = self.behind.get(host, {}).get(fields.get("ipv4_src", -1)) if fields is not None else None
            if fields is not None and other is not None and fields["eth_type"] == ETH_IPV4:
                return Sender(end, other)
        return None

    def _untagged(self, end: End, packet: Packet) -> dict[str, int] | None:
        """The packet's fields, if it bears the tag and the MAC address of the endpoint, and no second tag."""
        tag = self.tag(end)
        if packet.get("vlan_vid") != (VID_NONE if tag is None else VID_PRESENT | tag):
            return None
        fields = (packet if tag is None else packet.pop_vlan()).headers()
        return fields if fields["vlan_vid"] == VID_NONE and fields["eth_src"] == end.endpoint.mac else None

    def _is_from(self, end: End, fields: dict[str, int]) -> bool:
        """Whether they are the endpoint's own addresses."""
        if fields["eth_type"] == ETH_ARP:
            return fields.get("arp_sha") == end.endpoint.mac and fields.get("arp_spa") in end.endpoint.addresses
        return fields["eth_type"] == ETH_IPV4 and self.has(end, fields.get("ipv4_src"))

    def _answer(self, sender: End, frame: Packet, fields: dict[str, int]) -> Iterator[tuple[str, bytes]]:
        """The answer to an ARP question: for the gateway, and for everybody else in the network."""
        asked, network = fields["arp_tpa"], self.network(sender)
        near = [end for end in self.members[sender.tenant.name, network.name] if not self._beyond(sender, end)]
        known = {ip: end.endpoint.mac for end in near for ip in end.endpoint.addresses}
        known |= dict.fromkeys(network.gateways, network.gateway_mac)
        if fields["arp_op"] == ASKS and asked in known and asked != fields["arp_spa"]:
            mac = known[asked]
            changes = {
                "eth_dst": fields["eth_src"], "eth_src": mac, "arp_op": ANSWERS, "arp_spa": asked,
                "arp_tpa": fields["arp_spa"], "arp_sha": mac, "arp_tha": fields["arp_sha"],
            }  # fmt: skip
            yield self._given(sender, _with(frame, changes))

    def _sent(self, sender: Sender, frame: Packet, fields: dict[str, int]) -> Iterator[Sent]:
        """Where an IPv4 packet goes: to the whole network, over the router, or to a neighbour."""
        end = sender.end
        tenant, network, mac = end.tenant, self.network(end), fields["eth_dst"]
        if mac & MULTICAST:
            if network.broadcast and sender.behind is None:
                others = {other.endpoint.host: other for other in self.members[tenant.name, network.name]}
                others.pop(end.endpoint.host)
                yield from (Sent(self._given(other, frame)) for other in others.values())
        elif mac == network.router:
            yield from self._routed(sender, frame, fields)
        else:
            near = [to for to in self.by_mac.get((tenant.name, network.name, mac), []) if not self._beyond(end, to)]
            near = [to for to in near if not _border(to) or fields["ipv4_dst"] in to.endpoint.addresses]
            for stop, to in self._stops(sender, near, fields):
                yield Sent(self._given(stop, frame.set("eth_dst", stop.endpoint.mac)), _later(stop, to))

    def _beyond(self, end: End, other: End) -> bool:
        """Whether they reach one another in the legacy network behind their host."""
        host = other.endpoint.host
        return host == end.endpoint.host and self.topology.hosts[host].mode == LEGACY

    def _routed(self, sender: Sender, frame: Packet, fields: dict[str, int]) -> Iterator[Sent]:
        end, ip, ttl = sender.end, fields["ipv4_dst"], frame.get("nw_ttl") or 0
        if any(ip in network.gateways for network in end.tenant.networks.values()):
            if fields.get("icmpv4_type") == ECHO and sender.behind is None:
                back = {"eth_dst": end.endpoint.mac, "eth_src": fields["eth_dst"], "icmpv4_type": ECHO_REPLY}
                yield Sent(self._given(end, _with(frame, back | {"ipv4_src": ip, "ipv4_dst": fields["ipv4_src"]})))
        elif ttl > 1:
            router = self.router(end.tenant.name, ip)
            for stop, to in self._stops(sender, self.by_ip.get(ip) or ([router] if router else []), fields):
                hop = {"eth_src": self.network(to).gateway_mac, "eth_dst": stop.endpoint.mac, "nw_ttl": ttl - 1}
                yield Sent(self._given(stop, _with(frame, hop)), _later(stop, to))

    def _stops(self, sender: Sender, near: list[End], fields: dict[str, int]) -> list[tuple[End, End]]:
        """Where such a packet goes first on its way to one of these, which have one address: there or to a waypoint.

        With the one that it is for.
        """
        ports = (fields.get(name) for name in _PORTS.get(fields["ip_proto"], ("", "")))
        flow = Flow(fields["ip_proto"], *ports)
        if sender.behind is not None:
            passed = [to for to in near if passes(self.intent, sender.end, sender.behind, to, flow)]
            return [(to, to) for to in passed[:1]]
        ruled = ((to, ruling(self.intent, sender.end, to, flow)) for to in near if to != sender.end)
        allowed = ((to, waypoint(sender.end, decided)) for to, decided in ruled if decided.allowed)
        return [(first or to, to) for to, first in allowed][:1]

    def _given(self, end: End, frame: Packet) -> tuple[str, bytes]:
        """The frame as the endpoint's host gets it."""
        tag = self.tag(end)
        if tag is not None:
            frame = frame.push_vlan(ETH_VLAN).set("vlan_vid", VID_PRESENT | tag)
        return end.endpoint.host, frame.to_bytes()


def _border(end: End) -> bool:
    """Whether it is the router of addresses outside, which are reached by the gateway only."""
    return end.endpoint.name in end.tenant.border


def _later(stop: End, to: End) -> str | None:
    """The host that a packet is for, where it goes to another one first."""
    return None if stop == to else to.endpoint.host


def _with(frame: Packet, changes: dict[str, int]) -> Packet:
    for field, value in changes.items():
        frame = frame.set(field, value)
    return frame
