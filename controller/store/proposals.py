"""Proposed changes in the store: what somebody planned, who looked at it, and what became of it.

Every change is in the audit log, in the same transaction. Must not know: who may do what, how a change is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from clos.controller.printable import one_line
from clos.controller.store.revision import StoreError
from clos.controller.store.store import Store

OPEN: Final = "open"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
DONE: Final = "applied"


class Proposal(NamedTuple):
    """``base``: the revision it was planned on. ``request``, ``summary``: JSON values: what is asked for, and its plan.

    ``status``: OPEN, APPROVED or REJECTED by ``judged_by`` with a ``note``, DONE as ``revision``.
    """

    number: int
    when: str
    who: str
    why: str
    base: int
    request: dict[str, Any]
    summary: dict[str, Any]
    status: str
    judged_by: str
    judged_at: str
    note: str
    revision: int | None


_SELECT = (
    "SELECT number, at, who, why, base, request, summary, status, judged_by, judged_at, note, revision FROM proposal"
)


class Proposals:
    """The proposals of a store. Methods that concern one raise KeyError when there is none of that number."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, who: str, why: str, base: int, request: Mapping[str, Any], summary: Mapping[str, Any]) -> Proposal:
        """A new one, open."""
        values = (self._store.now(), one_line(who), one_line(why), base, json.dumps(request), json.dumps(summary))
        with self._store.writing() as db:
            number = db.execute(
                "INSERT INTO proposal (at, who, why, base, request, summary, status) VALUES (?, ?, ?, ?, ?, ?, 'open')",
                values,
            ).lastrowid
            assert number is not None
            self._store.note(db, who, "proposed", {"proposal": number, "why": why, "base": base})
            return _one(db, number)

    def get(self, number: int) -> Proposal:
        with self._store.reading() as db:
            return _one(db, number)

    def newest(self, limit: int = 50) -> tuple[Proposal, ...]:
        """Newest first."""
        with self._store.reading() as db:
            return tuple(map(_proposal, db.execute(f"{_SELECT} ORDER BY number DESC LIMIT ?", (limit,))))

    def judge(self, number: int, by: str, status: str, note: str) -> Proposal:
        """An open one becomes APPROVED or REJECTED; nothing happens to one that is not open any more."""
        with self._store.writing() as db:
            changed = db.execute(
                "UPDATE proposal SET status = ?, judged_by = ?, judged_at = ?, note = ?"
                " WHERE number = ? AND status = 'open'",
                (status, by, self._store.now(), one_line(note), number),
            ).rowcount
            if changed:
                self._store.note(db, by, status, {"proposal": number, "note": note})
            return _one(db, number)

    def done(self, number: int, revision: int, by: str) -> Proposal:
        """It is in force as a revision."""
        with self._store.writing() as db:
            db.execute("UPDATE proposal SET status = 'applied', revision = ? WHERE number = ?", (revision, number))
            self._store.note(db, by, "proposal applied", {"proposal": number}, revision)
            return _one(db, number)


def _one(db: Connection, number: int) -> Proposal:
    row = db.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise KeyError(number)
    return _proposal(row)


def _proposal(row: tuple[Any, ...]) -> Proposal:
    try:
        return Proposal._make((*row[:5], json.loads(row[5]), json.loads(row[6]), *row[7:]))
    except ValueError as error:
        raise StoreError(f"proposal {row[0]} in the store is damaged: restore a backup ({error})") from error
