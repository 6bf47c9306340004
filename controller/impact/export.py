"""A difference as JSON values: sentences, and packets as constraints on header fields.

Must not know: how it was found, who asks. Fields are OpenFlow's (OpenFlow 1.3.5 §7.2.3.7), values their usual text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clos.controller.impact.changed_flows import (
    ASKED,
    BRIDGED,
    BROADCAST,
    PINGED,
    ROUTED,
    VIA_BRIDGED,
    VIA_ROUTED,
    DeliveryPoint,
    Flow,
    Target,
)
from clos.controller.impact.impact import Impact
from clos.controller.impact.policy_classes import Attachment
from clos.controller.impact.side_effects import SideEffects
from clos.controller.impact.traffic_sets import EVERYTHING, NO_PORT, PORTS, Box, within
from clos.controller.intent.model import ROUTER_MAC
from clos.fabric.packet.fields import ipv4_text, mac_text

Json = dict[str, Any]
_NAMES = {6: "tcp", 17: "udp", 132: "sctp"}
_ROUTED = (ROUTED, PINGED, VIA_ROUTED)
_HEAD: dict[str, Json] = {
    ROUTED: {"eth_type": "0x800", "eth_dst": mac_text(ROUTER_MAC), "ip_ttl": "2-255"},
    BRIDGED: {"eth_type": "0x800"},
    ASKED: {"eth_type": "0x806", "arp_op": "1"},
    PINGED: {"eth_type": "0x800", "eth_dst": mac_text(ROUTER_MAC), "ip_proto": "1", "icmpv4_type": "8"},
    BROADCAST: {"eth_type": "0x800", "eth_dst": "01:00:00:00:00:00/01:00:00:00:00:00"},
}
_HEAD |= {VIA_ROUTED: _HEAD[ROUTED], VIA_BRIDGED: _HEAD[BRIDGED]}
"""What all packets of a way have in common."""


def impact_json(found: Impact, rules: SideEffects, limit: int) -> Json:
    """``limit``: packets are written out as long as they name no more than so many addresses; the rest is counted::

    {"text": "newly permits shop/web -> shop/db tcp/1433; nothing else changes",
     "sentences": [{"kind": "permits", "text": "newly permits shop/web -> shop/db tcp/1433",
                    "from": {"name": "shop/web", "endpoints": ["shop/web1", "shop/web2"]}, ...}],
     "packets": [{"change": "gained", "way": "routed", "match": {"eth_type": "0x800", ...},
                  "from": [{"ports": ["leaf1:11"], "vlan_vid": "none", "eth_src": "...", "ipv4_src": "..."}],
                  "to": [{"ipv4_dst": "..."}], "traffic": [{"ip_proto": "6", "tcp_dst": "1433"}]}],
     "omitted": 0,
     "rules": {"compared": true, "why": "", "ports": 11, "strays": [], "found": 0}}

    ``rules``: whether rules before and after were compared, if not why, and packets (``found`` sets of them) that they
    treat unlike though nothing was said of these.
    """
    written: list[Json] = []
    room = limit
    for flow in found.flows:
        room -= len(flow.senders) + len(flow.receivers)
        if room < 0:
            break
        written.append(_flow(flow))
    return {
        "text": _text(found, rules),
        "sentences": [{"kind": one.kind, "text": one.text, **one.detail} for one in found.sentences],
        "packets": written,
        "omitted": len(found.flows) - len(written),
        "rules": _rules(rules),
    }


def _text(found: Impact, rules: SideEffects) -> str:
    if not rules.found:
        return str(found)
    said = [*(one.text for one in found.sentences), "the rules change more than the intents"]
    return "; ".join(said)


def _rules(rules: SideEffects) -> Json:
    strays = [
        {
            "at": str(one.at), "host": one.host, "before": one.before, "after": one.after,
            "packet": one.packet, "hex": one.data.hex(), "text": str(one),
        }
        for one in rules.strays
    ]  # fmt: skip
    return {
        "compared": not rules.why, "why": rules.why, "ports": rules.ports, "strays": strays, "found": rules.found
    }  # fmt: skip


def _flow(flow: Flow) -> Json:
    """Every sender to every receiver but itself: the packets that have all these values.

    The gateway's MAC address is said with each sender where one is not the fabric's own.
    """
    own = flow.way in _ROUTED and any(end.router != ROUTER_MAC for end in flow.senders)
    head = _HEAD[flow.way]
    if own:
        head = {key: value for key, value in head.items() if key != "eth_dst"}
    row: Json = {"change": flow.change, "way": flow.way, "match": head}
    row["from"] = [_sender(end, flow.way) | ({"eth_dst": mac_text(end.router)} if own else {}) for end in flow.senders]
    row["to"] = [_receiver(one, flow.way) for one in flow.receivers]
    if flow.traffic:
        row["traffic"] = list(_traffic(flow))
    return row


def _sender(end: Attachment, way: str) -> Json:
    ports = {"ports": list(map(str, end.ports)), "vlan_vid": str(end.vlan or "none")}
    if way == ASKED:
        return {**ports, "eth_src": mac_text(end.mac), "arp_sha": mac_text(end.mac), "arp_spa": ipv4_text(end.ip)}
    return {**ports, "eth_src": mac_text(end.mac), "ipv4_src": ipv4_text(end.ip)}


def _receiver(one: Attachment | Target | DeliveryPoint | int, way: str) -> Json:
    if isinstance(one, int) and way == VIA_BRIDGED:
        return {"eth_dst": mac_text(one)}
    if isinstance(one, int):
        return {"arp_tpa" if way == ASKED else "ipv4_dst": ipv4_text(one)}
    place: Json = {"ports": list(map(str, one.ports)), "vlan_vid": str(one.vlan or "none")}
    if isinstance(one, Attachment):
        return {"ipv4_dst": ipv4_text(one.ip), **place}
    return {"eth_dst": mac_text(one.mac), **place} if isinstance(one, Target) else place


def _traffic(flow: Flow) -> Iterator[Json]:
    """The boxes of a flow; one without constraints when it is all IPv4 packets."""
    if within(EVERYTHING, flow.traffic):
        yield {}
        return
    yield from map(_box, flow.traffic)


def _box(box: Box) -> Json:
    """A box as constraints; ``ports`` is ``none`` where the transport header is cut short."""
    (low, high), target, source = box
    found: Json = {"ip_proto": _range(low, high)}
    name = _NAMES.get(low)
    if name is not None and target[0] == NO_PORT:
        found["ports"] = "none"
    elif name is not None:
        found |= {f"{name}_dst": _range(*target)} if target != PORTS else {}
        found |= {f"{name}_src": _range(*source)} if source != PORTS else {}
    return found


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
