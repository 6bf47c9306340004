"""``links``: the cabling as the switches hear it, held against the topology."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering, unchecked
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns, count

Every = Annotated[bool, typer.Option("--all", "-a", help="Show links that are as designed, too.")]

STYLE = {
    "as designed": "green",
    "miswired": "bold red",
    "missing": "red",
    "unknown": "bold red",
    "not seen yet": "yellow",
}


@answering
def links(state: StateDir = DEFAULT, every: Every = False) -> Answer:
    """Show how switches are cabled, and which links are not as designed.

    Switches tell the controller whom they hear on which port (LLDP). Exits with 1 when a link is miswired, missing,
    or in no topology; with 3 when the controller does not look.
    """
    with controller(state) as client:
        found = client.links()
    if not found["discovery"]:
        raise unchecked("the controller was started with --no-discovery: the cabling is unknown")
    return Answer(found, lambda: _lines(found, every), FAILED if found["miscabled"] else OK)


def _lines(found: Json, every: bool) -> Iterator[Text | str]:
    shown = [row for row in found["links"] if every or row["state"] != "as designed"]
    yield from columns((row["a"], row["b"], Text(row["state"], STYLE[row["state"]]), row["text"]) for row in shown)
    states = Counter(row["state"] for row in found["links"])
    told = ", ".join(f"{states[state]} {state}" for state in STYLE if states[state])
    yield f"{count(len(found['links']), 'link')}: {told or 'none'}."
