"""The messages of OpenFlow 1.3 as values, all but multipart (fabric.openflow.multipart).

Lives here: what a message says. Must not know: bytes.
Field names follow the specification; a MAC address is a 48-bit int, an action list a tuple of
fabric.dataplane.action values.
Messages of different types are never equal. Source: OpenFlow 1.3.5 §7.3-7.5; bundles: EXT-230.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from clos.fabric.dataplane.action import ANY_GROUP, ANY_PORT, NO_BUFFER, Action
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import GroupEntry, Meter, Rule
from clos.fabric.openflow.constants import (
    VERSION,
    BundleControlType,
    FlowModCommand,
    GroupModCommand,
    MeterModCommand,
    Role,
)
from clos.fabric.openflow.errors import error_text


class Message:
    """What ``encode`` takes and ``decode`` gives."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """§7.5.1. ``version``: of the header, the highest spoken; ``versions``: of the bitmap, ascending, () for none."""

    versions: tuple[int, ...] = (VERSION,)
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Error(Message):
    """§7.5.4. Where ``experimenter`` is given, ``type`` is EXPERIMENTER and ``code`` the experimenter's own type.

    ``data``: at least 64 bytes of the message at fault; for HELLO_FAILED, text.
    """

    type: int
    code: int
    data: bytes = b""
    experimenter: int | None = None

    def __str__(self) -> str:
        return error_text(self.type, self.code)


@dataclass(frozen=True, slots=True)
class EchoRequest(Message):
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class EchoReply(Message):
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Experimenter(Message):
    """§7.5.3, of any experimenter and type this codec has no message for."""

    experimenter: int
    exp_type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class FeaturesRequest(Message):
    pass


@dataclass(frozen=True, slots=True)
class FeaturesReply(Message):
    """§7.3.1. ``capabilities``: Capability bits."""

    datapath_id: int
    buffers: int = 0
    tables: int = 254
    auxiliary_id: int = 0
    capabilities: int = 0


@dataclass(frozen=True, slots=True)
class GetConfigRequest(Message):
    pass


@dataclass(frozen=True, slots=True)
class GetConfigReply(Message):
    """§7.3.2. ``flags``: what happens to IP fragments; ``miss_send_len``: bytes of a packet sent in a packet-in."""

    flags: int = 0
    miss_send_len: int = 128


@dataclass(frozen=True, slots=True)
class SetConfig(Message):
    flags: int = 0
    miss_send_len: int = 128


@dataclass(frozen=True, slots=True)
class PacketIn(Message):
    """§7.4.1. ``total_len``: bytes of the whole packet; ``match``: in_port, metadata and the like."""

    match: Match
    data: bytes = b""
    buffer_id: int = NO_BUFFER
    total_len: int = 0
    reason: int = 0
    table: int = 0
    cookie: int = 0


@dataclass(frozen=True, slots=True)
class FlowRemoved(Message):
    """§7.4.2. ``reason``: a FlowRemovedReason."""

    table: int
    priority: int
    match: Match
    cookie: int = 0
    reason: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    packet_count: int = 0
    byte_count: int = 0


class Port(NamedTuple):
    """§7.2.1. ``config``: PortConfig, ``state``: PortState, the next four PortFeature bits; speeds in kb/s."""

    port: int
    mac: int = 0
    name: str = ""
    config: int = 0
    state: int = 0
    curr: int = 0
    advertised: int = 0
    supported: int = 0
    peer: int = 0
    curr_speed: int = 0
    max_speed: int = 0


@dataclass(frozen=True, slots=True)
class PortStatus(Message):
    """§7.4.3. ``reason``: a PortReason."""

    reason: int
    port: Port


@dataclass(frozen=True, slots=True)
class PacketOut(Message):
    """§7.3.7. ``in_port`` defaults to CONTROLLER, as the specification asks of packets made by one."""

    actions: tuple[Action, ...]
    data: bytes = b""
    in_port: int = 0xFFFFFFFD
    buffer_id: int = NO_BUFFER


@dataclass(frozen=True, slots=True)
class FlowMod(Message):
    """§7.3.4.1. For deletes ``rule.table`` may be ALL_TABLES and the instructions count for nothing."""

    command: FlowModCommand
    rule: Rule
    cookie_mask: int = 0
    out_port: int = ANY_PORT
    out_group: int = ANY_GROUP
    buffer_id: int = NO_BUFFER


@dataclass(frozen=True, slots=True)
class GroupMod(Message):
    """§7.3.4.2."""

    command: GroupModCommand
    entry: GroupEntry


@dataclass(frozen=True, slots=True)
class PortMod(Message):
    """§7.3.4.3. ``mask``: the bits of ``config`` to change; ``advertise`` 0 = leave."""

    port: int
    mac: int
    config: int = 0
    mask: int = 0
    advertise: int = 0


@dataclass(frozen=True, slots=True)
class TableMod(Message):
    """§7.3.3. OpenFlow 1.3 has no configuration left to set; only deprecated bits."""

    table: int
    config: int = 0


@dataclass(frozen=True, slots=True)
class MeterMod(Message):
    """§7.3.4.4. ``flags`` (MeterFlag) None: those ``meter`` implies (``entries.implied_flags``)."""

    command: MeterModCommand
    meter: Meter
    flags: int | None = None


@dataclass(frozen=True, slots=True)
class BarrierRequest(Message):
    pass


@dataclass(frozen=True, slots=True)
class BarrierReply(Message):
    pass


@dataclass(frozen=True, slots=True)
class QueueGetConfigRequest(Message):
    """§7.3.6. ``port`` ANY_PORT: all."""

    port: int = ANY_PORT


class QueueRate(NamedTuple):
    """§7.2.2. ``type``: a QueuePropertyType; ``rate`` in tenths of a percent, above 1000 = disabled."""

    type: int
    rate: int


class QueueExperimenter(NamedTuple):
    experimenter: int
    data: bytes = b""


class Queue(NamedTuple):
    queue: int
    port: int
    properties: tuple[QueueRate | QueueExperimenter, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueGetConfigReply(Message):
    port: int
    queues: tuple[Queue, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleRequest(Message):
    """§7.3.9. ``generation``: the master election's, compared as in §6.3.6."""

    role: Role
    generation: int = 0


@dataclass(frozen=True, slots=True)
class RoleReply(Message):
    role: Role
    generation: int = 0


@dataclass(frozen=True, slots=True)
class GetAsyncRequest(Message):
    pass


@dataclass(frozen=True, slots=True)
class GetAsyncReply(Message):
    """§7.3.10: for each asynchronous message one bit per reason; ``*_slave`` for when the role is SLAVE."""

    packet_in: int
    packet_in_slave: int
    port_status: int
    port_status_slave: int
    flow_removed: int
    flow_removed_slave: int


@dataclass(frozen=True, slots=True)
class SetAsync(Message):
    """The same as GetAsyncReply, asked for."""

    packet_in: int
    packet_in_slave: int
    port_status: int
    port_status_slave: int
    flow_removed: int
    flow_removed_slave: int


class BundleProperty(NamedTuple):
    """EXT-230: the only kind there is, an experimenter's."""

    experimenter: int
    exp_type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class BundleControl(Message):
    """EXT-230 §3.3. ``flags``: BundleFlag."""

    bundle: int
    type: BundleControlType
    flags: int = 0
    properties: tuple[BundleProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleAdd(Message):
    """EXT-230 §3.3: ``message`` joins the bundle; on the wire it carries the xid of this message."""

    bundle: int
    flags: int
    message: Message
    properties: tuple[BundleProperty, ...] = ()
