"""A port of one tree: what is configured, what its machines remember, and the effects they ask for.

Lives here: values in and out, and the variables of clause 17.19 by their names in words. Must not know: transitions.
Timers are the moments at which they run out (§17.17 counts seconds down instead).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from clos.fabric.protocols.pvst.packet import Bpdu
from clos.fabric.protocols.pvst.vector import DEFAULT_TIMES, NO_VECTOR, Times, Vector, port_id

ROOT, DESIGNATED, ALTERNATE, BACKUP, DISABLED = "root", "designated", "alternate", "backup", "disabled"
"""Port roles (§17.7)."""
FORWARDING, LEARNING, LISTENING, BLOCKING, BROKEN = "forwarding", "learning", "listening", "blocking", "broken"
"""Port states as 802.1D-1998 names them; in 802.1D-2004 the last three are one, discarding (§17.5, table 17-1)."""
NOBODY, AGED, MINE, RECEIVED = range(4)
"""Where a port's priority vector comes from (``infoIs``, §17.19.10); NOBODY: the port is disabled."""
ROOT_GUARD, LOOP_GUARD = "root", "loop"
ROOT_INCONSISTENT, LOOP_INCONSISTENT, PVID_INCONSISTENT, TYPE_INCONSISTENT = (
    "Root_Inc",
    "Loop_Inc",
    "PVID_Inc",
    "TYPE_Inc",
)
"""Why a port is broken, in the words of ``show spanning-tree``."""


class PortConfig(NamedTuple):
    """A port as one tree's configuration has it. ``edge``: PortFast; ``guard``: ROOT_GUARD, LOOP_GUARD or None."""

    number: int
    cost: int
    priority: int = 128
    edge: bool = False
    guard: str | None = None
    point_to_point: bool = True

    @property
    def id(self) -> int:
        return port_id(self.priority, self.number)


class Send(NamedTuple):
    """Transmit this BPDU out of the port."""

    port: int
    bpdu: Bpdu


class Turn(NamedTuple):
    """The port has this role and this state from now on. ``inconsistent``: what broke it."""

    port: int
    role: str
    state: str
    inconsistent: str | None = None


class Flush(NamedTuple):
    """Forget the addresses learned at the port (§17.11)."""

    port: int


Effect = Send | Turn | Flush


@dataclass(slots=True)
class Port:
    """The variables of a port (§17.19). ``vector`` and ``times`` are portPriority and portTimes."""

    config: PortConfig
    id: int
    enabled: bool = False
    role: str = DISABLED
    selected_role: str = DISABLED
    info: int = NOBODY
    vector: Vector = NO_VECTOR
    times: Times = DEFAULT_TIMES
    designated_vector: Vector = NO_VECTOR
    designated_times: Times = DEFAULT_TIMES
    update: bool = False
    learn: bool = False
    forward: bool = False
    edge: bool = False
    agree: bool = False
    agreed: bool = False
    proposed: bool = False
    proposing: bool = False
    disputed: bool = False
    sync: bool = False
    synced: bool = False
    re_root: bool = False
    send_rapid: bool = True
    new_info: bool = False
    sent: int = 0
    broken: str | None = None
    tc_active: bool = False
    tc_learning: bool = False
    rcvd_tc: bool = False
    rcvd_tcn: bool = False
    rcvd_tc_ack: bool = False
    tc_prop: bool = False
    tc_ack: bool = False
    info_until: float = 0
    forward_delay_until: float = 0
    recent_root_until: float = 0
    recent_backup_until: float = 0
    migrate_until: float = 0
    tc_until: float = 0
    hello_at: float = 0
    sent_until: float = 0
    edge_delay_until: float = 0

    def shown(self) -> Turn:
        """Role, state and inconsistency as a person sees them: a guard shows its port as designated and broken."""
        number = self.config.number
        if self.role == DISABLED:
            return Turn(number, DISABLED, BLOCKING)
        if self.broken:
            return Turn(number, DESIGNATED, BROKEN, self.broken)
        if self.forward:
            state = FORWARDING
        elif self.learn:
            state = LEARNING
        else:
            state = LISTENING if self.role in (ROOT, DESIGNATED) else BLOCKING
        return Turn(number, self.role, state)

    def dues(self) -> tuple[float, ...]:
        """The moments at which a timer of this port may change something."""
        return (
            self.info_until,
            self.forward_delay_until,
            self.recent_root_until,
            self.recent_backup_until,
            self.tc_until,
            self.hello_at,
            self.sent_until,
            self.edge_delay_until,
        )
