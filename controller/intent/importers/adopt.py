"""A network that another tool describes, made a sound topology of ours: names, ports, identities, pairs.

Lives here: everything but who is a spine and who a leaf (controller.intent.importers.tiers). Pure. Must not know:
formats, files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, islice, repeat
from typing import NamedTuple

from clos.controller.intent.importers.peers import without_peers
from clos.controller.intent.importers.tiers import (
    HOST,
    MAX_PORT,
    SWITCH,
    Cable,
    NotSpineLeaf,
    Plug,
    Sketch,
    roles_of,
)
from clos.fabric.generate import dpids, host_mac, leaf_tags, pair_tags
from clos.fabric.topology import (
    BORDER,
    SPINE,
    Host,
    Link,
    Pair,
    PortRef,
    Switch,
    Topology,
    check,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
SHOWN = 5
"""Names in one note or refusal; the rest is counted."""
SPEED, LATENCY = 10_000, 5
"""Mbit/s and microseconds of a cable of which nothing is known."""


class Adopted(NamedTuple):
    """A sound topology; ``names``: those that had to change; ``notes``: what was guessed or left out."""

    topology: Topology
    names: Mapping[str, str]
    notes: tuple[str, ...]


def adopt(sketch: Sketch) -> Adopted:
    """The topology that a sketch describes, all of it written out. Raises NotSpineLeaf."""
    sketch, names = _renamed(sketch)
    notes = [
        *sketch.notes,
        *(f"{old} is called {new} here: names are letters, digits, _ . -" for old, new in names.items()),
    ]
    sketch, dropped = _useful(sketch)
    sketch, beside = without_peers(sketch)
    sketch, bare = _cabled(sketch)
    roles, guesses = roles_of(sketch)
    plugged = _numbered(sketch)
    links = tuple(Link(PortRef(*c.a[:2]), PortRef(*c.b[:2]), c.speed or SPEED, c.latency or LATENCY)
                  for c in _between(sketch, plugged, SWITCH))  # fmt: skip
    order = sorted(roles, key=lambda name: (roles[name] != SPINE, roles[name] == BORDER))
    ids, numbers = _ids(sketch, {name: roles[name] for name in order})
    switches = _switches({name: roles[name] for name in order}, ids)
    hosts = _hosts(sketch, plugged)
    topology = Topology(sketch.name, switches, links, hosts, _pairs(hosts))
    apart = list(_apart(topology))
    wrong = [f"{problem.path}: {problem.message}" for problem in check(topology)]
    if apart or wrong:
        raise NotSpineLeaf([*apart, *wrong])
    guesses += [*numbers, *_changed_ports(sketch, plugged), *_of_hosts(sketch, topology)]
    return Adopted(topology, names, (*notes, *dropped, *beside, *bare, *guesses))


def _renamed(sketch: Sketch) -> tuple[Sketch, dict[str, str]]:
    """The sketch under names that Clos takes, and the new names by the old ones."""
    used = {name for name in sketch.nodes if NAME.fullmatch(name)}
    names: dict[str, str] = {}
    for name in sketch.nodes:
        if name not in used:
            plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:56].strip("-_.") or "node"
            tries = (plain if not number else f"{plain}-{number}" for number in range(len(sketch.nodes) + 1))
            names[name] = next(each for each in tries if each not in used)
            used.add(names[name])
    nodes = {names.get(name, name): node for name, node in sketch.nodes.items()}
    cables = tuple(cable._replace(a=_called(cable.a, names), b=_called(cable.b, names)) for cable in sketch.cables)
    title = re.sub(r"[^A-Za-z0-9_.-]+", "-", sketch.name).strip("-_.")[:63] or "imported"
    return sketch._replace(name=title, nodes=nodes, cables=cables), names


def _called(plug: Plug, names: Mapping[str, str]) -> Plug:
    return plug._replace(node=names.get(plug.node, plug.node))


def _useful(sketch: Sketch) -> tuple[Sketch, list[str]]:
    """Without cables from a node to itself, and without a host's second cable to the same switch."""
    seen: Counter[frozenset[str]] = Counter()
    cables, notes = [], []
    for cable in sketch.cables:
        ends = frozenset((cable.a.node, cable.b.node))
        seen[ends] += 1
        if len(ends) == 1:
            notes.append(f"{cable.a.node}: a cable to itself is left out")
            continue
        if seen[ends] > 1 and any(sketch.nodes[name].kind == HOST for name in ends):
            host = next(name for name in sorted(ends) if sketch.nodes[name].kind == HOST)
            notes.append(f"{host}: a second cable to the same switch is left out; hosts have one cable to each leaf "
                         f"({cable.a} - {cable.b})")  # fmt: skip
            continue
        cables.append(cable)
    return sketch._replace(cables=tuple(cables)), notes


