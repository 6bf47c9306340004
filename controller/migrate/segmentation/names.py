"""Names for groups of zones: a VLAN's, an object-group's, an address's, and what they leave out.

Must not know: policies. A group is a set of zones' numbers; equal groups have one name, different ones different names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address

from clos.controller.migrate.segmentation.addresses import Addresses
from clos.controller.migrate.segmentation.conversations import Edges
from clos.controller.migrate.segmentation.vlans import slug
from clos.controller.migrate.segmentation.zones import Zone

_LONGEST, _MOST_PARTS = 60, 2


def group_names(zones: Sequence[Zone], groups: Iterable[frozenset[int]], edges: Edges) -> dict[frozenset[int], str]:
    """A name for each group, in the order of their first mention."""
    names: dict[frozenset[int], str] = {}
    objects = _objects(zones, edges)
    for group in groups:
        if group not in names:
            names[group] = _free(_name(group, zones, objects, edges), names.values())
    return names


def _objects(zones: Sequence[Zone], edges: Edges) -> Mapping[frozenset[int], str]:
    """Object-groups of the lists as sets of zones."""
    found: dict[frozenset[int], str] = {}
    for edge in edges.values():
        for rules in edge:
            for rule in rules or ():
                for addresses in (rule.source, rule.target):
                    if addresses.name:
                        found.setdefault(_held(addresses, zones), slug(addresses.name))
    return found


def _held(addresses: Addresses, zones: Sequence[Zone]) -> frozenset[int]:
    return frozenset(n for n, zone in enumerate(zones) if zone.within(addresses))


def _name(group: frozenset[int], zones: Sequence[Zone], objects: Mapping[frozenset[int], str], edges: Edges) -> str:
    """An object-group's name; else what the group has; else what it lacks of all, or of all without access lists."""
    if group in objects:
        return objects[group]
    everybody = frozenset(range(len(zones)))
    free = frozenset(n for n in everybody if zones[n].vlan is None or zones[n].vlan not in edges)
    bases = {everybody: "everybody", free: "unfiltered"}
    if group in bases:
        return bases[group]
    own = "-and-".join(_parts(group, zones))
    candidates = [own] if len(_parts(group, zones)) <= _MOST_PARTS else []
    for base, name in bases.items():
        lacking = _parts(base - group, zones) if group < base else []
        if 0 < len(lacking) <= _MOST_PARTS:
            candidates.append(f"{name}-but-" + "-and-".join(lacking))
    short = [name for name in candidates if len(name) <= _LONGEST]
    first = _parts(group, zones)[0][: _LONGEST - 12]
    return min(short, key=len) if short else f"{first}-and-{len(_parts(group, zones)) - 1}-more"


def _parts(group: frozenset[int], zones: Sequence[Zone]) -> list[str]:
    """The names of what a group is made of, VLAN by VLAN."""
    vlans: dict[int | None, list[int]] = {}
    for number in sorted(group):
        vlans.setdefault(zones[number].vlan, []).append(number)
    parts = []
    for vlan, numbers in vlans.items():
        whole = [n for n, zone in enumerate(zones) if zone.vlan == vlan]
        parts.append(_stem(vlan, zones, numbers) if numbers == whole else _part(zones, numbers))
    return parts


def _stem(vlan: int | None, zones: Sequence[Zone], numbers: Sequence[int]) -> str:
    if vlan is None:
        return "outside"
    name = zones[numbers[0]].name
    several = sum(zone.vlan == vlan for zone in zones) > 1
    return name.rpartition("-")[0] if several else name


def _part(zones: Sequence[Zone], numbers: Sequence[int]) -> str:
    """Some zones of a VLAN: by the one host that they are, else by their numbers."""
    if zones[numbers[0]].vlan is None:
        return zones[numbers[0]].name if len(numbers) == 1 else f"{zones[numbers[0]].name}-and-others"
    stem = _stem(zones[numbers[0]].vlan, zones, numbers)
    hosts = [member for n in numbers for member in zones[n].members]
    if len(hosts) == 1:
        return f"{stem}-{str(IPv4Address(hosts[0].addresses[0])).rpartition('.')[2]}"
    return f"{stem}-zone-" + "-".join(zones[n].name.rpartition("-")[2] for n in numbers[:4])


def _free(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    if name not in taken:
        return name
    return next(other for number in range(2, 10**6) if (other := f"{name}-{number}") not in taken)
