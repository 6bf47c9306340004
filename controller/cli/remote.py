"""The running controller, as commands reach it: by its state directory, over HTTP, with errors as exit codes.

Lives here: finding it, and what its refusals mean to a shell. Must not know: what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clos.controller.api.access import find
from clos.controller.cli.answer import FAILED, INTERNAL, UNCHECKED, USAGE, Json, Stop, unchecked
from clos.controller.cli.render.text import count

if TYPE_CHECKING:
    from clos.controller.api.client import ApiError, Client

DEFAULT = Path(".clos")

StateDir = Annotated[
    Path, typer.Option("--state", metavar="DIR", envvar="CLOS_STATE", help="The controller's state directory.")
]

EXIT = {
    "invalid": FAILED,
    "limit": FAILED,
    "stale": FAILED,
    "brakes": FAILED,
    "offline": FAILED,
    "gate": FAILED,
    "four-eyes": FAILED,
    "role": FAILED,
    "account": FAILED,
    "switch": UNCHECKED,
    "unknown": USAGE,
    "busy": UNCHECKED,
    "follower": UNCHECKED,
    "stopping": UNCHECKED,
    "store": UNCHECKED,
    "token": UNCHECKED,
    "request": INTERNAL,
    "internal": INTERNAL,
}
"""Exit code by the code of the controller's refusal."""


@contextmanager
def controller(state: Path, found: Client | None = None) -> Iterator[Client]:
    """The controller that uses this state directory. Its refusals, and its absence, are raised as Stop.

    ``found``: asked instead, as somebody who has no token yet.
    """
    from clos.controller.api.client import ApiError, Client, NoDaemon  # noqa: PLC0415 - HTTP takes a tenth of a second

    try:
        with found or Client.from_state_dir(state) as client:
            yield client
    except NoDaemon as error:
        raise unchecked(str(error)) from None
    except ApiError as error:
        raise refusal(error) from None


def signing(client: Client, who: str) -> str:
    """The name for the history: who asks as the owner of the state directory gives one, others are known."""
    if who or client.named:
        return who
    import getpass  # noqa: PLC0415 - for changes only

    return getpass.getuser()


def running(state: Path) -> bool:
    """Whether a controller says it uses this state directory."""
    try:
        find(state)
    except (OSError, ValueError):
        return False
    return True


def refusal(error: ApiError) -> Stop:
    """What the controller refused, its problems by line or the packets that show why, and the flags that would help."""
    from clos.controller.intent.problem import Problem  # noqa: PLC0415 - loads what reads documents, for refusals only

    found = [Problem(*(row[key] for key in Problem._fields)) for row in error.problems]
    flags = [_FLAGS.get(name, f"--allow-{name.removeprefix('--allow-')}") for name in error.allow]
    hint = f" (override: {' '.join(flags)})" if flags else ""
    data: dict[str, Any] = {"code": error.code, "problems": error.problems, "allow": error.allow}
    if error.counterexamples:
        data["counterexamples"] = error.counterexamples
    message = count(len(found), "problem") if found else f"{error}{hint}"
    details: list[Any] = [*found] or [line for row in error.counterexamples for line in _counterexample(row)]
    return Stop(EXIT.get(error.code, UNCHECKED), message, details, data)


_FLAGS = {"unproven": "--unproven"}
"""Flags that are not called --allow-NAME."""


def _counterexample(row: Json) -> Iterator[str]:
    """A packet that breaks a claim: what happens, how to send it, its way, and the lines of the documents behind it."""
    yield f"{row['claim']}: {row['text']}"
    yield f"  packet: {row['packet']}"
    yield from (f"  {line}" for line in row["trace"])
    yield from (f"  caused by {line}" for line in row["lines"])
