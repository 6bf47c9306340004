"""``matrix``: who may reach whom, from intents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.reach_matrix import matrix_html, matrix_json, matrix_lines
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.impact.reach_matrix import reach_matrix
from clos.controller.intent.problem import suggest

Tenants = Annotated[
    list[str] | None, typer.Option("--tenant", metavar="NAME", help="Only what concerns it; may be given again.")
]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page of its own instead.")]


@answering
def matrix(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    tenants: Tenants = None,
    page: Page = None,
) -> Answer:
    """Show who may reach whom with which service.

    Endpoints that no policy or share tells apart are one row, called by the groups that matter. It is what all policies
    come to in their order, denies and shares taken in; answers are not listed.
    """
    fabric, intent, _ = read(topology, intents, state)
    for name in tenants or ():
        if name not in intent.tenants:
            meant = suggest(name, intent.tenants)
            raise usage(f"no tenant {name}{f'; did you mean {meant}?' if meant else ''}")
    found = reach_matrix(intent, tenants or ())
    if page is None:
        return Answer(matrix_json(found), lambda: matrix_lines(found))
    try:
        page.write_text(matrix_html(found, f"Who may reach whom on {fabric.name}"))
    except OSError as error:
        raise usage(f"{page}: {error.strerror}") from None
    return Answer({**matrix_json(found), "file": str(page)}, lambda: [f"Wrote {page}."])
