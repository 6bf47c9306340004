"""What an EIGRP process is configured with, and what it asks its surroundings to do.

Lives here: configuration and effects as values. Must not know: how any of it works. Times are in milliseconds,
addresses are integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from clos.fabric.protocols.eigrp.authentication import Authentication
from clos.fabric.protocols.eigrp.metric import Composite, Vector
from clos.fabric.protocols.eigrp.routes import External, Prefix

IN, OUT = "in", "out"
_DEFAULT = Composite()


class FilterLine(NamedTuple):
    """A line of a distribute list: networks whose address agrees where ``mask`` has ones, with such a length."""

    permit: bool
    address: int
    mask: int
    shortest: int = 0
    longest: int = 32

    def matches(self, prefix: Prefix) -> bool:
        return prefix.address & self.mask == self.address & self.mask and self.shortest <= prefix.length <= self.longest


class Filter(NamedTuple):
    """A distribute list, of one interface or of all (None). What no line matches is denied."""

    direction: str
    lines: tuple[FilterLine, ...]
    interface: str | None = None

    def permits(self, prefix: Prefix) -> bool:
        return next((line.permit for line in self.lines if line.matches(prefix)), False)


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that EIGRP runs on. ``link``: what it adds to a route; ``prefixes``: its networks, own ones first.

    ``address`` 0 with ``passive``: a loopback or stub network where no hello is sent.
    """

    name: str
    address: int
    prefixes: tuple[Prefix, ...]
    link: Vector
    passive: bool = False
    split_horizon: bool = True
    summaries: tuple[Prefix, ...] = ()
    hello_ms: int = 5_000
    hold_ms: int = 15_000
    authentication: Authentication | None = None


class Redistributed(NamedTuple):
    """A route of another protocol that this process advertises."""

    prefix: Prefix
    vector: Vector
    external: External


@dataclass(frozen=True, slots=True)
class Config:
    """One process. ``stub``: bits of ``packet.STUB_FLAGS``; None: no stub."""

    asn: int
    router_id: int
    interfaces: tuple[Interface, ...] = ()
    composite: Composite = _DEFAULT
    stub: int | None = None
    filters: tuple[Filter, ...] = ()
    redistributed: tuple[Redistributed, ...] = ()
    variance: int = 1
    maximum_paths: int = 4
    active_ms: int = 180_000
    """How long a query may stay unanswered; half of it after which the neighbor is asked whether it still works."""

    def permits(self, direction: str, interface: str, prefix: Prefix) -> bool:
        """Whether the distribute lists of this direction let the prefix pass at the interface."""
        lists = (f for f in self.filters if f.direction == direction and f.interface in (None, interface))
        return all(f.permits(prefix) for f in lists)


class Send(NamedTuple):
    """Send ``data`` as the payload of IP protocol 88. ``destination``: a neighbor, or 224.0.0.10."""

    interface: str
    destination: int
    data: bytes


class TablePath(NamedTuple):
    """One way of a route for the routing table. ``next_hop`` 0: to be discarded (a summary)."""

    interface: str
    next_hop: int
    metric: int


class RouteChanged(NamedTuple):
    """The routing table shall hold these ways to the prefix; none: EIGRP has no route there any more."""

    prefix: Prefix
    paths: tuple[TablePath, ...]
    external: bool


class NeighborUp(NamedTuple):
    """An adjacency is complete."""

    interface: str
    address: int


class NeighborDown(NamedTuple):
    """An adjacency is gone, and why."""

    interface: str
    address: int
    reason: str


class Refused(NamedTuple):
    """A packet changed nothing, and why."""

    interface: str
    source: int
    reason: str


Effect = Send | RouteChanged | NeighborUp | NeighborDown | Refused
