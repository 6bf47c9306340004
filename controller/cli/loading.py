"""Commands of a group, each loaded only when it is called.

Lives here: a group that knows its commands' names and summaries, and imports a command's module to run it.
Must not know: which commands there are, and what they do.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from clos.controller.cli.coercion import lighten


class Place(NamedTuple):
    """One command: ``place`` is ``module:name``, the module one of ``clos.controller.cli.commands``."""

    name: str
    place: str
    summary: str

    def load(self) -> Any:
        """The command itself. Its module is imported."""
        module, _, attribute = self.place.partition(":")
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(self.name)(getattr(import_module(f"clos.controller.cli.commands.{module}"), attribute))
        return lighten(typer.main.get_command(app))


def commands_of(*places: Place) -> type[TyperGroup]:
    """A group with these commands, in this order."""

    class Commands(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            stubs = {place.name: TyperCommand(place.name, rich_markup_mode=None) for place in places}
            super().__init__(**{**settings, "commands": stubs})

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return next((place.load() for place in places if place.name == cmd_name), None)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(place.name, place.summary) for place in places])

    return Commands
