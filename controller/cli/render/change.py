"""A change in words: its progress on stderr while it runs, and its result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from clos.controller.cli.answer import (
    Json,
)
from clos.controller.cli.render.text import count, took

if TYPE_CHECKING:
    from clos.controller.api.client import Progress


def applied_lines(done: Json) -> Iterator[Text | str]:
    if not done["changed"]:
        yield f"Nothing to change: revision {done['revision']} is in force."
        return
    add, change, delete = (done["counts"][key] for key in ("add", "change", "delete"))
    numbers = f"{add:,} added, {change:,} changed, {delete:,} deleted"
    yield f"Revision {done['revision']} is in force: {numbers}, confirmed in {took(done['seconds'])}."
    if done["proof"] == "unproven":
        yield Text(f"UNPROVEN, sent because of --unproven: {done['proof_text']}", "bold red")
    else:
        yield f"Proved in {took(done['proof_seconds'])}: {done['proof_text']}."
    yield from (Text(f"Not proved: {text}", "yellow") for text in done["not_proved"])
    if done["drifted"]:
        names = ", ".join(done["drifted"])
        yield Text(f"Drift corrected on {names}", "yellow")
    if done["offline"]:
        absent = count(len(done["offline"]), "switch", "switches")
        yield f"{absent} offline, updated when connected: {', '.join(done['offline'])}"


@contextmanager
def progress_shown() -> Iterator[Progress | None]:
    """Shows the lines of a change on stderr while they come; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only

    with Console(stderr=True).status("waiting for the controller") as status:
        yield lambda line: status.update(progress_text(line))


def progress_text(line: Json) -> str:
    if line["event"] == "proving":
        return f"proving the state after batch {line['number']} of {line['batches']}; nothing is sent yet"
    if line["event"] == "begun":
        return f"revision {line['revision']}: {line['batches']} batches for {line['switches']} switches"
    if line["event"] == "progress":
        of = f"{line['number']} of {line['batches']}"
        return f"batch {of}, {line['batch']}: {line['confirmed']} of {line['switches']} switches have confirmed"
    return f"undoing revision {line['revision']}: {line['reason']}"
