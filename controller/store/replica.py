"""Rows of one database as values: which a transaction has changed, and the same changes done to a copy elsewhere.

Lives here: catching changes by triggers, doing them again. Must not know: where they go, what the rows mean.
A change is a table's name, the key of the row, and the row as it is now, or nothing. So doing changes twice is doing
them once, and a copy needs no statement of who made them.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

Change = list[Any]
"""[table, key, row]: lists of values in the order of the table's columns; row: None = there is none any more."""

LOCAL: Final = ("migration", "sqlite_sequence")
"""Tables that each copy has of its own."""
KEYS = 3
"""Columns of a key, at the most."""


class Tables:
    """The tables of ``db``, watched from now on."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._columns: dict[str, list[str]] = {}
        self._keys: dict[str, list[str]] = {}
        db.execute("CREATE TEMP TABLE touched (t TEXT, k0, k1, k2)")
        for (name,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            if name not in LOCAL:
                self._watch(name)

    def _watch(self, name: str) -> None:
        about = self._db.execute(f"PRAGMA table_info({name})").fetchall()
        self._columns[name] = [row[1] for row in about]
        self._keys[name] = keys = [row[1] for row in sorted(about, key=lambda row: row[5]) if row[5]]
        for event, sides in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
            notes = ""
            for side in sides:
                values = [f"{side}.{key}" for key in keys] + ["NULL"] * (KEYS - len(keys))
                notes += f"INSERT INTO touched VALUES ('{name}', {', '.join(values)}); "
            self._db.execute(f"CREATE TEMP TRIGGER {name}_{event} AFTER {event} ON main.{name} BEGIN {notes}END")

    def changes(self) -> list[Change]:
        """What has been touched since this was last asked, as it is now."""
        touched = self._db.execute("SELECT DISTINCT t, k0, k1, k2 FROM touched").fetchall()
        self._db.execute("DELETE FROM touched")
        return [self._change(name, list(key)[: len(self._keys[name])]) for name, *key in touched]

    def everything(self) -> Iterator[Change]:
        """Every row there is."""
        for name, columns in self._columns.items():
            places = [columns.index(key) for key in self._keys[name]]
            for row in self._db.execute(f"SELECT * FROM {name}"):
                yield [name, _out([row[place] for place in places]), _out(row)]

    def _change(self, name: str, key: list[Any]) -> Change:
        row = self._db.execute(f"SELECT * FROM {name} WHERE {self._where(name)}", key).fetchone()
        return [name, _out(key), None if row is None else _out(row)]

    def _where(self, name: str) -> str:
        return " AND ".join(f"{key} = ?" for key in self._keys[name])

    def redo(self, changes: Iterable[Change], numbers: dict[str, int]) -> None:
        """Do changes here. Old rows go first, so that no two are in each other's way; nothing follows from them."""
        listed = list(changes)
        self._db.execute("PRAGMA foreign_keys = OFF")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for name, key, _ in listed:
                self._db.execute(f"DELETE FROM {name} WHERE {self._where(name)}", _in(key))
            for name, _, row in listed:
                if row is not None:
                    self._db.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", _in(row))
            self._count(numbers)
            self._db.execute("DELETE FROM touched")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        finally:
            self._db.execute("PRAGMA foreign_keys = ON")

    def numbers(self) -> dict[str, int]:
        """The greatest number that each table has given."""
        return dict(self._db.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name"))

    def _count(self, numbers: dict[str, int]) -> None:
        self._db.execute("DELETE FROM sqlite_sequence")
        self._db.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", numbers.items())


def _out(values: Iterable[Any]) -> list[Any]:
    """Values for JSON: bytes as {"b": base64}."""
    return [{"b": base64.b64encode(value).decode()} if isinstance(value, bytes) else value for value in values]


def _in(values: Iterable[Any]) -> list[Any]:
    return [base64.b64decode(value["b"]) if isinstance(value, dict) else value for value in values]
