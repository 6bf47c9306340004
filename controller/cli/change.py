"""``plan`` and ``diff``: what would change, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.text import Text

from controller.cli.answer import CHANGES, OK, Answer, answering
from controller.cli.plan_text import brakes_json, entry_lines, plan_lines
from controller.cli.sources import IntentPaths, TopologyPath, read, read_intents, read_topology
from controller.compile import compile_fabric
from controller.intent.model import Intent
from controller.plan import Brake, Plan, brakes, diff, to_json
from fabric.ruleset import EMPTY
from fabric.topology import Topology

Before = Annotated[list[Path], typer.Option("--from", metavar="INTENTS", help="The intents in force; repeatable.")]
Detailed = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there are changes.")]
Entries = Annotated[bool, typer.Option("--entries", "-e", help="Show every entry, not only numbers.")]
Limit = Annotated[int, typer.Option(min=0, metavar="N", help="Entries written out in JSON; the rest is counted.")]


class Planned(NamedTuple):
    """A plan, and the brakes that hold it."""

    topology: Topology
    plan: Plan
    held: tuple[Brake, ...] = ()

    def lines(self, entries: bool) -> Iterator[Text | str]:
        if entries and self.plan:
            yield from entry_lines(self.plan, self.topology)
            yield ""
        yield from plan_lines(self.plan, self.topology, self.held)


def planned(topology: Topology, old: Intent | None, new: Intent) -> Planned:
    """The plan from the rules of one intent, or from an empty fabric, to those of another."""
    before = compile_fabric(old, topology) if old else None
    installed = before.ruleset if before else EMPTY
    desired = compile_fabric(new, topology, previous=before).ruleset
    found = diff(installed, desired)
    return Planned(topology, found, brakes(found, installed, desired, topology=topology))


@answering
def plan(
    intents: IntentPaths,
    topology: TopologyPath,
    before: Before = [],  # noqa: B006 - typer reads the default, nobody changes it
    detailed: Detailed = False,
    entries: Entries = False,
    limit: Limit = 1000,
) -> Answer:
    """Show what an apply would change, switch by switch."""
    wanted = read(topology, intents)
    old = read_intents(before, wanted.topology) if before else None
    return _answer(planned(wanted.topology, old, wanted.intent), detailed, entries, limit)


@answering
def diff_(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="An intent file, or a directory of them.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another.")],
    topology: TopologyPath,
    detailed: Detailed = False,
    limit: Limit = 1000,
) -> Answer:
    """Show the entries in which two intents differ."""
    fabric = read_topology(topology)
    found = planned(fabric, read_intents([old], fabric), read_intents([new], fabric))
    return _answer(found, detailed, True, limit)


def _answer(found: Planned, detailed: bool, entries: bool, limit: int) -> Answer:
    data = {**to_json(found.plan, limit), "brakes": brakes_json(found.held)}
    return Answer(data, lambda: found.lines(entries), CHANGES if detailed and found.plan else OK)
