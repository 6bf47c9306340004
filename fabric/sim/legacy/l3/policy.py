"""Prefix lists, standard access lists as filters of networks, and route maps, as a configuration has them.

Lives here: reading them, what they permit and set. Must not know: EIGRP's machine, interfaces.
A list or route map that is not there permits everything, as on IOS.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import NamedTuple

from clos.fabric.protocols.eigrp.config import FilterLine
from clos.fabric.protocols.eigrp.routes import Prefix
from clos.fabric.sim.legacy.l3.interfaces import network
from clos.fabric.sim.legacy.tree import Tree, starting

_ALL = 0xFFFF_FFFF


class Sets(NamedTuple):
    """What a route map sets: a tag, and the five figures of a metric."""

    tag: int = 0
    metric: tuple[int, ...] | None = None


def prefix_list(running: Tree, name: str) -> tuple[FilterLine, ...] | None:
    """The lines of a prefix list by their numbers; None: there is none."""
    rows = []
    for line in starting(running, f"ip prefix-list {name} seq"):
        words = line.words()[4:]
        rows.append((int(words[0]), _prefix_line(words[1:])))
    return tuple(line for _, line in sorted(rows)) or None


def _prefix_line(words: list[str]) -> FilterLine:
    address, _, length_text = words[1].partition("/")
    length = int(length_text or 32)
    prefix = network(int(IPv4Address(address)), length)
    shortest = int(words[words.index("ge") + 1]) if "ge" in words else length
    longest = int(words[words.index("le") + 1]) if "le" in words else 32 if "ge" in words else length
    mask = _ALL << (32 - length) & _ALL
    return FilterLine(words[0] == "permit", prefix.address, mask, shortest, longest)


def access_filter(running: Tree, name: str) -> tuple[FilterLine, ...] | None:
    """A standard access list as a filter of networks' addresses; None: there is none."""
    rows = list(_standard(running, name))
    return tuple(_access_line(words) for words in rows) if rows else None


def _standard(running: Tree, name: str) -> Iterator[list[str]]:
    for line in starting(running, f"ip access-list standard {name}"):
        yield from (one.words() for one in line.children if not one.text.startswith("remark "))
    for line in starting(running, f"access-list {name}"):
        if line.words()[2] != "remark":
            yield line.words()[2:]


def _access_line(words: list[str]) -> FilterLine:
    if words[1] == "any":
        return FilterLine(words[0] == "permit", 0, 0)
    if words[1] == "host":
        return FilterLine(words[0] == "permit", int(IPv4Address(words[2])), _ALL)
    wildcard = int(IPv4Address(words[2])) if len(words) > 2 and words[2] != "log" else 0
    return FilterLine(words[0] == "permit", int(IPv4Address(words[1])), _ALL & ~wildcard)


def permits(lines: tuple[FilterLine, ...] | None, prefix: Prefix) -> bool:
    if lines is None:
        return True
    return next((line.permit for line in lines if line.matches(prefix)), False)


def route_map(running: Tree, name: str, prefix: Prefix, tag: int = 0) -> Sets | None:
    """What a route map sets for a network; None: it denies it."""
    entries = sorted(_entries(running, name))
    if not entries:
        return Sets()
    for _, permit, lines in entries:
        if all(_matches(running, line.words(), prefix, tag) for line in starting(lines, "match")):
            return _sets(lines) if permit else None
    return None


def _entries(running: Tree, name: str) -> Iterator[tuple[int, bool, Tree]]:
    for line in starting(running, f"route-map {name}"):
        words = line.words()[2:]
        yield int(words[1]) if len(words) > 1 else 10, words[:1] != ["deny"], line.children


def _matches(running: Tree, words: list[str], prefix: Prefix, tag: int) -> bool:
    if words[1] == "tag":
        return int(words[2]) == tag
    names = words[4:] if words[3] == "prefix-list" else words[3:]
    read = prefix_list if words[3] == "prefix-list" else access_filter
    return any(permits(read(running, one), prefix) for one in names)


def _sets(lines: Tree) -> Sets:
    sets = Sets()
    for line in starting(lines, "set"):
        words = line.words()
        if words[1] == "tag":
            sets = sets._replace(tag=int(words[2]))
        elif words[1] == "metric":
            sets = sets._replace(metric=tuple(int(word) for word in words[2:]))
    return sets
