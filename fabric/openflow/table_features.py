"""Table features as bytes.

Lives here: ofp_table_features and its properties. Must not know: what a table can do.
Source: OpenFlow 1.3.5 §7.3.5.5. Identifiers are written as that section clarifies: instruction and action ids without
padding (4 bytes; an experimenter's 8); 8-byte action ids, which some switches send, are understood too.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from clos.fabric.openflow.constants import EXPERIMENTER, TableProperty
from clos.fabric.openflow.errors import TableFeaturesFailed, bad
from clos.fabric.openflow.layout import text_bytes, text_of
from clos.fabric.openflow.multipart import TableExperimenter, TableFeatures, TableIds

_FEATURES = Struct("!HB5x32sQQII")
_HEAD = Struct("!HH")
_EXPERIMENTER = Struct("!HHII")
_WIDE = 1 << 32
"""An experimenter's id is this much or more: its type above the experimenter's 32 bits."""


def pack_table(table: TableFeatures) -> bytes:
    properties = b"".join(map(_pack_property, table.properties))
    number, name, *rest, _ = table
    return _FEATURES.pack(64 + len(properties), number, text_bytes(name, 32), *rest) + properties


def _pack_property(item: TableIds | TableExperimenter) -> bytes:
    if isinstance(item, TableExperimenter):
        data = _EXPERIMENTER.pack(item.type, 12 + len(item.data), item.experimenter, item.exp_type) + item.data
    else:
        ids = b"".join(map(_IDS[item.type].pack, item.ids))
        data = _HEAD.pack(item.type, 4 + len(ids)) + ids
    return data + bytes(-len(data) % 8)


def parse_table(data: bytes) -> TableFeatures:
    """One ofp_table_features. Raises DecodeError (TABLE_FEATURES_FAILED)."""
    _, number, name, match, write, config, most = _FEATURES.unpack_from(data)
    properties = []
    at = 64
    while at < len(data):
        if len(data) - at < 4:
            raise bad(TableFeaturesFailed.BAD_LEN, f"{len(data) - at} bytes after the last property")
        kind, size = _HEAD.unpack_from(data, at)
        if size < 4 or at + size > len(data):
            raise bad(TableFeaturesFailed.BAD_LEN, f"property {kind} of {size} bytes with {len(data) - at} left")
        properties.append(_parse_property(kind, data[at : at + size]))
        at += size + -size % 8
    return TableFeatures(number, text_of(name), match, write, config, most, tuple(properties))


def max_entries(part: bytes) -> list[int]:
    """The room of each table in a part of a table features reply, without a look at anything else."""
    found, at = [], 16
    while at + _FEATURES.size <= len(part):
        size, *_, most = _FEATURES.unpack_from(part, at)
        found.append(most)
        at += max(size, _FEATURES.size)
    return found


def _parse_property(kind: int, data: bytes) -> TableIds | TableExperimenter:
    if kind in (TableProperty.EXPERIMENTER, TableProperty.EXPERIMENTER_MISS):
        if len(data) < 12:
            raise bad(TableFeaturesFailed.BAD_LEN, f"an experimenter property of {len(data)} bytes")
        _, _, experimenter, exp_type = _EXPERIMENTER.unpack_from(data)
        return TableExperimenter(kind, experimenter, exp_type, data[12:])
    if kind not in _IDS:
        raise bad(TableFeaturesFailed.BAD_TYPE, f"no table feature property has type {kind}")
    return TableIds(kind, tuple(_IDS[kind].parse(data[4:])))


class _Ids(NamedTuple):
    """How the identifiers of a property are written."""

    pack: Callable[[int], bytes]
    parse: Callable[[bytes], list[int]]


def _pack_type(number: int) -> bytes:
    if number >= _WIDE:
        return _HEAD.pack(number >> 32, 8) + (number % _WIDE).to_bytes(4, "big")
    return _HEAD.pack(number, 4)


def _parse_types(data: bytes) -> list[int]:
    found = []
    for piece in _pieces(data):
        kind, size = _HEAD.unpack_from(piece)
        if kind == EXPERIMENTER and size != 8:
            raise bad(TableFeaturesFailed.BAD_LEN, f"an experimenter's id of {size} bytes")
        found.append(kind << 32 | int.from_bytes(piece[4:], "big") if kind == EXPERIMENTER else kind)
    return found


def _pieces(data: bytes) -> list[bytes]:
    pieces = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size not in (4, 8) or at + size > len(data):
            raise bad(TableFeaturesFailed.BAD_LEN, f"an id of {size} bytes with {len(data) - at} left")
        pieces.append(data[at : at + size])
        at += size
    return pieces


def _pack_oxm(number: int) -> bytes:
    return number.to_bytes(8 if number >= _WIDE else 4, "big")


def _parse_oxms(data: bytes) -> list[int]:
    found = []
    at = 0
    while at < len(data):
        size = 8 if data[at : at + 2] == b"\xff\xff" else 4
        if at + size > len(data):
            raise bad(TableFeaturesFailed.BAD_LEN, f"{len(data) - at} bytes are left for a field id of {size}")
        found.append(int.from_bytes(data[at : at + size], "big"))
        at += size
    return found


_TYPES = _Ids(_pack_type, _parse_types)
_TABLES = _Ids(lambda number: number.to_bytes(1, "big"), list)
_OXMS = _Ids(_pack_oxm, _parse_oxms)
_P = TableProperty
_IDS: dict[int, _Ids] = {
    **dict.fromkeys((_P.INSTRUCTIONS, _P.INSTRUCTIONS_MISS), _TYPES),
    **dict.fromkeys((_P.NEXT_TABLES, _P.NEXT_TABLES_MISS), _TABLES),
    **dict.fromkeys((_P.WRITE_ACTIONS, _P.WRITE_ACTIONS_MISS, _P.APPLY_ACTIONS, _P.APPLY_ACTIONS_MISS), _TYPES),
    **dict.fromkeys((_P.MATCH, _P.WILDCARDS, _P.WRITE_SETFIELD, _P.WRITE_SETFIELD_MISS), _OXMS),
    **dict.fromkeys((_P.APPLY_SETFIELD, _P.APPLY_SETFIELD_MISS), _OXMS),
}
