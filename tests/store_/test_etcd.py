"""Laws of rows in etcd: what one writes all read, who does not lead writes nothing, and nothing is half there."""

from __future__ import annotations

import random
import signal
import threading

import pytest

from clos.controller.store import Draft, NotLeading, Store, StoreError
from clos.controller.store import etcd_client as etcd
from clos.controller.store.accounts import Accounts
from clos.controller.store.etcd import CHANGES, PART, EtcdRows, Fence
from clos.controller.store.etcd_client import EtcdError, EtcdUnknown
from clos.controller.store.proposals import Proposals
from tests.store_.rows_in_etcd import client, following, lead, leading
from tests.support.etcd_members import Members, require_etcd

DRAFT = Draft("ann", "because", {"a.yaml": "kind: Tenant\n"}, "switches: {}\n", "{}", {"add": 1}, {"verdict": "x"})


def held(rows: EtcdRows):
    """Every row, and the numbers given."""
    with rows.reading():
        return sorted(map(repr, rows._tables.everything())), rows._tables.numbers()


def live(store: Store) -> None:
    """Something of everything that a store keeps."""
    store.finish(store.begin(DRAFT))
    number = store.begin(DRAFT)
    store.record_progress(number, 2)
    store.undo(number, "no")
    store.keep("a", "1")
    store.keep("a", "2")
    accounts = Accounts(store)
    for name in ("bob", "eve"):
        accounts.add(name, "person", ["viewer"], "secret", "ann")
        accounts.issue(name, f"digest of {name}", "2099-01-01T00:00:00.000Z", "logged in")
    accounts.remove("eve", "ann")  # and what hangs on it
    proposals = Proposals(store)
    proposals.judge(proposals.add("ann", "why", 1, {"sources": {}}, {}).number, "bob", "approved", "")


def test_a_follower_holds_what_the_leader_wrote(member):
    rows = leading(member)
    follower = following(member)
    live(Store(rows))
    assert follower.catch_up() and held(follower) == held(rows)
    assert held(following(member)) == held(rows), "as does one that begins now"
    assert not follower.catch_up()


def test_a_follower_writes_nothing_and_says_who_leads(member):
    follower = following(member)
    follower.leader = "c1 leads (https://c1:8181)"
    with pytest.raises(NotLeading, match="c1 leads"):
        Store(follower).begin(DRAFT)
    assert client(member).under(CHANGES) == ([], False)
    assert Store(follower).history() == ()


def test_a_deposed_leader_writes_nothing_however_sure_it_is(member):
    old = leading(member)
    live(Store(old))
    new = EtcdRows(client(member))
    lead(new, member)
    before = held(old)
    with pytest.raises(NotLeading):
        Store(old).audit("ann", "too late")
    assert held(old) == before == held(new)
    Store(new).audit("bob", "in time")
    old.catch_up()
    assert held(old) == held(new)


def test_a_transaction_that_fails_leaves_nothing_here_or_there(member):
    rows = leading(member)
    store = Store(rows)
    number = store.begin(DRAFT)
    before = held(rows)
    with pytest.raises(StoreError):
        store.begin(DRAFT)
    with pytest.raises(KeyError, match="taken"), store.writing() as db:
        db.execute("DELETE FROM input")
        raise KeyError("taken")
    assert held(rows) == before == held(following(member))
    store.finish(number)
    assert held(rows) == held(following(member))


def test_a_lease_that_is_over_ends_writing_before_etcd_is_asked(member):
    rows = leading(member)
    rows.fence = Fence(rows.fence.created, lambda: False)
    with pytest.raises(NotLeading):
        Store(rows).audit("ann", "step")


def test_a_revision_larger_than_a_request_comes_back_whole(member):
    rows = leading(member)
    noise = random.Random(1).randbytes(3 * PART).hex()
    store = Store(rows)
    store.finish(store.begin(Draft("ann", "big", {"big.yaml": noise}, "topo", "{}")))
    assert Store(following(member)).get(1).sources["big.yaml"] == noise


