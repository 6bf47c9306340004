"""Matches as ``ovs-ofctl`` prints them: Open vSwitch's own names of fields, and its shorthands for protocols.

Lives here: the names and what they stand for. Must not know: lines, actions.
Source: ovs-fields(7), ovs-ofctl(8) "Flow Syntax".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from clos.controller.dump.registers import RegisterBits, canonical, matched_bits, wide_match, width
from clos.controller.dump.words import NotModelled, Unread, clip, known, number, term, value
from clos.controller.dump.words import match as match_of
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.packet.fields import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    ETH_MPLS_MC,
    VID_NONE,
    VID_PRESENT,
)
from clos.fabric.packet.fields import IP_ICMP as ICMP
from clos.fabric.packet.fields import IP_ICMPV6 as ICMPV6
from clos.fabric.packet.fields import IP_SCTP as SCTP
from clos.fabric.packet.fields import IP_TCP as TCP
from clos.fabric.packet.fields import IP_UDP as UDP

PROTOCOLS: Mapping[str, tuple[int, int | None]] = {
    "ip": (ETH_IPV4, None), "ipv6": (ETH_IPV6, None), "arp": (ETH_ARP, None), "rarp": (0x8035, None),
    "mpls": (ETH_MPLS, None), "mplsm": (ETH_MPLS_MC, None),
    "icmp": (ETH_IPV4, ICMP), "tcp": (ETH_IPV4, TCP), "udp": (ETH_IPV4, UDP), "sctp": (ETH_IPV4, SCTP),
    "icmp6": (ETH_IPV6, ICMPV6), "tcp6": (ETH_IPV6, TCP), "udp6": (ETH_IPV6, UDP), "sctp6": (ETH_IPV6, SCTP),
}  # fmt: skip
"""Shorthands: Ethernet type, and IP protocol where they say one."""

NAMES: Mapping[str, str] = {
    "dl_src": "eth_src", "dl_dst": "eth_dst", "dl_type": "eth_type", "dl_vlan_pcp": "vlan_pcp", "nw_ecn": "ip_ecn",
    "ip_src": "ipv4_src", "ip_dst": "ipv4_dst", "ipv6_label": "ipv6_flabel", "tun_id": "tunnel_id",
    "nd_target": "ipv6_nd_target", "nd_sll": "ipv6_nd_sll", "nd_tll": "ipv6_nd_tll",
}  # fmt: skip
"""Open vSwitch's names of fields that have another one in OpenFlow, and always the same."""

_BY_TYPE: Mapping[str, Mapping[int, str]] = {
    "nw_src": {ETH_IPV4: "ipv4_src", ETH_ARP: "arp_spa"},
    "nw_dst": {ETH_IPV4: "ipv4_dst", ETH_ARP: "arp_tpa"},
    "nw_proto": {ETH_IPV4: "ip_proto", ETH_IPV6: "ip_proto", ETH_ARP: "arp_op"},
}
_BY_PROTO: Mapping[str, Mapping[int, str]] = {
    "tp_src": {TCP: "tcp_src", UDP: "udp_src", SCTP: "sctp_src", ICMP: "icmpv4_type", ICMPV6: "icmpv6_type"},
    "tp_dst": {TCP: "tcp_dst", UDP: "udp_dst", SCTP: "sctp_dst", ICMP: "icmpv4_code", ICMPV6: "icmpv6_code"},
    "icmp_type": {ICMP: "icmpv4_type", ICMPV6: "icmpv6_type"},
    "icmp_code": {ICMP: "icmpv4_code", ICMPV6: "icmpv6_code"},
}

Port = Callable[[str], int]
"""The number of a port by its number, name or reserved name. Raises Unread."""


class Read(NamedTuple):
    """A match: ``plain`` is OpenFlow's part, ``looked`` registers. ``foreign``: kinds of things in it that are not
    modelled, so that it takes fewer packets than the rest of it says. ``conj_id``: of a conjunctive match."""

    plain: Match
    looked: RegisterBits
    whole: Match
    foreign: tuple[str, ...]
    conj_id: int | None


