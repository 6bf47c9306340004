"""Rules of access lists that can never match, and what is left to the others: how many, how fast, by two methods.

    python -m benchmarks.acl [--order given|reversed|shuffled] FILE...

A file has ClassBench's lines: ``@src/length dst/length low : high low : high protocol/mask flags/mask``, the first that
matches decides. Reading is not timed. The peer, in the same run: the union of all rules so far as one decision diagram
(OxiDD, in Rust), which tells which rules are hidden but not by which; the two must agree. What each rule keeps is then
held as diagrams, and as boxes for as long as that takes no longer than ``PATIENCE`` seconds.
"""

from __future__ import annotations

import argparse
import time
from functools import reduce
from pathlib import Path
from random import Random

from benchmarks.algorithms.partition import Partition
from benchmarks.timed import timed
from clos.controller.analysis.bdd import NODES, Diagrams, installed
from clos.controller.analysis.interval_boxes import Box, Masked, boxes_of, meets
from clos.controller.analysis.shadowed_rules import hidden

WIDTHS = {"src": 32, "dst": 32, "proto": 8, "flags": 16}
ROUNDS, PATIENCE = 3, 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--order", choices=("given", "reversed", "shuffled"), default="given")
    given = parser.parse_args()
    for path in given.files:
        boxes = _ordered(boxes_in(path.read_text()), given.order)
        _measure(f"{path.name}, {given.order} order", boxes)


def boxes_in(text: str) -> list[Box]:
    """The rules of a list. Raises ValueError or IndexError: a line of another form."""
    lines = [line.lstrip("@").replace(":", " ").split() for line in text.splitlines() if line.strip()]
    masked = boxes_of([_masked(words) for words in lines], WIDTHS)
    return [
        (*box, *((int(words[at]), int(words[at + 1])) for at in (2, 4)))
        for box, words in zip(masked, lines, strict=True)
    ]


def _masked(words: list[str]) -> Masked:
    numbers = {name: tuple(int(part, 16) for part in words[at].split("/")) for name, at in (("proto", 6), ("flags", 7))}
    terms = {name: (value & mask, mask) for name, (value, mask) in numbers.items()}
    return {"src": _prefix(words[0]), "dst": _prefix(words[1]), **terms}


def _prefix(text: str) -> tuple[int, int]:
    address, length = text.split("/")
    value = reduce(lambda high, low: high << 8 | int(low), address.split("."), 0)
    mask = (1 << 32) - (1 << 32 - int(length))
    return value & mask, mask


def _ordered(boxes: list[Box], order: str) -> list[Box]:
    if order == "reversed":
        return boxes[::-1]
    return Random(1).sample(boxes, len(boxes)) if order == "shuffled" else boxes


def _measure(name: str, boxes: list[Box]) -> None:
    found, ours = timed(lambda: hidden(boxes, range(len(boxes))), ROUNDS)
    several = sum(len(by) > 1 for by in found.values())
    print(f"{name}: {len(boxes):,} rules, {len(found):,} never match, {several:,} of them by several together")
    print(f"  each one, and what hides it   {ours}")
    if not installed():
        print("  no peer: OxiDD is not installed (pip install 'clos-fabric[diagrams]')")
        return
    try:
        theirs, peer = timed(lambda: _by_union(boxes), 1)
        division, divided = timed(lambda: Partition(boxes, range(len(boxes))), 1)
    except MemoryError:
        print(f"  OxiDD                         gave up: more than {NODES:,} nodes")
        return
    if theirs != set(found):
        raise SystemExit(f"{name}: the two methods disagree on rules {sorted(theirs ^ set(found))}")
    print(f"  OxiDD, which are hidden       {peer}; {peer.over(ours)} ours")
    print(f"  what each keeps, as diagrams  {divided}; {division.nodes():,} nodes")
    (rules, pieces), cut = timed(lambda: _in_pieces(boxes), 1)
    print(f"  what {rules:,} keep, as boxes".ljust(32) + f"{cut}; {pieces:,} boxes")


def _by_union(boxes: list[Box]) -> set[int]:
    whole = tuple((0, (1 << max(last for _, last in each).bit_length()) - 1) for each in zip(*boxes, strict=True))
    diagrams = Diagrams(whole)
    union, found = diagrams.nothing, set()
    for number, box in enumerate(boxes):
        points = diagrams.of(box)
        if not (points & ~union).satisfiable():
            found.add(number)
        union = union | points
    return found


def _in_pieces(boxes: list[Box]) -> tuple[int, int]:
    """How many rules, from the first on, could be cut into disjoint boxes in time, and into how many boxes."""
    until, pieces = time.process_time() + PATIENCE, 0
    for number, box in enumerate(boxes):
        left = [box]
        for before in boxes[:number]:
            left = [piece for each in left for piece in _without(each, before)]
            if time.process_time() > until:
                return number, pieces
        pieces += len(left)
    return len(boxes), pieces


def _without(box: Box, other: Box) -> list[Box]:
    """What is left of a box once the other is taken from it, as disjoint boxes."""
    if not meets(box, other):
        return [box]
    pieces, core = [], list(box)
    for side, (start, end) in enumerate(other):
        first, last = core[side]
        outside = [(first, start - 1)] * (first < start) + [(end + 1, last)] * (end < last)
        pieces += [(*core[:side], each, *core[side + 1 :]) for each in outside]
        core[side] = (max(first, start), min(last, end))
    return pieces


if __name__ == "__main__":
    main()
