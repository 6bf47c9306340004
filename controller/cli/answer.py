"""What a command says: an answer with its exit code, as text for people or JSON for programs.

Lives here: answers, the errors that end a command, and the one place that prints them. Commands
return an ``Answer`` and print nothing. Must not know: what any command does.
"""

from __future__ import annotations

import functools
import inspect
import json as json_text
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from clos.controller.cli.exit_codes import ExitCode
from clos.controller.cli.option_groups import spelt_out
from clos.controller.explain.errors import InvalidInputs, Unanswerable
from clos.controller.printable import escaped

if TYPE_CHECKING:
    from rich.text import Text

    from clos.controller.intent import Problem

OK, FAILED, USAGE, UNCHECKED = ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.UNCHECKED
CHANGES, INTERNAL, INTERRUPTED = ExitCode.CHANGES, ExitCode.INTERNAL, ExitCode.INTERRUPTED

FORMAT_VERSION = 1
"""Of every JSON answer; it goes up when a key changes its meaning or goes away."""

Json = dict[str, Any]
Lines = Iterable["Text | str"]


class Answer(NamedTuple):
    """``data`` for ``--json``: a mapping, or chunks of a JSON document; ``lines`` makes the text, only when wanted."""

    data: Json | Iterator[str]
    lines: Callable[[], Lines]
    code: int = OK


class Stop(Exception):
    """Ends a command with a message on stderr, after the lines of ``details``. ``data`` joins the JSON form of it."""

    def __init__(self, code: int, message: str, details: Sequence[object] = (), data: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details, self.data = code, message, details, data or {}

    def print(self) -> None:
        for line in self.details:
            typer.echo(str(line), err=True)
        complain(self.message)


def usage(message: str) -> Stop:
    """The person's flags or paths cannot be used."""
    return Stop(USAGE, message)


def unchecked(message: str) -> Stop:
    """The question could not be answered."""
    return Stop(UNCHECKED, message)


def failed(message: str, details: Sequence[object] = (), **data: Any) -> Stop:
    """The question was answered: no."""
    return Stop(FAILED, message, details, data)


def listing(code: int, error: InvalidInputs) -> Stop:
    """The end of a command that lists every problem."""
    data = {"problems": list(map(problem_json, error.problems))} if error.problems else {}
    return Stop(code, str(error), error.problems, data)


def problem_json(problem: Problem) -> Json:
    """``{"file", "line", "column", "path", "message"}``."""
    return problem._asdict()


def stop_for(error: Unanswerable) -> Stop:
    """The end of a command whose question cannot be answered."""
    if isinstance(error, InvalidInputs):
        return listing(FAILED, error)
    return usage(str(error))


def answering(command: Callable[..., Answer]) -> Callable[..., None]:
    """The command as typer calls it: ``--json`` among its options; it prints its answer and exits with its code."""

    parameters, called = spelt_out(command)

    @functools.wraps(command)
    def run(*, json: bool, **options: Any) -> None:
        try:
            answer = called(**options)
        except (Stop, Unanswerable) as error:
            stop = error if isinstance(error, Stop) else stop_for(error)
            if json:
                write_json({"error": stop.message, **stop.data})
            else:
                stop.print()
            raise typer.Exit(stop.code) from None
        if json:
            write_json(answer.data)
        else:
            show(answer.lines())
        raise typer.Exit(answer.code)

    flag = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_JSON)
    parameters.append(flag)
    run.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


_JSON = Annotated[bool, typer.Option("--json", help="Answer in JSON (format_version 1), for programs.")]


def write_json(data: Json | Iterator[str]) -> None:
    """One JSON document on stdout, with its ``format_version``; chunks are written as they come."""
    if isinstance(data, dict):
        typer.echo(json_text.dumps({"format_version": FORMAT_VERSION, **data}, indent=2))
        return
    for chunk in data:
        typer.echo(chunk, nl=False)


def show(lines: Lines) -> None:
    """Text on stdout: coloured on a terminal that wants it, never wrapped."""
    if not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        for line in lines:
            typer.echo(str(line))
        return
    from rich.console import Console  # noqa: PLC0415 - half of start-up time, and not needed for --json

    plain = bool(os.environ.get("NO_COLOR"))  # no bold either: whoever sets it wants plain text
    console = Console(
        color_system=None if plain else "auto", highlight=False, soft_wrap=True, markup=False, emoji=False
    )
    for line in lines:
        console.print(line)


def complain(message: str) -> None:
    """A message on stderr, in one line: what would move a cursor, in a file's name say, is shown escaped."""
    typer.echo(f"clos: {escaped(message)}", err=True)
