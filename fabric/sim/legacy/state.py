"""What a device shows of its protocols: the values that the outputs of ``show`` are rendered from.

Lives here: frozen values, and Machines, the interface by which whoever runs the protocols on a device gives them.
Must not know: packets, state machines, layouts.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple, Protocol


class StpPort(NamedTuple):
    """A port of one tree. ``role``: root, designated, alternate, backup, disabled; ``state``: forwarding, learning,
    listening, blocking, broken; ``inconsistent``: why it is broken, in IOS' letters (``ROOT_Inc``)."""

    name: str
    role: str
    state: str
    cost: int
    priority: int
    number: int
    link_type: str = "P2p"
    edge: bool = False
    inconsistent: str | None = None
    designated_root: tuple[int, int] = (0, 0)
    designated_bridge: tuple[int, int] = (0, 0)
    designated_port: tuple[int, int] = (0, 0)
    designated_cost: int = 0
    transitions: int = 0
    sent: int = 0
    received: int = 0


class StpTree(NamedTuple):
    """One tree. Bridge identifiers: (priority with the VLAN in it, MAC). ``protocol``: ieee, rstp, mstp."""

    vlan: int
    protocol: str
    root: tuple[int, int]
    bridge: tuple[int, int]
    root_cost: int
    root_port: str | None
    ports: tuple[StpPort, ...]
    changes: int = 0
    """Topology changes so far."""
    changed_s: int = 0
    """Seconds since the last one."""
    changed_from: str | None = None
    timers: tuple[int, int, int] = (2, 20, 15)
    """Hello time, maximum age, forward delay of the root, in seconds."""


class HsrpGroup(NamedTuple):
    """A group of an interface. ``state``: Active, Standby, Listen, Speak, Learn, Init."""

    interface: str
    group: int
    version: int
    state: str
    address: IPv4Address
    active: IPv4Address | None
    """None: unknown; the device's own address where it is the active one itself."""
    standby: IPv4Address | None
    local: IPv4Address
    priority: int
    configured_priority: int
    preempt: bool
    virtual_mac: int
    hello_ms: int = 3000
    hold_ms: int = 10000
    next_hello_ms: int = 0
    changes: int = 0
    changed_s: int = 0
    secondaries: tuple[IPv4Address, ...] = ()
    name: str | None = None
    active_priority: int | None = None
    standby_priority: int | None = None
    preempt_delay_s: int = 0
    tracks: tuple[tuple[str, int, bool], ...] = ()
    """What is tracked: the object, what the priority loses by it, whether it is up."""
    authentication: str | None = None
    """``MD5``, or None: by text."""
    text: str | None = None


class EigrpNeighbor(NamedTuple):
    """A neighbour; times in seconds and milliseconds."""

    handle: int
    address: IPv4Address
    interface: str
    hold_s: int
    uptime_s: int
    srtt_ms: int
    rto_ms: int
    queue: int
    sequence: int
    prefixes: int = 0
    stub: bool = False


class EigrpPath(NamedTuple):
    """One way to a prefix. ``via`` None: ``Connected``, ``Summary``, ``Rstatic`` and the like stand in ``source``."""

    via: IPv4Address | None
    interface: str | None
    distance: int
    reported: int
    source: str = ""


class EigrpPrefix(NamedTuple):
    """A prefix of the topology table. ``active``: a query for it is out."""

    prefix: IPv4Network
    active: bool
    successors: int
    feasible_distance: int
    paths: tuple[EigrpPath, ...]
    tag: int | None = None
    others: tuple[EigrpPath, ...] = ()
    """Paths that are neither successors nor feasible ones: shown only where all links are asked for."""


class EigrpInterface(NamedTuple):
    """An interface that a process speaks at."""

    name: str
    peers: int
    srtt_ms: int
    pacing_ms: tuple[int, int]
    flow_timer_ms: int
    pending: int
    hello_s: int = 5
    hold_s: int = 15
    split_horizon: bool = True
    authentication: str | None = None


class EigrpProcess(NamedTuple):
    """A process as it runs. ``name``: of named mode."""

    asn: int
    name: str | None
    router_id: IPv4Address
    neighbors: tuple[EigrpNeighbor, ...]
    interfaces: tuple[EigrpInterface, ...]
    topology: tuple[EigrpPrefix, ...]
    weights: tuple[int, ...] = (1, 0, 1, 0, 0, 0)
    variance: int = 1
    maximum_paths: int = 4
    distances: tuple[int, int] = (90, 170)
    stub: bool = False


class Route(NamedTuple):
    """A route in use. ``code``: ``C``, ``L``, ``S``, ``D``, ``D EX``; ``default``: it is the candidate default."""

    code: str
    prefix: IPv4Network
    via: IPv4Address | None
    interface: str | None
    distance: int = 0
    metric: int = 0
    age_s: int = 0
    default: bool = False
    tag: int | None = None


class MacEntry(NamedTuple):
    vlan: int
    mac: int
    port: str
    static: bool = False


class ArpEntry(NamedTuple):
    """``age_min`` None: the device's own address. ``mac`` None: no answer yet."""

    address: IPv4Address
    mac: int | None
    interface: str
    age_min: int | None


class Machines(Protocol):
    """What runs on a device. A method answers None where nobody runs that protocol here: then the command of its
    output is one that the device does not have."""

    def trees(self) -> tuple[StpTree, ...] | None: ...
    def hsrp(self) -> tuple[HsrpGroup, ...] | None: ...
    def eigrp(self) -> tuple[EigrpProcess, ...] | None: ...
    def routes(self) -> tuple[Route, ...] | None: ...
    def macs(self) -> tuple[MacEntry, ...] | None: ...
    def arp(self) -> tuple[ArpEntry, ...] | None: ...
    def hits(self, name: str) -> Mapping[str, int]:
        """How often each entry of an access list was met, by its number."""

    def works(self, name: str) -> bool | None:
        """Whether an interface of a VLAN is up; None: it has no address, and nobody looks at its trees."""

    def cleared(self, what: str) -> None:
        """``clear mac address-table``, ``arp`` or ``counters`` (of access lists)."""

    def reconfigured(self) -> None:
        """The device's configuration, its links or its power changed."""


class NoMachines:
    """A device on which nothing runs yet."""

    def trees(self) -> tuple[StpTree, ...] | None:
        return None

    def hsrp(self) -> tuple[HsrpGroup, ...] | None:
        return None

    def eigrp(self) -> tuple[EigrpProcess, ...] | None:
        return None

    def routes(self) -> tuple[Route, ...] | None:
        return None

    def macs(self) -> tuple[MacEntry, ...] | None:
        return None

    def arp(self) -> tuple[ArpEntry, ...] | None:
        return None

    def hits(self, name: str) -> Mapping[str, int]:
        return {}

    def works(self, name: str) -> bool | None:
        return None

    def cleared(self, what: str) -> None:
        return None

    def reconfigured(self) -> None:
        return None
