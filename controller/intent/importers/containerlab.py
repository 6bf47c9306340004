"""containerlab's topology files as sketches.

Lives here: what of such a file says who is cabled to whom. Must not know: who is a spine, what kinds are.
Source: containerlab's topology definition file (``topology.nodes``, ``links``, ``kinds``, ``groups``, ``defaults``).
Whatever is not carried over is a note; what containerlab itself refuses is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clos.controller.intent.importers.clab_nodes import (
    BRIDGES,
    OUTSIDE,
    Judged,
    Settings,
    judge,
    mapping,
    settings,
    word,
)
from clos.controller.intent.importers.clab_ports import numbered
from clos.controller.intent.importers.foreign_yaml import NotRead, read_foreign
from clos.controller.intent.importers.tiers import HOST, SWITCH, Cable, Node, NotReadable, Plug, Sketch
from clos.controller.intent.schema.scalars import mac
from clos.controller.intent.source import Text

NOT_NODES = frozenset({"host", "mgmt-net", "macvlan"})
"""In place of a node in the brief form of a link: it leads out of the lab."""
CABLES = frozenset({"", "brief", "veth", "veth-stitch"})
OUT_OF_THE_LAB = frozenset({"mgmt-net", "host", "macvlan", "vxlan", "vxlan-stitch", "dummy"})
"""Types of links: those with two ends in the lab, those with one."""
MANAGEMENT = re.compile(r"eth0|mgmt\d*|management\d+(?:/\d+)*|ma\d+|fxp0|em0|me0|mgmteth\S*", re.IGNORECASE)
"""Interfaces of switches that are no part of the data plane."""

_READ = frozenset({"kind", "image", "group", "labels", "sysctls"})
_VARIABLE = re.compile(
    r"\$\$|\$\{(?P<braced>[A-Za-z_]\w*)(?:(?P<sign>:?[-=+])(?P<other>[^}]*))?\}|\$(?P<bare>[A-Za-z_]\w*)"
)


class End(NamedTuple):
    """One end of a link as it is written."""

    node: str
    port: str
    mac: str = ""
    addresses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.node}:{self.port}"


class Wire(NamedTuple):
    """A link between two nodes; ``number``: its place in the list."""

    number: int
    a: End
    b: End

    @property
    def ends(self) -> tuple[End, End]:
        return self.a, self.b


def read_containerlab(text: Text, environ: Mapping[str, str] | None = None) -> Sketch:
    """The sketch of a file; variables in it come from ``environ``. Raises NotReadable."""
    notes: list[str] = []
    whole, topology = _document(text, environ or {}, notes)
    nodes = {name: mapping(node) for name, node in mapping(topology.get("nodes")).items()}
    wires = _sound(topology.get("links"), nodes, notes)
    found = {name: settings(node, topology) for name, node in nodes.items()}
    judged = _judged(found)
    notes += [f"{name}: {each.why}" for name, each in judged.items() if each.why]
    kept = list(_in_band(wires, judged, found, notes))
    notes += _unread(nodes, topology)
    macs = _macs(kept, judged, notes)
    notes += _addresses(kept)
    settled = {n: Node(j.kind, 0, macs.get(n, 0), j.role) for n, j in judged.items() if j.kind != OUTSIDE}
    title = word(whole, "name") or "containerlab"
    return Sketch(title, settled, tuple(_cables(kept, judged, notes)), tuple(notes))


# The document.


def _document(text: Text, environ: Mapping[str, str], notes: list[str]) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
    """The whole document and its ``topology``. Raises NotReadable."""
    if "{{" in text.text and re.search(r"\{\{-?\s*(?:range|define|if|end|template|\$|\.)", text.text):
        raise NotReadable([f"{text.name}: it is a template: import the topology that containerlab makes of it"])
    try:
        whole = mapping(read_foreign(_expanded(text.text, environ, notes)))
    except NotRead as error:
        raise NotReadable([f"{text.name}: {error}"]) from None
    topology = mapping(whole.get("topology"))
    wrong = list(_misplaced(whole, topology))
    if not mapping(topology.get("nodes")) and not wrong:
        wrong = [f"{text.name}: no topology.nodes in it: is it a containerlab file?"]
    if wrong:
        raise NotReadable(wrong)
    return whole, topology


def _misplaced(whole: Mapping[Any, Any], topology: Mapping[Any, Any]) -> Iterator[str]:
    for key in ("nodes", "links", "kinds", "groups", "defaults"):
        if key in whole and (topology or isinstance(whole[key], Mapping)):
            yield f"{key}: stands at the top level, where containerlab reads none: indent it under topology"
    nodes, links = topology.get("nodes", ""), topology.get("links", "")
    if nodes != "" and not isinstance(nodes, Mapping):
        yield "topology.nodes: expected a mapping of nodes by name"
    if links != "" and not isinstance(links, list):
        yield "topology.links: expected a list"
    for name, node in mapping(nodes).items():
        if name == "links" and isinstance(node, list):
            yield "topology.nodes.links: stands among the nodes: indent it as nodes is"
        elif node != "" and not isinstance(node, Mapping):
            yield f"topology.nodes.{name}: expected a mapping, or nothing"
        elif isinstance(mapping(node).get("links"), list):
            yield f"topology.nodes.{name}.links: a node has none: indent links as nodes is"


def _expanded(text: str, environ: Mapping[str, str], notes: list[str]) -> str:
    """The text with its environment variables filled in, as containerlab does before it reads YAML."""
    told: dict[str, str] = {}

    def value(found: re.Match[str]) -> str:
        name = found["braced"] or found["bare"]
        if name is None:
            return "$"
        sign, other, given = found["sign"] or "", found["other"] or "", environ.get(name)
        there = given is not None and (given != "" or not sign.startswith(":"))
        if sign.endswith("+"):
            return other if there else ""
        if not there and not sign:
            told[name] = "not set, and left as it stands"
            return found[0]
        told[name] = "from the environment" if there else f"not set: {other or 'empty'}"
        return given or "" if there else other

    lines = text.split("\n")
    text = "\n".join(line if line.lstrip().startswith("#") else _VARIABLE.sub(value, line) for line in lines)
    if told:
        notes.append("variables of the file: " + ", ".join(f"{name} ({how})" for name, how in sorted(told.items())))
    return text


# Links.


def _sound(links: object, nodes: Mapping[str, object], notes: list[str]) -> list[Wire]:
    """The links between nodes of the lab, each once. Raises NotReadable with all that is wrong with them."""
    wrong: list[str] = []
    wires: list[Wire] = []
    at: dict[tuple[str, str], Wire] = {}
    unread: defaultdict[str, list[str]] = defaultdict(list)
    for number, link in enumerate(links if isinstance(links, list) else ()):
        try:
            wire = _wire(number, mapping(link), nodes, notes)
        except ValueError as error:
            wrong.append(f"topology.links[{number}]: {error}")
            continue
        for key in sorted({"mtu", "vars", "labels"} & {*mapping(link)} if wire else ()):
            unread[key].append(f"links[{number}]")
        if wire and wire.a.node == wire.b.node:
            notes.append(f"links[{number}] leads from {wire.a.node} to itself, and is left out")
        elif wire:
            before = {at[k].number: at[k] for k in map(_key, wire.ends) if k in at}
            same = [each for each in before.values() if {*map(_key, each.ends)} == {*map(_key, wire.ends)}]
            if same:
                notes.append(
                    f"links[{number}] is links[{same[0].number}] once more ({wire.a} - {wire.b}), and is left out"
                )
            elif before:
                taken = next(end for end in wire.ends if _key(end) in at)
                wrong.append(f"topology.links[{number}]: {taken} is in links[{min(before)}], too: one cable to a port")
            else:
                wires.append(wire)
                at |= {_key(end): wire for end in wire.ends}
    if wrong:
        raise NotReadable(wrong)
    notes += [f"{', '.join(where)}: {key} left out" for key, where in unread.items()]
    return wires


def _key(end: End) -> tuple[str, str]:
    """An interface, however it is written: SR Linux' ``ethernet-1/1`` is ``e1-1``."""
    return end.node, re.sub(r"^ethernet-", "e", end.port.lower()).replace("/", "-")


