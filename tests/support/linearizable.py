"""Whether what several clients saw of a fabric's revisions could have happened one after another.

A fabric is one register: an apply writes a document, and the store gives it the next number; a read tells the number in
force. As numbers order all writes, the history is linearizable exactly if (Herlihy and Wing, 1990, for a register
whose versions are known):

1. a number stands for one document, whoever tells of it;
2. nothing that began after something else had ended tells of an older number, and a write of a newer one;
3. nobody read a number before its write began.

A write whose end nobody knows may have happened or not, at any time after it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple


class Seen(NamedTuple):
    """What one client did. ``begin``, ``end``: seconds of one clock; ``number``: 0 = nothing in force, or not known.

    ``outcome``: ``read``, ``written``, ``refused`` (certainly not done) or ``unknown``. ``document``: what was written.
    """

    client: str
    begin: float
    end: float
    outcome: str
    number: int = 0
    document: str = ""


def violations(seen: Iterable[Seen], applied: Mapping[int, str]) -> list[str]:
    """What contradicts that the operations happened one after another. ``applied``: what the store holds in the end."""
    all_seen = sorted(seen, key=lambda each: each.begin)
    wrong = [*_lost(all_seen, applied), *_unborn(all_seen, applied)]
    ended = sorted((each for each in all_seen if each.outcome in ("read", "written")), key=lambda each: each.end)
    newest: Seen | None = None
    done = 0
    for each in all_seen:
        if each.outcome not in ("read", "written"):
            continue
        while done < len(ended) and ended[done].end < each.begin:
            if newest is None or ended[done].number > newest.number:
                newest = ended[done]
            done += 1
        if newest is None:
            continue
        if each.number < newest.number or (each.outcome == "written" and each.number == newest.number):
            wrong.append(f"{each} began after {newest} had ended, and tells of an older revision")
    return wrong


def _lost(seen: list[Seen], applied: Mapping[int, str]) -> list[str]:
    """Writes that were confirmed and are not there, or refused and are; numbers that nobody gave."""
    wrong = [
        f"{each} was confirmed, and the store has {applied.get(each.number, 'nothing')!r} there"
        for each in seen
        if each.outcome == "written" and applied.get(each.number) != each.document
    ]
    refused = {each.document for each in seen if each.outcome == "refused"}
    wrong += [
        f"revision {number} ({document}) was refused" for number, document in applied.items() if document in refused
    ]
    known = {each.document for each in seen if each.document}
    wrong += [f"revision {number} ({document}) was asked for by nobody" for number, document in applied.items()
              if document not in known]  # fmt: skip
    twice = sorted(applied.values())
    wrong += [f"{one} is there twice" for one, other in pairwise(twice) if one == other]
    return wrong


def _unborn(seen: list[Seen], applied: Mapping[int, str]) -> list[str]:
    """Reads of what was not asked for yet, or is not there."""
    begun = {each.document: each.begin for each in seen if each.document}
    wrong = []
    for each in seen:
        if each.outcome == "read" and each.number:
            document = applied.get(each.number)
            if document is None:
                wrong.append(f"{each} tells of a revision that was never applied")
            elif begun.get(document, 0.0) > each.end:
                wrong.append(f"{each} tells of a revision that nobody had asked for yet")
    return wrong
