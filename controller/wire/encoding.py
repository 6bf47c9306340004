"""Pushes as bytes: packed once however many switches receive them, and cut into windows for sending.

Lives here: which message each change becomes, and where windows end. Must not know: sockets, order of batches.

Message i of a push carries xid i, so that an error names the entry it is about (together with the bytes it quotes,
as every push counts from 0).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from struct import Struct
from typing import Any, NamedTuple

from clos.controller.plan import ADD, DELETE, MODIFY, Entry, Push
from clos.fabric.dataplane.rule import GroupEntry, Meter, Rule
from clos.fabric.openflow import encode, pack_rule
from clos.fabric.openflow.constants import (
    MAX_FRAME,
    ONF,
    VERSION,
    BundleMessage,
    FlowModCommand,
    GroupModCommand,
    MessageType,
    MeterModCommand,
)
from clos.fabric.openflow.messages import GroupMod, MeterMod

WINDOW_BYTES = 64 << 10
WINDOW_MESSAGES = 512
"""The most that is sent before a barrier: hardware that takes 50 rules a second confirms a window within 11 s."""

_XID = Struct("!I")
_ADD = Struct("!BBHIIIIHH")
"""The header of a bundle-add: the message's, the experimenter's, then bundle and flags (EXT-230)."""


class EncodedPush(NamedTuple):
    """The messages of one push: message i is ``data[ends[i-1]:ends[i]]`` and speaks of ``entries[i]``.

    ``within``: where in it the flow-mod itself begins, when it is inside a bundle-add.
    """

    entries: tuple[Entry, ...]
    ends: tuple[int, ...]
    data: bytes
    within: int = 0

    def start(self, index: int) -> int:
        return self.ends[index - 1] if index else 0


class Slice(NamedTuple):
    """Messages ``first`` to ``last`` (exclusive) of a cargo."""

    cargo: EncodedPush
    first: int
    last: int

    @property
    def data(self) -> bytes | memoryview:
        cargo, first, last = self
        if last - first == len(cargo.ends):
            return cargo.data
        return memoryview(cargo.data)[cargo.start(first) : cargo.ends[last - 1]]

    def holds(self, xid: int, quoted: bytes) -> bool:
        """Whether the message an error speaks of is one of these: its xid, and it begins with the bytes quoted.

        A bundle-add that cannot be added is quoted as it came; a message that cannot be committed, without it.
        """
        cargo, first, last = self
        if not first <= xid < last:
            return False
        start = cargo.start(xid)
        return cargo.data.startswith(quoted, start) or cargo.data.startswith(quoted, start + cargo.within)


Window = list[Slice]
"""What is sent between two barriers."""


def _flow(command: FlowModCommand) -> Callable[[Any], bytes]:
    return lambda rule: pack_rule(rule, command)


def _group(command: GroupModCommand) -> Callable[[Any], bytes]:
    return lambda group: encode(GroupMod(command, group))


def _group_deleted(group: GroupEntry) -> bytes:
    """By its number alone: Open vSwitch refuses a delete that has buckets, as OFPGMFC_INVALID_GROUP."""
    return encode(GroupMod(GroupModCommand.DELETE, group._replace(buckets=())))


def _meter(command: MeterModCommand) -> Callable[[Any], bytes]:
    return lambda meter: encode(MeterMod(command, meter))


_PACK: dict[tuple[type, str], Callable[[Any], bytes]] = {
    # An ADD overwrites what has the same match and priority (OpenFlow 1.3.5 §6.4): it is how a rule is modified.
    (Rule, ADD): _flow(FlowModCommand.ADD),
    (Rule, MODIFY): _flow(FlowModCommand.ADD),
    (Rule, DELETE): _flow(FlowModCommand.DELETE_STRICT),
    (GroupEntry, ADD): _group(GroupModCommand.ADD),
    (GroupEntry, MODIFY): _group(GroupModCommand.MODIFY),
    (GroupEntry, DELETE): _group_deleted,
    (Meter, ADD): _meter(MeterModCommand.ADD),
    (Meter, MODIFY): _meter(MeterModCommand.MODIFY),
    (Meter, DELETE): _meter(MeterModCommand.DELETE),
}


def encode_push(push: Push) -> EncodedPush:
    """The push as bytes. A push of several kinds has meters first, then groups, then rules; deletes the other way."""
    kinds = (push.block.meters, push.block.groups, push.block.rules)
    entries: tuple[Entry, ...] = sum(kinds[::-1] if push.op == DELETE else kinds, ())
    return pack((push.op, entry) for entry in entries)


def pack(changes: Iterable[tuple[str, Entry]]) -> EncodedPush:
    """The same from (op, entry) pairs in any mixture."""
    changes = list(changes)
    messages = [_PACK[type(entry), op](entry) for op, entry in changes]
    ends = tuple(accumulate(map(len, messages)))
    data = bytearray().join(messages)
    for xid, start in enumerate((0, *ends[:-1]) if ends else ()):
        _XID.pack_into(data, start + 4, xid)
    return EncodedPush(tuple(entry for _, entry in changes), ends, bytes(data))


def wrap(cargo: EncodedPush, bundle: int, flags: int) -> EncodedPush | None:
    """The cargo with each message inside a bundle-add of the same xid (EXT-230).

    None where a message cannot join a bundle: a meter's (Open vSwitch takes none), or one of 65,512 bytes and more.
    """
    if any(isinstance(entry, Meter) for entry in cargo.entries):
        return None
    start, messages = 0, []
    for xid, end in enumerate(cargo.ends):
        size = _ADD.size + end - start
        if size > MAX_FRAME:
            return None
        head = _ADD.pack(VERSION, MessageType.EXPERIMENTER, size, xid, ONF, BundleMessage.ADD_MESSAGE, bundle, 0, flags)
        messages.append(head + cargo.data[start:end])
        start = end
    return EncodedPush(cargo.entries, tuple(accumulate(map(len, messages))), b"".join(messages), _ADD.size)


def windows(cargos: Iterable[EncodedPush]) -> Iterator[Window]:
    """Cuts cargos, in order, into windows of at most WINDOW_BYTES and WINDOW_MESSAGES (one message may be longer)."""
    window: Window = []
    room, messages = WINDOW_BYTES, WINDOW_MESSAGES
    for cargo in cargos:
        first = 0
        while first < len(cargo.ends):
            last = min(bisect_right(cargo.ends, cargo.start(first) + room), first + messages)
            if last == first and window:
                yield window
                window, room, messages = [], WINDOW_BYTES, WINDOW_MESSAGES
                continue
            last = max(last, first + 1)
            window.append(Slice(cargo, first, last))
            room -= cargo.ends[last - 1] - cargo.start(first)
            messages -= last - first
            first = last
    if window:
        yield window
