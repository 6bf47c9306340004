"""``repair``: switches are read back, and drift is corrected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import (
    FAILED,
    OK,
    UNCHECKED,
    Answer,
    Json,
    Stop,
    answering,
)
from clos.controller.cli.change_options import Who
from clos.controller.cli.remote import DEFAULT, StateDir, controller, signing
from clos.controller.cli.render.text import count


@answering
def repair(
    switches: Annotated[list[str] | None, typer.Argument(metavar="[SWITCH...]", help="By default all.")] = None,
    state: StateDir = DEFAULT,
    who: Who = "",
    remove_foreign: Annotated[bool, typer.Option("--remove-foreign", help="Delete rules that are not Clos's.")] = False,
) -> Answer:
    """Read switches back and correct any drift.

    Rules that Clos did not install are left alone unless --remove-foreign is given. Exits with 3 when a switch is
    still out of sync.
    """
    with controller(state) as client:
        done = client.repair(switches or (), who=signing(client, who), remove_foreign=remove_foreign)
    if done["failed"]:
        names = ", ".join(done["failed"])
        details = [f"{name}: {why}" for name, why in done["failed"].items()]
        raise Stop(UNCHECKED, f"still out of sync: {names}", details, done)
    return Answer(done, lambda: _repaired(done), FAILED if done["foreign"] else UNCHECKED if done["absent"] else OK)


def _repaired(done: Json) -> Iterator[Text | str]:
    others = ", apart from foreign entries" if done["foreign"] else ""
    which = "Every connected switch" if done["absent"] else "Every switch"
    yield f"{which} was read back and is in sync{others}."
    for name, number in done["foreign"].items():
        entries = count(number, "entry", "entries")
        yield Text(f"{name}: {entries} that Clos did not install, left in place (remove: --remove-foreign)", "yellow")
    if done["absent"]:
        yield Text(f"Not connected, so not read back: {', '.join(done['absent'])}", "yellow")
