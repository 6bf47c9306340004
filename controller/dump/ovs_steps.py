"""What a flow does, as ``ovs-ofctl`` prints it: instructions, and words that lead elsewhere or depend on the match.

Lives here: ``actions=`` of flows, read word by word. Must not know: lines, files, actions by themselves.
Source: ovs-actions(7); ovs-fields(7) for registers and connections.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from clos.controller.dump.cutting import parts
from clos.controller.dump.ovs_actions import (
    PART_OF_FIELD,
    WITHOUT_EFFECT,
    action,
    cut,
    key,
    read_actions,
    reserved,
)
from clos.controller.dump.ovs_match import NEW, Port
from clos.controller.dump.registers import RegisterBits, canonical, loaded_bits, register_bits, width
from clos.controller.dump.todo import Clause, Doing, Todo
from clos.controller.dump.words import NotModelled, Unread, masked, number
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.packet.fields import VID_PRESENT

_TUNNEL = re.compile(r"tun(?:nel)?_(?!id$)[a-z0-9_]+")
_CT_MODELLED = {"commit", "table", "zone", "force", "exec"}
ASSUMED: Mapping[str, Mapping[int, str]] = {
    "new": {NEW: "new"},
    "established": {0x22: "established", 0x2A: "established, packets of the replies"},
    "any": {
        NEW: "new",
        0x22: "established",
        0x2A: "established, packets of the replies",
        0x25: "related to another, new",
        0x26: "related to another, established",
        0x2E: "related to another, packets of the replies",
        0x30: "invalid",
    },
}
"""What may be assumed of connections: values that ct_state has once a packet is tracked, and what they say
(ovs-fields(7), ct_state). One is assumed at a time, of every connection wherever it is tracked."""


class UntoldTag(Unread):
    """An action of OpenFlow 1.0 that does one thing to frames with a tag and another to frames without."""


class Reader:
    """What reading a flow of a switch takes: ``port`` numbers names of ports, ``table`` names of tables; ``end`` gives
    the blind end of a kind that is not modelled. ``assume``: the ct_state of tracked packets, None: nobody says."""

    def __init__(
        self, port: Port, table: Callable[[str, str], int], end: Callable[[str], Output], assume: int | None = None
    ) -> None:
        self._port, self.table, self.end, self.assume = port, table, end, assume

    def __call__(self, word: str) -> int:
        return self._port(word)


def read_instructions(text: str, reader: Reader, match: Match, looked: RegisterBits) -> Todo:
    """What follows ``actions=`` in a flow with this match, registers apart. Raises Unread, naming what is not known.

    What is not modelled ends the packet's way there, at the blind end of its kind.
    """
    doing = Doing(_tagged(match))
    for word in parts(text):
        if doing.ended:
            break
        name, inside = cut(word)
        try:
            if doing.forked and name not in WITHOUT_EFFECT:
                return doing.instead(reader.end("actions after ct with a table"))
            if name in _STEPS:
                _STEPS[name](doing, inside, reader)
            elif name not in WITHOUT_EFFECT and not _others(doing, name, inside, reader, match, looked):
                doing.act(action(name, inside, word, reader))
        except NotModelled as why:
            doing.end(reader.end(why.what))
    return doing.done()


def _tagged(match: Match) -> bool | None:
    held = match.get("vlan_vid")
    if held is None:
        return None
    return bool(held[1] & VID_PRESENT) if held[2] is None or held[2] & VID_PRESENT else None


def _others(doing: Doing, name: str, inside: str, reader: Reader, match: Match, looked: RegisterBits) -> bool:
    """Do what depends on more than the word itself; whether there was such a thing to do."""
    if name in ("set_field", "load"):
        return _set_register(doing, name, inside)
    if name == "output" and PART_OF_FIELD.fullmatch(inside):
        doing.act(act.Output(_held(inside, looked.then(doing.registers))))
        return True
    if name in _MOD_PORT:
        doing.act(act.SetField(_port_field(name, match), number(inside, 16, name)))
        return True
    return False


def _set_register(doing: Doing, name: str, inside: str) -> bool:
    """Whether what is set is a register, or is read at a tunnel's far end only."""
    shown, _, target = inside.rpartition("->")
    field = canonical(target.partition("[")[0])
    if _TUNNEL.fullmatch(field):
        return True
    if name == "load":
        made = loaded_bits(target, shown)
    else:
        made = register_bits(field, *masked(shown, bits, target)) if (bits := width(field)) is not None else None
    if made is None:
        return False
    if field.startswith("ct_"):
        raise NotModelled(f"a write of {field}")
    doing.wrote(made)
    return True


def _held(word: str, known: RegisterBits) -> int:
    """The port that a register holds, where the flow itself says. Raises NotModelled."""
    name, bracket, part = word.partition("[")
    name = canonical(name)
    bits = width(name)
    if bits is not None and (not bracket or part in ("]", f"0..{bits - 1}]")):
        asked = register_bits(name, (1 << bits) - 1, (1 << bits) - 1)
        if known.mask & asked.mask == asked.mask:
            shift = (asked.mask & -asked.mask).bit_length() - 1
            return (known.value & asked.mask) >> shift
    raise NotModelled("output to the port that a field or register holds")


_MOD_PORT = {"mod_tp_src": "src", "mod_tp_dst": "dst"}


