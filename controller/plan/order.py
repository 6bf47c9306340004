"""Decides order only. Knows no sockets.

Between batches every switch has confirmed the one before. The rows of ``BATCHES`` say what goes when:
what receives frames is there before what sends them, and goes after it.

What decides about a packet is the ingress rules of the one switch it enters by. All that a plan does to them
is in one batch, so that a switch that takes a batch as a bundle passes from the old policy to the new one
between two packets.

A switch that takes a batch message by message does it in an order that is the next best. Rules are installed
from the last table to the first, so that no frame is sent into a table that is not ready, and within a table
from the highest priority to the lowest; then they are removed the other way round. So, whatever message a
switch has come to, the rule that decides about a packet in a table is the one that decided before the batch
or the one that will decide after it. (A lower rule shows through only when no higher one, old or new, takes
the packet.)
Groups are added and modified after the groups they refer to, and deleted before them, which also keeps
every moment free of group loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clos.controller.plan.change import (
    ADD,
    DELETE,
    MODIFY,
    Batch,
    Change,
    Entry,
    Plan,
    Push,
    block_of,
)
from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.rule import GroupEntry, Meter, Rule

BATCHES = ("prepare", "egress", "groups", "ingress", "retire egress", "clean")

_BATCH: dict[tuple[type, str], tuple[str, str]] = {
    # entry and change:    (EGRESS phase,    INGRESS phase)
    (Meter, ADD): ("prepare", "prepare"),
    (Meter, MODIFY): ("prepare", "prepare"),
    (GroupEntry, ADD): ("prepare", "prepare"),
    (Rule, ADD): ("egress", "ingress"),
    (Rule, MODIFY): ("egress", "ingress"),
    # After "egress": a new bucket may lead to a spine that has only just learned the way.
    (GroupEntry, MODIFY): ("groups", "ingress"),
    (Rule, DELETE): ("retire egress", "ingress"),
    (GroupEntry, DELETE): ("clean", "clean"),
    (Meter, DELETE): ("clean", "clean"),
}
"""The batch of each change."""

RETIRE_EGRESS = "retire egress"
_TURNING = frozenset({"groups", "ingress"})

PUSH_ENTRIES = 1024
"""The most entries in one push, so that a sender's window stays small."""

_KIND = {Meter: 0, GroupEntry: 1, Rule: 2}
_REMOVED = 3
"""Within a batch, entries that others refer to come first, and rules go last."""

_Slot = tuple[int, int, int, int]
"""Where a change stands: batch, kind, then table and priority of a rule or the layer of a group."""


def batches(changes: Iterable[Change]) -> tuple[Batch, ...]:
    """The changes as ordered batches of pushes; batches with nothing to do are left out."""
    slots: dict[tuple[_Slot, str, frozenset[str]], list[Entry]] = {}
    phases: dict[_Slot, int] = {}
    for slot, change in _slotted(changes):
        phases[slot] = change.phase
        slots.setdefault((slot, change.op, change.switches), []).append(change.entry)
    named = [(slot, op, tuple(sorted(names)), entries) for (slot, op, names), entries in slots.items()]
    pushes: dict[int, list[Push]] = {}
    for slot, op, switches, entries in sorted(named, key=lambda row: row[:3]):
        for i in range(0, len(entries), PUSH_ENTRIES):
            block = block_of(entries[i : i + PUSH_ENTRIES], phases[slot])
            pushes.setdefault(slot[0], []).append(Push(op, block, switches))
    return tuple(Batch(BATCHES[i], tuple(pushes[i])) for i in sorted(pushes))


def draining(plan: Plan) -> frozenset[str]:
    """The batches before which frames under way should be given time to arrive: one that removes what receives frames,
    when the plan has sent such frames another way. (Where they go no way any more, it is all the same.)"""
    turned = any(push.op != DELETE for batch in plan.batches if batch.name in _TURNING for push in batch.pushes)
    return frozenset({RETIRE_EGRESS}) if turned else frozenset()


def _slotted(changes: Iterable[Change]) -> Iterator[tuple[_Slot, Change]]:
    groups: dict[tuple[int, bool], list[Change]] = {}
    for change in changes:
        entry, removal = change.entry, change.op == DELETE
        batch = _RANK[type(entry), change.op][change.phase]
        if isinstance(entry, Rule):
            sign = 1 if removal else -1
            yield (batch, _REMOVED if removal else _KIND[Rule], sign * entry.table, sign * entry.priority), change
        elif isinstance(entry, GroupEntry):
            groups.setdefault((batch, removal), []).append(change)
        else:
            yield (batch, _KIND[Meter], 0, 0), change
    for (batch, removal), found in groups.items():
        for layer, change in _layered(found):
            yield (batch, _KIND[GroupEntry], -layer if removal else layer, 0), change


_RANK = {key: tuple(BATCHES.index(name) for name in names) for key, names in _BATCH.items()}


def _layered(pending: list[Change]) -> Iterator[tuple[int, Change]]:
    """Group changes by layer: on each switch, a group comes in a later layer than the groups it refers to.

    Groups that refer to each other in a circle share the last layer; the switch refuses them (OFPGMFC_LOOP).
    """
    layer = 0
    while pending:
        waiting: dict[int, frozenset[str]] = {}
        for change in pending:
            waiting[change.entry[0]] = waiting.get(change.entry[0], frozenset()) | change.switches
        split = [(change, _blocked(change, waiting)) for change in pending]
        ready = [change._replace(switches=change.switches - late) for change, late in split if change.switches - late]
        yield from ((layer, change) for change in ready or pending)
        pending = [change._replace(switches=late) for change, late in split if late] if ready else []
        layer += 1


def _blocked(change: Change, waiting: dict[int, frozenset[str]]) -> frozenset[str]:
    """The switches on which a group that this one refers to has not had its turn."""
    late = (waiting[ref] for ref in references(change.entry) if ref in waiting)
    return change.switches.intersection(frozenset().union(*late))


def references(entry: Entry) -> frozenset[int]:
    """The groups an entry's buckets send to or watch."""
    if not isinstance(entry, GroupEntry):
        return frozenset()
    sent = {act.group for bucket in entry.buckets for act in bucket.actions if isinstance(act, Group)}
    return frozenset(sent | {bucket.watch_group for bucket in entry.buckets if bucket.watch_group is not None})
