"""The bodies of all messages but multipart and bundles, as a table by message type.

Lives here: layouts. Must not know: headers, framing, the flow entries' inside (fabric.openflow.flow).
Source: OpenFlow 1.3.5 §7.3-7.5.
"""

from __future__ import annotations

from struct import Struct

from clos.fabric.dataplane.rule import GROUP_TYPES
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.actions import pack_actions, parse_actions
from clos.fabric.openflow.constants import (
    EXPERIMENTER,
    GroupModCommand,
    MeterModCommand,
    QueuePropertyType,
    Role,
)
from clos.fabric.openflow.constants import MessageType as T
from clos.fabric.openflow.entries import (
    check_meter_flags,
    implied_flags,
    meter_of,
    pack_bands,
    pack_buckets,
    parse_bands,
    parse_group,
)
from clos.fabric.openflow.errors import (
    BadRequest,
    ErrorType,
    GroupModFailed,
    MeterModFailed,
    RoleRequestFailed,
    SwitchConfigFailed,
    bad,
)
from clos.fabric.openflow.flow import FLOW_MOD, FLOW_REMOVED
from clos.fabric.openflow.layout import Codec, cut, fixed, opening, text_bytes, text_of, unpack
from clos.fabric.openflow.oxm import pack_match, parse_loose

_ELEMENT = Struct("!HH")
_VERSION_BITMAP = 1
_VERSIONS = 256
_ERROR = Struct("!HH")
_ERROR_EXPERIMENTER = Struct("!HHI")
_PACKET_IN = Struct("!IHBBQ")
_PACKET_OUT = Struct("!IIH6x")
_PORT = Struct("!I4x6s2x16s8I")
_PORT_STATUS = Struct("!B7x64s")
_PORT_MOD = Struct("!I4x6s2xIII4x")
_GROUP_MOD = Struct("!HBxI")
_METER_MOD = Struct("!HHI")
_ROLE = Struct("!I4xQ")
_CONFIG = Struct("!HH")
_QUEUES = Struct("!I4x")
_QUEUE = Struct("!IIH6x")
_QUEUE_RATE = Struct("!HH4xH6x")
_QUEUE_EXPERIMENTER = Struct("!HH4xI4x")


def _pack_hello(message: m.Hello) -> bytes:
    if not message.versions:
        return b""
    bits = sum(1 << version for version in set(message.versions))
    words = [bits >> shift & 0xFFFFFFFF for shift in range(0, bits.bit_length(), 32)]
    data = _ELEMENT.pack(_VERSION_BITMAP, 4 + 4 * len(words)) + b"".join(word.to_bytes(4, "big") for word in words)
    return data + bytes(-len(data) % 8)


def parse_hello(version: int, body: bytes) -> m.Hello:
    """The hello of a body; elements of unknown kind are ignored (§7.5.1). ``version``: of the header."""
    bits = 0
    at = 0
    while at < len(body):
        kind, size = opening(_ELEMENT, body[at : at + 4], m.Hello)
        if size < 4 or at + size > len(body):
            raise bad(BadRequest.BAD_LEN, f"Hello: an element of {size} bytes with {len(body) - at} left")
        if kind == _VERSION_BITMAP:
            bits |= _bitmap(body[at + 4 : at + size])
        at += size + -size % 8
    return m.Hello(tuple(n for n in range(_VERSIONS) if bits >> n & 1), version)


