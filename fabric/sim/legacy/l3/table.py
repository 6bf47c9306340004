"""The routing table of a device: what is connected, static routes and what EIGRP gives, and the best of them.

Lives here: Hop, Row, Table, the longest match. Must not know: packets, how protocols find their routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.fabric.protocols.eigrp.routes import Prefix


class Hop(NamedTuple):
    """One way: out of an interface, to a neighbour there; ``via`` None: to the target itself. ``interface`` None: to
    where the route to ``via`` leads. ``metric``: of this way."""

    interface: str | None
    via: int | None
    metric: int = 0


class Row(NamedTuple):
    """A route as IOS counts it: ``code`` C, L, S, D or D EX; lower distances win, then lower metrics."""

    code: str
    prefix: Prefix
    distance: int
    metric: int
    hops: tuple[Hop, ...]
    origin: int = 0
    """The autonomous system of the EIGRP process that gave it."""
    tag: int = 0


class Table:
    """Rows by prefix; ``since``: the instant of a row's last change, in microseconds."""

    def __init__(self) -> None:
        self.rows: dict[Prefix, Row] = {}
        self.since: dict[Prefix, int] = {}
        self._by_length: list[tuple[int, Mapping[int, Row]]] = []
        self._known: dict[int, Row | None] = {}

    def replace(self, candidates: Iterable[Row], now: int) -> bool:
        """Another set of routes, of which the best is taken for each prefix; whether that changes anything."""
        rows: dict[Prefix, Row] = {}
        for row in candidates:
            best = rows.get(row.prefix)
            if best is None or (row.distance, row.metric) < (best.distance, best.metric):
                rows[row.prefix] = row
        if rows == self.rows:
            return False
        self.since = {p: self.since[p] if self.rows.get(p) == row else now for p, row in rows.items()}
        self.rows = rows
        lengths: dict[int, dict[int, Row]] = {}
        for prefix, row in rows.items():
            lengths.setdefault(prefix.length, {})[prefix.address] = row
        self._by_length = sorted(lengths.items(), reverse=True)
        self._known.clear()
        return True

    def find(self, address: int) -> Row | None:
        """The route of the longest prefix in which an address lies."""
        if address in self._known:
            return self._known[address]
        found = None
        for length, rows in self._by_length:
            found = rows.get(address >> (32 - length) << (32 - length))
            if found is not None:
                break
        self._known[address] = found
        return found
