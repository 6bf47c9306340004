"""Rules that no compiler would make, on fabrics of two leaves and a spine, and frames that they speak of."""

from __future__ import annotations

from hypothesis import strategies as st

from clos.fabric.dataplane.action import (
    ALL,
    CONTROLLER,
    IN_PORT,
    DecNwTtl,
    Group,
    Move,
    Output,
    PopVlan,
    PushVlan,
    SetField,
    SetNwTtl,
)
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import ALL as EVERY
from clos.fabric.dataplane.rule import (
    FAST_FAILOVER,
    SELECT,
    Bucket,
    GroupEntry,
    Instructions,
    Rule,
)
from clos.fabric.dataplane.rule import INDIRECT as ONLY
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import LEAF, SPINE, Host, Link, PortRef, Switch, Topology

MACS = (0x020000000001, 0x020000000002, 0x01005E000001)
IPS = (0x0A000001, 0x0A000002, 0x0A010001)
PORTS = (0, 80, 81, 8000)
VIDS = (0x1000, 0x1001, 0x1002)
HIGH = 1 << 40

TOPOLOGY = Topology(
    "soup",
    {"s": Switch("s", SPINE, 9), "a": Switch("a", LEAF, 1, 1), "b": Switch("b", LEAF, 2, 2)},
    (
        Link(PortRef("a", 1), PortRef("s", 1)),
        Link(PortRef("a", 2), PortRef("s", 2)),
        Link(PortRef("b", 1), PortRef("s", 3)),
    ),
    {
        "h1": Host("h1", 1, (PortRef("a", 11),)),
        "h2": Host("h2", 2, (PortRef("a", 12),)),
        "h3": Host("h3", 3, (PortRef("b", 11),)),
    },
)

_PREFIX = [0xFFFF0000, 0xFFFFFFFE, 0xFF0000FF]
_MATCHES = [
    ANY,
    *(Match.of(eth_dst=mac) for mac in MACS),
    Match.of(eth_dst=(HIGH, HIGH)),
    *(Match.of(eth_src=mac) for mac in MACS[:2]),
    Match.of(vlan_vid=0), Match.of(vlan_vid=(0x1000, 0x1000)), *(Match.of(vlan_vid=vid) for vid in VIDS),
    Match.of(vlan_vid=(0x1000, 0x1000), vlan_pcp=3),
    *(Match.of(eth_type=kind) for kind in (0x0800, 0x0806, 0x86DD, 0x1234)),
    *(Match.of(eth_type=0x0800, ipv4_dst=ip) for ip in IPS),
    *(Match.of(eth_type=0x0800, ipv4_src=(IPS[2] & mask, mask)) for mask in _PREFIX),
    Match.of(eth_type=0x0800, ip_proto=6), Match.of(eth_type=0x0800, ip_proto=47),
    Match.of(eth_type=0x86DD, ip_proto=6),
    *(Match.of(eth_type=0x0800, ip_proto=6, tcp_dst=port) for port in PORTS),
    Match.of(eth_type=0x0800, ip_proto=6, tcp_dst=(80, 0xFFFE)),
    Match.of(eth_type=0x0800, ip_proto=6, tcp_src=(0, 0xFF00)),
    Match.of(eth_type=0x0800, ip_proto=17, udp_src=80), Match.of(eth_type=0x0800, ip_dscp=10),
    Match.of(eth_type=0x0800, ip_proto=1, icmpv4_type=8), Match.of(eth_type=0x0806, arp_op=1),
    Match.of(eth_type=0x0806, arp_spa=IPS[0]), Match.of(eth_type=0x0806, arp_sha=MACS[0], arp_tpa=IPS[1]),
    Match.of(metadata=(1, 1)), Match.of(metadata=(0, 3)), Match.of(metadata=(0, 1), eth_src=MACS[0]),
    Match.of(tunnel_id=5),
    *(Match.of(in_port=port) for port in (1, 2, 3, 11, 12)), Match.of(in_port=11, vlan_vid=0),
]  # fmt: skip
_CHANGES = [
    *(SetField("eth_dst", mac) for mac in MACS), SetField("eth_src", MACS[0]),
    *(SetField("vlan_vid", vid) for vid in VIDS), SetField("vlan_pcp", 3), SetField("ip_dscp", 10),
    SetField("ipv4_dst", IPS[0]), SetField("ipv4_src", IPS[2]), SetField("tcp_dst", 80), SetField("udp_src", 80),
    SetField("icmpv4_type", 0), SetField("arp_op", 2), SetField("arp_spa", IPS[1]), SetField("tunnel_id", 5),
    Move("eth_src", "eth_dst"), Move("ipv4_src", "ipv4_dst"), Move("ipv4_dst", "ipv4_src"), Move("arp_sha", "eth_dst"),
    Move("arp_sha", "arp_tha"), Move("arp_spa", "arp_tpa"), Move("tcp_src", "tcp_dst"),
    PushVlan(), PushVlan(0x88A8), PopVlan(), PopVlan(), DecNwTtl(), SetNwTtl(2),
]  # fmt: skip
_SENDS = [
    *(Output(port) for port in (1, 2, 3, 11, 12, 99, IN_PORT, ALL, CONTROLLER)),
    Group(1),
    Group(2),
    Group(3),
    Group(9),
]

