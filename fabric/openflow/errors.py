"""What goes wrong with a message, in OpenFlow's own error codes.

Lives here: the code tables (OpenFlow 1.3.5 §7.4.4) and the one exception decoding may raise.
Must not know: how messages are laid out.
"""

from __future__ import annotations

from enum import IntEnum


class ErrorType(IntEnum):
    HELLO_FAILED, BAD_REQUEST, BAD_ACTION, BAD_INSTRUCTION, BAD_MATCH, FLOW_MOD_FAILED, GROUP_MOD_FAILED = range(7)
    PORT_MOD_FAILED, TABLE_MOD_FAILED, QUEUE_OP_FAILED, SWITCH_CONFIG_FAILED = range(7, 11)
    ROLE_REQUEST_FAILED, METER_MOD_FAILED, TABLE_FEATURES_FAILED = range(11, 14)
    EXPERIMENTER = 0xFFFF


class HelloFailed(IntEnum):
    INCOMPATIBLE, EPERM = range(2)


class BadRequest(IntEnum):
    BAD_VERSION, BAD_TYPE, BAD_MULTIPART, BAD_EXPERIMENTER, BAD_EXP_TYPE, EPERM, BAD_LEN = range(7)
    BUFFER_EMPTY, BUFFER_UNKNOWN, BAD_TABLE_ID, IS_SLAVE, BAD_PORT, BAD_PACKET = range(7, 13)
    MULTIPART_BUFFER_OVERFLOW = 13


class BadAction(IntEnum):
    BAD_TYPE, BAD_LEN, BAD_EXPERIMENTER, BAD_EXP_TYPE, BAD_OUT_PORT, BAD_ARGUMENT, EPERM, TOO_MANY = range(8)
    BAD_QUEUE, BAD_OUT_GROUP, MATCH_INCONSISTENT, UNSUPPORTED_ORDER, BAD_TAG = range(8, 13)
    BAD_SET_TYPE, BAD_SET_LEN, BAD_SET_ARGUMENT = range(13, 16)


class BadInstruction(IntEnum):
    UNKNOWN_INST, UNSUP_INST, BAD_TABLE_ID, UNSUP_METADATA, UNSUP_METADATA_MASK = range(5)
    BAD_EXPERIMENTER, BAD_EXP_TYPE, BAD_LEN, EPERM = range(5, 9)


class BadMatch(IntEnum):
    BAD_TYPE, BAD_LEN, BAD_TAG, BAD_DL_ADDR_MASK, BAD_NW_ADDR_MASK, BAD_WILDCARDS = range(6)
    BAD_FIELD, BAD_VALUE, BAD_MASK, BAD_PREREQ, DUP_FIELD, EPERM = range(6, 12)


class FlowModFailed(IntEnum):
    UNKNOWN, TABLE_FULL, BAD_TABLE_ID, OVERLAP, EPERM, BAD_TIMEOUT, BAD_COMMAND, BAD_FLAGS = range(8)


class GroupModFailed(IntEnum):
    GROUP_EXISTS, INVALID_GROUP, WEIGHT_UNSUPPORTED, OUT_OF_GROUPS, OUT_OF_BUCKETS = range(5)
    CHAINING_UNSUPPORTED, WATCH_UNSUPPORTED, LOOP, UNKNOWN_GROUP, CHAINED_GROUP = range(5, 10)
    BAD_TYPE, BAD_COMMAND, BAD_BUCKET, BAD_WATCH, EPERM = range(10, 15)


class PortModFailed(IntEnum):
    BAD_PORT, BAD_HW_ADDR, BAD_CONFIG, BAD_ADVERTISE, EPERM = range(5)


class TableModFailed(IntEnum):
    BAD_TABLE, BAD_CONFIG, EPERM = range(3)


class QueueOpFailed(IntEnum):
    BAD_PORT, BAD_QUEUE, EPERM = range(3)