def _cabled(sketch: Sketch) -> tuple[Sketch, list[str]]:
    """Without what no cable leads to."""
    cabled = {plug.node for cable in sketch.cables for plug in cable.ends}
    notes = [f"{name} is left out: no cable leads to it" for name in sketch.nodes if name not in cabled]
    return sketch._replace(nodes={name: node for name, node in sketch.nodes.items() if name in cabled}), notes


def _apart(topology: Topology) -> Iterator[str]:
    """Leaves without a spine in common: more tiers than two, or parts of a network."""
    spines = {leaf: {spine for _, spine in ways} for leaf, ways in topology.uplinks.items()}
    found = [pair for pair in combinations(spines, 2) if not spines[pair[0]] & spines[pair[1]]]
    for a, b in islice(found, SHOWN):
        yield f"{a} and {b} have no spine in common: every leaf is cabled to the same spines, in two tiers"
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} pairs of switches more"


# Parts.


def _numbered(sketch: Sketch) -> dict[tuple[int, int], int]:
    """The port of each end of each cable, by (cable, end): as given where that can be, else the lowest free."""
    given: dict[PortRef, tuple[int, int]] = {}
    rest: list[tuple[int, int]] = []
    for number, cable in enumerate(sketch.cables):
        for end, plug in enumerate(cable.ends):
            ref = PortRef(plug.node, plug.port)
            if not 1 <= plug.port <= MAX_PORT or ref in given:
                rest.append((number, end))
            else:
                given[ref] = number, end
    found = {place: ref.port for ref, place in given.items()}
    used = set(given)
    for number, end in rest:
        node = sketch.cables[number].ends[end].node
        port = next(port for port in range(1, len(sketch.cables) * 2 + 2) if PortRef(node, port) not in used)
        used.add(PortRef(node, port))
        found[number, end] = port
    return found


def _between(sketch: Sketch, ports: Mapping[tuple[int, int], int], kind: str) -> Iterator[Cable]:
    """The cables between two nodes, the second of this kind and the first a switch, with the ports chosen."""
    for number, cable in enumerate(sketch.cables):
        a, b = (plug._replace(port=ports[number, end]) for end, plug in enumerate(cable.ends))
        if sketch.nodes[a.node].kind == HOST:
            a, b = b, a
        if (sketch.nodes[a.node].kind, sketch.nodes[b.node].kind) == (SWITCH, kind):
            yield cable._replace(a=a, b=b)


def _changed_ports(sketch: Sketch, ports: Mapping[tuple[int, int], int]) -> list[str]:
    """Ports of switches whose number is not the one that was given."""
    changed: dict[str, list[str]] = {}
    for number, cable in enumerate(sketch.cables):
        for end, plug in enumerate(cable.ends):
            if sketch.nodes[plug.node].kind == SWITCH and plug.port != ports[number, end]:
                to = cable.ends[1 - end].node
                was = f", not {plug.name or plug.port}" if plug.name or plug.port else ""
                changed.setdefault(plug.node, []).append(f"the cable to {to} is on port {ports[number, end]}{was}")
    return [f"{name}: {'; '.join(each)}" for name, each in changed.items()]


