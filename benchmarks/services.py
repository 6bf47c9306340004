"""One policy more whose service nobody spoke of before: what the gate needs to prove it.

    python -m benchmarks.services [small|2k|25k]

Processor time of the fresh proof, and of proving each policy, every state of its plan, added and taken away. To compare
with another build, run this file with that build's ``src`` first on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.compile import SIZES
from benchmarks.verify import edits_of_batch
from clos.controller.compile import Compiled, compile_fabric
from clos.controller.daemon.gc_control import gc_paused
from clos.controller.intent import load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.intent.model import Intent, Service
from clos.controller.plan import diff
from clos.controller.verify import Prover
from clos.controller.verify.proof.prover import states_of
from clos.fabric.topology import Topology

SERVICES = (
    Service(6, 443, 443),
    Service(17, 8050, 8050),
    Service(17, 9000, 9099),
    Service(47),
    Service(6, 50_000, 60_000),
)
"""The first is known already; the second lies in a range that is known of another protocol."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="2k", choices=list(SIZES))
    name = parser.parse_args().size
    path = Path(f"topologies/bench-{name}.yaml")
    topology = load_topology(path).topology
    if topology is None:
        raise SystemExit(f"{path} does not load")
    with gc_paused():
        _measure(topology, bench_intent(topology, *SIZES[name]))
    print(f"  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most")


def _measure(topology: Topology, intent: Intent) -> None:
    compiled = compile_fabric(intent, topology)
    begun = time.process_time()
    prover = Prover(intent, topology, states_of(compiled.ruleset))
    if not prover.report().ok:
        raise SystemExit(str(prover.report()))
    print(f"fresh proof: {time.process_time() - begun:.2f} s")
    for service in SERVICES:
        times = []
        for after in (_with(intent, service), intent):
            compiled, spent = _proved(prover, compiled, after, topology)
            times.append(spent)
        print(f"  {service!s:<18} added {times[0]:.3f} s, removed {times[1]:.3f} s", flush=True)


def _with(intent: Intent, service: Service) -> Intent:
    tenant = next(each for each in intent.tenants.values() if each.policies)
    model = tenant.policies[0]
    more = replace(tenant, policies=(*tenant.policies, replace(model, name="new", services=(service,))))
    return Intent({**intent.tenants, tenant.name: more}, intent.shares)


def _proved(prover: Prover, held: Compiled, after: Intent, topology: Topology) -> tuple[Compiled, float]:
    """What is held then, and the processor time that the proof of the plan's states took, in seconds."""
    compiled = compile_fabric(after, topology, previous=held)
    turns = [edits_of_batch(batch) for batch in diff(held.ruleset, compiled.ruleset).batches] or [{}]
    begun = time.process_time()
    for number, turn in enumerate(turns, 1):
        report = prover.change(turn, after, during=number < len(turns))
        if not report.ok:
            raise SystemExit(str(report))
    return compiled, time.process_time() - begun


if __name__ == "__main__":
    main()
