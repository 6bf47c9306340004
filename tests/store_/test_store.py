"""Laws of the store: one current revision, one under way at most, nothing lost, nothing readable by others."""

import random
import sqlite3
import stat
from threading import Thread

import pytest

from clos.controller.store import APPLIED, APPLYING, FAILED, UNDONE, Draft, Store, StoreError
from clos.controller.store.schema import APPLICATION_ID, VERSION
from tests.store_.rows_in_etcd import leading


def draft(why: str = "because", **changes) -> Draft:
    inputs = {
        "sources": {"red.yaml": "kind: Tenant\n", "blue.yaml": "ü"},
        "topology": "switches: {}\n",
        "numbering": "{}",
    }
    return Draft("alice", why, **{**inputs, **changes})


@pytest.fixture(params=["file", "etcd"])
def store(request, tmp_path):
    times = iter(f"2026-01-01T00:00:{i:02}.000Z" for i in range(60))
    if request.param == "file":
        opened = Store.open(tmp_path / "clos.db", clock=lambda: next(times))
    else:
        opened = Store(leading(request.getfixturevalue("member")), clock=lambda: next(times))
    with opened:
        yield opened


def apply(store: Store, why: str = "because") -> int:
    number = store.begin(draft(why))
    store.finish(number)
    return number


def test_a_new_store_holds_nothing(store) -> None:
    assert (store.current(), store.pending(), store.history(), store.audit_log()) == (None, None, (), ())


def test_a_revision_comes_back_as_it_was_given(store) -> None:
    number = store.begin(draft("new tenant", summary={"add": 12, "text": "Plan: 12 to add"}))
    found = store.get(number)
    assert found.draft("alice", "new tenant") == draft("new tenant")
    assert (found.who, found.why, found.status, found.base) == ("alice", "new tenant", APPLYING, None)
    assert found.summary == {"add": 12, "text": "Plan: 12 to add"}
    assert (found.when, found.ended) == ("2026-01-01T00:00:00.000Z", None)


def test_a_revision_under_way_is_pending_and_not_current(store) -> None:
    first = apply(store)
    second = store.begin(draft())
    assert (store.current().number, store.pending().number, store.pending().base) == (first, second, first)


def test_a_finished_revision_replaces_the_current_one(store) -> None:
    apply(store)
    second = apply(store)
    assert (store.current().number, store.pending()) == (second, None)
    assert [(r.status, r.current) for r in store.history()] == [(APPLIED, True), (APPLIED, False)]


def test_an_undone_or_failed_revision_leaves_the_current_one(store) -> None:
    first = apply(store)
    store.undo(store.begin(draft()), "leaf1 refused a rule")
    store.fail(store.begin(draft()), "leaf1 is gone")
    assert (store.current().number, store.pending()) == (first, None)
    ends = [(r.status, r.note) for r in store.history(2)]
    assert ends == [(FAILED, "leaf1 is gone"), (UNDONE, "leaf1 refused a rule")]


def test_only_one_revision_is_under_way(store) -> None:
    number = store.begin(draft())
    with pytest.raises(StoreError, match=f"revision {number} is still being applied; finish or undo it first"):
        store.begin(draft())
    assert len(store.history()) == 1


@pytest.mark.parametrize(
    "end", [Store.finish, Store.undo, lambda s, n: s.fail(n, ""), lambda s, n: s.record_progress(n, 1)]
)
def test_a_revision_ends_once(store, end) -> None:
    first = apply(store)
    with pytest.raises(StoreError, match=f"revision {first} is applied, not being applied"):
        end(store, first)
    with pytest.raises(StoreError, match="revision 9 does not exist"):
        end(store, 9)
    assert store.current().number == first


def test_progress_only_grows(store) -> None:
    number = store.begin(draft())
    for batches in (1, 3, 2):
        store.record_progress(number, batches)
    assert store.pending().batches == 3


def test_going_back_is_a_new_revision_with_old_inputs(store) -> None:
    first = apply(store)
    store.finish(store.begin(draft(sources={"red.yaml": "other"})))
    back = store.begin(store.get(first).draft("bob", "rollback to 1"))
    assert store.get(back).sources == store.get(first).sources
    assert store.get(back).base == 2


def test_history_is_newest_first_and_limited(store) -> None:
    for why in "abc":
        apply(store, why)
    assert [r.why for r in store.history(2)] == ["c", "b"]