def test_a_folded_log_holds_the_same_and_goes_on(member):
    rows = leading(member)
    behind, level = EtcdRows(client(member)), following(member)
    live(Store(rows))
    behind.catch_up()
    Store(rows).audit("ann", "one more")
    level.catch_up()
    rows.fold()
    assert client(member).under(CHANGES) == ([], False)
    Store(rows).audit("ann", "after it")
    for each in (behind, level, following(member)):
        each.catch_up()
        assert held(each) == held(rows)
    rows.fold()
    assert held(following(member)) == held(rows)


def test_a_log_of_a_newer_clos_is_refused(member):
    client(member).commit([], [etcd.put(f"{CHANGES}{1:016}", b'{"schema": 99, "id": "x", "rows": [], "numbers": {}}')])
    with pytest.raises(StoreError, match="newer Clos"):
        following(member)


def test_a_log_with_a_gap_is_refused(member):
    rows = leading(member)
    live(Store(rows))
    client(member).commit([], [etcd.delete(f"{CHANGES}{3:016}")])
    with pytest.raises(StoreError, match="transaction 3 is missing"):
        following(member)


def test_an_audit_log_edited_in_etcd_is_found(member):
    rows = leading(member)
    for number in range(3):
        Store(rows).audit("ann", "step", {"n": number})
    found = client(member).get(f"{CHANGES}{2:016}")
    client(member).commit([], [etcd.put(found.key, found.value.replace(b"ann", b"eve"))])
    assert Store(following(member)).check_audit_log().broken.number == 2


def test_an_append_that_etcd_does_not_answer_ends_unknown_and_is_never_written_later(member):
    """A paused member takes the append when it goes on; by then another leads, or the very same append is found."""
    rows = EtcdRows(etcd.Etcd(etcd.endpoints(member.address), patience=0.3))
    lead(rows, member)
    asked = iter([True] * 3)
    rows.fence = Fence(rows.fence.created, lambda: next(asked, False))
    member.signal(0, signal.SIGSTOP)
    try:
        with pytest.raises(StoreError, match="not known whether"):
            Store(rows).begin(DRAFT)
    finally:
        member.signal(0, signal.SIGCONT)
    assert rows.fence is None
    lead(rows, member)
    maybe = Store(rows).pending()
    assert [r.number for r in Store(rows).history()] == ([maybe.number] if maybe else [])
    assert Store(following(member)).history() == Store(rows).history()


def test_an_append_that_a_pause_delays_is_written_once(member):
    rows = EtcdRows(etcd.Etcd(etcd.endpoints(member.address), patience=0.2))
    lead(rows, member)
    member.signal(0, signal.SIGSTOP)
    timer = threading.Timer(0.7, member.signal, (0, signal.SIGCONT))
    timer.start()
    Store(rows).audit("ann", "step")
    timer.join()
    assert len(Store(following(member)).audit_log()) == len(Store(rows).audit_log()) == 1


def test_a_full_etcd_says_so_and_writes_nothing():
    require_etcd()
    with Members(1, "--quota-backend-bytes=16777216") as members:
        rows, number = leading(members), 0
        store = Store(rows)
        with pytest.raises(StoreError, match="etcd is full"):
            for number in range(64):
                store.keep(f"k{number}", random.Random(number).randbytes(PART // 2).hex())
        assert number > 3
        assert store.value(f"k{number - 1}") is not None and store.value(f"k{number}") is None
        assert held(following(members)) == held(rows)


def test_nobody_there_is_told_and_other_members_are_asked(member):
    port = client(member).endpoints[0][1]
    asked = etcd.Etcd((("127.0.0.1", 1), ("127.0.0.1", port)))
    assert asked.get("nothing") is None
    with pytest.raises(EtcdUnknown, match="no etcd member answers"):
        etcd.Etcd((("127.0.0.1", 1),)).get("nothing")
    with pytest.raises(EtcdError, match="the lease is over"):
        asked.commit([], [etcd.put("k", b"", lease=12345)])


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("etcd://a:1", (("a", 1),)),
        ("etcd://a,b:2,[::1]:3/", (("a", 2379), ("b", 2), ("::1", 3))),
        ("etcd://", None), ("etcd://a:x", None), ("etcd://a:70000", None), ("etcd://a/b", None), ("http://a:1", None),
    ],
)  # fmt: skip
def test_addresses_are_read_or_refused(address, found):
    if found is None:
        with pytest.raises(ValueError, match="is no address"):
            etcd.endpoints(address)
    else:
        assert etcd.endpoints(address) == found
