"""Messages to frames and back: the two functions everything else here is for.

Lives here: the OpenFlow header, dispatch by type, the multipart header and paging. Must not know: sockets, sessions,
who is asking. Source: OpenFlow 1.3.5 §7.1, §7.3.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from clos.fabric.openflow import bundle
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.bodies import BODIES, parse_error, parse_hello
from clos.fabric.openflow.constants import (
    HEADER_SIZE,
    MAX_FRAME,
    ONF,
    VERSION,
    BundleFlag,
    MessageType,
)
from clos.fabric.openflow.errors import BadRequest, DecodeError, ErrorType, bad
from clos.fabric.openflow.flow import parse_flow_mod
from clos.fabric.openflow.layout import UNFIT, Codec, opening, unfit
from clos.fabric.openflow.messages import Message
from clos.fabric.openflow.multipart import Multipart
from clos.fabric.openflow.stats import REPLIES, REQUESTS

_HEADER = Struct("!BBHI")
_MULTIPART = Struct("!HH4x")
_EXPERIMENTER = Struct("!II")
_MORE = 1
_FLOW_MOD = int(MessageType.FLOW_MOD)
_EXPERIMENTER_KIND = int(MessageType.EXPERIMENTER)
_BUNDLE_ADD = _EXPERIMENTER.pack(ONF, bundle.ADD)
_BUNDLE_FLAGS = int(BundleFlag.ATOMIC | BundleFlag.ORDERED)
_BUNDLE = Struct("!I2xH")
_JOINED = Struct("!HBBH4s")
ERROR_DATA = 64
"""Bytes of the message at fault that an error carries (§7.5.4: at least 64)."""


def encode(message: Message, xid: int = 0) -> bytes:
    """The frame of a message. Raises ValueError: a value does not fit its field, or the message 65,535 bytes."""
    try:
        kind, body = _body(message, xid)
        version = message.version if isinstance(message, m.Hello) else VERSION
        return _frame(version, kind, body, xid)
    except UNFIT as problem:
        raise unfit(type(message).__name__, problem) from problem


def encode_pages(message: Multipart, xid: int = 0) -> Iterator[bytes]:
    """The frames of a multipart message, as many as its entries need; ``more`` is set on all but the last.

    Raises ValueError as ``encode`` does, or where one entry alone is longer than a message.
    """
    row = _MULTIPARTS[type(message)]
    pack = row.codec.entry
    if pack is None:
        yield encode(message, xid)
        return
    page: list[bytes] = []
    room = most = MAX_FRAME - HEADER_SIZE - _MULTIPART.size
    for entry in message.entries:  # type: ignore[attr-defined]  # a codec with ``entry`` is of a message with entries
        try:
            data = pack(entry)
        except UNFIT as problem:
            raise unfit(repr(entry), problem) from problem
        if len(data) > room and page:
            yield _page(row, page, xid, more=True)
            page, room = [], most
        page.append(data)
        room -= len(data)
    yield _page(row, page, xid, more=message.more)


def decode(frame: bytes) -> tuple[Message, int]:
    """The message of one whole frame, and its xid.

    Flow-mods of equal bytes give one shared value. A Hello or an Error of any version is understood, for their
    layouts are the same in all. Raises DecodeError, and nothing else, whatever the bytes.
    """
    if len(frame) < HEADER_SIZE:
        raise bad(BadRequest.BAD_LEN, f"{len(frame)} bytes are less than a header")
    version, kind, size, xid = _HEADER.unpack_from(frame)
    try:
        if size != len(frame):
            raise bad(BadRequest.BAD_LEN, f"the header says {size} bytes, there are {len(frame)}")
        if kind == _FLOW_MOD and version == VERSION:
            return parse_flow_mod(frame[HEADER_SIZE:]), xid
        if kind == _EXPERIMENTER_KIND and frame[8:16] == _BUNDLE_ADD and frame[22:32] == _joined(frame):
            number, flags = _BUNDLE.unpack_from(frame, 16)
            return m.BundleAdd(number, flags, parse_flow_mod(frame[32:])), xid
        return _parse(version, kind, frame[HEADER_SIZE:], xid), xid
    except DecodeError as problem:
        problem.xid = xid
        raise


def _joined(frame: bytes) -> bytes:
    """What an ordinary bundle-add of this length and xid has from its flags on: both flags, and a flow-mod's header of
    the same xid, with nothing after it. Any other bundle-add is read, or refused, by the long way."""
    return _JOINED.pack(_BUNDLE_FLAGS, VERSION, _FLOW_MOD, max(len(frame) - 24, 0), frame[4:8])


def answer(problem: DecodeError, frame: bytes) -> m.Error:
    """The error message a switch answers to a frame it could not decode; send it with ``problem.xid``."""
    experimenter = ONF if problem.type == ErrorType.EXPERIMENTER else None
    return m.Error(problem.type, problem.code, frame[:ERROR_DATA], experimenter)


def _frame(version: int, kind: int, body: bytes, xid: int) -> bytes:
    size = HEADER_SIZE + len(body)
    if size > MAX_FRAME:
        raise ValueError(f"a {MessageType(kind).name} of {size} bytes; a message has at most {MAX_FRAME}")
    return _HEADER.pack(version, kind, size, xid) + body


def _body(message: Message, xid: int) -> tuple[int, bytes]:
    """The type of a message and all that follows its header."""
    if isinstance(message, Multipart):
        row = _MULTIPARTS[type(message)]
        return row.kind, _MULTIPART.pack(row.number, message.more) + row.codec.pack(message)
    if isinstance(message, m.BundleControl):
        return MessageType.EXPERIMENTER, bundle.pack_control(message)
    if isinstance(message, m.BundleAdd):
        return MessageType.EXPERIMENTER, bundle.pack_add(message, encode(message.message, xid))
    if isinstance(message, m.Experimenter):
        head = _EXPERIMENTER.pack(message.experimenter, message.exp_type)
        return MessageType.EXPERIMENTER, head + message.data
    kind, codec = _SIMPLE[type(message)]
    return kind, codec.pack(message)


def _parse(version: int, kind: int, body: bytes, xid: int) -> Message:
    if kind == MessageType.HELLO:
        return parse_hello(version, body)
    if kind == MessageType.ERROR:
        return parse_error(body)
    if version != VERSION:
        raise bad(BadRequest.BAD_VERSION, f"version {version}; only {VERSION} (OpenFlow 1.3) is spoken")
    codec = BODIES.get(kind)
    if codec is not None:
        message: Message = codec.parse(body)
        return message
    if kind in (MessageType.MULTIPART_REQUEST, MessageType.MULTIPART_REPLY):
        return _parse_multipart(kind, body)
    if kind == MessageType.EXPERIMENTER:
        return _parse_experimenter(body, xid)
    raise bad(BadRequest.BAD_TYPE, f"no message has type {kind}")


class _Row(NamedTuple):
    """Where a multipart message belongs: message type, multipart type, and its body's codec."""

    kind: int
    number: int
    codec: Codec


