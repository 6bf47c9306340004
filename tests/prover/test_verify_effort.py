"""What a question to the prover may cost is bounded by counts of its own, the same under every limit of recursion."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from clos.controller.dump import read_dump
from clos.controller.intent import Text, load_topology
from clos.controller.verify.effort import room
from clos.controller.verify.proof.claims import LOOP_FREE, QUIET
from clos.controller.verify.proof.invariants import InvariantReport, check_invariants
from clos.controller.verify.resilience.symmetry import symmetries
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import ALL, FAST_FAILOVER, Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import LEAF, SPINE, Host, Link, PortRef, Switch, Topology
from tests.support.cli_run import ROOT, clos

GOLDENS = ROOT / "tests" / "goldens"
LIMITS = (300, 1_000, 3_000, 100_000)


@contextmanager
def limit(frames: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def surveyed(folder: Path) -> InvariantReport:
    topology = load_topology(folder / "topology.yaml").topology
    assert topology is not None
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "topology.yaml")
    dpids = {switch.name: switch.dpid for switch in topology.switches.values()}
    dump, problems = read_dump([Text(str(file), file.read_text()) for file in files], dpids)
    assert dump is not None, problems
    return check_invariants(topology, dump.states)


def row(length: int, cables: int = 1) -> Topology:
    """Switches in a row, joined by cables: ports 1, 2 ... lead back and 11, 12 ... on. h1 is at port 9 of the first
    one, h2 at that of the last."""
    names = [f"s{i:03}" for i in range(length)]
    links = tuple(Link(PortRef(a, 11 + k), PortRef(b, 1 + k)) for a, b in pairwise(names) for k in range(cables))
    hosts = {"h1": Host("h1", 1, (PortRef(names[0], 9),)), "h2": Host("h2", 2, (PortRef(names[-1], 9),))}
    return Topology("row", {name: Switch(name, LEAF, i) for i, name in enumerate(names, 1)}, links, hosts)


def state(*actions: Action, groups: tuple[GroupEntry, ...] = (), match: Match = ANY) -> SwitchState:
    return SwitchState((Rule(0, 1, match, Instructions(apply=actions)),), groups, ())


def claims(found: InvariantReport) -> set[str]:
    return {one.claim for one in found.report.counterexamples}


@pytest.mark.parametrize("frames", LIMITS)
def test_intricate_rules_are_refused_alike_under_every_limit_of_recursion(frames: int) -> None:
    with limit(frames):
        found = surveyed(GOLDENS / "intricate")
        assert sys.getrecursionlimit() == frames
    assert "ways of more than 64 switches and groups" in str(found.report.refused)


@pytest.mark.parametrize("frames", LIMITS)
def test_no_loop_is_told_of_where_every_branch_ends(frames: int) -> None:
    with limit(frames):
        found = surveyed(GOLDENS / "routers")
    assert found.report.refused is None
    assert LOOP_FREE not in claims(found)


def test_a_way_that_is_too_long_is_neither_a_loop_nor_proved() -> None:
    topology = row(100)
    on = {name: state(act.Output(11 if i < 99 else 9)) for i, name in enumerate(topology.switches)}
    refused = check_invariants(topology, on).report
    assert "ways of more than" in str(refused.refused)
    assert not refused.counterexamples
    assert not refused.proofs


def test_intricate_rules_could_not_be_checked_says_the_command(tmp_path: Path) -> None:
    folder = GOLDENS / "intricate"
    done = clos("verify", "-t", folder / "topology.yaml", "--dump", folder / "rules.json")
    assert done.code not in (0, 1)
    assert "REFUTED" not in done.out + done.err


def test_a_loop_in_which_packets_only_age_is_a_loop_and_its_trace_shows_it() -> None:
    topology = row(2, cables=2)
    there, back = (state(act.DecNwTtl(), act.Output(port)) for port in (11, 2))
    found = check_invariants(topology, {"s000": there, "s001": back})
    (one,) = [one for one in found.report.counterexamples if one.claim == LOOP_FREE][:1]
    assert one.trace[-1].endswith("a loop")


def test_a_loop_is_told_of_only_for_packets_that_come_back_into_it() -> None:
    """What comes back with its other address may be another packet, of which the rules say nothing."""
    topology = row(2, cables=2)
    match = Match.of(eth_dst=0x020000000001, eth_src=(0, 1 << 40))
    turned = state(act.Move("eth_src", "eth_dst"), act.Output(11), match=match)
    found = check_invariants(topology, {"s000": turned, "s001": state(act.Output(2))})
    assert found.report.refused or found.report.counterexamples
    for one in found.report.counterexamples:
        assert one.claim != LOOP_FREE or one.trace[-1].endswith("a loop")


def test_copies_that_double_at_every_switch_are_not_all_made() -> None:
    topology = row(40, cables=2)
    double = {name: state(act.Output(11), act.Output(12)) for name in topology.switches}
    double["s039"] = state(act.Output(9))
    assert "copies" in str(check_invariants(topology, double).report.refused)


@pytest.mark.parametrize("frames", LIMITS)
def test_a_long_list_of_actions_needs_no_deep_stack(frames: int) -> None:
    with limit(frames):
        found = check_invariants(row(1), {"s000": state(*[act.Output(9)] * 1_000, act.Output(act.CONTROLLER))})
    assert claims(found) == {QUIET}


@pytest.mark.parametrize("frames", LIMITS)
def test_the_way_through_every_table_is_followed_and_told(frames: int) -> None:
    rules = [Rule(i, 1, ANY, Instructions(apply=(act.DecNwTtl(),), goto=i + 1)) for i in range(254)]
    rules.append(Rule(254, 1, ANY, Instructions(apply=(act.Output(act.CONTROLLER),))))
    with limit(frames):
        found = check_invariants(row(1), {"s000": SwitchState(tuple(rules), (), ())})
    one = found.report.counterexamples[0]
    assert one.claim == QUIET
    assert any("t254#1" in line for line in one.trace)


def nested(count: int) -> tuple[GroupEntry, ...]:
    """Groups each of which goes through, and watches, the next one twice; the last one is dead."""
    ends = [GroupEntry(count, FAST_FAILOVER, (Bucket((act.Output(11),), watch_port=77),))]
    for number in reversed(range(1, count)):
        kind = ALL if number < 30 else FAST_FAILOVER
        twice = Bucket((act.Group(number + 1),), watch_group=number + 1)
        ends.append(GroupEntry(number, kind, (twice, twice)))
    return tuple(ends)


def test_whether_a_group_lives_is_asked_of_each_group_once() -> None:
    found = check_invariants(row(2), {"s000": state(act.Group(31), groups=nested(60)), "s001": state()})
    assert found.report.ok


def test_groups_that_share_groups_are_compared_once() -> None:
    switches = {"x": Switch("x", SPINE, 1), "y": Switch("y", SPINE, 2), "l": Switch("l", LEAF, 3)}
    links = (Link(PortRef("l", 1), PortRef("x", 11)), Link(PortRef("l", 2), PortRef("y", 11)))
    topology = Topology("two", switches, links, {"h": Host("h", 1, (PortRef("l", 9),))})
    same = state(act.Group(1), groups=nested(28))
    assert len(symmetries(topology, {"x": same, "y": same})) == 1


def test_the_limit_of_recursion_is_put_back_after_the_last_who_asks() -> None:
    before = sys.getrecursionlimit()
    with room():
        with room():
            assert sys.getrecursionlimit() > before
        assert sys.getrecursionlimit() > before
    assert sys.getrecursionlimit() == before
