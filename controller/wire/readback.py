"""What a switch holds, read back in the form the compiler writes it, so that the two can be compared with ==.

Lives here: the questions, and what switches answer differently from what they were told. Must not know: plans, os-ken.

Reading is split in two: ``fetch`` awaits the frames on the session's loop; ``Frames.state`` decodes them, which for
60,000 rules takes seconds and so is for another thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from controller.wire.session import Session
from fabric.action import CONTROLLER, MAX_LEN_WHOLE, Action, Output
from fabric.openflow import decode
from fabric.openflow.constants import FlowModFlag
from fabric.openflow.multipart import FlowStats, FlowStatsRequest, GroupDescRequest, MeterConfig, MeterConfigRequest
from fabric.rule import GroupEntry, Rule
from fabric.ruleset import Block, SwitchState, state_of

PASSING_FLAGS = FlowModFlag.CHECK_OVERLAP | FlowModFlag.RESET_COUNTS
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
        flows, groups, meters = ([*_entries(frames)] for frames in self)
        block = Block(
            (canonical(entry.rule) for entry in flows if isinstance(entry, FlowStats)),
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


def canonical(rule: Rule) -> Rule:
    """The rule as the compiler would have written it."""
    if rule.flags & PASSING_FLAGS:
        rule = rule._replace(flags=rule.flags & ~PASSING_FLAGS)
    instructions = rule.instructions
    if any(map(_is_odd, instructions.apply)) or any(map(_is_odd, instructions.write)):
        apply, write = tuple(map(_plain, instructions.apply)), tuple(map(_plain, instructions.write))
        rule = rule._replace(instructions=instructions._replace(apply=apply, write=write))
    return rule


def _is_odd(action: Action) -> bool:
    """Whether this is an output whose max_len says nothing: it counts only towards the controller (§7.2.5)."""
    return isinstance(action, Output) and action.max_len != MAX_LEN_WHOLE and action.port != CONTROLLER


def _plain(action: Action) -> Action:
    return Output(action.port) if isinstance(action, Output) and _is_odd(action) else action


def _entries(frames: Iterable[bytes]) -> Iterable[Any]:
    for frame in frames:
        message, _ = decode(frame)
        yield from message.entries  # type: ignore[attr-defined]  # claimed by xid, so it is the reply asked for
