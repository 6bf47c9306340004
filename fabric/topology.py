"""Topologies: switches, links and hosts of one fabric, as immutable values.

Lives here: the model, its checks and its look-ups. Must not know: YAML, tenants, rules.
Where a problem was written (file, line) is the reader's business: ``check`` names the object, the reader
finds the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import networkx as nx

SPINE, LEAF, BORDER = "spine", "leaf", "border"
ROLES = (SPINE, LEAF, BORDER)
ACCESS, TRUNK, LEGACY = "access", "trunk", "legacy"

MAX_NODE_TAG = 2046
"""Node tags are 1..2046 of the 12-bit outer VLAN id; a tag with DETOUR set marks a detoured frame."""
DETOUR = 2048


class PortRef(NamedTuple):
    """A port of a switch; ports are numbered from 1 as in OpenFlow."""

    switch: str
    port: int

    def __str__(self) -> str:
        return f"{self.switch}:{self.port}"


@dataclass(frozen=True, slots=True)
class Switch:
    """``dpid``: OpenFlow datapath id, 64 bits. ``tag``: node tag of a leaf or border (spines have 0)."""

    name: str
    role: str
    dpid: int
    tag: int = 0
    site: str = "main"

    @property
    def is_leaf(self) -> bool:
        return self.role != SPINE


@dataclass(frozen=True, slots=True)
class Pair:
    """Two leaves that hosts may be dual-homed to; they share the anycast node tag ``tag``."""

    name: str
    leaves: tuple[str, str]
    tag: int


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between a leaf and a spine. ``speed`` in Mbit/s, ``latency`` in microseconds."""

    a: PortRef
    b: PortRef
    speed: int = 10_000
    latency: int = 5


@dataclass(frozen=True, slots=True)
class Host:
    """A host on one port, or on one port of each leaf of a pair. ``mac`` 48 bits; ``mode`` access, trunk or legacy.

    A legacy host is a network of other switches at the end of a trunk: what is behind it reaches itself without us.
    """

    name: str
    mac: int
    ports: tuple[PortRef, ...]
    mode: str = ACCESS
    speed: int = 10_000

    @property
    def dual_homed(self) -> bool:
        return len(self.ports) == 2

    @property
    def tagged(self) -> bool:
        """Whether its frames bear the VLAN tag of their network."""
        return self.mode != ACCESS


class TopologyProblem(NamedTuple):
    """Something wrong: ``path`` names the object (``links[3]``, ``hosts.web1``), ``message`` what and what to do."""

    path: str
    message: str


