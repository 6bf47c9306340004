"""Gray failures in virtual time: how long until one is noticed, located, and sound again; and no false alarm.

    python -m benchmarks.gray [--topology FILE] [--runs 20]      each kind of failure, so many times
    python -m benchmarks.gray --hours 24                         sound fabric with flapping cables and slow sessions

Changes of rules take no virtual time; what they take is benchmarks.daemon_change's business.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from clos.controller.intent import load_topology
from clos.fabric.sim.gray import Gray
from clos.fabric.topology import PortRef, Topology
from tests.support.gray_world import GrayWorld

Failure = tuple[str, bool, Callable[[str, str, int], Gray]]
CASES: tuple[Failure, ...] = (
    ("spine, 100%", True, lambda spine, leaf, seed: Gray(1.0, seed=seed)),
    ("spine, 10%", True, lambda spine, leaf, seed: Gray(0.1, seed=seed)),
    ("spine, 1%", True, lambda spine, leaf, seed: Gray(0.01, seed=seed)),
    ("cable up, 100%", False, lambda spine, leaf, seed: Gray(1.0, spine, seed=seed)),
    ("cable up, 10%", False, lambda spine, leaf, seed: Gray(0.1, spine, seed=seed)),
    ("cable up, 1%", False, lambda spine, leaf, seed: Gray(0.01, spine, seed=seed)),
    ("egress to a leaf, 100%", False, lambda spine, leaf, seed: Gray(1.0, leaf, seed=seed)),
    ("large frames, 100%", False, lambda spine, leaf, seed: Gray(1.0, sizes=(1400, 9000), seed=seed)),
    ("bit errors, 10%", False, lambda spine, leaf, seed: Gray(0.1, corrupt=True, seed=seed)),
)
"""Name, whether all cables of the spine suffer, and how."""
MOST = 300.0


def failures(topology: Topology, runs: int) -> None:
    print(f"{topology.name}: {len(topology.links)} cables; seconds, median and worst of {runs}")
    for name, whole, how in CASES:
        seen = [one_run(topology, whole, how, seed) for seed in range(runs)]
        found = [each for each in seen if each is not None]
        right = sum(each[2] for each in found)
        if not found:
            print(f"{name:24} not found within {MOST:.0f} s")
            continue
        noticed, located = ([each[at] for each in found] for at in (0, 1))
        print(
            f"{name:24} noticed {median(noticed):5.1f} {max(noticed):6.1f}   located {median(located):5.1f} "
            f"{max(located):6.1f}   found {len(found)}/{runs}, rightly named {right}/{runs}"
        )


def one_run(
    topology: Topology, whole: bool, how: Callable[[str, str, int], Gray], seed: int
) -> tuple[float, float, bool] | None:
    """Seconds until noticed and located, and whether the right part was named; None: not within MOST seconds."""
    world = GrayWorld(topology, seed)
    world.run(5)
    link = world.dice.choice(topology.links)
    near = link.a if topology.switches[link.a.switch].is_leaf else link.b
    spine = topology.peers[near].switch
    gray, start = how(spine, near.switch, seed), world.network.seconds
    for port in world.network.links_of(spine) if whole else (near,):
        world.network.gray(port, gray)
    while not world.gray.alarms():
        if world.network.seconds - start > MOST:
            return None
        world.run(0.05)
    (alarm, *_) = world.gray.alarms()
    right = alarm.part.at == (PortRef(spine, 0) if whole else near)
    return max(0.0, alarm.noticed - start), alarm.located - start, right


def quiet(topology: Topology, hours: float) -> None:
    """A sound fabric: sessions that are slow at times, a cable that flaps and a switch that leaves each half hour."""
    world = GrayWorld(topology, 1)
    dice = world.dice
    world.delay = lambda: dice.uniform(0, 0.4) if dice.random() < 0.001 else dice.choice((0.001, 0.002))
    start, wall = world.network.seconds, time.perf_counter()
    while world.network.seconds - start < hours * 3600:
        world.run(min(1790, hours * 3600))
        cable = world.dice.choice(topology.links).a
        world.network.cut(cable)
        world.run(5)
        world.network.restore(cable)
        world.leave(world.dice.choice(list(topology.switches)))
        world.run(5)
        world.away.clear()
    sent = sum(count for count, _ in world.gray.counts().values())
    bad = sum(count for _, count in world.gray.counts().values())
    print(
        f"{topology.name}: {hours:g} simulated hours, {sent:,} cables crossed by probes, {bad:,} badly, "
        f"{world.gray.blamed} alarms; {time.perf_counter() - wall:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topology", type=Path, default=Path("topologies/demo.yaml"))
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--hours", type=float, default=0.0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    topology, problems = load_topology(given.topology)
    if topology is None:
        raise SystemExit("\n".join(map(str, problems)))
    probing = replace(topology, probes=True)
    if not given.runs:
        given.hours = given.hours or 0.001
    if given.hours:
        quiet(probing, given.hours)
    else:
        failures(probing, given.runs)


if __name__ == "__main__":
    main()
