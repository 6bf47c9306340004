"""The errors a switch answers with, as OpenFlow numbers them.

Lives here: the exception and the (type, code) pairs a switch model needs. Must not know: bytes on the wire.
Source: OpenFlow 1.3.5 §7.4.4 (ofp_error_type and the codes of each type).
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """An OpenFlow error number: ``type`` is OFPET_*, ``code`` one of that type's codes."""

    type: int
    code: int


BAD_GOTO = Fault(3, 2)  # BAD_INSTRUCTION / BAD_TABLE_ID
BAD_OUT_PORT = Fault(2, 4)  # BAD_ACTION / BAD_OUT_PORT
BAD_ARGUMENT = Fault(2, 5)  # BAD_ACTION / BAD_ARGUMENT
BAD_OUT_GROUP = Fault(2, 9)  # BAD_ACTION / BAD_OUT_GROUP
MATCH_INCONSISTENT = Fault(2, 10)  # BAD_ACTION / MATCH_INCONSISTENT
BAD_SET_TYPE = Fault(2, 13)  # BAD_ACTION / BAD_SET_TYPE
BAD_SET_ARGUMENT = Fault(2, 15)  # BAD_ACTION / BAD_SET_ARGUMENT
TABLE_FULL = Fault(5, 1)  # FLOW_MOD_FAILED / TABLE_FULL
BAD_TABLE = Fault(5, 2)  # FLOW_MOD_FAILED / BAD_TABLE_ID
OVERLAP = Fault(5, 3)  # FLOW_MOD_FAILED / OVERLAP
GROUP_EXISTS = Fault(6, 0)  # GROUP_MOD_FAILED / GROUP_EXISTS
INVALID_GROUP = Fault(6, 1)  # GROUP_MOD_FAILED / INVALID_GROUP
GROUP_LOOP = Fault(6, 7)  # GROUP_MOD_FAILED / LOOP
UNKNOWN_GROUP = Fault(6, 8)  # GROUP_MOD_FAILED / UNKNOWN_GROUP
CHAINED_GROUP = Fault(6, 9)  # GROUP_MOD_FAILED / CHAINED_GROUP
METER_EXISTS = Fault(12, 1)  # METER_MOD_FAILED / METER_EXISTS
INVALID_METER = Fault(12, 2)  # METER_MOD_FAILED / INVALID_METER
UNKNOWN_METER = Fault(12, 3)  # METER_MOD_FAILED / UNKNOWN_METER


class SwitchError(Exception):
    """The switch refused a change and nothing changed. ``type`` and ``code`` are OpenFlow's, ``text`` says why."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.type, self.code = fault
        self.text = text
