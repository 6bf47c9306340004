"""EIGRP of a whole network at once: what every router will have as routes, successors and feasible successors.

Lives here: the stable state that EIGRP reaches from a start with nothing (RFC 7868 §3), as a fixed point over all
processes, without messages, timers or DUAL's states. Must not know: the protocol's machine (``fabric.protocols``).

Each process has, for each prefix, the paths that its neighbors offer (``_offered``) and those of its own. It prefers
its own, then internal routes to external ones, then the least metric; a path is feasible if what the neighbor reports
is less than that metric. What changes makes neighbors, summaries and redistribution look again, until nothing does.
After a failure a router's feasible distance may be lower than the metric it then has: this predicts the network as
started.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from clos.controller.migrate.model import Network
from clos.controller.migrate.predict.eigrp_links import Adjacency, Key, Speaker, adjacencies, speakers
from clos.controller.migrate.predict.eigrp_metrics import Figures
from clos.controller.migrate.predict.eigrp_policy import NotUnderstood, list_permits
from clos.controller.migrate.predict.eigrp_redistribution import Origin, Redistributor

CONNECTED, SUMMARY, REDISTRIBUTED, LEARNED = "connected", "summary", "redistributed", "learned"
_OWN = (CONNECTED, SUMMARY, REDISTRIBUTED)
_HOP_LIMIT = 100


class Path(NamedTuple):
    """One way to a prefix. ``via`` None: the router's own."""

    kind: str
    interface: str
    via: IPv4Address | None
    device: str
    distance: int
    reported: int
    figures: Figures
    origin: Origin | None = None
    """Where it was redistributed; None: internal."""

    @property
    def rank(self) -> tuple[bool, int]:
        return self.origin is not None, self.distance


class Entry(NamedTuple):
    """A prefix in a process' topology table, settled."""

    key: Key
    prefix: IPv4Network
    distance: int
    successors: tuple[Path, ...]
    feasible: tuple[Path, ...]
    others: tuple[Path, ...]

    @property
    def external(self) -> bool:
        return self.successors[0].origin is not None

    @property
    def paths(self) -> tuple[Path, ...]:
        return (*self.successors, *self.feasible, *self.others)


class EigrpRoute(NamedTuple):
    """A route for the routing table. ``code``: ``D`` or ``D EX``; ``paths``: next hop, interface and metric."""

    device: str
    vrf: str
    asn: int
    prefix: IPv4Network
    code: str
    preference: int
    paths: tuple[tuple[IPv4Address | None, str, int], ...]


@dataclass(frozen=True, slots=True)
class EigrpPrediction:
    """What will be, and what stands in the way of saying so (``problems``)."""

    entries: tuple[Entry, ...]
    routes: tuple[EigrpRoute, ...]
    neighbors: tuple[tuple[Key, Adjacency], ...]
    problems: tuple[str, ...]


def predict_eigrp(network: Network) -> EigrpPrediction:
    """The EIGRP routes of every device of a network."""
    state = _State(network)
    state.settle()
    entries = tuple(state.entries[key] for key in sorted(state.entries))
    neighbors = tuple((key, link) for key in sorted(state.links) for link in state.links[key])
    routes = tuple(route for entry in entries if (route := state.route(entry)) is not None)
    return EigrpPrediction(entries, routes, neighbors, tuple(sorted(set(state.problems))))


