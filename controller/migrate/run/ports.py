"""What a run acts through: the fabric by its controller, hands that move cables, probes. Devices are in ``device``.

Lives here: protocols and their errors. Must not know: who implements them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from clos.controller.migrate.plan.model import Plug, Speakers
    from clos.controller.migrate.run.losses import PairLoss
    from clos.controller.migrate.run.seen import FabricState, Json


class Applied(NamedTuple):
    """The fabric after a change. ``proof``: ``proved``, ``unproven``, or empty where nothing changed."""

    revision: int
    changed: bool
    proof: str = ""
    text: str = ""


class FabricRefused(Exception):
    """The controller refused; nothing has changed. ``allow``: names that would let it pass."""

    def __init__(self, message: str, allow: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.allow = tuple(allow)


class FabricLost(Exception):
    """The controller does not answer, or ended under way: what the fabric holds is not known."""


class Fabric(Protocol):
    """The fabric. All raise FabricLost; changes raise FabricRefused."""

    def state(self) -> FabricState: ...
    def apply(self, intents: Path, topology: Path, why: str, allow: tuple[str, ...]) -> Applied: ...
    def back(self, revision: int, why: str) -> Applied: ...
    def speak(self, speakers: Speakers) -> None: ...
    def heard(self) -> Json: ...
    def hits(self) -> Json: ...


class Hands(Protocol):
    """Somebody, or in a simulation something, that moves a cable. False: it was not moved."""

    def move(self, plug: Plug, back: bool) -> bool: ...


class Probes(Protocol):
    """Packets between hosts throughout. ``losses`` None: none are sent."""

    def begin(self) -> None: ...
    def losses(self) -> tuple[PairLoss, ...] | None: ...
    def reaches(self, a: str, b: str) -> bool | None: ...


class NoProbes:
    """Where nothing sends probes: it says so, and claims nothing."""

    def begin(self) -> None:
        """Nothing."""

    def losses(self) -> tuple[PairLoss, ...] | None:
        return None

    def reaches(self, a: str, b: str) -> bool | None:
        return None
