"""How long it takes to say what a change means: one policy or one endpoint more in a large intent, and all of it.

python -m benchmarks.difference [2k] [25k]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.compile import MEASURED, SIZES
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.impact import NOBODY, impact_of
from clos.controller.intent import load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.intent.model import Intent, Policy, Service, Tenant

TURNS = 50


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
    print(f"bench-{name}: {SIZES[name].tenants} tenants, {SIZES[name].endpoints:,} endpoints")
    for what, changed in _changes(intent):
        times = []
        for new in changed:
            start = time.perf_counter()
            impact_of(Snapshot(intent, topology), Snapshot(new, topology))
            times.append((time.perf_counter() - start) * 1e3)
        times.sort()
        print(f"  {what:<14}p50 {statistics.median(times):.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms")
    start = time.perf_counter()
    found = impact_of(NOBODY, Snapshot(intent, topology))
    print(f"  {'from nothing':<14}{time.perf_counter() - start:.2f} s, {len(found.sentences):,} sentences")


def _changes(intent: Intent) -> Iterator[tuple[str, list[Intent]]]:
    tenants = [tenant for tenant in intent.tenants.values() if tenant.policies][:TURNS]
    yield "one policy", [_with(intent, _policy(tenant)) for tenant in tenants]
    yield "one endpoint", [_with(intent, _endpoint(tenant)) for tenant in tenants]


def _with(intent: Intent, tenant: Tenant) -> Intent:
    return Intent({**intent.tenants, tenant.name: tenant}, intent.shares)


def _policy(tenant: Tenant) -> Tenant:
    first = tenant.policies[0]
    return replace(tenant, policies=(*tenant.policies, Policy("new", first.target, first.source, (Service(6, 1, 9),))))


def _endpoint(tenant: Tenant) -> Tenant:
    last = list(tenant.endpoints)[-1]
    return replace(tenant, endpoints={name: held for name, held in tenant.endpoints.items() if name != last})


if __name__ == "__main__":
    main()
