"""What a fabric holds once a plan, or part of it, is done: the states a proof is run on, and the way back.

Laws: ``after(a, diff(a, b)) == b``; ``after(b, invert(a, diff(a, b))) == a``. States are rulesets and share
every block that a batch does not touch.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from itertools import islice

from clos.controller.plan.change import ADD, DELETE, KINDS, Batch, Plan, Push, block_of
from clos.controller.plan.diff import diff
from clos.fabric.dataplane.ruleset import Block, Part, Placed, Ruleset


def states(installed: Ruleset, plan: Plan) -> Iterator[tuple[Batch, Ruleset]]:
    """Each batch with the ruleset the fabric holds once every switch has confirmed it.

    ``installed`` is the ruleset the plan was made from: only the parts that the plan opened are opened again.
    Entries that the plan adds or modifies are in parts of their own, named ``+`` and the batch's name.
    Switches that leave the fabric are part of every state but the last.
    """
    switches = set(installed.switches).union(plan.switches)
    held = installed
    for i, batch in enumerate(plan.batches, 1):
        held = _done(held, batch, plan.parts, plan.switches if i == len(plan.batches) else switches)
        yield batch, held


def after(installed: Ruleset, plan: Plan, batches: int | None = None) -> Ruleset:
    """The ruleset once the plan's first ``batches`` batches are done; None = all of them."""
    if not plan:
        return Ruleset(plan.switches, installed.parts)
    reached = installed
    for _, held in islice(states(installed, plan), batches):
        reached = held
    return reached


def invert(installed: Ruleset, plan: Plan, batches: int | None = None) -> Plan:
    """The plan that takes a fabric back to ``installed`` after the first ``batches`` batches; None = all of them.

    It is a plan like any other: its batches are ordered for the way back.
    """
    return diff(after(installed, plan, batches), installed)


def _done(held: Ruleset, batch: Batch, opened: Collection[str], switches: Iterable[str]) -> Ruleset:
    """The ruleset after one batch: what its pushes replace is taken out, what they bring is a part of its own."""
    leaving = [push for push in batch.pushes if push.op != ADD]
    parts = dict(held.parts)
    if leaving:
        struck = _Struck(leaving)
        parts |= {name: _without(parts[name], struck) for name in opened}
    pushes = [push for push in batch.pushes if push.op != DELETE]
    if pushes:
        name = f"+{batch.name}"
        while name in parts:
            name = f"+{name}"
        parts[name] = {str(i): Placed(push.block, push.switches) for i, push in enumerate(pushes)}
    return Ruleset(switches, parts)


class _Struck:
    """Entries to take out of a ruleset: which pushes name a key, and the switches of each push."""

    __slots__ = ("named", "where")

    def __init__(self, pushes: Iterable[Push]) -> None:
        self.named: tuple[dict[Hashable, set[int]], ...] = tuple({} for _ in KINDS)
        self.where: list[frozenset[str]] = []
        for i, push in enumerate(pushes):
            self.where.append(frozenset(push.switches))
            for kind, named in zip(KINDS, self.named, strict=True):
                for entry in kind.entries(push.block):
                    named.setdefault(kind.key(entry), set()).add(i)

    def hits(self, placed: Placed) -> tuple[int, ...]:
        """The pushes that take something out of the block on some of its switches."""
        found: set[int] = set()
        for kind, named in zip(KINDS, self.named, strict=True):
            if named:
                found.update(*(named[key] for key in map(kind.key, kind.entries(placed.block)) if key in named))
        return tuple(i for i in sorted(found) if not self.where[i].isdisjoint(placed.switches))

    def rest(self, block: Block, pushes: tuple[int, ...]) -> Block:
        """The block less what these pushes name; itself when they are none."""
        if not pushes:
            return block
        kinds = zip(KINDS, self.named, strict=True)
        kept = (
            e for kind, named in kinds for e in kind.entries(block) if named.get(kind.key(e), _NONE).isdisjoint(pushes)
        )
        return block_of(kept, block.phase)


_NONE: frozenset[int] = frozenset()


def _without(part: Part, struck: _Struck) -> Part:
    """The part less what is struck out; the same object when that is nothing."""
    hits = {key: found for key, placed in part.items() if (found := struck.hits(placed))}
    if not hits:
        return part
    kept: dict[str, Placed] = {}
    for key, placed in part.items():
        if key in hits:
            kept |= {f"{key}-{i}": piece for i, piece in enumerate(_pieces(placed, hits[key], struck))}
        else:
            kept[key] = placed
    return kept


def _pieces(placed: Placed, hits: tuple[int, ...], struck: _Struck) -> Iterator[Placed]:
    """What is left of a block: one piece for all switches that lose the same entries."""
    homes: dict[tuple[int, ...], list[str]] = {}
    for switch in placed.switches:
        homes.setdefault(tuple(i for i in hits if switch in struck.where[i]), []).append(switch)
    for pushes, switches in homes.items():
        rest = struck.rest(placed.block, pushes)
        if rest:
            yield Placed(rest, tuple(switches))
