"""A network that another tool describes, and which of its switches are spines, which leaves: guesses, and why.

Lives here: the sketch that readers of other formats make, and the guess. Pure. Must not know: formats, files.
What is no spine-leaf fabric is refused by naming what is in the way (``NotSpineLeaf``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import networkx as nx

from clos.fabric.topology import BORDER, LEAF, SPINE

SWITCH, HOST = "switch", "host"
MAX_PORT = 0xFFFFFF00
"""OpenFlow 1.3.5 §7.2.1: OFPP_MAX."""


class Node(NamedTuple):
    """``dpid`` and ``mac`` are 0 where nobody gave them. ``role``: what its maker calls it, perhaps a Clos role."""

    kind: str
    dpid: int = 0
    mac: int = 0
    role: str = ""


class Plug(NamedTuple):
    """One end of a cable: ``port`` 0 where the number is for us to choose; ``name``: what it is called there."""

    node: str
    port: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.node}:{self.name or self.port}" if self.name or self.port else self.node


class Cable(NamedTuple):
    """``speed`` in Mbit/s, ``latency`` in microseconds; 0 for the default."""

    a: Plug
    b: Plug
    speed: int = 0
    latency: int = 0

    @property
    def ends(self) -> tuple[Plug, Plug]:
        return self.a, self.b


class Sketch(NamedTuple):
    """What another tool's file says; ``notes``: what of it was passed over, and why."""

    name: str
    nodes: Mapping[str, Node]
    cables: tuple[Cable, ...]
    notes: tuple[str, ...] = ()


class NotSpineLeaf(Exception):
    """The network is no spine-leaf fabric. ``reasons``: each names what is in the way."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class NotReadable(NotSpineLeaf):
    """The file is not what it should be, whatever network it describes."""


def roles_of(sketch: Sketch) -> tuple[dict[str, str], list[str]]:
    """Spine, leaf or border by switch, and how each tier was told. Raises NotSpineLeaf."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(name for name, node in sketch.nodes.items() if node.kind == SWITCH)
    attached: dict[str, set[str]] = {}
    wrong: list[str] = []
    for cable in sketch.cables:
        kinds = [sketch.nodes[plug.node].kind for plug in cable.ends]
        ends = [plug.node for plug in cable.ends]
        if kinds == [SWITCH, SWITCH]:
            graph.add_edge(*ends)
        elif kinds == [HOST, HOST]:
            wrong.append(f"{ends[0]} and {ends[1]} are cabled to each other, and both are hosts")
        else:
            host, switch = ends if kinds[0] == HOST else ends[::-1]
            attached.setdefault(switch, set()).add(host)
    if wrong or not graph:
        raise NotSpineLeaf(wrong or ["there is no switch in it"])
    roles: dict[str, str] = {}
    notes: list[str] = []
    for part in nx.connected_components(graph):
        tiers = _tiers(graph.subgraph(part), attached)
        leaves, why = _leaf_tier(tiers, attached, sketch)
        notes += why
        roles |= {name: _named(sketch, name) if name in leaves else SPINE for name in part}
        notes += _doubts(graph.subgraph(part), sketch, leaves)
    return {name: roles[name] for name in sketch.nodes if name in roles}, notes


def _tiers(graph: nx.Graph[str], attached: Mapping[str, set[str]]) -> tuple[list[str], list[str]]:
    """The two sides between which every cable runs. Raises NotSpineLeaf: a ring, or the hosts that are in the way."""
    try:
        colour = nx.bipartite.color(graph)
    except nx.NetworkXError:
        ring = _odd_ring(graph)
        between = "in a spine-leaf fabric every cable between switches runs from a leaf to a spine"
        raise NotSpineLeaf([f"{', '.join(ring)} are cabled in a ring of {len(ring)}: {between}"]) from None
    sides = [name for name in graph if colour[name] == 0], [name for name in graph if colour[name] == 1]
    first, second = ([name for name in side if name in attached] for side in sides)
    if first and second:
        way = min((nx.shortest_path(graph, a, b) for a in first for b in second), key=len)
        a, b = way[0], way[-1]
        hosts = f"{min(attached[a])}, {min(attached[b])}"
        raise NotSpineLeaf([f"{a} and {b} both have hosts ({hosts}), so both are leaves, and yet {' - '.join(way)} "
                            "is a way from one to the other that no spine is the middle of"])  # fmt: skip
    if len(graph) == 1:
        (only,) = graph
        raise NotSpineLeaf([f"{only} is cabled to no other switch: a leaf needs a spine above it"])
    return sides


def _odd_ring(graph: nx.Graph[str]) -> list[str]:
    """An odd ring of switches, in a connected graph that has one: both ways up from a cable on one level."""
    ways = nx.single_source_shortest_path(graph, next(iter(graph)))
    a, b = next((ways[a], ways[b]) for a, b in graph.edges if (len(ways[a]) - len(ways[b])) % 2 == 0)
    fork = max(depth for depth, (one, two) in enumerate(zip(a, b, strict=False)) if one == two)
    return [*a[fork:], *reversed(b[fork + 1 :])]


def _leaf_tier(
    tiers: tuple[list[str], list[str]], attached: Mapping[str, set[str]], sketch: Sketch
) -> tuple[frozenset[str], list[str]]:
    """Which of the tiers is the leaves', and how that was told."""
    for tier in tiers:
        if any(name in attached for name in tier):
            bare = [name for name in tier if name not in attached]
            notes = [f"{', '.join(bare)}: no hosts, but cabled as leaves are: taken for leaves"] if bare else []
            return frozenset(tier), notes
    leaning = [sum(LEANING.get(called(sketch, name), 0) for name in tier) for tier in tiers]
    if leaning[0] != leaning[1]:
        tier = tiers[leaning.index(min(leaning))]
        return frozenset(tier), [f"{', '.join(tier)}: taken for leaves by their names; none has a host"]
    tier, other = sorted(tiers, key=len, reverse=True)
    sure = "there are more of them" if len(tier) != len(other) else "a guess: as many could be spines"
    return frozenset(tier), [
        f"{', '.join(tier)}: taken for leaves; no switch has a host ({sure}). Edit the roles if not so"
    ]


def _doubts(graph: nx.Graph[str], sketch: Sketch, leaves: frozenset[str]) -> list[str]:
    """Switches whose cables say another tier than their names, and spines that miss a leaf."""
    notes = []
    for name in graph:
        says = LEANING.get(called(sketch, name), 0)
        tier = LEAF if name in leaves else SPINE
        if says and (says < 0) != (name in leaves):
            notes.append(f"{name}: taken for a {tier} by its cables, though it is called a {called(sketch, name)}")
        elif name not in leaves and len(graph[name]) < len(leaves):
            notes.append(
                f"{name}: taken for a spine, though it has cables to {len(graph[name])} of {len(leaves)} leaves"
            )
    return notes


LEANING = {SPINE: 1, LEAF: -1, BORDER: -1}
"""What a name or a maker's word counts for: up for a spine, down for a leaf."""


def _named(sketch: Sketch, name: str) -> str:
    """A leaf's role: border where it is called so."""
    return BORDER if called(sketch, name) == BORDER else LEAF


def called(sketch: Sketch, name: str) -> str:
    """The role that a node's maker or its name gives it; empty for none."""
    words = f"{sketch.nodes[name].role} {name}".lower()
    return next((role for role in (SPINE, BORDER, LEAF) if role in words), "")
