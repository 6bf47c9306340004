"""Rules, group entries and meters: the three kinds of OpenFlow 1.3 state a switch holds.

Values only; their meaning is in fabric.dataplane.step. Source: OpenFlow 1.3.5 §5.2, §5.6, §5.7, §5.9.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.match import Match


class Instructions(NamedTuple):
    """What a matching rule does, in the order OpenFlow 1.3.5 §5.9 performs it.

    ``metadata``: (value, mask) of Write-Metadata; ``goto``: a higher table number.
    """

    meter: int | None = None
    apply: tuple[Action, ...] = ()
    clear: bool = False
    write: tuple[Action, ...] = ()
    metadata: tuple[int, int] | None = None
    goto: int | None = None

    def __str__(self) -> str:
        parts = []
        if self.meter is not None:
            parts.append(f"meter:{self.meter}")
        parts += [str(action) for action in self.apply]
        if self.clear:
            parts.append("clear_actions")
        if self.write:
            parts.append(f"write_actions({','.join(map(str, self.write))})")
        if self.metadata is not None:
            parts.append(f"write_metadata:{self.metadata[0]:#x}/{self.metadata[1]:#x}")
        if self.goto is not None:
            parts.append(f"goto_table:{self.goto}")
        return ",".join(parts) or "drop"


DROP = Instructions()
"""No instruction: the packet ends here and its action set is executed (empty: dropped)."""


class Rule(NamedTuple):
    """One flow entry. ``(table, priority, match)`` identifies it on a switch (OpenFlow 1.3.5 §5.2).

    ``cookie`` carries the intent that caused it; timeouts are seconds, 0 = none; ``flags`` are OFPFF_*.
    """

    table: int
    priority: int
    match: Match
    instructions: Instructions
    cookie: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    flags: int = 0

    @property
    def key(self) -> tuple[int, int, Match]:
        return self[:3]

    def __str__(self) -> str:
        return f"t{self.table}#{self.priority} {self.match} -> {self.instructions}"


ALL, SELECT, INDIRECT, FAST_FAILOVER = "all", "select", "indirect", "ff"
GROUP_TYPES = (ALL, SELECT, INDIRECT, FAST_FAILOVER)
"""Group types by their wire number 0..3 (OpenFlow 1.3.5 §7.3.4.2)."""


class Bucket(NamedTuple):
    """One action bucket: an action *set*. ``watch_port``/``watch_group`` None = not watched."""

    actions: tuple[Action, ...] = ()
    weight: int = 1
    watch_port: int | None = None
    watch_group: int | None = None

    def __str__(self) -> str:
        watched = f"watch_port:{self.watch_port}," if self.watch_port is not None else ""
        watched += f"watch_group:{self.watch_group}," if self.watch_group is not None else ""
        return f"bucket={watched}{','.join(map(str, self.actions)) or 'drop'}"


class GroupEntry(NamedTuple):
    """One group entry; ``type`` is one of GROUP_TYPES."""

    group: int
    type: str
    buckets: tuple[Bucket, ...]

    def __str__(self) -> str:
        return f"group {self.group} {self.type} {' '.join(map(str, self.buckets))}"


class Band(NamedTuple):
    """One meter band. ``rate`` and ``burst`` in the meter's unit; ``dscp_levels`` None = drop band."""

    rate: int
    burst: int = 0
    dscp_levels: int | None = None


class Meter(NamedTuple):
    """One meter; unit kb/s, or packets/s when ``packets`` (OpenFlow 1.3.5 §5.7)."""

    meter: int
    bands: tuple[Band, ...]
    packets: bool = False

    def __str__(self) -> str:
        unit = "pps" if self.packets else "kbps"
        return f"meter {self.meter} {' '.join(f'drop above {b.rate} {unit}' for b in self.bands)}"
