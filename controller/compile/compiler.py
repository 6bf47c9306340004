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
from typing import Any

from controller.compile.base import PART, fabric_part
from controller.compile.block import NOTHING, Made, make
from controller.compile.locate import Located, locate
from controller.compile.numbering import Numbering, TenantNumbers, allocate, classes_of
from controller.compile.share import Side, pairs_of, share_recipes
from controller.compile.tenant import tenant_recipes
from controller.intent.model import Intent
from fabric.ruleset import Part, Ruleset
from fabric.topology import Topology


@dataclass(frozen=True, slots=True)
class Compiled:
    """A ruleset, and what it was compiled from: pass it as ``previous`` to compile the next change quickly."""

    intent: Intent
    topology: Topology
    numbering: Numbering
    ruleset: Ruleset
    located: Mapping[str, tuple[Located, ...]]
    memo: Mapping[str, tuple[tuple[Any, ...], Made]]


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
    parts: dict[str, Part] = {PART: previous.ruleset.parts[PART] if previous else fabric_part(topology)}
    with _no_collection():
        memo = _make_parts(intent, topology, numbers, located, previous)
    parts |= {name: made.part for name, (_, made) in memo.items()}
    return Compiled(intent, topology, numbers, Ruleset(topology.switches, parts), located, memo)


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
) -> dict[str, tuple[tuple[Any, ...], Made]]:
    """Parts by name, each with its inputs; a part whose inputs are the same is taken over whole."""
    sides = {name: Side(tenant, numbers[name], located[name]) for name, tenant in intent.tenants.items()}
    memo: dict[str, tuple[tuple[Any, ...], Made]] = {}
    for name, side in sides.items():
        old_inputs, old = _before(previous, f"tenant/{name}")
        if _same(old_inputs, side):
            memo[f"tenant/{name}"] = old_inputs, old
        else:
            recipes = tenant_recipes(side.tenant, side.located, side.numbers, topology)
            memo[f"tenant/{name}"] = tuple(side), make(recipes, old)
    for (first, second), agreed in pairs_of(intent).items():
        key, inputs = f"share/{first}/{second}", (*sides[first], *sides[second], agreed)
        old_inputs, old = _before(previous, key)
        if _same(old_inputs[:-1], inputs[:-1]) and old_inputs[-1] == agreed:
            memo[key] = old_inputs, old
        else:
            both = {first: sides[first], second: sides[second]}
            memo[key] = inputs, make(share_recipes(agreed, both, topology), old)
    return memo


def _before(previous: Compiled | None, key: str) -> tuple[tuple[Any, ...], Made]:
    return previous.memo.get(key, ((), NOTHING)) if previous else ((), NOTHING)


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    """Whether a part's inputs are the very objects they were; equal but distinct ones are built again, block
    by block, which finds every block unchanged."""
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
