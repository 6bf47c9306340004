"""A state on the way from one intent to another: each packet may be treated as either of them says, and no other way.

A broadcast may reach what both want at least, and at most what either wants. Packets that an endpoint which moves sends
from one place may be treated as they should from the other: there is no order of messages to several switches by which
the last broadcast from the old place is over before anybody is told of the new one. Must not know: plans, batches.
"""

from __future__ import annotations

from collections.abc import Mapping

from clos.controller.intent.model import Intent
from clos.controller.verify.proof.claims import Report
from clos.controller.verify.proof.prover import Prover
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import Topology


def verify_during(before: Intent, now: Intent, topology: Topology, states: Mapping[str, SwitchState]) -> Report:
    """Every claim for a state between the two intents, which are both for this topology."""
    return Prover(now, topology, states, before=before).report()
