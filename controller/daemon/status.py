"""What the daemon answers: values for people and programs. Must not know: JSON, HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from clos.controller.cluster.cluster import ClusterReport
from clos.controller.daemon.switches.inventory import Fault
from clos.controller.plan import Counts
from clos.controller.wire.apply import Progress


class Proving(NamedTuple):
    """The state after batch ``number`` of ``batches`` is being proved, and that takes a while. Nothing is sent yet."""

    number: int
    batches: int
    batch: str


class Begun(NamedTuple):
    """A change is recorded and its first message is about to leave. ``offline``: switches that get it on joining."""

    revision: int
    batches: int
    switches: int
    offline: tuple[str, ...] = ()


class TakingBack(NamedTuple):
    """A change has failed, and what was sent of it is being taken back."""

    revision: int
    reason: str


Step = Proving | Begun | Progress | TakingBack
"""What a change tells while it runs."""


NONE = Counts()


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that is done: ``revision`` is what the fabric holds.

    ``changed``: whether that is a new revision; ``entries``: entries confirmed by switches, in ``seconds``.
    ``offline``: switches that will get the difference when they join. ``proof``: PROVED, UNPROVEN, or empty when
    nothing changed; ``proof_text``: a sentence about it; ``proof_seconds``: what finding it took; ``not_proved``: what
    the proof does not speak of, in sentences. ``drifted``: switches that held other entries than they should have.
    """

    revision: int
    changed: bool
    counts: Counts = NONE
    entries: int = 0
    seconds: float = 0.0
    offline: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()
    proof: str = ""
    proof_text: str = ""
    proof_seconds: float = 0.0
    not_proved: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """One switch read back and compared: entries ``missing``, ``changed`` and ``unexpected`` (ours), and foreign ones.

    ``error``: why it could not be read, else empty.
    """

    switch: str
    missing: int = 0
    changed: int = 0
    unexpected: int = 0
    foreign: tuple[str, ...] = ()
    error: str = ""

    @property
    def in_line(self) -> bool:
        return not (self.missing or self.changed or self.unexpected or self.foreign or self.error)


@dataclass(frozen=True, slots=True)
class SwitchReport:
    """One switch. ``state``: in line, out of line, offline; ``problem`` says why when it is not in line."""

    name: str
    role: str
    dpid: int
    connected: bool
    in_line: bool
    since: str
    foreign: int
    problem: str


@dataclass(frozen=True, slots=True)
class Status:
    """The daemon at this moment. ``pending``: a revision whose apply was interrupted and is being recovered.

    ``doing``: the change under way, else empty; ``topology_changed``: the topology file is not the one in force;
    ``recompiled``: another version of Clos made the rules in force; ``miscabled``: links that are not as designed.
    ``cluster``: of several controllers, who leads; None: there is one.
    """

    revision: int
    pending: int | None
    doing: str
    topology: str
    topology_changed: bool
    recompiled: bool
    started: str
    openflow: tuple[str, int]
    switches: tuple[SwitchReport, ...] = ()
    strangers: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = field(default=())
    miscabled: int = 0
    cluster: ClusterReport | None = None

    @property
    def expected(self) -> int:
        return len(self.switches)

    @property
    def connected(self) -> int:
        return sum(switch.connected for switch in self.switches)

    @property
    def in_line(self) -> int:
        return sum(switch.in_line for switch in self.switches)

    @property
    def foreign(self) -> int:
        return sum(switch.foreign for switch in self.switches)
