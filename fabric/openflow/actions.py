"""Actions as bytes.

Lives here: the layout of every action and what a switch refuses in one by itself. Must not know: instructions, the
match an action stands under, which ports exist: a switch checks those.
Source: OpenFlow 1.3.5 §7.2.5; NXAST_REG_MOVE: Open vSwitch's nicira-ext.h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from struct import Struct
from typing import Any, NamedTuple

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action, Move, SetField
from clos.fabric.openflow.constants import EXPERIMENTER, MAX_GROUP, NICIRA
from clos.fabric.openflow.errors import BadAction, bad
from clos.fabric.openflow.memo import Memo
from clos.fabric.openflow.oxm import NXM, OXM_CLASS, PADS, TLVS, header
from clos.fabric.packet.fields import (
    ETH_MPLS,
    ETH_MPLS_MC,
    ETH_PBB,
    ETH_QINQ,
    ETH_VLAN,
    FIELDS,
    Field,
)

SET_FIELD = 25
_REG_MOVE = 6
_HEAD = Struct("!HH")
_MOVE = Struct("!HHIHHHHII")
_UNSETTABLE = frozenset({"in_port", "in_phy_port", "metadata"})


class _Layout(NamedTuple):
    """An action of fixed size: its number, and how its attributes follow type and length in ``struct``."""

    number: int
    kind: type[Any]
    struct: Struct
    values: Callable[[Any], tuple[Any, ...]]


def _layout(number: int, kind: type[Any], form: str, *names: str) -> _Layout:
    """The row of an action; ``form`` is the struct after type and length."""
    if not names:
        return _Layout(number, kind, Struct("!HH" + form), lambda action: ())
    get = attrgetter(*names)
    values = get if len(names) > 1 else lambda action: (get(action),)
    return _Layout(number, kind, Struct("!HH" + form), values)


_LAYOUTS = (
    _layout(0, act.Output, "IH6x", "port", "max_len"),
    _layout(11, act.CopyTtlOut, "4x"),
    _layout(12, act.CopyTtlIn, "4x"),
    _layout(15, act.SetMplsTtl, "B3x", "ttl"),
    _layout(16, act.DecMplsTtl, "4x"),
    _layout(17, act.PushVlan, "H2x", "ethertype"),
    _layout(18, act.PopVlan, "4x"),
    _layout(19, act.PushMpls, "H2x", "ethertype"),
    _layout(20, act.PopMpls, "H2x", "ethertype"),
    _layout(21, act.SetQueue, "I", "queue"),
    _layout(22, act.Group, "I", "group"),
    _layout(23, act.SetNwTtl, "B3x", "ttl"),
    _layout(24, act.DecNwTtl, "4x"),
    _layout(26, act.PushPbb, "H2x", "ethertype"),
    _layout(27, act.PopPbb, "4x"),
)
ACTION_TYPES = (*sorted([row.number for row in _LAYOUTS] + [SET_FIELD]),)
"""The numbers of the actions OpenFlow 1.3 has; an experimenter's is EXPERIMENTER."""

_ETHERTYPES: dict[type, frozenset[int]] = {
    act.PushVlan: frozenset({ETH_VLAN, ETH_QINQ}),
    act.PushMpls: frozenset({ETH_MPLS, ETH_MPLS_MC}),
    act.PushPbb: frozenset({ETH_PBB}),
}


def _packer(row: _Layout) -> Callable[[Any], bytes]:
    number, size, pack, values = row.number, row.struct.size, row.struct.pack, row.values
    return lambda action: pack(number, size, *values(action))


def _set_field_frame(field: Field) -> tuple[bytes, int, bytes]:
    """What is the same in all set-fields of a field: the bytes before its value, the value's size, the padding."""
    used = 8 + field.octets
    return _HEAD.pack(SET_FIELD, used + -used % 8) + header(field).to_bytes(4, "big"), field.octets, PADS[used % 8]


_SET_FIELDS = {name: _set_field_frame(field) for name, field in FIELDS.items()}


def _pack_set_field(action: SetField) -> bytes:
    head, octets, padding = _SET_FIELDS[action.field]
    return head + action.value.to_bytes(octets, "big") + padding


def _pack_move(action: Move) -> bytes:
    source, target = FIELDS[action.source], FIELDS[action.target]
    bits = min(source.bits, target.bits)
    return _MOVE.pack(EXPERIMENTER, 24, NICIRA, _REG_MOVE, bits, 0, 0, header(source), header(target))


_PACK: dict[type, Callable[[Any], bytes]] = {
    **{row.kind: _packer(row) for row in _LAYOUTS},
    SetField: _pack_set_field,
    Move: _pack_move,
}


def pack_actions(actions: Iterable[Action]) -> bytes:
    """The actions one after another, each padded to eight bytes."""
    return b"".join([_PACK[type(action)](action) for action in actions])


