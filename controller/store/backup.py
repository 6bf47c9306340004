"""Backups of a store: a copy that is whole and checked, and the way back. Must not know: whether a daemon runs.

A copy is taken with SQLite's own backup, so a store may be in use meanwhile; what it holds is one moment's.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from clos.controller.store.audit_log import checked
from clos.controller.store.chain import Broken, Checked
from clos.controller.store.revision import StoreError
from clos.controller.store.schema import check_file, told
from clos.controller.store.store import Store, utc_now

CHAINED = 3
"""The first version of the schema whose audit log has a chain."""
PAGES = 1024
"""Copied at a time, so that a controller that writes meanwhile does not wait."""


class Contents(NamedTuple):
    """What a store holds. ``revision``: in force, 0 = none. ``head``: the audit log's last hash. ``broken``: where the
    log is not what was written."""

    revision: int
    revisions: int
    entries: int
    head: str
    broken: Broken | None


def back_up(store: Path, copy: Path) -> Contents:
    """Copy a store to a new file that only its owner can read. Raises StoreError; then there is no copy."""
    if not store.is_file():
        raise StoreError(f"{store}: there is no store here; name the state directory of a controller")
    if copy.exists():
        raise StoreError(f"{copy}: it is there already; name another file")
    fresh = copy.with_name(f".{copy.name}.new")
    try:
        with told(fresh):
            fresh.unlink(missing_ok=True)
            os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            read_only = f"{store.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(read_only, uri=True)) as source, closing(sqlite3.connect(fresh)) as target:
                source.backup(target, pages=PAGES)
                target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        found = contents(fresh)
        fresh.replace(copy)
        return found
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def contents(path: Path) -> Contents:
    """What a store holds, read only; checks it as opening it would. Raises StoreError."""
    with told(path), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        check_file(db, path)
        current = db.execute("SELECT number FROM revision WHERE current = 1").fetchone()
        (count,) = db.execute("SELECT count(*) FROM revision").fetchone()
        log = _log(db)
        return Contents(current[0] if current else 0, count, log.entries, log.head, log.broken)


def _log(db: sqlite3.Connection) -> Checked:
    """The audit log, checked if it has a chain: an older Clos's gets one when it is opened."""
    if db.execute("PRAGMA user_version").fetchone()[0] >= CHAINED:
        return checked(db)
    (count,) = db.execute("SELECT count(*) FROM audit").fetchone()
    return Checked(count, count, "", 0, None)


def restore(copy: Path, store: Path) -> tuple[Contents, Path | None]:
    """Put a copy in place of a store that nobody uses; gives what it holds, and where the old store is now.

    The caller holds the state directory's lock. Raises StoreError; then the old store is in its place.
    """
    if not copy.is_file():
        raise StoreError(f"{copy}: there is no such file; clos backup makes one")
    fresh = store.with_name(f".{store.name}.restored")
    with suppress(FileNotFoundError):
        fresh.unlink()
    back_up(copy, fresh)  # a copy of the copy: what is put in place has been read whole
    Store.open(fresh).close()  # brings an older Clos's schema up to date
    found = contents(fresh)
    kept = _put_aside(store)
    with told(store):
        for suffix in ("-wal", "-shm"):
            Path(f"{fresh}{suffix}").unlink(missing_ok=True)
        fresh.replace(store)
    return found, kept


def _put_aside(store: Path) -> Path | None:
    """The old store, with what SQLite keeps beside it, under another name."""
    if not store.exists():
        return None
    kept = store.with_name(f"{store.name}.before-{utc_now().replace(':', '').replace('.', '')}")
    with told(store):
        with suppress(sqlite3.Error), closing(sqlite3.connect(store)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{store}{suffix}").replace(f"{kept}{suffix}")
        store.replace(kept)
    return kept
