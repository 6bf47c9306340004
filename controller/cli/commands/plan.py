"""``plan``: what an apply would change, and in which order. Nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.documents import Intents, OneTenant, TopologyPath, documents
from clos.controller.cli.one_tenant import with_tenant
from clos.controller.cli.options import All, Before, Detailed, Entries, FromTopology, Limit, Untouched
from clos.controller.cli.plans import plan_answer, planned_there, wanted
from clos.controller.cli.plans_here import planned_here
from clos.controller.cli.remote import DEFAULT, StateDir, running
from clos.controller.explain.inputs import Inputs, Source, read_intents, read_topology
from clos.controller.intent.source import Text

Offline = Annotated[bool, typer.Option("--offline", help="Start from an empty fabric, even if a controller runs.")]


@answering
def plan(
    intents: Intents,
    topology: TopologyPath = None,
    tenant: OneTenant = None,
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
    or else from an empty fabric. With --tenant, only that tenant's documents are replaced.
    """
    if not before and not offline and running(state):
        found = planned_there(state, wanted(state, intents, tenant), topology, limit, thorough)
    elif topology is None:
        raise usage("missing --topology FILE")
    elif from_topology and not before:
        raise usage("--from-topology needs --from INTENTS")
    else:
        earlier = read_topology(from_topology) if from_topology else None
        fabric = read_topology(topology, earlier)
        old = Inputs(earlier or fabric, read_intents(before, earlier or fabric)) if before else None
        start = ", ".join(map(str, before)) if before else "an empty fabric"
        new: Sequence[Source] = _with_others(before, intents, tenant) if tenant else intents
        found = planned_here(start, old, Inputs(fabric, read_intents(new, fabric)), limit, thorough)
    return plan_answer(found, detailed, entries, every)


def _with_others(before: list[Path] | None, intents: list[Path], tenant: str) -> list[Text]:
    """The documents of --from with one tenant's replaced."""
    if not before:
        raise usage("--tenant needs a controller that runs, or --from INTENTS")
    return [Text(*row) for row in with_tenant(documents(before), documents(intents), tenant).items()]
