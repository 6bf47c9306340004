"""One line about a packet, for people.

Lives here: the words only. Must not know: bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from clos.fabric.packet.fields import IP_ICMP, IP_ICMPV6, IP_SCTP, IP_TCP, IP_UDP, mac_text, text

_PORTS = {IP_TCP: ("tcp", "tcp_dst"), IP_UDP: ("udp", "udp_dst"), IP_SCTP: ("sctp", "sctp_dst")}
_ICMP = {(IP_ICMP, 8): "icmp echo request", (IP_ICMP, 0): "icmp echo reply", (IP_ICMP, 3): "icmp unreachable",
         (IP_ICMP, 11): "icmp time exceeded", (IP_ICMPV6, 128): "icmpv6 echo request",
         (IP_ICMPV6, 129): "icmpv6 echo reply", (IP_ICMPV6, 135): "icmpv6 neighbour solicitation",
         (IP_ICMPV6, 136): "icmpv6 neighbour advertisement"}  # fmt: skip


def describe(fields: Mapping[str, int], ttl: int | None, vlans: tuple[int, ...], length: int) -> str:
    """``10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 7]``; a tag stack reads outermost first, ``[vlan 12, 7]``."""
    tags = f" [vlan {', '.join(map(str, vlans))}]" if vlans else ""
    return _body(fields, ttl, length) + tags


def _body(fields: Mapping[str, int], ttl: int | None, length: int) -> str:
    if "arp_op" in fields:
        return _arp(fields)
    for source, target in (("ipv4_src", "ipv4_dst"), ("ipv6_src", "ipv6_dst")):
        if source in fields:
            ends = f"{text(source, fields[source])} > {text(target, fields[target])}"
            return f"{ends} {_transport(fields)} ttl {ttl}"
    ends = f"{mac_text(fields['eth_src'])} > {mac_text(fields['eth_dst'])}"
    if "mpls_label" in fields:
        return f"{ends} mpls {fields['mpls_label']}"
    if "pbb_isid" in fields:
        return f"{ends} pbb {fields['pbb_isid']}"
    return f"{ends} type {fields['eth_type']:#06x} {length} bytes"


def _arp(fields: Mapping[str, int]) -> str:
    asked, teller = text("arp_tpa", fields["arp_tpa"]), text("arp_spa", fields["arp_spa"])
    if fields["arp_op"] == 1:
        return f"arp who-has {asked} tell {teller}"
    if fields["arp_op"] == 2:
        return f"arp {teller} is-at {mac_text(fields['arp_sha'])} to {asked}"
    return f"arp op {fields['arp_op']} {teller} > {asked}"


def _transport(fields: Mapping[str, int]) -> str:
    proto = fields.get("ip_proto", 0)
    name, port = _PORTS.get(proto, ("", ""))
    if name:
        return f"{name}/{fields[port]}" if port in fields else name
    kind = fields.get("icmpv4_type", fields.get("icmpv6_type", -1))
    if kind < 0:
        return f"proto {proto}"
    return _ICMP.get((proto, kind)) or f"{'icmp' if proto == IP_ICMP else 'icmpv6'} type {kind}"