@dataclass(frozen=True)
class Topology:
    """A fabric. Mappings are by name, in the order of the file; treat them as read-only.

    ``probes``: leaves hand path probes to the controller; ``avoid``: cables, by their leaves' ports, that carry nothing
    while there is another way.
    """

    name: str
    switches: dict[str, Switch]
    links: tuple[Link, ...]
    hosts: dict[str, Host] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)
    probes: bool = False
    avoid: frozenset[PortRef] = frozenset()

    @cached_property
    def spines(self) -> tuple[Switch, ...]:
        return tuple(s for s in self.switches.values() if s.role == SPINE)

    @cached_property
    def leaves(self) -> tuple[Switch, ...]:
        """Leaves and border leaves: every switch that hosts may be attached to."""
        return tuple(s for s in self.switches.values() if s.is_leaf)

    @cached_property
    def by_dpid(self) -> dict[int, Switch]:
        return {s.dpid: s for s in self.switches.values()}

    @cached_property
    def pair_of(self) -> dict[str, Pair]:
        """The pair of each paired leaf."""
        return {leaf: pair for pair in self.pairs.values() for leaf in pair.leaves}

    @cached_property
    def nodes(self) -> dict[str, int]:
        """Node tag by node: leaves, border leaves and pairs."""
        return {s.name: s.tag for s in self.leaves} | {p.name: p.tag for p in self.pairs.values()}

    @cached_property
    def peers(self) -> dict[PortRef, PortRef]:
        """The other end of each cabled switch port."""
        return {x: y for link in self.links for x, y in ((link.a, link.b), (link.b, link.a))}

    @cached_property
    def host_at(self) -> dict[PortRef, str]:
        """The host on each host port."""
        return {port: host.name for host in self.hosts.values() for port in host.ports}

    @cached_property
    def legacy(self) -> frozenset[str]:
        """The names of legacy hosts."""
        return frozenset(host.name for host in self.hosts.values() if host.mode == LEGACY)

    @cached_property
    def uplinks(self) -> dict[str, tuple[tuple[int, str], ...]]:
        """For each leaf: its (port, spine), by port number."""
        found: dict[str, list[tuple[int, str]]] = {leaf.name: [] for leaf in self.leaves}
        for here, there in self.peers.items():
            if here.switch in found:
                found[here.switch].append((here.port, there.switch))
        return {leaf: tuple(sorted(ports)) for leaf, ports in found.items()}

    @cached_property
    def ways(self) -> dict[str, tuple[tuple[int, str], ...]]:
        """The uplinks of each leaf that it is to use: those that are not avoided."""
        return {
            leaf: tuple(way for way in ways if PortRef(leaf, way[0]) not in self.avoid)
            for leaf, ways in self.uplinks.items()
        }

    @cached_property
    def downlinks(self) -> dict[str, tuple[tuple[int, str], ...]]:
        """For each spine: its (port, leaf), by port number."""
        found: dict[str, list[tuple[int, str]]] = {spine.name: [] for spine in self.spines}
        for here, there in self.peers.items():
            if here.switch in found:
                found[here.switch].append((here.port, there.switch))
        return {spine: tuple(sorted(ports)) for spine, ports in found.items()}

    @cached_property
    def ports(self) -> dict[str, tuple[int, ...]]:
        """Used port numbers of each switch: cables and hosts."""
        used: dict[str, set[int]] = {name: set() for name in self.switches}
        for ref in (*self.peers, *self.host_at):
            used[ref.switch].add(ref.port)
        return {name: tuple(sorted(ports)) for name, ports in used.items()}

    def node_of(self, host: Host) -> str:
        """The node (leaf or pair) that frames for this host are sent to."""
        leaf = host.ports[0].switch
        return self.pair_of[leaf].name if host.dual_homed else leaf

    def members(self, node: str) -> tuple[str, ...]:
        """The leaves of a node: itself, or both of a pair."""
        pair = self.pairs.get(node)
        return pair.leaves if pair else (node,)

    def domain_of(self, leaf: str) -> str:
        """The name under which a leaf's segment tags are numbered: its pair's, else its own."""
        pair = self.pair_of.get(leaf)
        return pair.name if pair else leaf

    def graph(self) -> nx.Graph[str]:
        """Switches and hosts as a networkx graph, with ``kind`` on nodes."""
        import networkx as nx  # noqa: PLC0415 - a tenth of a second of every start, and few ask for it

        graph: nx.Graph[str] = nx.Graph()
        for switch in self.switches.values():
            graph.add_node(switch.name, kind=switch.role)
        for link in self.links:
            graph.add_edge(link.a.switch, link.b.switch)
        for host in self.hosts.values():
            graph.add_node(host.name, kind="host")
            graph.add_edges_from((host.name, port.switch) for port in host.ports)
        return graph


def check(topology: Topology) -> tuple[TopologyProblem, ...]:
    """Everything wrong with a topology, all at once; empty when it is sound."""
    return tuple(problem for rule in (_ids, _ends, _roles, _tags, _pairs, _hosts) for problem in rule(topology))


def _ids(t: Topology) -> Iterator[TopologyProblem]:
    for dpid, count in Counter(s.dpid for s in t.switches.values()).items():
        if count > 1:
            users = [s.name for s in t.switches.values() if s.dpid == dpid]
            message = f"datapath id {dpid:#x} is used by {', '.join(users)}"
            yield TopologyProblem(f"switches.{users[-1]}", message)
    shared = (set(t.switches) & set(t.pairs)) | (set(t.hosts) & (set(t.switches) | set(t.pairs)))
    for name in sorted(shared):
        kind = "hosts" if name in t.hosts else "pairs"
        yield TopologyProblem(f"{kind}.{name}", f"the name {name} is used for two things")
    for mac, count in Counter(h.mac for h in t.hosts.values()).items():
        if count > 1:
            names = [h.name for h in t.hosts.values() if h.mac == mac]
            yield TopologyProblem(f"hosts.{names[-1]}", f"the same MAC address as {names[0]}")


