"""While endpoints of a broadcast network move, what neither intent wants is still refuted."""

from __future__ import annotations

import pytest

from clos.controller.verify import Report
from clos.controller.verify.proof.transition import verify_during
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.rule import Bucket, GroupEntry
from clos.fabric.dataplane.ruleset import SwitchState
from tests.support.broadcast_moves import Places, broken, change, fabric, on_the_way
from tests.support.verify_engine_support import states_of

FABRIC = fabric()
WAS = {"a": "border1", "b": "border1", "c": "two", "d": "one", "x": "border2"}
NOW = {**WAS, "b": "near"}
FROM_FABRIC = 0x3000_0000


def halfway(leaf: str, port: int, more: bool) -> Report:
    """The state after the batch of groups, but that a leaf's flood group has a port more or less."""
    old, new = change(WAS, NOW, FABRIC)
    states = states_of(next(ruleset for name, ruleset in on_the_way(old, new) if name == "groups"))
    assert verify_during(old.intent, new.intent, FABRIC, states).ok
    network = max(entry.group for entry in states["edge1"].groups if entry.group >> 28 == FROM_FABRIC >> 28)
    states[leaf] = _edited(states[leaf], network, Bucket((Output(port),)), more)
    return verify_during(old.intent, new.intent, FABRIC, states)


def _edited(state: SwitchState, number: int, bucket: Bucket, more: bool) -> SwitchState:
    def edited(entry: GroupEntry) -> GroupEntry:
        if entry.group != number:
            return entry
        kept = tuple(each for each in entry.buckets if each != bucket)
        assert (kept == entry.buckets) == more, "the edit would change nothing"
        return entry._replace(buckets=(*kept, bucket) if more else kept)

    return SwitchState(state.rules, tuple(map(edited, state.groups)), state.meters)


@pytest.mark.parametrize(("leaf", "port"), [("leaf1", 13), ("leaf2", 13)], ids=["where-it-goes", "where-it-does-not"])
def test_a_broadcast_of_one_that_moves_may_not_reach_a_stranger(leaf: str, port: int) -> None:
    found = {(one.claim, str(one.at)) for one in halfway(leaf, port, more=True).counterexamples}
    assert ("admitted", "edge1:11") in found or ("isolated", "edge1:11") in found


def test_a_broadcast_may_not_be_lost_to_one_that_stays() -> None:
    assert "reachable" in {one.claim for one in halfway("leaf2", 11, more=False).counterexamples}


def test_a_broadcast_of_one_that_goes_may_not_reach_one_that_comes() -> None:
    """Nobody ever wanted that: the two are in the network one after the other."""
    left: Places = {"a": "border1", "b": "border1", "d": "one"}
    come: Places = {"b": "border1", "c": "near", "d": "one"}
    found = broken(*change(left, come, FABRIC))
    assert found and all("a packet of border1 reaches near" in each for each in found)
