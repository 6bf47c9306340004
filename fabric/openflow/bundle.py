"""Bundles as bytes: several changes that a switch makes all at once or not at all.

Lives here: the ONF experimenter messages that OpenFlow 1.4's bundles became for 1.3. Must not know: how the messages
within are encoded; they come and go as frames. Source: ONF extension EXT-230 (as Open vSwitch speaks it).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from clos.fabric.openflow.constants import (
    EXPERIMENTER,
    HEADER_SIZE,
    ONF,
    BundleControlType,
    BundleMessage,
    MessageType,
)
from clos.fabric.openflow.errors import BadRequest, OnfFailed, bad
from clos.fabric.openflow.layout import opening
from clos.fabric.openflow.messages import BundleAdd, BundleControl, BundleProperty

CONTROL, ADD = int(BundleMessage.CONTROL), int(BundleMessage.ADD_MESSAGE)
_KNOWN_FLAGS = 3
_EXPERIMENTER = Struct("!II")
_CONTROL = Struct("!IHH")
_ADD = Struct("!I2xH")
_PROPERTY = Struct("!HHII")


class Added(NamedTuple):
    """A bundle-add whose message is still a frame."""

    bundle: int
    flags: int
    frame: bytes
    properties: tuple[BundleProperty, ...]


def pack_control(message: BundleControl) -> bytes:
    head = _EXPERIMENTER.pack(ONF, CONTROL) + _CONTROL.pack(message.bundle, message.type, message.flags)
    return head + _pack_properties(message.properties)


def pack_add(message: BundleAdd, frame: bytes) -> bytes:
    """``frame``: the encoded ``message.message``, of the same xid; it is padded only where properties follow."""
    head = _EXPERIMENTER.pack(ONF, ADD) + _ADD.pack(message.bundle, message.flags)
    if not message.properties:
        return head + frame
    return head + frame + bytes(-len(frame) % 8) + _pack_properties(message.properties)


def _pack_properties(properties: tuple[BundleProperty, ...]) -> bytes:
    data = b""
    for experimenter, exp_type, payload in properties:
        data += _PROPERTY.pack(EXPERIMENTER, 12 + len(payload), experimenter, exp_type)
        data += payload + bytes(-(12 + len(payload)) % 8)
    return data


def parse_control(data: bytes) -> BundleControl:
    bundle, kind, flags = opening(_CONTROL, data, BundleControl)
    if kind >= len(BundleControlType):
        raise bad(OnfFailed.BAD_TYPE, f"no bundle control has type {kind}")
    return BundleControl(bundle, BundleControlType(kind), _checked_flags(flags), _parse_properties(data[8:]))


def parse_add(data: bytes, xid: int) -> Added:
    """``xid``: of the message that carries the bundle-add. Raises DecodeError."""
    bundle, flags = opening(_ADD, data, BundleAdd)
    inner = data[_ADD.size :]
    size = int.from_bytes(inner[2:4], "big")
    if not HEADER_SIZE <= size <= len(inner):
        raise bad(OnfFailed.MSG_BAD_LEN, f"a message of {size} bytes with {len(inner)} left")
    if inner[1] == MessageType.EXPERIMENTER:
        raise bad(OnfFailed.MSG_UNSUP, "experimenter messages, bundles among them, cannot join a bundle")
    if int.from_bytes(inner[4:8], "big") != xid:
        raise bad(OnfFailed.MSG_BAD_XID, "the message within has another xid")
    return Added(bundle, _checked_flags(flags), inner[:size], _parse_properties(inner[size + -size % 8 :]))


def _checked_flags(flags: int) -> int:
    if flags > _KNOWN_FLAGS:
        raise bad(OnfFailed.BAD_FLAGS, f"bundle flags {flags:#x}")
    return flags


def _parse_properties(data: bytes) -> tuple[BundleProperty, ...]:
    found = []
    at = 0
    while at < len(data):
        kind, size, experimenter, exp_type = opening(_PROPERTY, data[at : at + _PROPERTY.size], BundleProperty)
        if kind != EXPERIMENTER:
            raise bad(BadRequest.BAD_TYPE, f"no bundle property has type {kind}")
        if size < _PROPERTY.size or at + size > len(data):
            raise bad(BadRequest.BAD_LEN, f"a bundle property of {size} bytes with {len(data) - at} left")
        found.append(BundleProperty(experimenter, exp_type, data[at + _PROPERTY.size : at + size]))
        at += size + -size % 8
    return tuple(found)
