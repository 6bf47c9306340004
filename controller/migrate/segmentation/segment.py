"""The segmentation of a discovered network: hosts, zones and policies, proved against its access lists.

Lives here: the steps in their order. Must not know: the fabric's topology, files. Names of endpoints come from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from clos.controller.migrate.model import Network
from clos.controller.migrate.plan.model import Difference
from clos.controller.migrate.segmentation.conversations import Edge, Edges
from clos.controller.migrate.segmentation.describe import differences
from clos.controller.migrate.segmentation.hosts import DEVICE, HOST, Found, Host, hosts
from clos.controller.migrate.segmentation.proof import Proof, prove
from clos.controller.migrate.segmentation.rules import NotUnderstood, Rule, read_list
from clos.controller.migrate.segmentation.translate import Translated, edges_of, translate
from clos.controller.migrate.segmentation.vlans import Vlan, vlans
from clos.controller.migrate.segmentation.zones import Member

__all__ = ["NotUnderstood", "Segmentation", "segment"]

EVERYTHING = (IPv4Network("0.0.0.0/0"),)


@dataclass(frozen=True, slots=True)
class Segmentation:
    """VLANs that migrate, who is in them, and what policies stand for their access lists."""

    vlans: tuple[Vlan, ...]
    found: Found
    translated: Translated
    proof: Proof
    differences: tuple[Difference, ...]
    doubts: tuple[str, ...]
    """Where routers of a VLAN filter differently: the first router's lists were taken."""


def segment(
    network: Network,
    name_of: Callable[[Host], str],
    how: str,
    only: Iterable[int] = (),
    reached: Sequence[IPv4Network] = EVERYTHING,
) -> Segmentation:
    """The whole network, or the VLANs ``only``. Raises NotUnderstood, TooMany for access lists."""
    only = frozenset(only)
    mine = tuple(vlan for vlan in vlans(network) if not vlan.between_routers and (not only or vlan.number in only))
    found = hosts(network, mine)
    members = [
        Member(name_of(host), host.vlan, (int(host.address),)) for host in found.hosts if host.kind in (HOST, DEVICE)
    ]
    edges, doubts = _edges(network, mine)
    translated = translate(mine, members, edges, reached, how)
    number = {zone.name: n for n, zone in enumerate(translated.zones)}
    held = {
        zone.name: frozenset(group.name for group in translated.groups if number[zone.name] in group.zones)
        for zone in translated.zones
    }
    proof = prove(translated, translated.policies, lambda zone: held[zone.name])
    return Segmentation(mine, found, translated, proof, differences(proof.gaps), doubts)


def _edges(network: Network, of: Iterable[Vlan]) -> tuple[Edges, tuple[str, ...]]:
    edges: dict[int, Edge] = {}
    doubts = []
    for vlan in of:
        by_router = {
            router.device: Edge(
                _list(network, router.device, router.interface.acl_in),
                _list(network, router.device, router.interface.acl_out),
            )
            for router in vlan.routers
        }
        first, *others = by_router.items()
        edges[vlan.number] = first[1]
        doubts += [
            f"VLAN {vlan.number}: {first[0]} and {name} filter differently; {first[0]}'s access lists were taken"
            for name, edge in others
            if _meaning(edge) != _meaning(first[1])
        ]
    return edges_of(edges), tuple(doubts)


def _list(network: Network, device: str, name: str | None) -> tuple[Rule, ...] | None:
    """The rules of a list that is applied; one that is not defined permits everything, as IOS does."""
    own = network.devices[device]
    if name is None or name not in own.access_lists:
        return None
    return read_list(device, own.access_lists[name], own.object_groups)


def _meaning(edge: Edge) -> object:
    return tuple(
        None if rules is None else tuple((r.permit, r.source.patterns, r.target.patterns, r.services) for r in rules)
        for rules in edge
    )
