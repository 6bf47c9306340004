"""A store's rows in etcd: a log of changes there, and a copy of all rows in this process's memory.

Lives here: appending to the log, following it, folding it. Must not know: who leads and why, what the rows mean.

Key ``changes/N`` is the Nth transaction: the rows that it changed, as they were afterwards. Only the leader appends,
and each append is conditional in etcd on the leader's key with the revision at which it was created (the fence) and on
there being no transaction of that number: a deposed leader's append fails however late it arrives. When etcd does not
say what became of an append, it is asked again, with the same words, until it does or the lease is over; whoever leads
then reads the log to its end first. Now and then the leader folds the log: all rows into ``snapshot``, and older
changes go.

A copy is read from its beginning when the process starts. Nothing here needs etcd's own history: it may be compacted
at any time.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection
from threading import Lock
from typing import Any, NamedTuple

from clos.controller.store import etcd_client as etcd
from clos.controller.store.etcd_client import Etcd, EtcdError, EtcdUnknown
from clos.controller.store.replica import Change, Tables
from clos.controller.store.revision import NotLeading, StoreError
from clos.controller.store.schema import VERSION, blank, told, transaction

ROOT = "clos/"
LEADER = f"{ROOT}leader"
CHANGES, PARTS, SNAPSHOT = f"{ROOT}changes/", f"{ROOT}parts/", f"{ROOT}snapshot"
PART = 512 << 10
"""Bytes of a value; etcd takes a request of 1.5 MiB."""
FOLD = 2000
"""Transactions in the log after which the leader folds it."""
ASK_AGAIN = 0.1
"""Seconds between two questions about an append."""

Json = dict[str, Any]


class Fence(NamedTuple):
    """``created``: the revision at which the leader's key was created; ``valid``: whether its lease certainly lasts."""

    created: int
    valid: Callable[[], bool]


