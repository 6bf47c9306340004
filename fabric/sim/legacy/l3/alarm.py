"""One pending call of a machine whose next deadline moves: the earliest one that was asked for rings."""

from __future__ import annotations

from collections.abc import Callable

from clos.fabric.sim.clock import Clock


class Alarm:
    """``rang`` is called at the instant set, in microseconds; whoever is called sets the next one."""

    __slots__ = ("_at", "_clock", "_rang")

    def __init__(self, clock: Clock, rang: Callable[[], object]) -> None:
        self._clock, self._rang = clock, rang
        self._at: int | None = None

    def set(self, due: int | None) -> None:
        """Ring at this instant, unless it rings before anyway."""
        if due is None or (self._at is not None and self._at <= due):
            return
        due = max(due, self._clock.now)
        self._at = due
        self._clock.at(due, lambda: self._ring(due))

    def _ring(self, due: int) -> None:
        if due == self._at:
            self._at = None
            self._rang()
