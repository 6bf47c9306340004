"""A glance at a switch: what its counters say, and a mark that is another whenever its entries are.

Lives here: entries hashed and counted as bytes, without being decoded. So a glance costs a tenth of a read-back, and a
fabric can be looked at all the time. Must not know: what a switch should hold.

Source: OpenFlow 1.3.5 §7.3.5.2 (ofp_flow_stats), §7.3.5.6 (ofp_port_stats), §7.3.5.10 and §7.3.5.13.
"""

from __future__ import annotations

import asyncio
from struct import Struct
from typing import NamedTuple

from clos.controller.wire.session import Session
from clos.fabric.openflow import Message, decode
from clos.fabric.openflow.constants import MultipartType
from clos.fabric.openflow.multipart import (
    FlowStatsRequest,
    GroupDescRequest,
    MeterConfigRequest,
    PortStats,
    PortStatsRequest,
)

MOST = 1 << 19
"""Entries of one answer; a switch that reports more is at fault."""
MOST_BYTES = MOST * 512

_TYPE = Struct("!8xH")
_BODY = 16
_FLOW = Struct("!HBxIIHHHH4xQQQ")
"""Of ofp_flow_stats: length, table, duration (s, ns), priority, idle, hard, flags, cookie, packets, bytes."""
UNKNOWN = (1 << 64) - 1
"""A counter that a switch does not keep."""


class Hits(NamedTuple):
    """What the rules of one table and cookie have matched since each was installed."""

    rules: int
    packets: int
    bytes: int


class Glance(NamedTuple):
    """``mark``: equal to another's of the same process exactly if the switch held the same rules, groups and meters
    (but for one chance in 2**64). ``hits``: by table and cookie. ``entries``: rules, groups and meters in all."""

    mark: int
    hits: dict[tuple[int, int], Hits]
    ports: tuple[PortStats, ...]
    entries: int


def rules_by_table(found: Glance) -> dict[int, int]:
    """How many rules each table holds."""
    rules: dict[int, int] = {}
    for (table, _), counts in found.hits.items():
        rules[table] = rules.get(table, 0) + counts.rules
    return dict(sorted(rules.items()))


async def glance(session: Session) -> Glance:
    """Look at a switch. Raises Refused, Silent, Lost."""
    looking = _Looking()
    questions: tuple[Message, ...] = (FlowStatsRequest(), GroupDescRequest(), MeterConfigRequest(), PortStatsRequest())
    await asyncio.gather(*(session.ask(question, looking.part) for question in questions))
    return looking.found()


class _Looking:
    """A glance in the making. Its parts come on the session's loop: a part takes less than a millisecond."""

    def __init__(self) -> None:
        self._mark = self._entries = self._size = 0
        self._hits: dict[tuple[int, int], list[int]] = {}
        self._ports: list[PortStats] = []

    def found(self) -> Glance:
        hits = {key: Hits(*counts) for key, counts in self._hits.items()}
        return Glance(self._mark, hits, tuple(self._ports), self._entries)

    def part(self, part: bytes) -> str:
        """Take a part of an answer; gives what is wrong with it, or empty."""
        (kind,) = _TYPE.unpack_from(part)
        self._size += len(part)
        if self._entries > MOST or self._size > MOST_BYTES:
            return f"more than {MOST:,} entries: it cannot hold so many"
        if kind == MultipartType.PORT_STATS:
            message, _ = decode(part)
            self._ports += message.entries  # type: ignore[attr-defined]  # the exchange has checked what it answers
            return ""
        return self._each(part, kind)

    def _each(self, part: bytes, kind: int) -> str:
        at, end = _BODY, len(part)
        least = _FLOW.size if kind == MultipartType.FLOW else 8
        while at < end:
            length = int.from_bytes(part[at : at + 2], "big")
            if length < least or at + length > end:
                return f"an entry of {length} bytes in an answer of {end}"
            if kind == MultipartType.FLOW:
                self._flow(part, at, length)
            else:
                self._add(hash((kind, part[at : at + length])))
            self._entries += 1
            at += length
        return ""

    def _flow(self, part: bytes, at: int, length: int) -> None:
        _, table, _, _, priority, idle, hard, _, cookie, packets, size = _FLOW.unpack_from(part, at)
        # flags are left out: switches differ in whether they report those that say how to add a rule
        self._add(hash((table, priority, idle, hard, cookie, part[at + _FLOW.size : at + length])))
        counts = self._hits.get((table, cookie))
        if counts is None:
            counts = self._hits[table, cookie] = [0, 0, 0]
        counts[0] += 1
        if packets != UNKNOWN:
            counts[1] += packets
        if size != UNKNOWN:
            counts[2] += size

    def _add(self, mark: int) -> None:
        """The order of entries does not count, and equal ones do not cancel each other out."""
        self._mark = (self._mark + mark) & (2**64 - 1)
