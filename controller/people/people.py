"""The people and services of a controller: accounts added and removed, logins, tokens, and who shows which.

Lives here: what an account must be, how long a login and a token last, how often a password may be tried.
Must not know: HTTP, terminals, what a change is.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from clos.controller.people.roles import OWNER, PEOPLE, PERSON, SERVICE, Person, known_roles, owner
from clos.controller.people.secrets import LONGEST, acceptable, digest, hashed, matches, new_token
from clos.controller.store.accounts import Account, Accounts

NAME = re.compile(r"[a-z][a-z0-9._-]{0,62}")
LOGIN_HOURS = 12
MOST_DAYS = 366
"""The longest that a service's token lasts."""
TRIES, TRY_SECONDS = 5, 60.0
"""Wrong passwords for one name, and how long the next try then waits."""
NAMES_WATCHED = 10_000
"""Names of which wrong passwords are remembered."""


class Issued(NamedTuple):
    """A token, shown this once, and until when it counts."""

    token: str
    expires: str


class NoSuchAccount(LookupError):
    """There is no account of this name."""


class WrongPassword(Exception):
    """The name or the password is wrong, or there were too many tries; the text does not say whether the name is."""


class LastAdmin(ValueError):
    """Without this account nobody but the owner of the state directory could manage people."""


class People:
    """``monotonic``: seconds, for the time between tries. Every method may be called from any thread."""

    def __init__(self, accounts: Accounts, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._accounts, self._monotonic = accounts, monotonic
        self._one_at_a_time = threading.Lock()  # checking a password takes 64 MiB and all of a core
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    # -- who is it ----------------------------------------------------------------------------------------

    def owner(self) -> Person:
        """Who has the token of the state directory."""
        return owner(alone=not self._accounts.any())

    def holder(self, token: str) -> Person | None:
        """Who has this token; None when it is nobody's, or expired."""
        found = self._accounts.holder(digest(token))
        if found is None or found[1] <= self._accounts.now():
            return None
        return _person(found[0])

    def log_in(self, name: str, password: str) -> tuple[Person, Issued]:
        """A token for the person, for some hours. Raises WrongPassword."""
        with self._one_at_a_time:
            self._wait_over(name)
            account = self._known(name)
            kept = account.secret if account and account.kind == PERSON else ""
            if len(password) > LONGEST or not matches(kept, password):
                self._note_failure(name)
                raise WrongPassword("the name or the password is wrong")
            self._failed.pop(name, None)
        assert account is not None
        issued = self._issue(name, timedelta(hours=LOGIN_HOURS), "logged in")
        return _person(account), issued

    def log_out(self, token: str) -> None:
        """The token is worth nothing any more."""
        self._accounts.withdraw(digest(token))

    # -- accounts -----------------------------------------------------------------------------------------

    def all(self, kind: str) -> tuple[Account, ...]:
        """People, or services, by name."""
        return tuple(account for account in self._accounts.all() if account.kind == kind)

    def add(self, name: str, roles: Iterable[str], password: str, by: str) -> Person:
        """A new person. Raises ValueError."""
        found = known_roles(roles)
        self._accounts.add(_named(name), PERSON, found, hashed(acceptable(password, name)), by)
        return Person(name, PERSON, found)

    def add_service(self, name: str, roles: Iterable[str], days: int, by: str) -> Issued:
        """A new service with a token for ``days``. Raises ValueError."""
        if not 1 <= days <= MOST_DAYS:
            raise ValueError(f"a token lasts 1 to {MOST_DAYS} days, not {days}")
        self._accounts.add(_named(name), SERVICE, known_roles(roles), "", by)
        return self._issue(name, timedelta(days=days), "token issued")

    def remove(self, name: str, kind: str, by: str) -> None:
        """Raises NoSuchAccount, LastAdmin."""
        self._of_kind(name, kind)
        self._keep_an_admin(name, ())
        self._accounts.remove(name, by)

    def set_roles(self, name: str, roles: Iterable[str], by: str) -> None:
        """Raises NoSuchAccount, ValueError, LastAdmin."""
        found = known_roles(roles)
        self._of_kind(name, PERSON)
        self._keep_an_admin(name, found)
        self._accounts.set_roles(name, found, by)

    def set_password(self, name: str, password: str, by: str) -> None:
        """Raises NoSuchAccount, ValueError."""
        self._of_kind(name, PERSON)
        self._accounts.set_secret(name, hashed(acceptable(password, name)), by)

    def has_password(self, name: str, password: str) -> bool:
        """Whether it is the person's password; wrong tries count. Raises WrongPassword after too many."""
        with self._one_at_a_time:
            self._wait_over(name)
            account = self._known(name)
            if matches(account.secret if account else "", password):
                return True
            self._note_failure(name)
            return False

    def _keep_an_admin(self, name: str, roles: Iterable[str]) -> None:
        everybody = self._accounts.all()
        if len(everybody) == 1 or PEOPLE in Person(name, PERSON, tuple(roles)).permissions:
            return  # the last account may go: the controller is then one person's again
        admins = [a.name for a in everybody if a.kind == PERSON and PEOPLE in _person(a).permissions]
        if admins == [name]:
            raise LastAdmin(f"{name} is the last admin: give another person the role first")

    def _of_kind(self, name: str, kind: str) -> Account:
        account = self._known(name)
        if account is None or account.kind != kind:
            there = ", ".join(a.name for a in self.all(kind)) or "none"
            raise NoSuchAccount(f"there is no {kind} {name}; there are: {there}")
        return account

    def _known(self, name: str) -> Account | None:
        try:
            return self._accounts.get(name)
        except KeyError:
            return None

    def _issue(self, name: str, lasts: timedelta, action: str) -> Issued:
        token = new_token()
        expires = (datetime.now(UTC) + lasts).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._accounts.issue(name, digest(token), expires, action)
        return Issued(token, expires)

    # -- tries --------------------------------------------------------------------------------------------

    def _wait_over(self, name: str) -> None:
        count, last = self._failed.get(name, (0, 0.0))
        if count < TRIES:
            return
        left = last + TRY_SECONDS - self._monotonic()
        if left > 0:
            raise WrongPassword(f"too many wrong passwords for {name[:64]}: try again in {left:.0f} s")

    def _note_failure(self, name: str) -> None:
        count, _ = self._failed.pop(name, (0, 0.0))
        self._failed[name] = count + 1, self._monotonic()
        while len(self._failed) > NAMES_WATCHED:
            self._failed.popitem(last=False)
        if self._known(name) is not None:
            self._accounts.note(name, "wrong password", {})


def _person(account: Account) -> Person:
    return Person(account.name, account.kind, account.roles)


def _named(name: str) -> str:
    if not NAME.fullmatch(name) or name == OWNER:
        raise ValueError(f"{name!r} cannot be a name: a small letter, then small letters, digits, '.', '_' or '-'")
    return name
