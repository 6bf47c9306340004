"""Instructions and actions as JSON objects, as ``ofctl_rest`` has them for OpenFlow 1.4 and 1.5.

Lives here: objects with a ``type``. Must not know: entries, files, text of actions.
Source: Ryu 4.34 ryu/lib/ofctl_utils.py and ofctl_v1_4.py, ofctl_v1_5.py; OpenFlow 1.5.1 §7.2.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clos.controller.dump.actions import NUMBERED, PLAIN
from clos.controller.dump.json_text import listing, mapping, scalar, string
from clos.controller.dump.words import NotModelled, Unread, clip, known, number, value
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action, Output
from clos.fabric.dataplane.rule import Instructions

Port = Callable[[str], int]
_ARGUMENT: Mapping[str, str] = {
    "group": "group_id",
    "push_vlan": "ethertype",
    "push_mpls": "ethertype",
    "pop_mpls": "ethertype",
    "push_pbb": "ethertype",
    "set_mpls_ttl": "mpls_ttl",
    "set_nw_ttl": "nw_ttl",
    "set_queue": "queue_id",
}
"""The key of the one number that each of actions.NUMBERED takes."""


def instructions_of(said: list[Any], end: Callable[[str], Output], port: Port) -> Instructions:
    """A flow's instructions. Raises Unread; what is not modelled is the way's blind end."""
    done = Instructions()
    for one in said:
        object_ = mapping(one, "instruction")
        kind = string(object_.get("type"), "type of instruction").removeprefix("OFPIT_")
        if kind in ("APPLY_ACTIONS", "WRITE_ACTIONS"):
            applied = kind == "APPLY_ACTIONS"
            actions = _actions(listing(object_.get("actions", []), "actions"), end, port, whole=not applied)
            done = done._replace(apply=actions) if applied else done._replace(write=actions)
        elif kind == "CLEAR_ACTIONS":
            done = done._replace(clear=True)
        elif kind == "GOTO_TABLE":
            done = done._replace(goto=number(scalar(object_.get("table_id"), "table_id"), 8, "table_id"))
        elif kind == "METER":
            done = done._replace(meter=number(scalar(object_.get("meter_id"), "meter_id"), 32, "meter_id"))
        elif kind == "WRITE_METADATA":
            names = ("metadata", "metadata_mask")
            wrote, mask = (number(scalar(object_.get(name, 0), name), 64, name) for name in names)
            done = done._replace(metadata=(wrote, mask))
        else:
            return done._replace(apply=(*done.apply, end(f"instruction {clip(kind)}")), write=(), goto=None)
    blind = any(type(action) is not Output and isinstance(action, Output) for action in done.apply)
    return done._replace(write=(), goto=None) if blind else done


def _actions(said: list[Any], end: Callable[[str], Output], port: Port, whole: bool) -> tuple[Action, ...]:
    found: list[Action] = []
    for one in said:
        try:
            found.append(action_of(mapping(one, "action"), port))
        except NotModelled as why:
            blind = end(why.what)
            return (act.Output(blind.port),) if whole else (*found, blind)
    return tuple(found)


def action_of(said: Mapping[str, Any], port: Port) -> Action:
    """One action. Raises Unread."""
    name = string(said.get("type"), "type of action").removeprefix("OFPAT_").lower()
    if name == "output":
        return act.Output(port(scalar(said.get("port"), "port")))
    if name == "set_field":
        return _set_field(said)
    if name in PLAIN:
        return PLAIN[name]
    if name in NUMBERED:
        return NUMBERED[name](scalar(said.get(_ARGUMENT[name]), _ARGUMENT[name]))
    raise NotModelled(f"action {clip(said.get('type'))}")


def _set_field(said: Mapping[str, Any]) -> Action:
    if said.get("mask") is not None:
        raise NotModelled("set_field of part of a field")
    if "field" not in said:
        raise Unread("SET_FIELD: no field to set")
    field = known(string(said["field"], "field"))
    return act.SetField(field, value(field, scalar(said.get("value"), "value")))


def properties(said: Any) -> dict[str, Any]:
    """What the properties of an OpenFlow 1.5 bucket say: weight and what is watched."""
    found: dict[str, Any] = {}
    for one in listing(said, "properties"):
        for key, word in mapping(one, "property").items():
            if key in ("weight", "watch"):
                kind = str(one.get("type", ""))
                name = "weight" if key == "weight" else "watch_group" if "GROUP" in kind else "watch_port"
                found[name] = word
    return found
