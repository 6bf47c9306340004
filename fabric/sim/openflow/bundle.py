"""Bundles: changes gathered first, then made all together or not at all.

Lives here: the bundles of one session. Must not know: bytes, roles.
Source: ONF extension EXT-230 §3.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from clos.fabric.dataplane.action import ALL_GROUPS
from clos.fabric.dataplane.undo import Undo
from clos.fabric.errors import SwitchError
from clos.fabric.openflow.constants import ALL_TABLES, BundleControlType, FlowModCommand, FlowModFlag
from clos.fabric.openflow.errors import DecodeError, OnfFailed, bad
from clos.fabric.openflow.messages import (
    BundleAdd,
    BundleControl,
    FlowMod,
    GroupMod,
    Message,
    MeterMod,
)
from clos.fabric.sim.openflow.mods import MODS, Removals
from clos.fabric.sim.switch import SimSwitch

MOST_BUNDLES = 64
MOST_MESSAGES = 1_000_000
_NOTIFY = int(FlowModFlag.SEND_FLOW_REM)
_NAMED = frozenset({FlowModCommand.ADD, FlowModCommand.DELETE_STRICT})
BUNDLED: frozenset[type[Message]] = frozenset({FlowMod, GroupMod, MeterMod})
"""The messages that may join a bundle."""


class CommitFailed(Exception):
    """A message of a committed bundle was refused: which one (its xid), with what error. Nothing was changed."""

    def __init__(self, message: Message, xid: int, cause: SwitchError) -> None:
        super().__init__(str(cause))
        self.message, self.xid, self.cause = message, xid, cause


@dataclass(slots=True)
class Bundle:
    """One open bundle: its flags and its messages with their xids."""

    flags: int
    messages: list[tuple[Message, int]] = field(default_factory=list)
    closed: bool = False


class Bundles:
    """The bundles of a session, by number. Every method raises DecodeError with the error a switch answers."""

    def __init__(self) -> None:
        self._open: dict[int, Bundle] = {}

    def add(self, added: BundleAdd, xid: int) -> None:
        """A message joins; an unknown bundle is opened by its first message (§3.3)."""
        bundle = self._open.get(added.bundle)
        if bundle is None:
            bundle = self._new(added.bundle, added.flags)
        if bundle.closed:
            raise bad(OnfFailed.BUNDLE_CLOSED, f"bundle {added.bundle} is closed")
        if bundle.flags != added.flags:
            raise bad(OnfFailed.BAD_FLAGS, f"bundle {added.bundle} has flags {bundle.flags:#x}, not {added.flags:#x}")
        if type(added.message) not in BUNDLED:
            raise bad(OnfFailed.MSG_UNSUP, f"{type(added.message).__name__} cannot join a bundle")
        if len(bundle.messages) >= MOST_MESSAGES:
            raise bad(OnfFailed.MSG_TOO_MANY, f"bundle {added.bundle} holds {MOST_MESSAGES} messages")
        bundle.messages.append((added.message, xid))

    def control(self, asked: BundleControl, switch: SimSwitch) -> tuple[BundleControl, Removals]:
        """Do what is asked; the reply, and what to tell once it stands. Raises CommitFailed too."""
        told: Removals = []
        if asked.type == BundleControlType.OPEN_REQUEST:
            self._new(asked.bundle, asked.flags)
        elif asked.type == BundleControlType.CLOSE_REQUEST:
            self._close(asked.bundle)
        elif asked.type == BundleControlType.COMMIT_REQUEST:
            told = _commit(self._take(asked.bundle, asked.flags), switch)
        elif asked.type == BundleControlType.DISCARD_REQUEST:
            self._take(asked.bundle, None)
        else:
            raise bad(OnfFailed.BAD_TYPE, f"{asked.type.name} is not a request")
        return BundleControl(asked.bundle, BundleControlType(asked.type + 1), asked.flags), told

    def size(self, number: int) -> int:
        """How many messages a bundle holds."""
        return len(self._open[number].messages) if number in self._open else 0

    def _new(self, number: int, flags: int) -> Bundle:
        if number in self._open:
            raise bad(OnfFailed.BUNDLE_EXIST, f"bundle {number} is open")
        if len(self._open) >= MOST_BUNDLES:
            raise bad(OnfFailed.OUT_OF_BUNDLES, f"{MOST_BUNDLES} bundles are open")
        bundle = self._open[number] = Bundle(flags)
        return bundle

    def _close(self, number: int) -> None:
        bundle = self._open.get(number)
        if bundle is None:
            raise _unknown(number)
        if bundle.closed:
            raise bad(OnfFailed.BUNDLE_CLOSED, f"bundle {number} is closed")
        bundle.closed = True

    def _take(self, number: int, flags: int | None) -> Bundle:
        bundle = self._open.pop(number, None)
        if bundle is None:
            raise _unknown(number)
        if flags is not None and flags != bundle.flags:
            raise bad(OnfFailed.BAD_FLAGS, f"bundle {number} has flags {bundle.flags:#x}, not {flags:#x}")
        return bundle


def _unknown(number: int) -> DecodeError:
    return bad(OnfFailed.BAD_ID, f"no bundle {number} is open")


def _commit(bundle: Bundle, switch: SimSwitch) -> Removals:
    told: Removals = []
    simple = not switch.mortal and not switch.notifies and all(_is_simple(message) for message, _ in bundle.messages)
    with _noting(switch) if simple else switch.atomically() as undo:
        for message, xid in bundle.messages:
            if not switch.alive:
                break
            if undo is not None:
                _note(undo, message)
            try:
                told += MODS[type(message)](switch, message)
            except SwitchError as problem:
                raise CommitFailed(message, xid, problem) from problem
    return told


def _is_simple(message: Message) -> bool:
    """Whether it changes nothing but entries that it names, and the rules of a group it deletes."""
    if isinstance(message, FlowMod):
        rule = message.rule
        passing = rule.idle_timeout or rule.hard_timeout or rule.flags & _NOTIFY
        return message.command in _NAMED and rule.table != ALL_TABLES and not passing
    return isinstance(message, GroupMod) and message.entry.group != ALL_GROUPS


def _note(undo: Undo, message: Message) -> None:
    if isinstance(message, FlowMod):
        undo.rule(*message.rule.key)
    elif isinstance(message, GroupMod):
        undo.group(message.entry.group)


@contextmanager
def _noting(switch: SimSwitch) -> Iterator[Undo]:
    """As ``switch.atomically``, at the cost of what changes and not of what the switch holds."""
    model = switch.model
    undo = Undo(model)
    try:
        yield undo
    except BaseException:
        switch.version += 1
        if switch.model is model:  # else it has lost power meanwhile, and has nothing to go back to
            undo.back()
        raise