class _State:
    """The fixed point under way: settled entries, and which of them have to be worked out again."""

    def __init__(self, network: Network) -> None:
        self.speakers = speakers(network)
        self.links, self.problems = adjacencies(network, self.speakers)
        self.entries: dict[tuple[Key, IPv4Network], Entry] = {}
        self.redistribution = Redistributor(network, self.speakers)
        self.problems += self.redistribution.problems
        self._known: dict[Key, set[IPv4Network]] = defaultdict(set)
        self._turns: dict[tuple[Key, IPv4Network], int] = defaultdict(int)
        self._due: deque[tuple[Key, IPv4Network]] = deque()

    def settle(self) -> None:
        """Work out what is due until nothing is; a prefix that never settles is named and left."""
        for key, speaker in self.speakers.items():
            if speaker.process.auto_summary:
                self.problems.append(f"{key.device}: EIGRP {key.asn} summarizes by class, which is not predicted")
            for prefix in {n for port in speaker.ports for n in port.networks} | self.redistribution.prefixes(key):
                self._due.append((key, prefix))
        most = 50 * _HOP_LIMIT  # what outlives its origin on the way counts its hops up to the limit, and goes
        while self._due:
            at = self._due.popleft()
            self._turns[at] += 1
            if self._turns[at] > most:
                self.problems.append(f"{at[0].device}: EIGRP {at[0].asn} does not settle for {at[1]}")
                continue
            entry = self._entry(*at)
            if entry != self.entries.get(at):
                if entry is None:
                    del self.entries[at]
                else:
                    self.entries[at] = entry
                    self._known[at[0]].add(at[1])
                self._due.extend(self._concerned(*at))

    def route(self, entry: Entry) -> EigrpRoute | None:
        """The entry as the routing table has it; None where another protocol's route is preferred."""
        speaker = self.speakers[entry.key]
        first = entry.successors[0]
        if first.kind in (CONNECTED, REDISTRIBUTED) or not self._wins(entry):
            return None
        process, metric = speaker.process, speaker.metric
        limit = process.variance * entry.distance
        spread = process.variance > 1 and first.kind == LEARNED
        more = [p for p in entry.feasible if spread and p.distance <= limit]
        used = [*entry.successors, *(p for p in more if (p.origin is None) == (first.origin is None))]
        paths = tuple((p.via, p.interface, metric.in_table(p.distance)) for p in used[: process.maximum_paths])
        code, preference = ("D EX", process.distance[1]) if entry.external else ("D", process.distance[0])
        key = entry.key
        if first.kind == SUMMARY:
            preference = 5
        return EigrpRoute(key.device, key.vrf, key.asn, entry.prefix, code, preference, paths)

    def _wins(self, entry: Entry) -> bool:
        """Whether the routing table takes this entry rather than another source's route."""
        return self.redistribution.winner(entry.key, entry.prefix, self.entries) == entry.key

    def _entry(self, key: Key, prefix: IPv4Network) -> Entry | None:
        paths = [*self._own(key, prefix), *self._offered(key, prefix)]
        choice = next((own for kind in _OWN if (own := [p for p in paths if p.kind == kind])), paths)
        if not choice:
            return None
        least = min(p.rank for p in choice)
        successors = tuple(p for p in choice if p.rank == least)
        rest = sorted((p for p in paths if p not in successors), key=lambda p: (p.rank, p.via or IPv4Address(0)))
        feasible = tuple(p for p in rest if (p.origin is not None, p.reported) < least)
        return Entry(key, prefix, least[1], successors, feasible, tuple(p for p in rest if p not in feasible))

    def _own(self, key: Key, prefix: IPv4Network) -> Iterator[Path]:
        """Connected networks, the summary if a component exists, what is redistributed."""
        speaker = self.speakers[key]
        for port in speaker.ports:
            if prefix in port.networks:
                yield Path(CONNECTED, port.name, None, key.device, speaker.metric.of(port.figures), 0, port.figures)
        if any(prefix in port.settings.summaries for port in speaker.ports):
            parts = [self.entries.get((key, p)) for p in self._known[key] if p != prefix and p.subnet_of(prefix)]
            best = min(
                (
                    (speaker.metric.of(e.successors[0].figures), e.successors[0].figures)
                    for e in parts
                    if e is not None and e.successors[0].kind != SUMMARY
                ),
                default=None,
            )
            if best is not None:
                yield Path(SUMMARY, "Null0", None, key.device, best[0], 0, best[1])
        for figures, origin in self.redistribution.offered(key, prefix, self.entries):
            yield Path(REDISTRIBUTED, "", None, key.device, speaker.metric.of(figures), 0, figures, origin)

    def _offered(self, key: Key, prefix: IPv4Network) -> Iterator[Path]:
        """What neighbors say of a prefix, as this process sees it."""
        speaker = self.speakers[key]
        for port, neighbor, far in self.links[key]:
            entry = self.entries.get((neighbor, prefix))
            if entry is None or not self._says(self.speakers[neighbor], far.name, entry):
                continue
            told = entry.successors[0]
            wide = speaker.metric.wide and self.speakers[neighbor].metric.wide
            heard = told.figures if wide else told.figures.classic()
            figures = heard.over(port.figures)
            own = told.origin is not None and told.origin.router_id == speaker.router_id
            if own or figures.hops > _HOP_LIMIT or not self._permits(speaker, "in", port.name, prefix):
                continue
            distance, reported = speaker.metric.of(figures), speaker.metric.of(heard)
            yield Path(LEARNED, port.name, far.address.ip, neighbor.device, distance, reported, figures, told.origin)

    def _says(self, speaker: Speaker, interface: str, entry: Entry) -> bool:
        """Whether a process advertises an entry on one of its interfaces."""
        port = next(p for p in speaker.ports if p.name == interface)
        prefix, first = entry.prefix, entry.successors[0]
        if any(prefix != s and prefix.subnet_of(s) for s in port.settings.summaries):
            return False
        if first.kind == SUMMARY and prefix not in port.settings.summaries:
            return False
        if port.settings.split_horizon and any(p.interface == interface for p in entry.successors):
            return False
        return _stub_says(speaker.process.stub, first) and self._permits(speaker, "out", interface, prefix)

    def _permits(self, speaker: Speaker, direction: str, interface: str, prefix: IPv4Network) -> bool:
        for name, way, where in speaker.process.distribute_lists:
            if way != direction or where not in (None, interface):
                continue
            try:
                if not list_permits(speaker.device, name, prefix):
                    return False
            except NotUnderstood as problem:
                self.problems.append(f"{problem} is not understood: taken as denying {prefix}")
                return False
        return True

    def _concerned(self, key: Key, prefix: IPv4Network) -> Iterator[tuple[Key, IPv4Network]]:
        """Whose entries depend on this one."""
        for link in self.links[key]:
            yield link.neighbor, prefix
        for summary in {s for port in self.speakers[key].ports for s in port.settings.summaries}:
            if summary != prefix and prefix.subnet_of(summary):
                yield key, summary
        for other in self.redistribution.targets(key):
            yield other, prefix


def _stub_says(stub: frozenset[str] | None, first: Path) -> bool:
    """What a stub router still advertises: of its own, by the words of ``eigrp stub``."""
    if stub is None:
        return True
    if first.kind == LEARNED or "receive-only" in stub:
        return False
    if first.kind in (CONNECTED, SUMMARY):
        return first.kind in stub
    protocol = first.origin.protocol if first.origin is not None else ""
    return "redistributed" in stub or (protocol in ("static", "connected") and protocol in stub)
