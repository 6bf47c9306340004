"""Laws of brakes: a plan that could hurt is refused with its numbers and the flag that releases it."""

import pytest

from clos.controller.plan import brakes, diff, holding
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.rule import SELECT, Bucket, GroupEntry
from clos.fabric.dataplane.ruleset import EMPTY, Block, Placed, Ruleset
from clos.fabric.topology import Link, PortRef, Switch, Topology
from tests.support.plan_strategies import rule

LEAVES = ("leaf1", "leaf2")
SWITCHES = (*LEAVES, "spine1")
TOPOLOGY = Topology(
    "t",
    {name: Switch(name, "leaf" if name in LEAVES else "spine", i, i) for i, name in enumerate(SWITCHES, 1)},
    (Link(PortRef("leaf1", 1), PortRef("spine1", 1)), Link(PortRef("leaf2", 1), PortRef("spine1", 2))),
)


def tenant(*vids: int, switches: tuple[str, ...] = LEAVES) -> dict[str, Placed]:
    return {"k": Placed(Block([rule(3, 5, vid, 1) for vid in vids]), switches)}


def fabric(**parts) -> Ruleset:
    return Ruleset(SWITCHES, parts)


def found(a: Ruleset, b: Ruleset, capacity=None) -> dict[str, object]:
    return {brake.name: brake for brake in brakes(diff(a, b), a, b, capacity, TOPOLOGY)}


@pytest.mark.parametrize(("kept", "stops"), [(10, False), (7, False), (6, True), (1, True)])
def test_deleting_more_than_thirty_percent_of_the_installed_rules_needs_a_flag(kept, stops) -> None:
    brake = found(fabric(t=tenant(*range(1, 11))), fabric(t=tenant(*range(1, kept + 1)))).get("deletes")
    assert (brake is not None) is stops
    if stops:
        assert brake.flag == "--allow-deletes"
        assert (brake.count, brake.limit, brake.switches) == (2 * (10 - kept), 6, LEAVES)
        assert f"deletes {2 * (10 - kept)} of 20 installed rules" in str(brake)


def test_rules_that_are_modified_or_move_between_blocks_are_not_deletions() -> None:
    a = fabric(t=tenant(1, 2, 3))
    other = Block([rule(3, 5, vid, 2) for vid in (1, 2, 3)])
    assert found(a, fabric(u={"x": Placed(other, LEAVES)})) == {}


def test_an_empty_ruleset_needs_a_flag_of_its_own() -> None:
    held = found(fabric(t=tenant(1, 2)), fabric())
    assert held["empty"].flag == "--allow-empty"
    assert "all 4 installed rules" in str(held["empty"])
    assert set(held) == {"empty", "deletes"}


def test_a_switch_is_not_asked_to_hold_more_rules_than_it_has_room_for() -> None:
    a, b = fabric(t=tenant(1, 2, 3)), fabric(t=tenant(1, 2, 3, 4, 5))
    assert "overflow" not in found(a, b, {"leaf1": 5, "leaf2": 5})
    brake = found(a, b, {"leaf1": 4, "leaf2": 5})["overflow"]
    assert (brake.count, brake.limit, brake.flag, brake.switches) == (5, 4, "--allow-overflow", ("leaf1",))
    assert "needs room for 5 rules on leaf1" in str(brake)


def test_room_is_counted_at_the_peak_when_new_rules_are_in_and_old_ones_not_yet_out() -> None:
    a, b = fabric(t=tenant(1, 2, 3)), fabric(t=tenant(4, 5, 6))
    assert found(a, b, {"leaf1": 5})["overflow"].count == 6
    assert "overflow" not in found(a, b, {"leaf1": 6})


def test_a_switch_of_unknown_capacity_holds_a_million_rules() -> None:
    assert "overflow" not in found(fabric(t=tenant(1)), fabric(t=tenant(1, 2)), {})


def uplinks(buckets: int) -> dict[str, Placed]:
    entry = GroupEntry(1, SELECT, tuple(Bucket((Output(port),), watch_port=port) for port in range(buckets)))
    return {"g": Placed(Block(groups=[entry]), LEAVES)}


def test_changes_to_uplinks_need_a_flag() -> None:
    a, b = (fabric(t=tenant(1), **{"fabric/egress": uplinks(n)}) for n in (2, 3))
    brake = found(a, b)["uplink"]
    assert (brake.count, brake.flag, brake.switches) == (2, "--allow-uplink", LEAVES)


def test_every_rule_of_a_spine_is_an_uplink_rule() -> None:
    a, b = fabric(t=tenant(1)), fabric(t=tenant(1), extra=tenant(2, switches=("spine1",)))
    assert found(a, b)["uplink"].switches == ("spine1",)


def test_tenants_change_without_touching_uplinks() -> None:
    a, b = (fabric(t=t, fabric=uplinks(2)) for t in (tenant(1, 2, 3, 4), tenant(2, 3, 4, 5)))
    assert found(a, b) == {}


def test_the_first_install_is_not_held_by_the_uplink_brake() -> None:
    assert found(EMPTY, fabric(t=tenant(1), fabric=uplinks(2))) == {}


def test_a_plan_that_changes_nothing_is_never_held() -> None:
    assert found(fabric(), fabric()) == {}
    assert found(fabric(t=tenant(1)), fabric(t=tenant(1)), {"leaf1": 0}) == {}


def test_a_flag_releases_its_own_brake_only() -> None:
    held = tuple(found(fabric(t=tenant(1, 2)), fabric()).values())
    assert {brake.name for brake in holding(held, {"--allow-empty"})} == {"deletes"}
    assert holding(held, {"--allow-empty", "--allow-deletes"}) == ()
