"""Interface names of other systems as OpenFlow port numbers.

Lives here: which number an interface gets. Must not know: links, nodes.
A name's own number is kept wherever it can be: 49 of ``e1-49``. Where it cannot (it counts from 0, or another
interface of the node has it), the caller gets to know, since people look for ports by these numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.controller.intent.importers.tiers import MAX_PORT

_JUNOS = re.compile(r"(?:ge|xe|et|fe|xle|sxe)-\d+/\d+/(\d+)", re.IGNORECASE)
"""Junos counts ports from 0, whether or not port 0 is in use."""
_CONNECTOR = re.compile(r"(?:\d+/)+c(\d+)/1")
"""Nokia SR OS: the first port of a connector stands for the connector."""


class Numbered(NamedTuple):
    """Port numbers by interface name; ``changed``: those whose number the name does not end with."""

    ports: Mapping[str, int]
    changed: tuple[str, ...]


def numbered(names: Iterable[str]) -> Numbered:
    """The interfaces of one node, each with a number of its own.

    >>> dict(numbered(["ge-0/0/0", "ge-0/0/1"]).ports)
    {'ge-0/0/0': 1, 'ge-0/0/1': 2}
    """
    every = sorted(dict.fromkeys(names), key=_natural)
    wished = _apart({name: _wish(name) for name in every}, every)
    ports: dict[str, int] = {}
    taken: set[int] = set()
    for name in every:
        if 1 <= wished[name] <= MAX_PORT and wished[name] not in taken:
            ports[name] = wished[name]
            taken.add(wished[name])
    free = max(taken, default=0) + 1 if max(taken, default=0) < MAX_PORT - len(every) else 1
    for name in (name for name in every if name not in ports):
        while free in taken:
            free += 1
        ports[name] = free
        taken.add(free)
    return Numbered(ports, tuple(name for name in every if ports[name] != _last(name)))


def _apart(wished: dict[str, int], names: list[str]) -> dict[str, int]:
    """The wishes, if no two agree; else by the one place where all names differ (the 2 of ``eth2_1``), if any."""
    zero = any(number == 0 for number in wished.values())
    if zero:
        wished = {name: number + 1 for name, number in wished.items()}
    if len(set(wished.values())) == len(wished):
        return wished
    numbers = [_numbers(name) for name in names]
    if len({len(each) for each in numbers}) == 1:
        for place in reversed(range(len(numbers[0]))):
            column = [each[place] for each in numbers]
            if len(set(column)) == len(column):
                return dict(zip(names, (n + (0 in column) for n in column), strict=True))
    return wished


def _wish(name: str) -> int:
    """-1 for a name without a number."""
    if found := _JUNOS.fullmatch(name):
        return int(found[1]) + 1
    if found := _CONNECTOR.fullmatch(name):
        return int(found[1])
    return _last(name)


def _last(name: str) -> int:
    numbers = _numbers(name)
    return numbers[-1] if numbers else -1


def _numbers(name: str) -> list[int]:
    """The numbers in a name; those that no port can have are passed over."""
    return [int(digits) for digits in re.findall(r"[0-9]+", name) if len(digits) < 10]


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    return [
        (int(part[:18]), "") if part.isdecimal() else (-1, part) for part in re.findall(r"[0-9]+|[^0-9]+", name)
    ], name
