"""Actions as ``ovs-ofctl`` prints them, but for those that only flows have (dump.ovs_steps).

Lives here: the words of actions, and how a list of them is cut. Must not know: lines, matches.
Source: ovs-actions(7); ovs-ofctl(8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from clos.controller.dump.actions import NUMBERED
from clos.controller.dump.cutting import parts
from clos.controller.dump.ovs_match import NAMES, Port
from clos.controller.dump.words import (
    NotModelled,
    Unread,
    clip,
    known,
    number,
    value,
)
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action
from clos.fabric.packet.fields import FIELDS, VID_PRESENT

_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::(.*)|\((.*)\)(?:->.*)?)?", re.DOTALL)
PART_OF_FIELD = re.compile(r"(?:(?:NXM|OXM)_(?:OF|NX)_)?[A-Za-z0-9_]+\[[0-9.]*\]|x{0,2}reg[0-9]{1,2}")
_WHOLE_FIELD = re.compile(r"(?:(?:NXM|OXM)_(?:OF|NX)_)?([A-Za-z0-9_]+)\[\]")
_RESERVED = {name.lower(): number for number, name in act.PORT_NAMES.items() if name != "ANY"}
_FIELDS = {**NAMES, "icmp_type": "icmpv4_type", "icmp_code": "icmpv4_code"}
_FOREIGN = {"delete_learned", "multipath", "bundle_load", "push", "pop", "stack_push", "stack_pop", "encap", "decap",
            "delete_field", "dec_nsh_ttl", "unroll_xlate", "set_mpls_label", "set_mpls_tc", "output_reg", "bundle",
            "check_pkt_larger", "nat", "learn"}  # fmt: skip
"""Open vSwitch's own actions that change what becomes of packets, or of the table."""
WITHOUT_EFFECT = {"note", "pop_queue", "sample", "fin_timeout", "debug_recirc", "debug_slow", "set_tunnel64"}
"""Actions that no packet's way depends on: a comment, a sample, a time-out, what a tunnel's far end will read."""
LEADING = frozenset({
    "goto_table", "meter", "write_metadata", "clear_actions", "write_actions", "exit", "resubmit", "mod_vlan_vid",
    "mod_vlan_pcp", "enqueue", "clone", "ct", "ct_clear", "conjunction",
})  # fmt: skip
"""Words of flows that no bucket and no action set has here (dump.ovs_steps)."""


def read_actions(text: str, port: Port) -> tuple[Action, ...]:
    """A list of actions alone: of a bucket, or an action set. Raises Unread."""
    words = [(cut(word), word) for word in parts(text) if word != "drop"]
    found: list[Action] = []
    for (name, inside), word in words:
        if name in WITHOUT_EFFECT:
            continue
        if name in LEADING:
            raise NotModelled(f"action {name} in a bucket or an action set")
        found.append(action(name, inside, word, port))
    return tuple(found)


def cut(word: str) -> tuple[str, str]:
    """``name:inside`` or ``name(inside)``. A port's name in quotes is an output to it."""
    if word.startswith('"') or word.isdecimal():
        return "output", word
    found = _WORD.fullmatch(word)
    if found is None:
        raise Unread(f"{clip(word)}: not an action")
    return found[1], found[2] if found[2] is not None else found[3] or ""


def action(name: str, inside: str, word: str, port: Port) -> Action:
    make = _MAKERS.get(name)
    if make is not None:
        return make(inside, port)
    if name.lower() in _RESERVED:
        return reserved(_RESERVED[name.lower()], inside)
    if name in _FOREIGN:
        raise NotModelled(f"action {name}")
    if word == name:
        try:
            return act.Output(port(name))  # some of Open vSwitch's versions print a port's name alone
        except Unread:
            raise Unread(f"action {clip(name)}: Clos has no model of it, and no port is known by this name") from None
    raise NotModelled(f"action {clip(name)}")


def reserved(port: int, inside: str) -> Action:
    if not inside:
        return act.Output(port)
    if port == act.CONTROLLER and not inside.isalnum():
        return _to_controller(inside)
    if port != act.CONTROLLER:
        raise Unread(f"{act.port_text(port)}:{clip(inside)}: only CONTROLLER takes an argument")
    return act.Output(port, number(inside, 16, "max_len"))


