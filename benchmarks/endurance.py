"""Many applies in a row on one daemon: whether its memory or the time of an apply grows.

    python -m benchmarks.endurance [--applies 500] [--topology topologies/bank.yaml] [--intents intents/bank]

Each apply gives one endpoint another address, or its own back; it is proved and sent to simulated switches by OpenFlow.
The switches are in a process of their own, so the memory is the controller's. Slopes are least squares over the second
half, when caches are warm.
"""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import linear_regression, median

from clos.controller.daemon import Daemon
from clos.controller.intent import Text, load_topology
from clos.fabric.sim.openflow.server import SimThread

ADDRESS = re.compile(r"(ip: \d+\.\d+\.\d+\.)(\d+)")


def resident() -> float:
    """MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def switches(topology: Path, port: int, done: Event) -> None:
    found = load_topology(topology).topology
    if found is not None:
        with SimThread(found, ("127.0.0.1", port)):
            done.wait()


def moved(documents: Sequence[Text], turn: int) -> list[Text]:
    """The documents with the first endpoint's address another one in odd turns."""
    first, *rest = documents
    text = ADDRESS.sub(lambda found: f"{found[1]}{250 if turn % 2 else int(found[2])}", first.text, count=1)
    return [Text(first.name, text), *rest]


def applied(daemon: Daemon, documents: Sequence[Text], applies: int) -> list[tuple[float, float]]:
    """Seconds and MiB after each apply."""
    rows = []
    for turn in range(applies + 1):
        began = time.perf_counter()
        allow = ("empty", "deletes", "uplink") if not turn else ()
        daemon.changes.apply(moved(documents, turn), "endurance", f"turn {turn}", allow=allow)
        if turn:
            rows.append((time.perf_counter() - began, resident()))
        if turn % 50 == 0:
            print(f"{turn:5}: {time.perf_counter() - began:6.3f} s, {resident():7.1f} MiB", flush=True)
    return rows


def slope(values: Sequence[float]) -> float:
    return linear_regression(range(len(values)), values).slope if len(values) > 1 else 0.0


def told(change: float, unit: str) -> str:
    """A slope in words."""
    return f"{'falls' if change < 0 else 'grows'} by {abs(change):.1f} {unit}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--applies", type=int, default=500)
    parser.add_argument("--topology", type=Path, default=Path("topologies/bank.yaml"))
    parser.add_argument("--intents", type=Path, default=Path("intents/bank"))
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    files = sorted(given.intents.glob("*.yaml")) if given.intents.is_dir() else [given.intents]
    documents = [Text(str(path), path.read_text(encoding="utf-8")) for path in files]
    context = multiprocessing.get_context("spawn")
    done = context.Event()
    with tempfile.TemporaryDirectory() as place, Daemon(given.topology, place, of_port=0) as daemon:
        port = daemon.switches.wire.address[1]
        fabric = context.Process(target=switches, args=(given.topology, port, done), daemon=True)
        fabric.start()
        try:
            while daemon.queries.status().in_line < daemon.queries.status().expected:
                time.sleep(0.1)
            rows = applied(daemon, documents, given.applies)
            gc.collect()
        finally:
            done.set()
            fabric.join(10)
    half = rows[len(rows) // 2 :]
    seconds, memory = [one for one, _ in half], [mib for _, mib in half]
    print(f"{given.applies} applies: median {median(seconds):.3f} s, {told(slope(seconds) * 1e6, 'µs')} an apply")
    print(f"memory: {memory[-1]:.1f} MiB at the end, {told(slope(memory) * 1024, 'KiB')} an apply")


if __name__ == "__main__":
    main()
