"""``token``: services that ask the controller, each with a token that expires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, Json, answering
from clos.controller.cli.options import Roles
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Add, list and remove tokens of services, such as CI.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the service; the history keeps it.")]
Days = Annotated[int, typer.Option(min=1, max=366, metavar="DAYS", help="How long the token counts.")]


@app.command("add")
@answering
def add(name: Name, role: Roles = None, days: Days = 90, state: StateDir = DEFAULT) -> Answer:
    """Make a token for a service. It is shown this once."""
    with controller(state) as client:
        made = client.ask("POST", "/v1/tokens", json={"name": name, "roles": role or [], "days": days})
    return Answer(made, lambda: [made["token"]])


@app.command("list")
@answering
def list_(state: StateDir = DEFAULT) -> Answer:
    """List services and when their tokens expire."""
    with controller(state) as client:
        found = client.ask("GET", "/v1/tokens")
    return Answer(found, lambda: _table(found["tokens"]))


@app.command("remove")
@answering
def remove(name: Name, state: StateDir = DEFAULT) -> Answer:
    """Remove a service: its token counts no more."""
    with controller(state) as client:
        done = client.ask("DELETE", f"/v1/tokens/{name}")
    return Answer(done, lambda: [f"The token of {name} counts no more."])


def _table(rows: list[Json]) -> Iterator[Text | str]:
    if not rows:
        yield "No service has a token."
        return
    head = ("name", "roles", "expires", "added by")
    yield from columns([head, *((r["name"], ", ".join(r["roles"]), r["expires"], r["made_by"]) for r in rows)])
