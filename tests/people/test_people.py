"""Laws of people: passwords and tokens are kept as what cannot be turned back, tries are limited, tokens end."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from clos.controller.people import people as module
from clos.controller.people.people import TRIES, TRY_SECONDS, LastAdmin, NoSuchAccount, People, WrongPassword
from clos.controller.people.roles import PERSON, SERVICE
from clos.controller.store import Store
from clos.controller.store.accounts import Accounts

PASSWORD = "correct horse battery staple"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "clos.db"


@pytest.fixture
def store(place):
    with Store.open(place) as opened:
        yield opened


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_neither_passwords_nor_tokens_are_in_the_store(store, place):
    people = People(Accounts(store))
    people.add("ann", ["admin"], PASSWORD, "owner")
    tokens = [people.log_in("ann", PASSWORD)[1].token, people.add_service("ci", ["viewer"], 9, "ann").token]
    store.close()
    db = sqlite3.connect(place)
    held = "\n".join(db.iterdump())
    db.close()
    assert "$argon2id$" in held
    assert not any(secret in held for secret in (PASSWORD, *tokens))


def test_after_some_wrong_passwords_even_the_right_one_waits(store):
    clock = Clock()
    people = People(Accounts(store), clock)
    people.add("ann", ["admin"], PASSWORD, "owner")
    for _ in range(TRIES):
        with pytest.raises(WrongPassword, match="is wrong"):
            people.log_in("ann", "not it, not at all")
    with pytest.raises(WrongPassword, match="too many"):
        people.log_in("ann", PASSWORD)
    clock.now += TRY_SECONDS
    assert people.log_in("ann", PASSWORD)[0].name == "ann"


def test_a_token_counts_until_it_expires(tmp_path):
    times = iter(itertools.chain(["2026-01-01T00:00:00.000Z"] * 8, itertools.repeat("2999-01-01T00:00:00.000Z")))
    with Store.open(tmp_path / "clos.db", clock=lambda: next(times)) as store:
        people = People(Accounts(store))
        token = people.add_service("ci", ["viewer"], 1, "owner").token
        assert people.holder(token).name == "ci"
        while next(times).startswith("2026"):
            pass
        assert people.holder(token) is None


def test_the_last_admin_stays_while_there_are_others(store):
    people = People(Accounts(store))
    people.add("ann", ["admin"], PASSWORD, "owner")
    people.add("bob", ["viewer"], PASSWORD, "owner")
    with pytest.raises(LastAdmin, match="ann is the last admin"):
        people.remove("ann", PERSON, "ann")
    with pytest.raises(LastAdmin):
        people.set_roles("ann", ["viewer"], "ann")
    people.set_roles("bob", ["admin", "viewer"], "ann")
    people.remove("ann", PERSON, "bob")
    people.remove("bob", PERSON, "bob")
    assert people.owner().alone


def test_a_person_is_no_service_and_the_other_way_round(store):
    people = People(Accounts(store))
    people.add("ann", ["admin"], PASSWORD, "owner")
    people.add_service("ci", ["viewer"], 1, "ann")
    with pytest.raises(NoSuchAccount, match="there are: ci"):
        people.remove("ann", SERVICE, "ann")
    with pytest.raises(NoSuchAccount):
        people.set_password("ci", PASSWORD, "ann")
    with pytest.raises(WrongPassword):
        people.log_in("ci", "")


def test_names_that_nobody_has_are_not_remembered_for_ever(store):
    people = People(Accounts(store))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "NAMES_WATCHED", 3)
        patch.setattr(module, "matches", lambda kept, password: False)
        for number in range(10):
            with pytest.raises(WrongPassword):
                people.log_in(f"n{number}", "x")
        assert len(people._failed) == 3
    assert store.audit_log() == ()
