"""One spanning tree over the whole network: who is root, which way everybody goes to it, and each port's role.

Lives here: the tree as shortest paths in the order of priority vectors, over numbers. Must not know: devices'
configurations, VLANs, and the protocol's machines, which the tests compare this with.

A bridge takes the least of all roots it can hear of, and of the ways there the least by cost, designated bridge,
designated port and own port (IEEE 802.1D-2004 §17.5, §17.6). A port with root guard hears of no root. As costs are
positive, that is a shortest path from each root, the least root first, over bridges that no lesser one has reached.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

ROOT, DESIGNATED, ALTERNATE, BACKUP, GUARDED = "root", "designated", "alternate", "backup", "guarded"
"""Roles; GUARDED: root guard blocks a port that hears of something better than it has to say."""


class TreePort(NamedTuple):
    """A port in the tree. ``id``: priority and number; ``assumed``: the number is not known."""

    bridge: str
    name: str
    cost: int
    id: int
    root_guard: bool = False
    assumed: bool = False


class Path(NamedTuple):
    """A bridge's way to its root. ``port`` None: it is the root. ``hops``: bridges on the way."""

    root: str
    cost: int
    port: TreePort | None
    hops: int


class Solved(NamedTuple):
    """The tree. ``roles``: of the ends of each link; ``ties``: ports whose number is assumed, and decided something."""

    paths: Mapping[str, Path]
    roles: Sequence[tuple[str, str]]
    ties: frozenset[TreePort]


Link = tuple[TreePort, TreePort]
_Wave = tuple[int, int, int, int, TreePort, TreePort]
"""Cost, designated bridge, designated port, own port; then the ports as values: sender, receiver."""


def solve(bridges: Mapping[str, int], links: Sequence[Link]) -> Solved:
    """The tree of bridges (identifiers by name) over links between their ports; each port is in one link at most."""
    at: dict[str, list[Link]] = {name: [] for name in bridges}
    for link in links:
        at[link[0].bridge].append(link)
        at[link[1].bridge].append((link[1], link[0]))
    paths: dict[str, Path] = {}
    ties: set[TreePort] = set()
    for root in sorted(bridges, key=bridges.__getitem__):
        if root not in paths:
            paths[root] = Path(root, 0, None, 0)
            _spread(root, bridges, at, paths, ties)
    roles = _roles(bridges, links, paths, ties)
    return Solved(paths, roles, frozenset(ties))


def _spread(
    root: str, bridges: Mapping[str, int], at: Mapping[str, list[Link]], paths: dict[str, Path], ties: set[TreePort]
) -> None:
    """Take every bridge that hears of this root, and of none better, on its best way."""
    waves: list[_Wave] = []
    best: dict[str, _Wave] = {}

    def offer(bridge: str, cost: int) -> None:
        for sender, receiver in at[bridge]:
            if receiver.bridge in paths or receiver.root_guard:
                continue
            wave = (cost + receiver.cost, bridges[bridge], sender.id, receiver.id, sender, receiver)
            heapq.heappush(waves, wave)

    offer(root, 0)
    while waves:
        wave = heapq.heappop(waves)
        cost, _, _, _, sender, receiver = wave
        if receiver.bridge in paths:
            _tie(best[receiver.bridge], wave, ties) if receiver.bridge in best else None
            continue
        best[receiver.bridge] = wave
        paths[receiver.bridge] = Path(root, cost, receiver, paths[sender.bridge].hops + 1)
        offer(receiver.bridge, cost)


def _tie(best: _Wave, other: _Wave, ties: set[TreePort]) -> None:
    """Note the ports whose assumed numbers alone made one way better than the other."""
    if best[:2] != other[:2] or best[2] >> 12 != other[2] >> 12:
        return
    if best[4].assumed or other[4].assumed:
        ties |= {best[4], other[4]}


def _roles(
    bridges: Mapping[str, int], links: Iterable[Link], paths: Mapping[str, Path], ties: set[TreePort]
) -> list[tuple[str, str]]:
    """The better end of each link is designated; the other is a root port, or blocks."""
    said = {name: (bridges[path.root], path.cost, bridges[name]) for name, path in paths.items()}
    roles: list[tuple[str, str]] = []
    for a, b in links:
        first, second = said[a.bridge], said[b.bridge]
        if first == second:  # two ports of one bridge
            first, second = (*first, a.id), (*second, b.id)  # type: ignore[assignment]
            if a.assumed or b.assumed:
                ties |= {a, b}
        if first < second:
            roles.append((DESIGNATED, _lesser(paths[b.bridge].port, b, a)))
        else:
            roles.append((_lesser(paths[a.bridge].port, a, b), DESIGNATED))
    return roles


def _lesser(root_port: TreePort | None, port: TreePort, better: TreePort) -> str:
    """The role of a port at whose other end a better one is."""
    if root_port is port or root_port == port:
        return ROOT
    if port.bridge == better.bridge:
        return BACKUP
    return GUARDED if port.root_guard else ALTERNATE
