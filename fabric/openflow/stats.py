"""The bodies of multipart messages, as two tables by multipart type: requests and replies.

Lives here: layouts of statistics and descriptions. Must not know: the multipart header, paging (fabric.openflow.codec).
Source: OpenFlow 1.3.5 §7.3.5.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from clos.fabric.dataplane.rule import GROUP_TYPES, GroupEntry
from clos.fabric.openflow import multipart as m
from clos.fabric.openflow.bodies import pack_port, parse_port
from clos.fabric.openflow.constants import MultipartType as T
from clos.fabric.openflow.entries import (
    implied_flags,
    meter_of,
    pack_bands,
    pack_buckets,
    parse_bands,
    parse_group,
)
from clos.fabric.openflow.errors import BadRequest, DecodeError, bad
from clos.fabric.openflow.flow import AGGREGATE_REQUEST, FLOW_STATS_REPLY, FLOW_STATS_REQUEST
from clos.fabric.openflow.layout import (
    Codec,
    fixed,
    listed,
    opening,
    records,
    sized,
    text_bytes,
    text_of,
    unpack,
)
from clos.fabric.openflow.table_features import pack_table, parse_table

_DESC = Struct("!256s256s256s32s256s")
_GROUP_FEATURES = Struct("!10I")
_GROUP_STATS = Struct("!H2xII4xQQII")
_GROUP_DESC = Struct("!HBxI")
_METER_STATS = Struct("!IH6xIQQII")
_METER_CONFIG = Struct("!HHI")
_COUNTER = Struct("!QQ")
_EXPERIMENTER = Struct("!II")
_PORT_SIZE = 64


def _pack_desc(message: m.DescReply) -> bytes:
    texts = (message.manufacturer, message.hardware, message.software)
    return _DESC.pack(
        *[text_bytes(text, 256) for text in texts], text_bytes(message.serial, 32), text_bytes(message.datapath, 256)
    )


def _parse_desc(body: bytes, more: bool) -> m.DescReply:
    texts = [text_of(text) for text in unpack(_DESC, body, m.DescReply)]
    return m.DescReply(*texts, more=more)


def _pack_group_features(message: m.GroupFeaturesReply) -> bytes:
    return _GROUP_FEATURES.pack(message.types, message.capabilities, *message.max_groups, *message.actions)


def _parse_group_features(body: bytes, **more: bool) -> m.GroupFeaturesReply:
    types, capabilities, *rest = unpack(_GROUP_FEATURES, body, m.GroupFeaturesReply)
    a, b, c, d, e, f, g, h = rest
    return m.GroupFeaturesReply(types, capabilities, (a, b, c, d), (e, f, g, h), **more)


def _counters(data: bytes) -> tuple[m.Counter, ...]:
    if len(data) % _COUNTER.size:
        raise bad(BadRequest.BAD_LEN, f"{len(data)} bytes of counters are no multiple of {_COUNTER.size}")
    return tuple(map(m.Counter._make, _COUNTER.iter_unpack(data)))


def _pack_counters(counters: tuple[m.Counter, ...]) -> bytes:
    return b"".join([_COUNTER.pack(*counter) for counter in counters])


def _pack_group_stats(entry: m.GroupStats) -> bytes:
    counters = _pack_counters(entry.buckets)
    return _GROUP_STATS.pack(40 + len(counters), *entry[:-1]) + counters


def _parse_group_stats(data: bytes) -> m.GroupStats:
    return m.GroupStats._make((*_GROUP_STATS.unpack_from(data)[1:], _counters(data[40:])))


def _pack_meter_stats(entry: m.MeterStats) -> bytes:
    counters = _pack_counters(entry.bands)
    meter, *rest, _ = entry
    return _METER_STATS.pack(meter, 40 + len(counters), *rest) + counters


def _parse_meter_stats(data: bytes) -> m.MeterStats:
    meter, _, *rest = _METER_STATS.unpack_from(data)
    return m.MeterStats._make((meter, *rest, _counters(data[40:])))


def _pack_group_desc(entry: GroupEntry | m.ForeignGroup) -> bytes:
    if isinstance(entry, m.ForeignGroup):
        return entry.data
    buckets = pack_buckets(entry)
    return _GROUP_DESC.pack(8 + len(buckets), GROUP_TYPES.index(entry.type), entry.group) + buckets


def _parse_group_desc(data: bytes) -> GroupEntry | m.ForeignGroup:
    _, kind, group = _GROUP_DESC.unpack_from(data)
    try:
        return parse_group(group, kind, data[8:])
    except DecodeError:
        return m.ForeignGroup(data)


def _pack_meter_config(entry: m.MeterConfig | m.ForeignMeter) -> bytes:
    if isinstance(entry, m.ForeignMeter):
        return entry.data
    bands = pack_bands(entry.meter)
    flags = implied_flags(entry.meter) if entry.flags is None else entry.flags
    return _METER_CONFIG.pack(8 + len(bands), flags, entry.meter.meter) + bands


def _parse_meter_config(data: bytes) -> m.MeterConfig | m.ForeignMeter:
    _, flags, meter = _METER_CONFIG.unpack_from(data)
    try:
        return m.MeterConfig(*meter_of(meter, flags, parse_bands(data[8:])))
    except DecodeError:
        return m.ForeignMeter(data)


def _parse_ports(body: bytes, **more: bool) -> m.PortDescReply:
    if len(body) % _PORT_SIZE:
        raise bad(BadRequest.BAD_LEN, f"PortDescReply: {len(body)} bytes are no multiple of {_PORT_SIZE}")
    ports = tuple(parse_port(body[at : at + _PORT_SIZE]) for at in range(0, len(body), _PORT_SIZE))
    return m.PortDescReply(ports, **more)


def _experimenter(kind: type[Any]) -> Codec:
    def pack(message: Any) -> bytes:
        data: bytes = message.data
        return _EXPERIMENTER.pack(message.experimenter, message.exp_type) + data

    def parse(body: bytes, **more: bool) -> Any:
        return kind(*opening(_EXPERIMENTER, body, kind), body[8:], **more)

    return Codec(kind, pack, parse)


REQUESTS: dict[int, Codec] = {
    T.DESC: fixed(m.DescRequest, ""),
    T.FLOW: FLOW_STATS_REQUEST,
    T.AGGREGATE: AGGREGATE_REQUEST,
    T.TABLE: fixed(m.TableStatsRequest, ""),
    T.PORT_STATS: fixed(m.PortStatsRequest, "I4x"),
    T.QUEUE: fixed(m.QueueStatsRequest, "II"),
    T.GROUP: fixed(m.GroupStatsRequest, "I4x"),
    T.GROUP_DESC: fixed(m.GroupDescRequest, ""),
    T.GROUP_FEATURES: fixed(m.GroupFeaturesRequest, ""),
    T.METER: fixed(m.MeterStatsRequest, "I4x"),
    T.METER_CONFIG: fixed(m.MeterConfigRequest, "I4x"),
    T.METER_FEATURES: fixed(m.MeterFeaturesRequest, ""),
    T.TABLE_FEATURES: sized(m.TableFeaturesRequest, pack_table, parse_table, 64),
    T.PORT_DESC: fixed(m.PortDescRequest, ""),
    T.EXPERIMENTER: _experimenter(m.ExperimenterMultipartRequest),
}
REPLIES: dict[int, Codec] = {
    T.DESC: Codec(m.DescReply, _pack_desc, _parse_desc),
    T.FLOW: FLOW_STATS_REPLY,
    T.AGGREGATE: fixed(m.AggregateReply, "QQI4x"),
    T.TABLE: records(m.TableStatsReply, m.TableStats, "B3xIQQ"),
    T.PORT_STATS: records(m.PortStatsReply, m.PortStats, "I4x12QII"),
    T.QUEUE: records(m.QueueStatsReply, m.QueueStats, "IIQQQII"),
    T.GROUP: sized(m.GroupStatsReply, _pack_group_stats, _parse_group_stats, 40),
    T.GROUP_DESC: sized(m.GroupDescReply, _pack_group_desc, _parse_group_desc, 8),
    T.GROUP_FEATURES: Codec(m.GroupFeaturesReply, _pack_group_features, _parse_group_features),
    T.METER: sized(m.MeterStatsReply, _pack_meter_stats, _parse_meter_stats, 40, at=4),
    T.METER_CONFIG: sized(m.MeterConfigReply, _pack_meter_config, _parse_meter_config, 8),
    T.METER_FEATURES: fixed(m.MeterFeaturesReply, "IIIBB2x"),
    T.TABLE_FEATURES: sized(m.TableFeaturesReply, pack_table, parse_table, 64),
    T.PORT_DESC: listed(m.PortDescReply, pack_port, _parse_ports),
    T.EXPERIMENTER: _experimenter(m.ExperimenterMultipartReply),
}
