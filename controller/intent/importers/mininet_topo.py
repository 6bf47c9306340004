"""Mininet's nodes and links as sketches, whoever read them: a program that ran, or the text alone.

Lives here: what Mininet's options mean, and a note for each that is guessed or left out. Pure. Must not know: files.
Source: Mininet's ``Topo``, ``Link``, ``TCIntf``; tc(8) for units.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from clos.controller.intent.importers.tiers import HOST, SWITCH, Cable, Node, Plug, Sketch
from clos.controller.intent.schema.scalars import mac

ROUTER = re.compile(r"router|gateway|(?<![a-z])nat(?![a-z])", re.IGNORECASE)
"""In the name of a node's class: it forwards."""
ROUTER_NAMES = re.compile(r"r\d+|.*router.*|gw\d*|nat\d*", re.IGNORECASE)
"""Names of nodes that have several cables and no class that says what they are."""
_DELAY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(s|secs?|ms|msecs?|us|usecs?|)")
_MICROSECONDS = {"s": 1_000_000, "m": 1_000, "u": 1, "": 1}
_PLAIN = frozenset({"Link", "TCLink", "TCULink", "OVSLink", "Host", "Node", "CPULimitedHost", "OVSSwitch",
                    "OVSKernelSwitch", "Switch"})  # fmt: skip
"""Classes that say nothing more."""


class Vertex(NamedTuple):
    """A node: ``kind`` switch or host, the names of its class and of the classes that is made from, its options."""

    kind: str
    options: Mapping[str, Any]
    classes: tuple[str, ...] = ()
    forwards: bool = False


class Edge(NamedTuple):
    """A link; ports are None where Mininet chooses. ``options`` are of both ends, ``own`` of each."""

    ends: tuple[str, str]
    ports: tuple[int | None, int | None]
    options: Mapping[str, Any]
    own: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})


class Described(NamedTuple):
    """A Mininet topology as it was read."""

    name: str
    nodes: Mapping[str, Vertex]
    links: tuple[Edge, ...]
    notes: tuple[str, ...] = ()


def sketch_of(found: Described) -> Sketch:
    """The sketch of a topology, with a note for whatever Mininet knows and Clos does not take over."""
    says = _Notes(list(found.notes), defaultdict(list), [])
    routers = {name: why for name in found.nodes if (why := _router(name, found))}
    says.notes.extend(
        f"{name} is left out with its cables: {why}; the fabric routes between networks by itself"
        for name, why in routers.items()
    )
    nodes = {name: node for name, node in found.nodes.items() if name not in routers}
    plugged = list(_plugged(found))
    kept = [(link, plugs) for link, plugs in plugged if not {*link.ends} & {*routers}]
    ids = {name: _dpid(name, node, says) for name, node in nodes.items() if node.kind == SWITCH}
    macs = {name: _mac(name, node, kept, says) for name, node in nodes.items() if node.kind == HOST}
    cables = tuple(_cable(link, plugs, found, says) for link, plugs in kept)
    _of_nodes(nodes, says)
    _unsaid(cables, says)
    made = {n: Node(v.kind, ids.get(n, 0), macs.get(n, 0)) for n, v in nodes.items()}
    return Sketch(found.name, made, cables, tuple(says.all()))


class _Notes(NamedTuple):
    """``left``: options that are left out, and where; ``addresses``: of hosts and switches."""

    notes: list[str]
    left: defaultdict[str, list[str]]
    addresses: list[str]

    def all(self) -> Iterator[str]:
        yield from self.notes
        if self.addresses:
            yield f"addresses are written in intents, and left out here: {', '.join(self.addresses)}"
        for option, where in sorted(self.left.items()):
            yield f"left out: {option} of {', '.join(dict.fromkeys(where))}"


def _said(key: str, value: object) -> str:
    return f"{key}={str(value)[:40]}"


def _router(name: str, found: Described) -> str:
    """Why a node is taken for a router; "" if it is none."""
    node = found.nodes[name]
    legs = [(link, end) for link in found.links for end in (0, 1) if link.ends[end] == name]
    if node.kind != HOST:
        return ""
    for each in node.classes:
        if ROUTER.search(each):
            return f"it is a router ({each})"
    if node.forwards:
        return "it is a router (ip_forward)"
    if len(legs) > 1 and len({str(link.own[end].get("ip")) for link, end in legs} - {"None"}) > 1:
        return "it is a router, with an address on each cable"
    if len(legs) > 1 and ROUTER_NAMES.fullmatch(name):
        return f"it has {len(legs)} cables and is called like a router"
    return ""


def _plugged(found: Described) -> Iterator[tuple[Edge, tuple[Plug, Plug]]]:
    """Each link with its ports: as given, or the number Mininet chooses (one more than it has so far)."""
    used: defaultdict[str, set[int]] = defaultdict(set)
    for link in found.links:
        plugs = []
        for name, given in zip(link.ends, link.ports, strict=True):
            port = len(used[name]) + (found.nodes[name].kind == SWITCH) if given is None else given
            used[name].add(port)
            plugs.append(Plug(name, port))
        yield link, (plugs[0], plugs[1])


