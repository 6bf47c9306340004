"""Where boxes stand: in rows by their distance from the top, so that lines run between neighboring rows.

Lives here: a layered layout that is the same for the same graph. Must not know: networks, SVG.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

Places = Mapping[str, tuple[int, int]]
"""Row and column of each name."""
_SWEEPS = 6


def rows_from(tops: Sequence[str], links: Iterable[tuple[str, str]], names: Iterable[str]) -> list[list[str]]:
    """Rows of names by hops from the tops; what they do not reach starts rows of its own from its first name."""
    beside: dict[str, set[str]] = {name: set() for name in names}
    for a, b in links:
        if a != b:
            beside[a].add(b)
            beside[b].add(a)
    row: dict[str, int] = {}
    for start in (*tops, *sorted(beside, key=lambda name: (-len(beside[name]), name))):
        if start in row:
            continue
        row[start], due = 0, deque([start])
        for other in tops:
            if other not in row:
                row[other] = 0
                due.append(other)
        while due:
            name = due.popleft()
            for other in sorted(beside[name] - row.keys()):
                row[other] = row[name] + 1
                due.append(other)
    _promote(row, beside)
    rows: list[list[str]] = [[] for _ in range(max(row.values(), default=0) + 1)]
    for name in sorted(row):
        rows[row[name]].append(name)
    return _ordered(rows, beside)


def _promote(row: dict[str, int], beside: Mapping[str, set[str]]) -> None:
    """A name with more neighbors in its own row than in that above goes up, beside the first of a pair."""
    for name in sorted(row, key=lambda name: (-len(beside[name]), name)):
        level = [sum(row[other] == row[name] - up for other in beside[name]) for up in (0, 1)]
        if row[name] > 0 and level[0] > level[1]:
            row[name] -= 1


def _ordered(rows: list[list[str]], beside: Mapping[str, set[str]]) -> list[list[str]]:
    """Each row by where its neighbors in the rows beside it stand, a few times over: fewer lines cross."""
    for sweep in range(_SWEEPS):
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for number in order:
            near = [rows[other] for other in (number - 1, number + 1) if 0 <= other < len(rows)]
            at = {name: place / max(1, len(row) - 1) for row in near for place, name in enumerate(row)}
            own = {name: place / max(1, len(rows[number]) - 1) for place, name in enumerate(rows[number])}

            def middle(name: str, at: Mapping[str, float] = at, own: Mapping[str, float] = own) -> float:
                found = [at[other] for other in beside[name] if other in at]
                return sum(found) / len(found) if found else own[name]

            rows[number] = sorted(rows[number], key=lambda name: (round(middle(name), 6), name))
    return rows
