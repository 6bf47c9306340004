"""Where a store's rows are: tables that transactions read and write, in a file or elsewhere.

Lives here: what the store asks of such a place, and the usual one, a file of SQLite. The other is etcd
(controller.store.etcd). Must not know: what the rows mean.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from clos.controller.store.schema import connect, transaction


class Rows(Protocol):
    """Tables of the schema (controller.store.schema), read and written in transactions. Any thread may ask."""

    @property
    def place(self) -> str:
        """Where they are, for people."""

    @property
    def leader(self) -> str:
        """Who may write, for people; empty: nobody that we know of, or whoever asks."""

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """All that is done in the block or none of it, durable when it ends. Raises StoreError."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """One consistent view, whatever others write meanwhile. Raises StoreError."""

    def close(self) -> None:
        """Nobody asks any more."""


class FileRows:
    """The file at ``path``, created (mode 0600) if it is missing. Raises StoreError; the file is then unchanged."""

    leader = ""

    def __init__(self, path: Path) -> None:
        self._path, self._db, self._lock = path, connect(path), Lock()

    @property
    def place(self) -> str:
        return str(self._path)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._db, self.place, "IMMEDIATE") as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._db, self.place, "DEFERRED") as db:
            yield db

    def close(self) -> None:
        with self._lock:
            self._db.close()
