"""Policies of services that nobody spoke of before: a prover takes them in without starting over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.model import ALLOW, DENY, Intent, Policy, Service, Tenant
from clos.controller.verify import Prover, verify_states
from tests.support.mutant_trials import broken, edits_of
from tests.support.prover_settings import settled
from tests.support.verify_engine_support import states_of

PORTS = st.sampled_from([0, 1, 52, 53, 443, 444, 8000, 8050, 8080, 9000, 9099, 50000, 65534, 65535])
ranges = st.tuples(PORTS, PORTS).map(lambda ends: (min(ends), max(ends)))
services = st.one_of(
    st.builds(lambda proto, ends: Service(proto, *ends), st.sampled_from([6, 17, 132]), ranges),
    st.sampled_from([0, 1, 2, 47, 50, 132, 253, 255]).map(Service),
)


def with_policy(intent: Intent, tenant: Tenant, service: Service, action: str, first: bool) -> Intent:
    source, target = [*tenant.groups][:2]
    more = Policy("new", source, target, (service,), action)
    policies = (more, *tenant.policies) if first else (*tenant.policies, more)
    return Intent({**intent.tenants, tenant.name: replace(tenant, policies=policies)}, intent.shares)


@given(st.lists(st.tuples(services, st.sampled_from([ALLOW, DENY]), st.booleans()), min_size=3, max_size=3))
@settings(settled)
def test_new_ports_ranges_and_protocols_need_no_fresh_proof(wanted: list[tuple[Service, str, bool]]) -> None:
    topology = load_topology(Path("topologies/demo.yaml")).topology
    intent = load_intent(Path("intents/demo.yaml"), topology).intent
    compiled = compile_fabric(intent, topology)
    prover = Prover(intent, topology, states_of(compiled.ruleset))
    assert prover.report().ok
    begun = prover._proving
    for service, action, first in wanted:
        note(f"{action} {service}")
        after = with_policy(intent, intent.tenants["shop"], service, action, first)
        again = compile_fabric(after, topology)
        old, new = states_of(compiled.ruleset), states_of(again.ruleset)
        unfinished = prover.change({}, after)
        assert broken(unfinished) == broken(verify_states(after, topology, old))
        assert prover.change(edits_of(old, new)).ok
        compiled = again
        assert prover._proving is begun is not None
