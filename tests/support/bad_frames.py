"""Frames with a fault each, and the error that a switch answers."""

from __future__ import annotations

from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import encode, pack_rule
from clos.fabric.openflow import errors as e
from clos.fabric.openflow.constants import FlowModCommand
from clos.fabric.openflow.messages import BarrierRequest, BundleAdd

ADD = FlowModCommand.ADD
PORT_1 = Match.of(in_port=1)


def rule_frame(match: Match = PORT_1, **instructions: object) -> bytes:
    return pack_rule(Rule(1, 2, match, Instructions(**instructions)))


def patch(frame: bytes, at: int, new: bytes) -> bytes:
    return frame[:at] + new + frame[at + len(new) :]


def with_match(tlvs: bytes) -> bytes:
    frame = rule_frame(Match.of())
    size = 4 + len(tlvs)
    body = frame[8:48] + b"\x00\x01" + size.to_bytes(2, "big") + tlvs + bytes(-size % 8)
    return frame[:2] + (56 + size - 8 + -size % 8).to_bytes(2, "big") + frame[4:8] + body


def with_action(data: bytes) -> bytes:
    frame = rule_frame(Match.of())[:56] + b"\x00\x04" + (8 + len(data)).to_bytes(2, "big") + bytes(4) + data
    return patch(frame, 2, len(frame).to_bytes(2, "big"))


def with_instruction(data: bytes) -> bytes:
    frame = rule_frame(Match.of()) + data
    return patch(frame, 2, len(frame).to_bytes(2, "big"))


def tlv(text: str) -> bytes:
    return bytes.fromhex(text)


