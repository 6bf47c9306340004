"""Blocks by inputs: a block is built again only when what it is made of has changed.

Every compiled part is a list of recipes (key, inputs, where); this is what makes compiling incremental, and
why the result cannot differ from compiling afresh: a block is a function of its inputs and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from clos.fabric.dataplane.ruleset import Block, Part, Placed


class Recipe(NamedTuple):
    """How to make a block: ``build(*inputs)``, placed on ``switches``. ``inputs`` must be comparable values."""

    key: str
    build: Callable[..., Block]
    inputs: tuple[Any, ...]
    switches: tuple[str, ...]


class Made(NamedTuple):
    """A compiled part, and by key the inputs and the result of every recipe, empty ones too."""

    part: Part
    memo: Mapping[str, tuple[tuple[Any, ...], Placed]]


NOTHING = Made({}, {})


def make(recipes: Iterable[Recipe], before: Made = NOTHING) -> Made:
    """Build the part; take from ``before`` every block whose inputs are the same. Empty blocks are left out."""
    memo: dict[str, tuple[tuple[Any, ...], Placed]] = {}
    for key, build, inputs, switches in recipes:
        old = before.memo.get(key)
        if old is None or old[0] != inputs:
            memo[key] = inputs, Placed(build(*inputs), switches)
        elif old[1].switches != switches:
            memo[key] = inputs, Placed(old[1].block, switches)
        else:
            memo[key] = old
    part = {key: placed for key, (_, placed) in memo.items() if placed.block and placed.switches}
    return Made(part, memo)
