"""What may become of packets: alternatives, each the list of places where copies arrive.

A switch's choice (a bucket of a SELECT group) gives alternatives; copies (an ALL group, two outputs) arrive together.
A *partition* says for every packet of a box what may become of it. Must not know: rules, topologies, intents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, cast

from clos.controller.verify.effort import MAX_COPIES, Effort, TooMuch
from clos.controller.verify.headerspace.header_space import Box, Limits, meet, within
from clos.controller.verify.headerspace.transform import HeaderTransform, after
from clos.fabric.dataplane.action import IN_PORT, LOCAL, MAX_PORT, NORMAL


class Arrival(NamedTuple):
    """A copy of the packet at a host's port; at port CONTROLLER or a blind end of a switch; with switch "", in a loop.

    Port IN_PORT: the host's port that the packet came in by, whichever that was.
    """

    switch: str
    port: int
    frame: HeaderTransform


Alternative = tuple[Arrival, ...]
"""Copies that arrive, sorted; none: the packet is dropped."""
Outcome = frozenset[Alternative]


class AclFilter(NamedTuple):
    """What tables do that only decide whether a packet goes on: ``rows`` part all packets, each kept or dropped.

    One filter serves every packet that meets the same rules. ``slots``: those it looks at.
    """

    rows: tuple[tuple[Limits, bool], ...]
    slots: frozenset[int]


class Filtered(NamedTuple):
    """``kept`` becomes of the packets that the filter keeps, nothing of the others."""

    filter: AclFilter
    kept: Outcome


Piece = tuple[Box, Outcome | Filtered]
Partition = Sequence[Piece]
Plain = list[tuple[Box, Outcome]]
"""A partition without gates."""


def is_blind(port: int) -> bool:
    """Whether a port stands for what a switch does by itself (NORMAL, LOCAL), or for an action that is not modelled: a
    number that OpenFlow 1.3 reserves and gives no meaning (§7.2.1). What becomes of packets there is not known."""
    return MAX_PORT < port < IN_PORT or port in (NORMAL, LOCAL)


MAX_ALTERNATIVES = 8
"""More are cut off: two are already one too many for any claim that knows what should happen."""

DROPPED: Outcome = frozenset({()})
LOOP = ""
"""``Arrival.switch`` of a copy that comes back to where it was."""
DEFERRED = "*"
"""``Arrival.switch`` of a copy whose way is not at its end; the port is the number of a place."""


def arrives(switch: str, port: int, frame: HeaderTransform) -> Outcome:
    return frozenset({(Arrival(switch, port, frame),)})


def either(one: Outcome, other: Outcome) -> Outcome:
    """What may become of a packet that takes one way or the other."""
    return one if one == other else _cut(one | other)


def both(one: Outcome, other: Outcome) -> Outcome:
    """What may become of a packet when copies of it go both ways."""
    if one == DROPPED:
        return other
    if other == DROPPED:
        return one
    if max(map(len, one)) + max(map(len, other)) > MAX_COPIES:
        raise TooMuch(f"rules that may make more than {MAX_COPIES:,} copies of one packet")
    return _cut(frozenset(tuple(sorted(a + b)) for a in one for b in other))


def _cut(found: Outcome) -> Outcome:
    return found if len(found) <= MAX_ALTERNATIVES else frozenset(sorted(found)[:MAX_ALTERNATIVES])


def plain(parts: Partition) -> Plain:
    """The partition with every gate spelt out; itself when it has none."""
    if not any(type(outcome) is Filtered for _, outcome in parts):
        return cast(Plain, parts)
    found: Plain = []
    for box, outcome in parts:
        if isinstance(outcome, Filtered):
            for limits, keeps in outcome.filter.rows:
                part = within(box, limits)
                if part is not None:
                    found.append((part, outcome.kept if keeps else DROPPED))
        else:
            found.append((box, outcome))
    return found


def joined(ones: Partition, others: Partition, how: Callable[[Outcome, Outcome], Outcome], effort: Effort) -> Plain:
    """Two partitions of the same box as one, their outcomes combined."""
    if ones is others and how is either:
        return plain(ones)
    one, other = plain(ones), plain(others)
    effort.spend(max(len(one), len(other)) * _copies(one, other))
    if len(other) == 1:
        return one if other[0][1] == DROPPED and how is both else [(box, how(out, other[0][1])) for box, out in one]
    if len(one) == 1:
        return [(box, how(one[0][1], out)) for box, out in other]
    if how is either and one == other:
        return one
    effort.spend(len(one) * len(other))
    return [(box, how(a[1], b[1])) for a in one for b in other if (box := meet(a[0], b[0])) is not None]


def _copies(one: Plain, other: Plain) -> int:
    """What each pair counts: more where many copies are sorted."""
    return 1 + sum(max(map(len, parts[0][1])) for parts in (one, other) if parts) // 16


def any_of(parts: Iterable[Partition], effort: Effort) -> Partition:
    """The partition for a packet that takes one of several ways; there is at least one."""
    found: Partition | None = None
    for part in parts:
        found = part if found is None else joined(found, part, either, effort)
    if found is None:
        raise ValueError("a choice of nothing")
    return found


def seen_from(frame: HeaderTransform, outcome: Outcome) -> Outcome:
    """The outcome of packets that were changed as ``frame`` says before, told of the packets before that."""
    if not any(outcome):
        return outcome
    moved = (tuple(Arrival(a.switch, a.port, after(frame, a.frame)) for a in option) for option in outcome)
    return frozenset(tuple(sorted(option)) for option in moved)
