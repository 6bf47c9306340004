"""What each action that changes a packet does to it: one row per action.

Lives here: actions as functions on packets. Must not know: ports, groups, tables.
Source: OpenFlow 1.3.5 §5.12 and §7.2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clos.fabric.dataplane import action as act
from clos.fabric.packet.build import Packet


class Expired(Exception):
    """A time to live ran out: the packet is dropped, the controller may be told (OFPR_INVALID_TTL)."""


def _decremented(packet: Packet, field: str) -> Packet:
    ttl = packet.get(field)
    if ttl is None:
        return packet
    if ttl <= 1:
        raise Expired("ttl expired")
    return packet.set(field, ttl - 1)


def _moved(action: act.Move, packet: Packet) -> Packet:
    value = packet.get(action.source)
    return packet if value is None else packet.set(action.target, value)


REWRITES: dict[type, Callable[[Any, Packet], Packet]] = {
    act.SetField: lambda action, packet: packet.set(action.field, action.value),
    act.Move: _moved,
    act.PushVlan: lambda action, packet: packet.push_vlan(action.ethertype),
    act.PopVlan: lambda action, packet: packet.pop_vlan(),
    act.PushMpls: lambda action, packet: packet.push_mpls(action.ethertype),
    act.PopMpls: lambda action, packet: packet.pop_mpls(action.ethertype),
    act.PushPbb: lambda action, packet: packet.push_pbb(action.ethertype),
    act.PopPbb: lambda action, packet: packet.pop_pbb(),
    act.SetMplsTtl: lambda action, packet: packet.set("mpls_ttl", action.ttl),
    act.DecMplsTtl: lambda action, packet: _decremented(packet, "mpls_ttl"),
    act.SetNwTtl: lambda action, packet: packet.set("nw_ttl", action.ttl),
    act.DecNwTtl: lambda action, packet: _decremented(packet, "nw_ttl"),
    act.CopyTtlOut: lambda action, packet: packet.copy_ttl_out(),
    act.CopyTtlIn: lambda action, packet: packet.copy_ttl_in(),
    act.SetQueue: lambda action, packet: packet,
}
"""The packet after the action. Queues say how a packet is scheduled, not what becomes of it."""
