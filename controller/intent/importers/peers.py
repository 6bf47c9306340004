"""Cables and switches that stand beside the two tiers: peer links between leaves, out-of-band switches.

Lives here: finding them by the cabling alone, and leaving them out. Pure. Must not know: formats, files.
A cable is a peer link when it joins two switches of one tier that have a switch of the other tier in common. Where that
does not explain every cable within a tier, nothing is left out: then the network is no spine-leaf fabric.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from clos.controller.intent.importers.tiers import HOST, LEANING, SWITCH, Sketch, called

UP, DOWN = 1, -1
"""A spine's tier, and a leaf's."""


def without_peers(sketch: Sketch) -> tuple[Sketch, list[str]]:
    """The sketch without them, and a note for each; the same sketch when nothing had to be left out."""
    graph, attached = _graph(sketch)
    if nx.is_bipartite(graph):
        return sketch, []
    sure = {name: DOWN if name in attached else LEANING.get(called(sketch, name), 0) for name in graph}
    beside = [name for name in graph if _out_of_band(graph, name, sure)]
    notes = [f"{name} is left out with its cables: it is cabled to spines and leaves alike, as an out-of-band switch is"
             for name in beside]  # fmt: skip
    graph.remove_nodes_from(beside)
    cables = tuple(c for c in sketch.cables if c.a.node not in beside and c.b.node not in beside)
    sketch = sketch._replace(nodes={n: v for n, v in sketch.nodes.items() if n not in beside}, cables=cables)
    tiers = _tiers(graph, {name: sure[name] for name in graph})
    level = [(a, b) for a, b in graph.edges if tiers[a] == tiers[b]]
    if not any(sure.values()) or not all(_share(graph, a, b, tiers) for a, b in level):
        return sketch, notes
    pairs = {frozenset(pair) for pair in level}
    for a, b in sorted(tuple(sorted(pair)) for pair in level):
        between = [c for c in cables if {c.a.node, c.b.node} == {a, b}]
        ends = ", ".join(f"{c.a} - {c.b}" for c in between)
        what = "leaves" if tiers[a] == DOWN else "spines"
        notes.append(f"{a} and {b} are both {what}: what runs between them is left out, a peer link ({ends})")
    kept = tuple(c for c in cables if frozenset((c.a.node, c.b.node)) not in pairs)
    return sketch._replace(cables=kept), notes


def _graph(sketch: Sketch) -> tuple[nx.Graph[str], set[str]]:
    """The switches and what runs between them; and those with hosts."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(name for name, node in sketch.nodes.items() if node.kind == SWITCH)
    attached: set[str] = set()
    for cable in sketch.cables:
        a, b = cable.a.node, cable.b.node
        if a in graph and b in graph:
            graph.add_edge(a, b)
        else:
            attached |= {
                name for name in (a, b) if name in graph and HOST in (sketch.nodes[a].kind, sketch.nodes[b].kind)
            }
    return graph, attached


def _out_of_band(graph: nx.Graph[str], name: str, sure: Mapping[str, int]) -> bool:
    """Nobody says what it is, no host is on it, and it is cabled to a spine and two leaves at least."""
    around = [sure[other] for other in graph[name]]
    return sure[name] == 0 and UP in around and around.count(DOWN) >= 2


def _tiers(graph: nx.Graph[str], sure: Mapping[str, int]) -> dict[str, int]:
    """A tier for each switch: the sure ones keep theirs, the others go where fewest cables stay within a tier."""
    start = [name for name in graph if sure[name] == DOWN]
    depth = nx.multi_source_dijkstra_path_length(graph, start) if start else {}
    tiers = {name: sure[name] or (DOWN if name in depth and depth[name] % 2 == 0 else UP) for name in graph}
    moving = True
    while moving:
        moving = False
        for name in (name for name in graph if not sure[name]):
            if sum(tiers[name] * tiers[other] for other in graph[name]) > 0:
                tiers[name] = -tiers[name]
                moving = True
    return tiers


def _share(graph: nx.Graph[str], a: str, b: str, tiers: Mapping[str, int]) -> bool:
    return any(tiers[other] != tiers[a] for other in {*graph[a]} & {*graph[b]})
