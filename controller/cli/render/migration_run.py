"""A migration's run as text: what is about to be done, where it stands, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from clos.controller.cli.answer import Json
from clos.controller.cli.render.borders import border_lines
from clos.controller.cli.render.text import columns
from clos.controller.migrate.plan.model import Plan
from clos.controller.migrate.run.progress import Progress
from clos.controller.migrate.run.report import GOING_BACK, IN_FORCE, UNDER_WAY, phase_state

if TYPE_CHECKING:
    from clos.controller.migrate.run.executor import Outcome

STYLES = {IN_FORCE: "green", UNDER_WAY: "yellow", GOING_BACK: "yellow"}


def plan_lines(plan: Plan, now: Progress, to: int | None) -> Iterator[Text | str]:
    """What a run would do."""
    yield f"{plan.name}:"
    rows: list[tuple[Text | str, ...]] = [("phase", "name", "state", "steps", "devices")]
    for phase in plan.phases:
        if to is None or phase.number <= to:
            devices = {each.device for step in phase.steps for each in step.commands}
            state = phase_state(phase, now)
            rows.append((str(phase.number), phase.name, state, str(len(phase.steps)), ", ".join(sorted(devices))))
    yield from columns(rows)


def status_lines(found: Json) -> Iterator[Text | str]:
    """Where a migration stands."""
    yield f"{found['plan']}: {'somebody carries it out' if found['running'] else 'nobody carries it out now'}"
    rows: list[tuple[Text | str, ...]] = [("phase", "name", "state")]
    rows += [
        (str(row["number"]), row["name"], Text(row["state"], STYLES.get(row["state"], ""))) for row in found["phases"]
    ]
    yield from columns(rows)
    if found["ended"]:
        yield f"The last run ended: {found['ended']}{': ' + found['reason'] if found['reason'] else ''}"
    if found["in_doubt"] and not found["running"]:
        yield Text(
            f"Cut short at {', '.join(found['in_doubt'])}: clos migrate run goes on, clos migrate rollback back",
            "yellow",
        )
    elif found["cut_off"]:
        yield Text("The last run was cut off: clos migrate run goes on, clos migrate rollback back", "yellow")
    yield from border_lines(found["borders"])


def outcome_lines(plan: Plan, now: Progress, outcome: Outcome, report: Path) -> Iterator[Text | str]:
    """How a run ended."""
    yield from columns([(str(phase.number), phase.name, phase_state(phase, now)) for phase in plan.phases])
    if outcome.reason:
        yield Text(f"{outcome.how}: {outcome.reason}", "green" if outcome.how == "complete" else "yellow")
    if not outcome.known:
        yield Text("What is in force is not known in every place: see clos migrate status", "red")
    yield f"Report: {report}"
