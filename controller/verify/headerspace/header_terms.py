"""What packets must be told apart by: the values that rules look for or set, and those that intents speak of.

Must not know: sets of packets, what becomes of any.
"""

from __future__ import annotations

from collections.abc import Iterable

from clos.controller.intent.model import ROUTER_MAC, Intent, Service, Tenant
from clos.controller.verify.headerspace.header_space import FIELD, Term
from clos.controller.verify.spec.policy_space import port_regions
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.packet.fields import VID_PRESENT

MULTICAST = 1 << 40
ECHO, ECHO_REPLY, ASKS, ANSWERS = 8, 0, 1, 2


def terms_of_rules(rules: Iterable[Rule]) -> set[Term]:
    """Every value that rules look for or set."""
    found: set[Term] = set()
    for rule in rules:
        found.update([term for term in rule.match if term[0] not in _REGISTERS])
        found |= _set_by((*rule.instructions.apply, *rule.instructions.write))
    return found


def terms_of_groups(groups: Iterable[GroupEntry]) -> set[Term]:
    """Every value that groups set."""
    return _set_by(action for entry in groups for bucket in entry.buckets for action in bucket.actions)


def terms_of(states: Iterable[SwitchState]) -> set[Term]:
    """Every value that rules look for or set: what packets must be told apart by."""
    rules: dict[int, Rule] = {}
    found: set[Term] = set()
    for state in states:
        rules.update(zip(map(id, state.rules), state.rules, strict=True))
        found |= terms_of_groups(state.groups)
    return found | terms_of_rules(rules.values())


_REGISTERS = ("in_port", "in_phy_port", "metadata", "tunnel_id")


def _set_by(actions: Iterable[object]) -> set[Term]:
    return {(a.field, a.value, None) for a in actions if type(a) is act.SetField and _known(a)}


def _known(action: act.SetField) -> bool:
    return action.field in FIELD or action.field in ("vlan_vid", "vlan_pcp")


def intent_terms(intent: Intent) -> set[Term]:
    """Every value that the intent tells packets apart by."""
    found: set[Term] = {("eth_dst", ROUTER_MAC, None), ("eth_dst", MULTICAST, MULTICAST)}
    found |= {("arp_op", ASKS, None), ("arp_op", ANSWERS, None), ("icmpv4_type", ECHO, None)}
    for tenant in intent.tenants.values():
        found |= tenant_terms(tenant)
    return found | share_terms(intent)


def share_terms(intent: Intent) -> set[Term]:
    """Every value that shares tell packets apart by."""
    return {term for share in intent.shares.values() for each in share.services for term in _service_terms(each)}


def tenant_terms(tenant: Tenant, known: Tenant | None = None) -> set[Term]:
    """Every value that a tenant's part tells packets apart by, shares aside; ``known``: but for what this one does."""
    found: set[Term] = set()
    before = known.endpoints if known is not None else {}
    for network in tenant.networks.values():
        found.update((("ipv4_dst", network.gateway, None), ("vlan_vid", VID_PRESENT | (network.vlan or 0), None)))
    for endpoint in tenant.endpoints.values():
        if before.get(endpoint.name) is not endpoint:
            found.update((("eth_src", endpoint.mac, None), ("ipv4_src", endpoint.ip, None)))
    for policy in tenant.policies:
        for service in policy.services:
            found |= _service_terms(service)
    return found


def _service_terms(service: Service) -> set[Term]:
    found: set[Term] = set() if service.proto is None else {("ip_proto", service.proto, None)}
    if service.first is not None and service.last is not None:
        found.update(("tcp_dst", *region) for region in port_regions(service.first, service.last))
    return found
