"""JSON of Ryu's ``ofctl_rest``: ``/stats/flow/DPID``, ``/stats/groupdesc/DPID`` and ``/stats/meterconfig/DPID``.

Lives here: the entries, and actions as text, as ofctl_v1_3 has them. Actions as objects, of OpenFlow 1.4 and 1.5, are
ofctl_objects. Must not know: files, other forms of dumps.
Source: Ryu 4.34 ryu/lib/ofctl_v1_3.py (the text of actions and matches), docs/app/ofctl_rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from clos.controller.dump.actions import NUMBERED, PLAIN
from clos.controller.dump.held import Entry, Gathering
from clos.controller.dump.json_text import Item, listing, mapping, only, scalar, string
from clos.controller.dump.ofctl_objects import action_of, instructions_of, properties
from clos.controller.dump.words import (
    NotModelled,
    Unread,
    clip,
    known,
    match,
    number,
    term,
    value,
)
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action, Output
from clos.fabric.dataplane.match import Term
from clos.fabric.dataplane.rule import (
    ALL,
    FAST_FAILOVER,
    INDIRECT,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.packet.fields import FIELDS, VID_NONE, VID_PRESENT

_TYPES = {"ALL": ALL, "SELECT": SELECT, "INDIRECT": INDIRECT, "FF": FAST_FAILOVER}
_PORTS = {name: port for port, name in act.PORT_NAMES.items()}
_WORD = re.compile(r"([A-Z_]+)(?::\s*(.*))?", re.DOTALL)
_SET = re.compile(r"\{([a-z0-9_]+):(.*)\}", re.DOTALL)
_MOVE = re.compile(r"\{([a-z0-9_]+)\[(\d+)\.\.(\d+)\]: ([a-z0-9_]+)\[(\d+)\.\.(\d+)\]\}")
_OLD = {"dl_src": "eth_src", "dl_dst": "eth_dst", "dl_type": "eth_type", "nw_src": "ipv4_src", "nw_dst": "ipv4_dst",
        "nw_proto": "ip_proto"}  # fmt: skip
_PORT_FIELDS = {("tp_src", "6"): "tcp_src", ("tp_dst", "6"): "tcp_dst",
                ("tp_src", "17"): "udp_src", ("tp_dst", "17"): "udp_dst"}  # fmt: skip
_FLOW = {"priority", "cookie", "idle_timeout", "hard_timeout", "byte_count", "duration_sec", "duration_nsec",
         "packet_count", "length", "flags", "actions", "match", "table_id", "instructions", "importance", "stats",
         "dpid", "cookie_mask", "buffer_id", "out_port", "out_group"}  # fmt: skip
_NUMBERS = {"table_id": 8, "priority": 16, "cookie": 64, "idle_timeout": 16, "hard_timeout": 16, "flags": 16}
_ADDING = 0x6
"""OFPFF_CHECK_OVERLAP and OFPFF_RESET_COUNTS say how to add a flow and are no part of it."""


def read_item(item: Item, found: Gathering) -> None:
    """One entry of a datapath's list, or the list itself. What cannot be read is a finding."""
    try:
        dpid = number(item.key, 64, "datapath id")
        switch = next((name for name, held in found.dpids.items() if held == dpid), None)
        if switch is None:
            raise Unread(f"datapath id {dpid} ({dpid:016x}): no switch of this topology")
        if item.position is None:
            listing(item.value, "entries of a datapath")
            found.opened(switch)
            return
        end = partial(found.kinds.end, where=item.where, path=f"{item.key}[{item.position}]")
        found.add(switch, _entry(mapping(item.value, "an entry"), end), item.where)
    except Unread as why:
        found.say(item.where, why, item.key if item.position is None else f"{item.key}[{item.position}]")


End = Callable[[str], Output]
"""The blind end of a kind of thing that is not modelled."""


def _entry(said: dict[str, Any], end: End) -> Entry:
    if "group_id" in said:
        return _group(said, end)
    if "meter_id" in said:
        return _meter(said)
    if "match" not in said or not ("actions" in said or "instructions" in said):
        raise Unread("neither a flow (/stats/flow), nor a group (/stats/groupdesc), nor a meter (/stats/meterconfig)")
    return _flow(said, end)


