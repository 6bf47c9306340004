"""The store: revisions, audit log and a few values. Decides nothing about the network.

Every public operation is one transaction, and durable when it returns: in one SQLite file, or in etcd
(controller.store.rows). A process killed at any instant leaves the state before or after an operation, and ``pending``
names the revision whose apply was under way, if any: finish it or undo it. Threads may share a Store.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from clos.controller.printable import one_line
from clos.controller.store.audit_log import append, checked, entries
from clos.controller.store.chain import Checked
from clos.controller.store.revision import (
    APPLIED,
    APPLYING,
    FAILED,
    PROVED,
    UNDONE,
    AuditEntry,
    Draft,
    Record,
    Revision,
    StoreError,
)
from clos.controller.store.rows import FileRows, Rows

_RECORD = (
    "number, who, at, why, status, current, base, batches, ended, note, summary,"
    " coalesce((SELECT verdict FROM proof WHERE proof.revision = number), '')"
)


def utc_now() -> str:
    """The present, UTC, ISO 8601 with milliseconds: ``2026-11-22T17:06:00.000Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """What a controller keeps, in ``rows``. Use as a context manager or ``close`` it."""

    def __init__(self, rows: Rows, clock: Callable[[], str] = utc_now) -> None:
        self._rows, self._clock = rows, clock

    @classmethod
    def open(cls, path: Path | str, clock: Callable[[], str] = utc_now) -> Store:
        """The store at ``path``, created (mode 0600) if missing. Raises StoreError; the file is then unchanged."""
        return cls(FileRows(Path(path)), clock)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._rows.place

    @property
    def leader(self) -> str:
        """Which of several controllers leads, for people; empty: none that we know of, or there is one controller."""
        return self._rows.leader

    def now(self) -> str:
        """The present, as entries have it."""
        return self._clock()

    def close(self) -> None:
        self._rows.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # -- the life of a revision ---------------------------------------------------------------------------

    def begin(self, draft: Draft) -> int:
        """Records that a revision is about to be applied; its number. Do this before the first message.

        Raises StoreError while another one is being applied.
        """
        who, why = one_line(draft.who), one_line(draft.why)
        with self.writing() as db:
            under_way = _one(db, "SELECT number FROM revision WHERE status = ?", APPLYING)
            if under_way is not None:
                raise StoreError(f"{self.place}: revision {under_way} is still being applied; finish or undo it first")
            base = _one(db, "SELECT number FROM revision WHERE current = 1")
            number = db.execute(
                "INSERT INTO revision (who, at, why, status, base, summary) VALUES (?, ?, ?, ?, ?, ?)",
                (who, self._clock(), why, APPLYING, base, _json(draft.summary or {})),
            ).lastrowid
            if number is None:
                raise StoreError(f"{self.place}: SQLite gave revision {draft.why!r} no number")
            _keep_inputs(db, number, draft)
            self.note(db, who, "begin", {"why": why, "inputs": len(draft.sources) + 2}, number)
            self._keep_proof(db, number, draft)
            return number

    def _keep_proof(self, db: sqlite3.Connection, number: int, draft: Draft) -> None:
        if draft.proof is None:
            return
        verdict, text = str(draft.proof["verdict"]), str(draft.proof.get("text", ""))
        db.execute("INSERT INTO proof VALUES (?, ?, ?)", (number, verdict, _json(draft.proof)))
        if verdict != PROVED:
            self.note(db, draft.who, verdict, {"why": draft.why, "text": text}, number)

    def record_progress(self, number: int, batches: int) -> None:
        """Every switch has confirmed the first ``batches`` batches of revision ``number``."""
        with self.writing() as db:
            changed = db.execute(
                "UPDATE revision SET batches = max(batches, ?) WHERE number = ? AND status = ?",
                (batches, number, APPLYING),
            ).rowcount
            self._must(db, changed, number)

    def finish(self, number: int) -> None:
        """Every switch holds the revision: it is now the current one."""
        self._end(number, APPLIED, "")

    def undo(self, number: int, note: str = "") -> None:
        """Every switch holds what it held before the revision began; the current revision stays current."""
        self._end(number, UNDONE, note)

    def fail(self, number: int, note: str) -> None:
        """Neither applied nor taken back, and ``note`` says why; the current revision stays what is wanted."""
        self._end(number, FAILED, note)

    def _end(self, number: int, status: str, note: str) -> None:
        with self.writing() as db:
            if status == APPLIED:
                db.execute("UPDATE revision SET current = 0 WHERE current = 1")
            changed = db.execute(
                "UPDATE revision SET status = ?, current = ?, ended = ?, note = ? WHERE number = ? AND status = ?",
                (status, status == APPLIED, self._clock(), note, number, APPLYING),
            ).rowcount
            self._must(db, changed, number)
            who = _one(db, "SELECT who FROM revision WHERE number = ?", number)
            self.note(db, who, status, {"note": note} if note else {}, number)

    def _must(self, db: sqlite3.Connection, changed: int, number: int) -> None:
        if not changed:
            status = _one(db, "SELECT status FROM revision WHERE number = ?", number)
            state = "does not exist" if status is None else f"is {status}, not being applied"
            raise StoreError(f"{self.place}: revision {number} {state}")

    # -- reading ------------------------------------------------------------------------------------------

    def current(self) -> Revision | None:
        """What the fabric should hold; None before the first revision was applied."""
        found = self._revision("current = 1")
        if found is None:
            with self.reading() as db:
                applied = _one(db, "SELECT max(number) FROM revision WHERE status = ?", APPLIED)
            if applied is not None:
                raise StoreError(f"{self.place}: it is damaged: revision {applied} was applied and none is in force")
        return found

    def pending(self) -> Revision | None:
        """The revision whose apply has begun and not ended: after a restart, the one to finish or undo."""
        return self._revision("status = ?", APPLYING)

    def get(self, number: int) -> Revision:
        """A revision by number. Raises StoreError when there is none."""
        found = self._revision("number = ?", number)
        if found is None:
            raise StoreError(f"{self.place}: there is no revision {number}; see the history for those there are")
        return found

    def history(self, limit: int = 50) -> tuple[Record, ...]:
        """The last ``limit`` revisions, newest first, whatever became of them."""
        with self.reading() as db:
            rows = db.execute(f"SELECT {_RECORD} FROM revision ORDER BY number DESC LIMIT ?", (limit,))
            return tuple(Record(**_columns(row)) for row in rows)

    def _revision(self, which: str, *values: object) -> Revision | None:
        with self.reading() as db:
            row = db.execute(f"SELECT {_RECORD} FROM revision WHERE {which}", values).fetchone()
            return Revision(**_columns(row), **_inputs(db, row[0])) if row else None

    # -- audit and values ---------------------------------------------------------------------------------

    def audit(
        self, who: str, action: str, detail: Mapping[str, Any] | None = None, revision: int | None = None
    ) -> None:
        """Records that someone did something. Beginnings and ends of revisions are recorded by themselves."""
        with self.writing() as db:
            self.note(db, who, action, detail or {}, revision)

    def note(
        self, db: sqlite3.Connection, who: str, action: str, detail: Mapping[str, Any], revision: int | None = None
    ) -> None:
        """Records it in the transaction of ``db``, chained to the entry before it."""
        append(db, self._clock(), one_line(who), action, _json(detail), revision)

    def audit_log(
        self, limit: int = 100, revision: int | None = None, after: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """The last ``limit`` entries, newest first; those about one revision when it is given.

        ``after``: the first ones with a greater number instead, oldest first.
        """
        with self.reading() as db:
            return entries(db, limit, revision, after)

    def check_audit_log(self, anchors: Mapping[int, str] | None = None) -> Checked:
        """Whether the log is what was written, as far as its chain and ``anchors`` (hashes by number) can tell."""
        with self.reading() as db:
            return checked(db, anchors)

    def value(self, key: str) -> str | None:
        """The value kept under a key, or None."""
        with self.reading() as db:
            found = _one(db, "SELECT value FROM value WHERE key = ?", key)
            return None if found is None else str(found)

    def keep(self, key: str, value: str | None) -> None:
        """Keeps a value under a key; None forgets the key."""
        with self.writing() as db:
            if value is None:
                db.execute("DELETE FROM value WHERE key = ?", (key,))
            else:
                db.execute("INSERT OR REPLACE INTO value (key, value) VALUES (?, ?)", (key, value))

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """All that is done in the block or none of it, durable when it ends."""
        return self._rows.writing()

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """One consistent view, whatever others write meanwhile."""
        return self._rows.reading()


def _one(db: sqlite3.Connection, query: str, *values: object) -> Any:
    """The only column of the first row, or None."""
    row = db.execute(query, values).fetchone()
    return row[0] if row else None


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _columns(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of _RECORD as the fields of a Record."""
    number, who, when, why, status, current, base, batches, ended, note, summary, verdict = row
    return {
        "number": number, "who": who, "when": when, "why": why, "status": status, "current": bool(current),
        "base": base, "batches": batches, "ended": ended, "note": note, "summary": json.loads(summary),
        "verdict": verdict,
    }  # fmt: skip


def _keep_inputs(db: sqlite3.Connection, number: int, draft: Draft) -> None:
    """Stores the inputs; a text that some revision already has is stored once."""
    inputs = [("source", name, text) for name, text in draft.sources.items()]
    inputs += [("topology", "", draft.topology), ("numbering", "", draft.numbering)]
    for kind, name, text in inputs:
        raw = text.encode()
        digest = blake2b(raw, digest_size=32).digest()
        if _one(db, "SELECT 1 FROM text WHERE digest = ?", digest) is None:
            db.execute("INSERT INTO text (digest, packed) VALUES (?, ?)", (digest, zlib.compress(raw, 1)))
        db.execute("INSERT INTO input (revision, kind, name, digest) VALUES (?, ?, ?, ?)", (number, kind, name, digest))


_DAMAGED = "the store is damaged: of revision {number} {what}: restore a backup of clos.db"


def _unpacked(digest: bytes, packed: bytes | None, number: int, name: str) -> str:
    """An input's text. Raises StoreError when it is not what was stored."""
    raw = zlib.decompress(packed) if packed is not None else None
    if raw is None or blake2b(raw, digest_size=32).digest() != digest:
        what = f"{name} is {'missing' if raw is None else 'not what was stored'}"
        raise StoreError(_DAMAGED.format(number=number, what=what))
    return raw.decode()


def _inputs(db: sqlite3.Connection, number: int) -> dict[str, Any]:
    """The inputs of a revision as the fields of a Revision; sources by name."""
    rows = db.execute(
        "SELECT kind, name, digest, packed FROM input LEFT JOIN text USING (digest) WHERE revision = ?"
        " ORDER BY kind, name",
        (number,),
    )
    texts = {(kind, name): _unpacked(digest, packed, number, name or kind) for kind, name, digest, packed in rows}
    for kind in ("topology", "numbering"):
        if (kind, "") not in texts:
            raise StoreError(_DAMAGED.format(number=number, what=f"its {kind} is missing"))
    begun = _one(db, "SELECT detail FROM audit WHERE revision = ? AND action = 'begin'", number)
    kept = json.loads(begun).get("inputs", len(texts)) if begun else len(texts)
    if kept != len(texts):
        raise StoreError(_DAMAGED.format(number=number, what=f"{len(texts)} of its {kept} documents are there"))
    sources = {name: text for (kind, name), text in texts.items() if kind == "source"}
    proof = _one(db, "SELECT document FROM proof WHERE revision = ?", number)
    return {
        "sources": sources, "topology": texts["topology", ""], "numbering": texts["numbering", ""],
        "proof": json.loads(proof) if proof else None,
    }  # fmt: skip
