"""``hits``: which line of the intents lets how much pass, and which never did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import OK, UNCHECKED, Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns, count

Never = Annotated[bool, typer.Option("--never", help="Only lines that have not matched a packet.")]


@answering
def hits(state: StateDir = DEFAULT, never: Never = False) -> Answer:
    """Show how many packets each policy and share has matched, by its line in the documents.

    Counters are the switches' own, read all the time; they begin at 0 when a switch installs a rule. Exits with 3 while
    a switch has not been counted: what never matched is not known then.
    """
    with controller(state) as client:
        found = client.ask("GET", "/v1/hits")
    if never:
        found = {**found, "lines": [line for line in found["lines"] if not line["packets"]]}
    complete = found["counted"] == found["switches"]
    return Answer(found, lambda: _table(found, complete, never), OK if complete else UNCHECKED)


def _table(found: Json, complete: bool, never: bool) -> Iterator[Text | str]:
    tickets = any(line["ticket"] for line in found["lines"])
    head = ("packets", "bytes", "", "policy", "line", *(["ticket"] if tickets else []))
    rows = [
        (
            f"{line['packets']:,}" if line["packets"] else Text("never" if complete else "none yet", "yellow"),
            f"{line['bytes']:,}",
            "denied" if line["denies"] else "",
            line["path"],
            f"{line['file']}:{line['line']}",
            *([line["ticket"]] if tickets else []),
        )
        for line in found["lines"]
    ]
    if rows:
        yield from columns([head, *rows], right=(0, 1))
    elif never:
        yield "Every policy and share has matched a packet."
    if not never:
        yield f"{found['denied']['packets']:,} packets were dropped because no line names them."
    if not complete:
        yield Text(f"{found['counted']} of {count(found['switches'], 'switch', 'switches')} counted so far", "yellow")
