"""Three controllers on three members of etcd under faults, with clients that apply and read all the time.

    python -m benchmarks.cluster [--faults 40] [--clients 2] [--lease 3] [--seed 1]

Everything is on loopback, the switches are simulated, and every process is a real one. A fault comes at a random
instant of the applies: the leader killed, paused for longer than its lease, cut off from etcd; a member of etcd killed
or paused. Takeover is measured from the fault until another controller says that it leads (``leads``), and to the first
change that clients have confirmed (``confirmed``). Of a fault of etcd alone there may be no takeover; then no time is
counted. Afterwards the history of all that clients saw is checked (tests.support.linearizable), each revision's end,
and every switch. Meanwhile flows of packets run across the fabric.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from clos.controller.cli.simulated_hosts import attach
from clos.controller.intent import Text, load_intent
from tests.support.cluster_load import Load
from tests.support.cluster_rig import Rig

FABRICS = {
    "demo": ("topologies/demo.yaml", ["intents/demo.yaml"], "tcp/8080", ("shop/web1", "shop/app1", "icmp")),
}
CALM = (0.3, 2.0)
"""Seconds between the fabric's recovery and the next fault: less, and there is nothing to break; chosen at random."""
PPS = 50


class Faults:
    """What can go wrong, each with its end."""

    def __init__(self, rig: Rig, dice: random.Random, lease: int) -> None:
        self._rig, self._dice, self._lease = rig, dice, lease

    def kinds(self) -> dict[str, Callable[[str], Callable[[], object]]]:
        """By name: does it to the leader named; gives what ends it, to be called when another one leads."""
        return {
            "leader killed": self._killed,
            "leader paused": self._paused,
            "leader cut off from etcd": self._cut,
            "member of etcd killed": lambda _: self._member(self._rig.etcd.kill, self._rig.etcd.revive),
            "member of etcd paused": lambda _: self._member(self._stop, self._go_on),
        }

    def _killed(self, leader: str) -> Callable[[], object]:
        self._rig.controllers[leader].kill()
        return self._rig.controllers[leader].start

    def _paused(self, leader: str) -> Callable[[], object]:
        self._rig.controllers[leader].pause()
        until = time.monotonic() + self._lease + self._dice.uniform(0.0, 3.0)

        def resume() -> None:
            time.sleep(max(0.0, until - time.monotonic()))
            self._rig.controllers[leader].resume()

        return resume

    def _cut(self, leader: str) -> Callable[[], object]:
        self._rig.controllers[leader].cut()
        return lambda: self._rig.controllers[leader].cut(False)

    def _member(self, harm: Callable[[int], object], mend: Callable[[int], object]) -> Callable[[], object]:
        number = self._dice.randrange(3)
        harm(number)
        return lambda: (time.sleep(2.0), mend(number))

    def _stop(self, number: int) -> None:
        self._rig.etcd.signal(number, signal.SIGSTOP)

    def _go_on(self, number: int) -> None:
        self._rig.etcd.signal(number, signal.SIGCONT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--lease", type=int, default=3)
    parser.add_argument("--fabric", choices=tuple(FABRICS), default="demo")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    topology, files, passage, (source, target, proto) = FABRICS[asked.fabric]
    sources = {Path(file).name: Path(file).read_text(encoding="utf-8") for file in files}
    dice, times = random.Random(asked.seed), defaultdict[str, list[tuple[float, float]]](list)
    counts: Counter[str] = Counter()
    with Rig(Path(topology), seconds=asked.lease) as rig:
        intent, _ = load_intent([Text(name, text) for name, text in sources.items()], rig.topology)
        attach(rig.sim, intent, rig.topology)
        load = Load(rig, sources, passage, asked.clients)
        rig.wait(rig.settled, "all switches")
        rig.wait(lambda: load.apply_once("first").outcome == "written", "a first revision")
        rig.wait(rig.settled, "a settled fabric")
        began, lost, sent = time.monotonic(), 0, 0
        with load:
            kinds = Faults(rig, dice, asked.lease).kinds()
            for number in range(asked.faults):
                kind = list(kinds)[number % len(kinds)]
                flow = rig.sim.start_flow(source, target, PPS, 6.0, proto=proto)
                took = suffer(rig, load, dice, kinds[kind])
                counts[kind] += 1
                times[kind] += [took] if took else []
                result = flow.result()
                lost, sent = lost + result.lost, sent + result.sent
                drops = f"; {result.lost} packets lost: {result.drops}" if result.lost else ""
                print(f"{number + 1:3} {kind}: {_told(took)}{drops}", flush=True)
        rig.wait(rig.settled, "a settled fabric")
        report(rig, load, counts, times, time.monotonic() - began)
        print(f"data packets: {sent:,} sent, {lost} lost")


def suffer(
    rig: Rig, load: Load, dice: random.Random, fault: Callable[[str], Callable[[], object]]
) -> tuple[float, float] | None:
    """One fault and its end; seconds until another led, and until it had confirmed a change. None: nobody else led."""
    rig.wait(rig.leader, "a leader")
    time.sleep(dice.uniform(*CALM))
    leader = rig.leader()
    assert leader is not None
    known, at = len(load.seen), time.monotonic()
    end, took = fault(leader), None
    watched = time.monotonic() + 20.0
    while time.monotonic() < watched:
        other = rig.leader(without=leader)
        if other is not None:
            leads = time.monotonic() - at
            rig.wait(lambda: any(s.outcome == "written" and s.begin > at for s in load.seen[known:]), "a change")
            first = min(s.end for s in load.seen[known:] if s.outcome == "written" and s.begin > at)
            took = leads, max(first - at, leads)
            break
        if time.monotonic() - at > 4.0 and (rig.said(leader) or {}).get("leads"):
            break
        time.sleep(0.02)
    end()
    rig.wait(lambda: all(map(rig.said, rig.controllers)), "all controllers")
    return took


def _told(took: tuple[float, float] | None) -> str:
    return f"another leads after {took[0]:.2f} s, confirms after {took[1]:.2f} s" if took else "the leader leads on"


def report(
    rig: Rig, load: Load, counts: Counter[str], times: dict[str, list[tuple[float, float]]], seconds: float
) -> None:
    every: list[tuple[float, float]] = []
    for kind, count in counts.items():
        each = times.get(kind, [])
        every += each
        print(f"{kind:26} {count:3} times, {len(each):3} takeovers" + (f": {_figures(each)}" if each else ""))
    print(f"{'all':26} {sum(counts.values()):3} times, {len(every):3} takeovers: {_figures(every)}")
    outcomes = Counter(seen.outcome for seen in load.seen)
    print(f"{seconds:.0f} s: " + ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())))
    states = Counter(row["status"] for row in rig.client().revisions(10_000))
    print("revisions: " + ", ".join(f"{count} {status}" for status, count in sorted(states.items())))
    print(
        "messages at switches: " + ", ".join(f"{count:,} {what}" for what, count in sorted(rig.witness.counts.items()))
    )
    print(f"of a deposed leader accepted: {rig.witness.counts['deposed']}")
    wrong = load.wrong()
    print("history: linearizable" if not wrong else "history: WRONG\n" + "\n".join(wrong[:20]))


def _figures(took: list[tuple[float, float]]) -> str:
    def line(values: list[float]) -> str:
        ordered = sorted(values)
        p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        return f"p50 {statistics.median(ordered):.2f} s, p99 {p99:.2f} s"

    return f"leads {line([each[0] for each in took])}; confirmed {line([each[1] for each in took])}"


if __name__ == "__main__":
    main()
