"""Revisions as values: what was asked for, by whom, when, why, and what became of it. Knows no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

APPLYING: Final = "applying"
APPLIED: Final = "applied"
UNDONE: Final = "undone"
FAILED: Final = "failed"

PROVED: Final = "proved"
"""The verdict that needs no mention in the audit log."""


class StoreError(Exception):
    """The store cannot do what was asked; the text says which file, what is wrong and what to do about it."""


class NotLeading(StoreError):
    """Another controller leads, or none does: nothing was written."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision about to be applied.

    ``sources``: intent YAML by file name. ``topology``: its YAML. ``numbering``: the compiler's, opaque text.
    ``summary``: JSON values about the plan. Rules are not kept: sources and numbering give them back exactly.
    ``proof``: JSON values about the proof of the plan; its ``verdict`` is a word, and one that is not ``proved`` is
    put into the audit log.
    """

    who: str
    why: str
    sources: Mapping[str, str]
    topology: str
    numbering: str = ""
    summary: Mapping[str, Any] | None = None
    proof: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A line of history.

    ``status``: APPLYING until it ends as APPLIED, UNDONE (taken back whole) or FAILED (neither: ``note`` says
    why, and what switches hold has to be read back). ``current``: it is what the fabric should hold now.
    ``base``: the revision that was current when it began. ``batches``: how many of the plan's batches every
    switch has confirmed. ``when`` and ``ended``: UTC, ISO 8601. ``verdict``: of its proof, empty without one.
    """

    number: int
    who: str
    when: str
    why: str
    status: str
    current: bool
    base: int | None
    batches: int
    ended: str | None
    note: str
    summary: dict[str, Any]
    verdict: str


@dataclass(frozen=True, slots=True)
class Revision(Record):
    """A revision with everything it was made from, and the proof of its plan."""

    sources: dict[str, str]
    topology: str
    numbering: str
    proof: dict[str, Any] | None

    def draft(self, who: str, why: str) -> Draft:
        """The same inputs as a new revision: how one goes back to an old one."""
        return Draft(who, why, self.sources, self.topology, self.numbering)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something someone did. ``detail``: JSON values; ``revision``: the one concerned, if any.

    ``chain``: the hash of this entry and all before it (store.chain).
    """

    number: int
    when: str
    who: str
    action: str
    detail: dict[str, Any]
    revision: int | None
    chain: str = ""
