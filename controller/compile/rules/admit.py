"""Admission: from a host's port only that host's own addresses, and nothing else.

Source for the guard against gratuitous ARP being answered: RFC 5227 §2.4.
"""

from __future__ import annotations

from collections.abc import Iterable

from clos.controller.compile.cookie import cookie, network_path
from clos.controller.compile.locate import Located
from clos.controller.compile.rules.underlay import POP, PUSH_INNER, set_vid
from clos.controller.compile.stages import ADMIT, ARP, BRIDGE, PORT, REFUSE, SEGMENT, SOURCE, VRF
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.packet.fields import ETH_ARP, ETH_IPV4, VID_NONE, VID_PRESENT

_UNTAGGED = ("vlan_vid", VID_NONE, None)


def port_rules(tenant: str, leaf: str, located: Iterable[Located]) -> list[Rule]:
    """Host port (and VLAN on trunks) -> segment and VRF. On trunks the tag comes off, and is put back on
    whatever the action set sends out again (an ARP answer); ``bridge`` and ``route`` clear that.
    """
    rules: dict[tuple[int, int | None], Rule] = {}
    for one in located:
        port = one.port_on(leaf)
        if (port, one.vlan) not in rules:
            seen = VID_NONE if one.vlan is None else VID_PRESENT | one.vlan
            match = Match.trusted((("in_port", port, None), ("vlan_vid", seen, None)))
            value = one.segment << SEGMENT.shift | one.vrf << VRF.shift
            way = Instructions(
                apply=() if one.vlan is None else (POP,),
                write=() if one.vlan is None else (PUSH_INNER, set_vid(one.vlan)),
                metadata=(value, SEGMENT.mask | VRF.mask),
                goto=ADMIT.table,
            )
            why = cookie(network_path(tenant, one.endpoint.network))
            rules[port, one.vlan] = PORT.rule(100, match, way, why)
    return list(rules.values())


def admit_rules(leaf: str, located: Iterable[Located]) -> list[Rule]:
    """One endpoint, one port: its IPv4 packets, its ARP; never a second VLAN tag."""
    rules = []
    for one, ip in ((each, ip) for each in located for ip in each.endpoint.addresses):
        mac = one.endpoint.mac
        start = (("in_port", one.port_on(leaf), None), SEGMENT.term(one.segment), ("eth_src", mac, None))
        known = SOURCE.write(one.klass)
        ipv4 = (*start, ("eth_type", ETH_IPV4, None), _UNTAGGED, ("ipv4_src", ip, None))
        rules.append(ADMIT.rule(100, Match.trusted(ipv4), Instructions(metadata=known, goto=BRIDGE.table), one.cookie))
        spa, sha = ("arp_spa", ip, None), ("arp_sha", mac, None)
        arp = (*start, ("eth_type", ETH_ARP, None), _UNTAGGED)
        asks = Match.trusted((*arp, spa, sha))
        announces = Match.trusted((*arp, spa, ("arp_tpa", ip, None), sha))
        rules.append(ADMIT.rule(100, asks, Instructions(goto=ARP.table), one.cookie))
        rules.append(ADMIT.rule(110, announces, REFUSE, one.cookie))
    return rules
