"""containerlab's topology files as sketches.

Lives here: what of such a file says who is cabled to whom. Must not know: who is a spine.
Source: containerlab's topology definition file (`topology.nodes`, `links`, `kinds`, `groups`, `defaults`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from controller.intent.source import Text
from controller.intent.tiers import HOST, SWITCH, Cable, Node, NotSpineLeaf, Plug, Sketch

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ROUTERS = re.compile(r"frr|sonic|cumulus|vyos|bird|openvswitch|ovs|bmv2|stratum|router|switch", re.IGNORECASE)
"""In the image of a ``linux`` node: it forwards, so it stands for a switch."""
NOT_NODES = frozenset({"host", "mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy"})
"""Ends of links that lead out of the lab."""
MANY = 3
"""A ``linux`` node with so many cables is taken for a switch."""


def read_containerlab(text: Text) -> Sketch:
    """The sketch of a file. Raises NotSpineLeaf for one that is no containerlab topology."""
    try:
        found = yaml.load(text.text, LOADER)
    except yaml.YAMLError as error:
        raise NotSpineLeaf([f"{text.name}: not YAML: {str(error).splitlines()[0]}"]) from None
    topology = _mapping(_mapping(found).get("topology"))
    nodes = {str(name): _mapping(node) for name, node in _mapping(topology.get("nodes")).items()}
    if not nodes:
        raise NotSpineLeaf([f"{text.name}: no topology.nodes in it: is it a containerlab file?"])
    notes: list[str] = []
    wires = list(_wires(topology.get("links"), nodes, notes))
    degree = {name: sum(name in (a[0], b[0]) for a, b in wires) for name in nodes}
    settled = {name: _node(name, node, topology, degree[name], notes) for name, node in nodes.items()}
    cables = tuple(Cable(_plug(a), _plug(b)) for a, b in _distinct(wires))
    return Sketch(str(_mapping(found).get("name") or "containerlab"), settled, cables, tuple(notes))


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


Ends = tuple[tuple[str, str], tuple[str, str]]
"""Both ends of a link as (node, interface)."""


def _wires(links: object, nodes: Mapping[str, object], notes: list[str]) -> Iterator[Ends]:
    """The links between nodes of the lab; others are noted, ends that are no nodes refused."""
    for number, link in enumerate(links if isinstance(links, list) else ()):
        row = _mapping(link)
        listed = row.get("endpoints")
        ends = [_end(end) for end in (listed if isinstance(listed, list) else [row.get("endpoint")])]
        outside = [name for name, _ in ends if name in NOT_NODES] or ([str(row.get("type"))] if len(ends) == 1 else [])
        if outside:
            notes.append(f"links[{number}] leads to {outside[0]}, out of the lab, and is left out")
            continue
        strange = [name for name, _ in ends if name not in nodes]
        if len(ends) != 2 or strange:
            what = f"there is no node {strange[0]}" if strange else "a link has two endpoints"
            raise NotSpineLeaf([f"topology.links[{number}]: {what}"])
        yield ends[0], ends[1]


def _end(end: object) -> tuple[str, str]:
    """``leaf1:e1-49``, or its long form."""
    if isinstance(end, Mapping):
        return str(end.get("node")), str(end.get("interface", ""))
    name, _, port = str(end).partition(":")
    return name, port


def _distinct(wires: list[Ends]) -> Iterator[Ends]:
    """Interfaces whose number another interface of the node has, too (``e1-1``, ``e2-1``), lose theirs."""
    taken: dict[tuple[str, int], str] = {}
    for ends in wires:
        for name, port in ends:
            taken.setdefault((name, _number(port)), port)
    for ends in wires:
        a, b = ((name, port if taken[name, _number(port)] == port else "") for name, port in ends)
        yield a, b


def _plug(end: tuple[str, str]) -> Plug:
    return Plug(end[0], _number(end[1]))


def _number(port: str) -> int:
    """The last number in an interface's name: 49 of ``e1-49`` and of ``ethernet-1/49``; 0 where there is none."""
    found = re.findall(r"\d+", port)
    return int(found[-1]) if found and len(found[-1]) < 6 else 0


def _node(name: str, node: Mapping[Any, Any], topology: Mapping[Any, Any], degree: int, notes: list[str]) -> Node:
    """A switch, or a host: a ``linux`` node whose image does not forward and that has one cable, or two."""
    group = _mapping(_mapping(topology.get("groups")).get(str(node.get("group"))))
    defaults = _mapping(topology.get("defaults"))
    kind = str(node.get("kind") or group.get("kind") or defaults.get("kind") or "")
    settings = _mapping(_mapping(topology.get("kinds")).get(kind))
    image = str(node.get("image") or group.get("image") or settings.get("image") or defaults.get("image") or "")
    role = str(_mapping(node.get("labels")).get("role") or node.get("group") or "")
    if kind != "linux":
        return Node(SWITCH, role=role)
    if ROUTERS.search(image):
        notes.append(f"{name}: taken for a switch by its image, {image}")
        return Node(SWITCH, role=role)
    if degree >= MANY:
        notes.append(f"{name}: taken for a switch: a host has one cable, or two, and this has {degree}")
        return Node(SWITCH, role=role)
    return Node(HOST, role=role)
