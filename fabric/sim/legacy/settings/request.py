"""A configuration line on its way into one block of the running configuration.

Lives here: the request and what comes of it, which every kind of line shares.
Must not know: the kinds of lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.modes import MODES
from clos.fabric.sim.legacy.tree import Line, Order, Path, Tree, block, edited


@dataclass(frozen=True, slots=True)
class Chassis:
    """``ports``: the device's physical interfaces, which no line makes. ``routed``: they never switch."""

    ports: frozenset[str]
    routed: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A matched line on its way into one block."""

    match: Match
    tree: Tree
    path: Path
    negated: bool
    chassis: Chassis

    @property
    def block(self) -> Tree:
        return block(self.tree, self.path)

    def kept(self, edit: Callable[[Tree], Tree]) -> Tree:
        return edited(self.tree, self.path, edit)

    def line(self, text: str, key: str, order: Order = ()) -> Line:
        mode = self.match.row.mode
        closing = MODES[mode].closing if mode else None
        return Line(text, key, (self.match.index, *order), closing=closing)


Result = tuple[Tree, str]
"""The configuration afterwards, and IOS' answer ("" for none)."""


def row_of(how: str) -> int:
    """Where the global mode's rows of this kind stand."""
    return next(at for at, row in enumerate(MODES["global"].table.rows) if row.how == how)
