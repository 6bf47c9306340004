"""What a router says of a prefix on an interface: split horizon, stubs, summaries, distribute lists.

Lives here: the decision, as a function of configuration and topology table. Must not know: packets, neighbors' state,
when anything is sent. Source: RFC 7868 §5.3.5 (stubs), §5.5.1 (summaries), §5.2 (split horizon).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clos.fabric.protocols.eigrp.config import OUT, Config, Interface
from clos.fabric.protocols.eigrp.dual import CONNECTED, NEIGHBOR, SUMMARY, Entry, Path, Source
from clos.fabric.protocols.eigrp.metric import INFINITE, UNREACHABLE, Composite
from clos.fabric.protocols.eigrp.packet import STUB_FLAGS
from clos.fabric.protocols.eigrp.routes import CONNECTED as REDISTRIBUTED_CONNECTED
from clos.fabric.protocols.eigrp.routes import STATIC, Prefix, Route


def advertisement(config: Config, interface: Interface, prefix: Prefix, entry: Entry | None) -> Route:
    """The route that neighbors on the interface shall have; unreachable where they shall have none."""
    path = None if entry is None else entry.best
    nothing = Route(prefix, UNREACHABLE)
    if entry is None or path is None:
        return nothing
    source = entry.successors[0]
    hidden = (
        _summarized(interface, prefix)
        or (source.kind == SUMMARY and prefix not in interface.summaries)
        or (interface.split_horizon and any(s.interface == interface.name for s in entry.successors))
        or not _stub_permits(config.stub, source, path)
        or not config.permits(OUT, interface.name, prefix)
        or not path.vector.reachable
    )
    return nothing if hidden else Route(prefix, path.vector, path.external)


def summary_path(composite: Composite, summary: Prefix, entries: Iterable[Entry]) -> Path | None:
    """The path of a summary: the vector of its best component; None without any (RFC 7868 §5.5.1)."""
    best: Path | None = None
    for entry in entries:
        path = entry.best
        if path is None or entry.prefix == summary or entry.successors[0].kind == SUMMARY:
            continue
        if not summary.covers(entry.prefix):
            continue
        if best is None or _order(composite, path) < _order(composite, best):
            best = path
    return None if best is None else Path(composite.metric(best.vector), 0, best.vector)


def installed(config: Config, entry: Entry) -> Mapping[Source, int]:
    """The sources that the routing table uses, with their metrics: successors, and by variance feasible successors."""
    if not entry.successors or entry.best is None or entry.successors[0].kind != NEIGHBOR:
        return {}
    best = entry.best
    able = [s for s in entry.successors if s in entry.paths]
    if entry.passive and config.variance > 1:
        limit = config.variance * config.composite.metric(best.vector)
        for source in entry.feasible_successors():
            path = entry.paths[source]
            alike = (path.external is None) == (best.external is None)
            if alike and config.composite.metric(path.vector) <= limit:
                able.append(source)
    metrics = {s: config.composite.in_table(config.composite.metric(entry.paths[s].vector)) for s in able}
    return dict(list(metrics.items())[: config.maximum_paths])


def _order(composite: Composite, path: Path) -> tuple[int, tuple[int, ...]]:
    """The best component's rank: its metric, then its vector, so that the choice never depends on order."""
    return composite.metric(path.vector) if path.vector.reachable else INFINITE, tuple(path.vector)


def _summarized(interface: Interface, prefix: Prefix) -> bool:
    return any(s.covers(prefix) and s != prefix for s in interface.summaries)


def _stub_permits(stub: int | None, source: Source, path: Path) -> bool:
    """A stub router passes on nothing it learned, and of its own what its flags name (RFC 7868 §5.3.5)."""
    if stub is None:
        return True
    if source.kind == NEIGHBOR or stub & STUB_FLAGS["receive-only"]:
        return False
    if source.kind in (CONNECTED, SUMMARY):
        return bool(stub & STUB_FLAGS["connected" if source.kind == CONNECTED else "summary"])
    bits = STUB_FLAGS["redistributed"]
    if path.external is not None and path.external.protocol == STATIC:
        bits |= STUB_FLAGS["static"]
    if path.external is not None and path.external.protocol == REDISTRIBUTED_CONNECTED:
        bits |= STUB_FLAGS["connected"]
    return bool(stub & bits)
