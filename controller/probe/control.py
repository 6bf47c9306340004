"""What switches and routers of a legacy network send into the fabric: one frame for every rule about them.

Lives here: the frames. Must not know: rules, what becomes of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.protocols.eigrp.packet import ALL_ROUTERS
from clos.fabric.protocols.eigrp.packet import PROTOCOL as EIGRP
from clos.fabric.protocols.hsrp.packet import GROUP_ADDRESS
from clos.fabric.protocols.hsrp.packet import PORT as HSRP
from clos.fabric.protocols.pvst.frame import IEEE_GROUP, SSTP_GROUP

BRIDGE, ROUTER = 0x0200_0C00_0001, 0x0200_0C00_0002
"""Their MAC addresses; those of no endpoint."""


class _Ends(TypedDict):
    eth_src: int
    eth_dst: int
    ipv4_src: int
    ipv4_dst: int
    vlan: int | None


def bridge_frames(vlan: int | None) -> Iterator[tuple[str, Packet]]:
    """BPDUs, as far as anybody looks: (what it is, the frame)."""
    for what, group in (("a BPDU", IEEE_GROUP), ("a BPDU of PVST+", SSTP_GROUP)):
        yield what, build.ethernet(eth_dst=group, eth_src=BRIDGE, eth_type=0x0027, payload=bytes(46), vlan=vlan)


def router_frames(subnet: int, gateway: tuple[int, int] | None, vlan: int | None) -> Iterator[tuple[str, Packet]]:
    """Hellos, and what is sent to the fabric's gateway (its MAC and IP address); from an address of the subnet."""

    def ends(mac: int, ip: int) -> _Ends:
        return {"eth_src": ROUTER, "eth_dst": mac, "ipv4_src": subnet | 1, "ipv4_dst": ip, "vlan": vlan}

    for version, group in sorted(GROUP_ADDRESS.items()):
        hello = build.udp(**ends(_mac(group), group), udp_src=HSRP, udp_dst=HSRP, payload=bytes(20))
        yield f"a hello of HSRP version {version}", hello
    yield "a hello of EIGRP", build.ipv4(**ends(_mac(ALL_ROUTERS), ALL_ROUTERS), ip_proto=EIGRP, payload=bytes(20))
    if gateway is not None:
        mac, ip = gateway
        yield "EIGRP to the gateway", build.ipv4(**ends(mac, ip), ip_proto=EIGRP, payload=bytes(20))
        yield "an answer to the gateway's ping", build.icmp_echo(**ends(mac, ip), reply=True)
        yield "an answer to the gateway's ARP", build.arp_reply(ROUTER, subnet | 1, mac, ip, vlan)


def _mac(group: int) -> int:
    """The Ethernet address of a multicast group (RFC 1112 §6.4)."""
    return 0x0100_5E00_0000 | group & 0x7F_FFFF
