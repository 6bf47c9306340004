"""What ``clos verify --failures`` proves: the fabric with something broken, one state for each kind of failure.

Lives here: what people hear of the work meanwhile. Must not know: reports, files.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from clos.controller.cli.answer import complain
from clos.controller.cli.processes import spread
from clos.controller.cli.render.text import count
from clos.controller.explain.inputs import Inputs
from clos.controller.verify.proof.invariants import InvariantReport, check_invariants
from clos.controller.verify.resilience.failures import FailureVerdict, Kind, Work, answer, cut_off, kinds
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import Topology

AGAIN = 5.0
"""Seconds between one word on progress and the next."""


class Broken(NamedTuple):
    """The verdict on a kind of failure, ``seconds`` after the one before."""

    verdict: FailureVerdict
    seconds: float

    @property
    def title(self) -> str:
        """``Without link leaf1:1 - spine1:1 (and 3 alike)``."""
        return _title(self.verdict.kind, self.verdict.torn)

    @property
    def failure(self) -> dict[str, list[str]]:
        """For programs: what is broken, other failures that it stands for, and hosts that are torn off by it."""
        return _failure(self.verdict.kind, self.verdict.torn)


class BrokenSurvey(NamedTuple):
    """What can be said of rules without intents under a kind of failure."""

    kind: Kind
    torn: tuple[str, ...]
    found: InvariantReport
    seconds: float

    @property
    def title(self) -> str:
        return _title(self.kind, self.torn)

    @property
    def failure(self) -> dict[str, list[str]]:
        return _failure(self.kind, self.torn)


def surveyed(topology: Topology, states: Mapping[str, SwitchState], at_once: int) -> Iterator[BrokenSurvey]:
    """The invariants under every kind of failure of so many parts at once, in order."""
    todo = _told_of(kinds(topology, states, at_once), at_once)

    def ask(kind: Kind) -> BrokenSurvey:
        began = time.monotonic()
        found = check_invariants(topology, states, kind.first.down)
        return BrokenSurvey(kind, cut_off(topology, kind.first.down), found, time.monotonic() - began)

    yield from _telling(spread(ask, todo), len(todo))


def broken(wanted: Inputs, states: Mapping[str, SwitchState], at_once: int) -> Iterator[Broken]:
    """A verdict for every kind of failure of so many parts at once, in order."""
    todo = _told_of(kinds(wanted.topology, states, at_once), at_once)
    work = Work(wanted.intent, wanted.topology, states)
    last = time.monotonic()
    for verdict in _telling(spread(lambda kind: answer(work, kind), todo), len(todo)):
        last, before = time.monotonic(), last
        yield Broken(verdict, last - before)


def _told_of(todo: list[Kind], at_once: int) -> list[Kind]:
    """The kinds, told how many."""
    every = sum(len(kind.failures) for kind in todo)
    what = "failure" if at_once == 1 else "pair of failures"
    what = count(every, what, f"{what}s" if at_once == 1 else "pairs of failures")
    complain(f"{what}, {count(len(todo), 'kind')} up to symmetry")
    return todo


T = TypeVar("T")


def _telling(answers: Iterable[T], every: int) -> Iterator[T]:
    """The answers, with a word on progress now and then."""
    began = told = time.monotonic()
    for number, found in enumerate(answers, 1):
        yield found
        now = time.monotonic()
        if now - told > AGAIN:
            told = now
            complain(f"{number} of {every} answered, {now - began:.0f} s so far")


def _title(kind: Kind, torn: tuple[str, ...]) -> str:
    return f"Without {kind}" + (f", which cuts off {', '.join(torn)}" if torn else "")


def _failure(kind: Kind, torn: tuple[str, ...]) -> dict[str, list[str]]:
    first, *alike = map(str, kind.failures)
    return {"broken": [first], "alike": alike, "cut_off": list(torn)}
