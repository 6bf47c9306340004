"""The values of header fields that an intent speaks of: what header space must tell apart. Must not know: rules."""

from __future__ import annotations

from clos.controller.intent.model import Intent, Service, Tenant
from clos.controller.verify.headerspace.header_space import Term
from clos.controller.verify.headerspace.port_ranges import port_regions
from clos.fabric.packet.fields import VID_PRESENT

MULTICAST = 1 << 40
"""The bit of an Ethernet address that says multicast."""

ECHO, ECHO_REPLY, ASKS, ANSWERS = 8, 0, 1, 2
"""ICMP types of a ping and its answer; ARP operations of a request and its reply."""


def intent_terms(intent: Intent) -> set[Term]:
    """Every value that the intent tells packets apart by."""
    found: set[Term] = {("eth_dst", MULTICAST, MULTICAST)}
    found |= {("arp_op", ASKS, None), ("arp_op", ANSWERS, None), ("icmpv4_type", ECHO, None)}
    for tenant in intent.tenants.values():
        found |= tenant_terms(tenant)
    return found | share_terms(intent) | route_terms(intent)


def route_terms(intent: Intent) -> set[Term]:
    """The prefixes behind endpoints, and all subnets, as far as there are any of the former."""
    if not intent.routed:
        return set()
    tenants = intent.tenants.values()
    prefixes = {prefix for tenant in tenants for endpoint in tenant.everyone.values() for prefix in endpoint.routes}
    prefixes.update(subnet for tenant in tenants for net in tenant.networks.values() for subnet in net.subnets)
    return {("ipv4_dst", base, (1 << 32) - (1 << 32 - length)) for base, length in prefixes}


def share_terms(intent: Intent) -> set[Term]:
    """Every value that shares tell packets apart by."""
    return {term for share in intent.shares.values() for each in share.services for term in _service_terms(each)}


def tenant_terms(tenant: Tenant, known: Tenant | None = None) -> set[Term]:
    """Every value that a tenant's part tells packets apart by, shares aside; ``known``: but for what this one does."""
    found: set[Term] = set()
    before = known.endpoints if known is not None else {}
    for network in tenant.networks.values():
        found.add(("vlan_vid", VID_PRESENT | (network.vlan or 0), None))
        if network.gateway is not None:
            found.add(("eth_dst", network.gateway_mac, None))
            found.update([("ipv4_dst", gateway, None) for gateway in network.gateways])
    for endpoint in tenant.endpoints.values():
        if before.get(endpoint.name) is not endpoint:
            found.add(("eth_src", endpoint.mac, None))
            found.update([("ipv4_src", address, None) for address in endpoint.addresses])
    for services in (*(policy.services for policy in tenant.policies), *(wish.deny for wish in tenant.imports)):
        for service in services:
            found |= _service_terms(service)
    return found


def _service_terms(service: Service) -> set[Term]:
    found: set[Term] = set() if service.proto is None else {("ip_proto", service.proto, None)}
    if service.first is not None and service.last is not None:
        found.update(("tcp_dst", *region) for region in port_regions(service.first, service.last))
    return found