def _wire(number: int, link: Mapping[Any, Any], nodes: Mapping[str, object], notes: list[str]) -> Wire | None:
    """A link; None, and a note, for one that leads out of the lab. ValueError: what is wrong with it."""
    if not link:
        raise ValueError("expected endpoints: [node:interface, node:interface]")
    kind = word(link, "type").strip().lower()
    if kind not in CABLES | OUT_OF_THE_LAB:
        raise ValueError(
            f"its type, {kind}, is none of containerlab's: veth, mgmt-net, host, macvlan, vxlan, dummy, ..."
        )
    listed = link.get("endpoints")
    one = link.get("endpoint")
    rows = listed if isinstance(listed, list) else [one] if one is not None else []
    ends = [_end(row, link, place) for place, row in enumerate(rows)]
    outside = (
        [kind] if kind in OUT_OF_THE_LAB else [e.node for e in ends if e.node in NOT_NODES and e.node not in nodes]
    )
    inside = [end for end in ends if end.node not in NOT_NODES or end.node in nodes]
    strange = [end.node for end in inside if end.node not in nodes]
    if strange:
        raise ValueError(f"there is no node {strange[0]}")
    if outside:
        where = "".join(f" ({end})" for end in inside)
        notes.append(f"links[{number}]{where} leads to {outside[0]}, out of the lab, and is left out")
        return None
    if len(ends) != 2:
        raise ValueError(f"a link has two endpoints, and this has {len(ends)}")
    bare = [end.node for end in ends if not end.port]
    if bare:
        raise ValueError(f"{bare[0]} without an interface: write it like {bare[0]}:eth1")
    return Wire(number, ends[0], ends[1])


