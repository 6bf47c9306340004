"""What one question to the prover may cost: work, depth and copies, by counts of our own, the same on every machine.

A question is whatever is asked while nothing else is being answered. Its work is counted in boxes of packets that are
made or looked at; its depth in tables, groups and splitting actions that lie within each other. Beyond the bounds the
answer is "could not check": never a verdict, and never Python's own limit of recursion, which is a matter of who runs
us. Must not know: rules, packets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from clos.controller.verify.headerspace.value_atoms import Unmodelled

MAX_WORK = 2_000_000
"""Boxes that one question may make or look at: a few seconds, and less than a gigabyte."""

MAX_LEVELS = 1_000
"""Tables, groups and splitting actions within each other."""

PER_PLACE = 50
"""What it counts to work a place out: about as much as making so many boxes."""

MAX_COPIES = 4_096
"""Copies of one packet that may arrive: twice as many at each switch soon are more than any memory has."""

_FRAMES = 30 * MAX_LEVELS
"""Python's frames that so many levels need at most; measured: 25 for each."""


class TooMuch(Unmodelled):
    """A question that costs more than it may."""


class Effort:
    """What the question under way has cost."""

    __slots__ = ("level", "work")

    def __init__(self) -> None:
        self.level = self.work = 0

    def down(self) -> None:
        """One level deeper; a question begins at the first. Every call needs its ``up``, but for one that raises."""
        if self.level == 0:
            self.work = 0
        elif self.level >= MAX_LEVELS:
            raise TooMuch(f"rules that lead packets through more than {MAX_LEVELS:,} tables and groups in a row")
        self.level += 1

    def up(self) -> None:
        self.level -= 1

    def spend(self, boxes: int) -> None:
        """Raises TooMuch."""
        if self.level:
            self.work += boxes
            boxes = self.work
        if boxes > MAX_WORK:
            raise TooMuch(f"rules that part the packets of one port in more ways than {MAX_WORK:,} steps can follow")


class _Stack:
    """How many ask at the moment, and Python's limit of recursion before and since the first of them did."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.inside = self.before = self.ours = 0


_stack = _Stack()


@contextmanager
def room() -> Iterator[None]:
    """Room on Python's stack for as many levels as a question may have, whatever limit of recursion is set.

    The limit is all threads' in common: it is raised for the first who asks and put back after the last.
    """
    with _stack.lock:
        if not _stack.inside:
            _stack.before = sys.getrecursionlimit()
            _stack.ours = _stack.before + _FRAMES
            sys.setrecursionlimit(_stack.ours)
        _stack.inside += 1
    try:
        yield
    finally:
        with _stack.lock:
            _stack.inside -= 1
            if not _stack.inside and sys.getrecursionlimit() == _stack.ours:
                sys.setrecursionlimit(_stack.before)
