"""``plan``: what an apply would change, and in which order. Nothing is sent."""

from __future__ import annotations

from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.options import All, Before, Detailed, Entries, FromTopology, Limit, Untouched
from clos.controller.cli.plans import plan_answer, planned_there
from clos.controller.cli.plans_here import planned_here
from clos.controller.cli.remote import DEFAULT, StateDir, running
from clos.controller.cli.sources import Intents, TopologyPath
from clos.controller.explain.inputs import Inputs, read_intents, read_topology

Offline = Annotated[bool, typer.Option("--offline", help="Start from an empty fabric, even if a controller runs.")]


@answering
def plan(
    intents: Intents,
    topology: TopologyPath = None,
    before: Before = None,
    from_topology: FromTopology = None,
    state: StateDir = DEFAULT,
    offline: Offline = False,
    detailed: Detailed = False,
    entries: Entries = False,
    every: All = False,
    thorough: Untouched = False,
    limit: Limit = 1000,
) -> Answer:
    """Show what an apply would change, in words of intent and switch by switch.

    Starts from what the fabric holds if a controller runs on the state directory, from the intents given with --from,
    or else from an empty fabric.
    """
    if not before and not offline and running(state):
        found = planned_there(state, intents, topology, limit, thorough)
    elif topology is None:
        raise usage("missing --topology FILE")
    elif from_topology and not before:
        raise usage("--from-topology needs --from INTENTS")
    else:
        earlier = read_topology(from_topology) if from_topology else None
        fabric = read_topology(topology, earlier)
        old = Inputs(earlier or fabric, read_intents(before, earlier or fabric)) if before else None
        start = ", ".join(map(str, before)) if before else "an empty fabric"
        found = planned_here(start, old, Inputs(fabric, read_intents(intents, fabric)), limit, thorough)
    return plan_answer(found, detailed, entries, every)
