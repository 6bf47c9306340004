"""intent + topology -> ruleset. Pure, deterministic, incremental.

A compiled fabric remembers what each part was made of; compiling a changed intent on top of it makes again
only the parts, and within them the blocks, whose inputs changed. The result equals compiling afresh with the
same numbering, because a block is a function of its inputs alone.

Must not know: YAML, plans, sessions.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from clos.controller.compile.locate import Located, locate
from clos.controller.compile.numbering import Numbering, TenantNumbers, allocate, classes_of
from clos.controller.compile.recipe import NOTHING, Made, make
from clos.controller.compile.rules.egress_groups import NO_WAYS, Demand, PlacedGroups, demand, index_of, place
from clos.controller.compile.rules.egress_groups import PART as WAYS
from clos.controller.compile.rules.share import Side, concerned, pairs_of, share_recipes
from clos.controller.compile.rules.tenant import tenant_recipes
from clos.controller.compile.rules.underlay import PART, EgressGroup, egress_groups, fabric_part
from clos.controller.intent.model import Intent
from clos.fabric.dataplane.ruleset import Part, Ruleset
from clos.fabric.topology import Topology


@dataclass(frozen=True, slots=True)
class Compiled:
    """A ruleset, and what it was compiled from: pass it as ``previous`` to compile the next change quickly."""

    intent: Intent
    topology: Topology
    numbering: Numbering
    ruleset: Ruleset
    located: Mapping[str, tuple[Located, ...]]
    memo: Mapping[str, _Entry]
    known: tuple[EgressGroup, ...]
    ways: PlacedGroups


class _Entry(NamedTuple):
    """A compiled part, what it was made of, and the ways it needs."""

    inputs: tuple[Any, ...]
    made: Made
    demands: tuple[Demand, ...]


_NEVER = _Entry((), NOTHING, ())


def compile_fabric(
    intent: Intent, topology: Topology, numbering: Numbering | None = None, previous: Compiled | None = None
) -> Compiled:
    """The rules that make the fabric do what the intent says.

    ``numbering``: the numbers of the revision before (default: those of ``previous``, else none), so that an
    unchanged object keeps its rules. ``intent`` must have been checked against ``topology``.
    Raises CompileError when a limit of the pipeline is exceeded.
    """
    if previous is not None and (previous.topology is not topology and previous.topology != topology):
        numbering = previous.numbering if numbering is None else numbering
        previous = None
    before = numbering if numbering is not None else previous.numbering if previous else {}
    same = _unchanged(intent, previous, before)
    classes = {name: classes_of(tenant) for name, tenant in intent.tenants.items() if name not in same}
    numbers = allocate(intent, topology, before, classes)
    located = {
        name: previous.located[name]
        if previous and name in same and numbers[name] is previous.numbering[name]
        else locate(tenant, classes.get(name) or classes_of(tenant), numbers[name], topology)
        for name, tenant in intent.tenants.items()
    }
    with _no_collection():
        fabric = previous.ruleset.parts[PART] if previous else fabric_part(topology)
        known = previous.known if previous else egress_groups(topology)
        memo = _make_parts(intent, topology, numbers, located, previous)
        placed = _place_ways(topology, known, memo, previous)
    parts: dict[str, Part] = {PART: fabric, WAYS: placed.part}
    parts |= {name: entry.made.part for name, entry in memo.items()}
    return Compiled(intent, topology, numbers, Ruleset(topology.switches, parts), located, memo, known, placed)


def _place_ways(
    topology: Topology, known: tuple[EgressGroup, ...], memo: Mapping[str, _Entry], previous: Compiled | None
) -> PlacedGroups:
    """The egress groups that the parts demand; those of ``previous`` when they demand what they did."""
    if previous is not None:
        before = previous.memo
        same = memo.keys() == before.keys()
        if same and all(e is before[key] or e.demands == before[key].demands for key, e in memo.items()):
            return previous.ways
    demands = (demand for entry in memo.values() for demand in entry.demands)
    return place(known, demands, topology, index_of(topology), previous.ways if previous else NO_WAYS)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Building a million immutable values makes no cycles; looking for some would double the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unchanged(intent: Intent, previous: Compiled | None, before: Numbering) -> frozenset[str]:
    """Tenants that are what they were when ``before`` was allocated."""
    if previous is None or before is not previous.numbering:
        return frozenset()
    old = previous.intent.tenants
    return frozenset(
        name for name, tenant in intent.tenants.items() if name in old and (old[name] is tenant or old[name] == tenant)
    )


def _make_parts(
    intent: Intent,
    topology: Topology,
    numbers: Mapping[str, TenantNumbers],
    located: Mapping[str, tuple[Located, ...]],
    previous: Compiled | None,
) -> dict[str, _Entry]:
    """Parts by name, each with its inputs; a part whose inputs are the same is taken over whole."""
    sides = {name: Side(tenant, numbers[name], located[name]) for name, tenant in intent.tenants.items()}
    before = previous.memo if previous else {}
    index = index_of(topology)
    memo: dict[str, _Entry] = {}
    for name, side in sides.items():
        key = f"tenant/{name}"
        old = before.get(key, _NEVER)
        if _same(old.inputs, side):
            memo[key] = old
        else:
            recipes = tenant_recipes(side.tenant, side.located, side.numbers, topology)
            within = demand(side.located, side.located, index)
            memo[key] = _Entry(tuple(side), make(recipes, old.made), (within,))
    for (first, second), agreed in pairs_of(intent).items():
        key, inputs = f"share/{first}/{second}", (*sides[first], *sides[second])
        old = before.get(key, _NEVER)
        if _same(old.inputs[:-1], inputs) and old.inputs[-1] == agreed:
            memo[key] = old
        else:
            both = {first: sides[first], second: sides[second]}
            chosen = concerned(agreed, both)
            recipes = share_recipes(agreed, chosen, both, topology)
            one, two = chosen[first].located, chosen[second].located
            between = demand(one, two, index), demand(two, one, index)
            memo[key] = _Entry((*inputs, agreed), make(recipes, old.made), between)
    return memo


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    """Whether a part's inputs are the very objects they were; equal but distinct ones are built again, block
    by block, which finds every block unchanged."""
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
