"""The numbers of OpenFlow 1.3 that are not part of a value's meaning: message, error, command and reason codes, flags.

Lives here: enumerations, spelled as the specification spells them without their prefix. Must not know: anything else.
Ports, groups and buffers with a meaning of their own are in fabric.dataplane.action. Decoded messages carry plain
ints where a peer may send numbers this table lacks; IntEnum members equal them.

Source: OpenFlow 1.3.5 §7; bundles: ONF extension EXT-230 for OpenFlow 1.3.x.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

VERSION = 4
"""The version byte of OpenFlow 1.3."""
HEADER_SIZE = 8
MAX_FRAME = 0xFFFF
"""The longest message the 16-bit length can speak of."""
ONF, NICIRA = 0x4F4E4600, 0x00002320
"""Experimenter identifiers."""
ALL_TABLES, ALL_QUEUES, ALL_METERS = 0xFF, 0xFFFFFFFF, 0xFFFFFFFF
MAX_GROUP, MAX_METER = 0xFFFFFF00, 0xFFFF0000
EXPERIMENTER = 0xFFFF
"""The type number that hands a structure over to an experimenter, everywhere but in messages (there it is 4)."""


class MessageType(IntEnum):
    """OpenFlow 1.3.5 §7.1."""

    HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER = range(5)
    FEATURES_REQUEST, FEATURES_REPLY, GET_CONFIG_REQUEST, GET_CONFIG_REPLY, SET_CONFIG = range(5, 10)
    PACKET_IN, FLOW_REMOVED, PORT_STATUS = range(10, 13)
    PACKET_OUT, FLOW_MOD, GROUP_MOD, PORT_MOD, TABLE_MOD = range(13, 18)
    MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = range(18, 22)
    QUEUE_GET_CONFIG_REQUEST, QUEUE_GET_CONFIG_REPLY, ROLE_REQUEST, ROLE_REPLY = range(22, 26)
    GET_ASYNC_REQUEST, GET_ASYNC_REPLY, SET_ASYNC, METER_MOD = range(26, 30)


class MultipartType(IntEnum):
    """OpenFlow 1.3.5 §7.3.5."""

    DESC, FLOW, AGGREGATE, TABLE, PORT_STATS, QUEUE, GROUP, GROUP_DESC, GROUP_FEATURES = range(9)
    METER, METER_CONFIG, METER_FEATURES, TABLE_FEATURES, PORT_DESC = range(9, 14)
    EXPERIMENTER = 0xFFFF


class FlowModCommand(IntEnum):
    """OpenFlow 1.3.5 §7.3.4.1."""

    ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = range(5)


class FlowModFlag(IntFlag):
    """OpenFlow 1.3.5 §7.3.4.1."""

    SEND_FLOW_REM = 1
    CHECK_OVERLAP = 2
    RESET_COUNTS = 4
    NO_PKT_COUNTS = 8
    NO_BYT_COUNTS = 16


class GroupModCommand(IntEnum):
    """OpenFlow 1.3.5 §7.3.4.2."""

    ADD, MODIFY, DELETE = range(3)


class MeterModCommand(IntEnum):
    """OpenFlow 1.3.5 §7.3.4.4."""

    ADD, MODIFY, DELETE = range(3)


class MeterFlag(IntFlag):
    """OpenFlow 1.3.5 §7.3.4.4."""

    KBPS = 1
    PKTPS = 2
    BURST = 4
    STATS = 8


class InstructionType(IntEnum):
    """OpenFlow 1.3.5 §7.2.4."""

    GOTO_TABLE, WRITE_METADATA, WRITE_ACTIONS, APPLY_ACTIONS, CLEAR_ACTIONS, METER = range(1, 7)


class PacketInReason(IntEnum):
    """OpenFlow 1.3.5 §7.4.1."""

    NO_MATCH, ACTION, INVALID_TTL = range(3)


class FlowRemovedReason(IntEnum):
    """OpenFlow 1.3.5 §7.4.2."""

    IDLE_TIMEOUT, HARD_TIMEOUT, DELETE, GROUP_DELETE = range(4)


class PortReason(IntEnum):
    """OpenFlow 1.3.5 §7.4.3."""

    ADD, DELETE, MODIFY = range(3)


class Role(IntEnum):
    """OpenFlow 1.3.5 §7.3.9."""

    NOCHANGE, EQUAL, MASTER, SLAVE = range(4)


class PortConfig(IntFlag):
    """OpenFlow 1.3.5 §7.2.1."""

    PORT_DOWN = 1
    NO_RECV = 4
    NO_FWD = 32
    NO_PACKET_IN = 64


class PortState(IntFlag):
    """OpenFlow 1.3.5 §7.2.1."""

    LINK_DOWN = 1
    BLOCKED = 2
    LIVE = 4


class PortFeature(IntFlag):
    """OpenFlow 1.3.5 §7.2.1: speeds and media."""

    HD_10MB, FD_10MB, HD_100MB, FD_100MB, HD_1GB, FD_1GB = (1 << n for n in range(6))
    FD_10GB, FD_40GB, FD_100GB, FD_1TB, OTHER = (1 << n for n in range(6, 11))
    COPPER, FIBER, AUTONEG, PAUSE, PAUSE_ASYM = (1 << n for n in range(11, 16))


class Capability(IntFlag):
    """OpenFlow 1.3.5 §7.3.1."""

    FLOW_STATS = 1
    TABLE_STATS = 2
    PORT_STATS = 4
    GROUP_STATS = 8
    IP_REASM = 32
    QUEUE_STATS = 64
    PORT_BLOCKED = 256


class GroupCapability(IntFlag):
    """OpenFlow 1.3.5 §7.3.5.10."""

    SELECT_WEIGHT = 1
    SELECT_LIVENESS = 2
    CHAINING = 4
    CHAINING_CHECKS = 8


class TableProperty(IntEnum):
    """OpenFlow 1.3.5 §7.3.5.5.2: kinds of table feature properties."""

    INSTRUCTIONS, INSTRUCTIONS_MISS, NEXT_TABLES, NEXT_TABLES_MISS = range(4)
    WRITE_ACTIONS, WRITE_ACTIONS_MISS, APPLY_ACTIONS, APPLY_ACTIONS_MISS = range(4, 8)
    MATCH, WILDCARDS = 8, 10
    WRITE_SETFIELD, WRITE_SETFIELD_MISS, APPLY_SETFIELD, APPLY_SETFIELD_MISS = range(12, 16)
    EXPERIMENTER, EXPERIMENTER_MISS = 0xFFFE, 0xFFFF


class QueuePropertyType(IntEnum):
    """OpenFlow 1.3.5 §7.2.2."""

    MIN_RATE, MAX_RATE = 1, 2


class BundleControlType(IntEnum):
    """EXT-230: requests are even, the reply to each is the next number."""

    OPEN_REQUEST, OPEN_REPLY, CLOSE_REQUEST, CLOSE_REPLY = range(4)
    COMMIT_REQUEST, COMMIT_REPLY, DISCARD_REQUEST, DISCARD_REPLY = range(4, 8)


class BundleFlag(IntFlag):
    """EXT-230."""

    ATOMIC = 1
    ORDERED = 2


class BundleMessage(IntEnum):
    """EXT-230: experimenter types under the ONF identifier."""

    CONTROL, ADD_MESSAGE = 2300, 2301
