"""What a migration has done, written before it is done: an SQLite file beside the plan.

Lives here: the file, its events, the lock against a second operator. Must not know: what events mean (progress).
Every event is on disk (WAL, ``synchronous`` FULL) when ``write`` returns, so that after a kill at any instant whatever
was begun is known to have been begun.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.migrate.discover.secrets import without_secrets

FILE, LOCK = "journal.db", "run.lock"
_APPLICATION = 0x434C4D47
"""``CLMG`` at byte 68 of the file."""
_VERSION = 1
_TABLES = (
    """CREATE TABLE IF NOT EXISTS event (
         number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL,
         kind TEXT NOT NULL, act TEXT NOT NULL, detail TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS text (digest TEXT PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS value (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


class JournalProblem(Exception):
    """The journal cannot be used; the message says why and what to do."""


class Busy(JournalProblem):
    """Another operator carries out this plan."""


class Event(NamedTuple):
    """``at``: seconds since 1970. ``act``: as ``str(Act)``, empty where it concerns none."""

    number: int
    at: float
    kind: str
    act: str
    detail: dict[str, Any]

    @property
    def when(self) -> str:
        """For people: ISO 8601, UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")


class Journal:
    """The journal of one plan directory. ``plan``: the plan's digest; another plan's journal is refused."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def write(self, kind: str, act: str = "", **detail: Any) -> None:
        """Note an event; it is on disk when this returns. Secrets in texts are removed."""
        clean = {key: without_secrets(value) if isinstance(value, str) else value for key, value in detail.items()}
        row = (time.time(), kind, act, json.dumps(clean, sort_keys=True))
        with _told():
            self._db.execute("INSERT INTO event (at, kind, act, detail) VALUES (?, ?, ?, ?)", row)

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """All events in order, or those behind the one with this number."""
        with _told():
            rows = self._db.execute(
                "SELECT number, at, kind, act, detail FROM event WHERE number > ? ORDER BY number", (after,)
            ).fetchall()
        return tuple(Event(number, at, kind, act, json.loads(detail)) for number, at, kind, act, detail in rows)

    def keep(self, digest: str, text: str) -> None:
        """Keep a text (a running configuration, secrets removed) by its digest."""
        with _told():
            self._db.execute("INSERT OR IGNORE INTO text VALUES (?, ?)", (digest, zlib.compress(text.encode())))

    def text(self, digest: str) -> str | None:
        """A text that was kept."""
        with _told():
            row = self._db.execute("SELECT packed FROM text WHERE digest = ?", (digest,)).fetchone()
        return zlib.decompress(row[0]).decode() if row else None

    def ask_pause(self, wanted: bool) -> None:
        """Have the run stop before its next step; or no longer."""
        with _told():
            self._db.execute("INSERT OR REPLACE INTO value VALUES ('pause', ?)", ("1" if wanted else "",))

    @property
    def pause_wanted(self) -> bool:
        with _told():
            row = self._db.execute("SELECT value FROM value WHERE key = 'pause'").fetchone()
        return bool(row and row[0])


@contextmanager
def opened(directory: Path, plan: str, create: bool = True) -> Iterator[Journal | None]:
    """The plan directory's journal; None where there is none and none is to be made. Raises JournalProblem."""
    path = directory / FILE
    if not create and not path.exists():
        yield None
        return
    with _told(path):
        db = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    with closing(db):
        with _told(path):
            _prepare(db, path, plan)
        yield Journal(db)


@contextmanager
def operating(directory: Path, waits: float = 0.5) -> Iterator[None]:
    """Be the one who carries out the plan; the kernel ends that with the process. Raises Busy, naming who does.

    ``waits``: seconds, for somebody who only looks whether anybody does.
    """
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _locked(descriptor, waits):
            who = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Busy(
                f"another operator carries out the plan in {directory} (process {who}): wait for it, "
                "or have it stop with clos migrate pause"
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, waits: float) -> bool:
    until = time.monotonic() + waits
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
        else:
            return True


def _prepare(db: sqlite3.Connection, path: Path, plan: str) -> None:
    mine, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if version and (mine != _APPLICATION or version > _VERSION):
        raise JournalProblem(f"{path} is no journal that this version of Clos reads")
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    for statement in _TABLES:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("INSERT OR IGNORE INTO value VALUES ('plan', ?)", (plan,))
    (known,) = db.execute("SELECT value FROM value WHERE key = 'plan'").fetchone()
    if known != plan:
        raise JournalProblem(
            f"{path} is the journal of another plan than the one beside it: plan into another directory, or go on "
            "with the plan that was begun"
        )


@contextmanager
def _told(path: Path | None = None) -> Iterator[None]:
    """SQLite's and the disk's faults as JournalProblem."""
    try:
        yield
    except (sqlite3.Error, OSError) as fault:
        raise JournalProblem(f"the journal{f' {path}' if path else ''} cannot be used: {fault}") from None
