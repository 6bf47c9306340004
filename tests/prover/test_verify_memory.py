"""What a prover remembers does not grow with the changes it hears of: counted, not measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.controller.verify import Prover, edit_between, verify_states
from clos.controller.verify.proof.ingress_port import Hairpin
from clos.controller.verify.proof.prover import states_of
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import Topology
from tests.support.cli_run import ROOT
from tests.support.fabrics import intents, topologies
from tests.support.intent_turns import turned
from tests.support.mutant_trials import broken, edits_of
from tests.support.prover_settings import settled
from tests.support.verify_memory import entries


def registered(prover: Prover) -> tuple[int, int]:
    """How many readers of packets by themselves tables remember, and how many looks of all readers."""
    assert prover._proving is not None
    tables = [table for model in prover._proving.fabric.models.values() for table in model.tables.values()]
    users = [user for table in tables for cell in table._cells.values() for user in cell.users.items()]
    return sum(isinstance(reader, Hairpin) for reader, _ in users), sum(len(looks or ()) for _, looks in users)


def demo() -> tuple[Topology, Intent]:
    topology = load_topology(ROOT / "topologies/demo.yaml").topology
    assert topology is not None
    intent = load_intent([ROOT / "intents/demo.yaml"], topology).intent
    assert intent is not None
    return topology, intent


def variants(intent: Intent) -> Iterator[Intent]:
    """An endpoint or a policy less in each tenant; and an endpoint of the shop at another of its hosts."""
    for tenant in intent.tenants.values():
        waypoints = {policy.via for policy in tenant.policies}
        last = next(e for e in reversed(tenant.endpoints.values()) if e.name not in waypoints)
        fewer = {name: each for name, each in tenant.endpoints.items() if name != last.name}
        yield Intent({**intent.tenants, tenant.name: replace(tenant, endpoints=fewer)}, intent.shares)
        if tenant.policies:
            less = replace(tenant, policies=tenant.policies[1:])
            yield Intent({**intent.tenants, tenant.name: less}, intent.shares)
    shop = intent.tenants["shop"]
    web = next(iter(shop.endpoints.values()))
    host = next(
        e.host
        for e in shop.endpoints.values()
        if (e.network, e.host) not in ((web.network, web.host),) and e.network == web.network
    )
    yield Intent(
        {**intent.tenants, "shop": replace(shop, endpoints={**shop.endpoints, web.name: replace(web, host=host)})},
        intent.shares,
    )


def rules(topology: Topology, intent: Intent) -> dict[str, SwitchState]:
    return states_of(compile_fabric(intent, topology).ruleset)


@pytest.mark.slow
def test_what_is_remembered_after_300_changes_is_no_more_than_after_30() -> None:
    topology, intent = demo()
    ways = [(intent, other, intent) for other in variants(intent)]
    assert len(ways) == 6
    steps = [pair for way in ways for pair in pairwise(way)]
    states = {id(one): rules(topology, one) for way in ways for one in way}
    prover = Prover(intent, topology, states[id(intent)])
    assert prover.report().ok
    counts = []
    for number in range(300):
        old, new = steps[number % len(steps)]
        if number % 50 < 2:
            halfway = prover.change({}, new)
            assert broken(halfway) == broken(verify_states(new, topology, states[id(old)]))
        assert prover.change(edits_of(states[id(old)], states[id(new)]), new).ok
        if number < 30 or number >= 270:
            counts.append(entries(prover))
    assert max(counts[30:]) <= 1.1 * max(counts[:30])


@given(st.data())
@settled
def test_a_verdict_is_the_same_after_all_that_is_dead_was_dropped(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    states = states_of(compile_fabric(intent, topology).ruleset)
    prover = Prover(intent, topology, states)
    assert prover.report().ok
    for _ in range(3):
        after = turned(data.draw, intent, topology)
        now = states_of(compile_fabric(after, topology).ruleset)
        for edits, held in (({}, states), (edits_of(states, now), now)):
            assert prover._proving is not None
            prover._proving.dead.drop()
            assert broken(prover.change(edits, after)) == broken(verify_states(after, topology, held))
        intent, states = after, now


def test_who_looks_at_the_same_packets_again_is_remembered_once() -> None:
    topology, intent = demo()
    shop = intent.tenants["shop"]
    less = Intent({**intent.tenants, "shop": replace(shop, policies=shop.policies[1:])}, intent.shares)
    states = {id(one): states_of(compile_fabric(one, topology).ruleset) for one in (intent, less)}
    prover = Prover(intent, topology, states[id(intent)])
    assert prover.report().ok
    counts = []
    for number in range(30):
        for old, new in ((intent, less), (less, intent)):
            before, after = states[id(old)], states[id(new)]
            assert prover.change({name: edit_between(before[name], after[name]) for name in before}, new).ok
        if number in (9, 29):
            counts.append(registered(prover))
    assert counts[0] == counts[1]
