"""DUAL: how one prefix' routes are chosen without loops, and when neighbors must be asked first.

Lives here: the finite state machine of one prefix (RFC 7868 §3.5) and the feasibility condition (§3.2). It returns
what is to be sent; sending is not its business. Must not know: packets, time, interfaces' settings, other prefixes.

A neighbor may become successor without asking anybody if it offers the least cost of all and its own cost, as it
reported it, is less than our feasible distance: the least cost we have had since all neighbors were last asked. Such a
neighbor cannot lead back to us. Otherwise the prefix turns active: our cost is frozen, every neighbor is queried, and
we choose again when all have replied. The states of the query's origin are numbered as in RFC 7868 §3.5:

    0: went active by ourselves, and the successor's cost grew meanwhile    1: went active by ourselves
    2: the successor queried us, and its cost grew meanwhile                3: the successor queried us
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from clos.fabric.protocols.eigrp.metric import INFINITE, Vector
from clos.fabric.protocols.eigrp.routes import External, Prefix

NEIGHBOR, CONNECTED, SUMMARY, REDISTRIBUTED = range(4)
_LOCAL_ORDER = (CONNECTED, SUMMARY, REDISTRIBUTED)


class Source(NamedTuple):
    """Who offers a path: a neighbor on an interface, or (``address`` 0) this router itself."""

    interface: str
    address: int = 0
    kind: int = NEIGHBOR


class Path(NamedTuple):
    """What a source offers: the cost over it, the cost it reported itself, and what is passed on to others."""

    cost: int
    reported: int
    vector: Vector
    external: External | None = None


class Event(Enum):
    """What brought a path, or took it away."""

    UPDATE, QUERY, REPLY, LOST = range(4)


class Query(NamedTuple):
    """Ask this neighbor."""

    to: Source


class Reply(NamedTuple):
    """Answer this neighbor's query."""

    to: Source


class Changed(NamedTuple):
    """Successors or what is advertised may have changed: tell all neighbors, adapt the routing table."""


Action = Query | Reply | Changed


@dataclass(slots=True)
class Entry:
    """A prefix in the topology table. ``origin`` None: passive; else the state of the query's origin."""

    prefix: Prefix
    paths: dict[Source, Path] = field(default_factory=dict)
    feasible_distance: int = INFINITE
    successors: tuple[Source, ...] = ()
    origin: int | None = None
    awaited: set[Source] = field(default_factory=set)
    asked: set[Source] = field(default_factory=set)

    @property
    def passive(self) -> bool:
        return self.origin is None

    @property
    def best(self) -> Path | None:
        """The path that is advertised: of the first successor. While active it is that of the old one."""
        return self.paths.get(self.successors[0]) if self.successors else None

    def feasible_successors(self) -> tuple[Source, ...]:
        """Neighbors that may take over at once, the best first (RFC 7868 §3.4)."""
        able = [s for s, p in self.paths.items() if s not in self.successors and p.reported < self.feasible_distance]
        return tuple(sorted(able, key=lambda s: (self.paths[s].cost, s.address, s.interface)))

    def hear(self, source: Source, path: Path | None, event: Event, peers: Iterable[Source]) -> tuple[Action, ...]:
        """What an event makes of this prefix. ``path`` None: out of reach. ``peers``: who can be queried."""
        before = self._cost(source)
        if path is None:
            self.paths.pop(source, None)
        else:
            self.paths[source] = path
        if self.origin is None:
            return self._passive(source, event, frozenset(peers))
        return self._active(source, event, self._cost(source) > before, frozenset(peers))

    def _passive(self, source: Source, event: Event, peers: frozenset[Source]) -> tuple[Action, ...]:
        reply = (Reply(source),) if event is Event.QUERY else ()
        if self._feasible():
            self._settle()
            return (Changed(), *reply)
        by_successor = event is Event.QUERY and source in self.successors
        self.successors = self.successors[:1]
        self.origin = 3 if by_successor else 1
        self.asked = {source} if by_successor else set()
        return (*(() if by_successor else reply), *self._ask(peers))

    def _active(self, source: Source, event: Event, worse: bool, peers: frozenset[Source]) -> tuple[Action, ...]:
        actions: tuple[Action, ...] = ()
        if event in (Event.REPLY, Event.LOST):
            self.awaited.discard(source)
        if event is Event.LOST:
            self.asked.discard(source)
        from_successor = source in self.successors
        if event is Event.QUERY:
            if from_successor:
                self.origin = 3 if self.origin == 3 else 2
                self.asked.add(source)
            else:
                actions = (Reply(source),)
        elif from_successor and worse and event is not Event.REPLY:
            self.origin = {1: 0, 3: 2}.get(self.origin or 0, self.origin)
        return actions if self.awaited else (*actions, *self._finish(peers))

    def _ask(self, peers: frozenset[Source]) -> tuple[Action, ...]:
        """Queries to all but who asked us; without anybody to ask, the answer is there at once."""
        self.awaited = set(peers) - self.asked
        queries = tuple(Query(peer) for peer in sorted(self.awaited))
        return queries or self._finish(peers)

    def _finish(self, peers: frozenset[Source]) -> tuple[Action, ...]:
        """All have replied (RFC 7868 §3.5, events 13 to 15)."""
        if self.origin in (0, 2) and not self._feasible():
            self.origin = 1 if self.origin == 0 else 3
            return self._ask(peers)
        if self.origin in (1, 3):
            self.feasible_distance = INFINITE
        replies = tuple(Reply(asker) for asker in sorted(self.asked))
        self.origin, self.asked = None, set()
        self._settle()
        return (Changed(), *replies)

    def _cost(self, source: Source) -> int:
        return self.paths[source].cost if source in self.paths else INFINITE

    def _offers(self) -> dict[Source, Path]:
        """What is chosen among: this router's own path where there is one, else all neighbors'."""
        for kind in _LOCAL_ORDER:
            own = {s: p for s, p in self.paths.items() if s.kind == kind}
            if own:
                return own
        return self.paths

    def _feasible(self) -> bool:
        """Whether a source of the least cost meets the feasibility condition (RFC 7868 §3.2)."""
        offers = self._offers()
        if not offers:
            return self.feasible_distance == INFINITE
        least = min(p.cost for p in offers.values())
        return any(p.cost == least and self._meets(s, p) for s, p in offers.items())

    def _meets(self, source: Source, path: Path) -> bool:
        return source.kind != NEIGHBOR or path.reported < self.feasible_distance

    def _settle(self) -> None:
        """Choose the successors: all of the least cost that are feasible."""
        offers = self._offers()
        if not offers:
            self.successors, self.feasible_distance = (), INFINITE
            return
        least = min(p.cost for p in offers.values())
        equal = [s for s, p in offers.items() if p.cost == least and self._meets(s, p)]
        self.successors = tuple(sorted(equal, key=lambda s: (s.address, s.interface)))
        self.feasible_distance = min(self.feasible_distance, least)