class EtcdRows:
    """Reads at any time what was last heard of; writes while it has a ``fence``.

    Two copies: a write that waits for etcd holds up no reader.
    """

    def __init__(self, client: Etcd) -> None:
        self._etcd, self._lock, self._viewing = client, Lock(), Lock()
        self.place = etcd.SCHEME + ",".join(f"{host}:{port}" for host, port in client.endpoints)
        self.number = self._folded = 0
        self.fence: Fence | None = None
        self.leader = ""
        """Who leads, for people; empty: nobody, as far as is known."""
        self._blank()

    def _blank(self) -> None:
        self._db, self._view = blank(), blank()
        self._tables, self._shown = Tables(self._db), Tables(self._view)
        self.number = 0

    def close(self) -> None:
        with self._lock, self._viewing:
            self.fence = None
            self._db.close()
            self._view.close()

    def _redo(self, changes: list[Change], numbers: dict[str, int], here: bool = True) -> None:
        """Do changes that are in the log; ``here``: not only where they are read."""
        if here:
            self._tables.redo(changes, numbers)
        with self._viewing:
            self._shown.redo(changes, numbers)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._viewing, transaction(self._view, self.place, "DEFERRED") as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._lock:
            if self.fence is None or not self.fence.valid():
                raise self._not_leading()
            with transaction(self._db, self.place, "IMMEDIATE") as db:
                yield db
                changes = self._tables.changes()
                numbers = self._tables.numbers()
                if changes:
                    self._append(self.fence, changes, numbers)
            if changes:
                self.number += 1
                self._redo(changes, numbers, here=False)

    def _not_leading(self) -> NotLeading:
        return NotLeading(f"this controller follows, so it writes nothing; {self.leader or 'none leads at the moment'}")

    # The log's end: the leader's.

    def _append(self, fence: Fence, changes: list[Change], numbers: dict[str, int]) -> None:
        """The next transaction of the log, or StoreError; then it is not there, or whoever leads next finds it."""
        entry: Json = {"schema": VERSION, "id": uuid.uuid4().hex, "rows": changes, "numbers": numbers}
        try:
            value = self._parted(fence, entry)
            self._settle(fence, entry["id"], value)
        except EtcdUnknown as error:
            self.fence = None
            raise StoreError(
                f"{self.place}: it is not known whether it was written: {error}; the next leader finds out"
            ) from error
        except EtcdError as error:
            raise StoreError(f"{self.place}: {error}") from error

    def _settle(self, fence: Fence, ident: str, value: bytes) -> None:
        """Have it written, or know that it is not and never will be. Raises EtcdUnknown once the lease is over."""
        key = _change(self.number + 1)
        compare = [etcd.created(LEADER, fence.created), etcd.created(key, 0)]
        while True:
            try:
                if self._etcd.commit(compare, [etcd.put(key, value)]).done:
                    return
                found = self._etcd.get(key)
                if found is not None and json.loads(found.value)["id"] == ident:
                    return  # an earlier try
                self.fence = None
                raise self._not_leading()
            except EtcdUnknown:
                if not fence.valid():
                    raise
                time.sleep(ASK_AGAIN)

    def _parted(self, fence: Fence, entry: Json) -> bytes:
        """An entry as a value; a long one's content goes before it in parts, and it says how many."""
        value = json.dumps(entry, separators=(",", ":")).encode()
        if len(value) <= PART:
            return value
        parts = self._put_parts(fence, entry["id"], value)
        return json.dumps({"schema": VERSION, "id": entry["id"], "parts": parts}).encode()

    def _put_parts(self, fence: Fence, ident: str, value: bytes) -> int:
        pieces = [value[at : at + PART] for at in range(0, len(value), PART)]
        for number, piece in enumerate(pieces):
            then = [etcd.put(f"{PARTS}{ident}/{number:06}", piece)]
            if not self._etcd.commit([etcd.created(LEADER, fence.created)], then).done:
                self.fence = None
                raise self._not_leading()
        return len(pieces)

    # The log's beginning: everybody's.

    def catch_up(self) -> bool:
        """Take over what others have written, as a majority of etcd has it; whether there was anything.

        Raises EtcdError, EtcdUnknown; StoreError for a log that this Clos does not understand.
        """
        found, more = self._etcd.under(CHANGES, _change(self.number))
        if (not self.number or (found and _number(found[0].key) != self.number + 1)) and self._unfold():
            found, more = self._etcd.under(CHANGES, _change(self.number))
        caught = bool(found)
        while found:
            for each in found:
                self._take(_number(each.key), self._whole(json.loads(each.value)))
            found, more = self._etcd.under(CHANGES, _change(self.number)) if more else ([], False)
        return caught

    def _take(self, number: int, entry: Json) -> None:
        if number != self.number + 1:
            raise StoreError(f"{self.place}: it is damaged: transaction {self.number + 1} is missing; restore a backup")
        with self._lock, told(self.place):
            self._redo(entry["rows"], entry["numbers"])
            self.number = number

    def _whole(self, entry: Json) -> Json:
        """The entry with its parts."""
        if entry["schema"] > VERSION:
            told = f"written by a newer Clos (schema {entry['schema']}, known up to {VERSION}); upgrade Clos"
            raise StoreError(f"{self.place}: {told}")
        if "parts" not in entry:
            return entry
        data = b""
        for number in range(entry["parts"]):
            part = self._etcd.get(f"{PARTS}{entry['id']}/{number:06}")
            if part is None:
                raise StoreError(
                    f"{self.place}: it is damaged: a part of entry {entry['id']} is missing; restore a backup"
                )
            data += part.value
        whole: Json = json.loads(data)
        return whole

    # Folding.

    def _unfold(self) -> bool:
        """Begin with all rows as they were folded last. False: nothing has been folded."""
        found = self._etcd.get(SNAPSHOT)
        if found is None:
            return False
        head: Json = json.loads(found.value)
        entry = self._whole(head)
        with self._lock:
            with self._viewing:
                before = self._db, self._view
                self._blank()
            self._redo(entry["rows"], entry["numbers"])
            self.number = self._folded = head["number"]
            for each in before:
                each.close()
        return True

    @property
    def is_long(self) -> bool:
        """Whether the log is to be folded."""
        return self.number - self._folded >= FOLD

    def fold(self) -> None:
        """All rows into one value, and what led to them out of the log. Raises EtcdError, StoreError."""
        with self._lock:
            fence, number = self.fence, self.number
            if fence is None or not fence.valid():
                return
            entry: Json = {"schema": VERSION, "id": uuid.uuid4().hex, "number": number}
            rows = {**entry, "rows": list(self._tables.everything()), "numbers": self._tables.numbers()}
        before = self._etcd.get(SNAPSHOT)
        parts = self._put_parts(fence, entry["id"], json.dumps(rows, separators=(",", ":")).encode())
        old = [etcd.delete_between(_change(0), _change(number + 1))]
        if before is not None:
            gone = f"{PARTS}{json.loads(before.value)['id']}"
            old.append(etcd.delete_between(f"{gone}/", f"{gone}0"))
        head = etcd.put(SNAPSHOT, json.dumps({**entry, "parts": parts}).encode())
        if self._etcd.commit([etcd.created(LEADER, fence.created)], [head, *old]).done:
            self._folded = number


def _change(number: int) -> str:
    return f"{CHANGES}{number:016}"


def _number(key: str) -> int:
    return int(key.removeprefix(CHANGES))
