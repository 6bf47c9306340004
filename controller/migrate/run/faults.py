"""How a run ends before its end. Each says what is in force, as far as it is known."""

from __future__ import annotations


class StepFailed(Exception):
    """A check does not hold, a line was refused, the controller refused: the phase is rolled back."""


class Stopped(Exception):
    """Somebody has to look: nothing more is done, there or back. ``known``: False: something could not be read."""

    def __init__(self, message: str, known: bool = True) -> None:
        super().__init__(message)
        self.known = known


class Conflict(Stopped):
    """Somebody else changed what the run relies on."""


class Paused(Exception):
    """The run was asked to stop here; everything begun is done."""
