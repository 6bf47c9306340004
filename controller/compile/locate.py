"""Where endpoints are, in the numbers rules use.

Lives here: the step from an endpoint's names (host, network, groups) to node, ports, tags and class.
Must not know: rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.controller.compile.cookie import cookie, endpoint_path
from clos.controller.compile.numbering import PolicyClass, TenantNumbers
from clos.controller.intent.model import Endpoint, Tenant
from clos.fabric.topology import LEGACY, PortRef, Topology


class Located(NamedTuple):
    """An endpoint on the fabric.

    ``node``: the leaf or pair frames for it are sent to; ``tag`` its segment tag there; ``vlan``: what its host
    tags frames with, None = untagged; ``hairpin``: other endpoints may sit behind the same port; ``cookie``: what its
    rules carry; ``router``: the MAC address that routed packets come to it from, None where none do; ``legacy``: it is
    behind a legacy host, where its own network reaches it without us; ``border``: it stands for addresses
    outside, or is their router: these are reached by the gateway only.
    """

    endpoint: Endpoint
    segment: int
    vrf: int
    klass: int
    node: str
    tag: int
    ports: tuple[PortRef, ...]
    vlan: int | None
    hairpin: bool
    cookie: int
    router: int | None
    legacy: bool = False
    border: bool = False

    @property
    def outside(self) -> bool:
        """Whether it stands for addresses outside."""
        return self.endpoint.outside is not None

    @property
    def dual_homed(self) -> bool:
        return len(self.ports) == 2

    def port_on(self, leaf: str) -> int:
        """Its port number on one of its leaves."""
        switch, port = self.ports[0]
        return port if switch == leaf else self.ports[1].port


def locate(
    tenant: Tenant, classes: Mapping[str, PolicyClass], numbers: TenantNumbers, topology: Topology
) -> tuple[Located, ...]:
    """Every endpoint of the tenant, in intent order."""
    crowd: dict[str, int] = {}
    for endpoint in tenant.everyone.values():
        crowd[endpoint.host] = crowd.get(endpoint.host, 0) + 1
    found = []
    border = tenant.border
    for endpoint in tenant.everyone.values():
        host = topology.hosts[endpoint.host]
        trunk = host.tagged
        leaf = host.ports[0].switch
        found.append(
            Located(
                endpoint,
                numbers.segments[endpoint.network],
                numbers.vrf,
                numbers.classes[classes[endpoint.name]],
                topology.node_of(host),
                numbers.tags[topology.domain_of(leaf)][endpoint.network],
                host.ports,
                tenant.networks[endpoint.network].vlan if trunk else None,
                trunk or crowd[endpoint.host] > 1,
                cookie(endpoint_path(tenant.name, endpoint.name)),
                tenant.networks[endpoint.network].router,
                host.mode == LEGACY,
                endpoint.outside is not None or endpoint.name in border,
            )
        )
    return tuple(found)


def leaves_of(located: Iterable[Located]) -> tuple[str, ...]:
    """The leaves these endpoints are attached to, sorted."""
    return tuple(sorted({port.switch for one in located for port in one.ports}))


def by_node(located: Iterable[Located]) -> dict[str, list[Located]]:
    found: dict[str, list[Located]] = {}
    for one in located:
        found.setdefault(one.node, []).append(one)
    return found


def by_leaf(located: Iterable[Located]) -> dict[str, list[Located]]:
    """Endpoints by every leaf they are attached to; a dual-homed one is under both."""
    found: dict[str, list[Located]] = {}
    for one in located:
        for port in one.ports:
            found.setdefault(port.switch, []).append(one)
    return found


def by_network(located: Iterable[Located]) -> dict[str, list[Located]]:
    found: dict[str, list[Located]] = {}
    for one in located:
        found.setdefault(one.endpoint.network, []).append(one)
    return found


def without(leaves: tuple[str, ...], members: tuple[str, ...]) -> tuple[str, ...]:
    """``leaves`` but for the node's own members, which deliver locally."""
    for member in members:
        if member in leaves:
            at = leaves.index(member)
            leaves = leaves[:at] + leaves[at + 1 :]
    return leaves
