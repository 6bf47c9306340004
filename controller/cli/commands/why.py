"""``why``: from "A cannot reach B" to a cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, UNCHECKED, Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import count, paragraph

Source = Annotated[str, typer.Argument(metavar="FROM", help="An endpoint, such as shop/web1.")]
Target = Annotated[str, typer.Argument(metavar="TO", help="Another.")]
Service = Annotated[str, typer.Argument(metavar="SERVICE", help="Such as tcp/443 or icmp.")]

MARKS = {True: ("ok", "green"), False: ("CAUSE", "bold red"), None: ("not known", "yellow")}


@answering
def why(source: Source, target: Target, service: Service = "icmp", state: StateDir = DEFAULT) -> Answer:
    """Find out why one endpoint does not reach another.

    Looks at the intents in force, the switches on the way and what they hold now, ports, cables, gray failures, and
    whether the hosts send anything. Exits with 1 when a cause was found, with 3 when none was but something is not
    known, with 0 when all that was looked at is sound.
    """
    with controller(state) as client:
        found = client.why(source, target, service)
    states = [one["ok"] for one in found["findings"]]
    code = FAILED if False in states else UNCHECKED if None in states else OK
    return Answer(found, lambda: _lines(found), code)


def _lines(found: Json) -> Iterator[Text | str]:
    yield f"{found['source']} to {found['target']}: {found['service']}"
    for one in found["findings"]:
        mark, style = MARKS[one["ok"]]
        yield from paragraph(Text(f"{mark}: {one['about']}: {one['text']}", style), 2)
    causes = sum(one["ok"] is False for one in found["findings"])
    unknown = sum(one["ok"] is None for one in found["findings"])
    if causes:
        yield f"{count(causes, 'cause')} found."
    else:
        yield f"No cause found; {count(unknown, 'thing')} not known." if unknown else "All that was looked at is sound."
