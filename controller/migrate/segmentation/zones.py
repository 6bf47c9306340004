"""Zones: members that every access list treats alike, inside VLANs and outside of them.

Lives here: who is in which zone, and what an address set of a rule means to a zone. Must not know: ports, policies. A
zone outside is a set of prefixes less the longer ones of other zones: the longest prefix decides, as in routing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, collapse_addresses

from clos.controller.migrate.segmentation.addresses import ANY, Addresses, Pattern, prefix, prefixes_of, words

MOST_PREFIXES = 64
"""Prefixes outside that an address set with an odd mask may be cut into."""


@dataclass(frozen=True, slots=True)
class Member:
    """A host with its addresses (32-bit integers), by the name of its endpoint."""

    name: str
    vlan: int
    addresses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """Members of one VLAN, or (``vlan`` None) addresses outside: ``region``, the prefixes of ``routes`` less others."""

    name: str
    vlan: int | None
    subnets: frozenset[IPv4Network] = frozenset()
    members: tuple[Member, ...] = ()
    routes: tuple[IPv4Network, ...] = ()
    region: tuple[IPv4Network, ...] = field(default=(), compare=False)

    def within(self, addresses: Addresses) -> bool | None:
        """Whether a rule's addresses are the zone's: all of them, none, or (None) some."""
        if addresses.everything:
            return True
        if self.vlan is None:
            return _covers(addresses, self.region)
        held = {addresses.holds(each) for member in self.members for each in member.addresses}
        return held.pop() if len(held) == 1 else None

    def __str__(self) -> str:
        if self.vlan is None:
            return ", ".join("any" if not r.prefixlen else str(r) for r in self.routes) + " (outside)"
        return words(each for member in self.members for each in member.addresses)


def _covers(addresses: Addresses, region: tuple[IPv4Network, ...]) -> bool | None:
    whole = [any(prefix(net).within(pattern) for pattern in addresses.patterns) for net in region]
    part = [any(prefix(net).meets(pattern) for pattern in addresses.patterns) for net in region]
    if all(whole):
        return True
    return None if any(part) else False


def inside(
    vlan: int, name: str, subnets: Sequence[IPv4Network], members: Iterable[Member], sets: Sequence[Addresses]
) -> tuple[Zone, ...]:
    """The zones of a VLAN: members whose subnets and sets are the same."""
    alike: dict[object, list[Member]] = {}
    where: dict[object, frozenset[IPv4Network]] = {}
    for member in members:
        mine = frozenset(net for net in subnets if any(a in _span(net) for a in member.addresses))
        key = (tuple(sorted(mine)), tuple(tuple(s.holds(a) for a in member.addresses) for s in sets))
        alike.setdefault(key, []).append(member)
        where[key] = mine
    ordered = sorted(alike.items(), key=lambda item: item[1][0].addresses)
    names = [name] if len(ordered) == 1 else [f"{name}-{number}" for number in range(1, len(ordered) + 1)]
    return tuple(Zone(each, vlan, where[key], tuple(those)) for each, (key, those) in zip(names, ordered, strict=True))


def _span(net: IPv4Network) -> range:
    return range(int(net.network_address), int(net.broadcast_address) + 1)


def outside(
    sets: Sequence[Addresses], taken: Sequence[IPv4Network], reached: Sequence[IPv4Network]
) -> tuple[Zone, ...]:
    """Zones of the addresses in ``reached`` that are not in ``taken``, by what the sets tell apart.

    An odd mask that would make more than MOST_PREFIXES prefixes is not cut: its zones are in it in part.
    """
    cuts = set(reached)
    for each in sets:
        cuts.update(_cuts(each, reached))
    nets = sorted(net for net in cuts if not any(net.subnet_of(own) for own in taken))
    alike: dict[object, list[tuple[IPv4Network, tuple[IPv4Network, ...]]]] = {}
    for net in nets:
        region = tuple(_less(net, [*taken, *(other for other in nets if other != net)]))
        if region:
            key = tuple(each.everything or _covers(each, region) for each in sets)
            alike.setdefault(key, []).append((net, region))
    found = []
    for number, those in enumerate(alike.values(), 1):
        regions = tuple(collapse_addresses(part for _, region in those for part in region))
        found.append(
            Zone(_outside_name(number, those[0][0], sets), None, routes=tuple(n for n, _ in those), region=regions)
        )
    return tuple(found)


def _outside_name(number: int, first: IPv4Network, sets: Sequence[Addresses]) -> str:
    named = [s.name for s in sets if s.name and prefix(first) in s.patterns]
    if named:
        return f"outside-{named[0].lower()}"
    return "outside" if not first.prefixlen else f"outside-{first.network_address}-{first.prefixlen}".replace(".", "-")


def _cuts(addresses: Addresses, reached: Sequence[IPv4Network]) -> Iterator[IPv4Network]:
    for pattern in addresses.patterns:
        if not any(pattern.meets(prefix(net)) for net in reached) or pattern in ANY.patterns:
            continue
        if pattern.wild & (pattern.wild + 1) == 0 or 1 << _above(pattern) <= MOST_PREFIXES:
            nets = prefixes_of([pattern]) or ()
            yield from (net for net in nets if any(net.subnet_of(r) for r in reached))


def _above(pattern: Pattern) -> int:
    """How many wild bits there are above the lowest fixed one."""
    low = (~pattern.wild & (pattern.wild + 1)) - 1
    return (pattern.wild & ~low).bit_count()


def _less(net: IPv4Network, others: Iterable[IPv4Network]) -> Iterator[IPv4Network]:
    """The addresses of ``net`` that are in none of the longer prefixes."""
    left = [net]
    for other in others:
        if other.prefixlen > net.prefixlen and other.subnet_of(net):
            left = [
                part
                for each in left
                for part in (
                    each.address_exclude(other) if other.subnet_of(each) else () if each.subnet_of(other) else (each,)
                )
            ]
    return iter(left)
