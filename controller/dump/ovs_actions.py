"""Instructions and actions as ``ovs-ofctl`` prints them.

Lives here: the words of actions, and how a list of them is cut. Must not know: lines, matches.
Source: ovs-actions(7); ovs-ofctl(8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from clos.controller.dump.actions import NUMBERED
from clos.controller.dump.ovs_match import NAMES, Port
from clos.controller.dump.words import Unread, clip, known, masked, number, value
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.rule import Instructions

_PART = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|\((?:[^()"]|\([^()]*+\)|"(?:[^"\\]|\\.)*+")*+\)|[^,"()])++')
_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::(.*)|\((.*)\))?", re.DOTALL)
_WHOLE_FIELD = re.compile(r"(?:(?:NXM|OXM)_(?:OF|NX)_)?([A-Za-z0-9_]+)\[\]")
_RESERVED = {name.lower(): number for number, name in act.PORT_NAMES.items() if name != "ANY"}
_FIELDS = {**NAMES, "icmp_type": "icmpv4_type", "icmp_code": "icmpv4_code"}
_OLD = {"mod_vlan_vid", "mod_vlan_pcp", "strip_vlan", "mod_dl_src", "mod_dl_dst", "mod_nw_src", "mod_nw_dst",
        "mod_nw_tos", "mod_tp_src", "mod_tp_dst", "enqueue"}  # fmt: skip
"""Actions of OpenFlow 1.0, which depend on what a frame is and have no exact form in 1.3."""


def parts(text: str) -> list[str]:
    """The text cut at its commas, but for those in parentheses and quotes. Raises Unread."""
    found: list[str] = []
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        end = at if part is None else part.end()
        if part is None or (end < len(text) and text[end] != ","):
            raise Unread(f"{clip(text[at:])}: quotes or parentheses that do not close, or an empty word")
        found.append(part[0].strip())
        at = end + 1
    return found


def read_instructions(text: str, port: Port) -> Instructions:
    """What follows ``actions=`` in a flow. Raises Unread, which names what is not known."""
    meter: int | None = None
    goto: int | None = None
    clear = False
    metadata: tuple[int, int] | None = None
    apply: list[Action] = []
    write: tuple[Action, ...] = ()
    for word in parts(text):
        name, inside = _cut(word)
        if name == "goto_table":
            goto = number(inside, 8, name)
        elif name == "meter":
            meter = number(inside, 32, name)
        elif name == "write_metadata":
            metadata = masked(inside, 64, name)
        elif name == "clear_actions":
            clear = True
        elif name == "write_actions":
            write = read_actions(inside, port)
        elif name != "drop":
            apply.append(_action(name, inside, word, port))
    return Instructions(meter, tuple(apply), clear, write, metadata, goto)


def read_actions(text: str, port: Port) -> tuple[Action, ...]:
    """A list of actions alone: of a bucket, or an action set. Raises Unread."""
    words = [word for word in parts(text) if word != "drop"]
    return tuple(_action(*_cut(word), word, port) for word in words)


def _cut(word: str) -> tuple[str, str]:
    """``name:inside`` or ``name(inside)``. A port's name in quotes is an output to it."""
    if word.startswith('"') or word.isdecimal():
        return "output", word
    found = _WORD.fullmatch(word)
    if found is None:
        raise Unread(f"{clip(word)}: not an action")
    return found[1], found[2] if found[2] is not None else found[3] or ""


def _action(name: str, inside: str, word: str, port: Port) -> Action:
    make = _MAKERS.get(name)
    if make is not None:
        return make(inside, port)
    if name.lower() in _RESERVED:
        return _reserved(_RESERVED[name.lower()], inside)
    if name in _OLD:
        raise Unread(f"{name}: an action of OpenFlow 1.0; dump with: ovs-ofctl -O OpenFlow13")
    if word == name:
        try:
            return act.Output(port(name))  # some of Open vSwitch's versions print a port's name alone
        except Unread:
            raise Unread(f"action {clip(name)}: Clos has no model of it, and no port is known by this name") from None
    raise Unread(f"action {clip(name)}: Clos has no model of it")


def _reserved(port: int, inside: str) -> Action:
    if not inside:
        return act.Output(port)
    if port != act.CONTROLLER:
        raise Unread(f"{act.port_text(port)}:{clip(inside)}: only CONTROLLER takes an argument")
    return act.Output(port, number(inside, 16, "max_len"))


def _output(inside: str, port: Port) -> Action:
    reserved = _RESERVED.get(inside.lower())
    return act.Output(port(inside) if reserved is None else reserved)


def _set_field(inside: str, port: Port) -> Action:
    shown, arrow, name = inside.rpartition("->")
    if not arrow:
        raise Unread(f"set_field:{clip(inside)}: no field to set")
    field = known(_FIELDS.get(name, name))
    if "/" in shown:
        raise Unread(f"set_field:{clip(inside)}: Clos has no model of setting part of a field")
    return act.SetField(field, value(field, shown))


def _move(inside: str, port: Port) -> Action:
    source, arrow, target = inside.partition("->")
    if not arrow:
        raise Unread(f"move:{clip(inside)}: no field to move to")
    return act.Move(_whole(source), _whole(target))


def _whole(word: str) -> str:
    found = _WHOLE_FIELD.fullmatch(word)
    if found is None:
        raise Unread(f"move of {clip(word)}: Clos has no model of moving part of a field")
    name = found[1].lower()
    return known(_FIELDS.get(name, name))


def _nothing(make: Callable[[], Action]) -> Callable[[str, Port], Action]:
    def read(inside: str, port: Port) -> Action:
        if inside:
            raise Unread(f"{make()}: takes no argument here, but has {clip(inside)}")
        return make()

    return read


def _portless(make: Callable[[str], Action]) -> Callable[[str, Port], Action]:
    return lambda inside, port: make(inside)


_MAKERS: Mapping[str, Callable[[str, Port], Action]] = {
    **{name: _portless(make) for name, make in NUMBERED.items()},
    "output": _output,
    "set_field": _set_field,
    "move": _move,
    "mod_nw_ttl": _portless(NUMBERED["set_nw_ttl"]),
    "pop_vlan": _nothing(act.PopVlan),
    "pop_pbb": _nothing(act.PopPbb),
    "dec_ttl": _nothing(act.DecNwTtl),
    "dec_mpls_ttl": _nothing(act.DecMplsTtl),
    "copy_ttl_out": _nothing(act.CopyTtlOut),
    "copy_ttl_in": _nothing(act.CopyTtlIn),
}
