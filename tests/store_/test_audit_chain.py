"""Laws of the audit log's chain: whatever is edited, removed or moved is found, at its place."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

from clos.controller.api.audit_export import as_jsonl, as_syslog
from clos.controller.store import Store
from clos.controller.store.schema import MIGRATIONS, VERSION

ENTRIES = 9


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "clos.db"
    with Store.open(path) as store:
        for number in range(ENTRIES):
            store.audit(f"p{number % 3}", "step", {"n": number}, None)
    return path


def forge(place, *statements):
    db = sqlite3.connect(place)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def check(place, kept=None):
    with Store.open(place) as store:
        return store.check_audit_log(kept)


def test_a_log_that_nobody_touched_is_intact(place):
    found = check(place)
    assert (found.broken, found.entries, found.last) == (None, ENTRIES, ENTRIES)


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
@pytest.mark.parametrize(
    "change", ["who = 'eve'", "at = '2020-01-01T00:00:00.000Z'", "action = 'nothing'", "detail = '{}'", "chain = ''"]
)
def test_an_edit_is_found_at_its_entry(place, number, change):
    forge(place, f"UPDATE audit SET {change} WHERE number = {number}")
    found = check(place)
    assert (found.broken.number, found.entries) == (number, number - 1)


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
def test_a_removed_entry_is_missed(place, number):
    forge(place, f"DELETE FROM audit WHERE number = {number}")
    found = check(place)
    assert found.broken.number == number and "missing" in found.broken.text


def test_a_removed_entry_is_missed_where_the_others_close_up(place):
    forge(place, "DELETE FROM audit WHERE number = 4", "UPDATE audit SET number = number - 1 WHERE number > 4")
    assert check(place).broken.number == 4


def test_two_entries_in_another_order_are_found(place):
    forge(
        place,
        "UPDATE audit SET number = 99 WHERE number = 3",
        "UPDATE audit SET number = 3 WHERE number = 6",
        "UPDATE audit SET number = 6 WHERE number = 99",
    )
    assert check(place).broken.number == 3


def test_an_entry_slipped_in_is_found(place):
    forge(place, "INSERT INTO audit (number, at, who, action, detail) VALUES (10, 'x', 'eve', 'y', '{}')")
    assert check(place).broken.number == 10


def test_a_log_written_anew_shows_against_hashes_kept_elsewhere(place):
    with Store.open(place) as store:
        kept = {entry.number: entry.chain for entry in store.audit_log()}
        assert store.check_audit_log(kept).anchors == ENTRIES
    forge(place, "UPDATE audit SET who = 'eve' WHERE number = 5")
    db = sqlite3.connect(place)
    next(step for step in MIGRATIONS[2] if callable(step))(db)  # whoever can write can chain anew
    db.commit()
    db.close()
    assert check(place).broken is None
    assert check(place, kept).broken.number == 5


def test_a_log_cut_off_shows_against_hashes_kept_elsewhere(place):
    with Store.open(place) as store:
        kept = {entry.number: entry.chain for entry in store.audit_log()}
    forge(place, "DELETE FROM audit WHERE number > 7", "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit'")
    assert check(place).broken is None
    assert check(place, kept).broken.number == 8


def test_a_store_without_a_chain_gets_one_and_goes_on_with_it(tmp_path):
    path = tmp_path / "old.db"
    Store.open(path).close()
    path.unlink()
    db = sqlite3.connect(path)
    for step in (*MIGRATIONS[0], *MIGRATIONS[1]):
        db.execute(step)
    db.execute("INSERT INTO migration (version) VALUES (1), (2)")
    db.execute(f"PRAGMA application_id = {0x434C4F53}")
    db.execute("PRAGMA user_version = 2")
    db.execute("INSERT INTO audit (at, who, action, detail) VALUES ('t', 'ann', 'begin', '{}')")
    db.commit()
    db.close()
    with Store.open(path) as store:
        store.audit("bob", "step")
        assert store.check_audit_log().entries == 2
    assert VERSION >= 3


SYSLOG = re.compile(
    r"<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [!-~]{1,255} clos \d{1,128} [!-~]{1,32} "
    r'\[clos@32473(?: [!-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")+\] [ -~]*'
)
"""RFC 5424 §6, as far as these messages use it."""


def test_an_entry_is_a_line_of_json_and_a_syslog_message(tmp_path):
    with Store.open(tmp_path / "clos.db") as store:
        store.audit('a"]\\ü', "brake released", {"why": "ü\nx]", "n": 1})
        (entry,) = store.audit_log()
    document = {name: getattr(entry, name) for name in entry.__slots__}
    assert json.loads(as_jsonl(document)) == document
    assert "\n" not in as_jsonl(document)
    assert SYSLOG.fullmatch(as_syslog(document)), as_syslog(document)
