"""Finding what differs between two rulesets. Knows no order, no sockets.

The work is proportional to what differs: parts that are the same object are not opened, blocks that are
equal and sit on the same switches are not compared rule by rule, and no block is expanded per switch.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from clos.controller.plan.change import ADD, DELETE, KINDS, MODIFY, Change, Entry, Kind, Plan
from clos.controller.plan.order import batches
from clos.fabric.dataplane.ruleset import Part, Placed, Ruleset

_Held = tuple[Entry, int, frozenset[str]]
"""An installed entry, its phase, and switches on which nothing has taken its place yet."""


def diff(installed: Ruleset, desired: Ruleset) -> Plan:
    """The plan that turns ``installed`` into ``desired``: ``after(a, diff(a, b)) == b`` and ``not diff(a, a)``.

    An entry that leaves one block and enters another on the same switch (a moved endpoint's rules do) is
    compared with itself: equal is no change, different is one modify; never a delete that undoes an add.
    """
    opened = tuple(name for name, part in installed.parts.items() if desired.parts.get(name) is not part)
    return Plan(batches(changes(installed, desired)), desired.switches, opened)


def changes(installed: Ruleset, desired: Ruleset) -> Iterator[Change]:
    """Every difference, each (switch, entry) once, unordered but reproducible."""
    gone: list[Placed] = []
    come: list[Placed] = []
    for name in dict.fromkeys((*installed.parts, *desired.parts)):
        old, new = installed.parts.get(name, {}), desired.parts.get(name, {})
        if old is not new:
            _moved(old, new, gone, come)
    names: dict[tuple[str, ...], frozenset[str]] = {}
    for placed in (*gone, *come):
        names.setdefault(placed.switches, frozenset(placed.switches))
    for kind in KINDS:
        yield from _paired(gone, come, kind, names)


def _moved(old: Part, new: Part, gone: list[Placed], come: list[Placed]) -> None:
    """Adds to ``gone`` and ``come`` the blocks of a part that left and entered, each on the switches concerned."""
    for name, was in old.items():
        now = new.get(name)
        if now is was:
            continue
        if now is None or now.block != was.block:
            gone.append(was)
            if now is not None:
                come.append(now)
        elif now.switches != was.switches:
            gone.append(_except(was, now.switches))
            come.append(_except(now, was.switches))
    come += (placed for name, placed in new.items() if name not in old)


def _except(placed: Placed, switches: tuple[str, ...]) -> Placed:
    drop = frozenset(switches)
    return Placed(placed.block, tuple(name for name in placed.switches if name not in drop))


def _paired(
    gone: list[Placed],
    come: list[Placed],
    kind: Kind,
    names: dict[tuple[str, ...], frozenset[str]],
) -> Iterator[Change]:
    """The changes of one kind of entry: each that came is held against what went under its key."""
    _, entries, key = kind
    held: dict[Hashable, list[_Held]] = {}
    for block, switches in gone:
        where = names[switches]
        for entry in entries(block) if where else ():
            held.setdefault(key(entry), []).append((entry, block.phase, where))
    for block, switches in come:
        where = names[switches]
        for entry in entries(block) if where else ():
            was = held.get(key(entry)) if held else None
            if was is None:
                yield Change(ADD, block.phase, entry, where)
            else:
                yield from _replaced(was, entry, block.phase, where)
    for rest in held.values():
        for entry, phase, where in rest:
            if where:
                yield Change(DELETE, phase, entry, where)


def _replaced(held: list[_Held], entry: Entry, phase: int, where: frozenset[str]) -> Iterator[Change]:
    """``entry`` arrives on the switches ``where``: a modify where another was held, an add elsewhere.

    Takes those switches out of ``held``, so that what stays there at the end is to be deleted.
    """
    altered: frozenset[str] = frozenset()
    for i, (old, old_phase, there) in enumerate(held):
        both = where & there
        if both:
            held[i] = (old, old_phase, there - both)
            where -= both
            if old != entry:
                altered |= both
    if altered:
        yield Change(MODIFY, phase, entry, altered)
    if where:
        yield Change(ADD, phase, entry, where)