class SwitchConfigFailed(IntEnum):
    BAD_FLAGS, BAD_LEN, EPERM = range(3)


class RoleRequestFailed(IntEnum):
    STALE, UNSUP, BAD_ROLE = range(3)


class MeterModFailed(IntEnum):
    UNKNOWN, METER_EXISTS, INVALID_METER, UNKNOWN_METER, BAD_COMMAND, BAD_FLAGS = range(6)
    BAD_RATE, BAD_BURST, BAD_BAND, BAD_BAND_VALUE, OUT_OF_METERS, OUT_OF_BANDS = range(6, 12)


class TableFeaturesFailed(IntEnum):
    BAD_TABLE, BAD_METADATA, BAD_TYPE, BAD_LEN, BAD_ARGUMENT, EPERM = range(6)


class OnfFailed(IntEnum):
    """Errors under the ONF identifier: type EXPERIMENTER, and these as its code (EXT-230, EXT-260)."""

    UNKNOWN, EPERM, BAD_ID, BUNDLE_EXIST, BUNDLE_CLOSED, OUT_OF_BUNDLES, BAD_TYPE, BAD_FLAGS = range(2300, 2308)
    MSG_BAD_LEN, MSG_BAD_XID, MSG_UNSUP, MSG_CONFLICT, MSG_TOO_MANY, FAILED, TIMEOUT = range(2308, 2315)
    BUNDLE_IN_PROGRESS = 2315
    DUP_INSTRUCTION = 2600


CODES: dict[int, type[IntEnum]] = {
    ErrorType.HELLO_FAILED: HelloFailed,
    ErrorType.BAD_REQUEST: BadRequest,
    ErrorType.BAD_ACTION: BadAction,
    ErrorType.BAD_INSTRUCTION: BadInstruction,
    ErrorType.BAD_MATCH: BadMatch,
    ErrorType.FLOW_MOD_FAILED: FlowModFailed,
    ErrorType.GROUP_MOD_FAILED: GroupModFailed,
    ErrorType.PORT_MOD_FAILED: PortModFailed,
    ErrorType.TABLE_MOD_FAILED: TableModFailed,
    ErrorType.QUEUE_OP_FAILED: QueueOpFailed,
    ErrorType.SWITCH_CONFIG_FAILED: SwitchConfigFailed,
    ErrorType.ROLE_REQUEST_FAILED: RoleRequestFailed,
    ErrorType.METER_MOD_FAILED: MeterModFailed,
    ErrorType.TABLE_FEATURES_FAILED: TableFeaturesFailed,
    ErrorType.EXPERIMENTER: OnfFailed,
}
"""The codes of each error type."""

_TYPE_OF: dict[type[IntEnum], ErrorType] = {codes: ErrorType(kind) for kind, codes in CODES.items()}


def error_text(kind: int, code: int) -> str:
    """An error as engineers write it: ``BAD_MATCH/BAD_FIELD``; numbers where this table has no name."""
    codes = CODES.get(kind)
    if codes is None:
        return f"{kind}/{code}"
    return f"{ErrorType(kind).name}/{codes(code).name if code in codes._value2member_map_ else code}"


class DecodeError(ValueError):
    """Bytes that are not a legal OpenFlow 1.3 message, with the error a switch answers.

    ``type`` and ``code`` are those of ofp_error_msg; type EXPERIMENTER means an error under the ONF identifier.
    ``text`` says what is wrong; ``xid`` is that of the message, 0 when even the header could not be read.
    """

    def __init__(self, type: int, code: int, text: str, xid: int = 0) -> None:
        super().__init__(type, code, text, xid)
        self.type = type
        self.code = code
        self.text = text
        self.xid = xid

    def __str__(self) -> str:
        return f"{error_text(self.type, self.code)}: {self.text}"


def bad(code: IntEnum, text: str) -> DecodeError:
    """The DecodeError of a code; its error type follows from the code's own enumeration."""
    return DecodeError(_TYPE_OF[type(code)], code, text)
