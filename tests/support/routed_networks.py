"""Random networks of routers with longest-prefix tables, on graphs of every kind, and what becomes of packets in them.

``Routed.truth`` follows every piece of the address space from every host, one hop after another; it shares nothing with
the prover.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import networkx as nx

from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import LEAF, Host, Link, PortRef, Switch, Topology

HOST = 100
"""The port of a router's own host."""
KINDS = ("ring", "clique", "line", "tree", "bridge", "random")
Prefix = tuple[int, int]


def graph(dice: Random, kind: str, size: int) -> nx.Graph:
    """A connected graph of about so many routers."""
    if kind == "ring":
        return nx.cycle_graph(size)
    if kind == "clique":
        return nx.complete_graph(min(size, 8))
    if kind == "line":
        return nx.path_graph(size)
    if kind == "tree":
        return nx.Graph([(n, dice.randrange(n)) for n in range(1, size)])
    if kind == "bridge":
        half = max(3, size // 2)
        joined = nx.disjoint_union(nx.cycle_graph(half), nx.cycle_graph(max(3, size - half)))
        joined.add_edge(0, half)
        return joined
    found = nx.cycle_graph(size)
    found.add_edges_from(tuple(dice.sample(range(size), 2)) for _ in range(size // 2))
    return found


class Routed(NamedTuple):
    """``tables``: by router and prefix the port to send to, None to drop; ``ports``: neighbours by router and port."""

    topology: Topology
    tables: dict[int, dict[Prefix, int | None]]
    ports: dict[int, dict[int, int]]

    @property
    def states(self) -> dict[str, SwitchState]:
        return {f"r{router}": SwitchState(_rules(table), (), ()) for router, table in self.tables.items()}

    def truth(self) -> tuple[bool, bool]:
        """Whether some packet goes round for ever, and whether some is sent on and lost."""
        ends = [self._end(start, piece) for piece in self._pieces() for start in self.tables]
        return "loop" in ends, "lost" in ends

    def _pieces(self) -> set[int]:
        """One address of each piece that prefixes cut the address space into."""
        cuts = {0}
        for value, length in {prefix for table in self.tables.values() for prefix in table}:
            cuts |= {value, value + (1 << 32 - length)}
        return {cut for cut in cuts if cut < 1 << 32}

    def _end(self, start: int, address: int) -> str:
        at, came, seen = start, HOST, set[tuple[int, int]]()
        while True:
            fits = {
                length: port
                for (value, length), port in self.tables[at].items()
                if address >> 32 - length == value >> 32 - length
            }
            port = fits[max(fits)] if fits else None
            if port == HOST and came != HOST:
                return "arrives"
            if (
                port is None or port == came
            ):  # a packet is not sent back by the port that it came by (OpenFlow 1.3.5 §5.12)
                return "lost" if seen else "not sent on"
            if (at, came) in seen:
                return "loop"
            seen.add((at, came))
            there = self.ports[at][port]
            at, came = there, next(number for number, other in self.ports[there].items() if other == at)


def routed(seed: int) -> Routed:
    """The network of a number: shortest paths to every prefix's owner, but for mistakes, from none to nothing but."""
    dice = Random(seed)
    net = graph(dice, KINDS[seed % len(KINDS)], dice.randint(4, 20))
    ports, topology = _cabled(net)
    prefixes = _prefixes(dice, dice.choice([5, 10, 20, 60]))
    tables: dict[int, dict[Prefix, int | None]] = {router: {} for router in net}
    for prefix in prefixes:
        owner = dice.choice(list(net))
        for router, path in nx.single_target_shortest_path(net, owner).items():
            tables[router][prefix] = next((n for n, other in ports[router].items() if path[1:2] == [other]), HOST)
    for _ in range(dice.choice([0, 1, 5, 20, 100, 400])):
        router, prefix = dice.choice(list(net)), dice.choice(prefixes)
        choice = dice.choice(["port", "port", "port", "drop", "gone"])
        if choice == "gone":
            tables[router].pop(prefix, None)
        else:
            tables[router][prefix] = None if choice == "drop" else dice.choice([*ports[router], HOST])
    return Routed(topology, tables, ports)


def _cabled(net: nx.Graph) -> tuple[dict[int, dict[int, int]], Topology]:
    ports: dict[int, dict[int, int]] = {router: {} for router in net}
    links = []
    for a, b in net.edges:
        near, far = len(ports[a]) + 1, len(ports[b]) + 1
        ports[a][near], ports[b][far] = b, a
        links.append(Link(PortRef(f"r{a}", near), PortRef(f"r{b}", far)))
    switches = {f"r{n}": Switch(f"r{n}", LEAF, n + 1, n + 1) for n in net}
    hosts = {f"h{n}": Host(f"h{n}", n + 1, (PortRef(f"r{n}", HOST),)) for n in net}
    return ports, Topology("routed", switches, tuple(links), hosts)


def _prefixes(dice: Random, count: int) -> list[Prefix]:
    """Prefixes of all lengths, many of them within others."""
    found: list[Prefix] = []
    for _ in range(count):
        length, base = dice.choice([8, 12, 16, 20, 24, 28, 32]), 10 << 24 | dice.getrandbits(24)
        around, shorter = dice.choice(found) if found and dice.random() < 0.6 else (0, 32)
        if shorter < length:
            base = around | dice.getrandbits(32 - shorter)
        found.append((base & _mask(length), length))
    return list(dict.fromkeys(found))


def _rules(table: dict[Prefix, int | None]) -> tuple[Rule, ...]:
    return tuple(
        Rule(0, length + 1, Match.of(eth_type=0x0800, ipv4_dst=(value, _mask(length))), _sending(port))
        for (value, length), port in table.items()
    )


def _sending(port: int | None) -> Instructions:
    return Instructions(apply=() if port is None else (Output(port),))


def _mask(length: int) -> int:
    return (0xFFFFFFFF << 32 - length) & 0xFFFFFFFF