def _ends(t: Topology) -> Iterator[TopologyProblem]:
    seen: dict[PortRef, str] = {}
    for i, link in enumerate(t.links):
        for end in (link.a, link.b):
            if end.switch not in t.switches:
                yield TopologyProblem(f"links[{i}]", f"unknown switch {end.switch}")
            elif end in seen:
                yield TopologyProblem(f"links[{i}]", f"port {end} is already used by {seen[end]}")
            seen.setdefault(end, f"links[{i}]")
        if link.a.switch == link.b.switch:
            yield TopologyProblem(f"links[{i}]", f"both ends are on {link.a.switch}")
    for host in t.hosts.values():
        for port in host.ports:
            if port.switch not in t.switches:
                yield TopologyProblem(f"hosts.{host.name}", f"unknown switch {port.switch}")
            elif port in seen:
                yield TopologyProblem(f"hosts.{host.name}", f"port {port} is already used by {seen[port]}")
            seen.setdefault(port, f"host {host.name}")


def _roles(t: Topology) -> Iterator[TopologyProblem]:
    for i, link in enumerate(t.links):
        ends = [t.switches.get(end.switch) for end in (link.a, link.b)]
        if all(ends) and sum(s.is_leaf for s in ends if s) != 1:
            yield TopologyProblem(f"links[{i}]", "a link joins a leaf (or border leaf) and a spine")
    for leaf in t.leaves:
        if not t.uplinks[leaf.name]:
            yield TopologyProblem(f"switches.{leaf.name}", f"{leaf.role} {leaf.name} has no link to a spine")
    for host in t.hosts.values():
        for port in host.ports:
            switch = t.switches.get(port.switch)
            if switch is not None and not switch.is_leaf:
                yield TopologyProblem(f"hosts.{host.name}", f"{port.switch} is a spine, not a leaf")


def _tags(t: Topology) -> Iterator[TopologyProblem]:
    if len(t.nodes) > MAX_NODE_TAG:
        message = f"{len(t.nodes)} leaves and pairs, but there are only {MAX_NODE_TAG} node tags"
        yield TopologyProblem("switches", message)
        return
    seen: dict[int, str] = {}
    for name, tag in t.nodes.items():
        kind = "pairs" if name in t.pairs else "switches"
        if not 1 <= tag <= MAX_NODE_TAG:
            yield TopologyProblem(f"{kind}.{name}", f"node tag {tag} is not between 1 and {MAX_NODE_TAG}")
        elif tag in seen:
            yield TopologyProblem(f"{kind}.{name}", f"node tag {tag} is already used by {seen[tag]}")
        seen.setdefault(tag, name)


def _pairs(t: Topology) -> Iterator[TopologyProblem]:
    member: dict[str, str] = {}
    for pair in t.pairs.values():
        for leaf in pair.leaves:
            switch = t.switches.get(leaf)
            if switch is None or not switch.is_leaf:
                yield TopologyProblem(f"pairs.{pair.name}", f"{leaf} is not a leaf of this fabric")
            if leaf in member and member[leaf] != pair.name:
                yield TopologyProblem(f"pairs.{pair.name}", f"{leaf} already belongs to pair {member[leaf]}")
            member.setdefault(leaf, pair.name)
        if pair.leaves[0] == pair.leaves[1]:
            yield TopologyProblem(f"pairs.{pair.name}", "a pair is two different leaves")


def _hosts(t: Topology) -> Iterator[TopologyProblem]:
    for host in t.hosts.values():
        path = f"hosts.{host.name}"
        if host.mac >> 40 & 1 or host.mac == 0:
            yield TopologyProblem(path, "the MAC address must be unicast and not zero")
        if not 1 <= len(host.ports) <= 2:
            yield TopologyProblem(path, "a host has one port, or two on the leaves of a pair")
        elif host.dual_homed and host.mode == LEGACY:
            message = "a legacy host has one port: by two its network could send frames round through the fabric"
            yield TopologyProblem(path, message)
        elif host.dual_homed:
            ends = {port.switch for port in host.ports}
            if not any(set(pair.leaves) == ends for pair in t.pairs.values()):
                yield TopologyProblem(path, f"{' and '.join(sorted(ends))} are not a pair")
