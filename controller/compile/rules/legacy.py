"""Legacy hosts' ports: what switches and routers of the other network say to one another goes to the controller.

Metered, and nowhere else: no BPDU ever crosses the fabric, and neither do hellos of routers. And what is behind one
such port in one network is left to itself: no answers, no frames back. Lives here: these rules. Must not know: who
listens.

Sources: IEEE 802.1D-2004 §7.12.3 (bridge group address), RFC 2281 §3 and HSRP version 2 (UDP 1985), RFC 7868 §6.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.compile.cookie import cookie, network_path
from clos.controller.compile.locate import Located
from clos.controller.compile.numbering import MAX_METER
from clos.controller.compile.stages import ADMIT, ARP, PORT, REFUSE, SEGMENT
from clos.controller.intent.model import Network
from clos.fabric.dataplane.action import CONTROLLER, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Band, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, IP_ICMP, IP_UDP, VID_NONE
from clos.fabric.protocols.eigrp.packet import ALL_ROUTERS
from clos.fabric.protocols.eigrp.packet import PROTOCOL as EIGRP
from clos.fabric.protocols.hsrp.packet import GROUP_ADDRESS
from clos.fabric.protocols.hsrp.packet import PORT as HSRP
from clos.fabric.protocols.pvst.frame import IEEE_GROUP, SSTP_GROUP
from clos.fabric.topology import LEGACY, Topology

CONTROL_METER = MAX_METER - 1
"""The meter of a switch's legacy ports: a number that is given to no policy."""
CONTROL_RATE = 1_000
"""Frames a second that a switch hands to the controller from these: BPDUs of 1,000 VLANs from two roots."""

TELL = Instructions(meter=CONTROL_METER, write=(Output(CONTROLLER),))
"""To the controller; where the VLAN's tag has come off, the action set has what puts it back on."""

Attached = tuple[int, int, Network]
"""A network behind a legacy port of a leaf: the port, the network's segment, and itself."""


def legacy_ports(leaf: str, topology: Topology) -> tuple[int, ...]:
    """The ports of a leaf that lead to legacy hosts, sorted."""
    hosts = (host for host in topology.hosts.values() if host.mode == LEGACY)
    return tuple(sorted(port for host in hosts for switch, port in host.ports if switch == leaf))


def bridge_rules(ports: tuple[int, ...], why: int) -> Iterator[Rule]:
    """BPDUs, whatever their tag: of PVST+, and of the standard's spanning trees."""
    for port in ports:
        for group in (IEEE_GROUP, SSTP_GROUP):
            yield PORT.rule(300, Match.of(in_port=port, eth_dst=group), TELL, why)


def control_meter() -> Meter:
    return Meter(CONTROL_METER, (Band(CONTROL_RATE, CONTROL_RATE),), packets=True)


def attached(tenant_networks: dict[str, Network], leaf: str, here: tuple[Located, ...]) -> tuple[Attached, ...]:
    """The networks behind a leaf's legacy ports, sorted."""
    found = {(one.port_on(leaf), one.segment): tenant_networks[one.endpoint.network] for one in here if one.legacy}
    return tuple((*key, found[key]) for key in sorted(found))


def control_block(tenant: str, networks: tuple[Attached, ...]) -> Block:
    """In each network: hellos of routers, and what answers or addresses the fabric's own gateway there."""
    return Block(
        ADMIT.rule(200, Match.of(**fields), TELL, cookie(network_path(tenant, network.name)))
        for port, segment, network in networks
        for fields in _control(port, segment, network)
    )


def _control(port: int, segment: int, network: Network) -> Iterator[dict[str, int | tuple[int, int | None]]]:
    _, value, mask = SEGMENT.term(segment)
    at: dict[str, int | tuple[int, int | None]] = {"in_port": port, "metadata": (value, mask), "vlan_vid": VID_NONE}
    ip, arp = at | {"eth_type": ETH_IPV4}, at | {"eth_type": ETH_ARP}
    for group in sorted(GROUP_ADDRESS.values()):
        yield ip | {"eth_dst": group_mac(group), "ipv4_dst": group, "ip_proto": IP_UDP, "udp_dst": HSRP}
    yield ip | {"eth_dst": group_mac(ALL_ROUTERS), "ipv4_dst": ALL_ROUTERS, "ip_proto": EIGRP}
    for gateway in network.gateways:
        here = {"eth_dst": network.gateway_mac, "ipv4_dst": gateway}
        yield ip | here | {"ip_proto": EIGRP}
        yield ip | here | {"ip_proto": IP_ICMP, "icmpv4_type": 0}
        yield arp | {"eth_dst": network.gateway_mac, "arp_op": 2, "arp_tpa": gateway}


def group_mac(ip: int) -> int:
    """The Ethernet address of a multicast group (RFC 1112 §6.4)."""
    return 0x0100_5E00_0000 | ip & 0x7F_FFFF


def silent_rules(leaf: str, here: tuple[Located, ...]) -> Iterator[Rule]:
    """Nobody answers at a legacy port for what is behind it."""
    for one, ip in ((each, ip) for each in here if each.legacy for ip in each.endpoint.addresses):
        asked = Match.of(
            in_port=one.port_on(leaf), metadata=SEGMENT.term(one.segment)[1:], eth_type=ETH_ARP, arp_op=1, arp_tpa=ip
        )
        yield ARP.rule(110, asked, REFUSE, one.cookie)
