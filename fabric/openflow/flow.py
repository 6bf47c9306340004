"""Flow entries as bytes: flow-mods, flow statistics and their like. The hot path of the codec, both ways.

Lives here: the layouts that hold rules, and the shared packing of rules and blocks. Must not know: sessions, order of
change. Source: OpenFlow 1.3.5 §7.3.4.1, §7.3.5.2, §7.3.5.3, §7.4.2.
"""

from __future__ import annotations

from operator import itemgetter
from struct import Struct
from typing import Any
from zlib import crc32

from clos.fabric.dataplane.action import ANY_GROUP, ANY_PORT, NO_BUFFER
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import DROP, Instructions, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.openflow import shape
from clos.fabric.openflow.constants import FlowModCommand, MessageType
from clos.fabric.openflow.entries import pack_instructions, parse_instructions
from clos.fabric.openflow.errors import BadInstruction, BadRequest, DecodeError, FlowModFailed, bad
from clos.fabric.openflow.layout import UNFIT, Codec, opening, sized, unfit
from clos.fabric.openflow.memo import Memo
from clos.fabric.openflow.messages import FlowMod, FlowRemoved
from clos.fabric.openflow.multipart import (
    AggregateRequest,
    FlowStats,
    FlowStatsReply,
    FlowStatsRequest,
    ForeignFlow,
)
from clos.fabric.openflow.oxm import pack_match, parse_match

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = FlowModCommand
_COMMANDS = tuple(FlowModCommand)
_FRAME = Struct("!BBHI")
_MOD = Struct("!QQBBHHHIIIH2x")
_STATS = Struct("!HBxIIHHHH4xQQQ")
_REQUEST = Struct("!B3xII4xQQ")
_REMOVED = Struct("!QHBBIIHHQQ")
_KNOWN_FLAGS = 0x1F
_SHORT = 512
"""Bodies up to this many bytes are remembered; it bounds the memory an unfriendly peer can take."""


def pack_rule(rule: Rule, command: int = ADD) -> bytes:
    """The flow-mod frame that adds (modifies, deletes) the rule, ready for any switch.

    Its xid is ``rule_xid(rule, command)``, so that equal rules are equal bytes. A delete leaves out the instructions,
    which count for nothing there. Raises ValueError where a value does not fit its field.
    """
    table, priority, match, instructions, cookie, idle, hard, flags = rule
    if command >= DELETE:
        instructions = DROP
    try:
        body = (
            _MOD.pack(cookie, 0, table, command, idle, hard, priority, NO_BUFFER, ANY_PORT, ANY_GROUP, flags)
            + pack_match(match)
            + pack_instructions(instructions)
        )
        return _FRAME.pack(4, _FLOW_MOD, 8 + len(body), crc32(body)) + body
    except UNFIT as problem:
        raise unfit(repr(rule), problem) from problem


_FLOW_MOD = int(MessageType.FLOW_MOD)


def rule_xid(rule: Rule, command: int = ADD) -> int:
    """The xid of ``pack_rule(rule, command)``: the CRC-32 of what follows the header.

    An error carries the xid of the message at fault, so it leads back to the rule. Two rules may share one by chance
    (for 60,000 rules on a switch, one chance in three that any two do): compare the error's data before blaming.
    """
    return int.from_bytes(pack_rule(rule, command)[4:8], "big")


def pack_block(block: Block) -> bytes:
    """Flow-mods that add all rules of the block, later tables first; made once and kept in ``block.packed``.

    Rules only: groups and meters go before them, in messages of their own.
    """
    packed = block.packed
    if packed is None:
        packed = b"".join(map(pack_rule, sorted(block.rules, key=itemgetter(0), reverse=True)))
        block.packed = packed
    return packed


def _pack_flow_mod(message: FlowMod) -> bytes:
    table, priority, match, instructions, cookie, idle, hard, flags = message.rule
    head = _MOD.pack(
        cookie, message.cookie_mask, table, message.command, idle, hard, priority,
        message.buffer_id, message.out_port, message.out_group, flags,
    )  # fmt: skip
    return head + pack_match(match) + pack_instructions(instructions)