def _end(end: object, link: Mapping[Any, Any], place: int) -> End:
    """``leaf1:e1-49``, or its long form."""
    listed = [link.get(key) for key in ("ipv4", "ipv6")]
    beside = [each[place] for each in listed if isinstance(each, list) and place < len(each)]
    if isinstance(end, Mapping):
        own = [word(end, key) for key in ("ipv4", "ipv6")]
        name, port, hardware = word(end, "node"), word(end, "interface"), word(end, "mac")
    else:
        own, hardware = [], ""
        name, _, port = end.partition(":") if isinstance(end, str) else ("", "", "")
    if not name:
        raise ValueError("an endpoint without a node: write it like leaf1:eth1")
    return End(name.strip(), port.strip(), hardware, tuple(str(each) for each in (*own, *beside) if each))


def _in_band(
    wires: Iterable[Wire], judged: Mapping[str, Judged], found: Mapping[str, Settings], notes: list[str]
) -> Iterator[Wire]:
    """Without what leads to nodes beside the fabric, and to management ports of switches."""
    for wire in wires:
        managing = [e for e in wire.ends if found[e.node].kind not in {"linux", *BRIDGES}
                    and judged[e.node].kind == SWITCH and MANAGEMENT.fullmatch(e.port)]  # fmt: skip
        if any(judged[end.node].kind == OUTSIDE for end in wire.ends):
            continue
        if managing:
            notes.append(f"links[{wire.number}] is left out: {managing[0]} is a management port")
            continue
        yield wire


# Nodes.


def _judged(found: Mapping[str, Settings]) -> dict[str, Judged]:
    judged = {name: judge(name, each) for name, each in found.items()}
    if any(each.kind == SWITCH for each in judged.values()):
        return judged
    return {name: judge(name, each, only_bridges=True) for name, each in found.items()}


def _unread(nodes: Mapping[str, Mapping[Any, Any]], topology: Mapping[Any, Any]) -> list[str]:
    """Settings that say nothing about cables, named once for all nodes."""
    levels = [*nodes.values(), mapping(topology.get("defaults"))]
    levels += [mapping(each) for key in ("kinds", "groups") for each in mapping(topology.get(key)).values()]
    keys = sorted({str(key) for level in levels for key in level} - _READ)
    return [f"settings of nodes that are left out: {', '.join(keys)}"] if keys else []


def _macs(wires: Iterable[Wire], judged: Mapping[str, Judged], notes: list[str]) -> dict[str, int]:
    """The address of each host that is given one; of two, the first."""
    macs: dict[str, int] = {}
    for end in (end for wire in wires for end in wire.ends if end.mac):
        if judged[end.node].kind != HOST:
            notes.append(f"{end}: its mac, {end.mac}, is left out: ports of switches have none here")
            continue
        try:
            given = mac(end.mac)
        except ValueError as error:
            notes.append(f"{end}: its mac, {end.mac}, is left out: {error}")
            continue
        if macs.setdefault(end.node, given) != given:
            notes.append(f"{end}: its mac, {end.mac}, is left out: a host has one address for both of its cables")
    return macs


def _addresses(wires: Iterable[Wire]) -> list[str]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for end in (end for wire in wires for end in wire.ends if end.addresses):
        found[end.node].append(f"{', '.join(end.addresses)} at {end.port}")
    return [f"{name}: {'; '.join(each)} left out: addresses are written in intents" for name, each in found.items()]


def _cables(wires: list[Wire], judged: Mapping[str, Judged], notes: list[str]) -> Iterator[Cable]:
    """The wires as cables between numbered ports; numbers that no one would expect are notes."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for end in (end for wire in wires for end in wire.ends):
        names[end.node].append(end.port)
    ports = {name: numbered(each) for name, each in names.items() if judged[name].kind == SWITCH}
    for name, each in ports.items():
        if each.changed:
            told = ", ".join(f"{port} is port {each.ports[port]}" for port in each.changed)
            notes.append(f"{name}: {told}")
    if wires:
        notes.append("containerlab gives no speeds: every cable is taken for 10 Gbps and 5 us")
    for wire in wires:
        a, b = (Plug(e.node, ports[e.node].ports[e.port] if e.node in ports else 0, e.port) for e in wire.ends)
        yield Cable(a, b)