def test_a_text_that_does_not_change_is_stored_once(tmp_path) -> None:
    noise = random.Random(1).randbytes(200_000).hex()
    with Store.open(tmp_path / "clos.db") as store:
        for i in range(20):
            store.finish(store.begin(draft(sources={"big.yaml": noise, "small.yaml": str(i)})))
        assert store.get(1).sources["big.yaml"] == noise
    assert (tmp_path / "clos.db").stat().st_size < 1_000_000


def test_numbers_are_not_used_again_and_an_unknown_one_is_an_error(store) -> None:
    with pytest.raises(StoreError, match="there is no revision 1"):
        store.get(1)
    assert [apply(store), apply(store)] == [1, 2]


def test_the_audit_log_tells_the_life_of_every_revision(store) -> None:
    apply(store)
    store.undo(store.begin(draft("try")), "no")
    store.audit("bob", "brake released", {"flag": "--allow-deletes"}, 2)
    actions = [(e.who, e.action, e.revision) for e in store.audit_log()]
    assert actions == [
        ("bob", "brake released", 2),
        ("alice", "undone", 2),
        ("alice", "begin", 2),
        ("alice", "applied", 1),
        ("alice", "begin", 1),
    ]
    assert [e.action for e in store.audit_log(revision=1)] == ["applied", "begin"]
    assert store.audit_log(1)[0].detail == {"flag": "--allow-deletes"}


def test_values_are_kept_replaced_and_forgotten(store) -> None:
    assert store.value("lease") is None
    store.keep("lease", "a")
    store.keep("lease", "b")
    assert store.value("lease") == "b"
    store.keep("lease", None)
    assert store.value("lease") is None


def test_what_was_stored_is_there_after_closing(tmp_path) -> None:
    with Store.open(tmp_path / "clos.db") as store:
        apply(store)
        store.begin(draft("pending"))
    with Store.open(tmp_path / "clos.db") as store:
        assert (store.current().number, store.pending().why) == (1, "pending")


def test_the_files_are_readable_by_their_owner_only(tmp_path) -> None:
    path = tmp_path / "state" / "clos.db"
    with Store.open(path) as store:
        apply(store)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes) == {"clos.db", "clos.db-wal", "clos.db-shm"}
    assert set(modes.values()) == {0o600}
    path.chmod(0o644)
    Store.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("remember the milk, and then some more text")
    with pytest.raises(StoreError, match=r"notes\.txt: not a Clos store"):
        Store.open(path)
    assert path.read_text() == "remember the milk, and then some more text"


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE photos (name TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_clos_is_refused(tmp_path) -> None:
    path = tmp_path / "clos.db"
    Store.open(path).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(StoreError, match=rf"newer Clos \(schema {VERSION + 1}.*upgrade"):
        Store.open(path)


def test_a_damaged_store_is_refused(tmp_path) -> None:
    path = tmp_path / "clos.db"
    with Store.open(path) as store:
        for _ in range(30):
            apply(store, "x" * 500)
    raw = bytearray(path.read_bytes())
    raw[4096:] = bytes(b ^ 0x5A for b in raw[4096:])
    path.write_bytes(raw)
    with pytest.raises(StoreError, match="it is damaged: move it away and restore a backup"):
        Store.open(path)


def test_a_directory_is_not_a_store(tmp_path) -> None:
    with pytest.raises(StoreError, match="directory"):
        Store.open(tmp_path)


def test_a_file_whose_creation_was_cut_short_becomes_a_store(tmp_path) -> None:
    path = tmp_path / "clos.db"
    path.with_name("clos.db.new").write_bytes(b"half of it")
    with Store.open(path) as store:
        assert apply(store) == 1
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert db.execute("SELECT version FROM migration").fetchall() == [(v,) for v in range(1, VERSION + 1)]
    db.close()


def test_a_closed_store_says_so(tmp_path) -> None:
    store = Store.open(tmp_path / "clos.db")
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.current()


def test_threads_share_a_store(tmp_path) -> None:
    with Store.open(tmp_path / "clos.db") as store:

        def work(name: str) -> None:
            for i in range(20):
                store.audit(name, "step", {"i": i})
                store.history()

        threads = [Thread(target=work, args=(f"t{i}",)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.audit_log(1000)) == 120


def test_two_processes_worth_of_stores_see_each_other(tmp_path) -> None:
    with Store.open(tmp_path / "clos.db") as one, Store.open(tmp_path / "clos.db") as other:
        number = apply(one)
        assert other.current().number == number
        other.begin(draft())
        with pytest.raises(StoreError, match="still being applied"):
            one.begin(draft())
