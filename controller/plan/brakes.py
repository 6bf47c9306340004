"""Brakes: plans that a person must ask for by name. Judges numbers only; sends and forbids nothing itself.

Whoever applies a plan refuses it while a brake holds whose flag was not given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from clos.controller.plan.change import ADD, DELETE, Plan
from clos.controller.plan.diff import diff
from clos.fabric.dataplane.ruleset import Part, Ruleset, SwitchState
from clos.fabric.topology import Topology

DELETE_PERCENT = 30
"""How much of the installed rules a plan may delete without being told to."""

CAPACITY = 1_000_000
"""Rules a switch holds where its capacity is not known."""

DELETE_TENANT = "delete-tenant="
"""Begins the names of the brakes that hold the deletion of one tenant; its name follows."""

UPLINK = "fabric"
"""Parts of a ruleset whose name starts so hold what the whole fabric stands on: spines, uplinks, egress groups."""


@dataclass(frozen=True, slots=True)
class Brake:
    """A refusal. ``count`` is what the plan does, ``limit`` what goes without ``flag``; ``switches``: where.

    ``str`` says what is refused, the numbers and how to go on.
    """

    name: str
    message: str
    count: int
    limit: int
    flag: str
    switches: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.message} (override: {self.flag})"


def brakes(
    plan: Plan,
    installed: Ruleset,
    desired: Ruleset,
    capacity: Mapping[str, int] | None = None,
    topology: Topology | None = None,
) -> tuple[Brake, ...]:
    """The brakes that hold ``plan = diff(installed, desired)``; none for a plan that changes nothing.

    ``capacity``: the most rules each switch holds; switches that are not named hold CAPACITY.
    ``topology``: says which switches are spines, all of whose rules are uplink rules.
    """
    if not plan:
        return ()
    found = (
        _deletes(plan, installed),
        _empty(installed, desired),
        _overflow(plan, installed, capacity or {}),
        _uplink(plan, installed, desired, topology),
    )
    return tuple(brake for brake in found if brake is not None)


def tenant_brakes(before: Iterable[str], now: Collection[str]) -> tuple[Brake, ...]:
    """A brake for each tenant that was there and is no more, however few rules it has: a file may be missing."""
    return tuple(
        Brake(
            f"{DELETE_TENANT}{name}",
            f"deletes tenant {name}, which is in none of the documents",
            1,
            0,
            f"--allow-{DELETE_TENANT}{name}",
        )
        for name in sorted(before)
        if name not in now
    )


def adoption_brake(seen: Mapping[str, SwitchState]) -> Brake | None:
    """Holds a first revision on switches that hold rules of Clos already: the store that knows them is elsewhere."""
    counts = {name: len(state.rules) for name, state in sorted(seen.items()) if state.rules}
    if not counts:
        return None
    total = sum(counts.values())
    switches = f"{len(counts):,} {'switch' if len(counts) == 1 else 'switches'}"
    where = f"{total:,} rules of Clos on {switches} ({_some(list(counts))})"
    message = f"replaces {where}, which no revision in the store accounts for: put their store back"
    return Brake("adopt", message, total, 0, "--allow-adopt", tuple(counts))


def holding(found: Collection[Brake], flags: Collection[str]) -> tuple[Brake, ...]:
    """The brakes that none of the given flags releases."""
    return tuple(brake for brake in found if brake.flag not in flags)


def _deletes(plan: Plan, installed: Ruleset) -> Brake | None:
    by_switch = _rules(plan, DELETE)
    count = by_switch.total()
    if _holds_at_least(installed, -(-count * 100 // DELETE_PERCENT)):
        return None
    had = _counts(installed).total()
    message = f"deletes {count:,} of {had:,} installed rules ({count / had:.0%}), more than {DELETE_PERCENT}%"
    return Brake("deletes", message, count, had * DELETE_PERCENT // 100, "--allow-deletes", tuple(sorted(by_switch)))


def _empty(installed: Ruleset, desired: Ruleset) -> Brake | None:
    if _holds_at_least(desired, 1) or not _holds_at_least(installed, 1):
        return None
    had = _counts(installed).total()
    message = f"deletes all {had:,} installed rules: the fabric would forward nothing"
    return Brake("empty", message, had, 0, "--allow-empty")


def _overflow(plan: Plan, installed: Ruleset, capacity: Mapping[str, int]) -> Brake | None:
    """Additions precede deletions, so for a moment a switch holds both the old rules and the new ones."""
    adds = _rules(plan, ADD)
    stored = _stored(installed)
    if all(stored + count <= capacity.get(switch, CAPACITY) for switch, count in adds.items()):
        return None  # not even a switch that held every rule of the fabric would overflow
    held = _counts(installed)
    peak = {switch: (held[switch] + adds[switch], capacity.get(switch, CAPACITY)) for switch in sorted(adds)}
    over = {switch: (count, limit) for switch, (count, limit) in peak.items() if count > limit}
    if not over:
        return None
    worst = max(over, key=lambda switch: over[switch][0] - over[switch][1])
    count, limit = over[worst]
    more = f"; {len(over) - 1} more switches overflow" if len(over) > 1 else ""
    message = f"needs room for {count:,} rules on {worst} while it runs, which holds {limit:,}{more}"
    return Brake("overflow", message, count, limit, "--allow-overflow", tuple(over))


def _uplink(plan: Plan, installed: Ruleset, desired: Ruleset, topology: Topology | None) -> Brake | None:
    if not _holds_at_least(installed, 1):
        return None  # the first install is all uplinks
    spines = frozenset(switch.name for switch in topology.spines) if topology else frozenset()
    fabric = _touched(diff(_fabric(installed), _fabric(desired)))
    everything = _touched(plan)
    changed = {s: n for s, n in fabric.items() if s not in spines} | {
        s: n for s, n in everything.items() if s in spines
    }
    count = sum(changed.values())
    if not count:
        return None
    message = f"changes {count:,} uplink entries on {len(changed):,} switches ({_some(sorted(changed))})"
    return Brake("uplink", message, count, 0, "--allow-uplink", tuple(sorted(changed)))


def _fabric(ruleset: Ruleset) -> Ruleset:
    parts = {name: part for name, part in ruleset.parts.items() if name.startswith(UPLINK)}
    return Ruleset(ruleset.switches, parts)


def _holds_at_least(ruleset: Ruleset, count: int) -> bool:
    """Whether the switches hold so many rules in all; looks no further than it must."""
    for block, switches in ruleset.placed():
        if count <= 0:
            break
        count -= len(block.rules) * len(switches)
    return count <= 0


_sizes: dict[int, tuple[Part, int]] = {}
"""Rules stored in each part of the ruleset last asked about, by the part's identity: most parts of the next one are
the same objects."""


def _stored(ruleset: Ruleset) -> int:
    """Rules in the ruleset's blocks, each counted once however many switches hold it."""
    global _sizes  # noqa: PLW0603 - replaced whole, so that threads see one or the other
    known = _sizes
    sizes = {id(part): known.get(id(part)) or (part, _size(part)) for part in ruleset.parts.values()}
    _sizes = sizes
    return sum(size for _, size in sizes.values())


def _size(part: Part) -> int:
    return sum(len(block.rules) for block, _ in part.values())


def _counts(ruleset: Ruleset) -> Counter[str]:
    """Rules on each switch."""
    shared: Counter[tuple[str, ...]] = Counter()
    for block, switches in ruleset.placed():
        shared[switches] += len(block.rules)
    return _spread(shared)


def _rules(plan: Plan, op: str) -> Counter[str]:
    """Rules that the plan adds, modifies or deletes on each switch."""
    shared: Counter[tuple[str, ...]] = Counter()
    for batch in plan.batches:
        for push in batch.pushes:
            if push.op == op and push.block.rules:
                shared[push.switches] += len(push.block.rules)
    return _spread(shared)


def _touched(plan: Plan) -> Counter[str]:
    """Entries of any kind that the plan changes on each switch."""
    shared: Counter[tuple[str, ...]] = Counter()
    for batch in plan.batches:
        for push in batch.pushes:
            shared[push.switches] += push.size
    return _spread(shared)


def _spread(shared: Counter[tuple[str, ...]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for switches, number in shared.items():
        for switch in switches:
            found[switch] += number
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
