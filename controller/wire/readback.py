"""What a switch holds, read back in the form the compiler writes it, so that the two can be compared with ==.

Lives here: the questions, how much of an answer is accepted, and what switches answer differently from what they were
sent. Must not know: plans, os-ken.

Reading is done by two threads. On the session's loop, ``Reading.fetch`` asks, and counts the entries of each part as it
comes; ``Reading.held`` decodes the parts meanwhile in another: 60,000 rules take seconds. So what waits is little, and
an answer of more entries than the switch has room for ends the connection before it has cost memory.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, NamedTuple

from clos.controller.wire.errors import Refused
from clos.controller.wire.session import Session
from clos.controller.wire.switch_info import room
from clos.fabric.dataplane.action import CONTROLLER, MAX_LEN_WHOLE, Action, Output
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.openflow import Message, decode
from clos.fabric.openflow.constants import FlowModFlag
from clos.fabric.openflow.multipart import (
    FlowStats,
    FlowStatsRequest,
    GroupDescRequest,
    MeterConfig,
    MeterConfigRequest,
)

PASSING_FLAGS = int(FlowModFlag.CHECK_OVERLAP | FlowModFlag.RESET_COUNTS)
"""Flags that say how to add a rule and are no part of it; switches differ in whether they report them."""

FEWEST, MOST = 1 << 16, 1 << 19
"""Entries accepted in an answer: as many as the switch's tables hold by its own account, and no less and no more than
these. What switches say of their tables is advisory (OpenFlow 1.3.5 §7.3.5.5.1): some say 0, some say 254 million."""
ENTRY_BYTES = 512
"""Bytes accepted for each of them, on the average: decoded, the longest entries take many times their bytes."""

_BODY = 16
"""Where the entries begin in a part of a multipart answer."""


class Held(NamedTuple):
    """What a switch holds. ``foreign``: entries of others, made with extensions this codec does not speak."""

    state: SwitchState
    foreign: tuple[Any, ...] = ()


class Reading:
    """One switch being read back: ``fetch`` on the session's loop, ``held`` in a thread of the caller's.

    ``entries``: how many have been decoded so far.
    """

    def __init__(self, session: Session) -> None:
        self.entries = 0
        self._session = session
        self._parts: SimpleQueue[bytes | None] = SimpleQueue()

    async def fetch(self, cookie: int = 0, mask: int = 0) -> None:
        """Ask for the rules whose cookie equals ``cookie`` under ``mask`` (0: all rules), all groups and all meters.

        Raises Refused, Silent, Lost. A switch that has no meters or groups at all answers with none.
        """
        most = await self._most()
        requests = FlowStatsRequest(cookie=cookie, cookie_mask=mask), GroupDescRequest(), MeterConfigRequest()
        await asyncio.gather(*(self._ask(request, most) for request in requests))

    def end(self) -> None:
        """Nothing more comes: ``held`` returns when it has decoded what has."""
        self._parts.put(None)

    def held(self) -> Held:
        """Decode what comes until the end. Raises DecodeError when a part is not OpenFlow."""
        rules: list[Rule] = []
        groups: list[GroupEntry] = []
        meters: list[MeterConfig] = []
        foreign: list[object] = []
        written = _Canonical()
        while (part := self._parts.get()) is not None:
            with _collector_off():
                for entry in _entries(part):
                    self.entries += 1
                    if isinstance(entry, FlowStats):
                        rules.append(written.rule(entry.rule))
                    elif isinstance(entry, GroupEntry):
                        groups.append(entry)
                    elif isinstance(entry, MeterConfig):
                        meters.append(entry)
                    else:
                        foreign.append(entry)
        with _collector_off():
            return Held(state_of((Block(rules, groups, (entry.meter for entry in meters)),)), tuple(foreign))

    async def _most(self) -> int:
        """The entries accepted in an answer. The switch is asked once for as long as it stays connected."""
        if self._session.room is None:
            try:
                self._session.room = await room(self._session)
            except Refused:  # a switch may keep it to itself
                self._session.room = MOST
        return min(max(self._session.room, FEWEST), MOST)

    async def _ask(self, request: Message, most: int) -> None:
        seen = size = 0

        def reader(part: bytes) -> str:
            nonlocal seen, size
            seen, size = seen + _count(part), size + len(part)
            if seen > most or size > most * ENTRY_BYTES:
                return f"more than {most:,} entries, or {most * ENTRY_BYTES:,} bytes: it cannot hold so many"
            self._parts.put(part)
            return ""

        await self._session.ask(request, reader)


def _count(part: bytes) -> int:
    """The entries of a part: each begins with its length (OpenFlow 1.3.5 §7.3.5.2, §7.3.5.10, §7.3.5.13)."""
    at, count = _BODY, 0
    while at < len(part):
        count += 1
        at += int.from_bytes(part[at : at + 2], "big") or len(part)  # whoever decodes it says what is wrong with 0
    return count


def _entries(part: bytes) -> Iterable[Any]:
    message, _ = decode(part)
    found: Iterable[Any] = message.entries  # type: ignore[attr-defined]  # the exchange has checked what it answers
    return found


@contextmanager
def _collector_off() -> Iterator[None]:
    """A hundred thousand values without cycles are made: going over them again and again takes longer than that."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Canonical:
    """Rules as the compiler would have written them. Equal instructions are one value mostly (the codec's memory), so
    each is looked at once."""

    def __init__(self) -> None:
        self._plain: dict[int, tuple[Instructions, Instructions]] = {}
        """By id of what was reported, which is kept so that no other value gets its id."""

    def rule(self, rule: Rule) -> Rule:
        reported = rule.instructions
        known = self._plain.get(id(reported))
        if known is None:
            known = self._plain[id(reported)] = reported, _plain_instructions(reported)
        instructions = known[1]
        if rule.flags & PASSING_FLAGS or instructions is not reported:
            return rule._replace(flags=rule.flags & ~PASSING_FLAGS, instructions=instructions)
        return rule


def _plain_instructions(reported: Instructions) -> Instructions:
    if any(map(_is_odd, reported.apply)) or any(map(_is_odd, reported.write)):
        return reported._replace(apply=tuple(map(_plain, reported.apply)), write=tuple(map(_plain, reported.write)))
    return reported


def _is_odd(action: Action) -> bool:
    """Whether this is an output whose max_len says nothing: it counts only towards the controller (§7.2.5)."""
    return isinstance(action, Output) and action.max_len != MAX_LEN_WHOLE and action.port != CONTROLLER


def _plain(action: Action) -> Action:
    return Output(action.port) if isinstance(action, Output) and _is_odd(action) else action
