"""What a switch answers to multipart requests: descriptions, statistics, features.

Lives here: one function per request, from the switch to the reply. Must not know: sessions, paging.
Source: OpenFlow 1.3.5 §7.3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from clos.fabric.dataplane.action import ALL_GROUPS, ANY_PORT
from clos.fabric.dataplane.switch import Selection
from clos.fabric.errors import UNKNOWN_GROUP, UNKNOWN_METER, Fault, SwitchError
from clos.fabric.openflow.constants import (
    ALL_METERS,
    ALL_QUEUES,
    ALL_TABLES,
    MAX_GROUP,
    MAX_METER,
    GroupCapability,
    InstructionType,
    MeterFlag,
    TableProperty,
)
from clos.fabric.openflow.errors import BadRequest, ErrorType, TableFeaturesFailed
from clos.fabric.openflow.multipart import (
    AggregateReply,
    AggregateRequest,
    Counter,
    DescReply,
    DescRequest,
    FlowStats,
    FlowStatsReply,
    FlowStatsRequest,
    GroupDescReply,
    GroupDescRequest,
    GroupFeaturesReply,
    GroupFeaturesRequest,
    GroupStats,
    GroupStatsReply,
    GroupStatsRequest,
    MeterConfig,
    MeterConfigReply,
    MeterConfigRequest,
    MeterFeaturesReply,
    MeterFeaturesRequest,
    MeterStats,
    MeterStatsReply,
    MeterStatsRequest,
    Multipart,
    PortDescReply,
    PortDescRequest,
    PortStats,
    PortStatsReply,
    PortStatsRequest,
    QueueStatsReply,
    QueueStatsRequest,
    TableFeatures,
    TableFeaturesReply,
    TableFeaturesRequest,
    TableIds,
    TableStats,
    TableStatsReply,
    TableStatsRequest,
)
from clos.fabric.openflow.oxm import header
from clos.fabric.packet.fields import FIELDS, Field
from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.meters import Police
from clos.fabric.sim.port import SimPort
from clos.fabric.sim.switch import SimSwitch, duration

UNLIMITED = 1_000_000
"""The table size a switch without a set capacity reports."""
NO_QUEUES = Fault(ErrorType.QUEUE_OP_FAILED, 1)
READ_ONLY = Fault(ErrorType.TABLE_FEATURES_FAILED, TableFeaturesFailed.EPERM)
BAD_PORT = Fault(ErrorType.BAD_REQUEST, BadRequest.BAD_PORT)

_ACTIONS = (0, 11, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
"""Action types (OFPAT_*) the pipeline performs."""
_ACTION_BITS = sum(1 << number for number in _ACTIONS)
_INSTRUCTIONS = tuple(map(int, InstructionType))


def answer(switch: SimSwitch, request: Multipart) -> Multipart:
    """The reply to a request. Raises SwitchError with the error a switch answers."""
    return ANSWERS[type(request)](switch, request)


def _desc(switch: SimSwitch, _: DescRequest) -> DescReply:
    return DescReply("Clos", "simulated switch", "clos.fabric.sim", f"{switch.switch.dpid:x}", switch.name)


def _chosen(request: FlowStatsRequest | AggregateRequest) -> Selection:
    return Selection(
        request.table, request.match, None, request.cookie, request.cookie_mask, request.out_port, request.out_group
    )


def _flows(switch: SimSwitch, request: FlowStatsRequest) -> FlowStatsReply:
    _check_table(switch, request.table)
    counts, now = switch.model.counts, switch.seconds
    found = []
    for rule in switch.model.select(_chosen(request)):
        count = counts.rule(rule)
        found.append(FlowStats(rule, *duration(now - count.since), count.packets, count.octets))
    return FlowStatsReply(tuple(found))


def _aggregate(switch: SimSwitch, request: AggregateRequest) -> AggregateReply:
    _check_table(switch, request.table)
    counts = [switch.model.counts.rule(rule) for rule in switch.model.select(_chosen(request))]
    return AggregateReply(sum(c.packets for c in counts), sum(c.octets for c in counts), len(counts))


def _check_table(switch: SimSwitch, table: int) -> None:
    if switch.n_tables <= table != ALL_TABLES:
        raise SwitchError(Fault(ErrorType.BAD_REQUEST, BadRequest.BAD_TABLE_ID), f"table {table} does not exist")


def _tables(switch: SimSwitch, _: TableStatsRequest) -> TableStatsReply:
    model = switch.model
    sizes = {number: len(table) for number, table in model.tables.items()}
    every = range(switch.n_tables)
    return TableStatsReply(tuple(TableStats(n, sizes.get(n, 0), *model.counts.table(n)) for n in every))


def _ports(switch: SimSwitch, request: PortStatsRequest) -> PortStatsReply:
    now = switch.clock.now
    return PortStatsReply(tuple(_port_stats(port, now) for port in _port_choice(switch, request.port)))


def _port_choice(switch: SimSwitch, number: int) -> Iterable[SimPort]:
    if number == ANY_PORT:
        return switch.ports.values()
    if number not in switch.ports:
        raise SwitchError(BAD_PORT, f"port {number} does not exist")
    return (switch.ports[number],)


def _port_stats(port: SimPort, now: int) -> PortStats:
    seconds, nanoseconds = duration((now - port.since) / SECOND)
    return PortStats(
        port.number, port.rx_packets, port.tx_packets, port.rx_bytes, port.tx_bytes, port.rx_dropped, port.tx_dropped,
        duration_sec=seconds, duration_nsec=nanoseconds,
    )  # fmt: skip


def _port_desc(switch: SimSwitch, _: PortDescRequest) -> PortDescReply:
    return PortDescReply(tuple(port.describe(switch.name) for port in switch.ports.values()))


def _queues(switch: SimSwitch, request: QueueStatsRequest) -> QueueStatsReply:
    _port_choice(switch, request.port)
    if request.queue != ALL_QUEUES:
        raise SwitchError(NO_QUEUES, f"queue {request.queue}: this switch has no queues")
    return QueueStatsReply(())


def _groups(switch: SimSwitch, request: GroupStatsRequest) -> GroupStatsReply:
    if request.group == ALL_GROUPS:
        return GroupStatsReply(tuple(_group_stats(switch, number) for number in sorted(switch.model.groups)))
    if request.group not in switch.model.groups:
        raise SwitchError(UNKNOWN_GROUP, f"group {request.group} does not exist")
    return GroupStatsReply((_group_stats(switch, request.group),))


def _group_stats(switch: SimSwitch, number: int) -> GroupStats:
    model = switch.model
    whole = model.counts.group(number)
    buckets = [model.counts.group(number, index) for index in range(len(model.groups[number].buckets))]
    seconds, nanoseconds = duration(switch.seconds - whole.since)
    return GroupStats(
        number, model.group_users(number), whole.packets, whole.octets, seconds, nanoseconds,
        tuple(Counter(count.packets, count.octets) for count in buckets),
    )  # fmt: skip


def _group_desc(switch: SimSwitch, _: GroupDescRequest) -> GroupDescReply:
    return GroupDescReply(tuple(entry for _, entry in sorted(switch.model.groups.items())))


def _group_features(_: SimSwitch, __: GroupFeaturesRequest) -> GroupFeaturesReply:
    able = GroupCapability.SELECT_WEIGHT | GroupCapability.SELECT_LIVENESS
    able |= GroupCapability.CHAINING | GroupCapability.CHAINING_CHECKS
    most = (MAX_GROUP, MAX_GROUP, MAX_GROUP, MAX_GROUP)
    return GroupFeaturesReply(0b1111, able, most, (_ACTION_BITS, _ACTION_BITS, _ACTION_BITS, _ACTION_BITS))


def _meter_choice(switch: SimSwitch, number: int) -> list[Police]:
    if number == ALL_METERS:
        return [police for _, police in sorted(switch.police.items())]
    if number not in switch.police:
        raise SwitchError(UNKNOWN_METER, f"meter {number} does not exist")
    return [switch.police[number]]


def _meters(switch: SimSwitch, request: MeterStatsRequest) -> MeterStatsReply:
    chosen = _meter_choice(switch, request.meter)
    return MeterStatsReply(tuple(_meter_stats(switch, police) for police in chosen))


def _meter_stats(switch: SimSwitch, police: Police) -> MeterStats:
    number = police.meter.meter
    seconds, nanoseconds = duration((switch.clock.now - police.since) / SECOND)
    bands = tuple(map(Counter._make, police.band_counts()))
    users = switch.model.meter_users(number)
    return MeterStats(number, users, police.packets, police.bytes, seconds, nanoseconds, bands)


def _meter_config(switch: SimSwitch, request: MeterConfigRequest) -> MeterConfigReply:
    chosen = _meter_choice(switch, request.meter)
    return MeterConfigReply(tuple(MeterConfig(police.meter, police.flags) for police in chosen))


def _meter_features(_: SimSwitch, __: MeterFeaturesRequest) -> MeterFeaturesReply:
    able = MeterFlag.KBPS | MeterFlag.PKTPS | MeterFlag.BURST | MeterFlag.STATS
    return MeterFeaturesReply(MAX_METER, 1 << 1 | 1 << 2, able, 255, 0)


def _table_features(switch: SimSwitch, request: TableFeaturesRequest) -> TableFeaturesReply:
    if request.entries:
        raise SwitchError(READ_ONLY, "the tables of this switch cannot be changed")
    return TableFeaturesReply(tuple(_features(switch, number) for number in range(switch.n_tables)))


def _features(switch: SimSwitch, number: int) -> TableFeatures:
    full = (1 << 64) - 1
    most = UNLIMITED if switch.capacity is None else switch.capacity
    following = tuple(range(number + 1, switch.n_tables))
    properties = (TableIds(TableProperty.NEXT_TABLES, following), *_PROPERTIES)
    return TableFeatures(number, f"table{number}", full, full, 0, most, properties)


def _ids(maskable: bool, fields: Iterable[Field]) -> tuple[int, ...]:
    return tuple(header(field, masked=maskable and field.maskable) for field in fields)


_SETTABLE = [
    field for name, field in FIELDS.items() if name not in ("in_port", "in_phy_port", "metadata", "ipv6_exthdr")
]
_PROPERTIES = (
    TableIds(TableProperty.INSTRUCTIONS, _INSTRUCTIONS),
    TableIds(TableProperty.WRITE_ACTIONS, _ACTIONS),
    TableIds(TableProperty.APPLY_ACTIONS, _ACTIONS),
    TableIds(TableProperty.MATCH, _ids(True, FIELDS.values())),
    TableIds(TableProperty.WILDCARDS, _ids(False, FIELDS.values())),
    TableIds(TableProperty.WRITE_SETFIELD, _ids(False, _SETTABLE)),
    TableIds(TableProperty.APPLY_SETFIELD, _ids(False, _SETTABLE)),
)

ANSWERS: dict[type[Multipart], Callable[..., Multipart]] = {
    DescRequest: _desc,
    FlowStatsRequest: _flows,
    AggregateRequest: _aggregate,
    TableStatsRequest: _tables,
    PortStatsRequest: _ports,
    PortDescRequest: _port_desc,
    QueueStatsRequest: _queues,
    GroupStatsRequest: _groups,
    GroupDescRequest: _group_desc,
    GroupFeaturesRequest: _group_features,
    MeterStatsRequest: _meters,
    MeterConfigRequest: _meter_config,
    MeterFeaturesRequest: _meter_features,
    TableFeaturesRequest: _table_features,
}
"""The answer to each request: (switch, request) -> reply."""