def read_match(words: Iterable[tuple[str, str]], port: Port, assume: int | None = None) -> Read:
    """The match that (name, value) pairs say; a shorthand has no value. Raises Unread."""
    terms: list[Term] = []
    rest: list[tuple[str, str]] = []
    foreign: list[str] = []
    looked, conj_id = RegisterBits(), None
    for name, word in words:
        if not word and name in PROTOCOLS:
            kind, proto = PROTOCOLS[name]
            terms.append(("eth_type", kind, None))
            terms += [("ip_proto", proto, None)] if proto is not None else []
        elif name in ("dl_type", "eth_type"):
            terms.append(("eth_type", value("eth_type", word), None))
        elif name == "conj_id":
            conj_id = number(word, 32, name)
        elif name != "metadata" and width(canonical(name)) is not None and word:
            if canonical(name) in _UNTOLD and assume not in (None, NEW):
                foreign.append("fields of connections (ct_mark, ct_label, addresses)")
            else:
                looked = looked.then(matched_bits(canonical(name), word))
        else:
            rest.append((name, word))
    # what comes later in the line may need what came before: nw_proto, then tp_src
    for name, word in rest:
        try:
            terms += _terms(name, word, terms, port)
        except NotModelled as why:
            foreign.append(why.what)
    names = {name for name, _, _ in terms}
    if "vlan_pcp" in names and "vlan_vid" not in names:
        terms.append(("vlan_vid", VID_PRESENT, VID_PRESENT))  # Open vSwitch: a priority is of frames with a tag
    plain = match_of(terms)
    return Read(plain, looked, wide_match(terms, looked, plain), tuple(foreign), conj_id)


NEW = 0x21
"""The ct_state of a new connection that is tracked."""
_UNTOLD = {"ct_mark", "ct_label", "ct_zone"}
"""What only a connection itself can tell, once there is one; 0 before, and of a new one."""


def _terms(name: str, word: str, before: list[Term], port: Port) -> list[Term]:
    if name == "in_port":
        return [("in_port", port(word), None)]
    if name == "dl_vlan":
        if word in ("65535", "0xffff"):
            return [("vlan_vid", VID_NONE, None)]  # OFP_VLAN_NONE of OpenFlow 1.0
        return [("vlan_vid", VID_PRESENT | number(word, 12, "dl_vlan"), None)]
    if name == "vlan_tci":
        return _tag(word)
    if name == "nw_tos":
        tos = number(word, 8, "nw_tos")
        if tos & 3:
            raise Unread(f"nw_tos {clip(word)}: its last two bits are no part of it")
        return [("ip_dscp", tos >> 2, None)]
    if not word:
        raise Unread(f"{clip(name)}: no protocol or flag that Clos knows")
    return [term(known(_field(name, before)), word)]


def _field(name: str, before: list[Term]) -> str:
    """The OpenFlow name; some depend on the protocol."""
    for names, of in ((_BY_TYPE, "eth_type"), (_BY_PROTO, "ip_proto")):
        if name in names:
            there = next((number for field, number, _ in before if field == of), -1)
            if there not in names[name]:
                raise Unread(f"{name}: means nothing without a protocol that has it")
            return names[name][there]
    return NAMES.get(name, name)


def _tag(word: str) -> list[Term]:
    """``vlan_tci``: priority, a bit that says there is a tag, VLAN id (ovs-fields(7))."""
    shown, slash, mask_word = word.partition("/")
    tci, mask = number(shown, 16, "vlan_tci"), number(mask_word, 16, "vlan_tci mask") if slash else 0xFFFF
    if tci & ~mask:
        raise Unread(f"vlan_tci {clip(word)}: has bits outside its mask")
    terms: list[Term] = [("vlan_vid", tci & 0x1FFF, mask & 0x1FFF)]
    if mask & VID_PRESENT and not tci >> 12:
        return terms  # untagged frames have no priority
    if mask >> 13:
        if not mask & VID_PRESENT:
            if not tci >> 13:
                raise Unread(f"vlan_tci {clip(word)}: Clos cannot match frames without a tag and some with one at once")
            terms = [("vlan_vid", tci & 0xFFF | VID_PRESENT, mask & 0xFFF | VID_PRESENT)]
        if mask >> 13 != 7:
            raise Unread(f"vlan_tci {clip(word)}: Clos cannot match part of a tag's priority")
        terms.append(("vlan_pcp", tci >> 13, None))
    return terms
