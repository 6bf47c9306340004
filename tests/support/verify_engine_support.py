"""A compiled ruleset as the prover takes it: the state of every switch."""

from __future__ import annotations

from clos.fabric.dataplane.ruleset import Ruleset, SwitchState


def states_of(ruleset: Ruleset) -> dict[str, SwitchState]:
    return {name: ruleset.state(name) for name in ruleset.switches}
