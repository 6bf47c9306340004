"""Addresses outside the fabric: cut into pieces, each behind one router and in the same groups as a whole.

Lives here: prefixes and what the longest of them decides. Must not know: tenants, documents, rules.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

Prefix = tuple[int, int]
"""(address, length) of the IPv4 addresses that begin alike; no bit is set beyond the length."""
Groups = tuple[str, ...]

_LONGEST = 32
_FIRST_USUAL = 1 << 24
"""1.0.0.0: addresses before it are those of "this network" (RFC 1122 §3.2.1.3), so no example is taken of them."""


class Range(NamedTuple):
    """The addresses of a group: of ``cidr``, but for those of ``cut``."""

    group: str
    cidr: frozenset[Prefix]
    cut: frozenset[Prefix] = frozenset()


class Piece(NamedTuple):
    """Addresses behind one router and in the same groups: what is left of ``prefixes`` where the longest prefix
    decides. ``example``: one of them."""

    prefixes: tuple[Prefix, ...]
    example: int


def within(inner: Prefix, outer: Prefix) -> bool:
    return outer[1] <= inner[1] and (inner[0] ^ outer[0]) >> (_LONGEST - outer[1]) == 0


def last(prefix: Prefix) -> int:
    """The last address of a prefix."""
    return prefix[0] | (1 << _LONGEST - prefix[1]) - 1


def longest(prefix: Prefix, known: Collection[Prefix]) -> Prefix | None:
    """The longest of the known prefixes that a prefix is within; None: it is within none."""
    for length in range(prefix[1], -1, -1):
        around = prefix[0] & (1 << 32) - (1 << _LONGEST - length), length
        if around in known:
            return around
    return None


def groups_of(prefix: Prefix, ranges: Iterable[Range]) -> Groups:
    """The groups that addresses of a prefix are in, sorted: those that hold it by the longest prefix of all.

    Of addresses in longer prefixes of ranges nothing is said.
    """
    best = 0
    found: list[str] = []
    for each in ranges:
        around = longest(prefix, each.cidr)
        if around is None or longest(prefix, each.cut) is not None:
            continue
        if around[1] > best:
            best, found = around[1], []
        found += [each.group] if around[1] == best else []
    return tuple(sorted(found))


def cut_up(
    routes: Mapping[Prefix, str], others: Collection[Prefix], ranges: Collection[Range]
) -> dict[tuple[str, Groups], Piece]:
    """The addresses outside by way and groups; sorted. What no address is left of has no entry.

    ``routes``: prefixes with the names of the ways to them. ``others``: prefixes that are behind none of these.
    """
    known = {*routes, *others}
    cuts = {cut for each in ranges for cut in (*each.cidr, *each.cut)}
    inner = ((cut, around) for cut in cuts if (around := longest(cut, known)) is not None and around in routes)
    owners = dict(routes) | {cut: routes[around] for cut, around in inner}
    found: dict[tuple[str, Groups], list[Prefix]] = {}
    for prefix, way in owners.items():
        found.setdefault((way, groups_of(prefix, ranges)), []).append(prefix)
    every = sorted({*owners, *others})
    whole = {key: (tuple(sorted(each)), example(sorted(each), every)) for key, each in sorted(found.items())}
    return {key: Piece(prefixes, ip) for key, (prefixes, ip) in whole.items() if ip is not None}


def example(prefixes: Iterable[Prefix], every: Sequence[Prefix]) -> int | None:
    """An address of one of these that is in no longer prefix. ``every``: all prefixes, sorted."""
    return next((ip for prefix in prefixes for ip in _free(prefix, every)), None)


def _free(prefix: Prefix, every: Sequence[Prefix]) -> Iterator[int]:
    """The first address of each stretch that longer prefixes leave of a prefix; usual ones first."""
    at, end = prefix[0], last(prefix)
    left: list[int] = []
    for one in islice(every, bisect_right(every, prefix), None):
        if one[0] > end:
            break
        if one[1] > prefix[1]:
            left += [at] if one[0] > at else []
            at = max(at, last(one) + 1)
    left += [at] if at <= end else []
    yield from (ip | 9 if ip & 0xFF == 0 and _holds(ip | 9, prefix, every) else ip for ip in left if ip >= _FIRST_USUAL)
    if prefix[0] < _FIRST_USUAL <= end and _holds(_FIRST_USUAL | 9, prefix, every):
        yield _FIRST_USUAL | 9
    yield from left


def _holds(ip: int, prefix: Prefix, every: Collection[Prefix]) -> bool:
    """Whether no longer prefix has an address, of those within this one."""
    return within((ip, _LONGEST), prefix) and not any(
        one[1] > prefix[1] and within((ip, _LONGEST), one) for one in every
    )
