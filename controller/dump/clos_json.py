"""Clos's own JSON of rules, as ``clos compile --json`` and the controller's API write it (controller.plan.export).

Lives here: that form read back. Must not know: files, other forms of dumps, who wrote it.
An output to CONTROLLER is read as one of the whole packet: the form does not say how much of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from clos.controller.dump.actions import NUMBERED, PLAIN
from clos.controller.dump.held import Entry, Gathering
from clos.controller.dump.json_text import Item, listing, mapping, only, scalar, string
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
from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.match import Term
from clos.fabric.dataplane.rule import (
    GROUP_TYPES,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.packet.fields import VID_NONE, VID_PRESENT

VERSION = 1
_PORTS = {name: port for port, name in act.PORT_NAMES.items()}
_MOVE = re.compile(r"([a-z0-9_]+)->([a-z0-9_]+)")


def read_item(item: Item, found: Gathering) -> None:
    """The list of switches, or one entry. What cannot be read is a finding."""
    try:
        _read(item, found)
    except Unread as why:
        found.say(item.where, why, item.key if item.position is None else f"{item.key}[{item.position}]")


def _read(item: Item, found: Gathering) -> None:
    if item.key == "format_version":
        if item.value != VERSION:
            raise Unread(f"this Clos reads version {VERSION}, not {clip(item.value)}")
    elif item.key not in ("switches", *_READERS):
        raise Unread(f"{clip(item.key)}: no part of a ruleset")
    elif item.position is None:
        listing(item.value, item.key)
    elif item.key == "switches":
        found.opened(_switch(item.value, found))
    else:
        said = mapping(item.value, "entry")
        switch = _switch(said.pop("switch", None), found)
        found.add(switch, _READERS[item.key](said), item.where)


def _switch(said: Any, found: Gathering) -> str:
    name = string(said, "switch")
    if name not in found.dpids:
        raise Unread(f"{clip(name)}: no switch of this topology")
    return name


def _rule(said: dict[str, Any]) -> Rule:
    only(said, {"table", "priority", "match", "instructions", *_NUMBERS}, "rule")
    terms = [_term(known(name), scalar(word, name)) for name, word in mapping(said.get("match"), "match").items()]
    table, priority = (number(scalar(said.get(key), key), bits, key) for key, bits in (("table", 8), ("priority", 16)))
    rest = (number(scalar(said.get(key, 0), key), bits, key) for key, bits in _NUMBERS.items())
    return Rule(table, priority, match(terms), _instructions(mapping(said.get("instructions"), "instructions")), *rest)


_NUMBERS = {"cookie": 64, "idle_timeout": 16, "hard_timeout": 16, "flags": 16}


def _term(field: str, word: str) -> Term:
    if field == "vlan_vid" and "/" not in word:
        return field, _vlan(word), None
    return term(field, word)


def _vlan(word: str) -> int:
    return VID_NONE if word == "none" else VID_PRESENT | number(word, 12, "vlan_vid")


def _instructions(said: dict[str, Any]) -> Instructions:
    only(said, {"meter", "apply", "clear", "write", "metadata", "goto"}, "instructions")
    meter = number(scalar(said["meter"], "meter"), 32, "meter") if "meter" in said else None
    goto = number(scalar(said["goto"], "goto"), 8, "goto") if "goto" in said else None
    apply, write = (tuple(map(_action, listing(said.get(key, []), key))) for key in ("apply", "write"))
    metadata = None
    if "metadata" in said:
        _, found, mask = term("metadata", string(said["metadata"], "metadata"))
        metadata = found, (1 << 64) - 1 if mask is None else mask
    clear = said.get("clear", False)
    if not isinstance(clear, bool):
        raise Unread(f"clear: true or false expected, not {clip(clear)}")
    return Instructions(meter, apply, clear, write, metadata, goto)


def _action(said: Any) -> Action:
    name, _, inside = string(said, "action").partition(":")
    if name in PLAIN and not inside:
        return PLAIN[name]
    if name not in _MAKERS:
        raise NotModelled(f"action {clip(said)}")
    return _MAKERS[name](inside)


def _set_field(inside: str) -> Action:
    shown, _, field = inside.rpartition("->")
    return act.SetField(known(field), _vlan(shown) if field == "vlan_vid" else value(field, shown))


def _move(inside: str) -> Action:
    found = _MOVE.fullmatch(inside)
    if found is None:
        raise Unread(f"move:{clip(inside)}: not field->field")
    return act.Move(known(found[1]), known(found[2]))


def _output(inside: str) -> Action:
    return act.Output(_PORTS[inside] if inside in _PORTS else number(inside, 32, "port"))


_MAKERS: Mapping[str, Callable[[str], Action]] = {
    **NUMBERED,
    "output": _output,
    "set_field": _set_field,
    "move": _move,
}


def _group(said: dict[str, Any]) -> GroupEntry:
    only(said, {"group", "type", "buckets"}, "group")
    kind = string(said.get("type"), "type")
    if kind not in GROUP_TYPES:
        raise Unread(f"group type {clip(kind)}: none that OpenFlow 1.3 has")
    buckets = tuple(_bucket(mapping(one, "bucket")) for one in listing(said.get("buckets"), "buckets"))
    return GroupEntry(number(scalar(said.get("group"), "group"), 32, "group"), kind, buckets)


def _bucket(said: dict[str, Any]) -> Bucket:
    only(said, {"actions", "weight", "watch_port", "watch_group"}, "bucket")
    watched = (
        number(scalar(said[key], key), 32, key) if key in said else None for key in ("watch_port", "watch_group")
    )
    actions = tuple(map(_action, listing(said.get("actions"), "actions")))
    return Bucket(actions, number(scalar(said.get("weight", 1), "weight"), 16, "weight"), *watched)


def _meter(said: dict[str, Any]) -> Meter:
    only(said, {"meter", "unit", "bands"}, "meter")
    if said.get("unit") not in ("kbps", "pps"):
        raise Unread(f"meter unit {clip(said.get('unit', 'missing'))}: neither kbps nor pps")
    bands = tuple(_band(mapping(one, "band")) for one in listing(said.get("bands"), "bands"))
    return Meter(number(scalar(said.get("meter"), "meter"), 32, "meter"), bands, said["unit"] == "pps")


def _band(said: dict[str, Any]) -> Band:
    only(said, {"rate", "burst", "dscp_levels"}, "band")
    rate, burst = (number(scalar(said.get(key, 0), key), 32, key) for key in ("rate", "burst"))
    levels = number(scalar(said["dscp_levels"], "dscp_levels"), 8, "dscp_levels") if "dscp_levels" in said else None
    return Band(rate, burst, levels)


_READERS: dict[str, Callable[[dict[str, Any]], Entry]] = {"rules": _rule, "groups": _group, "meters": _meter}
