"""Frames of a legacy network that are for the controller: of bridges, of routers, and answers to its own questions.

Lives here: how one tells them. Must not know: ports, rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from clos.controller.intent.model import Network
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, IP_ICMP, IP_UDP, VID_NONE

BRIDGES = (0x0180_C200_0000, 0x0100_0CCC_CCCD)
"""Where BPDUs go: the standard's and PVST+'s."""
ROUTERS = {0xE000_0002: 0x0100_5E00_0002, 0xE000_0066: 0x0100_5E00_0066, 0xE000_000A: 0x0100_5E00_000A}
"""The groups of routers, with their Ethernet addresses: HSRP's two, and EIGRP's."""
HSRP_PORT, EIGRP, EIGRP_GROUP = 1985, 88, 0xE000_000A
ANSWERS, ECHO_REPLY = 2, 0
SOMEBODY = 0x0000_0C12_3456


class _Ends(TypedDict):
    eth_src: int
    eth_dst: int
    ipv4_src: int
    ipv4_dst: int
    vlan: int | None


def is_control(network: Network, frame: Mapping[str, int]) -> bool:
    """Whether a frame, its tag taken off, is of routers in the network, or answers the network's gateway."""
    if frame["vlan_vid"] != VID_NONE:
        return False
    own = frame["eth_dst"] == network.gateway_mac
    if frame["eth_type"] == ETH_ARP:
        return own and frame["arp_op"] == ANSWERS and frame["arp_tpa"] in network.gateways
    if frame["eth_type"] != ETH_IPV4:
        return False
    own = own and frame["ipv4_dst"] in network.gateways
    group = ROUTERS.get(frame["ipv4_dst"]) == frame["eth_dst"]
    if frame["ip_proto"] == IP_UDP:
        return group and frame["ipv4_dst"] != EIGRP_GROUP and frame.get("udp_dst") == HSRP_PORT
    if frame["ip_proto"] == EIGRP:
        return own or (group and frame["ipv4_dst"] == EIGRP_GROUP)
    return own and frame["ip_proto"] == IP_ICMP and frame.get("icmpv4_type") == ECHO_REPLY


def control_packets(network: Network, ip: int, vlan: int | None) -> Iterator[Packet]:
    """One frame of each kind, from somebody with this address, and some that only look like one."""
    for group in (*BRIDGES, 0x0100_0CCC_CCCC):
        yield build.ethernet(eth_dst=group, eth_src=SOMEBODY, eth_type=0x0027, payload=bytes(46), vlan=vlan)
    own = dict.fromkeys(network.gateways, network.gateway_mac)
    for target, mac in (ROUTERS | own).items():
        for proto in (EIGRP, EIGRP + 1):
            yield build.ipv4(
                eth_src=SOMEBODY,
                eth_dst=mac,
                ipv4_src=ip,
                ipv4_dst=target,
                vlan=vlan,
                ip_proto=proto,
                payload=bytes(20),
            )
        for port in (HSRP_PORT, HSRP_PORT + 1):
            yield build.udp(
                eth_src=SOMEBODY, eth_dst=mac, ipv4_src=ip, ipv4_dst=target, vlan=vlan, udp_src=HSRP_PORT, udp_dst=port
            )
    for target, mac in own.items():
        yield build.icmp_echo(eth_src=SOMEBODY, eth_dst=mac, ipv4_src=ip, ipv4_dst=target, vlan=vlan, reply=True)
        yield build.arp_reply(SOMEBODY, ip, mac, target, vlan)
