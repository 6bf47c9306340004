"""How long it takes to prove every claim of a fabric, and to prove a change of it.

    python -m benchmarks.verify [2k] [25k] [--rounds 60]

Fresh: from a compiled ruleset to the answers, by one process, and by as many as there are processors, as ``clos
verify`` does it. Changes: to one leaf's rules, to a spine's or an uplink's group, each of which keeps the intent; rules
deleted at random, with counterexamples; and one endpoint added, moved or removed, every batch of its plan proved. The
ratio is to the evaluator trying one packet for each set that was judged.
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from random import Random

from benchmarks.compile import SIZES, edits
from clos.controller.cli.commands.verify import MOST
from clos.controller.cli.processes import one_each, processors
from clos.controller.compile import Compiled, compile_fabric
from clos.controller.daemon.gc_control import freeze_heap, gc_paused
from clos.controller.intent import load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.intent.model import Intent
from clos.controller.plan import Batch, diff
from clos.controller.verify import Prover, SwitchEdit, verify_parallel
from clos.controller.verify.proof.prover import states_of
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import walk
from clos.fabric.packet import build
from clos.fabric.topology import Topology


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="small|2k|25k")
    parser.add_argument("--rounds", type=int, default=60, help="changes of each kind")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for name in chosen.sizes or ["2k"]:
        _measure(name, chosen.rounds)


def _measure(name: str, rounds: int) -> None:
    path = Path(f"topologies/bench-{name}.yaml")
    topology = load_topology(path).topology
    if topology is None:
        raise SystemExit(f"{path} does not load")
    intent = bench_intent(topology, *SIZES[name])
    start = time.perf_counter()
    with gc_paused():
        compiled = compile_fabric(intent, topology)
        made = time.perf_counter()
        rules = sum(compiled.ruleset.counts().values())
        print(f"bench-{name}: {rules:,} rules, compiled in {made - start:.2f} s", flush=True)
        if rules < MOST:
            _abreast(intent, topology, compiled)
        made = time.perf_counter()
        prover = Prover(intent, topology, states_of(compiled.ruleset))
        report = prover.report()
        done = time.perf_counter()
        freeze_heap()
    if not report.ok:
        raise SystemExit(str(report))
    sets = int(report.proofs[0].covered.split(" in ")[1].split()[0])
    print(f"  proved by one process in {done - made:.2f} s, {_peak(resource.RUSAGE_SELF)} MB at the most;", end=" ")
    print(report.proofs[0].covered, flush=True)
    one = _evaluated(topology, compiled)
    print(
        f"  the evaluator, one packet for each of {sets:,} sets: {one * sets:.1f} s, {one * sets / (done - made):.1f} x"
    )
    states = {name: SwitchState(tuple(s.rules), s.groups, ()) for name, s in states_of(compiled.ruleset).items()}
    dice = Random(7)
    _told("a leaf's rule, intent kept", _kept(prover, states, dice, _leaf_rule, rounds))
    _told("a spine's or uplink's group, intent kept", _kept(prover, states, dice, _group, rounds))
    _told("a rule deleted: refuted", _refuted(prover, states, dice, rounds))
    for kind, times in _changed(prover, compiled, topology, rounds).items():
        _told(f"one endpoint {kind}, every batch", times)


def _abreast(intent: Intent, topology: Topology, compiled: Compiled) -> None:
    """The same by as many processes as there are processors."""
    start, parts = time.perf_counter(), processors()
    report = verify_parallel(intent, topology, states_of(compiled.ruleset), parts, one_each)
    if not report.ok:
        raise SystemExit(str(report))
    took, others = time.perf_counter() - start, parts * _peak(resource.RUSAGE_CHILDREN)
    print(
        f"  proved by {parts} processes in {took:.2f} s, at most {_peak(resource.RUSAGE_SELF)} MB in the first", end=""
    )
    print(f" and {others} MB in its copies, what they share counted in each", flush=True)


def _peak(who: int) -> int:
    """Megabytes."""
    return resource.getrusage(who).ru_maxrss // 1024


def _evaluated(topology: Topology, compiled: Compiled) -> float:
    """Seconds that the evaluator takes for a packet, on switches around one sender."""
    models = {s: SwitchModel.of(compiled.ruleset.state(s), set(topology.ports[s])) for s in list(topology.switches)}
    dice = Random(3)
    tenant = dice.choice(list(compiled.intent.tenants.values()))
    ends = [e for e in tenant.endpoints.values() if topology.hosts[e.host].mode == "access"]
    pairs = [(a, b) for a in ends[:20] for b in ends[:20] if a is not b]
    frames = [
        (topology.hosts[a.host].ports[0], build.tcp(eth_src=a.mac, eth_dst=0x02C105000001, ipv4_src=a.ip, ipv4_dst=b.ip,
                                                    tcp_src=9, tcp_dst=443))
        for a, b in pairs
    ]  # fmt: skip
    start = time.perf_counter()
    for at, packet in frames:
        walk(models, topology, at, packet)
    return (time.perf_counter() - start) / len(frames)


Change = Callable[[str, SwitchState, Random], SwitchEdit | None]


def _leaf_rule(name: str, state: SwitchState, dice: Random) -> SwitchEdit | None:
    """A rule to an address, a priority higher than before."""
    rules = [rule for rule in state.rules if rule.table in (3, 4)]
    if not rules:
        return None
    rule = dice.choice(rules)
    return SwitchEdit((rule,), (rule._replace(priority=rule.priority + 5),))


def _group(name: str, state: SwitchState, dice: Random) -> SwitchEdit | None:
    """A group's buckets with other weights; a spine's detours in another order."""
    groups = [entry for entry in state.groups if len(entry.buckets) > 1]
    if not groups:
        return None
    entry = dice.choice(groups)
    buckets = entry.buckets
    if entry.type == "select":
        buckets = tuple(bucket._replace(weight=bucket.weight + dice.randrange(3)) for bucket in buckets)
    return SwitchEdit((), (), {entry.group: entry._replace(buckets=buckets)})


def _kept(prover: Prover, states: dict[str, SwitchState], dice: Random, change: Change, rounds: int) -> list[float]:
    times = []
    names = [name for name in states if change(name, states[name], Random(1)) is not None]
    for _ in range(rounds):
        name = dice.choice(names)
        edit = change(name, states[name], dice)
        if edit is None:
            continue
        start = time.perf_counter()
        report = prover.change({name: edit})
        times.append(time.perf_counter() - start)
        if not report.ok:
            raise SystemExit(str(report))
        prover.change({name: _back(states[name], edit)})
    return times


def _refuted(prover: Prover, states: dict[str, SwitchState], dice: Random, rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        name = dice.choice(list(states))
        rule = dice.choice(states[name].rules)
        start = time.perf_counter()
        report = prover.change({name: SwitchEdit((rule,))})
        if not report.ok:
            times.append(time.perf_counter() - start)
        if not prover.change({name: SwitchEdit((), (rule,))}).ok:
            raise SystemExit("not proved again")
    return times


def _back(state: SwitchState, edit: SwitchEdit) -> SwitchEdit:
    groups: dict[int, GroupEntry | None] = {entry.group: entry for entry in state.groups if entry.group in edit.groups}
    return SwitchEdit(edit.come, edit.gone, groups)


def _changed(prover: Prover, compiled: Compiled, topology: Topology, rounds: int) -> dict[str, list[float]]:
    """Seconds to prove every batch of each kind of change's plan."""
    times: dict[str, list[float]] = {"added": [], "moved": [], "removed": []}
    for kind, intent in edits(compiled.intent, topology, max(1, rounds // 3)):
        again = compile_fabric(intent, topology, previous=compiled)
        plan = diff(compiled.ruleset, again.ruleset)
        turns = [edits_of_batch(batch) for batch in plan.batches]
        start = time.perf_counter()
        reports = [prover.change(turn, intent, during=True) for turn in turns[:-1]]
        reports.append(prover.change(turns[-1], intent))
        times[kind].append(time.perf_counter() - start)
        for report in reports:
            if not report.ok:
                raise SystemExit(f"{kind}: {report}")
        compiled = again
    return times


def edits_of_batch(batch: Batch) -> dict[str, SwitchEdit]:
    """What a batch does to each switch; rules that replace others of their priority and match are named as both."""
    gone: dict[str, list[tuple[Rule, ...]]] = {}
    come: dict[str, list[tuple[Rule, ...]]] = {}
    groups: dict[str, dict[int, GroupEntry | None]] = {}
    for push in batch.pushes:
        for name in push.switches:
            gone.setdefault(name, []).append(push.block.rules)
            come.setdefault(name, []).append(() if push.op == "delete" else push.block.rules)
            held = groups.setdefault(name, {})
            held.update((entry.group, None if push.op == "delete" else entry) for entry in push.block.groups)
    return {name: SwitchEdit(_flat(gone[name]), _flat(come[name]), groups[name]) for name in gone}


def _flat(some: list[tuple[Rule, ...]]) -> tuple[Rule, ...]:
    return tuple(chain.from_iterable(some))


def _told(what: str, times: list[float]) -> None:
    if times:
        last = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
        print(
            f"  {what}: p50 {statistics.median(times) * 1e3:.1f} ms, p99 {last * 1e3:.0f} ms, {len(times)} times",
            flush=True,
        )


if __name__ == "__main__":
    main()
