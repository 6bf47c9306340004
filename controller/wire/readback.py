"""What a switch holds, read back in the form the compiler writes it, so that the two can be compared with ==.

Lives here: the questions, and what switches answer differently from what they were told. Must not know: plans, os-ken.

Reading is split in two: ``fetch`` awaits the frames on the session's loop; ``Frames.state`` decodes them, which for
60,000 rules takes seconds and so is for another thread.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from clos.controller.wire.session import Session
from clos.fabric.dataplane.action import CONTROLLER, MAX_LEN_WHOLE, Action, Output
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.openflow import decode
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


class Held(NamedTuple):
    """What a switch holds. ``foreign``: entries of others, made with extensions this codec does not speak."""

    state: SwitchState
    foreign: tuple[Any, ...] = ()


class Frames(NamedTuple):
    """A switch's answers, not yet decoded."""

    flows: list[bytes]
    groups: list[bytes]
    meters: list[bytes]

    def held(self) -> Held:
        """Decode. Raises DecodeError when an answer is not OpenFlow."""
        with _collector_off():
            flows, groups, meters = ([*_entries(frames)] for frames in self)
            block = Block(
                _canonical([entry.rule for entry in flows if isinstance(entry, FlowStats)]),
                (entry for entry in groups if isinstance(entry, GroupEntry)),
                (entry.meter for entry in meters if isinstance(entry, MeterConfig)),
            )
            known = (FlowStats, GroupEntry, MeterConfig)
            return Held(state_of((block,)), tuple(e for e in (*flows, *groups, *meters) if not isinstance(e, known)))


async def fetch(session: Session, cookie: int = 0, mask: int = 0) -> Frames:
    """Ask for the rules whose cookie equals ``cookie`` under ``mask`` (0: all rules), all groups and all meters.

    Raises Refused, Silent, Lost. A switch that has no meters or groups at all answers with none.
    """
    flows, groups, meters = await asyncio.gather(
        session.ask(FlowStatsRequest(cookie=cookie, cookie_mask=mask)),
        session.ask(GroupDescRequest()),
        session.ask(MeterConfigRequest()),
    )
    return Frames(flows, groups, meters)


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


def _canonical(rules: list[Rule]) -> Iterator[Rule]:
    """The rules as the compiler would have written them. Equal instructions are one value mostly (the codec's memory),
    so each is looked at once."""
    plain: dict[int, Instructions] = {}
    for rule in rules:
        told = rule.instructions
        instructions = plain.get(id(told))
        if instructions is None:
            instructions = plain[id(told)] = _plain_instructions(told)
        if rule.flags & PASSING_FLAGS or instructions is not told:
            rule = rule._replace(flags=rule.flags & ~PASSING_FLAGS, instructions=instructions)
        yield rule


def _plain_instructions(told: Instructions) -> Instructions:
    if any(map(_is_odd, told.apply)) or any(map(_is_odd, told.write)):
        return told._replace(apply=tuple(map(_plain, told.apply)), write=tuple(map(_plain, told.write)))
    return told


def _is_odd(action: Action) -> bool:
    """Whether this is an output whose max_len says nothing: it counts only towards the controller (§7.2.5)."""
    return isinstance(action, Output) and action.max_len != MAX_LEN_WHOLE and action.port != CONTROLLER


def _plain(action: Action) -> Action:
    return Output(action.port) if isinstance(action, Output) and _is_odd(action) else action


def _entries(frames: Iterable[bytes]) -> Iterable[Any]:
    for frame in frames:
        message, _ = decode(frame)
        yield from message.entries  # type: ignore[attr-defined]  # claimed by xid, so it is the reply asked for
