"""Spanning trees of legacy devices: configuration, and the trees as devices see them.

Must not know: how any of it was read, how trees come about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PVST, RAPID_PVST, MST, IEEE = "pvst", "rapid-pvst", "mst", "ieee"
"""Spanning-tree modes; IEEE: one plain 802.1D tree."""


ROOT, DESIGNATED, ALTERNATE, BACKUP, MASTER, DISABLED = (
    "root",
    "designated",
    "alternate",
    "backup",
    "master",
    "disabled",
)
"""Roles of a port in a spanning tree (IEEE 802.1D-2004 §17.7); MASTER: an MST boundary's."""


FORWARDING, LEARNING, LISTENING, BLOCKING, BROKEN = "forwarding", "learning", "listening", "blocking", "broken"
"""States of a port in a spanning tree; BROKEN: held by a guard (IOS prints ``BKN*``)."""


@dataclass(frozen=True, slots=True)
class StpPortConfig:
    """What a port's configuration says of spanning trees; by VLAN where IOS has it by VLAN (key 0: all VLANs)."""

    costs: Mapping[int, int] = field(default_factory=dict)
    priorities: Mapping[int, int] = field(default_factory=dict)
    portfast: str | None = None
    """``edge``, ``trunk``, ``network``, ``disable``; None: as the device's default says."""
    bpdu_guard: bool | None = None
    bpdu_filter: bool | None = None
    guard: str | None = None
    """``root``, ``loop``, ``none``; None: as the device's default says."""
    link_type: str | None = None


class StpPort(NamedTuple):
    """A port of one tree as ``show spanning-tree`` has it. ``inconsistent``: the guard's words, ``Root_Inc``."""

    name: str
    role: str
    state: str
    cost: int
    priority: int
    number: int
    link_type: str = ""
    edge: bool = False
    inconsistent: str | None = None


@dataclass(frozen=True, slots=True)
class StpTree:
    """One tree as a device sees it: of a VLAN (PVST+), or of an MST instance."""

    vlan: int
    """The VLAN; with MST the instance."""
    protocol: str
    """``ieee`` (PVST+), ``rstp`` (rapid PVST+), ``mstp``."""
    root_priority: int
    """With the VLAN in it (system id extension), as IOS prints it."""
    root_mac: int
    bridge_priority: int
    bridge_mac: int
    root_cost: int = 0
    root_port: str | None = None
    """None: this bridge is the root."""
    ports: tuple[StpPort, ...] = ()

    @property
    def is_root(self) -> bool:
        return (self.root_priority, self.root_mac) == (self.bridge_priority, self.bridge_mac)


@dataclass(frozen=True, slots=True)
class StpConfig:
    """What a configuration says of spanning trees beyond single ports."""

    mode: str = PVST
    long_costs: bool = False
    priorities: Mapping[int, int] = field(default_factory=dict)
    """By VLAN (MST: instance), without the system id extension; what is not named has 32768."""
    portfast_default: bool = False
    bpdu_guard_default: bool = False
    bpdu_filter_default: bool = False
    loop_guard_default: bool = False
    disabled: frozenset[int] = frozenset()
    """VLANs without a tree (``no spanning-tree vlan``)."""
    mst_instances: Mapping[int, frozenset[int]] = field(default_factory=dict)
    mst_name: str = ""
    mst_revision: int = 0