def _bitmap(data: bytes) -> int:
    """The bitmap as a number; a version is one byte, so later words say nothing."""
    words = [data[at : at + 4] for at in range(0, min(len(data) & ~3, _VERSIONS // 8), 4)]
    return sum(int.from_bytes(word, "big") << 32 * i for i, word in enumerate(words))


def _pack_error(message: m.Error) -> bytes:
    if message.experimenter is None:
        return _ERROR.pack(message.type, message.code) + message.data
    return _ERROR_EXPERIMENTER.pack(message.type, message.code, message.experimenter) + message.data


def parse_error(body: bytes) -> m.Error:
    kind, code = opening(_ERROR, body, m.Error)
    if kind != ErrorType.EXPERIMENTER:
        return m.Error(kind, code, body[4:])
    _, _, experimenter = opening(_ERROR_EXPERIMENTER, body, m.Error)
    return m.Error(kind, code, body[8:], experimenter)


def _data(kind: type[m.EchoRequest] | type[m.EchoReply]) -> Codec:
    return Codec(kind, lambda message: message.data, kind)


def _pack_packet_in(message: m.PacketIn) -> bytes:
    head = (message.buffer_id, message.total_len, message.reason, message.table, message.cookie)
    return _PACKET_IN.pack(*head) + pack_match(message.match) + b"\0\0" + message.data


def _parse_packet_in(body: bytes) -> m.PacketIn:
    head = opening(_PACKET_IN, body, m.PacketIn)
    match, end = parse_loose(body, _PACKET_IN.size)
    if end + 2 > len(body):
        raise bad(BadRequest.BAD_LEN, "PacketIn: it ends before its packet")
    return m.PacketIn(match, body[end + 2 :], *head)


def _pack_packet_out(message: m.PacketOut) -> bytes:
    actions = pack_actions(message.actions)
    return _PACKET_OUT.pack(message.buffer_id, message.in_port, len(actions)) + actions + message.data


def _parse_packet_out(body: bytes) -> m.PacketOut:
    buffer_id, in_port, size = opening(_PACKET_OUT, body, m.PacketOut)
    end = _PACKET_OUT.size + size
    if end > len(body):
        raise bad(BadRequest.BAD_LEN, f"PacketOut: {size} bytes of actions with {len(body) - _PACKET_OUT.size} left")
    return m.PacketOut(parse_actions(body[_PACKET_OUT.size : end]), body[end:], in_port, buffer_id)


def pack_port(port: m.Port) -> bytes:
    """An ofp_port, 64 bytes."""
    number, mac, name, *rest = port
    return _PORT.pack(number, mac.to_bytes(6, "big"), text_bytes(name, 16), *rest)


def parse_port(data: bytes) -> m.Port:
    number, mac, name, *rest = unpack(_PORT, data, m.Port)
    return m.Port(number, int.from_bytes(mac, "big"), text_of(name), *rest)


def _parse_port_status(body: bytes) -> m.PortStatus:
    reason, port = unpack(_PORT_STATUS, body, m.PortStatus)
    return m.PortStatus(reason, parse_port(port))


def _pack_port_mod(message: m.PortMod) -> bytes:
    mac = message.mac.to_bytes(6, "big")
    return _PORT_MOD.pack(message.port, mac, message.config, message.mask, message.advertise)


def _parse_port_mod(body: bytes) -> m.PortMod:
    port, mac, *rest = unpack(_PORT_MOD, body, m.PortMod)
    return m.PortMod(port, int.from_bytes(mac, "big"), *rest)


def _pack_group_mod(message: m.GroupMod) -> bytes:
    entry = message.entry
    return _GROUP_MOD.pack(message.command, GROUP_TYPES.index(entry.type), entry.group) + pack_buckets(entry)


def _parse_group_mod(body: bytes) -> m.GroupMod:
    command, kind, group = opening(_GROUP_MOD, body, m.GroupMod)
    if command >= len(GroupModCommand):
        raise bad(GroupModFailed.BAD_COMMAND, f"no group-mod command has number {command}")
    return m.GroupMod(GroupModCommand(command), parse_group(group, kind, body[_GROUP_MOD.size :]))


def _pack_meter_mod(message: m.MeterMod) -> bytes:
    flags = implied_flags(message.meter) if message.flags is None else message.flags
    return _METER_MOD.pack(message.command, flags, message.meter.meter) + pack_bands(message.meter)


def _parse_meter_mod(body: bytes) -> m.MeterMod:
    command, flags, number = opening(_METER_MOD, body, m.MeterMod)
    if command >= len(MeterModCommand):
        raise bad(MeterModFailed.BAD_COMMAND, f"no meter-mod command has number {command}")
    if command != MeterModCommand.DELETE:
        check_meter_flags(flags)
    return m.MeterMod(MeterModCommand(command), *meter_of(number, flags, parse_bands(body[_METER_MOD.size :])))


def _role(kind: type[m.RoleRequest] | type[m.RoleReply]) -> Codec:
    def parse(body: bytes) -> m.RoleRequest | m.RoleReply:
        role, generation = unpack(_ROLE, body, kind)
        if role >= len(Role):
            raise bad(RoleRequestFailed.BAD_ROLE, f"no role has number {role}")
        return kind(Role(role), generation)

    return Codec(kind, lambda message: _ROLE.pack(message.role, message.generation), parse)


def _parse_set_config(body: bytes) -> m.SetConfig:
    flags, miss_send_len = unpack(_CONFIG, body, m.SetConfig)
    if flags > 3:
        raise bad(SwitchConfigFailed.BAD_FLAGS, f"configuration flags {flags:#x}")
    return m.SetConfig(flags, miss_send_len)


def _pack_queues(message: m.QueueGetConfigReply) -> bytes:
    return _QUEUES.pack(message.port) + b"".join(map(_pack_queue, message.queues))


def _pack_queue(queue: m.Queue) -> bytes:
    properties = b"".join(map(_pack_queue_property, queue.properties))
    return _QUEUE.pack(queue.queue, queue.port, 16 + len(properties)) + properties


def _pack_queue_property(item: m.QueueRate | m.QueueExperimenter) -> bytes:
    if isinstance(item, m.QueueRate):
        return _QUEUE_RATE.pack(item.type, 16, item.rate)
    return _QUEUE_EXPERIMENTER.pack(EXPERIMENTER, 16 + len(item.data), item.experimenter) + item.data


def _parse_queues(body: bytes) -> m.QueueGetConfigReply:
    (port,) = opening(_QUEUES, body, m.QueueGetConfigReply)
    return m.QueueGetConfigReply(port, tuple(map(_parse_queue, cut(body[_QUEUES.size :], "Queue", 16, at=8))))


def _parse_queue(data: bytes) -> m.Queue:
    queue, port, _ = _QUEUE.unpack_from(data)
    return m.Queue(queue, port, tuple(map(_parse_queue_property, cut(data[16:], "Queue property", 16, at=2))))


def _parse_queue_property(data: bytes) -> m.QueueRate | m.QueueExperimenter:
    (kind,) = Struct("!H").unpack_from(data)
    if kind == EXPERIMENTER:
        return m.QueueExperimenter(int.from_bytes(data[8:12], "big"), data[16:])
    if kind not in (QueuePropertyType.MIN_RATE, QueuePropertyType.MAX_RATE):
        raise bad(BadRequest.BAD_TYPE, f"no queue property has type {kind}")
    _, _, rate = unpack(_QUEUE_RATE, data, m.QueueRate)
    return m.QueueRate(kind, rate)


BODIES: dict[int, Codec] = {
    T.HELLO: Codec(m.Hello, _pack_hello, lambda body: parse_hello(4, body)),
    T.ERROR: Codec(m.Error, _pack_error, parse_error),
    T.ECHO_REQUEST: _data(m.EchoRequest),
    T.ECHO_REPLY: _data(m.EchoReply),
    T.FEATURES_REQUEST: fixed(m.FeaturesRequest, ""),
    T.FEATURES_REPLY: fixed(m.FeaturesReply, "QIBB2xI4x"),
    T.GET_CONFIG_REQUEST: fixed(m.GetConfigRequest, ""),
    T.GET_CONFIG_REPLY: fixed(m.GetConfigReply, "HH"),
    T.SET_CONFIG: Codec(m.SetConfig, fixed(m.SetConfig, "HH").pack, _parse_set_config),
    T.PACKET_IN: Codec(m.PacketIn, _pack_packet_in, _parse_packet_in),
    T.FLOW_REMOVED: FLOW_REMOVED,
    T.PORT_STATUS: Codec(m.PortStatus, lambda p: _PORT_STATUS.pack(p.reason, pack_port(p.port)), _parse_port_status),
    T.PACKET_OUT: Codec(m.PacketOut, _pack_packet_out, _parse_packet_out),
    T.FLOW_MOD: FLOW_MOD,
    T.GROUP_MOD: Codec(m.GroupMod, _pack_group_mod, _parse_group_mod),
    T.PORT_MOD: Codec(m.PortMod, _pack_port_mod, _parse_port_mod),
    T.TABLE_MOD: fixed(m.TableMod, "B3xI"),
    T.BARRIER_REQUEST: fixed(m.BarrierRequest, ""),
    T.BARRIER_REPLY: fixed(m.BarrierReply, ""),
    T.QUEUE_GET_CONFIG_REQUEST: fixed(m.QueueGetConfigRequest, "I4x"),
    T.QUEUE_GET_CONFIG_REPLY: Codec(m.QueueGetConfigReply, _pack_queues, _parse_queues),
    T.ROLE_REQUEST: _role(m.RoleRequest),
    T.ROLE_REPLY: _role(m.RoleReply),
    T.GET_ASYNC_REQUEST: fixed(m.GetAsyncRequest, ""),
    T.GET_ASYNC_REPLY: fixed(m.GetAsyncReply, "6I"),
    T.SET_ASYNC: fixed(m.SetAsync, "6I"),
    T.METER_MOD: Codec(m.MeterMod, _pack_meter_mod, _parse_meter_mod),
}
"""The codec of each message type; multipart and experimenter messages are in fabric.openflow.codec."""
