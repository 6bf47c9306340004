"""``user``: the people who may log in, and their roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, Json, answering
from clos.controller.cli.options import Roles
from clos.controller.cli.passwords import FromStdin, new_password
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Add, list and remove people, and give them roles.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, '.', '_', '-'.")]


@app.command("add")
@answering
def add(name: Name, role: Roles = None, state: StateDir = DEFAULT, stdin: FromStdin = False) -> Answer:
    """Add a person. Asks for a password of 12 characters or more."""
    with controller(state) as client:
        password = new_password(f"Password of {name}", stdin)
        made = client.ask("POST", "/v1/users", json={"name": name, "roles": role or [], "password": password})
    return Answer(made, lambda: [f"{name} may log in as {', '.join(made['roles'])}: clos login {name}"])


@app.command("list")
@answering
def list_(state: StateDir = DEFAULT) -> Answer:
    """List everybody who may log in."""
    with controller(state) as client:
        found = client.ask("GET", "/v1/users")
    return Answer(found, lambda: _table(found["users"]))


@app.command("remove")
@answering
def remove(name: Name, state: StateDir = DEFAULT) -> Answer:
    """Remove a person, who is logged out at once. The history keeps what they did."""
    with controller(state) as client:
        done = client.ask("DELETE", f"/v1/users/{name}")
    return Answer(done, lambda: [f"{name} may not log in any more."])


@app.command("password")
@answering
def password(name: Name, state: StateDir = DEFAULT, stdin: FromStdin = False) -> Answer:
    """Give a person another password; they have to log in again."""
    with controller(state) as client:
        word = new_password(f"New password of {name}", stdin)
        done = client.ask("POST", f"/v1/users/{name}/password", json={"password": word})
    return Answer(done, lambda: [f"{name} has another password."])


@app.command("roles")
@answering
def roles(name: Name, role: Roles = None, state: StateDir = DEFAULT) -> Answer:
    """Give a person other roles; they replace those they have, from the next request on."""
    with controller(state) as client:
        done = client.ask("POST", f"/v1/users/{name}/roles", json={"roles": role or []})
    return Answer(done, lambda: [f"{name} is {', '.join(role or ())} now."])


def _table(rows: list[Json]) -> Iterator[Text | str]:
    if not rows:
        yield "Nobody yet: whoever can read the state directory does everything (clos user add NAME --role admin)."
        return
    yield from columns(
        [
            ("name", "roles", "since", "added by"),
            *((r["name"], ", ".join(r["roles"]), r["made"], r["made_by"]) for r in rows),
        ]
    )
