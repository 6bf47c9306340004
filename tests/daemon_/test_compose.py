"""Laws of turning from one ruleset to another: overlays, merged plans, numbers that have had other owners."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.compile.cookie import cookie, endpoint_path
from clos.controller.daemon.compose import compose, contested, merged, overlay, restricted
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.plan import after, diff, diff_state, states
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState
from tests.support.plan_strategies import rulesets

FABRIC = load_topology("topologies/demo.yaml").topology
TENANT = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: NAME}
spec:
  networks: {NETWORK: {subnet: 10.77.0.0/24}}
  endpoints: {first: 10.77.0.11 on web1, second: 10.77.0.12 on web2}
  groups: {all: {networks: [NETWORK]}}
  policies: [{from: all, to: all, services: [icmp]}]
"""


def compiled(*names, numbering=None, network="one"):
    texts = [Text(name, TENANT.replace("NAME", name).replace("NETWORK", network)) for name in names]
    intent, problems = load_intent(texts, FABRIC)
    assert not problems
    return compile_fabric(intent, FABRIC, numbering)


@settings(deadline=None)
@given(rulesets(), rulesets())
def test_an_overlaid_ruleset_holds_what_was_seen_and_elsewhere_what_it_held(ruleset, other):
    seen = {name: other.state(name) for name in ruleset.switches[::2]}
    laid = overlay(ruleset, seen)
    assert laid.switches == ruleset.switches
    for name in ruleset.switches:
        assert laid.state(name) == seen.get(name, ruleset.state(name))


@settings(deadline=None)
@given(rulesets(), st.data())
def test_a_restricted_ruleset_holds_the_same_on_the_switches_that_are_left(ruleset, data):
    names = data.draw(st.sets(st.sampled_from(ruleset.switches))) if ruleset.switches else set()
    part = restricted(ruleset, names)
    assert part.switches == tuple(sorted(names))
    assert all(part.state(name) == ruleset.state(name) for name in names)


@settings(deadline=None)
@given(rulesets(), rulesets())
def test_merged_plans_of_single_switches_do_what_each_of_them_does(have, want):
    names = sorted({*have.switches, *want.switches})
    one_by_one = [diff_state(have.state(n), want.state(n), n, consent=True).plan for n in names]
    alone = {name: Placed(Block(*have.state(name)), (name,)) for name in names}
    done = after(Ruleset(names, {"": alone}), merged(one_by_one, names))
    for name in names:
        assert done.state(name) == want.state(name)


@settings(deadline=None)
@given(rulesets(), rulesets())
def test_a_turn_without_contest_is_the_difference(have, want):
    assert compose(have, want) == diff(have, want)


def test_a_number_is_contested_when_another_has_it_then():
    alpha, beta = compiled("alpha"), compiled("beta")
    assert alpha.numbering["alpha"] == beta.numbering["beta"]
    assert contested(beta.numbering, alpha.numbering) == {"beta"}
    assert contested(alpha.numbering, alpha.numbering) == frozenset()


def test_a_number_that_two_networks_of_a_tenant_share_over_time_is_contested():
    assert contested(compiled("a").numbering, compiled("a", network="two").numbering) == {"a"}


def test_numbers_that_one_change_frees_are_never_contested():
    alpha = compiled("alpha")
    beta = compiled("beta", numbering=alpha.numbering)
    assert contested(alpha.numbering, beta.numbering) == frozenset()


def test_no_contested_number_has_two_owners_at_any_moment_of_a_turn():
    then = compiled("alpha")
    now = compiled("beta")
    owners = {cookie(endpoint_path(name, "first")): name for name in ("alpha", "beta")}
    plan = compose(now.ruleset, then.ruleset, contested(now.numbering, then.numbering))
    held = []
    for _, state in states(now.ruleset, plan):
        rules = (rule for name in state.switches for rule in state.rules(name))
        held.append({owners[rule.cookie] for rule in rules if rule.cookie in owners})
    assert {"alpha", "beta"} not in held
    assert set() in held
    assert held[-1] == {"alpha"}
    assert after(now.ruleset, plan) == then.ruleset
    mixed = [state for _, state in states(now.ruleset, diff(now.ruleset, then.ruleset))]
    assert any(
        {owners.get(rule.cookie) for name in state.switches for rule in state.rules(name)} >= {"alpha", "beta"}
        for state in mixed
    ), "the plain difference has no such moment either: the test is void"


def test_an_empty_overlay_is_the_ruleset_itself():
    ruleset = compiled("alpha").ruleset
    assert overlay(ruleset, {}) is ruleset
    assert overlay(ruleset, {"leaf1": SwitchState((), (), ())}).state("leaf1") == ((), (), ())
