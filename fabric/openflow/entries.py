"""Instructions, buckets, groups, bands and meters as bytes: what flow, group and meter entries are made of.

Lives here: their layouts, and what a switch refuses in one by itself. Must not know: the messages that carry them.
Source: OpenFlow 1.3.5 §7.2.4 (instructions), §7.3.4.2 (buckets), §7.3.4.4 (bands).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from clos.fabric.dataplane.action import ANY_GROUP, ANY_PORT
from clos.fabric.dataplane.rule import (
    DROP,
    GROUP_TYPES,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
)
from clos.fabric.openflow.actions import pack_actions, parse_actions
from clos.fabric.openflow.constants import EXPERIMENTER, InstructionType, MeterFlag
from clos.fabric.openflow.errors import (
    BadInstruction,
    BadRequest,
    DecodeError,
    GroupModFailed,
    MeterModFailed,
    OnfFailed,
    bad,
)
from clos.fabric.openflow.memo import Memo

_HEAD = Struct("!HH")
_METER = Struct("!HHI")
_ACTIONS = Struct("!HH4x")
_METADATA = Struct("!HH4xQQ")
_GOTO = Struct("!HHB3x")
_BUCKET = Struct("!HHII4x")
_BAND = Struct("!HHIIB3x")
_DROP_BAND, _DSCP_BAND = 1, 2
_GOTO_TABLE, _WRITE_METADATA, _WRITE_ACTIONS, _APPLY_ACTIONS, _CLEAR_ACTIONS, _USE_METER = map(int, InstructionType)
"""As plain ints, which pack faster than members of the enumeration."""


def pack_instructions(instructions: Instructions) -> bytes:
    """The instructions in the order they are performed; an empty action list is left out."""
    meter, apply, clear, write, metadata, goto = instructions
    data = b""
    if meter is not None:
        data += _METER.pack(_USE_METER, 8, meter)
    if apply:
        data += _action_list(_APPLY_ACTIONS, pack_actions(apply))
    if clear:
        data += _ACTIONS.pack(_CLEAR_ACTIONS, 8)
    if write:
        data += _action_list(_WRITE_ACTIONS, pack_actions(write))
    if metadata is not None:
        data += _METADATA.pack(_WRITE_METADATA, 24, *metadata)
    if goto is not None:
        data += _GOTO.pack(_GOTO_TABLE, 8, goto)
    return data


def _action_list(kind: int, actions: bytes) -> bytes:
    return _ACTIONS.pack(kind, 8 + len(actions)) + actions


class _Reader(NamedTuple):
    """How one instruction is read: its place in Instructions, its size (None where it holds actions), its value."""

    place: int
    size: int | None
    read: Callable[[bytes], object]


_READERS: dict[int, _Reader] = {
    InstructionType.METER: _Reader(0, 8, lambda data: _METER.unpack(data)[2]),
    InstructionType.APPLY_ACTIONS: _Reader(1, None, lambda data: parse_actions(data[8:])),
    InstructionType.CLEAR_ACTIONS: _Reader(2, 8, lambda data: True),
    InstructionType.WRITE_ACTIONS: _Reader(3, None, lambda data: parse_actions(data[8:])),
    InstructionType.WRITE_METADATA: _Reader(4, 24, lambda data: _METADATA.unpack(data)[2:]),
    InstructionType.GOTO_TABLE: _Reader(5, 8, lambda data: data[4]),
}


def _parse_instructions(data: bytes) -> Instructions:
    values: list[object] = list(DROP)
    seen: set[int] = set()
    at, end = 0, len(data)
    while at < end:
        if end - at < 8:
            raise bad(BadInstruction.BAD_LEN, f"{end - at} bytes after the last instruction")
        kind, size = _HEAD.unpack_from(data, at)
        if size < 8 or size % 8 or at + size > end:
            raise bad(BadInstruction.BAD_LEN, f"instruction {kind} of {size} bytes with {end - at} left")
        if kind in seen:
            raise bad(OnfFailed.DUP_INSTRUCTION, f"instruction {kind} given twice")
        reader = _READERS.get(kind)
        if reader is None or reader.size not in (None, size):
            raise _bad_instruction(kind, size)
        values[reader.place] = reader.read(data[at : at + size])
        seen.add(kind)
        at += size
    return Instructions._make(values)


def _bad_instruction(kind: int, size: int) -> DecodeError:
    if kind == EXPERIMENTER:
        return bad(BadInstruction.BAD_EXPERIMENTER, "no experimenter's instructions are known")
    if kind not in _READERS:
        return bad(BadInstruction.UNKNOWN_INST, f"no instruction has type {kind}")
    return bad(BadInstruction.BAD_LEN, f"{InstructionType(kind).name} of {size} bytes")


_INSTRUCTIONS: Memo[bytes, Instructions] = Memo(_parse_instructions, 1 << 13)
_MEMORABLE = 512


def parse_instructions(data: bytes) -> Instructions:
    """The instructions that fill ``data``; equal bytes give one shared value. Raises DecodeError."""
    return _INSTRUCTIONS[data] if len(data) <= _MEMORABLE else _parse_instructions(data)


def pack_buckets(entry: GroupEntry) -> bytes:
    """The buckets of a group. Weights are written for a select group only; elsewhere they must be 0 (§7.3.4.2)."""
    data = b""
    for bucket in entry.buckets:
        actions = pack_actions(bucket.actions)
        weight = bucket.weight if entry.type == SELECT else 0
        port = ANY_PORT if bucket.watch_port is None else bucket.watch_port
        group = ANY_GROUP if bucket.watch_group is None else bucket.watch_group
        data += _BUCKET.pack(16 + len(actions), weight, port, group) + actions
    return data


def parse_group(group: int, kind: int, data: bytes) -> GroupEntry:
    """The group entry whose buckets fill ``data``. Raises DecodeError (GROUP_MOD_FAILED, BAD_ACTION)."""
    if kind >= len(GROUP_TYPES):
        raise bad(GroupModFailed.BAD_TYPE, f"no group has type {kind}")
    buckets = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        if size < 16 or size % 8 or at + size > len(data):
            raise bad(GroupModFailed.BAD_BUCKET, f"bucket of {size} bytes with {len(data) - at} left")
        _, weight, port, watch = _BUCKET.unpack_from(data, at)
        buckets.append(
            Bucket(
                parse_actions(data[at + 16 : at + size]),
                weight if GROUP_TYPES[kind] == SELECT else 1,
                None if port == ANY_PORT else port,
                None if watch == ANY_GROUP else watch,
            )
        )
        at += size
    return GroupEntry(group, GROUP_TYPES[kind], tuple(buckets))


def implied_flags(meter: Meter) -> int:
    """The OFPMF flags a meter means when nothing else is said: its unit, BURST where a band has one, STATS."""
    burst = any(band.burst for band in meter.bands)
    return (MeterFlag.PKTPS if meter.packets else MeterFlag.KBPS) | (MeterFlag.BURST if burst else 0) | MeterFlag.STATS


def pack_bands(meter: Meter) -> bytes:
    return b"".join(map(_pack_band, meter.bands))


def _pack_band(band: Band) -> bytes:
    kind = _DROP_BAND if band.dscp_levels is None else _DSCP_BAND
    return _BAND.pack(kind, _BAND.size, band.rate, band.burst, band.dscp_levels or 0)


def parse_bands(data: bytes) -> tuple[Band, ...]:
    """The bands that fill ``data``. Raises DecodeError (METER_MOD_FAILED, or BAD_REQUEST for lengths)."""
    bands = []
    at = 0
    while at < len(data):
        if len(data) - at < _BAND.size:
            raise bad(BadRequest.BAD_LEN, f"{len(data) - at} bytes after the last band")
        kind, size, rate, burst, levels = _BAND.unpack_from(data, at)
        if kind not in (_DROP_BAND, _DSCP_BAND):
            raise bad(MeterModFailed.BAD_BAND, f"no meter band has type {kind}")
        if size != _BAND.size:
            raise bad(BadRequest.BAD_LEN, f"a meter band takes {_BAND.size} bytes, not {size}")
        bands.append(Band(rate, burst, levels if kind == _DSCP_BAND else None))
        at += size
    return tuple(bands)


_UNITS = MeterFlag.KBPS | MeterFlag.PKTPS
_KNOWN_METER_FLAGS = 15


def meter_of(number: int, flags: int, bands: tuple[Band, ...]) -> tuple[Meter, int | None]:
    """A meter and its flags; None where they are just those it implies."""
    meter = Meter(number, bands, packets=bool(flags & MeterFlag.PKTPS))
    return meter, None if flags == implied_flags(meter) else flags


def check_meter_flags(flags: int) -> None:
    """Raise DecodeError (METER_MOD_FAILED/BAD_FLAGS) unless the flags name one unit and nothing unknown."""
    if flags > _KNOWN_METER_FLAGS or flags & _UNITS not in (MeterFlag.KBPS, MeterFlag.PKTPS):
        raise bad(MeterModFailed.BAD_FLAGS, f"meter flags {flags:#x}")