_SIMPLE: dict[type, tuple[int, Codec]] = {codec.kind: (int(kind), codec) for kind, codec in BODIES.items()}
_DIRECTIONS = {int(MessageType.MULTIPART_REQUEST): REQUESTS, int(MessageType.MULTIPART_REPLY): REPLIES}
_MULTIPARTS: dict[type, _Row] = {
    codec.kind: _Row(kind, int(number), codec) for kind, table in _DIRECTIONS.items() for number, codec in table.items()
}


def _parse_multipart(kind: int, body: bytes) -> Message:
    number, flags = opening(_MULTIPART, body, Multipart)
    codec = _DIRECTIONS[kind].get(number)
    if codec is None:
        raise bad(BadRequest.BAD_MULTIPART, f"no multipart message has type {number}")
    message: Message = codec.parse(body[_MULTIPART.size :], more=bool(flags & _MORE))
    return message


def _page(row: _Row, page: list[bytes], xid: int, *, more: bool) -> bytes:
    return _frame(VERSION, row.kind, _MULTIPART.pack(row.number, more) + b"".join(page), xid)


def _parse_experimenter(body: bytes, xid: int) -> Message:
    experimenter, exp_type = opening(_EXPERIMENTER, body, m.Experimenter)
    data = body[_EXPERIMENTER.size :]
    if experimenter == ONF and exp_type == bundle.CONTROL:
        return bundle.parse_control(data)
    if experimenter == ONF and exp_type == bundle.ADD:
        added = bundle.parse_add(data, xid)
        return m.BundleAdd(added.bundle, added.flags, decode(added.frame)[0], added.properties)
    return m.Experimenter(experimenter, exp_type, data)
