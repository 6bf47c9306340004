"""Accounts and their credentials in the store. Every change is in the audit log, in the same transaction.

Must not know: what roles mean, how a password is hashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection, IntegrityError
from typing import NamedTuple

from clos.controller.store.revision import StoreError
from clos.controller.store.store import Store


class Account(NamedTuple):
    """``secret``: a person's password as it is kept; a service has none. ``expires``: of a service's token, UTC."""

    name: str
    kind: str
    roles: tuple[str, ...]
    secret: str
    made: str
    made_by: str
    expires: str | None = None


_SELECT = (
    "SELECT name, kind, roles, secret, made, made_by,"
    " CASE kind WHEN 'service' THEN (SELECT max(expires) FROM credential WHERE account = name) END FROM account"
)


class Accounts:
    """The accounts of a store. Methods that concern one account raise KeyError when there is none of that name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> tuple[Account, ...]:
        """By name."""
        with self._store.reading() as db:
            return tuple(map(_account, db.execute(f"{_SELECT} ORDER BY name")))

    def get(self, name: str) -> Account:
        with self._store.reading() as db:
            return _one(db, name)

    def any(self) -> bool:
        """Whether there are accounts at all."""
        with self._store.reading() as db:
            return db.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None

    def add(self, name: str, kind: str, roles: Iterable[str], secret: str, by: str) -> None:
        """Raises ValueError when the name is taken."""
        kept = ",".join(roles)
        try:
            with self._store.writing() as db:
                values = (name, kind, kept, secret, self._store.now(), by)
                db.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?)", values)
                self._store.note(db, by, f"{kind} added", {"name": name, "roles": kept})
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise ValueError(f"there is an account {name} already: choose another name, or remove it") from None
            raise

    def remove(self, name: str, by: str) -> None:
        """The account and all its credentials."""
        with self._changing(name) as (db, account):
            db.execute("DELETE FROM account WHERE name = ?", (name,))
            self._store.note(db, by, f"{account.kind} removed", {"name": name})

    def set_roles(self, name: str, roles: Iterable[str], by: str) -> None:
        kept = ",".join(roles)
        with self._changing(name) as (db, account):
            db.execute("UPDATE account SET roles = ? WHERE name = ?", (kept, name))
            before = ",".join(account.roles)
            self._store.note(db, by, "roles changed", {"name": name, "roles": kept, "before": before})

    def set_secret(self, name: str, secret: str, by: str) -> None:
        """Another password; whoever is logged in with the old one no longer is."""
        with self._changing(name) as (db, _):
            db.execute("UPDATE account SET secret = ? WHERE name = ?", (secret, name))
            db.execute("DELETE FROM credential WHERE account = ?", (name,))
            self._store.note(db, by, "password changed", {"name": name})

    # -- credentials --------------------------------------------------------------------------------------

    def issue(self, name: str, digest: str, expires: str, action: str) -> None:
        """A token by which the account is known until ``expires``; expired ones of everybody go."""
        with self._changing(name) as (db, _):
            now = self._store.now()
            db.execute(
                "DELETE FROM credential WHERE expires < ? AND account IN"
                " (SELECT name FROM account WHERE kind = 'person')",
                (now,),
            )
            db.execute("INSERT INTO credential VALUES (?, ?, ?, ?)", (digest, name, now, expires))
            self._store.note(db, name, action, {"expires": expires})

    def withdraw(self, digest: str) -> None:
        """The token is worth nothing any more."""
        with self._store.writing() as db:
            found = db.execute("DELETE FROM credential WHERE digest = ? RETURNING account", (digest,)).fetchone()
            if found:
                self._store.note(db, found[0], "logged out", {})

    def holder(self, digest: str) -> tuple[Account, str] | None:
        """Whose token it is, and until when; None when it is nobody's. The caller looks at the time."""
        with self._store.reading() as db:
            row = db.execute("SELECT account, expires FROM credential WHERE digest = ?", (digest,)).fetchone()
            return (_one(db, row[0]), row[1]) if row else None

    def now(self) -> str:
        """The present, as ``expires`` has it."""
        return self._store.now()

    def note(self, who: str, action: str, detail: dict[str, str]) -> None:
        """An entry of the audit log."""
        self._store.audit(who, action, detail)

    @contextmanager
    def _changing(self, name: str) -> Iterator[tuple[Connection, Account]]:
        with self._store.writing() as db:
            yield db, _one(db, name)


def _one(db: Connection, name: str) -> Account:
    row = db.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    return _account(row)


def _account(row: tuple[str, str, str, str, str, str, str | None]) -> Account:
    name, kind, roles, secret, made, by, expires = row
    return Account(name, kind, tuple(filter(None, roles.split(","))), secret, made, by, expires)
