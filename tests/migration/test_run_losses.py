"""Whose loss it is that packets between two hosts did not arrive, and when a cable moves on the way back."""

from __future__ import annotations

from dataclasses import replace

from clos.controller.migrate.plan.model import (
    BEFORE,
    FORMAT,
    Budget,
    Check,
    DeviceCommands,
    Difference,
    Phase,
    Plan,
    Plug,
    Step,
)
from clos.controller.migrate.run.acts import AFTER, PLUG, PUSH, STATE, acts, way_back
from clos.controller.migrate.run.checks import FAILED, HELD, UNKNOWN, judge
from clos.controller.migrate.run.losses import Loss, PairLoss, by_host
from clos.controller.migrate.run.seen import Seen

MOVED, STAYS, FAR = "hr-1", "hr-2", "hr-3"
PAIRS = (PairLoss(MOVED, STAYS, 100, 7, 40.0), PairLoss(STAYS, FAR, 100, 0, 5.0))


def plan(*steps: Step) -> Plan:
    return Plan(FORMAT, "bank", "digest", "fabric.yaml", (Phase(5, "move hosts", "", "", steps),))


def test_what_a_moved_host_cannot_send_is_its_own_loss() -> None:
    assert by_host(PAIRS, {MOVED: 10_000}) == (
        Loss(MOVED, 100, 7, 40.0),
        Loss(STAYS, 200, 0, 0.0),
        Loss(FAR, 100, 0, 0.0),
    )


def test_where_neither_may_lose_more_it_is_the_loss_of_both() -> None:
    found = {each.host: each.lost for each in by_host(PAIRS, {})}
    assert found == {MOVED: 7, STAYS: 7, FAR: 0}


def test_a_budget_is_for_its_host_and_for_nobody_else() -> None:
    check = Check("loss")
    wide, narrow = (Budget(MOVED, 40, ""),), (Budget(MOVED, 39, ""),)
    assert judge(check, Seen(losses=PAIRS), plan(), wide).result == HELD
    assert judge(check, Seen(losses=PAIRS), plan(), narrow).result == FAILED
    other = (PairLoss(STAYS, FAR, 100, 1, 10.0),)
    assert judge(check, Seen(losses=other), plan(), wide).result == FAILED


def test_what_policies_refuse_is_as_it_should_be_unless_the_plan_lists_what_they_refuse_more() -> None:
    def verdict(packets: int, counted: int = 4, *differences: Difference) -> str:
        line = {"packets": packets, "denies": True}
        passed = {"packets": 9, "denies": False}
        hits = {"lines": [line, passed], "denied": {"packets": 0}, "counted": counted, "switches": 4}
        return judge(Check("denies"), Seen(hits=hits), replace(plan(), differences=differences)).result

    less = Difference("dist1 X line 10", "permit tcp any any established", "state", ("tcp any -> any",), "denies")
    assert (verdict(0), verdict(3), verdict(0, 3)) == (HELD, HELD, UNKNOWN)
    assert (verdict(0, 4, less), verdict(3, 4, less)) == (HELD, UNKNOWN)
    assert (verdict(3, 4, replace(less, fabric="permits"))) == HELD
    assert judge(Check("denies"), Seen(), plan()).result == UNKNOWN


def test_a_cable_moves_right_after_the_intents_in_both_directions() -> None:
    plugs = (Plug("a", "acc1 Gi1/0/1", "leaf1:1"), Plug("b", "acc1 Gi1/0/2", "leaf1:2"))
    step = Step("5.a", "", intents="a.yaml", plugs=plugs, checks=(Check("fabric", BEFORE),))
    there = [act.kind for act in acts(plan(step)) if act.kind in (STATE, PLUG)]
    back = [(act.kind, act.subject) for act in way_back(plan(step)) if act.kind in (STATE, PLUG)]
    assert there == [STATE, PLUG, PLUG]
    assert back == [(STATE, ""), (PLUG, "b"), (PLUG, "a")]


def test_all_acts_are_undone_and_but_for_cables_backwards() -> None:
    commands = DeviceCommands("acc1", ("vlan 5",), ("no vlan 5",))
    steps = (
        Step("5.a", "", intents="a.yaml", plugs=(Plug("a", "acc1 Gi1/0/1", "leaf1:1"),)),
        Step("5.b", "", commands=(commands,), intents="b.yaml", fabric_first=True, plugs=(Plug("b", "", ""),)),
    )
    there, back = [*acts(plan(*steps))], [*way_back(plan(*steps))]
    assert sorted(there) == sorted(back)
    assert [act for act in reversed(there) if act.kind != PLUG] == [act for act in back if act.kind != PLUG]
    second = [act.kind for act in back if act.step == "5.b" and act.kind in (PUSH, STATE, PLUG, AFTER)]
    assert second == [AFTER, PLUG, PUSH, STATE]