def parse_actions(data: bytes) -> tuple[Action, ...]:
    """The actions of a list that fills ``data``. Raises DecodeError (BAD_ACTION)."""
    actions: list[Action] = []
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise bad(BadAction.BAD_LEN, f"{len(data) - at} bytes after the last action")
        kind, size = _HEAD.unpack_from(data, at)
        if size < 8 or size % 8 or at + size > len(data):
            raise bad(BadAction.BAD_LEN, f"action {kind} of {size} bytes with {len(data) - at} left")
        actions.append(_ACTIONS[data[at : at + size]] if size <= _SHORT else _parse_action(data[at : at + size]))
        at += size
    return tuple(actions)


def _parse_action(data: bytes) -> Action:
    kind = int.from_bytes(data[:2], "big")
    parse = _PARSE.get(kind)
    if parse is None:
        raise bad(BadAction.BAD_TYPE, f"no action has type {kind}")
    return parse(data)


_ACTIONS: Memo[bytes, Action] = Memo(_parse_action, 1 << 13)
_SHORT = 32


def _parser(row: _Layout) -> Callable[[bytes], Action]:
    check = _CHECKS.get(row.kind, lambda action: None)

    def parse(data: bytes) -> Action:
        if len(data) != row.struct.size:
            raise bad(BadAction.BAD_LEN, f"{row.kind.__name__} takes {row.struct.size} bytes, not {len(data)}")
        action: Action = row.kind(*row.struct.unpack(data)[2:])
        check(action)
        return action

    return parse


def _check_output(action: act.Output) -> None:
    port = action.port
    if not (0 < port <= act.MAX_PORT or act.IN_PORT <= port < act.ANY_PORT):
        raise bad(BadAction.BAD_OUT_PORT, f"{port:#x} is not a port to send to")


def _check_group(action: act.Group) -> None:
    if action.group > MAX_GROUP:
        raise bad(BadAction.BAD_OUT_GROUP, f"{action.group:#x} is not a group")


def _check_push(action: act.PushVlan | act.PushMpls | act.PushPbb) -> None:
    if action.ethertype not in _ETHERTYPES[type(action)]:
        raise bad(BadAction.BAD_ARGUMENT, f"{type(action).__name__} of ethertype {action.ethertype:#06x}")


_CHECKS: dict[type, Callable[[Any], None]] = {
    act.Output: _check_output,
    act.Group: _check_group,
    act.PushVlan: _check_push,
    act.PushMpls: _check_push,
    act.PushPbb: _check_push,
}


def _parse_set_field(data: bytes) -> SetField:
    tlv = TLVS.get(data[4:8])
    if tlv is None:
        raise _bad_set(data[4:8])
    field = tlv.field
    if tlv.middle:
        raise bad(BadAction.BAD_SET_ARGUMENT, f"set_field {field.name}: cannot be masked in OpenFlow 1.3")
    if field.name in _UNSETTABLE:
        raise bad(BadAction.BAD_SET_TYPE, f"set_field {field.name}: the field cannot be set")
    end = 4 + tlv.size
    if len(data) != end + -end % 8:
        raise bad(BadAction.BAD_LEN, f"set_field {field.name} of {len(data)} bytes")
    value = int.from_bytes(data[8:end], "big")
    if value > field.full:
        raise bad(BadAction.BAD_SET_ARGUMENT, f"set_field {field.name}: {value:#x} does not fit in {field.bits} bits")
    return SetField(field.name, value)


def _bad_set(head: bytes) -> Exception:
    """The error for an OXM header that is none of ours: right field but wrong length, or no field at all."""
    number = head[2] >> 1
    if int.from_bytes(head[:2], "big") == OXM_CLASS and number < len(FIELDS):
        return bad(BadAction.BAD_SET_LEN, f"set_field number {number} with payload length {head[3]}")
    return bad(BadAction.BAD_SET_TYPE, f"set_field of OXM header {head.hex()}: no such field")


def _parse_experimenter(data: bytes) -> Move:
    experimenter = int.from_bytes(data[4:8], "big")
    if experimenter != NICIRA:
        raise bad(BadAction.BAD_EXPERIMENTER, f"no actions of experimenter {experimenter:#010x} are known")
    if len(data) < 16 or int.from_bytes(data[8:10], "big") != _REG_MOVE:
        raise bad(BadAction.BAD_EXP_TYPE, f"no Nicira action has subtype {data[8:10].hex()}")
    if len(data) != _MOVE.size:
        raise bad(BadAction.BAD_LEN, f"move takes {_MOVE.size} bytes, not {len(data)}")
    *_, bits, source_at, target_at, _, _ = _MOVE.unpack(data)
    source, target = _moved(data[16:20]), _moved(data[20:24])
    if source_at or target_at or not bits == source.bits == target.bits:
        raise bad(BadAction.BAD_ARGUMENT, f"move {source.name}->{target.name}: only whole fields of one width move")
    return Move(source.name, target.name)


def _moved(head: bytes) -> Field:
    tlv = TLVS.get(head)
    field = NXM.get(head) if tlv is None or tlv.middle else tlv.field
    if field is None:
        raise bad(BadAction.BAD_ARGUMENT, f"move: OXM header {head.hex()} names no field")
    return field


_PARSE: dict[int, Callable[[bytes], Action]] = {
    **{row.number: _parser(row) for row in _LAYOUTS},
    SET_FIELD: _parse_set_field,
    EXPERIMENTER: _parse_experimenter,
}
