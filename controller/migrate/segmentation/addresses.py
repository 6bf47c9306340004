"""Sets of IPv4 addresses as access lists write them: a value and the bits that do not matter, in any pattern.

Lives here: membership, and the prefixes that make up a set. Must not know: access lists, endpoints. Addresses are
32-bit integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address as Address
from ipaddress import IPv4Network, collapse_addresses, summarize_address_range
from typing import NamedTuple

ALL = 0xFFFFFFFF
MANY = 4096
"""Prefixes that a set may fall into; an odd mask can make 2^31 of them."""


class Pattern(NamedTuple):
    """Addresses that equal ``value`` wherever ``wild`` has no bit."""

    value: int
    wild: int

    def holds(self, address: int) -> bool:
        """Whether the address is one of them."""
        return not (address ^ self.value) & ~self.wild & ALL

    def meets(self, other: Pattern) -> bool:
        """Whether the two have an address in common."""
        return not (self.value ^ other.value) & ~(self.wild | other.wild) & ALL

    def within(self, other: Pattern) -> bool:
        """Whether each of these addresses is one of the other's."""
        return not self.wild & ~other.wild & ALL and other.holds(self.value)

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return 1 << self.wild.bit_count()

    def prefixes(self) -> Iterator[Pattern]:
        """The fewest prefixes that make it up: one for each value of the wild bits above the lowest fixed one."""
        low = (~self.wild & (self.wild + 1)) - 1 & ALL
        for bits in _below(self.wild & ~low):
            yield Pattern(self.value & ~self.wild & ALL | bits, low)

    def __str__(self) -> str:
        if self.wild & (self.wild + 1) == 0:
            network = IPv4Network((self.value & ~self.wild & ALL, 32 - self.wild.bit_length()))
            return "any" if self.wild == ALL else str(network).removesuffix("/32")
        return f"{Address(self.value)} wildcard {Address(self.wild)}"


def _below(wild: int) -> Iterator[int]:
    """Every value of the wild bits."""
    bits = 0
    while True:
        yield bits
        bits = (bits - wild) & wild
        if not bits:
            return


def prefix(network: IPv4Network) -> Pattern:
    """A prefix as a pattern."""
    return Pattern(int(network.network_address), int(network.hostmask))


@dataclass(frozen=True, slots=True)
class Addresses:
    """A union of patterns. ``name``: of the object-group that it came from."""

    patterns: tuple[Pattern, ...]
    name: str | None = None

    def holds(self, address: int) -> bool:
        """Whether the address is in the set."""
        return any(pattern.holds(address) for pattern in self.patterns)

    @property
    def everything(self) -> bool:
        """Whether it is written as ``any``."""
        return any(pattern.wild == ALL for pattern in self.patterns)

    def __str__(self) -> str:
        return self.name or ", ".join(map(str, self.patterns))


ANY = Addresses((Pattern(0, ALL),))


def host(address: int) -> Addresses:
    """One address."""
    return Addresses((Pattern(address, 0),))


def span(first: int, last: int) -> tuple[Pattern, ...]:
    """The addresses from the first to the last."""
    return tuple(prefix(network) for network in summarize_address_range(Address(first), Address(last)))


def prefixes_of(patterns: Iterable[Pattern]) -> tuple[IPv4Network, ...] | None:
    """The union as prefixes in order, adjacent ones joined; None: more than MANY."""
    found: list[IPv4Network] = []
    for pattern in patterns:
        for each in pattern.prefixes():
            found.append(IPv4Network((each.value, 32 - each.wild.bit_length())))
            if len(found) > MANY:
                return None
    return tuple(collapse_addresses(found))


def words(addresses: Iterable[int]) -> str:
    """Single addresses as ranges: ``10.20.20.11-10.20.20.18, 10.20.20.40``."""
    spans: list[list[int]] = []
    for address in sorted(set(addresses)):
        if spans and spans[-1][1] == address - 1:
            spans[-1][1] = address
        else:
            spans.append([address, address])
    return ", ".join(str(Address(a)) if a == b else f"{Address(a)}-{Address(b)}" for a, b in spans)
