"""Laws of a store that has lost something: it says what, and never passes for one that holds less."""

from __future__ import annotations

import sqlite3

import pytest

from clos.controller.daemon import Daemon
from clos.controller.store import Draft, Store, StoreError
from clos.controller.store.store import one_line

DRAFT = Draft("ann", "why", {"a.yaml": "a", "b.yaml": "b"}, "topology", "numbers", {"add": 1})


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "clos.db"
    with Store.open(place) as store:
        store.finish(store.begin(DRAFT))
    return place


def broken(path, *statements):
    """The store after these statements by another hand."""
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    return Store.open(path)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM input WHERE kind = 'topology'", "its topology is missing"),
        ("DELETE FROM input WHERE kind = 'numbering'", "its numbering is missing"),
        ("DELETE FROM input WHERE name = 'b.yaml'", "3 of its 4 documents are there"),
        ("DELETE FROM text WHERE digest = (SELECT digest FROM input WHERE name = 'a.yaml')", "a.yaml is missing"),
        (
            "UPDATE text SET packed = (SELECT packed FROM text JOIN input USING (digest) WHERE name = 'b.yaml')",
            "not what was stored",
        ),
        ("UPDATE revision SET current = 0", "revision 1 was applied and none is in force"),
        ("UPDATE revision SET summary = 'no JSON'", "it is damaged"),
    ],
)
def test_what_is_missing_is_named_and_nothing_goes_on_without_it(path, statement, what):
    with broken(path, "PRAGMA foreign_keys = OFF", statement) as store, pytest.raises(StoreError, match=what):
        store.current()


@pytest.mark.parametrize("content", [b"", "an SQLite file without a table"])
def test_an_emptied_store_is_no_new_one(path, tmp_path, content):
    path.unlink()
    if content == b"":
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE x (y)")
            db.execute("DROP TABLE x")
        db.close()
    with pytest.raises(StoreError, match="it is empty, so what was in it is lost"):
        Store.open(path)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path, mode):
    place = tmp_path / "state"
    place.mkdir()
    place.chmod(mode)
    with pytest.raises(OSError, match="others may write to it"):
        Daemon("topologies/demo.yaml", place, of_port=0).start()
    assert not any(place.iterdir())


def test_nobody_writes_a_line_of_history_by_a_reason(tmp_path):
    forged = "ok\n7  2026-11-30T00:00:00Z  root\x1b[2K\r\u202e applied\u2028x"
    with Store.open(tmp_path / "clos.db") as store:
        store.finish(store.begin(Draft("ann\x1b[1A", forged, {}, "t")))
        (row,) = store.history()
        told = [row.who, row.why, *(entry.who for entry in store.audit_log())]
        assert all(text.isprintable() for text in told)
        assert all(entry.detail.get("why", "").isprintable() for entry in store.audit_log())
    assert one_line("gr\u00fc\u00dfe, \u65e5\u672c") == "gr\u00fc\u00dfe, \u65e5\u672c"
