"""``plan`` and ``diff``: what would change, and in which order. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.text import Text

from clos.controller.cli.answer import CHANGES, OK, Answer, Json, answering, usage
from clos.controller.cli.remote import DEFAULT, StateDir, controller, running
from clos.controller.cli.render.impact import difference_lines
from clos.controller.cli.render.plan import brakes_json, plan_lines
from clos.controller.cli.sources import Intents, TopologyPath, documents, in_force
from clos.controller.explain.inputs import Inputs, Source, load_inputs, read_intents, read_topology
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.export import impact_json
from clos.controller.impact.impact import impact_of
from clos.controller.impact.side_effects import MOST_RULES, side_effects
from clos.controller.intent.model import Intent
from clos.controller.plan import (
    brakes,
    diff,
    identity_brake,
    identity_changes,
    tenant_brakes,
    to_json,
)
from clos.fabric.dataplane.ruleset import EMPTY
from clos.fabric.topology import Topology

if TYPE_CHECKING:
    from clos.controller.api.client import Client

Before = Annotated[
    list[Path] | None, typer.Option("--from", metavar="INTENTS", help="Start from these; needs no controller.")
]
FromTopology = Annotated[
    Path | None,
    typer.Option("--from-topology", metavar="FILE", help="The topology that --from is for; by default the same."),
]
Detailed = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit with 4 when there are changes.")]
Entries = Annotated[bool, typer.Option("--entries", "-e", help="Show every entry, not only numbers.")]
All = Annotated[bool, typer.Option("--all", "-a", help="Show all changes (default: the first ten).")]
Untouched = Annotated[
    bool, typer.Option("--untouched", help="Compare rules before and after for all packets, however many there are.")
]
Limit = Annotated[int, typer.Option(min=0, metavar="N", help="Write out so many entries; count the rest.")]
Offline = Annotated[bool, typer.Option("--offline", help="Start from an empty fabric, even if a controller runs.")]


class Planned(NamedTuple):
    """A plan in its JSON form, whence it starts, and which switches are spines."""

    start: str
    data: Json
    spines: tuple[str, ...]

    def lines(self, entries: bool = False, every: bool = False) -> Iterator[Text | str]:
        """``entries``: every entry too; ``every``: all sentences, not only the first."""
        if self.data.get("identities"):
            yield Text(f"Identities change: {'; '.join(self.data['identities'])}", "bold red")
        yield f"From {self.start}:"
        yield from difference_lines(self.data["difference"], every)
        yield ""
        yield from plan_lines(self.data, self.spines, entries)

    def __bool__(self) -> bool:
        return bool(self.data["switches"])


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
        raise usage("--from-topology goes with --from: which intents does it hold?")
    else:
        earlier = read_topology(from_topology) if from_topology else None
        fabric = read_topology(topology, earlier)
        old = Inputs(earlier or fabric, read_intents(before, earlier or fabric)) if before else None
        start = ", ".join(map(str, before)) if before else "an empty fabric"
        found = planned_here(start, old, Inputs(fabric, read_intents(intents, fabric)), limit, thorough)
    return _answer(found, detailed, entries, every)


def planned_here(start: str, old: Inputs | None, new: Inputs, limit: int, thorough: bool = False) -> Planned:
    """The plan from the rules of one intent, or from an empty fabric, to those of another."""
    before = old.compiled() if old else None
    installed = before.ruleset if before else EMPTY
    desired = new.compiled(before).ruleset
    found = diff(installed, desired)
    held = brakes(found, installed, desired, topology=new.topology)
    changed = identity_changes(old.topology, new.topology) if old else ()
    if old:
        known = identity_brake(old.topology, new.topology)
        held = (*([known] if known else []), *tenant_brakes(old.intent.tenants, new.intent.tenants), *held)
    before_side = old.snapshot if old else Snapshot(Intent(), new.topology)
    means = impact_of(before_side, new.snapshot)
    most = None if thorough else MOST_RULES
    rules = side_effects(before_side, new.snapshot, installed, desired, means.flows, most)
    data = {
        **to_json(found, limit),
        "brakes": brakes_json(held),
        "identities": [one.text for one in changed],
        "difference": impact_json(means, rules, limit),
    }
    return Planned(start, data, tuple(spine.name for spine in new.topology.spines))


def planned_there(
    state: Path, intents: list[Path], topology: Path | None, limit: int = 0, thorough: bool = False
) -> Planned:
    """The plan of the controller, from what the fabric holds."""
    texts, fabric = documents(intents), named(topology)
    with controller(state) as client:
        data = client.plan(texts, fabric, limit, untouched=thorough)
        spines = _spines(client)
    start = f"revision {data['base']}" if data["base"] else "a fabric that has no revision yet"
    return Planned(start, data, spines)


def planned_back(client: Client, revision: int, limit: int = 0) -> Planned:
    """The controller's plan back to an earlier revision."""
    data = client.plan_rollback(revision, limit)
    return Planned(f"revision {data['base']}", data, _spines(client))


def _spines(client: Client) -> tuple[str, ...]:
    return tuple(switch["name"] for switch in client.switches() if switch["role"] == "spine")


def named(topology: Path | None) -> tuple[str, str] | None:
    """A topology file as the controller takes it."""
    return next(iter(documents([topology]).items())) if topology else None


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
    return _answer(found, detailed, entries=True, every=every)


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


def _answer(found: Planned, detailed: bool, entries: bool, every: bool) -> Answer:
    return Answer(found.data, lambda: found.lines(entries, every), CHANGES if detailed and found else OK)
