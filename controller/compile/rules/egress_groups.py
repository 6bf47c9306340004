"""Which leaf needs a way to which node: a leaf holds egress groups only for nodes it has something to send to.

In a large fabric most leaves never talk to most others; groups for all of them would be leaves² in number.
Sets of leaves are bit masks here, so that every demand of a fabric is summed up anew in a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.controller.compile.locate import Located
from clos.controller.compile.rules.underlay import EgressGroup
from clos.fabric.dataplane.ruleset import Part, Placed
from clos.fabric.topology import Topology

PART = "ways"

Demand = tuple[int, tuple[str, ...]]
"""(mask of leaves, nodes): each of the leaves may send to each of the nodes."""


def index_of(topology: Topology) -> dict[str, int]:
    """The bit of every leaf."""
    return {leaf.name: 1 << number for number, leaf in enumerate(topology.leaves)}


def demand(senders: Iterable[Located], targets: Iterable[Located], index: Mapping[str, int]) -> Demand:
    """What these senders' leaves need to reach these targets."""
    mask = 0
    for one in senders:
        for port in one.ports:
            mask |= index[port.switch]
    return mask, tuple({one.node: None for one in targets})


class PlacedGroups(NamedTuple):
    """The part with the egress groups in demand; ``masks``: the leaves that hold each, by key."""

    part: Part
    masks: Mapping[str, int]


NO_WAYS = PlacedGroups({}, {})


def place(
    known: tuple[EgressGroup, ...],
    demands: Iterable[Demand],
    topology: Topology,
    index: Mapping[str, int],
    before: PlacedGroups,
) -> PlacedGroups:
    """The ways in demand, each on the leaves that want it; ``before`` itself when nothing changed."""
    wanted = dict.fromkeys(topology.nodes, 0)
    for pair in topology.pairs.values():
        for leaf, other in (pair.leaves, pair.leaves[::-1]):
            wanted[leaf] |= index[other]
    for mask, nodes in demands:
        for node in nodes:
            wanted[node] |= mask
    part: dict[str, Placed] = {}
    masks: dict[str, int] = {}
    for way in known:
        mask = masks[way.key] = wanted[way.node]
        if before.masks.get(way.key) == mask:
            placed = before.part.get(way.key)
        else:
            switches = tuple(leaf for leaf in way.leaves if index[leaf] & mask)
            placed = Placed(way.block, switches) if switches else None
        if placed is not None:
            part[way.key] = placed
    return before if masks == before.masks else PlacedGroups(part, masks)
