"""What ``clos verify --failures`` proves: the fabric with something broken, one state for each kind of failure.

Lives here: what people hear of the work meanwhile. Must not know: reports, files.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from clos.controller.cli.answer import complain
from clos.controller.cli.processes import spread
from clos.controller.cli.render.text import count
from clos.controller.explain.inputs import Inputs
from clos.controller.verify.resilience.failures import FailureVerdict, Work, answer, kinds
from clos.fabric.dataplane.ruleset import SwitchState

AGAIN = 5.0
"""Seconds between one word on progress and the next."""


class Broken(NamedTuple):
    """The verdict on a kind of failure, ``seconds`` after the one before."""

    verdict: FailureVerdict
    seconds: float

    @property
    def title(self) -> str:
        """``Without link leaf1:1 - spine1:1 (and 3 alike)``."""
        torn = self.verdict.torn
        return f"Without {self.verdict.kind}" + (f", which cuts off {', '.join(torn)}" if torn else "")

    @property
    def failure(self) -> dict[str, list[str]]:
        """For programs: what is broken, other failures that it stands for, and hosts that are torn off by it."""
        first, *alike = map(str, self.verdict.kind.failures)
        return {"broken": [first], "alike": alike, "cut_off": list(self.verdict.torn)}


def broken(wanted: Inputs, states: Mapping[str, SwitchState], at_once: int) -> Iterator[Broken]:
    """A verdict for every kind of failure of so many parts at once, in order."""
    todo = kinds(wanted.topology, states, at_once)
    every = sum(len(kind.failures) for kind in todo)
    what = "failure" if at_once == 1 else "pair of failures"
    what = count(every, what, f"{what}s" if at_once == 1 else "pairs of failures")
    complain(f"{what}, {count(len(todo), 'kind')} up to symmetry")
    work = Work(wanted.intent, wanted.topology, states)
    began = last = told = time.monotonic()
    for number, verdict in enumerate(spread(lambda kind: answer(work, kind), todo), 1):
        last, before = time.monotonic(), last
        yield Broken(verdict, last - before)
        if last - told > AGAIN:
            told = last
            complain(f"{number} of {len(todo)} answered, {last - began:.0f} s so far")
