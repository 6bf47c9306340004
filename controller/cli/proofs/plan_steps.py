"""The states that a plan leads through, each with the intent that it is held against.

Lives here: what ``clos verify --plan`` proves, composed of planner and prover. Must not know: files, reports.
It is the gate's work (controller.daemon.changes.proof_gate) on what a person has at hand, without switches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from clos.controller.compile import Compiled
from clos.controller.daemon.changes.proof_gate import common_ground
from clos.controller.intent.model import Intent
from clos.controller.plan import diff, states
from clos.controller.verify import Report, verify, verify_states
from clos.controller.verify.proof.transition import verify_during
from clos.fabric.dataplane.ruleset import EMPTY, Ruleset, SwitchState, state_of

Ask = Callable[[], Report]


class Step(NamedTuple):
    """A state to be proved. ``before``: the intent it comes from, while each packet may still be treated by it."""

    title: str
    ask: Ask
    before: Intent | None = None


class Steps(NamedTuple):
    """The states in order. ``left_out``: states that nothing can be said of, in words; empty: none."""

    steps: Iterator[Step]
    left_out: str = ""


def plan_steps(held: Compiled | None, wanted: Compiled) -> Steps:
    """Each state from what is ``held`` (None: nothing) to what is wanted, the last one held against the new intent."""
    installed = held.ruleset if held else EMPTY
    before = held.intent if held else Intent()
    ground = common_ground(held.topology if held else wanted.topology, wanted.topology)
    plan = diff(installed, wanted.ruleset)
    if not plan:
        title = "The plan is empty: the rules that are installed"
        return Steps(iter((Step(title, lambda: verify(wanted.intent, wanted.topology, wanted.ruleset)),)))

    def steps() -> Iterator[Step]:
        last = len(plan.batches)
        for number, (batch, ruleset) in enumerate(states(installed, plan), 1):
            title = f"After batch {number} of {last}, {batch.name}"
            state = states_of(ruleset)
            if number == last:
                yield Step(title, lambda state=state: verify_states(wanted.intent, wanted.topology, state))  # type: ignore[misc]
            elif ground is not None:
                ask = lambda state=state: verify_during(before, wanted.intent, ground, state)  # noqa: E731
                yield Step(title, ask, before)

    moved = ground is None and len(plan.batches) > 1
    return Steps(steps(), "the states before the last batch, because cables change with the plan" if moved else "")


def states_of(ruleset: Ruleset) -> dict[str, SwitchState]:
    """Everything on every switch."""
    return {name: state_of(blocks) for name, blocks in ruleset.by_switch().items()}
