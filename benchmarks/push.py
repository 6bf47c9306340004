"""How fast rules reach switches: 100,000 rules onto 64 simulated switches over TCP, confirmed by barriers.

    python -m benchmarks.push [--rules 100000] [--leaves 64]

The peer, in the same run and over the same kind of connection: 64 sockets to a process that reads and throws away
the very same bytes, which is as fast as loopback and this process can be.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.simulated import simulated
from clos.controller.plan import diff
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.action import PushVlan, SetField
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset
from clos.fabric.generate import clos
from clos.fabric.openflow import pack_block
from clos.fabric.topology import Topology

RULES, LEAVES = 100_000, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--leaves", type=int, default=LEAVES)
    chosen = parser.parse_args()
    topology = clos(spines=1, leaves=chosen.leaves, hosts_per_leaf=0)
    ruleset = _ruleset(topology, chosen.rules)
    total = sum(ruleset.counts().values())
    with (
        Controller({s.dpid: s.name for s in topology.switches.values()}, port=0) as controller,
        simulated(topology, controller.address),
    ):
        missing = controller.wait_for(topology.switches, 60)
        if missing:
            raise SystemExit(f"not connected: {', '.join(sorted(missing))}")
        plan = diff(Ruleset(topology.switches, {}), ruleset)
        gc.collect()
        start = time.perf_counter()
        outcome = controller.apply(plan, fresh=topology.switches)
        spent = time.perf_counter() - start
        if not outcome.ok:
            raise SystemExit(str(outcome))
        held = sum(len(controller.read(s.name).state.rules) for s in topology.leaves)
    if held != total:
        raise SystemExit(f"{held} rules are on the switches, not {total}")
    peer = _throw_away(ruleset, topology)
    print(f"{total:,} rules onto {chosen.leaves} switches: {spent:.2f} s, {total / spent:,.0f} rules/s, confirmed")
    print(f"the same bytes thrown away by a reader: {peer:.2f} s; ratio {spent / peer:.1f}")


def _ruleset(topology: Topology, rules: int) -> Ruleset:
    """Rules like a bridge stage's: half the same on every leaf, half a leaf's own."""
    leaves = [leaf.name for leaf in topology.leaves]
    each = rules // len(leaves)
    common = {"common": Placed(Block(_rules(0, each // 2)), tuple(leaves))}
    own = {leaf: Placed(Block(_rules(1 + i, each - each // 2)), (leaf,)) for i, leaf in enumerate(leaves)}
    return Ruleset(topology.switches, {"bench": common | own})


def _rules(seed: int, count: int) -> list[Rule]:
    apply = (PushVlan(0x8100), SetField("vlan_vid", 0x1007))
    return [
        Rule(
            3,
            100,
            Match.of(metadata=(7 << 32, 0x3FFFF << 32), eth_dst=(seed << 24) + i),
            Instructions(None, apply, True, (), (9, 0xFFFF), 5),
            0xC105 << 48 | i,
        )
        for i in range(count)
    ]


def _throw_away(ruleset: Ruleset, topology: Topology) -> float:
    """Seconds to send the packed rules to 64 sockets whose reader only counts."""
    parent, child = multiprocessing.Pipe()
    reader = multiprocessing.get_context("spawn").Process(
        target=_count, args=(child, len(topology.leaves)), daemon=True
    )
    reader.start()
    address = parent.recv()
    loads = [b"".join(map(pack_block, ruleset.blocks(leaf.name))) for leaf in topology.leaves]
    sockets = [socket.create_connection(address) for _ in loads]
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: pair[0].sendall(pair[1]), zip(sockets, loads, strict=True)))
    for connection in sockets:
        connection.shutdown(socket.SHUT_WR)
    if parent.recv() != sum(map(len, loads)):
        raise SystemExit("bytes were lost")
    return time.perf_counter() - start


def _count(pipe: multiprocessing.connection.Connection, count: int) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=count) as server:
        pipe.send(server.getsockname())
        total = 0
        connections = [server.accept()[0] for _ in range(count)]
        for connection in connections:
            while data := connection.recv(1 << 18):
                total += len(data)
        pipe.send(total)


if __name__ == "__main__":
    main()
