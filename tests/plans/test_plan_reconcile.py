"""Laws of reconnecting: a switch is brought to what it should hold, and what is not ours is left alone."""

from hypothesis import given
from hypothesis import strategies as st

from clos.controller.compile import CLOS_COOKIE, CLOS_MASK
from clos.controller.plan import MODIFY, OWN_COOKIE, OWN_MASK, after, diff_state
from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import SELECT, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState
from tests.support.plan_strategies import law, rulesets

NOTHING = SwitchState((), (), ())


def own(state: SwitchState) -> SwitchState:
    """The state with our mark on every rule, as the compiler makes them."""
    return state._replace(rules=tuple(r._replace(cookie=OWN_COOKIE | r.cookie) for r in state.rules))


def done(have: SwitchState, plan) -> SwitchState:
    """What a switch that held ``have`` holds after the plan."""
    held = Ruleset(["leaf1"], {"": {"": Placed(Block(*have), ("leaf1",))}})
    return after(held, plan).state("leaf1")


def foreign_rule(priority: int, **instructions) -> Rule:
    return Rule(0, priority, ANY, Instructions(**instructions), cookie=7)


@law
@given(rulesets(), rulesets())
def test_a_switch_is_brought_to_what_it_should_hold(a, b) -> None:
    have, want = own(a.state("leaf1")), own(b.state("leaf1"))
    found = diff_state(have, want, "leaf1")
    assert done(have, found.plan) == want
    assert found.foreign == ()


@law
@given(rulesets())
def test_a_switch_that_kept_its_rules_is_sent_nothing(a) -> None:
    state = own(a.state("leaf1"))
    assert not diff_state(state, state, "leaf1").plan


@law
@given(rulesets(), rulesets(), st.booleans())
def test_foreign_rules_are_reported_and_removed_only_with_consent(a, b, consent) -> None:
    strange, ours = foreign_rule(60_000), own(a.state("leaf1"))
    have, want = ours._replace(rules=(strange, *ours.rules)), own(b.state("leaf1"))
    found = diff_state(have, want, "leaf1", consent=consent)
    left = done(have, found.plan)
    assert found.foreign == (strange,)
    assert (strange in left.rules) is not consent
    assert left._replace(rules=tuple(r for r in left.rules if r != strange)) == want


def test_a_foreign_rule_in_the_place_of_ours_is_reported_and_overwritten() -> None:
    ours = Rule(0, 0, ANY, Instructions(goto=1), cookie=OWN_COOKIE)
    strange = foreign_rule(0)
    found = diff_state(SwitchState((strange,), (), ()), SwitchState((ours,), (), ()), "leaf1")
    assert found.foreign == (strange,)
    assert [(push.op, push.block.rules) for batch in found.plan.batches for push in batch.pushes] == [(MODIFY, (ours,))]


def test_groups_and_meters_that_foreign_rules_use_are_left_alone_and_others_are_ours() -> None:
    chain = (GroupEntry(1, SELECT, (Bucket((Group(2),)),)), GroupEntry(2, SELECT, ()), GroupEntry(3, SELECT, ()))
    have = SwitchState((foreign_rule(9, meter=1, write=(Group(1),)),), chain, (Meter(1, ()), Meter(2, ())))
    left = done(have, diff_state(have, NOTHING, "leaf1").plan)
    assert [group.group for group in left.groups] == [1, 2]
    assert [meter.meter for meter in left.meters] == [1]
    assert done(have, diff_state(have, NOTHING, "leaf1", consent=True).plan) == NOTHING


def test_a_group_of_ours_that_a_foreign_rule_uses_too_is_modified_not_added() -> None:
    old, new = GroupEntry(1, SELECT, ()), GroupEntry(1, SELECT, (Bucket(),))
    have = SwitchState((foreign_rule(9, write=(Group(1),)),), (old,), ())
    plan = diff_state(have, SwitchState((), (new,), ()), "leaf1").plan
    assert [(push.op, push.block.groups) for batch in plan.batches for push in batch.pushes] == [(MODIFY, (new,))]


def test_our_mark_is_the_compilers() -> None:
    assert (OWN_COOKIE, OWN_MASK) == (CLOS_COOKIE, CLOS_MASK)


def test_a_rule_of_ours_that_no_revision_wants_any_more_is_removed() -> None:
    stale = Rule(0, 5, Match.of(in_port=1), Instructions(), cookie=OWN_COOKIE | 5)
    have = SwitchState((stale,), (), ())
    assert done(have, diff_state(have, NOTHING, "leaf1").plan) == NOTHING