def _to_controller(inside: str) -> Action:
    """``controller(key=value,...)``. Which controller gets the packet and why is no matter of its way; a pause is."""
    said = dict(key(word) for word in parts(inside))
    if "pause" in said:
        raise NotModelled("action controller(pause)")
    unknown = sorted(said.keys() - {"max_len", "reason", "id", "userdata", "meter_id"})
    if unknown:
        raise Unread(f"controller({clip(unknown[0])}): no argument of controller")
    return act.Output(act.CONTROLLER, number(said.get("max_len", "65535"), 16, "max_len"))


def key(word: str) -> tuple[str, str]:
    name, _, said = word.partition("=")
    return name.strip(), said.strip()


def _output(inside: str, port: Port) -> Action:
    if PART_OF_FIELD.fullmatch(inside):
        raise NotModelled("output to the port that a field or register holds")
    if "=" in inside and not inside.startswith('"'):
        raise NotModelled("output that cuts packets (max_len)")
    reserved = _RESERVED.get(inside.lower())
    return act.Output(port(inside) if reserved is None else reserved)


def _set_field(inside: str, port: Port) -> Action:
    shown, arrow, name = inside.rpartition("->")
    if not arrow:
        raise Unread(f"set_field:{clip(inside)}: no field to set")
    field = known(_FIELDS.get(name, name))
    if "/" in shown:
        raise NotModelled("set_field of part of a field")
    return _set(field, value(field, shown))


def _set(field: str, found: int) -> Action:
    if field == "vlan_vid" and not found & VID_PRESENT:
        raise Unread(f"set_field:{found}->vlan_vid: without the bit 0x1000, which every tag has, no switch takes it")
    return act.SetField(field, found)


def _load(inside: str, port: Port) -> Action:
    """``load:value->field[]``: a number, whatever the field's own form is."""
    shown, arrow, target = inside.partition("->")
    if not arrow:
        raise Unread(f"load:{clip(inside)}: no field to load")
    field = _whole(target, "load of")
    return _set(field, number(shown, FIELDS[field].bits, field))


def _mod(field: str) -> Callable[[str, Port], Action]:
    return lambda inside, port: act.SetField(field, value(field, inside))


def _mod_tos(inside: str, port: Port) -> Action:
    return act.SetField("ip_dscp", number(inside, 8, "mod_nw_tos") >> 2)


def _move(inside: str, port: Port) -> Action:
    source, arrow, target = inside.partition("->")
    if not arrow:
        raise Unread(f"move:{clip(inside)}: no field to move to")
    return act.Move(_whole(source, "move of"), _whole(target, "move of"))


def _whole(word: str, what: str) -> str:
    found = _WHOLE_FIELD.fullmatch(word)
    if found is None:
        raise NotModelled(f"{what} part of a field")
    name = found[1].lower()
    return known(_FIELDS.get(name, name))


def _nothing(make: Callable[[], Action]) -> Callable[[str, Port], Action]:
    def read(inside: str, port: Port) -> Action:
        if inside:
            raise Unread(f"{make()}: takes no argument here, but has {clip(inside)}")
        return make()

    return read


def _dec_ttl(inside: str, port: Port) -> Action:
    """The numbers are of controllers that hear of packets whose time runs out."""
    for word in parts(inside):
        number(word, 16, "dec_ttl")
    return act.DecNwTtl()


def _portless(make: Callable[[str], Action]) -> Callable[[str, Port], Action]:
    return lambda inside, port: make(inside)


_MAKERS: Mapping[str, Callable[[str, Port], Action]] = {
    **{name: _portless(make) for name, make in NUMBERED.items()},
    "output": _output,
    "set_field": _set_field,
    "move": _move,
    "mod_nw_ttl": _portless(NUMBERED["set_nw_ttl"]),
    "pop_vlan": _nothing(act.PopVlan),
    "strip_vlan": _nothing(act.PopVlan),
    "load": _load,
    "set_tunnel": lambda inside, port: act.SetField("tunnel_id", number(inside, 32, "set_tunnel")),
    "mod_dl_src": _mod("eth_src"),
    "mod_dl_dst": _mod("eth_dst"),
    "mod_nw_src": _mod("ipv4_src"),
    "mod_nw_dst": _mod("ipv4_dst"),
    "mod_nw_tos": _mod_tos,
    "pop_pbb": _nothing(act.PopPbb),
    "dec_ttl": _dec_ttl,
    "dec_mpls_ttl": _nothing(act.DecMplsTtl),
    "copy_ttl_out": _nothing(act.CopyTtlOut),
    "copy_ttl_in": _nothing(act.CopyTtlIn),
}
