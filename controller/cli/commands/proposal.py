"""``proposal``: changes that take two people: planned by one, approved by another, then applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, Json, answering, usage
from clos.controller.cli.change_options import Brakes, Who, Why
from clos.controller.cli.plans import named
from clos.controller.cli.remote import DEFAULT, StateDir, controller, signing
from clos.controller.cli.render.change import applied_lines, progress_shown
from clos.controller.cli.render.text import columns
from clos.controller.cli.sources import TopologyPath, documents

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Propose changes, approve what others propose, and apply what is approved.",
)

Proposed = Annotated[list[Path] | None, typer.Argument(metavar="[INTENTS...]", help="All intents, as to apply.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Of the proposal.")]
Note = Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="For the history.")]


@app.command("create")
@answering
def create(
    intents: Annotated[
        list[Path] | None, typer.Argument(metavar="[INTENTS...]", help="All intents, as to apply.")
    ] = None,
    rollback: Annotated[int | None, typer.Option(min=1, metavar="REVISION", help="Propose a rollback instead.")] = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    who: Who = "",
    why: Why = "",
    *,
    brakes: Brakes,
) -> Answer:
    """Propose a change. Nothing is sent; another person looks at it and approves it.

    It is for the revision in force: when another one has come into force meanwhile, it has to be proposed again.
    """
    if bool(intents) == (rollback is not None):
        raise usage("say what to propose: either INTENTS or --rollback REVISION")
    question: Json = {"why": why, "allow": brakes.released()}
    if rollback is not None:
        question["rollback"] = rollback
    else:
        question["sources"] = _named(documents(intents or []))
        fabric = named(topology)
        question["topology"] = fabric and {"name": fabric[0], "text": fabric[1]}
    with controller(state) as client:
        made = client.ask("POST", "/v1/proposals", json={**question, "who": signing(client, who)})
    return Answer(made, lambda: _one(made))


@app.command("list")
@answering
def list_(state: StateDir = DEFAULT) -> Answer:
    """List proposed changes, newest first."""
    with controller(state) as client:
        found = client.ask("GET", "/v1/proposals")
    return Answer(found, lambda: _table(found["proposals"]))


@app.command("show")
@answering
def show(number: Number, state: StateDir = DEFAULT) -> Answer:
    """Show a proposed change: what it means, and its documents."""
    with controller(state) as client:
        found = client.ask("GET", f"/v1/proposals/{number}")
    return Answer(found, lambda: [*_one(found), *_documents(found)])


@app.command("approve")
@answering
def approve(number: Number, state: StateDir = DEFAULT, who: Who = "", note: Note = "") -> Answer:
    """Approve what somebody else has proposed."""
    return _judged(number, "approve", state, who, note)


@app.command("reject")
@answering
def reject(number: Number, state: StateDir = DEFAULT, who: Who = "", note: Note = "") -> Answer:
    """Reject a proposed change, or take back your own."""
    return _judged(number, "reject", state, who, note)


@app.command("apply")
@answering
def apply(number: Number, state: StateDir = DEFAULT, who: Who = "") -> Answer:
    """Apply an approved change, exactly as it was approved."""
    with controller(state) as client, progress_shown() as progress:
        done = client.change(f"/v1/proposals/{number}/apply", {"who": signing(client, who)}, progress)
    return Answer(done, lambda: applied_lines(done))


def _judged(number: int, word: str, state: Path, who: str, note: str) -> Answer:
    with controller(state) as client:
        found = client.ask("POST", f"/v1/proposals/{number}/{word}", json={"who": signing(client, who), "note": note})
    return Answer(found, lambda: [f"Proposal {number} is {found['status']} by {found['judged_by']}."])


def _named(texts: dict[str, str]) -> list[Json]:
    return [{"name": name, "text": text} for name, text in texts.items()]


_STYLE = {"open": "yellow", "approved": "cyan", "rejected": "red", "applied": "green"}


def _table(rows: list[Json]) -> Iterator[Text | str]:
    if not rows:
        yield "Nothing has been proposed."
        return
    head = ("", "when", "who", "state", "by", "why")
    cells = (
        (str(r["number"]), r["when"], r["who"], Text(r["status"], _STYLE[r["status"]]), r["judged_by"], r["why"])
        for r in rows
    )
    yield from columns([head, *cells], right=(0,))


def _one(found: Json) -> Iterator[Text | str]:
    by = f" by {found['judged_by']}" if found["judged_by"] else ""
    state = f"{found['status']}{by}. {found['why']}".rstrip()
    yield f"Proposal {found['number']} by {found['who']}, {found['when']}: {state}"
    yield f"On revision {found['base']}: {found['summary'].get('text', '')}"
    yield from (f"  {sentence}" for sentence in found["summary"].get("means", ()))
    yield from (Text(f"  brake: the plan {text}", "yellow") for text in found["summary"].get("brakes", ()))
    if found["request"]["allow"]:
        yield f"  allows: {', '.join(found['request']['allow'])}"
    if found["status"] == "open":
        yield f"Somebody else approves it: clos proposal approve {found['number']}"


def _documents(found: Json) -> Iterator[str]:
    if "rollback" in found["request"]:
        yield f"# returns to revision {found['request']['rollback']}"
    for name, text in found["request"].get("sources", {}).items():
        yield f"# {name}"
        yield text.rstrip("\n")
