"""The semantic diff: a packet's fate differs between two intents iff it is in the sets that are told."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from controller.verify.flows import ASKED, BRIDGED, BROADCAST, PINGED, ROUTED, Flow, flows
from controller.verify.parties import Side, concern, parties
from fabric.packet import Packet
from fabric.topology import PortRef, Topology
from tests.fabrics import packets, topologies
from tests.intent_edits import pairs
from tests.meaning import ROUTER, meaning, to_itself

EXAMPLES = int(os.environ.get("CLOS_EXAMPLES", "2000"))
law = settings(
    max_examples=max(1, EXAMPLES // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def told(flow: Flow, at: PortRef, packet: Packet) -> bool:
    """Whether the packet is in the flow, read field by field."""
    seen = packet.headers()
    for sender in flow.senders:
        vid = 0 if sender.vlan is None else 0x1000 | sender.vlan
        if at not in sender.ports or seen["vlan_vid"] != vid or seen["eth_src"] != sender.mac:
            continue
        frame = packet if sender.vlan is None else packet.pop_vlan()
        inner = {**frame.headers(), "ttl": frame.get("nw_ttl") or 0}
        if inner["vlan_vid"] == 0 and sender.ip in (inner.get("ipv4_src"), inner.get("arp_spa")):
            return _addressed(flow, sender, inner)
    return False


def _addressed(flow: Flow, sender, seen: dict[str, int]) -> bool:
    if flow.way == ASKED:
        asks = seen.get("arp_op") == 1 and seen.get("arp_sha") == sender.mac
        return asks and seen["arp_tpa"] in flow.receivers and seen["arp_tpa"] != sender.ip
    if seen["eth_type"] != 0x0800:
        return False
    group, router = bool(seen["eth_dst"] >> 40 & 1), seen["eth_dst"] == ROUTER
    if flow.way == BROADCAST:
        return group and any(spot.ports != sender.ports for spot in flow.receivers)
    if flow.way == PINGED:
        return router and seen["ipv4_dst"] in flow.receivers and seen.get("icmpv4_type") == 8
    if flow.way == ROUTED:
        to = router and seen["ttl"] > 1 and any(end.ip == seen["ipv4_dst"] for end in flow.receivers)
    else:
        to = flow.way == BRIDGED and any(target.mac == seen["eth_dst"] for target in flow.receivers)
    return to and any(_in(box, seen) for box in flow.traffic)


def _in(box, seen: dict[str, int]) -> bool:
    name = {6: "tcp", 17: "udp", 132: "sctp"}.get(seen["ip_proto"], "")
    values = seen["ip_proto"], seen.get(f"{name}_dst", -1), seen.get(f"{name}_src", -1)
    return all(low <= value <= high for (low, high), value in zip(box, values, strict=True))


def sets_of(old, new, topology: Topology) -> tuple[Flow, ...]:
    sides = Side(old, topology), Side(new, topology)
    who = concern(*sides)
    return flows(*sides, who, parties(*sides, who.tenants)[0])


@given(st.data())
@law
def test_a_packets_fate_differs_iff_it_is_in_the_sets_that_are_told(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    old, new = data.draw(pairs(topology))
    at, packet = data.draw(packets(topology, data.draw(st.sampled_from([old, new]))))
    assume(not to_itself(old, topology, at, packet) and not to_itself(new, topology, at, packet))
    found = sets_of(old, new, topology)
    note("\n".join(map(str, found)))
    before, after = (meaning(intent, topology, at, packet) for intent in (old, new))
    assert any(told(flow, at, packet) for flow in found) == (before != after)
