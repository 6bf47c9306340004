"""A change with its proof: what the gate needs before the first message may leave, for the first revision and for small
changes to it.

    python -m benchmarks.gate [2k|25k] [--rounds 50]

One endpoint is added, moved and removed, and a policy added and taken away, again and again. No switches: the plan is
made, examined after every batch, and taken as applied. The ratio is to compiling and planning that change.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.compile import SIZES, edits
from clos.controller.compile import Compiled, compile_fabric
from clos.controller.daemon.changes.candidate import Candidate, Sources
from clos.controller.daemon.changes.proof_gate import ProofGate
from clos.controller.daemon.gc_control import freeze_heap
from clos.controller.intent import Text, load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.intent.model import Intent, Policy
from clos.controller.plan import diff
from clos.fabric.dataplane.ruleset import EMPTY
from clos.fabric.topology import Topology


class Spent(NamedTuple):
    """Seconds: on compiling and planning, and on the proof; of this process's, on the proof."""

    plan: float
    proof: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="2k", choices=list(SIZES))
    parser.add_argument("--rounds", type=int, default=50)
    chosen = parser.parse_args()
    path = Path(f"topologies/bench-{chosen.size}.yaml")
    topology = load_topology(path).topology
    if topology is None:
        raise SystemExit(f"{path} does not load")
    intent = bench_intent(topology, *SIZES[chosen.size])
    examiner = ProofGate()
    compiled, first = step(examiner, None, intent, topology)
    entries = sum(compiled.ruleset.counts().values())
    print(f"bench-{chosen.size}: {entries:,} rules; compiled and planned in {first.plan:.1f} s, ", end="")
    print(f"the first revision proved in {first.proof:.1f} s ({first.processor:.1f} s of processor time), ", end="")
    print(f"{peak()} MB at most", flush=True)
    found: dict[str, list[Spent]] = {}
    edited = [*edits(intent, topology, chosen.rounds)]
    for kind, changed in (*edited, *policies(edited[-1][1], chosen.rounds)):
        compiled, spent = step(examiner, compiled, changed, topology)
        found.setdefault(kind, []).append(spent)
    for kind, rows in found.items():
        print(f"  {kind:<16}{told(rows)}", flush=True)
    print(f"  {peak()} MB at most")


def step(examiner: ProofGate, held: Compiled | None, intent: Intent, topology: Topology) -> tuple[Compiled, Spent]:
    """One revision after the other; it ends the measurement when it is not proved."""
    begun = time.perf_counter()
    compiled = compile_fabric(intent, topology, previous=held)
    installed = held.ruleset if held else EMPTY
    plan = diff(installed, compiled.ruleset)
    if held is None:
        freeze_heap()
    planned, processor = time.perf_counter(), time.process_time()
    draft = Candidate(0, Sources(Text("topology", "")), compiled, installed, plan, (), (), held)
    verdict = examiner.examine(draft, held, (), lambda step: None)
    if not verdict.ok:
        raise SystemExit(f"not proved: {verdict}")
    return compiled, Spent(planned - begun, time.perf_counter() - planned, time.process_time() - processor)


def policies(intent: Intent, rounds: int) -> Iterator[tuple[str, Intent]]:
    """A policy more in some tenant, and gone again."""
    dice = Random(7)
    for number in range(rounds):
        tenant = dice.choice([each for each in intent.tenants.values() if each.policies])
        model: Policy = dice.choice(tenant.policies)
        source, target = dice.choices([*tenant.groups], k=2)
        more = replace(model, name=f"new{number}", source=source, target=target)
        added = replace(tenant, policies=(*tenant.policies, more))
        yield "policy added", Intent({**intent.tenants, tenant.name: added}, intent.shares)
        yield "policy removed", intent


def told(rows: list[Spent]) -> str:
    plans, proofs, processor = (sorted(column) for column in zip(*rows, strict=True))
    half, last = len(rows) // 2, int(len(rows) * 0.99)
    proved = f"proved p50 {proofs[half] * 1e3:.1f} ms, p99 {proofs[last] * 1e3:.1f} ms"
    proved += f" ({processor[half] * 1e3:.1f} ms of processor time)"
    return f"planned p50 {plans[half] * 1e3:.1f} ms; {proved}, {proofs[half] / plans[half]:.1f} x the plan"


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