def _parse_flow_mod(body: bytes) -> FlowMod:
    head = opening(_MOD, body, FlowMod)
    cookie, cookie_mask, table, command, idle, hard, priority, buffer_id, out_port, out_group, flags = head
    if command >= len(_COMMANDS):
        raise bad(FlowModFailed.BAD_COMMAND, f"no flow-mod command has number {command}")
    if flags > _KNOWN_FLAGS:
        raise bad(FlowModFailed.BAD_FLAGS, f"flow-mod flags {flags:#x}")
    match, end = parse_match(body, _MOD.size)
    instructions = parse_instructions(body[end:])
    goto = instructions.goto
    if goto is not None and goto <= table and command < DELETE:
        raise bad(BadInstruction.BAD_TABLE_ID, f"goto_table {goto} from table {table} does not lead on")
    rule = Rule(table, priority, match, instructions, cookie, idle, hard, flags)
    return FlowMod(_COMMANDS[command], rule, cookie_mask, out_port, out_group, buffer_id)


_FLOW_MODS: Memo[bytes, FlowMod] = Memo(_parse_flow_mod, 1 << 16)


def parse_flow_mod(body: bytes) -> FlowMod:
    """The flow-mod of a body; equal bytes give one shared value, so many switches hold one copy of a rule."""
    return _FLOW_MODS[body] if len(body) <= _SHORT else _parse_flow_mod(body)


def _parse_entry(data: bytes) -> tuple[Match, Instructions]:
    match, end = parse_match(data, 0)
    return match, parse_instructions(data[end:])


_ENTRIES: Memo[bytes, tuple[Match, Instructions]] = Memo(_parse_entry, 1 << 16)


def _pack_stats(entry: FlowStats | ForeignFlow) -> bytes:
    if isinstance(entry, ForeignFlow):
        return entry.data
    table, priority, match, instructions, cookie, idle, hard, flags = entry.rule
    body = pack_match(match) + pack_instructions(instructions)
    _, seconds, nanoseconds, packets, count = entry
    head = _STATS.pack(
        48 + len(body), table, seconds, nanoseconds, priority, idle, hard, flags, cookie, packets, count
    )  # fmt: skip
    return head + body


def _parse_stats(data: bytes) -> FlowStats | ForeignFlow:
    _, table, seconds, nanoseconds, priority, idle, hard, flags, cookie, packets, count = _STATS.unpack_from(data)
    body = data[48:]
    try:
        match, instructions = _ENTRIES[body] if len(body) <= _SHORT else _parse_entry(body)
    except DecodeError:
        return ForeignFlow(data)
    rule = Rule(table, priority, match, instructions, cookie, idle, hard, flags)
    return FlowStats(rule, seconds, nanoseconds, packets, count)


def _select(kind: type[Any]) -> Codec:
    """The codec of FlowStatsRequest and AggregateRequest, which are alike."""

    def pack(message: Any) -> bytes:
        head = (message.table, message.out_port, message.out_group, message.cookie, message.cookie_mask)
        return _REQUEST.pack(*head) + pack_match(message.match)

    def parse(body: bytes, **more: bool) -> Any:
        head = opening(_REQUEST, body, kind)
        match, end = parse_match(body, _REQUEST.size)
        if end != len(body):
            raise bad(BadRequest.BAD_LEN, f"{kind.__name__}: {len(body) - end} bytes after the match")
        return kind(*head, match, **more)

    return Codec(kind, pack, parse)


def _pack_removed(message: FlowRemoved) -> bytes:
    head = _REMOVED.pack(
        message.cookie, message.priority, message.reason, message.table, message.duration_sec, message.duration_nsec,
        message.idle_timeout, message.hard_timeout, message.packet_count, message.byte_count,
    )  # fmt: skip
    return head + pack_match(message.match)


def _parse_removed(body: bytes) -> FlowRemoved:
    head = opening(_REMOVED, body, FlowRemoved)
    cookie, priority, reason, table, *counts = head
    match, end = parse_match(body, _REMOVED.size)
    if end != len(body):
        raise bad(BadRequest.BAD_LEN, f"FlowRemoved: {len(body) - end} bytes after the match")
    return FlowRemoved(table, priority, match, cookie, reason, *counts)


FLOW_MOD = Codec(FlowMod, _pack_flow_mod, parse_flow_mod)
FLOW_REMOVED = Codec(FlowRemoved, _pack_removed, _parse_removed)
FLOW_STATS_REQUEST = _select(FlowStatsRequest)
AGGREGATE_REQUEST = _select(AggregateRequest)
FLOW_STATS_REPLY = sized(FlowStatsReply, _pack_stats, _parse_stats, 56)


def forget() -> None:
    """Forget all flow entries met before; for measuring what they cost the first time."""
    _FLOW_MODS.forget()
    _ENTRIES.forget()
    shape.forget()
