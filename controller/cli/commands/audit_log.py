"""``audit-log``: who did what; whether the log is what was written; the log for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clos.controller.api.audit_export import as_jsonl, as_syslog
from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering, unchecked, usage
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns

if TYPE_CHECKING:
    from clos.controller.api.client import Client

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Show, check and export the audit log: who did what, and when.",
)
PAGE = 5_000


class Form(StrEnum):
    """Of an exported log."""

    JSONL, SYSLOG = "jsonl", "syslog"


@app.command("show")
@answering
def show(
    state: StateDir = DEFAULT,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, metavar="N", help="How many.")] = 20,
) -> Answer:
    """Show the last entries, newest first."""
    with controller(state) as client:
        found = client.ask("GET", "/v1/audit-log", params={"limit": limit})
    return Answer(found, lambda: _table(found["entries"]))


@app.command("verify")
@answering
def verify(
    state: StateDir = DEFAULT,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", metavar="FILE", help="A log that was exported earlier (jsonl); may be given again."),
    ] = None,
) -> Answer:
    """Check that no entry was edited, removed or moved; exits with 1 and the place where one was.

    Each entry carries a hash over itself and the entry before. Who can write to the store can make all hashes anew, or
    cut off the end: that shows only --against a copy that was exported earlier and kept elsewhere.
    """
    kept = [row for path in against or () for row in _kept(path)]
    with controller(state) as client:
        found = client.ask("POST", "/v1/audit-log/check", json={"kept": kept})
    return Answer(found, lambda: _checked(found), OK if found["intact"] else FAILED)


@app.command("export")
def export(
    state: StateDir = DEFAULT,
    form: Annotated[Form, typer.Option("--format", help="JSON lines, or syslog's (RFC 5424).")] = Form.JSONL,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Only entries after this one.")] = 0,
) -> None:
    """Write the log to stdout, oldest first, one entry a line."""
    written = as_syslog if form is Form.SYSLOG else as_jsonl
    with controller(state) as client:
        for entry in _entries(client, after):
            typer.echo(written(entry))


def _entries(client: Client, after: int) -> Iterator[Json]:
    while page := client.ask("GET", "/v1/audit-log", params={"limit": PAGE, "after": after})["entries"]:
        yield from page
        after = page[-1]["number"]


def _kept(path: Path) -> Iterator[Json]:
    """Numbers and hashes of an exported log."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            yield {"number": int(row["number"]), "chain": str(row["chain"])}
        except (ValueError, KeyError, TypeError):
            raise unchecked(f"{path}:{number}: not an entry of an exported log (clos audit-log export)") from None


def _table(rows: list[Json]) -> Iterator[Text | str]:
    head = ("", "when", "who", "action", "revision", "about")
    cells = (
        (str(r["number"]), r["when"], r["who"], r["action"], str(r["revision"] or ""), _about(r["detail"]))
        for r in rows
    )
    yield from columns([head, *cells], right=(0,))


def _about(detail: Json) -> str:
    return ", ".join(f"{key}: {value}" for key, value in detail.items() if value not in ("", None, [], False))


def _checked(found: Json) -> Iterator[Text | str]:
    if found["intact"]:
        copies = f", and {found['kept']:,} hashes that were kept elsewhere agree" if found["kept"] else ""
        yield f"{found['entries']:,} entries are what was written, by their chain{copies}."
        yield f"The last one's hash is {found['head']}"
        if not found["kept"]:
            yield "Who writes to the store could have made all hashes anew: --against compares with an exported log."
        return
    yield Text(f"Entry {found['broken_at']}: {found['text']}", "bold red")
    yield f"The {found['entries']:,} entries before it are what was written."