def _flow(said: dict[str, Any], end: End) -> Rule:
    only(said, _FLOW, "flow")
    table, priority, cookie, idle, hard, flags = (
        number(scalar(said.get(name, 0), name), bits, name) for name, bits in _NUMBERS.items()
    )
    terms: list[Term] = []
    foreign: str | None = None
    for name, word in mapping(said["match"], "match").items():
        try:
            terms.append(_term(name, word, said["match"]))
        except NotModelled as why:
            foreign = foreign or f"match on {why.what}"
    if foreign is not None:
        todo = Instructions(apply=(end(foreign),))
    elif "instructions" in said:
        todo = instructions_of(listing(said["instructions"], "instructions"), end, _port)
    else:
        todo = _instructions(listing(said["actions"], "actions"), end)
    return Rule(table, priority, match(terms), todo, cookie, idle, hard, flags & ~_ADDING)


def _term(name: str, said: Any, match_said: dict[str, Any]) -> Term:
    word = scalar(said, name)
    if name in ("dl_vlan", "vlan_vid"):
        return _vlan(word)
    if name == "in_port":
        return "in_port", _port(word), None
    if name in ("tp_src", "tp_dst"):
        proto = str(match_said.get("nw_proto", match_said.get("ip_proto", "missing")))
        if (name, proto) not in _PORT_FIELDS:
            raise Unread(f"{name}: means nothing with nw_proto {clip(proto)}")
        return term(_PORT_FIELDS[name, proto], word)
    return term(known(_OLD.get(name, name)), word)


def _vlan(word: str) -> Term:
    """A VLAN id in decimal is a tag; ``0x`` is the field as OpenFlow has it, so ``0x0000`` is untagged."""
    if word.isdecimal():
        return "vlan_vid", VID_PRESENT | number(word, 12, "dl_vlan"), None
    name, found, mask = term("vlan_vid", word)
    return name, found if found or mask is not None else VID_NONE, mask


def _port(word: str) -> int:
    return _PORTS[word] if word in _PORTS else number(word, 32, "port")


def _instructions(said: list[Any], end: End) -> Instructions:
    meter: int | None = None
    goto: int | None = None
    clear = False
    metadata: tuple[int, int] | None = None
    apply: list[Action] = []
    write: list[Action] = []
    for one in said:
        if isinstance(one, dict):
            if one.keys() != {"WRITE_ACTIONS"}:
                apply.append(action_of(one, _port))  # Ryu lists some actions as objects
                continue
            write += [_action(word) for word in listing(one.get("WRITE_ACTIONS"), "WRITE_ACTIONS")]
            continue
        name, inside = _cut(one)
        if name == "GOTO_TABLE":
            goto = number(inside, 8, name)
        elif name == "METER":
            meter = number(inside, 32, name)
        elif name == "CLEAR_ACTIONS":
            clear = True
        elif name == "WRITE_METADATA":
            shown, _, mask = inside.partition("/")
            metadata = number(shown, 64, name), number(mask or "0", 64, name)  # a mask of 0 is not written
        else:
            try:
                apply.append(_action(one))
            except NotModelled as why:
                return Instructions(meter, (*apply, end(why.what)))
    return Instructions(meter, tuple(apply), clear, tuple(write), metadata, goto)


def _cut(said: Any) -> tuple[str, str]:
    word = string(said, "action")
    found = _WORD.fullmatch(word)
    if found is None:
        raise NotModelled(f"action {clip(word) or 'without a name'}")
    return found[1], found[2] or ""


def _action(said: Any) -> Action:
    name, inside = _cut(said)
    if name in _PLAIN:
        if inside:
            raise Unread(f"action {clip(said)}: {name} takes no argument")
        return _PLAIN[name]
    if name not in _MAKERS:
        raise NotModelled(f"action {clip(said)}")
    return _MAKERS[name](inside)


def _set_field(inside: str) -> Action:
    found = _SET.fullmatch(inside)
    if found is None:
        raise Unread(f"SET_FIELD {clip(inside)}: not {{field:value}}")
    return act.SetField(known(found[1]), value(found[1], found[2].strip()))


