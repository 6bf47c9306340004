"""Cables that are plugged the wrong way round."""

from __future__ import annotations

from dataclasses import replace

from clos.fabric.topology import Link, Topology


def swapped(topology: Topology, one: int = 0, two: int = 3) -> Topology:
    """The spines' ends of two links exchanged, as when somebody plugs two cables the wrong way round."""
    links = list(topology.links)
    a, b = links[one], links[two]
    links[one], links[two] = Link(a.a, b.b), Link(b.a, a.b)
    return replace(topology, links=tuple(links))
