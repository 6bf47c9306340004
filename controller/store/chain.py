"""The audit log's chain: each entry's hash covers the entry and the hash before it, so an edit shows at its place.

Lives here: the hash, and the walk that finds the first entry that does not fit. Must not know: who did what.

A chain shows edits, removals and another order between entries. Who can write to the file can also make a whole new
chain, or cut off its end: that shows only against a copy kept elsewhere (``Anchor``), such as the exported log.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

ROW = "number, at, who, action, detail, revision, chain"
Row = tuple[int, str, str, str, str, int | None, str]
"""A row of the table ``audit`` as ROW names its columns; ``detail`` as it is stored, JSON."""

START = ""
"""What stands before the first entry."""


class Anchor(NamedTuple):
    """An entry's number and hash as somebody else has kept them."""

    number: int
    chain: str


class Broken(NamedTuple):
    """The first place that does not fit: ``number`` is of the entry, ``text`` says what is wrong with it."""

    number: int
    text: str


class Checked(NamedTuple):
    """``entries`` that fit, up to ``last`` with the hash ``head``; ``anchors`` that agreed; ``broken``: None = none."""

    entries: int
    last: int
    head: str
    anchors: int
    broken: Broken | None


def link(before: str, row: Row) -> str:
    """The hash (SHA-256, hexadecimal) of an entry after the entry with the hash ``before``."""
    return sha256(json.dumps([before, *row[:-1]], ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def head(db: sqlite3.Connection) -> str:
    """The hash of the last entry."""
    found = db.execute("SELECT chain FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    return str(found[0]) if found else START


def chain_from_the_start(db: sqlite3.Connection) -> None:
    """Chains the entries of a log that has no chain yet: from now on they cannot change unseen."""
    before = START
    for row in db.execute(f"SELECT {ROW} FROM audit ORDER BY number").fetchall():
        before = link(before, row)
        db.execute("UPDATE audit SET chain = ? WHERE number = ?", (before, row[0]))


def check(rows: Iterable[Row], anchors: Mapping[int, str] | None = None, highest: int = 0) -> Checked:
    """Walks the log from its first entry to the first that does not fit.

    ``anchors``: hashes kept elsewhere, by number. ``highest``: the greatest number that was ever given to an entry.
    """
    kept, before, number, count, agreed = dict(anchors or {}), START, 0, 0, 0
    for row in rows:
        fault = _fault(before, number, row, kept)
        if fault is not None:
            return Checked(count, number, before, agreed, fault)
        agreed += kept.pop(row[0], None) is not None
        number, before, count = row[0], row[-1], count + 1
    expected = max([highest, *kept])
    if expected > number:
        missing = f"entries {number + 1} to {expected} are missing" if expected > number + 1 else "it is missing"
        return Checked(count, number, before, agreed, Broken(number + 1, missing))
    return Checked(count, number, before, agreed, None)


def _fault(before: str, last: int, row: Row, kept: Mapping[int, str]) -> Broken | None:
    """What is wrong with an entry after entry ``last``, if anything."""
    number = row[0]
    if number != last + 1:
        lost = f"entry {last + 1} is" if number == last + 2 else f"entries {last + 1} to {number - 1} are"
        return Broken(last + 1, f"{lost} missing before entry {number}")
    if link(before, row) != row[-1]:
        return Broken(number, "it is not what was written, or not where it was written")
    if number in kept and kept[number] != row[-1]:
        return Broken(number, "the copy that was kept has another hash: it or an entry before it was rewritten")
    return None
