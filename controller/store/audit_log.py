"""The audit log in the store: appended to, read, and checked. Nothing here changes or removes an entry.

Must not know: who may do what.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from clos.controller.store.chain import ROW, Checked, check, head, link
from clos.controller.store.revision import AuditEntry


def append(db: sqlite3.Connection, at: str, who: str, action: str, detail: str, revision: int | None) -> None:
    """A new last entry, in the transaction of ``db``. ``detail``: JSON."""
    before = head(db)
    values = (at, who, action, detail, revision)
    number = db.execute(
        "INSERT INTO audit (at, who, action, detail, revision) VALUES (?, ?, ?, ?, ?)", values
    ).lastrowid
    assert number is not None
    db.execute("UPDATE audit SET chain = ? WHERE number = ?", (link(before, (number, *values, "")), number))


def entries(
    db: sqlite3.Connection, limit: int, revision: int | None = None, after: int | None = None
) -> tuple[AuditEntry, ...]:
    """The last ``limit`` entries, newest first; with ``after`` those that follow this number, oldest first."""
    where, order = ("number > ?3", "ASC") if after is not None else ("?3 IS NULL", "DESC")
    rows = db.execute(
        f"SELECT {ROW} FROM audit WHERE (?1 IS NULL OR revision = ?1) AND {where} ORDER BY number {order} LIMIT ?2",
        (revision, limit, after),
    )
    return tuple(AuditEntry(n, at, who, action, json.loads(d), r, chain) for n, at, who, action, d, r, chain in rows)


def checked(db: sqlite3.Connection, anchors: Mapping[int, str] | None = None) -> Checked:
    """The log held against its chain, and against the numbers that SQLite says it has given."""
    given = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    return check(db.execute(f"SELECT {ROW} FROM audit ORDER BY number"), anchors, given[0] if given else 0)
