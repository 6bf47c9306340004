"""How long intents take to become rules, and a one-endpoint change a plan, as ratios to Python's own limit.

    python -m benchmarks.compile [small] [2k] [25k]

The limit, measured in the same run: making the finished rules once more from their parts (a tuple, a match
and the instructions for each unique rule), with nothing to decide. Memory is the process's peak.
"""

from __future__ import annotations

import argparse
import gc
import platform
import resource
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from clos.controller.compile import Compiled, compile_fabric
from clos.controller.intent import load_topology
from clos.controller.intent.bench import BENCH_2K, BENCH_25K, BENCH_SMALL, bench_intent
from clos.controller.intent.model import Endpoint, Intent, Tenant
from clos.controller.plan import diff
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.topology import ACCESS, Topology

SIZES = {"small": BENCH_SMALL, "2k": BENCH_2K, "25k": BENCH_25K}
"""``small`` measures nothing: it is for tests, which run every benchmark so that none rots."""
MEASURED = ("2k", "25k")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="small|2k|25k")
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for name in parser.parse_args().sizes or MEASURED:
        _measure(name)


def _measure(name: str) -> None:
    topology = load_topology(Path(f"topologies/bench-{name}.yaml")).topology
    if topology is None:
        raise SystemExit(f"topologies/bench-{name}.yaml does not load")
    intent = bench_intent(topology, *SIZES[name])
    times: list[float] = []
    compiled: Compiled | None = None
    for _ in range(3):
        compiled = None  # the one before is not freed on this one's time
        gc.collect()
        start = time.perf_counter()
        compiled = compile_fabric(intent, topology)
        times.append(time.perf_counter() - start)
    if compiled is None:
        raise SystemExit("nothing was compiled")
    limit = _limit(compiled)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    counts = compiled.ruleset.counts()
    spines = [counts[s.name] for s in topology.spines]
    leaves = [counts[s.name] for s in topology.leaves]
    unique = sum(len(placed.block.rules) for placed in compiled.ruleset.placed())
    print(f"bench-{name}: {len(topology.leaves)} leaves x {len(topology.spines)} spines, ", end="")
    print(f"{SIZES[name].endpoints:,} endpoints")
    print(f"  full compile     {statistics.median(times):.3f} s (min {min(times):.3f}), {peak} MB peak, ", end="")
    print(f"{statistics.median(times) / limit:.1f} x Python's limit of {limit:.3f} s")
    print(f"  rules            {sum(counts.values()):,} on switches, {unique:,} unique; ", end="")
    print(f"leaf {min(leaves):,}-{max(leaves):,}, spine {min(spines)}-{max(spines)}")
    gc.collect()
    gc.freeze()
    for kind, found in _changes(compiled, topology).items():
        found.sort()
        p50, p99 = found[len(found) // 2] * 1e3, found[int(len(found) * 0.99)] * 1e3
        print(f"  {kind:<8}one endpoint: plan ready p50 {p50:.2f} ms, p99 {p99:.2f} ms ({len(found)} changes)")
    gc.unfreeze()


def _limit(compiled: Compiled) -> float:
    """Seconds to make every unique rule again from its parts."""
    rules = [rule for placed in compiled.ruleset.placed() for rule in placed.block.rules]
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    again = [Rule(r[0], r[1], Match.trusted(list(r[2])), Instructions(*r[3]), r[4]) for r in rules]
    spent = time.perf_counter() - start
    gc.enable()
    if again != rules:
        raise SystemExit("the copy differs")
    return spent


def _changes(compiled: Compiled, topology: Topology) -> dict[str, list[float]]:
    """Seconds from a changed intent to its plan, for additions, moves and removals in turn."""
    found: dict[str, list[float]] = {"added": [], "moved": [], "removed": []}
    for kind, intent in edits(compiled.intent, topology, 200):
        start = time.perf_counter()
        after = compile_fabric(intent, topology, previous=compiled)
        plan = diff(compiled.ruleset, after.ruleset)
        found[kind].append(time.perf_counter() - start)
        if not plan.batches:
            raise SystemExit(f"an endpoint {kind} made no plan")
        compiled = after
    return found


def edits(intent: Intent, topology: Topology, rounds: int) -> Iterator[tuple[str, Intent]]:
    """Intents one after the other, each one endpoint away from the last: ("added" | "moved" | "removed", intent)."""
    dice = Random(7)
    used = {e.host for t in intent.tenants.values() for e in t.endpoints.values()}
    free = [h.name for h in topology.hosts.values() if h.mode == ACCESS and h.name not in used]
    for number in range(rounds):
        tenant = dice.choice(list(intent.tenants.values()))
        model = dice.choice(list(tenant.endpoints.values()))
        first, second = dice.sample(free, 2)
        taken = {e.ip for e in tenant.endpoints.values()}
        ip = next(i for i in range(tenant.networks[model.network].gateway + 1, 1 << 32) if i not in taken)
        name, mac = f"new{number}", 0x02EE_0000_0000 + number
        added = replace(model, name=name, host=first, ip=ip, mac=mac)
        for kind, endpoint in (("added", added), ("moved", replace(added, host=second)), ("removed", None)):
            intent = _with(intent, tenant, name, endpoint)
            yield kind, intent


def _with(intent: Intent, tenant: Tenant, name: str, endpoint: Endpoint | None) -> Intent:
    rest = {key: value for key, value in tenant.endpoints.items() if key != name}
    endpoints = rest | ({name: endpoint} if endpoint else {})
    return Intent({**intent.tenants, tenant.name: replace(tenant, endpoints=endpoints)}, intent.shares)


if __name__ == "__main__":
    main()
