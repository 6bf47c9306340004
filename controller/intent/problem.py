"""What is wrong with a document, where, and what to do: the user's fault, told in one go.

Lives here: findings, their order, their suggestions and how they print. Must not know: YAML, schemas, intents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

from clos.controller.intent.model import Where

Path = tuple[str | int, ...]
"""The way to a value from the root of its document: keys and list positions."""

MAX_PROBLEMS = 1_000
"""More than this many problems are counted, not listed."""
MAX_SUGGESTED = 200
"""Later problems get no "did you mean": looking for one is the slowest thing here."""
MAX_FINDINGS = 5_000
"""Findings kept of one document."""
CLIP = 60


class Problem(NamedTuple):
    """A problem as the user sees it; sorts by place. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class Finding(NamedTuple):
    """A problem in the making. ``word`` is what was written where one of ``options`` was expected."""

    where: Where
    path: Path
    message: str
    word: str = ""
    options: Collection[str] = ()


@dataclass(slots=True)
class Findings:
    """The findings of one file or document, in the making."""

    file: str
    found: list[Finding]

    def say(self, line: int, column: int, path: Path, message: str, *unknown: Any) -> None:
        """Add a finding; ``unknown``: the word that was written and those that were expected."""
        if len(self.found) < MAX_FINDINGS:
            self.found.append(Finding(Where(self.file, line, column), path, message, *unknown))


def clip(text: str) -> str:
    """Written text, short and printable, for use inside a message."""
    shown = text if len(text) <= CLIP else text[: CLIP - 3] + "..."
    return shown if shown.isprintable() else repr(shown)[1:-1]


def path_text(path: Path) -> str:
    """``("spec", "policies", 2, "to")`` as ``spec.policies[2].to``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{clip(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def suggest(word: str, options: Collection[str]) -> str:
    """The option that ``word`` was probably meant to be, or ``""``. Large sets are narrowed by shared ends first."""
    if len(word) > CLIP:
        return ""
    near: Iterable[str] = options
    if len(options) > 50_000:
        return ""
    if len(options) > 500:
        near = [o for o in options if abs(len(o) - len(word)) < 3 and (o[:2] == word[:2] or o[-2:] == word[-2:])][:500]
    found = get_close_matches(word, near, n=1)
    return found[0] if found else ""


def conclude(findings: Iterable[Finding]) -> tuple[Problem, ...]:
    """Findings as problems: each once, in the order of files and lines, with suggestions."""
    seen = {(finding.where, finding.path, finding.message): finding for finding in findings}
    ordered = sorted(seen.values(), key=lambda finding: (finding.where, finding.message))
    shown = sorted(_told(finding, i < MAX_SUGGESTED) for i, finding in enumerate(ordered[:MAX_PROBLEMS]))
    if len(ordered) > MAX_PROBLEMS:
        last = ordered[MAX_PROBLEMS].where
        shown.append(Problem(*last, "", f"and {len(ordered) - MAX_PROBLEMS:,} more problems from here on"))
    return tuple(shown)


def _told(finding: Finding, with_suggestion: bool) -> Problem:
    message = finding.message
    if finding.word and with_suggestion and (meant := suggest(finding.word, finding.options)):
        message += f"; did you mean {clip(meant)}?"
    return Problem(*finding.where, path_text(finding.path), message)
