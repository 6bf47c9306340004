"""``history``: every revision with its author, reason, proof and result; or the documents of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns

STYLE = {"applied": "green", "applying": "yellow", "undone": "yellow", "failed": "red"}


@answering
def history(
    revision: Annotated[int | None, typer.Argument(metavar="[REVISION]", help="Print its documents.")] = None,
    state: StateDir = DEFAULT,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many.")] = 20,
) -> Answer:
    """List revisions: who, when, why, and what changed."""
    with controller(state) as client:
        if revision is not None:
            found = client.revision(revision)
            return Answer(found, lambda: _documents(found))
        rows = client.revisions(limit)
    return Answer({"revisions": rows}, lambda: columns([_TITLE, *map(_row, rows)], right=(0,)))


_SIGNS = {"add": "+", "change": "~", "delete": "-"}
_TITLE = ("", "when", "who", "result", "proof", "changes", "why")
_PROOFS = {"proved": Text("proved", "green"), "unproven": Text("NOT PROVED", "bold red")}


def _row(row: Json) -> tuple[str | Text, ...]:
    became = Text(row["status"] + (", in force" if row["current"] else ""), STYLE[row["status"]])
    counts = row["summary"]
    signs = [
        f"{sign}{counts[key]}" for sign, key in zip("+~-", ("add", "change", "delete"), strict=True) if key in counts
    ]
    proof = _PROOFS.get(row["verdict"], "-")
    if row["verdict"] == "proved" and counts.get("not_proved"):
        proof = Text("proved in part", "yellow")
    return str(row["number"]), row["when"], row["who"], became, proof, " ".join(signs), row["why"] or row["note"]


def _documents(found: Json) -> Iterator[Text | str]:
    yield f"# revision {found['number']}, {found['when']}, {found['who']}: {found['status']}. {found['why']}"
    yield from (f"#   {text}" for text in found["summary"].get("means", ()))
    if found["proof"]:
        yield f"# {found['proof']['verdict']}: {found['proof']['text']}"
    for name, text in found["sources"].items():
        yield f"# {name}"
        yield text.rstrip("\n")
