"""The topology table: every prefix with its paths, this router's own ones among them, and what follows from a change.

Lives here: entries, local paths (connected, summaries, redistributed), paths from what neighbors offer, the routes for
the routing table. Must not know: packets, time, how neighbors are reached. Source: RFC 7868 §3.3, §5.4, §5.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clos.fabric.protocols.eigrp.advertise import installed, summary_path
from clos.fabric.protocols.eigrp.config import IN, Config, RouteChanged, TablePath
from clos.fabric.protocols.eigrp.dual import (
    CONNECTED,
    REDISTRIBUTED,
    SUMMARY,
    Action,
    Changed,
    Entry,
    Event,
    Path,
    Query,
    Reply,
    Source,
)
from clos.fabric.protocols.eigrp.metric import EXTERNAL, extended
from clos.fabric.protocols.eigrp.routes import Prefix, Route

_SUMMARY, _REDISTRIBUTED = Source("", 0, SUMMARY), Source("", 0, REDISTRIBUTED)


class Topology:
    """Entries by prefix. ``changed``: what was touched since ``settle`` was last called."""

    def __init__(self, config: Config) -> None:
        self.reconfigure(config)
        self.entries: dict[Prefix, Entry] = {}
        self.changed: set[Prefix] = set()
        self._table: dict[Prefix, RouteChanged] = {}

    @property
    def table(self) -> Mapping[Prefix, RouteChanged]:
        """What the routing table holds of this process, by prefix."""
        return {prefix: change for prefix, change in self._table.items() if change.paths}

    def reconfigure(self, config: Config) -> None:
        self.config = config
        self._links = {i.name: i.link for i in config.interfaces}

    def hear(
        self, prefix: Prefix, source: Source, path: Path | None, event: Event, peers: Iterable[Source]
    ) -> tuple[Query | Reply, ...]:
        """Let one prefix take an event; the queries and replies that follow."""
        entry = self.entries.setdefault(prefix, Entry(prefix))
        return self._sorted(prefix, entry.hear(source, path, event, peers))

    def _sorted(self, prefix: Prefix, actions: tuple[Action, ...]) -> tuple[Query | Reply, ...]:
        self.changed.add(prefix)
        return tuple(a for a in actions if not isinstance(a, Changed))

    def path(self, source: Source, route: Route) -> Path | None:
        """What a neighbor's route is worth here: None where it is out of reach, filtered, or our own come back."""
        config = self.config
        vector = extended(route.vector, self._links[source.interface])
        own = route.external is not None and route.external.router_id == config.router_id
        if own or not vector.reachable or not config.permits(IN, source.interface, route.prefix):
            return None
        outside = EXTERNAL if route.external is not None else 0
        cost = config.composite.metric(vector) + outside
        return Path(cost, config.composite.metric(route.vector) + outside, vector, route.external)

    def local(self, up: Iterable[str]) -> Iterator[tuple[Prefix, Source, Path]]:
        """This router's own paths but for summaries: networks of interfaces that are up, and redistributed ones."""
        running = frozenset(up)
        metric = self.config.composite.metric
        for interface in self.config.interfaces:
            if interface.name in running:
                for prefix in interface.prefixes:
                    source = Source(interface.name, 0, CONNECTED)
                    yield prefix, source, Path(metric(interface.link), 0, interface.link)
        for other in self.config.redistributed:
            cost = metric(other.vector) + EXTERNAL
            yield other.prefix, _REDISTRIBUTED, Path(cost, 0, other.vector, other.external)

    def summarize(self, up: Iterable[str], peers: Iterable[Source]) -> dict[Prefix, tuple[Query | Reply, ...]]:
        """Bring the summaries in line with their components; what follows, by prefix."""
        running = frozenset(up)
        wanted = {s for i in self.config.interfaces if i.name in running for s in i.summaries}
        had = {p for p, e in self.entries.items() if _SUMMARY in e.paths}
        actions = {}
        for summary in sorted(wanted | had):
            path = summary_path(self.config.composite, summary, self.entries.values()) if summary in wanted else None
            entry = self.entries.get(summary)
            if (entry.paths.get(_SUMMARY) if entry else None) != path:
                actions[summary] = self.hear(summary, _SUMMARY, path, Event.UPDATE, peers)
        return actions

    def settle(self) -> tuple[RouteChanged, ...]:
        """What changed in the routing table; entries without a path go."""
        effects = []
        for prefix in sorted(self.changed):
            entry = self.entries.get(prefix)
            if entry is not None and entry.passive and not entry.paths:
                del self.entries[prefix]
            route = self._route(prefix, entry)
            if route != self._table.get(prefix, RouteChanged(prefix, (), False)):
                effects.append(route)
                self._table[prefix] = route
            if not route.paths:
                self._table.pop(prefix, None)
        self.changed = set()
        return tuple(effects)

    def _route(self, prefix: Prefix, entry: Entry | None) -> RouteChanged:
        best = None if entry is None else entry.best
        if entry is None or best is None:
            return RouteChanged(prefix, (), False)
        if entry.successors[0] == _SUMMARY:
            metric = self.config.composite.in_table(self.config.composite.metric(best.vector))
            return RouteChanged(prefix, (TablePath("Null0", 0, metric),), False)
        paths = (TablePath(s.interface, s.address, m) for s, m in installed(self.config, entry).items())
        return RouteChanged(prefix, tuple(paths), best.external is not None)
