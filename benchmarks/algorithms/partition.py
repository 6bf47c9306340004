"""All points divided among boxes by rank: each box keeps what the boxes before leave it, as a decision diagram.

For lists whose remainders would take too many boxes to write down: a diagram holds them in memory that is known.
Lives here: the division and questions to it. Must not know: rules, fields, why boxes have their ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from clos.controller.analysis.bdd import Diagrams
from clos.controller.analysis.interval_boxes import Box

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction


class Partition:
    """What is left to each box by the boxes of lower rank. Boxes of equal rank leave each other everything.

    Raises ModuleNotFoundError: OxiDD is not installed; MemoryError: more nodes than ``diagrams.NODES``.
    """

    def __init__(self, boxes: Sequence[Box], ranks: Sequence[int]) -> None:
        sides = zip(*boxes, strict=True)
        self._diagrams = Diagrams(tuple((0, max(last for _, last in side)) for side in sides))
        self._left: list[BDDFunction] = [self._diagrams.nothing] * len(boxes)
        taken = self._diagrams.nothing
        order = sorted(range(len(boxes)), key=lambda number: ranks[number])
        for _, equals in groupby(order, key=lambda number: ranks[number]):
            before = taken
            for number in equals:
                points = self._diagrams.of(boxes[number])
                self._left[number] = points & ~before
                taken = taken | points

    def __len__(self) -> int:
        """How many boxes are left any point at all."""
        return sum(left.satisfiable() for left in self._left)

    def within(self, box: Box) -> list[int]:
        """Numbers of the boxes that keep some point of this one."""
        points = self._diagrams.of(box)
        return [number for number, left in enumerate(self._left) if (left & points).satisfiable()]

    def point(self, number: int, box: Box) -> tuple[int, ...] | None:
        """A point of this box that the numbered one keeps; None if it keeps none."""
        return self._diagrams.point(self._left[number] & self._diagrams.of(box))

    def nodes(self) -> int:
        """How many nodes that takes, each counted once however many boxes share it."""
        return self._diagrams.nodes()
