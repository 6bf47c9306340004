"""``status`` and ``history``: what the controller holds and what became of every change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns, count

ReadBack = Annotated[bool, typer.Option("--read-back", help="Read every switch back and compare.")]

STYLE = {"applied": "green", "applying": "yellow", "undone": "yellow", "failed": "red"}


@answering
def status(state: StateDir = DEFAULT, read_back: ReadBack = False) -> Answer:
    """Show the controller, its revision and its switches.

    Exits with 1 when a switch does not hold what it should, or holds entries that Clos did not install, as far as is
    known: switches are read back when they join, before a change, and by --read-back.
    """
    with controller(state) as client:
        drift = {"drift": client.drift()["switches"]} if read_back else {}
        found = {**client.status(), "switches": client.switches(), **drift}
    drifted = any(not row["in_line"] for row in found.get("drift", ()))
    sound = found["in_line"] == found["expected"] and not found["foreign"] and not drifted
    return Answer(found, lambda: _status(found), OK if sound else FAILED)


def _status(found: Json) -> Iterator[Text | str]:
    held = f"revision {found['revision']}" if found["revision"] else "no revision yet"
    yield f"{found['topology']}: {held}"
    yield f"controller: up since {found['started']}, switches connect to {_address(found['openflow'])}"
    switches = count(found["expected"], "switch", "switches")
    yield f"{switches}: {found['connected']} connected, {found['in_line']} in sync"
    yield from (Text(note, "yellow") for note in _notes(found))
    rows = [("switch", "role", "state", "since", ""), *(_switch(row) for row in found["switches"])]
    yield from columns(rows)
    for row in found.get("drift", ()):
        if not row["in_line"]:
            counts = f"{row['missing']} missing, {row['changed']} changed, {row['unexpected']} unexpected"
            lacks = row["error"] or f"{counts}, {len(row['foreign'])} that Clos did not install"
            yield Text(f"read back {row['switch']}: {lacks}", "red")


def _notes(found: Json) -> Iterator[str]:
    if found["doing"]:
        yield f"Under way: {found['doing']}"
    if found["pending"]:
        yield f"Revision {found['pending']} was cut short and is being ended"
    if found["topology_changed"]:
        yield "The topology that clos serve was started with is not the one in force: clos apply -t FILE brings it in"
    if found["foreign"]:
        entries = count(found["foreign"], "entry", "entries")
        yield f"{entries} on switches that Clos did not install (clos repair --remove-foreign)"
    if found["miscabled"]:
        yield f"{count(found['miscabled'], 'link')} not as designed (clos links)"
    yield from (f"Unknown switch {stranger}" for stranger in found["strangers"])
    yield from (f"{fault['when']} {fault['switch']} {fault['text']}" for fault in found["faults"][-5:])


def _switch(row: Json) -> tuple[str | Text, ...]:
    state = "in sync" if row["in_line"] else "out of sync" if row["connected"] else "offline"
    style = "green" if row["in_line"] else "yellow" if row["connected"] else "red"
    return row["name"], row["role"], Text(state, style), row["since"], row["problem"]


def _address(pair: list[object]) -> str:
    return f"{pair[0]}:{pair[1]}"


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
_TITLE = ("", "when", "who", "what became of it", "proof", "changes", "why")
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
