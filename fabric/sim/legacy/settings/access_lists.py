"""Entries of access lists: their numbers, their order, and the order anew.

Lives here: numbering as IOS does it.
Must not know: what an entry permits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clos.fabric.sim.legacy.grammar import INVALID
from clos.fabric.sim.legacy.settings.request import Request, Result
from clos.fabric.sim.legacy.tree import Line, Tree, edited, placed, without


def set_entry(request: Request) -> Result:
    """An entry under the number given, or ten behind the last; its number is its order and is not shown. A remark has
    none: it stands behind the entry that was the last one."""
    words = request.match.words
    numbered = words[0].isdecimal()
    text = " ".join(words[numbered:])
    lines = request.block
    if request.negated:
        return request.kept(lambda old: without(old, lambda line: line.text == text)), ""
    last = int(lines[-1].order[0]) if lines else 0
    if text.startswith("remark "):
        return request.kept(lambda old: placed(old, Line(text, text, (last, 1)))), ""
    number = int(words[0]) if numbered else 10 + last
    taken = next((line for line in lines if line.key == str(number)), None)
    if taken is not None and taken.text != text:
        return request.tree, "% Duplicate sequence number\n"
    if any(line.text == text for line in lines):
        return request.tree, ""
    return request.kept(lambda old: placed(old, Line(text, f"{number}", (number, 0)))), ""


def remove_entry(request: Request) -> Result:
    """``no 10``; the number alone is no command."""
    if not request.negated:
        return request.tree, INVALID
    return request.kept(lambda old: without(old, lambda line: line.key == request.match.words[0])), ""


def resequence(request: Request) -> Result:
    name, first, step = request.match.arguments
    for kind in ("standard", "extended"):
        key = f"ip access-list {kind} {name}"
        if any(line.key == key for line in request.tree):
            return edited(request.tree, (key,), lambda lines: _renumbered(lines, int(first), int(step))), ""
    return request.tree, "% Access-list not found\n"


def _renumbered(lines: Iterable[Line], first: int, step: int) -> Tree:
    made: list[Line] = []
    number = first - step
    for line in lines:
        remark = line.order[1] == 1
        number += 0 if remark else step
        kept = replace(line, order=(max(number, 0), 1)) if remark else replace(line, key=str(number), order=(number, 0))
        made.append(kept)
    return tuple(made)
