"""Plans for people and programs: made here from files, or by the controller from the running revision.

Lives here: where both ends of a plan come from, and its JSON form. Must not know: flags, how a plan is worked out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from clos.controller.cli.answer import CHANGES, OK, Answer, Json
from clos.controller.cli.remote import controller
from clos.controller.cli.render.impact import difference_lines
from clos.controller.cli.render.plan import brakes_json, plan_lines
from clos.controller.cli.sources import documents
from clos.controller.explain.inputs import Inputs
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

if TYPE_CHECKING:
    from clos.controller.api.client import Client


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


def plan_answer(found: Planned, detailed: bool, entries: bool, every: bool) -> Answer:
    return Answer(found.data, lambda: found.lines(entries, every), CHANGES if detailed and found else OK)
