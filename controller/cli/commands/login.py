"""``login``, ``logout``: who asks the controller from now on."""

from __future__ import annotations

from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, unchecked
from clos.controller.cli.passwords import FromStdin, known_password
from clos.controller.cli.remote import DEFAULT, StateDir, controller

Name = Annotated[str, typer.Argument(metavar="NAME", help="As added by clos user add.")]


@answering
def login(name: Name, state: StateDir = DEFAULT, stdin: FromStdin = False) -> Answer:
    """Log in, for twelve hours.

    From then on every command asks that controller as you, and the history has your name. CLOS_URL says where a
    controller is whose state directory you cannot read. The login is kept in ~/.config/clos/logins.json.
    """
    from clos.controller.api.client import Client, NoDaemon  # noqa: PLC0415 - like all that asks

    try:
        url = Client.address(state)
    except NoDaemon as error:
        raise unchecked(str(error)) from None
    with controller(state, Client(url, "", authority=Client.authority(state))) as client:
        found = client.ask("POST", "/v1/login", json={"name": name, "password": known_password(name, stdin)})
    said = {key: found[key] for key in ("token", "name", "expires")}
    _keep(url, said)
    shown = {key: found[key] for key in ("name", "roles", "expires")}
    return Answer(shown, lambda: [f"Logged in as {name} ({', '.join(found['roles'])}) until {found['expires']}."])


def _keep(url: str, said: dict[str, str] | None) -> None:
    from clos.controller.api import login as kept  # noqa: PLC0415

    try:
        kept.keep(url, said)
    except (OSError, RuntimeError) as fault:  # RuntimeError: nobody's home
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise unchecked(f"the login cannot be kept in ~/.config/clos/logins.json: {why}") from None


@answering
def logout(state: StateDir = DEFAULT) -> Answer:
    """Log out: commands ask as the owner of the state directory again.

    Where you cannot read it, they are refused.
    """
    with controller(state) as client:
        who = client.ask("GET", "/v1/me")["name"]
        if client.named:
            client.ask("POST", "/v1/logout")
        _keep(client.url, None)
        named = client.named
    return Answer({"name": who}, lambda: [f"{who} is logged out." if named else "Nobody was logged in."])


@answering
def whoami(state: StateDir = DEFAULT) -> Answer:
    """Show who you are to the controller, and what you may do."""
    with controller(state) as client:
        found = client.ask("GET", "/v1/me")
    may = f"may {', '.join(found['permissions'])}"
    return Answer(found, lambda: [f"{found['name']} ({', '.join(found['roles'])}): {may}"])