IP = "80000a020800"
BAD: dict[str, tuple[bytes, e.IntEnum]] = {
    "shorter than a header": (b"\4\0\0", e.BadRequest.BAD_LEN),
    "length above the bytes": (b"\4\2\0\x09\0\0\0\1", e.BadRequest.BAD_LEN),
    "version 1": (b"\1\5\0\x08\0\0\0\1", e.BadRequest.BAD_VERSION),
    "message type 30": (b"\4\x1e\0\x08\0\0\0\1", e.BadRequest.BAD_TYPE),
    "features request with a body": (b"\4\5\0\x09\0\0\0\1\0", e.BadRequest.BAD_LEN),
    "multipart type 14": (b"\4\x12\0\x10\0\0\0\1\0\x0e\0\0\0\0\0\0", e.BadRequest.BAD_MULTIPART),
    "flow-mod cut short": (patch(rule_frame()[:40], 2, b"\0\x28"), e.BadRequest.BAD_LEN),
    "flow-mod command 5": (patch(rule_frame(), 8 + 17, b"\5"), e.FlowModFailed.BAD_COMMAND),
    "flow-mod flag 32": (patch(rule_frame(), 8 + 36, b"\0\x20"), e.FlowModFailed.BAD_FLAGS),
    "match of the old kind": (patch(rule_frame(), 48, b"\0\0"), e.BadMatch.BAD_TYPE),
    "match of 3 bytes": (patch(rule_frame(), 50, b"\0\3"), e.BadMatch.BAD_LEN),
    "match beyond the frame": (patch(rule_frame(), 50, b"\0\x40"), e.BadMatch.BAD_LEN),
    "field of class 1": (with_match(tlv("0001000400000001")), e.BadMatch.BAD_FIELD),
    "field 40": (with_match(tlv("8000500400000001")), e.BadMatch.BAD_FIELD),
    "in_port of 2 bytes": (with_match(tlv("800000020001")), e.BadMatch.BAD_LEN),
    "field cut by the match's end": (with_match(tlv("80000004") + b"\0"), e.BadMatch.BAD_LEN),
    "vlan_pcp 8": (with_match(tlv("80000c0210018000" + "0e0108")), e.BadMatch.BAD_VALUE),
    "value outside its mask": (
        with_match(tlv("8000070c0000000000020000000000 01".replace(" ", ""))),
        e.BadMatch.BAD_WILDCARDS,
    ),
    "mask on eth_type": (with_match(tlv("80000b040800ff00")), e.BadMatch.BAD_MASK),
    "vlan_vid mask of 16 bits": (with_match(tlv("80000d041001ffff")), e.BadMatch.BAD_MASK),
    "ipv4_dst without eth_type": (with_match(tlv("8000180401020304")), e.BadMatch.BAD_PREREQ),
    "eth_type twice": (with_match(tlv(IP + IP)), e.BadMatch.DUP_FIELD),
    "action type 99": (with_action(tlv("0063000800000000")), e.BadAction.BAD_TYPE),
    "action of 12 bytes": (with_action(tlv("0016000c000000000000000000000000")), e.BadAction.BAD_LEN),
    "output of 8 bytes": (with_action(tlv("0000000800000001")), e.BadAction.BAD_LEN),
    "output to port 0": (with_action(tlv("00000010000000000000000000000000")), e.BadAction.BAD_OUT_PORT),
    "output to ANY": (with_action(tlv("00000010ffffffff0000000000000000")), e.BadAction.BAD_OUT_PORT),
    "group ALL": (with_action(tlv("00160008fffffffc")), e.BadAction.BAD_OUT_GROUP),
    "push_vlan 0x0800": (with_action(tlv("0011000808000000")), e.BadAction.BAD_ARGUMENT),
    "set_field of class 1": (with_action(tlv("00190010000100040000000100000000")), e.BadAction.BAD_SET_TYPE),
    "set_field in_port": (with_action(tlv("00190010800000040000000100000000")), e.BadAction.BAD_SET_TYPE),
    "set_field eth_type of 4 bytes": (with_action(tlv("0019001080000a040000000100000000")), e.BadAction.BAD_SET_LEN),
    "set_field vlan_vid 0x2000": (with_action(tlv("0019001080000c022000000000000000")), e.BadAction.BAD_SET_ARGUMENT),
    "set_field with a mask": (with_action(tlv("0019001080000d041001ffff00000000")), e.BadAction.BAD_SET_ARGUMENT),
    "action of another experimenter": (
        with_action(tlv("ffff0008000023210006000000000000"[:16])),
        e.BadAction.BAD_EXPERIMENTER,
    ),
    "Nicira's resubmit": (
        with_action(tlv("ffff001000002320000100010000 0000".replace(" ", ""))),
        e.BadAction.BAD_EXP_TYPE,
    ),
    "move of half a field": (
        with_action(tlv("ffff001800002320000600180000000080000806") + tlv("80000606")),
        e.BadAction.BAD_ARGUMENT,
    ),
    "instruction 9": (with_instruction(tlv("0009000800000000")), e.BadInstruction.UNKNOWN_INST),
    "instruction of an experimenter": (with_instruction(tlv("ffff000800000001")), e.BadInstruction.BAD_EXPERIMENTER),
    "goto_table of 16 bytes": (with_instruction(tlv("00010010020000000000000000000000")), e.BadInstruction.BAD_LEN),
    "instruction past the end": (with_instruction(tlv("0004001000000000")), e.BadInstruction.BAD_LEN),
    "goto_table back": (with_instruction(tlv("0001000801000000")), e.BadInstruction.BAD_TABLE_ID),
    "two goto_tables": (with_instruction(tlv("0001000802000000" * 2)), e.OnfFailed.DUP_INSTRUCTION),
    "group type 4": (b"\4\x0f\0\x10\0\0\0\1\0\0\4\0\0\0\0\1", e.GroupModFailed.BAD_TYPE),
    "group command 3": (b"\4\x0f\0\x10\0\0\0\1\0\3\0\0\0\0\0\1", e.GroupModFailed.BAD_COMMAND),
    "bucket of 8 bytes": (b"\4\x0f\0\x18\0\0\0\1\0\0\0\0\0\0\0\1\0\x08" + bytes(6), e.GroupModFailed.BAD_BUCKET),
    "meter command 3": (b"\4\x1d\0\x10\0\0\0\1\0\3\0\1\0\0\0\1", e.MeterModFailed.BAD_COMMAND),
    "meter of two units": (b"\4\x1d\0\x10\0\0\0\1\0\0\0\3\0\0\0\1", e.MeterModFailed.BAD_FLAGS),
    "meter of no unit": (b"\4\x1d\0\x10\0\0\0\1\0\0\0\0\0\0\0\1", e.MeterModFailed.BAD_FLAGS),
    "band type 3": (b"\4\x1d\0\x20\0\0\0\1\0\0\0\1\0\0\0\1\0\3\0\x10" + bytes(12), e.MeterModFailed.BAD_BAND),
    "role 4": (b"\4\x18\0\x18\0\0\0\1\0\0\0\4" + bytes(12), e.RoleRequestFailed.BAD_ROLE),
    "configuration flag 4": (b"\4\x09\0\x0c\0\0\0\1\0\4\0\0", e.SwitchConfigFailed.BAD_FLAGS),
    "configuration of 3 bytes": (b"\4\x09\0\x0b\0\0\0\1\0\4\0", e.BadRequest.BAD_LEN),
    "bundle in a bundle": (
        encode(BundleAdd(1, 0, BundleAdd(1, 0, BarrierRequest())), 1),
        e.OnfFailed.MSG_UNSUP,
    ),
    "bundle-add of another xid": (
        patch(encode(BundleAdd(1, 0, BarrierRequest()), 1), 28, b"\7"),
        e.OnfFailed.MSG_BAD_XID,
    ),
    "bundle control 9": (b"\4\4\0\x18\0\0\0\1ONF\0\0\0\x08\xfc\0\0\0\1\0\x09\0\0", e.OnfFailed.BAD_TYPE),
    "bundle flags 4": (b"\4\4\0\x18\0\0\0\1ONF\0\0\0\x08\xfc\0\0\0\1\0\0\0\4", e.OnfFailed.BAD_FLAGS),
}
