"""The groups of a switch, with liveness; they may be edited.

Lives here: which buckets packets may take, which ports these name, and who said they had looked. Must not know: what
becomes of packets (``pipeline``), links. Source: OpenFlow 1.3.5 §5.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clos.controller.verify.dataplane.memo import Readers, Watched
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import ALL, FAST_FAILOVER, SELECT, Bucket, GroupEntry

FLOODS = frozenset({act.ALL, act.FLOOD})
BY_PORT = FLOODS | {act.IN_PORT}
"""Outputs that depend on the port a packet came in by."""


class BucketChoice(NamedTuple):
    """A group's buckets that packets may take; ``sends``: ports at which it matters whether a packet came in there,
    None = all; ``pushes``: every bucket puts a tag on, so that the outermost one before is none of its business."""

    entry: GroupEntry
    chosen: list[Bucket]
    sends: frozenset[int] | None
    pushes: bool


class GroupTable:
    """A switch's groups by number. ``up``: the ports that exist and have carrier."""

    __slots__ = ("_choices", "_flooding", "_liveness", "_readers", "_sketches", "_up", "entries")

    def __init__(self, groups: Iterable[GroupEntry], up: frozenset[int]) -> None:
        self.entries = {entry.group: entry for entry in groups}
        self._up: frozenset[int | None] = frozenset(up)
        self._choices: dict[int, BucketChoice] = {}
        self._flooding: bool | None = None
        self._readers: dict[int, Readers] = {}
        self._liveness = Watched(self.lives)
        self._sketches = Watched(self.sketch)

    def edit(self, groups: Mapping[int, GroupEntry | None]) -> Iterator[Any]:
        """Have other groups (None: none). Those who looked at them, or at whether others live that now do not, or now
        do."""
        lived, seen = self._liveness.values(), self._sketches.values()
        for number, entry in groups.items():
            if entry is None:
                self.entries.pop(number, None)
            else:
                self.entries[number] = entry
            yield from self._readers.get(number, ())
        self._choices.clear()
        self._flooding = None
        yield from self._liveness.differing(lived)
        yield from self._sketches.differing(seen)

    # -- who looked --------------------------------------------------------------------------------------------------

    def read(self, reader: Any, group: int, through: bool) -> None:
        """Somebody (None: nobody) looked at a group: ``through`` its buckets, and is to hear when these change, or come
        to life or die; else at its sketch, and is to hear when that changes."""
        if reader is None:
            return
        if not through:
            self._sketches.read(group, reader)
            return
        self._readers.setdefault(group, {})[reader] = None
        entry = self.entries.get(group)
        for bucket in entry.buckets if entry is not None else ():
            if bucket.watch_group is not None:
                self._liveness.read(bucket.watch_group, reader)

    def registers(self) -> Iterator[Readers]:
        """Who reads what of the groups."""
        yield from self._readers.values()
        yield from self._liveness.registers()
        yield from self._sketches.registers()

    def drop_unread(self) -> None:
        """Forget what nobody reads."""
        for number in [number for number, readers in self._readers.items() if not readers]:
            del self._readers[number]
        self._liveness.drop_unread()
        self._sketches.drop_unread()

    # -- what groups do ------------------------------------------------------------------------------------------------

    def sketch(self, group: int) -> tuple[object, ...] | None:
        """A group as those see it who leave what it does to others: at which ports it matters whether packets came in
        there, whether it puts a tag on, whether it does anything. None: there is none."""
        entry = self.entries.get(group)
        if entry is None:
            return None
        _, chosen, sends, pushes = self.choice(entry)
        return bool(chosen), sends, pushes, sends if sends is not None else self.sends(group)

    def lives(self, group: int) -> bool:
        """Whether any bucket of a group does."""
        entry = self.entries.get(group)
        return entry is not None and any(self.alive(each) for each in entry.buckets)

    def alive(self, bucket: Bucket) -> bool:
        """A bucket lives while a port or group that it watches does, or if it watches none (§5.6.1)."""
        if bucket.watch_port in self._up or bucket.watch_group is None:
            return bucket.watch_port in self._up or bucket.watch_port is None
        waiting, seen = [bucket.watch_group], {bucket.watch_group}
        while waiting:
            entry = self.entries.get(waiting.pop())
            for other in entry.buckets if entry is not None else ():
                if other.watch_port in self._up or (other.watch_port is None and other.watch_group is None):
                    return True
                if other.watch_group is not None and other.watch_group not in seen:
                    seen.add(other.watch_group)
                    waiting.append(other.watch_group)
        return False

    def buckets(self, entry: GroupEntry) -> list[Bucket]:
        """The buckets packets may take."""
        alive = self.alive
        if entry.type == SELECT:
            return [bucket for bucket in entry.buckets if bucket.weight and alive(bucket)]
        if entry.type == FAST_FAILOVER:
            return [bucket for bucket in entry.buckets if alive(bucket)][:1]
        return list(entry.buckets if entry.type == ALL else entry.buckets[:1])

    def choice(self, entry: GroupEntry) -> BucketChoice:
        """How packets go through a group; worked out once."""
        known = self._choices.get(entry.group)
        if known is None:
            chosen, sends = self.buckets(entry), self.sends(entry.group)
            anywhere = not sends.isdisjoint(BY_PORT)
            pushes = all(any(type(action) is act.PushVlan for action in bucket.actions) for bucket in chosen)
            known = self._choices[entry.group] = BucketChoice(entry, chosen, None if anywhere else sends, pushes)
        return known

    def sends(self, number: int) -> frozenset[int]:
        """The ports that a group's live buckets name, its chained groups' too."""
        found: set[int] = set()
        waiting, seen = [number], {number}
        while waiting:
            entry = self.entries.get(waiting.pop())
            actions = [a for bucket in self.buckets(entry) for a in bucket.actions] if entry is not None else []
            found.update(a.port for a in actions if isinstance(a, act.Output))
            more = {a.group for a in actions if isinstance(a, act.Group)} - seen
            seen |= more
            waiting += more
        return frozenset(found)

    def carried(self, write: tuple[Any, ...]) -> tuple[frozenset[int], tuple[int, ...]]:
        """The ports that an action set names, its groups' too; and these groups."""
        ports = {action.port for action in write if type(action) is act.Output}
        groups = tuple(action.group for action in write if type(action) is act.Group)
        return frozenset(ports.union(*map(self.sends, groups))), groups

    @property
    def any_floods(self) -> bool:
        """Whether some group's own buckets flood."""
        if self._flooding is None:
            buckets = (bucket for entry in self.entries.values() for bucket in entry.buckets)
            self._flooding = any(type(a) is act.Output and a.port in FLOODS for b in buckets for a in b.actions)
        return self._flooding
