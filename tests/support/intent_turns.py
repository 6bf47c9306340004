"""Intents that change step by step, and a prover that follows them beside a fresh one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import note
from hypothesis import strategies as st

from clos.controller.compile import Compiled, compile_fabric
from clos.controller.intent.model import Intent, Tenant
from clos.controller.verify import Prover, verify_states
from clos.fabric.topology import TRUNK, Topology
from tests.support.fabrics import intents, sound
from tests.support.intent_edits import EDITS
from tests.support.mutant_trials import broken, edits_of
from tests.support.verify_engine_support import states_of


def edited(draw: st.DrawFn, intent: Intent, topology: Topology) -> Intent:
    """The intent after one small change, or a wholly different intent on the same topology."""
    if not intent.tenants or draw(st.integers(0, 3)) == 0:
        return draw(intents(topology))
    name = draw(st.sampled_from(sorted(intent.tenants)))
    tenant = intent.tenants[name]
    change = draw(st.sampled_from([_without_endpoint, _relabelled, _fewer_policies, _straight, _same]))
    return sound(Intent({**intent.tenants, name: change(tenant)}, intent.shares))


def _without_endpoint(tenant: Tenant) -> Tenant:
    return replace(tenant, endpoints=dict(list(tenant.endpoints.items())[1:]))


def _relabelled(tenant: Tenant) -> Tenant:
    swap = {"web": "db", "db": "web"}
    turned = {
        name: replace(e, labels=tuple((key, swap.get(value, value)) for key, value in e.labels))
        for name, e in tenant.endpoints.items()
    }
    return replace(tenant, endpoints=turned)


def _fewer_policies(tenant: Tenant) -> Tenant:
    return replace(tenant, policies=tenant.policies[1:])


def _straight(tenant: Tenant) -> Tenant:
    return replace(tenant, policies=tuple(replace(policy, via=None) for policy in tenant.policies))


def _same(tenant: Tenant) -> Tenant:
    """Equal, but another object, as when a file is read again."""
    return replace(tenant)


def turned(draw: st.DrawFn, intent: Intent, topology: Topology) -> Intent:
    """The intent with an endpoint on another host, or with another small change, or wholly another."""
    trunks = [host.name for host in topology.hosts.values() if host.mode == TRUNK]
    movable = [name for name, tenant in intent.tenants.items() if tenant.endpoints]
    if not trunks or not movable or draw(st.booleans()):
        return edited(draw, intent, topology)
    tenant = intent.tenants[draw(st.sampled_from(movable))]
    endpoint = draw(st.sampled_from(list(tenant.endpoints.values())))
    moved = replace(endpoint, host=draw(st.sampled_from(trunks)))
    again = replace(tenant, endpoints={**tenant.endpoints, endpoint.name: moved})
    return sound(Intent({**intent.tenants, tenant.name: again}, intent.shares))


def turning(draw: st.DrawFn, intent: Intent, topology: Topology) -> Intent:
    """Some other intent: a few of the edits that people make, an endpoint that moves, or a stranger."""
    for _ in range(draw(st.integers(1, 3))):
        one = draw(st.integers(0, 9))
        if one == 0:
            intent = draw(intents(topology))
        elif one < 4:
            intent = turned(draw, intent, topology)
        else:
            intent = sound(draw(st.sampled_from(EDITS))(draw, intent, topology))
    return intent


class Turn:
    """A prover that follows a fabric through plans, and a fresh one asked at every step."""

    def __init__(self, intent: Intent, topology: Topology) -> None:
        self.intent, self.topology = intent, topology
        self.compiled: Compiled = compile_fabric(intent, topology)
        self.now = states_of(self.compiled.ruleset)
        self.prover = Prover(intent, topology, self.now)
        assert self.prover.report().ok

    def during(self, after: Intent, states, what: str) -> tuple[str, ...]:
        """Both verdicts on a state on the way to ``after``, which must be one."""
        ours = self.prover.change(edits_of(self.now, states), after, during=True)
        fresh = Prover(after, self.topology, states, before=self.intent).report()
        note(f"{what}: incremental: {broken(ours)}, fresh: {broken(fresh)}")
        self.now = states
        assert broken(ours) == broken(fresh), f"{ours}\n\n{fresh}"
        return broken(ours)

    def settle(self, intent: Intent, states, what: str) -> tuple[str, ...]:
        ours = self.prover.change(edits_of(self.now, states), intent)
        fresh = verify_states(intent, self.topology, states)
        note(f"{what}: incremental: {broken(ours)}, fresh: {broken(fresh)}")
        self.now, self.intent = states, intent
        assert broken(ours) == broken(fresh), f"{ours}\n\n{fresh}"
        return broken(ours)
