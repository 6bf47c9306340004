"""Gaps between access lists and policies as differences: one for each line and reason, its packets as few sets.

Lives here: words. Must not know: how gaps were found. No packet is left out: each set is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clos.controller.migrate.plan.model import Difference
from clos.controller.migrate.segmentation.addresses import words as address_words
from clos.controller.migrate.segmentation.planes import words as flavour_words
from clos.controller.migrate.segmentation.proof import MORE, Gap
from clos.controller.migrate.segmentation.rules import Place
from clos.controller.migrate.segmentation.services import Ports
from clos.controller.migrate.segmentation.words import WITH_PORTS
from clos.controller.migrate.segmentation.zones import Zone

_NAMES = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 132: "sctp"}
Kind = tuple[str, str, str]
"""Protocol, source ports with destination ports, and what else the packets are."""


def differences(gaps: Iterable[Gap]) -> tuple[Difference, ...]:
    """By line, reason and direction; first what the fabric permits more."""
    found: dict[tuple[bool, Place, str, str], dict[Kind, list[tuple[Zone, Zone]]]] = {}
    for gap in gaps:
        key = (gap.fabric != MORE, gap.place._replace(remark=""), gap.reason, gap.fabric)
        found.setdefault(key, {}).setdefault(_kind(gap), []).append((gap.source, gap.target))
    return tuple(
        Difference(str(place), place.text, reason, tuple(_sets(kinds)), fabric)
        for (_, place, reason, fabric), kinds in sorted(found.items(), key=lambda item: item[0])
    )


def _kind(gap: Gap) -> Kind:
    plane = gap.plane
    proto = _NAMES.get(plane.proto, f"ip/{plane.proto}") if plane.proto is not None else _all_but(plane.besides)
    ports = ""
    if plane.proto in WITH_PORTS:
        source, target = (None if ports == Ports.ANY else str(ports) for ports in gap.box)
        ports = ", ".join(text for text in (source and f"from port {source}", target and f"to port {target}") if text)
    return proto, ports, flavour_words(plane, gap.flavours)


def _all_but(besides: tuple[int, ...]) -> str:
    return "any but " + ", ".join(_NAMES.get(n, f"ip/{n}") for n in besides) if besides else "any"


def _sets(kinds: dict[Kind, list[tuple[Zone, Zone]]]) -> Iterator[str]:
    for (proto, ports, flavours), pairs in kinds.items():
        for sources, targets in _products(pairs):
            rest = ", ".join(text for text in (ports, flavours) if text)
            yield f"{proto} {_zones(sources)} -> {_zones(targets)}" + (f", {rest}" if rest else "")


def _products(pairs: list[tuple[Zone, Zone]]) -> Iterator[tuple[list[Zone], list[Zone]]]:
    """The pairs as products: sources with the same targets together."""
    targets: dict[str, dict[str, Zone]] = {}
    named: dict[str, Zone] = {}
    for source, target in pairs:
        named[source.name] = source
        targets.setdefault(source.name, {})[target.name] = target
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, those in targets.items():
        alike.setdefault(tuple(sorted(those)), []).append(name)
    for names in alike.values():
        yield [named[name] for name in names], list(targets[names[0]].values())


def _zones(zones: list[Zone]) -> str:
    addresses = [address for zone in zones for member in zone.members for address in member.addresses]
    outside = [str(zone) for zone in zones if zone.vlan is None]
    return ", ".join(([address_words(addresses)] if addresses else []) + outside)
