"""One endpoint added, moved or removed among many: until its plan is ready, and until every switch concerned has
confirmed it with a barrier. Simulated switches, in a process of their own, hold the whole ruleset.

    python -m benchmarks.confirm [small|2k|25k] [--rounds 50]

The ratio is to a bare echo of one byte over as many sockets to a process that does nothing else.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import select
import socket
import time
from pathlib import Path

from benchmarks.compile import SIZES, edits
from benchmarks.simulated import simulated
from clos.controller.compile import compile_fabric
from clos.controller.intent import load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.plan import diff
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.ruleset import Ruleset

ROUNDS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="25k", choices=list(SIZES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    name = chosen.size
    topology = load_topology(Path(f"topologies/bench-{name}.yaml")).topology
    if topology is None:
        raise SystemExit(f"topologies/bench-{name}.yaml does not load")
    compiled = compile_fabric(bench_intent(topology, *SIZES[name]), topology)
    total = sum(compiled.ruleset.counts().values())
    with (
        Controller({s.dpid: s.name for s in topology.switches.values()}, port=0) as controller,
        simulated(topology, controller.address) as peak,
    ):
        if missing := controller.wait_for(topology.switches, 60):
            raise SystemExit(f"not connected: {', '.join(sorted(missing))}")
        start = time.perf_counter()
        first = controller.apply(diff(Ruleset(topology.switches, {}), compiled.ruleset), fresh=topology.switches)
        if not first.ok:
            raise SystemExit(str(first))
        spent = time.perf_counter() - start
        print(f"bench-{name}: {total:,} rules installed in {spent:.1f} s, {total / spent:,.0f} rules/s", flush=True)
        gc.collect()
        gc.freeze()
        found: dict[str, list[tuple[float, float, int]]] = {}
        for kind, intent in edits(compiled.intent, topology, chosen.rounds):
            begun = time.perf_counter()
            after = compile_fabric(intent, topology, previous=compiled)
            plan = diff(compiled.ruleset, after.ruleset)
            ready = time.perf_counter()
            outcome = controller.apply(plan)
            if not outcome.ok:
                raise SystemExit(str(outcome))
            found.setdefault(kind, []).append((ready - begun, time.perf_counter() - begun, len(plan.touched)))
            compiled = after
        _check(controller, compiled.ruleset, topology.leaves[0].name)
    bare = _echo(len(topology.switches))
    for kind, rows in found.items():
        planned, done, touched = (sorted(column) for column in zip(*rows, strict=True))
        half, last = len(rows) // 2, int(len(rows) * 0.99)
        print(f"  {kind:<8}plan ready p50 {planned[half] * 1e3:.1f} ms, p99 {planned[last] * 1e3:.1f} ms; ", end="")
        print(f"confirmed p50 {done[half] * 1e3:.1f} ms, p99 {done[last] * 1e3:.1f} ms, ", end="")
        print(f"on {touched[half]} switches; {done[half] / bare:.0f} x a bare echo of {bare * 1e3:.2f} ms")
    print(f"  simulator's peak memory {peak.get(timeout=60)} MB")


def _check(controller: Controller, ruleset: Ruleset, switch: str) -> None:
    """What was installed step by step is what compiling says, on one switch read back whole."""
    if controller.read(switch).state != ruleset.state(switch):
        raise SystemExit(f"{switch} does not hold what it should")


def _echo(count: int) -> float:
    """Median seconds for one byte to ``count`` sockets and back."""
    parent, child = multiprocessing.Pipe()
    peer = multiprocessing.get_context("spawn").Process(target=_answer, args=(child, count), daemon=True)
    peer.start()
    address = parent.recv()
    sockets = [socket.create_connection(address) for _ in range(count)]
    times = []
    for _ in range(50):
        start = time.perf_counter()
        for one in sockets:
            one.sendall(b"x")
        for one in sockets:
            one.recv(1)
        times.append(time.perf_counter() - start)
    for one in sockets:
        one.close()
    return sorted(times)[25]


def _answer(pipe: multiprocessing.connection.Connection, count: int) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=count) as server:
        pipe.send(server.getsockname())
        waiting = [server.accept()[0] for _ in range(count)]
        while waiting:
            for one in select.select(waiting, [], [])[0]:
                data = one.recv(1)
                if data:
                    one.sendall(data)
                else:
                    waiting.remove(one)


if __name__ == "__main__":
    main()