def _move(inside: str) -> Action:
    """Ryu writes the target first, and the end of a range as one bit beyond it."""
    found = _MOVE.fullmatch(inside)
    if found is None:
        raise Unread(f"NX_MOVE {clip(inside)}: not {{field[0..n]: field[0..n]}}")
    target, source = (known(name.removesuffix("_nxm")) for name in (found[1], found[4]))
    for name, first, last in ((target, found[2], found[3]), (source, found[5], found[6])):
        if int(first[:4]) or int(last[:4]) != FIELDS[name].bits:
            raise Unread(f"NX_MOVE {clip(inside)}: Clos has no model of moving part of a field")
    return act.Move(source, target)


_MAKERS: Mapping[str, Callable[[str], Action]] = {
    **{name.upper(): make for name, make in NUMBERED.items()},
    "OUTPUT": lambda inside: act.Output(_port(inside)),
    "SET_FIELD": _set_field,
    "NX_MOVE": _move,
}
_PLAIN = {name.upper(): action for name, action in PLAIN.items()}


def _group(said: dict[str, Any], end: End) -> GroupEntry:
    only(said, {"group_id", "type", "buckets", "length", "properties", "bucket_array_len"}, "group")
    kind = string(said.get("type"), "type of group").removeprefix("OFPGT_")
    if kind not in _TYPES:
        raise Unread(f"group type {clip(kind)}: none that OpenFlow 1.3 has")
    buckets = tuple(
        _bucket(mapping(one, "bucket"), kind == "SELECT", end) for one in listing(said.get("buckets"), "buckets")
    )
    return GroupEntry(number(scalar(said["group_id"], "group_id"), 32, "group_id"), _TYPES[kind], buckets)


def _bucket(said: dict[str, Any], weighted: bool, end: End) -> Bucket:
    """A bucket; only those of SELECT groups have a weight, the others' is 0 on the wire."""
    only(
        said,
        {
            "weight",
            "watch_port",
            "watch_group",
            "actions",
            "length",
            "len",
            "bucket_id",
            "properties",
            "action_array_len",
        },
        "bucket",
    )
    said = {**said, **properties(said.get("properties", []))}
    weight = number(scalar(said.get("weight", 1), "weight"), 16, "weight")
    port = _port(scalar(said.get("watch_port", act.ANY_PORT), "watch_port"))
    group_word = scalar(said.get("watch_group", act.ANY_GROUP), "watch_group")
    group = act.ANY_GROUP if group_word == "ANY" else number(group_word, 32, "watch_group")
    words = listing(said.get("actions"), "actions")
    try:
        actions = tuple(action_of(word, _port) if isinstance(word, dict) else _action(word) for word in words)
    except NotModelled as why:
        actions = (act.Output(end(why.what).port),)
    watched = None if port == act.ANY_PORT else port
    return Bucket(actions, weight if weighted else 1, watched, None if group == act.ANY_GROUP else group)


def _meter(said: dict[str, Any]) -> Meter:
    only(said, {"meter_id", "flags", "bands", "length"}, "meter")
    flags = {string(flag, "flag of a meter") for flag in listing(said.get("flags", []), "flags")}
    if flags - {"KBPS", "PKTPS", "BURST", "STATS"}:
        raise NotModelled(f"meter with {clip(min(flags))}")
    bands = tuple(_band(mapping(one, "band")) for one in listing(said.get("bands", []), "bands"))
    return Meter(number(scalar(said["meter_id"], "meter_id"), 32, "meter_id"), bands, "PKTPS" in flags)


def _band(said: dict[str, Any]) -> Band:
    only(said, {"type", "rate", "burst_size", "prec_level", "length"}, "meter band")
    kind = string(said.get("type"), "type of band")
    if kind not in ("DROP", "DSCP_REMARK"):
        raise NotModelled(f"meter band of type {clip(kind)}")
    levels = number(scalar(said.get("prec_level"), "prec_level"), 8, "prec_level") if kind == "DSCP_REMARK" else None
    rate, burst = (number(scalar(said.get(name, 0), name), 32, name) for name in ("rate", "burst_size"))
    return Band(rate, burst, levels)
