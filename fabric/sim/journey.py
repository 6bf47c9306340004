"""Journeys: what became of a packet, over all its copies and everything it caused.

Lives here: the record. Must not know: hosts, links, how a packet is forwarded.
A journey ends when none of its copies is in flight any more, so a lost packet is known to be lost at that
instant, with the reason, and nobody waits for a time-out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Hop(NamedTuple):
    """One switch's handling of one copy: ``steps`` are (table, rule, what it did) as text, in order."""

    at: int
    switch: str
    in_port: int
    steps: tuple[str, ...]
    out: tuple[int, ...]

    def __str__(self) -> str:
        ports = ", ".join(map(str, self.out)) or "nothing"
        return f"{self.switch} in {self.in_port}: {'; '.join(self.steps) or 'no table'} => out {ports}"


class Crossed(Protocol):
    """A cable: ``epoch`` grows with each break."""

    epoch: int


class Deciding(Protocol):
    """What decides which way packets go: ``version`` grows whenever it may decide otherwise than before."""

    @property
    def version(self) -> int: ...


@dataclass(slots=True, eq=False)
class Trail:
    """Which way the one copy of a packet went, for who wants to know whether the next one will go the same way.

    ``whole``: it is known, and there was one copy only; ``cables``: those it crossed, with their epochs; ``by``: what
    decided, with its version then; ``counts``: called for each packet that goes this way, as what it passed counts."""

    whole: bool = True
    cables: list[tuple[Crossed, int]] = field(default_factory=list)
    by: list[tuple[Deciding, int]] = field(default_factory=list)
    counts: list[Callable[[], object]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Journey:
    """The record of one packet, or of one flow of packets.

    ``hops`` is None where nobody wants the trace. ``drops`` counts (place, reason). ``punts`` counts packet-ins.
    ``ended`` is called each time the last copy has landed. ``budget``: switches that all copies may still visit, so
    that a storm ends.
    """

    ended: Callable[[], object] | None = None
    hops: list[Hop] | None = None
    drops: Counter[tuple[str, str]] = field(default_factory=Counter)
    punts: int = 0
    flying: int = 0
    budget: int = 10_000
    trail: Trail | None = None

    def depart(self) -> None:
        """One more copy is under way (or is held by somebody who will send or drop it)."""
        self.flying += 1

    def land(self) -> None:
        """One copy less is under way."""
        self.flying -= 1
        if not self.flying and self.ended is not None:
            self.ended()

    def drop(self, where: str, why: str) -> None:
        """Say that a copy got lost; ``land`` is still due."""
        self.drops[where, why] += 1

    def why(self) -> str:
        """Where and why copies were lost, as one line; empty where none was."""
        texts = [f"{why} at {where}" + (f" ({n} times)" if n > 1 else "") for (where, why), n in self.drops.items()]
        if self.punts:
            texts.append("sent to the controller")
        return "; ".join(texts)
