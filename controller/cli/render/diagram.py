"""A fabric as text that other programs draw: DOT for Graphviz, Mermaid for Markdown.

Lives here: the two notations. Must not know: files, flags, rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from clos.fabric.topology import BORDER, SPINE, Topology

_SHAPE = {SPINE: 'fillcolor="#1f3a5f"', "leaf": 'fillcolor="#2f6690"', BORDER: 'fillcolor="#8a5a2b"'}


def dot(topology: Topology) -> str:
    """The fabric for Graphviz: one rank for spines, one for leaves, one for hosts; ports at the ends of edges."""
    return "\n".join(_dot(topology)) + "\n"


def _dot(topology: Topology) -> Iterator[str]:
    yield f'graph "{topology.name}" {{'
    yield '  rankdir=TB; ranksep=1.2; node [shape=box style="rounded,filled" fontcolor=white fontname=Helvetica];'
    for switches in (topology.spines, topology.leaves):
        names = " ".join(f'"{switch.name}"' for switch in switches)
        yield f"  {{ rank=same; {names} }}"
    yield from (f'  "{switch.name}" [{_SHAPE[switch.role]}];' for switch in topology.switches.values())
    yield from (f'  "{host}" [shape=plaintext style="" fontcolor=black];' for host in topology.hosts)
    for link in topology.links:
        upper, lower = (link.b, link.a) if topology.switches[link.b.switch].role == SPINE else (link.a, link.b)
        yield f'  "{upper.switch}" -- "{lower.switch}" [taillabel="{upper.port}" headlabel="{lower.port}"];'
    for host in topology.hosts.values():
        yield from (f'  "{port.switch}" -- "{host.name}" [taillabel="{port.port}"];' for port in host.ports)
    yield "}"


def mermaid(topology: Topology) -> str:
    """The fabric as a Mermaid flowchart."""
    return "\n".join(_mermaid(topology)) + "\n"


def _mermaid(topology: Topology) -> Iterator[str]:
    yield "flowchart TB"
    yield from (f"  {_id(switch.name)}[{switch.name}]" for switch in topology.switches.values())
    yield from (f"  {_id(host)}([{host}])" for host in topology.hosts)
    for link in topology.links:
        upper, lower = (link.b, link.a) if topology.switches[link.b.switch].role == SPINE else (link.a, link.b)
        yield f"  {_id(upper.switch)} --- {_id(lower.switch)}"
    for host in topology.hosts.values():
        yield from (f"  {_id(port.switch)} --- {_id(host.name)}" for port in host.ports)


def _id(name: str) -> str:
    """A name Mermaid takes as an identifier; distinct names stay distinct."""
    return "n_" + re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found.group()):x}_", name)
