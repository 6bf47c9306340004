"""The ground losses are measured on: the lab's intents with conversations of our own in them, and changes to make.

Lives here: which stations talk, and intents with a policy more or an endpoint elsewhere. Must not know: how traffic is
sent, what fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from clos.controller.intent import Text
from clos.controller.intent.importers.writing import write_intent
from clos.controller.intent.model import DENY, Endpoint, Group, Intent, Policy, Service, Tenant
from clos.fabric.packet.fields import IP_TCP, IP_UDP
from clos.fabric.topology import Topology
from clos.lab.measure.frames import Party, parties
from clos.lab.measure.stream import Stream
from clos.lab.ovs.processes import LabError

PORT = 7000
UDP = Service(IP_UDP, PORT, PORT)
TCP = Service(IP_TCP, PORT, PORT)


class Scenario(NamedTuple):
    """``intent``: the lab's, with these conversations permitted. ``flow``: between two leaves.

    ``elsewhere``: an endpoint at whose host ``flow``'s target could live too; ``pair``: a conversation with a
    dual-homed endpoint; None where the fabric has no such thing.
    """

    intent: Intent
    flow: Stream
    elsewhere: Party | None
    pair: Stream | None


def scenario(intent: Intent, topology: Topology) -> Scenario:
    """Choose who talks. Raises LabError when no two endpoints of a tenant live on two leaves."""
    everyone = parties(intent, topology)
    plain = [one for one in everyone if len(one.ports) == 1 and one.vlan is None and _alone(one, everyone)]
    choices = [
        (source, target, _elsewhere(source, target, plain))
        for target in plain
        for source in plain
        if source.tenant is target.tenant and _leaf(source) != _leaf(target)
    ]
    if not choices:
        raise LabError("no two endpoints of one tenant live on two leaves: nothing to measure with")
    source, target, elsewhere = next((row for row in choices if row[2] is not None), choices[0])
    double = next(_pairs(everyone, plain), None)
    flows = [Stream(source, target, UDP), *([double] if double else [])]
    for number, flow in enumerate(flows):
        intent = _permitting(intent, flow, f"loss{number}")
    return Scenario(intent, flows[0], elsewhere, double)


def _leaf(party: Party) -> str:
    return party.ports[0].switch


def _alone(one: Party, everyone: list[Party]) -> bool:
    return sum(one.endpoint.host == other.endpoint.host for other in everyone) == 1


def _elsewhere(source: Party, target: Party, plain: list[Party]) -> Party | None:
    found = (
        one
        for one in plain
        if one.tenant is target.tenant
        and one.endpoint.network == target.endpoint.network
        and _leaf(one) not in (_leaf(source), _leaf(target))
    )
    return next(found, None)


def _pairs(everyone: list[Party], plain: list[Party]) -> Iterator[Stream]:
    for target in everyone:
        leaves = {port.switch for port in target.ports}
        for source in plain if len(leaves) == 2 else ():
            if source.tenant is target.tenant and _leaf(source) not in leaves:
                yield Stream(source, target, UDP)


def _permitting(intent: Intent, flow: Stream, name: str) -> Intent:
    """With a policy in front that lets the two talk."""
    tenant = intent.tenants[flow.source.tenant.name]
    groups = {f"{name}-from": flow.source.endpoint.name, f"{name}-to": flow.target.endpoint.name}
    more = {group: Group(group, endpoints=(member,)) for group, member in groups.items()}
    policy = Policy(name, f"{name}-from", f"{name}-to", (UDP, TCP))
    return _with(intent, replace(tenant, groups={**tenant.groups, **more}, policies=(policy, *tenant.policies)))


def changed_policy(scenario: Scenario) -> Intent:
    """A policy more, in front of all others, of a group that both ends of the flow are in: so their classes change and
    every policy's rules move, and what the flow is permitted stays."""
    tenant = scenario.intent.tenants[scenario.flow.source.tenant.name]
    both = (scenario.flow.source.endpoint.name, scenario.flow.target.endpoint.name)
    group = Group("loss-more", endpoints=tuple(sorted(both)))
    policy = Policy("loss-more", group.name, group.name, (Service(IP_TCP, PORT + 1, PORT + 9),), DENY)
    groups = {**tenant.groups, group.name: group}
    return _with(scenario.intent, replace(tenant, groups=groups, policies=(policy, *tenant.policies)))


def moved_endpoint(scenario: Scenario) -> Intent:
    """The flow's target at the host of ``elsewhere``, which it shares with that one's endpoint."""
    if scenario.elsewhere is None:
        raise LabError("no host on another leaf has the target's network: the endpoint has nowhere to go")
    tenant = scenario.intent.tenants[scenario.flow.target.tenant.name]
    gone: Endpoint = replace(scenario.flow.target.endpoint, host=scenario.elsewhere.endpoint.host)
    return _with(scenario.intent, replace(tenant, endpoints={**tenant.endpoints, gone.name: gone}))


def _with(intent: Intent, tenant: Tenant) -> Intent:
    return replace(intent, tenants={**intent.tenants, tenant.name: tenant})


def text(intent: Intent) -> list[Text]:
    """As a document to apply."""
    return [Text("loss.yaml", write_intent(intent))]
