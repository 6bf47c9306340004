"""A thousand simulated switches, connected and programmed: seconds, and the memory of both processes.

    python -m benchmarks.thousand [--switches 1000]

Ratio: to the same number of plain TCP connections made, greeted and answered in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time

from benchmarks.simulated import simulated
from clos.controller.compile import compile_fabric
from clos.controller.intent.bench import bench_intent
from clos.controller.plan import diff
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.generate import clos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--switches", type=int, default=1000)
    count = parser.parse_args().switches
    spines = min(8, count // 4)
    leaves = count - spines
    topology = clos(spines, leaves, hosts_per_leaf=2)
    tenants = min(100, leaves // 4)
    intent = bench_intent(topology, tenants, (2, 2), 2 * leaves - 2 * tenants, 2 * tenants)
    compiled = compile_fabric(intent, topology)
    start = time.perf_counter()
    with (
        Controller({s.dpid: s.name for s in topology.switches.values()}, port=0) as controller,
        simulated(topology, controller.address) as peak,
    ):
        missing = controller.wait_for(topology.switches, 120)
        connected = time.perf_counter() - start
        if missing:
            raise SystemExit(f"{len(missing)} of {count} switches did not connect")
        outcome = controller.apply(diff(Ruleset(topology.switches, {}), compiled.ruleset), fresh=topology.switches)
        programmed = time.perf_counter() - start
        if not outcome.ok:
            raise SystemExit(str(outcome))
    here, there = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, peak.get(timeout=30)
    total = sum(compiled.ruleset.counts().values())
    bare = asyncio.run(_greetings(count))
    print(f"{count} switches: connected in {connected:.1f} s, programmed ({total:,} rules) after {programmed:.1f} s")
    print(f"peak memory: controller {here} MB + simulator {there} MB = {here + there} MB")
    print(f"{count} bare TCP connections greeted in {bare:.2f} s; connecting took {connected / bare:.1f} times that")


async def _greetings(count: int) -> float:
    """Seconds until ``count`` connections have each sent a line and got it back."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def greet(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        await reader.readline()
        writer.close()

    start = time.perf_counter()
    async with await asyncio.start_server(answer, "127.0.0.1", 0, backlog=count) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(greet(port) for _ in range(count)))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
