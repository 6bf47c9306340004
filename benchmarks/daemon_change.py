"""One endpoint added, moved or removed among many, as an engineer does it: an edited YAML document goes to the daemon,
which plans it, records it durably and sends it; the change is done when every switch concerned has confirmed it.

    python -m benchmarks.daemon_change [2k|25k] [--restart]

Simulated switches, in a process of their own, hold the whole ruleset. One document per tenant. The ratio is to a bare
echo of one byte over as many sockets to a process that does nothing else. Also: a plan over HTTP, and a restart.
"""

from __future__ import annotations

import argparse
import logging
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.compile import SIZES, edits
from benchmarks.confirm import _echo as echo
from benchmarks.simulated import simulated
from clos.controller.api.app import create_app
from clos.controller.api.client import Client
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from clos.controller.daemon import Daemon
from clos.controller.intent import Text, load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.intent.importers.writing import write_tenant
from clos.controller.intent.model import Intent
from clos.fabric.topology import Topology

T = TypeVar("T")

ROUNDS = 50
ALLOW = ("deletes",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="25k", choices=list(SIZES))
    parser.add_argument("--restart", action="store_true", help="also restart the daemon: every switch is read back")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    name = chosen.size
    logging.disable(logging.WARNING)
    path = Path(f"topologies/bench-{name}.yaml")
    topology = load_topology(path).topology
    if topology is None:
        raise SystemExit(f"{path} does not load")
    intent = bench_intent(topology, *SIZES[name])
    documents = {tenant: Text(f"{tenant}.yaml", write_tenant(value)) for tenant, value in intent.tenants.items()}
    bare = echo(len(topology.switches))
    with tempfile.TemporaryDirectory() as place:
        state = Path(place) / "state"
        with Daemon(path, state, of_port=0, prove=False) as daemon, simulated(topology, daemon.switches.wire.address):
            port = daemon.switches.wire.address[1]
            print(f"bench-{name}: {size(documents) / 1e6:.1f} MB of YAML in {len(documents)} documents", flush=True)
            install(daemon, topology, documents)
            changes(daemon, intent, topology, documents, bare, chosen.rounds)
            over_http(daemon, documents)
            if chosen.restart:
                daemon.stop()
                restart(path, state, port, topology)


def size(documents: dict[str, Text]) -> int:
    return sum(len(document.text) for document in documents.values())


def install(daemon: Daemon, topology: Topology, documents: dict[str, Text]) -> None:
    """The first apply, on an empty fabric."""
    daemon.switches.inventory.await_connected(topology.switches, 60)
    planned, _ = timed(lambda: daemon.changes.plan(documents.values()))
    spent, done = timed(lambda: daemon.changes.apply(documents.values(), "bench", "first", allow=ALLOW))
    print(f"  first plan {planned:.1f} s, then applied in {spent:.1f} s: ", end="")
    print(f"{done.entries:,} entries, {done.entries / spent:,.0f} per second", flush=True)


def changes(
    daemon: Daemon, intent: Intent, topology: Topology, documents: dict[str, Text], bare: float, rounds: int
) -> None:
    """One endpoint at a time."""
    found: dict[str, list[tuple[float, float]]] = {}
    for kind, changed in edits(intent, topology, rounds):
        (tenant,) = (name for name, value in changed.tenants.items() if value is not intent.tenants[name])
        intent = changed
        documents[tenant] = Text(f"{tenant}.yaml", write_tenant(changed.tenants[tenant]))
        sources = [*documents.values()]
        ready, draft = timed(partial(daemon.changes.plan, sources))
        spent, _ = timed(partial(daemon.changes.apply, sources, "bench", kind, expect_revision=draft.base))
        found.setdefault(kind, []).append((ready, ready + spent))
    for kind, rows in found.items():
        ready_sorted, done = (sorted(column) for column in zip(*rows, strict=True))
        half, last = len(rows) // 2, int(len(rows) * 0.99)
        print(
            f"  {kind:<8}plan ready p50 {ready_sorted[half] * 1e3:.1f} ms, p99 {ready_sorted[last] * 1e3:.1f} ms; ",
            end="",
        )
        print(f"recorded and confirmed p50 {done[half] * 1e3:.1f} ms, p99 {done[last] * 1e3:.1f} ms; ", end="")
        print(f"{done[half] / bare:.0f} x a bare echo of {bare * 1e3:.2f} ms", flush=True)


def over_http(daemon: Daemon, documents: dict[str, Text]) -> None:
    """A plan of all documents, one of them changed, asked for over HTTP; and the status."""
    sources = {document.name: document.text for document in documents.values()}
    first, text = next(iter(sources.items()))
    with (
        Server(Guard(create_app(daemon), "token"), "127.0.0.1", 0) as server,
        Client(f"http://127.0.0.1:{server.address[1]}", "token") as client,
    ):
        plans = sorted(timed(partial(client.plan, sources | {first: f"{text}# {n}\n"}))[0] for n in range(20))
        asked = sorted(timed(client.status)[0] for _ in range(50))
    print(f"  over HTTP a plan takes p50 {plans[10] * 1e3:.0f} ms, the status {asked[25] * 1e3:.1f} ms", flush=True)


def restart(path: Path, state: Path, port: int, topology: Topology) -> None:
    """Another daemon on the same state, until every switch is read back and found in line."""
    begun = time.perf_counter()
    with Daemon(path, state, of_port=port, prove=False) as daemon:
        started = time.perf_counter() - begun
        while daemon.queries.status().in_line < len(topology.switches):
            time.sleep(0.1)
        whole = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"  restart: listening after {started:.1f} s, all switches read back and in line after {whole:.1f} s; ", end=""
    )
    print(f"peak memory {peak} MB (with the first daemon's)")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


if __name__ == "__main__":
    main()
