"""What came of a packet at one switch, as values.

Lives here: the results of fabric.dataplane.step and how they read. Must not know: how they came about.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.dataplane.action import MAX_LEN_WHOLE
from clos.fabric.dataplane.rule import Rule
from clos.fabric.packet.build import Packet

NO_MATCH, ACTION, INVALID_TTL = 0, 1, 2
"""Why a packet goes to the controller (OFPR_*, §7.4.1)."""


class Emission(NamedTuple):
    """A packet leaving by a port that exists and is up."""

    port: int
    packet: Packet


class PacketIn(NamedTuple):
    """A packet for the controller. ``max_len``: bytes wanted; the caller decides on asynchronous configuration."""

    reason: int
    packet: Packet
    table: int
    cookie: int
    in_port: int
    metadata: int = 0
    tunnel_id: int = 0
    max_len: int = MAX_LEN_WHOLE


class Pick(NamedTuple):
    """A packet of ``octets`` bytes went into this group (bucket None), or through this bucket of it."""

    group: int
    bucket: int | None
    octets: int


class Hop(NamedTuple):
    """One table visited: the rule met (None: a miss) and what came of it besides the rule's own instructions."""

    table: int
    rule: Rule | None
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        did = "no rule matched" if self.rule is None else str(self.rule.instructions)
        return "; ".join((did, *self.notes))

    def __str__(self) -> str:
        if self.rule is None:
            return f"table {self.table}: {self.text}"
        return f"table {self.table} #{self.rule.priority} {self.rule.match} cookie {self.rule.cookie:#x}: {self.text}"


class Step(NamedTuple):
    """Everything one switch did with one packet. ``drops``: each reason a copy of it ended here."""

    emissions: tuple[Emission, ...]
    packet_ins: tuple[PacketIn, ...]
    trail: tuple[Hop, ...]
    picks: tuple[Pick, ...]
    drops: tuple[str, ...]

    @property
    def dropped(self) -> str | None:
        """Why nothing came of the packet; None when something did."""
        return None if self.emissions or self.packet_ins else "; ".join(self.drops) or "no action"