def _ids(sketch: Sketch, roles: Mapping[str, str]) -> tuple[list[int], list[str]]:
    """Datapath ids: their own where they have one that no other has, else ours; and what to say of ours."""
    given = Counter(sketch.nodes[name].dpid for name in roles)
    kept = {name for name in roles if given[d := sketch.nodes[name].dpid] == 1 and 0 < d < 2**64}
    ids = {name: sketch.nodes[name].dpid for name in roles if name in kept}
    for name in (name for name in roles if name not in kept):
        ids[name] = next(made for made in dpids(repeat(roles[name])) if made not in ids.values() and not given[made])
    shared = [f"{name} {sketch.nodes[name].dpid:#x}" for name in roles if name not in kept and sketch.nodes[name].dpid]
    notes = [f"datapath ids that two switches have are not used: {', '.join(shared)}"] if shared else []
    made = [f"{name} {ids[name]:#x}" for name in roles if name not in kept]
    if made and not kept:
        notes.append("datapath ids are numbered here, by role and in order")
    elif made:
        notes.append(f"datapath ids are numbered here for {', '.join(made)}")
    return [ids[name] for name in roles], notes


def _switches(roles: Mapping[str, str], ids: Iterable[int]) -> dict[str, Switch]:
    tags = leaf_tags()
    return {
        name: Switch(name, role, dpid, 0 if role == SPINE else next(tags))
        for (name, role), dpid in zip(roles.items(), ids, strict=True)
    }


def _of_hosts(sketch: Sketch, topology: Topology) -> list[str]:
    """What was guessed of hosts: addresses, pairs, one speed for two cables, cables without latency."""
    notes = []
    cabled: dict[str, list[Cable]] = {}
    for cable in sketch.cables:
        for plug in cable.ends:
            if plug.node in topology.hosts:
                cabled.setdefault(plug.node, []).append(cable)
    made = [name for name, host in topology.hosts.items() if host.mac != sketch.nodes[name].mac]
    notes += [f"{name}: its mac is not used: it is a multicast one, or another host has it"
              for name in made if sketch.nodes[name].mac]  # fmt: skip
    if made:
        notes.append(f"MAC addresses are made from names: {_listed(made)}")
    for name, cables in cabled.items():
        host = topology.hosts[name]
        if any(cable.speed and cable.speed != host.speed for cable in cables):
            notes.append(f"{name}: its cables differ in speed; {host.speed} Mbps is taken for both")
        if any(cable.latency for cable in cables):
            notes.append(f"{name}: the latency of its cables is left out: cables of hosts have none here")
    for pair in topology.pairs.values():
        users = [host.name for host in topology.hosts.values() if {p.switch for p in host.ports} == {*pair.leaves}]
        notes.append(f"{' and '.join(pair.leaves)} are a pair: {_listed(users)} cabled to both")
    return notes


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _hosts(sketch: Sketch, ports: Mapping[tuple[int, int], int]) -> dict[str, Host]:
    ends: dict[str, list[PortRef]] = {}
    speeds: dict[str, int] = {}
    for cable in _between(sketch, ports, HOST):
        ends.setdefault(cable.b.node, []).append(PortRef(*cable.a[:2]))
        speeds[cable.b.node] = min(speeds.get(cable.b.node, cable.speed or SPEED), cable.speed or SPEED)
    macs = Counter(sketch.nodes[name].mac for name in ends)
    found = {}
    for name in (name for name in sketch.nodes if name in ends):
        mac = sketch.nodes[name].mac
        sound = mac and not mac >> 40 & 1 and macs[mac] == 1
        found[name] = Host(name, mac if sound else host_mac(name), tuple(sorted(ends[name])), speed=speeds[name])
    return found


def _pairs(hosts: Mapping[str, Host]) -> dict[str, Pair]:
    """A pair for each two leaves that a host is cabled to. Whether a leaf is in two is for the topology's check."""
    twos = dict.fromkeys(
        tuple(sorted({p.switch for p in host.ports})) for host in hosts.values() if len(host.ports) == 2
    )
    tags = pair_tags()
    return {
        f"pair{number}": Pair(f"pair{number}", (two[0], two[1]), next(tags))
        for number, two in enumerate(twos, 1)
        if len(two) == 2
    }
