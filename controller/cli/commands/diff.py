"""``diff``: how two intents or revisions differ. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.options import All, Detailed, Limit, Untouched
from clos.controller.cli.plans import plan_answer
from clos.controller.cli.plans_here import planned_here
from clos.controller.cli.remote import DEFAULT, StateDir, running
from clos.controller.cli.sources import TopologyPath, in_force
from clos.controller.explain.inputs import Inputs, Source, load_inputs
from clos.fabric.topology import Topology


@answering
def diff_(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A file, a directory, or the number of a revision.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another.")],
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    detailed: Detailed = False,
    every: All = False,
    thorough: Untouched = False,
    limit: Limit = 1000,
) -> Answer:
    """Show how two intents or revisions differ, in words and entry by entry."""
    sides = _sides(old, new, topology, state)
    start = old if not old.isdecimal() else f"revision {old}"
    found = planned_here(start, sides[0], sides[1], limit, thorough)
    return plan_answer(found, detailed, entries=True, every=every)


def _sides(old: str, new: str, topology: Path | None, state: Path) -> tuple[Inputs, Inputs]:
    """Both sides of a comparison. A revision compared with files stands on its own topology, they on ``topology``."""
    one, other = _is_revision(old), _is_revision(new)
    if one and not other:
        held = _revision(old, None, state)
        return held, _files(new, topology, state, held.topology)
    if other and not one:
        held = _revision(new, None, state)
        return _files(old, topology, state, held.topology), held
    side = _revision if one else _files
    return side(old, topology, state), side(new, topology, state)


def _is_revision(word: str) -> bool:
    return word.isdecimal() and not Path(word).exists()


def _revision(word: str, topology: Path | None, state: Path) -> Inputs:
    held = in_force(state, int(word))
    return load_inputs(topology or held.topology, held.intents, held.numbering)


def _files(word: str, topology: Path | None, state: Path, before: Topology | None = None) -> Inputs:
    """Files need a topology, or a controller that has one. ``before``: whose switches keep their identities."""
    if topology is None and not running(state):
        raise usage("missing --topology FILE")
    fabric: Source = topology or in_force(state).topology
    return load_inputs(fabric, [Path(word)], before=before)
