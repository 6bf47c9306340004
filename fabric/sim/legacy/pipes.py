"""``| include``, ``exclude``, ``begin``, ``section``, ``count``: what a pipe lets through of an output.

Lives here: filters over lines. Must not know: commands, devices.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Filter = Callable[[re.Pattern[str], list[str]], Iterator[str]]


def _include(pattern: re.Pattern[str], lines: list[str]) -> Iterator[str]:
    return (line for line in lines if pattern.search(line))


def _exclude(pattern: re.Pattern[str], lines: list[str]) -> Iterator[str]:
    return (line for line in lines if not pattern.search(line))


def _begin(pattern: re.Pattern[str], lines: list[str]) -> Iterator[str]:
    first = next((at for at, line in enumerate(lines) if pattern.search(line)), len(lines))
    return iter(lines[first:])


def _section(pattern: re.Pattern[str], lines: list[str]) -> Iterator[str]:
    """Lines that match, each with the lines below it that stand further in."""
    inside: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if inside is not None and depth <= inside:
            inside = None
        if inside is None and pattern.search(line):
            inside = depth
        if inside is not None:
            yield line


def _count(pattern: re.Pattern[str], lines: list[str]) -> Iterator[str]:
    yield f"Number of lines which match regexp = {sum(1 for line in lines if pattern.search(line))}"


FILTERS: dict[str, Filter] = {
    "begin": _begin,
    "count": _count,
    "exclude": _exclude,
    "include": _include,
    "section": _section,
}


def filtered(output: str, pipe: str) -> str | None:
    """What the pipe (``include WORDS``) lets through; None where there is no such filter, or its pattern is none."""
    word, _, pattern = pipe.strip().partition(" ")
    names = [name for name in FILTERS if word and name.startswith(word.lower())]
    if len(names) != 1 or not pattern:
        return None
    try:
        compiled = re.compile(pattern.strip())
    except re.error:
        return None
    lines = list(FILTERS[names[0]](compiled, output.splitlines()))
    return "".join(f"{line}\n" for line in lines)
