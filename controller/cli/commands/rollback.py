"""``rollback``: an earlier revision becomes the running one, as a new revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.change_options import Brakes, Who, Why, Yes
from clos.controller.cli.confirmation import confirm, confirm_unproven
from clos.controller.cli.plans import planned_back
from clos.controller.cli.remote import DEFAULT, StateDir, controller, signing
from clos.controller.cli.render.change import applied_lines, progress_shown

if TYPE_CHECKING:
    from clos.controller.api.client import Client


@answering
def rollback(
    revision: Annotated[int | None, typer.Argument(metavar="[REVISION]", help="By default the one before.")] = None,
    state: StateDir = DEFAULT,
    who: Who = "",
    why: Why = "",
    yes: Yes = False,
    *,
    brakes: Brakes,
) -> Answer:
    """Return the fabric to an earlier revision.

    Shows the plan and asks, unless --yes is given. Its very rules, as a new revision: history only grows. It is proved
    like any other change.
    """
    with controller(state) as client:
        held = client.status()["revision"]
        target = revision if revision is not None else _before(client, held)
        if not yes:
            found = client.revision(target)
            about = f"Back to revision {target}, {found['when']}, {found['who']}: {found['why'] or '-'}"
            confirm([about, *planned_back(client, target).lines()], "Roll back to it?")
    confirm_unproven(brakes.unproven, yes)
    with controller(state) as client, progress_shown() as progress:
        done = client.rollback(
            target,
            who=signing(client, who),
            why=why,
            allow=brakes.released(),
            expect_revision=held,
            progress=progress,
        )
    return Answer(done, lambda: applied_lines(done))


def _before(client: Client, held: int) -> int:
    """The last revision that held before the one in force."""
    rows = (row["number"] for row in client.revisions() if row["status"] == "applied" and row["number"] < held)
    found = next(rows, None)
    if found is None:
        raise usage("no earlier revision to roll back to")
    return int(found)
