"""Plans as values: which entries to add, modify and delete, on which switches, in which order.

Lives here: the value a plan is. Must not know: how it was found, how it is sent, why a rule exists.
A plan never expands a block per switch: 64 leaves that gain the same 60,000 rules are a few pushes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from clos.fabric.dataplane.rule import GroupEntry, Meter, Rule
from clos.fabric.dataplane.ruleset import Block

ADD: Final = "add"
MODIFY: Final = "modify"
DELETE: Final = "delete"

Entry = Rule | GroupEntry | Meter


class Kind(NamedTuple):
    """A kind of entry: its type, where a block keeps it, and what identifies it on a switch."""

    type: type[Entry]
    entries: Callable[[Block], tuple[Entry, ...]]
    key: Callable[[Entry], Hashable]


KINDS = (
    Kind(Rule, attrgetter("rules"), itemgetter(slice(0, 3))),
    Kind(GroupEntry, attrgetter("groups"), itemgetter(0)),
    Kind(Meter, attrgetter("meters"), itemgetter(0)),
)


def block_of(entries: Iterable[Entry], phase: int) -> Block:
    """The block of entries of any kinds."""
    held: dict[type, list[Any]] = {Rule: [], GroupEntry: [], Meter: []}
    for entry in entries:
        held[type(entry)].append(entry)
    return Block(held[Rule], held[GroupEntry], held[Meter], phase)


class Change(NamedTuple):
    """One entry that differs, on every switch named. ``phase`` is that of the block it belongs to.

    A modify carries the new entry: same rule key (or group, or meter number), other contents. A delete
    carries the entry that is installed.
    """

    op: str
    phase: int
    entry: Entry
    switches: frozenset[str]


class Push(NamedTuple):
    """Entries of one kind that the named switches (sorted) add, modify or delete, in the block's order.

    Added and modified rules are both sent as OFPFC_ADD, which overwrites (OpenFlow 1.3.5 §6.4); deleted ones
    as OFPFC_DELETE_STRICT. Groups and meters have add, modify and delete commands of their own.
    """

    op: str
    block: Block
    switches: tuple[str, ...]

    @property
    def size(self) -> int:
        """Entries in the block: what one switch receives."""
        return len(self.block.rules) + len(self.block.groups) + len(self.block.meters)

    @property
    def total(self) -> int:
        """Entries over all its switches."""
        return self.size * len(self.switches)


class Batch(NamedTuple):
    """Pushes to send in this order on each switch. Switches are not ordered among themselves: every switch
    confirms (barrier) a batch before any switch begins the next."""

    name: str
    pushes: tuple[Push, ...]

    def by_switch(self) -> dict[str, list[Push]]:
        """What each switch receives, in order; switches that receive nothing are absent."""
        found: dict[str, list[Push]] = {}
        for push in self.pushes:
            for switch in push.switches:
                found.setdefault(switch, []).append(push)
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    """Batches in order, none empty, and the fabric's ``switches`` once they are done. False when nothing changes.

    ``parts`` names the parts of the installed ruleset that hold all that the plan modifies and deletes.
    """

    batches: tuple[Batch, ...] = ()
    switches: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.batches)

    @property
    def touched(self) -> tuple[str, ...]:
        """The switches that receive anything, sorted."""
        sets = {push.switches for batch in self.batches for push in batch.pushes}
        return tuple(sorted(set().union(*sets)))