def _dpid(name: str, node: Vertex, says: _Notes) -> int:
    """As Mininet gives them: the one that is set, in hexadecimal, else the first number in the switch's name."""
    given = node.options.get("dpid")
    if given not in (None, ""):
        digits = str(given).replace(":", "")
        if isinstance(given, int):
            says.notes.append(f"{name}: dpid={given} is no text, as Mininet wants it: read as hexadecimal")
        if re.fullmatch(r"(?:0[xX])?[0-9a-fA-F]{1,16}", digits) and int(digits, 16):
            return int(digits, 16)
        says.notes.append(f"{name}: dpid={str(given)[:40]!r} is left out: it is no hexadecimal number of 64 bits")
        return 0
    numbers = re.findall(r"\d+", name)
    made = int(numbers[0]) if numbers and len(numbers[0]) < 19 else 0
    if made:
        says.notes.append(f"{name}: datapath id {made:#x} comes from its name, as in Mininet")
    return made


def _mac(name: str, node: Vertex, kept: list[tuple[Edge, tuple[Plug, Plug]]], says: _Notes) -> int:
    """The address that the node or its first cable gives it."""
    given = [node.options.get("mac")]
    for link, _ in kept:
        for end in (0, 1):
            if link.ends[end] == name:
                given += [link.options.get(f"addr{end + 1}"), link.own[end].get("mac")]
    texts = [str(each) for each in given if each]
    for text in texts[1:]:
        if text.lower() != texts[0].lower():
            says.notes.append(f"{name}: mac {text} is left out: a host has one address, here {texts[0]}")
    try:
        return mac(texts[0]) if texts else 0
    except ValueError as error:
        says.notes.append(f"{name}: mac {texts[0]} is left out: {error}")
        return 0


def _cable(link: Edge, plugs: tuple[Plug, Plug], found: Described, says: _Notes) -> Cable:
    between = " - ".join(link.ends)
    both = [{**own, **link.options} for own in link.own]
    for end, name in enumerate(link.ends):
        for key, value in both[end].items():
            if key == "ip" and value:
                says.addresses.append(f"{name} {value}")
            elif key == f"addr{end + 1}" or key == "mac":
                if found.nodes[name].kind == SWITCH and value:
                    says.left[_said(key, value)].append(between)
            elif key in ("addr1", "addr2", "bw", "delay", "ip") or (key == "cls" and str(value) in _PLAIN):
                continue
            elif value is not None:
                says.left[_said(key, value)].append(between)
    speeds = {_speed(each.get("bw"), between, says) for each in both} - {0}
    delays = {_latency(each.get("delay"), between, says) for each in both} - {0}
    if len(speeds) > 1:
        says.notes.append(f"{between}: the ends differ in bw: the lower, {min(speeds)} Mbps, is taken for both")
    if len(delays) > 1:
        says.notes.append(f"{between}: the ends differ in delay: the longer, {max(delays)} us, is taken for both")
    return Cable(*plugs, min(speeds, default=0), max(delays, default=0))


def _speed(bw: object, between: str, says: _Notes) -> int:
    """Mbit/s."""
    if bw is None:
        return 0
    if isinstance(bw, bool) or not isinstance(bw, int | float) or not 0 < bw < 10**9:
        _once(says, f"{between}: bw={str(bw)[:40]} is left out: expected Mbit/s")
        return 0
    if bw != int(bw):
        _once(says, f"{between}: bw={bw} is rounded up to {math.ceil(bw)} Mbps")
    return math.ceil(bw)


def _latency(delay: object, between: str, says: _Notes) -> int:
    """Microseconds."""
    if delay is None:
        return 0
    found = _DELAY.fullmatch(str(delay).strip().lower())
    if found is None or len(found[1]) > 15:
        _once(says, f"{between}: delay={str(delay)[:40]} is left out: expected a time like 5ms")
        return 0
    if not found[2]:
        _once(says, f"{between}: delay={delay} has no unit: taken for microseconds, as tc does")
    return round(float(found[1]) * _MICROSECONDS[found[2][:1]])


def _once(says: _Notes, note: str) -> None:
    if note not in says.notes:
        says.notes.append(note)


def _of_nodes(nodes: Mapping[str, Vertex], says: _Notes) -> None:
    bare = []
    for name, node in nodes.items():
        for key, value in node.options.items():
            if key == "ip" and value:
                says.addresses.append(f"{name} {value}")
            elif key in ("ip", "mac", "dpid", "isSwitch") or value is None:
                continue
            elif key != "cls" or str(value) not in _PLAIN:
                says.left[_said(key, value)].append(name)
        if node.kind == HOST and not node.options.get("ip"):
            bare.append(name)
    if bare:
        says.notes.append(f"no address is given to {', '.join(bare)}: Mininet would number them in 10.0.0.0/8")


def _unsaid(cables: tuple[Cable, ...], says: _Notes) -> None:
    """Cables of which Mininet says no speed, or no delay."""
    for what, bare in (
        ("without bw are taken for 10 Gbps", [c for c in cables if not c.speed]),
        ("without delay get the default latency", [c for c in cables if not c.latency]),
    ):
        if bare:
            some = "all cables" if len(bare) == len(cables) else f"{len(bare)} of {len(cables)} cables"
            says.notes.append(f"{some} {what}")
