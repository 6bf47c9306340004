"""Pairs of zones with the same rows put together: from some zones to others, each policy once for all of them.

Lives here: covering pairs by products. Must not know: what rows say, names. Zones are numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

Pair = tuple[int, int]
Rectangle = tuple[frozenset[int], frozenset[int]]


def rectangles(pairs: Collection[Pair], free: Collection[Pair], both: bool = False) -> Iterator[Rectangle]:
    """Products that cover all ``pairs``, and nothing beside them but ``free`` ones; the largest first.

    With ``both`` a pair stands for its reverse, too.
    """
    left: dict[int, set[int]] = {}
    may: dict[int, set[int]] = {}
    for source, target in pairs:
        left.setdefault(source, set()).add(target)
    for source, target in (*pairs, *free):
        may.setdefault(source, set()).add(target)
    while left:
        sources, targets = max((_grown(start, left, may) for start in sorted(left)), key=lambda r: _gain(r, left))
        yield sources, targets
        for source in sources & left.keys():
            left[source] -= targets
        for target in targets & left.keys() if both else ():
            left[target] -= sources
        left = {source: rest for source, rest in left.items() if rest}


def _grown(start: int, left: dict[int, set[int]], may: dict[int, set[int]]) -> Rectangle:
    """From what one zone still needs to all zones that may have the same, and the targets that all of them may have."""
    needed = left[start]
    sources = {source for source in left if needed <= may[source]}
    targets = set.intersection(*(may[source] for source in sources))
    wanted = set().union(*(left[source] for source in sources))
    return frozenset(sources), frozenset(targets & wanted)


def _gain(found: Rectangle, left: dict[int, set[int]]) -> tuple[int, tuple[int, ...]]:
    """How many pairs it covers; of several, the one that begins first."""
    sources, targets = found
    return sum(len(left.get(source, set()) & targets) for source in sources), tuple(-s for s in sorted(sources))