def _port_field(name: str, match: Match) -> str:
    proto = {6: "tcp", 17: "udp", 132: "sctp"}.get(match.value("ip_proto") or 0)
    if proto is None:
        raise NotModelled(f"{name} without a protocol in the match")
    return f"{proto}_{_MOD_PORT[name]}"


# ---- words that are instructions, or lead elsewhere


def _goto(doing: Doing, inside: str, reader: Reader) -> None:
    doing.next()
    doing.goto = reader.table(inside, "goto_table")


def _metered(doing: Doing, inside: str, reader: Reader) -> None:
    doing.next()
    doing.meter = number(inside, 32, "meter")


def _write_metadata(doing: Doing, inside: str, reader: Reader) -> None:
    value_, mask = masked(inside, 64, "write_metadata")
    doing.next()
    doing.wrote(RegisterBits(value_, mask))


def _clear(doing: Doing, inside: str, reader: Reader) -> None:
    doing.next()
    doing.clear = True


def _write_actions(doing: Doing, inside: str, reader: Reader) -> None:
    doing.next()
    doing.write = read_actions(inside, reader)


def _exit(doing: Doing, inside: str, reader: Reader) -> None:
    doing.next()
    doing.ended = doing.halts = True


def _nothing_done(doing: Doing, inside: str, reader: Reader) -> None:
    """``drop``."""


def _resubmit(doing: Doing, inside: str, reader: Reader) -> None:
    port, comma, rest = inside.partition(",")
    table, more, _ = rest.partition(",")
    if port.strip() or not comma or more:
        raise NotModelled("resubmit as of another port, in the same table, or with ct")
    doing.call(reader.table(table.strip(), "resubmit"))


def _mod_vlan(doing: Doing, inside: str, reader: Reader) -> None:
    """Of OpenFlow 1.0: a frame without a tag gets one."""
    _retag(doing, act.SetField("vlan_vid", VID_PRESENT | number(inside, 12, "mod_vlan_vid")))


def _mod_priority(doing: Doing, inside: str, reader: Reader) -> None:
    _retag(doing, act.SetField("vlan_pcp", number(inside, 3, "mod_vlan_pcp")))


def _retag(doing: Doing, setting: Action) -> None:
    if doing.tagged is None and doing.lost_tag:
        raise NotModelled("mod_vlan_vid or mod_vlan_pcp where a tag may have come or gone")
    if doing.tagged is None:
        raise UntoldTag(f"{setting}: of frames with a tag and without")
    doing.act(*([] if doing.tagged else [act.PushVlan()]), setting)


def _enqueue(doing: Doing, inside: str, reader: Reader) -> None:
    port = inside.replace(",", ":").partition(":")[0]
    doing.act(act.Output(reader(port.removeprefix("port="))))


def _clone(doing: Doing, inside: str, reader: Reader) -> None:
    """What is done to the copy alone; sending copies is no change."""
    inner = read_actions(inside, reader)
    if not all(isinstance(action, act.Output | act.Group) for action in inner):
        raise NotModelled("clone with actions that change the copy")
    doing.act(*inner)


def _track(doing: Doing, inside: str, reader: Reader) -> None:
    """``ct(...)``: the packet goes on in a table that knows its connection's state; what follows is done to a copy."""
    said = dict(key(word) for word in parts(inside)) if inside else {}
    names = {name.partition("(")[0] for name in said}
    if names - _CT_MODELLED:
        raise NotModelled(f"ct with {min(names - _CT_MODELLED)}")
    if "table" not in said:
        return
    if reader.assume is None:
        raise NotModelled("ct (connection tracking; say what to assume: --assume ct=established, new or any)")
    doing.wrote(register_bits("ct_state", reader.assume, 0xFFFF))
    doing.call(reader.table(said["table"], "ct"))
    doing.forked = True


def _forget_state(doing: Doing, inside: str, reader: Reader) -> None:
    doing.wrote(register_bits("ct_state", 0, 0xFFFF))


def _take_part(doing: Doing, inside: str, reader: Reader) -> None:
    """``conjunction(id, k/n)``."""
    number_, _, part = inside.partition(",")
    k, _, n = part.strip().partition("/")
    doing.clauses.append(Clause(number(number_.strip(), 32, "conjunction"), number(k, 8, "k"), number(n, 8, "n")))


def _punt(doing: Doing, inside: str, reader: Reader) -> None:
    """To a controller; a pause waits for it."""
    if "pause" in inside:
        doing.act(act.Output(act.CONTROLLER))
        raise NotModelled("what follows controller(pause)")
    doing.act(reserved(act.CONTROLLER, inside))


_STEPS: Mapping[str, Callable[[Doing, str, Reader], None]] = {
    "goto_table": _goto,
    "meter": _metered,
    "write_metadata": _write_metadata,
    "clear_actions": _clear,
    "write_actions": _write_actions,
    "drop": _nothing_done,
    "exit": _exit,
    "resubmit": _resubmit,
    "mod_vlan_vid": _mod_vlan,
    "mod_vlan_pcp": _mod_priority,
    "enqueue": _enqueue,
    "clone": _clone,
    "ct": _track,
    "ct_clear": _forget_state,
    "conjunction": _take_part,
    "controller": _punt,
}
