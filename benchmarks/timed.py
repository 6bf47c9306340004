"""Timing a piece of work over rounds: seconds on the wall, and seconds of this process alone.

On a machine with other work going on the second moves less, so ratios are of processor time.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

Made = TypeVar("Made")


class Times(NamedTuple):
    """Seconds of each round."""

    wall: tuple[float, ...]
    processor: tuple[float, ...]

    def __str__(self) -> str:
        wall = f"min {_shown(min(self.wall))}, median {_shown(statistics.median(self.wall))}"
        return f"{wall}; processor min {_shown(min(self.processor))}"

    def over(self, other: Times) -> str:
        """How many times the other's processor time this took."""
        return f"{min(self.processor) / min(other.processor):.2f} x"


def timed(work: Callable[[], Made], rounds: int) -> tuple[Made, Times]:
    """What the work gives in the end, and its times. Cyclic garbage of the round before is collected outside it."""
    wall, processor = [], []
    for _ in range(rounds):
        gc.collect()
        start, began = time.perf_counter(), time.process_time()
        made = work()
        processor.append(time.process_time() - began)
        wall.append(time.perf_counter() - start)
    return made, Times(tuple(wall), tuple(processor))


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"
