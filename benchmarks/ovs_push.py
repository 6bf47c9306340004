"""50,000 rules of a leaf into one Open vSwitch, against what ovs-ofctl needs for the same rules; and read back.

    python -m benchmarks.ovs_push [--runs N] [--rules N] [--size small|2k|25k]

The rules are every so-manieth of a leaf of bench-25k, in one bundle, from a plan to the switch's confirmation. The
peer, in the same run and on the same switch: ``ovs-ofctl --bundle add-flows`` of the file that ``ovs-ofctl dump-flows``
wrote of these rules. Reading back is from the question to "equal": every rule decoded, sorted and compared. The
switch has Open vSwitch's dummy datapath, so no root is needed.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.compile import SIZES
from clos.controller.compile import compile_fabric
from clos.controller.intent import load_topology
from clos.controller.intent.bench import bench_intent
from clos.controller.plan import Plan, diff
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset
from clos.fabric.openflow.flow import forget
from clos.lab.ovs.dummy_datapath import bridge_commands
from clos.lab.ovs.processes import DUMMY, PrivateSwitches

RULES, RUNS = 50_000, 5
NAME = "leaf1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--size", default="25k", choices=list(SIZES))
    chosen = parser.parse_args()
    path = Path(f"topologies/bench-{chosen.size}.yaml")
    topology = load_topology(path).topology
    if topology is None:
        raise SystemExit(f"{path} does not load")
    switch = topology.switches[NAME]
    before, desired = _rulesets(
        compile_fabric(bench_intent(topology, *SIZES[chosen.size]), topology).ruleset, chosen.rules
    )
    plan = diff(before, desired)
    with Controller({switch.dpid: NAME}, port=0) as controller, PrivateSwitches(DUMMY) as ovs:
        ovs.configure(*bridge_commands(switch, DUMMY, "tcp:{}:{}".format(*controller.address)))
        if controller.wait_for([NAME], 10):
            raise SystemExit("Open vSwitch did not connect")
        _apply(controller, diff(Ruleset((NAME,), {}), before))
        found = _measure(controller, ovs, plan, desired, chosen.runs)
    print(
        f"{chosen.rules:,} rules of {NAME} of bench-{chosen.size}, one Open vSwitch, {chosen.runs} runs (least, median)"
    )
    for what, seconds in found.items():
        print(f"{what:<46} {min(seconds):6.2f} s {statistics.median(seconds):6.2f} s")
    ours, peer = (found[what] for what in (OURS, PEER))
    ratio, medians = min(ours) / min(peer), statistics.median(ours) / statistics.median(peer)
    print(f"pushed in {ratio:.2f} (least), {medians:.2f} (median) times what ovs-ofctl needs")


OURS, PEER = "pushed by Clos, confirmed", "ovs-ofctl --bundle add-flows"
FIRST, AGAIN, DUMP = (
    "read back and compared, nothing remembered",
    "read back and compared again",
    "ovs-ofctl dump-flows",
)


def _rulesets(ruleset: Ruleset, count: int) -> tuple[Ruleset, Ruleset]:
    """The leaf's groups and meters; and with them so many of its rules, of every table as many as it has."""
    state = ruleset.state(NAME)
    rules = [state.rules[i * len(state.rules) // count] for i in range(count)]
    others, all_ = Block([], state.groups, state.meters), Block(rules)
    base = {"others": {"": Placed(others, (NAME,))}}
    return Ruleset((NAME,), base), Ruleset((NAME,), {**base, "rules": {"": Placed(all_, (NAME,))}})


def _measure(
    controller: Controller, ovs: PrivateSwitches, plan: Plan, desired: Ruleset, runs: int
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {what: [] for what in (OURS, PEER, FIRST, AGAIN, DUMP)}
    file, bridge = ovs.directory / "flows", ("-OOpenFlow13", NAME)
    want = desired.state(NAME)
    for _ in range(runs):
        ovs.run("ovs-ofctl", "del-flows", *bridge)
        gc.collect()
        found[OURS].append(_timed(lambda: _apply(controller, plan)))
        forget()
        found[FIRST].append(_timed(lambda: _compare(controller, want)))
        found[AGAIN].append(_timed(lambda: _compare(controller, want)))
        found[DUMP].append(_timed(lambda: _dump(ovs, file)))
        ovs.run("ovs-ofctl", "del-flows", *bridge)
        found[PEER].append(_timed(lambda: ovs.run("ovs-ofctl", "--bundle", "add-flows", *bridge, str(file))))
        _compare(controller, want)
    return found


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _apply(controller: Controller, plan: Plan) -> None:
    outcome = controller.apply(plan)
    if not outcome.ok or outcome.unbundled:
        raise SystemExit(str(outcome))


def _compare(controller: Controller, want: object) -> None:
    if controller.read(NAME).state != want:
        raise SystemExit("the switch its entries differ from the running revision")


def _dump(ovs: PrivateSwitches, file: Path) -> None:
    told = ovs.run("ovs-ofctl", "--no-stats", "--no-names", "dump-flows", "-OOpenFlow13", NAME)
    file.write_text("".join(f"{line.strip()}\n" for line in told.splitlines() if "actions=" in line))


if __name__ == "__main__":
    main()