_actions = st.lists(st.sampled_from(_CHANGES + _SENDS * 2), max_size=4).map(tuple)


@st.composite
def _instructions(draw: st.DrawFn, table: int) -> Instructions:
    goto = draw(st.sampled_from([None, *range(table + 1, 3)]))
    return Instructions(
        None,
        draw(_actions) if draw(st.booleans()) else (),
        draw(st.integers(0, 4)) == 0,
        draw(_actions) if goto is None or draw(st.booleans()) else (),
        draw(st.sampled_from([None, (1, 1), (2, 2), (0, 3)])),
        goto,
    )


@st.composite
def _switch(draw: st.DrawFn) -> SwitchState:
    rules = {}
    for table in range(3):
        for match in draw(st.lists(st.sampled_from(_MATCHES), max_size=5, unique=True)):
            priority = len(rules) + 1  # no two alike: ties have no evaluator
            rules[table, priority, match] = Rule(table, priority, match, draw(_instructions(table)))
    groups = [draw(_group(number)) for number in (1, 2, 3) if draw(st.booleans())]
    return state_of([Block(rules.values(), groups)])


@st.composite
def _group(draw: st.DrawFn, number: int) -> GroupEntry:
    kind = draw(st.sampled_from([EVERY, SELECT, FAST_FAILOVER, ONLY]))
    sends = [Output(1), Output(2), Output(3), Output(11), Output(12), Output(IN_PORT)] + [
        Group(n) for n in range(1, number)
    ]
    buckets = draw(
        st.lists(
            st.builds(
                lambda changes, send, weight, port, watched: Bucket((*changes, send), weight, port, watched),
                st.lists(st.sampled_from(_CHANGES), max_size=2),
                st.sampled_from(sends),
                st.sampled_from([1, 1, 2, 0]),
                st.sampled_from([None, None, 1, 2, 3, 11, 98]),
                st.sampled_from([None, None, 1, 2, 9]),
            ),
            min_size=1,
            max_size=1 if kind == ONLY else 3,
        )
    )
    return GroupEntry(number, kind, tuple(buckets))


@st.composite
def soups(draw: st.DrawFn) -> tuple[Topology, dict[str, SwitchState]]:
    """A fabric and arbitrary rules for each of its switches."""
    return TOPOLOGY, {name: draw(_switch()) for name in TOPOLOGY.switches}


@st.composite
def frames(draw: st.DrawFn) -> Packet:
    """Frames of all kinds: IP whole, cut short and in fragments, ARP, others; with up to two tags."""
    ends = {"eth_src": draw(st.sampled_from(MACS)), "eth_dst": draw(st.sampled_from([*MACS, 0x0200000000FF]))}
    ip = {
        "ipv4_src": draw(st.sampled_from(IPS)),
        "ipv4_dst": draw(st.sampled_from(IPS)),
        "ttl": draw(st.sampled_from([64, 3, 2, 1, 0])),
    }
    ports = draw(st.tuples(st.sampled_from(PORTS), st.sampled_from([*PORTS, 9])))
    kind = draw(st.sampled_from(["tcp", "tcp", "udp", "icmp", "arp", "gre", "other", "short", "later", "ipv6"]))
    if kind in ("tcp", "later"):
        packet = build.tcp(**ends, **ip, tcp_src=ports[0], tcp_dst=ports[1])
        if kind == "later":
            packet = Packet(packet.data[:20] + b"\x20\x01" + packet.data[22:])
    elif kind == "udp":
        packet = build.udp(**ends, **ip, udp_src=ports[0], udp_dst=ports[1])
    elif kind == "icmp":
        packet = build.icmp_echo(**ends, **ip, reply=draw(st.booleans()))
    elif kind == "arp":
        packet = build.arp_request(draw(st.sampled_from(MACS)), ip["ipv4_src"], ip["ipv4_dst"])
    elif kind == "ipv6":
        body = b"\x60\0\0\0\0\x14\x06" + bytes([ip["ttl"]]) + bytes(32) + bytes(20)
        packet = build.ethernet(**ends, eth_type=0x86DD, payload=body)
    elif kind == "short":
        packet = build.ethernet(**ends, eth_type=draw(st.sampled_from([0x0800, 0x0806])), payload=bytes(6))
    elif kind == "gre":
        packet = build.ipv4(**ends, **ip, ip_proto=47, payload=bytes(8))
    else:
        packet = build.ethernet(**ends, eth_type=draw(st.sampled_from([0x1234, 0x88B5])), payload=bytes(20))
    for vid in draw(st.lists(st.sampled_from([*VIDS, 0x1007]), max_size=2)):
        packet = packet.push_vlan(draw(st.sampled_from([0x8100, 0x88A8]))).set("vlan_vid", vid)
        packet = packet.set("vlan_pcp", draw(st.sampled_from([0, 3])))
    return packet
