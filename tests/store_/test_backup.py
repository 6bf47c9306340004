"""Laws of backups: a copy holds one moment of a store that is in use, and a restored store is that moment's."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
from threading import Event, Thread

import pytest

from clos.controller.daemon.lock import lock_directory
from clos.controller.store import Draft, Store, StoreError
from clos.controller.store.backup import back_up, contents, restore
from clos.controller.store.schema import APPLICATION_ID, MIGRATIONS
from tests.support.cli_run import ROOT, clos


def draft(why="because"):
    return Draft("ann", why, {"a.yaml": "x" * 5000}, "topology")


@pytest.fixture
def state(tmp_path):
    place = tmp_path / "state"
    with Store.open(place / "clos.db") as store:
        for _ in range(3):
            store.finish(store.begin(draft()))
    place.chmod(0o700)
    return place


def test_what_is_restored_is_what_was_backed_up(state, tmp_path):
    copy = tmp_path / "copy.db"
    told = back_up(state / "clos.db", copy)
    assert (told.revision, told.revisions, told.broken) == (3, 3, None)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.db"]
    with Store.open(state / "clos.db") as store:
        store.finish(store.begin(draft("later")))
    found, kept = restore(copy, state / "clos.db")
    assert found == told
    with Store.open(state / "clos.db") as store, Store.open(kept) as old:
        assert (store.current().number, old.current().number) == (3, 4)
        assert store.current().sources == {"a.yaml": "x" * 5000}


def test_a_copy_of_a_store_that_is_written_to_is_one_moment(state, tmp_path):
    done = Event()

    def write():
        with Store.open(state / "clos.db") as store:
            while not done.is_set():
                store.finish(store.begin(draft()))

    thread = Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            found = back_up(state / "clos.db", tmp_path / f"copy{number}")
            assert found.broken is None and found.entries == 2 * found.revisions - (found.revision != found.revisions)
    finally:
        done.set()
        thread.join()


def test_what_is_no_store_is_not_restored_and_the_old_one_stays(state, tmp_path):
    before = contents(state / "clos.db")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE photos (name TEXT)")
    db.close()
    text = tmp_path / "notes.txt"
    text.write_text("remember the milk")
    for wrong in (other, text, tmp_path / "missing"):
        with pytest.raises(StoreError):
            restore(wrong, state / "clos.db")
    assert contents(state / "clos.db") == before


def test_a_backup_of_an_older_clos_is_brought_up_to_date(tmp_path):
    old = tmp_path / "old.db"
    db = sqlite3.connect(old)
    for step in (*MIGRATIONS[0], *MIGRATIONS[1]):
        db.execute(step)
    db.execute("INSERT INTO migration (version) VALUES (1), (2)")
    db.execute("INSERT INTO audit (at, who, action, detail) VALUES ('t', 'ann', 'begin', '{}')")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("PRAGMA user_version = 2")
    db.commit()
    db.close()
    (tmp_path / "state").mkdir(mode=0o700)
    found, kept = restore(old, tmp_path / "state/clos.db")
    assert (found.entries, found.broken, kept) == (1, None, None)


def test_the_commands_back_up_and_restore_and_not_under_a_running_controller(state, tmp_path):
    copy = tmp_path / "copy.db"
    assert "revision 3 in force" in clos("backup", copy, "--state", state).out
    assert clos("backup", copy, "--state", state).code == 3
    with lock_directory(state):
        ran = clos("restore", copy, "--state", state, "--yes")
        assert ran.code == 3 and "in use by another daemon" in ran.err
    ran = clos("restore", copy, "--state", state, "--yes", "--json")
    assert (ran.code, ran.data["revision"]) == (0, 3)
    assert clos("restore", tmp_path / "none", "--state", state, "--yes").code == 2
    assert clos("backup", tmp_path / "x", "--state", tmp_path / "nowhere").code == 3


def test_systemd_takes_the_shipped_unit(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "clos.service"
    unit.write_text((ROOT / "docs/systemd/clos.service").read_text().replace("/usr/local/bin/clos", "/bin/true"))
    told = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "clos.service" not in told.stderr, told.stderr
