"""The store's file: its tables, how they came to be, and the checks before a file is trusted.

Must not know: what the rows mean. An SQLite database in WAL mode (readers never wait for the writer); the
application id says it is ours, ``user_version`` which migrations it has had.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clos.controller.store.chain import chain_from_the_start
from clos.controller.store.revision import StoreError

APPLICATION_ID = 0x434C4F53
"""``CLOS`` at byte 68 of the file."""

Step = str | Callable[[sqlite3.Connection], None]

MIGRATIONS: tuple[tuple[Step, ...], ...] = (
    (
        "CREATE TABLE migration (version INTEGER PRIMARY KEY, at TEXT NOT NULL DEFAULT (datetime('now')))",
        """CREATE TABLE revision (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             who TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL,
             status TEXT NOT NULL CHECK (status IN ('applying', 'applied', 'undone', 'failed')),
             current INTEGER NOT NULL DEFAULT 0 CHECK (current = 0 OR status = 'applied'),
             base INTEGER REFERENCES revision,
             batches INTEGER NOT NULL DEFAULT 0,
             ended TEXT, note TEXT NOT NULL DEFAULT '',
             summary TEXT NOT NULL)""",
        "CREATE UNIQUE INDEX one_applying ON revision (status) WHERE status = 'applying'",
        "CREATE UNIQUE INDEX one_current ON revision (current) WHERE current = 1",
        "CREATE TABLE text (digest BLOB PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID",
        """CREATE TABLE input (
             revision INTEGER NOT NULL REFERENCES revision,
             kind TEXT NOT NULL CHECK (kind IN ('source', 'topology', 'numbering')),
             name TEXT NOT NULL,
             digest BLOB NOT NULL REFERENCES text,
             PRIMARY KEY (revision, kind, name)) WITHOUT ROWID""",
        """CREATE TABLE audit (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL,
             revision INTEGER REFERENCES revision)""",
        "CREATE TABLE value (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        """CREATE TABLE proof (
             revision INTEGER PRIMARY KEY REFERENCES revision,
             verdict TEXT NOT NULL,
             document TEXT NOT NULL)""",
    ),
    (
        "ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT ''",
        chain_from_the_start,
        """CREATE TABLE account (
             name TEXT PRIMARY KEY,
             kind TEXT NOT NULL CHECK (kind IN ('person', 'service')),
             roles TEXT NOT NULL, secret TEXT NOT NULL,
             made TEXT NOT NULL, made_by TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE credential (
             digest TEXT PRIMARY KEY,
             account TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
             made TEXT NOT NULL, expires TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE proposal (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             at TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
             base INTEGER NOT NULL, request TEXT NOT NULL, summary TEXT NOT NULL,
             status TEXT NOT NULL CHECK (status IN ('open', 'approved', 'rejected', 'applied')),
             judged_by TEXT NOT NULL DEFAULT '', judged_at TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
             revision INTEGER REFERENCES revision)""",
    ),
)
"""The statements that lead from each schema version to the next, from 0. Never edit a row: append one."""

VERSION = len(MIGRATIONS)
_MAGIC = b"SQLite format 3\0"


def connect(path: Path) -> sqlite3.Connection:
    """The file at ``path``, created if it is missing, checked and brought to the current schema.

    Only its owner can read it (mode 0600). Raises StoreError when it is damaged, someone else's, from a newer
    Clos, or cannot be opened.
    """
    with told(path):
        _claim(path)
        db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            _check(db, path)
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            _migrate(db)
        except BaseException:
            db.close()
            raise
        return db


def blank() -> sqlite3.Connection:
    """A database of the current schema in this process's memory, with nothing in it."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA foreign_keys = ON")
    _migrate(db)
    return db


@contextmanager
def transaction(db: sqlite3.Connection, place: Path | str, kind: str) -> Iterator[sqlite3.Connection]:
    """All of it or none of it, on disk before it returns. ``kind``: IMMEDIATE to write, DEFERRED to read."""
    with told(place):
        db.execute(f"BEGIN {kind}")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise


_CAUSES = (
    ("locked", "another process is writing to it and does not finish"),
    ("readonly", "it cannot be written: check the owner and permissions of the file and its directory"),
    ("unable to open", "it cannot be opened: check the directory and its permissions"),
    ("permission denied", "it cannot be opened: check the owner and permissions of the file and its directory"),
    ("full", "the disk is full: free some space and try again"),
    ("malformed", "it is damaged: move it away and restore a backup"),
    ("not a database", "it is damaged: move it away and restore a backup"),
    ("decompress", "it is damaged: move it away and restore a backup"),
    ("disk i/o", "the disk does not answer: check it, then try again"),
)


@contextmanager
def told(path: Path | str) -> Iterator[None]:
    """Turns what SQLite and the system raise into a StoreError that names the file and the way out."""
    try:
        yield
    except (sqlite3.Error, zlib.error, OSError, ValueError) as error:
        reason = str(error).lower()
        if isinstance(error, ValueError):  # JSON or UTF-8 that is none
            raise StoreError(f"{path}: it is damaged: move it away and restore a backup ({error})") from error
        cause = next((text for word, text in _CAUSES if word in reason), "it cannot be used")
        raise StoreError(f"{path}: {cause} ({error})") from error


_EMPTY = "{path}: it is empty, so what was in it is lost: restore a backup, or remove it to begin at revision 0"


def _create(path: Path) -> None:
    """A new store, whole from its first moment: whatever is found empty later was not left so by a crash here."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(fresh, isolation_level=None)
    try:
        _migrate(db)
    finally:
        db.close()
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink(missing_ok=True)


def _claim(path: Path) -> None:
    """Creates the file for its owner only, or refuses one that is no SQLite database."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _create(path)
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if not head:
        raise StoreError(_EMPTY.format(path=path))
    if head != _MAGIC:
        raise StoreError(f"{path}: not a Clos store, nor any SQLite database; name another file")


def check_file(db: sqlite3.Connection, path: Path) -> None:
    """Refuses a file that is damaged, another program's, or a newer Clos's. Raises StoreError."""
    _check(db, path)


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Refuses a file that is damaged, another program's, or a newer Clos's."""
    fault = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if fault != "ok":
        raise StoreError(f"{path}: it is damaged: move it away and restore a backup ({fault})")
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner == 0 and empty:
        raise StoreError(_EMPTY.format(path=path))
    if owner != APPLICATION_ID:
        raise StoreError(f"{path}: an SQLite database of another program, not a Clos store; name another file")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(f"{path}: written by a newer Clos (schema {version}, known up to {VERSION}); upgrade Clos")


def _migrate(db: sqlite3.Connection) -> None:
    """Brings the schema up to date in one transaction, so that a crash leaves the old schema or the new."""
    if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    for version in range(db.execute("PRAGMA user_version").fetchone()[0], VERSION):
        for step in MIGRATIONS[version]:
            if callable(step):
                step(db)
            else:
                db.execute(step)
        db.execute("INSERT INTO migration (version) VALUES (?)", (version + 1,))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")
