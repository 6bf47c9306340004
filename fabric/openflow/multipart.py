"""The multipart messages of OpenFlow 1.3 as values: requests, replies and the records replies hold.

Lives here: what they say. Must not know: bytes, but for the Foreign records, which are bytes this codec has no value
for: a switch may hold entries other programs made, with extensions we do not speak, and one such entry must not hide
the rest. Source: OpenFlow 1.3.5 §7.3.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from clos.fabric.dataplane.action import ANY_GROUP, ANY_PORT
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import GroupEntry, Meter, Rule
from clos.fabric.openflow.constants import ALL_METERS, ALL_QUEUES, ALL_TABLES
from clos.fabric.openflow.messages import Message, Port


@dataclass(frozen=True, slots=True)
class Multipart(Message):
    """``more``: further messages with this xid follow (OFPMPF_REQ_MORE, OFPMPF_REPLY_MORE)."""

    more: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class DescRequest(Multipart):
    pass


@dataclass(frozen=True, slots=True)
class DescReply(Multipart):
    """§7.3.5.1. Texts of at most 256 bytes of UTF-8 (``serial``: 32)."""

    manufacturer: str = ""
    hardware: str = ""
    software: str = ""
    serial: str = ""
    datapath: str = ""


@dataclass(frozen=True, slots=True)
class FlowStatsRequest(Multipart):
    """§7.3.5.2: the entries of the table whose match is covered, restricted by output and cookie."""

    table: int = ALL_TABLES
    out_port: int = ANY_PORT
    out_group: int = ANY_GROUP
    cookie: int = 0
    cookie_mask: int = 0
    match: Match = ANY


class FlowStats(NamedTuple):
    rule: Rule
    duration_sec: int = 0
    duration_nsec: int = 0
    packet_count: int = 0
    byte_count: int = 0


class ForeignFlow(NamedTuple):
    """An ofp_flow_stats whose match or instructions this codec does not speak; ``data`` is all of it."""

    data: bytes

    @property
    def table(self) -> int:
        return self.data[2]

    @property
    def priority(self) -> int:
        return int.from_bytes(self.data[12:14], "big")

    @property
    def cookie(self) -> int:
        return int.from_bytes(self.data[24:32], "big")


@dataclass(frozen=True, slots=True)
class FlowStatsReply(Multipart):
    entries: tuple[FlowStats | ForeignFlow, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateRequest(Multipart):
    """§7.3.5.3: as FlowStatsRequest, summed up."""

    table: int = ALL_TABLES
    out_port: int = ANY_PORT
    out_group: int = ANY_GROUP
    cookie: int = 0
    cookie_mask: int = 0
    match: Match = ANY


@dataclass(frozen=True, slots=True)
class AggregateReply(Multipart):
    packet_count: int = 0
    byte_count: int = 0
    flow_count: int = 0


@dataclass(frozen=True, slots=True)
class TableStatsRequest(Multipart):
    pass


class TableStats(NamedTuple):
    """§7.3.5.4."""

    table: int
    active_count: int = 0
    lookup_count: int = 0
    matched_count: int = 0


@dataclass(frozen=True, slots=True)
class TableStatsReply(Multipart):
    entries: tuple[TableStats, ...] = ()


@dataclass(frozen=True, slots=True)
class PortStatsRequest(Multipart):
    port: int = ANY_PORT


class PortStats(NamedTuple):
    """§7.3.5.6. A counter the switch does not keep is all ones."""

    port: int
    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_frame_err: int = 0
    rx_over_err: int = 0
    rx_crc_err: int = 0
    collisions: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0


@dataclass(frozen=True, slots=True)
class PortStatsReply(Multipart):
    entries: tuple[PortStats, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueStatsRequest(Multipart):
    port: int = ANY_PORT
    queue: int = ALL_QUEUES


class QueueStats(NamedTuple):
    """§7.3.5.8."""

    port: int
    queue: int
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0


@dataclass(frozen=True, slots=True)
class QueueStatsReply(Multipart):
    entries: tuple[QueueStats, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupStatsRequest(Multipart):
    """§7.3.5.9. ``group`` ALL_GROUPS: all."""

    group: int = 0xFFFFFFFC


class Counter(NamedTuple):
    """What a bucket or a meter band counted."""

    packets: int = 0
    bytes: int = 0


class GroupStats(NamedTuple):
    group: int
    ref_count: int = 0
    packet_count: int = 0
    byte_count: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0
    buckets: tuple[Counter, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupStatsReply(Multipart):
    entries: tuple[GroupStats, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupDescRequest(Multipart):
    pass


class ForeignGroup(NamedTuple):
    """An ofp_group_desc with buckets this codec does not speak."""

    data: bytes

    @property
    def group(self) -> int:
        return int.from_bytes(self.data[4:8], "big")


@dataclass(frozen=True, slots=True)
class GroupDescReply(Multipart):
    """§7.3.5.10."""

    entries: tuple[GroupEntry | ForeignGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupFeaturesRequest(Multipart):
    pass


@dataclass(frozen=True, slots=True)
class GroupFeaturesReply(Multipart):
    """§7.3.5.11. ``types``: bits by group type. For each group type, ``max_groups`` and ``actions`` (bits by type)."""

    types: int = 0
    capabilities: int = 0
    max_groups: tuple[int, int, int, int] = (0, 0, 0, 0)
    actions: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class MeterStatsRequest(Multipart):
    meter: int = ALL_METERS


class MeterStats(NamedTuple):
    """§7.3.5.12."""

    meter: int
    flow_count: int = 0
    packet_in_count: int = 0
    byte_in_count: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0
    bands: tuple[Counter, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterStatsReply(Multipart):
    entries: tuple[MeterStats, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterConfigRequest(Multipart):
    meter: int = ALL_METERS


class MeterConfig(NamedTuple):
    """§7.3.5.13. ``flags`` None: those the meter implies."""

    meter: Meter
    flags: int | None = None


class ForeignMeter(NamedTuple):
    """An ofp_meter_config with bands this codec does not speak."""

    data: bytes

    @property
    def meter(self) -> int:
        return int.from_bytes(self.data[4:8], "big")


@dataclass(frozen=True, slots=True)
class MeterConfigReply(Multipart):
    entries: tuple[MeterConfig | ForeignMeter, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterFeaturesRequest(Multipart):
    pass


@dataclass(frozen=True, slots=True)
class MeterFeaturesReply(Multipart):
    """§7.3.5.14. ``band_types``: bits by band type; ``capabilities``: MeterFlag bits."""

    max_meter: int = 0
    band_types: int = 0
    capabilities: int = 0
    max_bands: int = 0
    max_color: int = 0


class TableIds(NamedTuple):
    """§7.3.5.5.2: one property of a table. ``type``: a TableProperty; what ``ids`` are follows from it.

    Instruction types, table numbers, action types, or 32-bit OXM headers. An experimenter's instruction or action is
    ``0xFFFF << 32 | experimenter``, its field ``header << 32 | experimenter``.
    """

    type: int
    ids: tuple[int, ...] = ()


class TableExperimenter(NamedTuple):
    """``type``: TableProperty.EXPERIMENTER or EXPERIMENTER_MISS."""

    type: int
    experimenter: int
    exp_type: int
    data: bytes = b""


class TableFeatures(NamedTuple):
    """§7.3.5.5. ``name``: at most 32 bytes; ``metadata_*``: bits the table can match and write."""

    table: int
    name: str = ""
    metadata_match: int = 0
    metadata_write: int = 0
    config: int = 0
    max_entries: int = 0
    properties: tuple[TableIds | TableExperimenter, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFeaturesRequest(Multipart):
    """Without entries it asks; with entries it sets."""

    entries: tuple[TableFeatures, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFeaturesReply(Multipart):
    entries: tuple[TableFeatures, ...] = ()


@dataclass(frozen=True, slots=True)
class PortDescRequest(Multipart):
    pass


@dataclass(frozen=True, slots=True)
class PortDescReply(Multipart):
    """§7.3.5.7."""

    entries: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class ExperimenterMultipartRequest(Multipart):
    """§7.3.5.15."""

    experimenter: int
    exp_type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class ExperimenterMultipartReply(Multipart):
    experimenter: int
    exp_type: int
    data: bytes = b""
