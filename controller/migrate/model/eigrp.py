"""EIGRP on legacy devices: processes, interfaces, neighbors and topology tables.

Must not know: how any of it was read, how metrics and routes come about.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class EigrpInterface:
    """What an interface's configuration says of an EIGRP process (by its number), in classic or named mode."""

    hello_s: int | None = None
    hold_s: int | None = None
    passive: bool | None = None
    split_horizon: bool = True
    bandwidth_percent: int | None = None
    summaries: tuple[IPv4Network, ...] = ()
    authentication: str | None = None


@dataclass(frozen=True, slots=True)
class Redistribution:
    """``redistribute SOURCE [metric ...] [route-map ...]`` of an EIGRP process."""

    source: str
    """``connected``, ``static``, ``ospf 1``, ``bgp 65000``, ``eigrp 20``, ``rip``."""
    metric: tuple[int, int, int, int, int] | None = None
    """bandwidth kbit/s, delay tens of us, reliability, load, MTU."""
    route_map: str | None = None


@dataclass(frozen=True, slots=True)
class EigrpProcess:
    """One EIGRP autonomous system of a device and VRF, classic (``router eigrp AS``) or named mode."""

    asn: int
    vrf: str | None = None
    name: str | None = None
    """The name in named mode; None: classic."""
    router_id: IPv4Address | None = None
    networks: tuple[IPv4Network, ...] = ()
    passive_default: bool = False
    passive: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    """Interfaces that ``no passive-interface`` names."""
    k_values: tuple[int, ...] = (1, 0, 1, 0, 0)
    wide_metrics: bool = False
    rib_scale: int = 128
    auto_summary: bool = False
    stub: frozenset[str] | None = None
    """``connected``, ``summary``, ``static``, ``redistributed``, ``receive-only``; None: no stub."""
    variance: int = 1
    maximum_paths: int = 4
    distance: tuple[int, int] = (90, 170)
    default_metric: tuple[int, int, int, int, int] | None = None
    redistribute: tuple[Redistribution, ...] = ()
    distribute_lists: tuple[tuple[str, str, str | None], ...] = ()
    """(list, ``in`` or ``out``, interface)."""
    neighbors: tuple[tuple[IPv4Address, str], ...] = ()


class EigrpNeighbor(NamedTuple):
    """A row of ``show ip eigrp neighbors``; ``asn`` 0 where old layouts have no heading that names it."""

    asn: int
    vrf: str | None
    address: IPv4Address
    interface: str
    hold_s: int | None = None
    uptime: str | None = None
    name: str | None = None
    """Of the process, in named mode."""
    srtt_ms: int | None = None
    rto_ms: int | None = None
    queue: int | None = None
    sequence: int | None = None


class EigrpPath(NamedTuple):
    """One way to a prefix in ``show ip eigrp topology``; ``via`` None: connected, summary or redistributed."""

    via: IPv4Address | None
    interface: str | None
    distance: int
    reported: int


class EigrpTopologyEntry(NamedTuple):
    """A prefix of ``show ip eigrp topology``. ``state``: ``P`` passive, ``A`` active."""

    asn: int
    vrf: str | None
    prefix: IPv4Network
    state: str
    successors: int
    feasible_distance: int
    paths: tuple[EigrpPath, ...]


class EigrpInterfaceState(NamedTuple):
    """A row of ``show ip eigrp interfaces``; the timers only with ``detail``."""

    asn: int
    vrf: str | None
    interface: str
    peers: int
    srtt_ms: int = 0
    multicast_flow_timer: int = 0
    pending_routes: int = 0
    hello_s: int | None = None
    hold_s: int | None = None
    split_horizon: bool | None = None
