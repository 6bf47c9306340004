"""``apply``, ``rollback`` and ``repair``: changes that the controller carries out."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import (
    FAILED,
    OK,
    UNCHECKED,
    Answer,
    Json,
    Lines,
    Stop,
    answering,
    failed,
    show,
    usage,
)
from clos.controller.cli.commands.plan import named, planned_back, planned_there
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import count, took
from clos.controller.cli.sources import Intents, TopologyPath, documents
from clos.controller.plan import DELETE_TENANT

if TYPE_CHECKING:
    from clos.controller.api.client import Client, Progress

Who = Annotated[str, typer.Option(metavar="NAME", help="Your name for the history; default: the login name.")]
Why = Annotated[str, typer.Option("--why", "-m", metavar="TEXT", help="The reason, for the history.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking for confirmation.")]
Deletes = Annotated[bool, typer.Option("--allow-deletes", help="Allow a plan that deletes more than 30% of the rules.")]
Empty = Annotated[bool, typer.Option("--allow-empty", help="Allow a plan that leaves no rules.")]
Overflow = Annotated[bool, typer.Option("--allow-overflow", help="Allow a plan that exceeds a switch's capacity.")]
Uplink = Annotated[bool, typer.Option("--allow-uplink", help="Allow changes to spines, uplinks and egress groups.")]
Identity = Annotated[bool, typer.Option("--allow-identity", help="Make a switch another box, or change a node tag.")]
DeleteTenant = Annotated[
    list[str] | None,
    typer.Option("--allow-delete-tenant", metavar="NAME", help="Delete this tenant. May be given several times."),
]
Absent = Annotated[bool, typer.Option("--allow-offline", help="Skip switches that are not connected.")]
Unproven = Annotated[
    bool, typer.Option("--unproven", help="Apply even if a claim is not proved; the history records it.")
]

DANGER = "without a proof, tenants may reach each other, or traffic that the intents permit may be lost"


@answering
def apply(
    intents: Intents,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    who: Who = "",
    why: Why = "",
    yes: Yes = False,
    deletes: Deletes = False,
    empty: Empty = False,
    overflow: Overflow = False,
    uplink: Uplink = False,
    identity: Identity = False,
    delete_tenant: DeleteTenant = None,
    absent: Absent = False,
    unproven: Unproven = False,
) -> Answer:
    """Apply intents to the fabric.

    Shows the plan and asks, unless --yes is given. The documents replace all that are in force. The controller proves
    every state that the plan leads through before it sends the first message, and refuses with packets that show what
    is wrong (exit code 1). Ends when every switch has confirmed; when one refuses, everything is taken back (exit
    code 3).
    """
    flags = {"deletes": deletes, "empty": empty, "overflow": overflow, "uplink": uplink, "identity": identity}
    allow = _allowed(delete_tenant, **flags, offline=absent, unproven=unproven)
    texts, fabric, base = documents(intents), named(topology), None
    if not yes:
        plan = planned_there(state, intents, topology)
        _confirm(plan.lines(), "Apply this plan?")
        base = plan.data["base"]
    _warn(unproven, yes)
    with controller(state) as client, _progress() as progress:
        done = client.apply(
            texts,
            fabric,
            who=who or getpass.getuser(),
            why=why,
            allow=allow,
            expect_revision=base,
            progress=progress,
        )
    return Answer(done, lambda: _applied(done))


@answering
def rollback(
    revision: Annotated[int | None, typer.Argument(metavar="[REVISION]", help="By default the one before.")] = None,
    state: StateDir = DEFAULT,
    who: Who = "",
    why: Why = "",
    yes: Yes = False,
    deletes: Deletes = False,
    empty: Empty = False,
    overflow: Overflow = False,
    uplink: Uplink = False,
    identity: Identity = False,
    delete_tenant: DeleteTenant = None,
    absent: Absent = False,
    unproven: Unproven = False,
) -> Answer:
    """Return the fabric to an earlier revision.

    Shows the plan and asks, unless --yes is given. Its very rules, as a new revision: history only grows. It is proved
    like any other change.
    """
    flags = {"deletes": deletes, "empty": empty, "overflow": overflow, "uplink": uplink, "identity": identity}
    allow = _allowed(delete_tenant, **flags, offline=absent, unproven=unproven)
    with controller(state) as client:
        held = client.status()["revision"]
        target = revision if revision is not None else _before(client, held)
        if not yes:
            found = client.revision(target)
            about = f"Back to revision {target}, {found['when']}, {found['who']}: {found['why'] or '-'}"
            _confirm([about, *planned_back(client, target).lines()], "Go back to it?")
    _warn(unproven, yes)
    with controller(state) as client, _progress() as progress:
        done = client.rollback(
            target,
            who=who or getpass.getuser(),
            why=why,
            allow=allow,
            expect_revision=held,
            progress=progress,
        )
    return Answer(done, lambda: _applied(done))


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
        done = client.repair(switches or (), who=who or getpass.getuser(), remove_foreign=remove_foreign)
    if done["failed"]:
        names = ", ".join(done["failed"])
        details = [f"{name}: {why}" for name, why in done["failed"].items()]
        raise Stop(UNCHECKED, f"still out of sync: {names}", details, done)
    return Answer(done, lambda: _repaired(done), FAILED if done["foreign"] else UNCHECKED if done["absent"] else OK)


def _repaired(done: Json) -> Iterator[Text | str]:
    others = " of Clos's rules" if done["foreign"] else ""
    which = "Every connected switch" if done["absent"] else "Every switch"
    yield f"{which} was read back and holds what it should{others}."
    for name, number in done["foreign"].items():
        entries = count(number, "entry", "entries")
        yield Text(f"{name} holds {entries} that Clos did not install, left alone (--remove-foreign)", "yellow")
    if done["absent"]:
        yield Text(f"Not connected, so not read back: {', '.join(done['absent'])}", "yellow")


def _allowed(tenants: list[str] | None, **flags: bool) -> list[str]:
    """The names of the brakes that are released."""
    return [name for name, given in flags.items() if given] + [f"{DELETE_TENANT}{name}" for name in tenants or ()]


def _confirm(lines: Lines, question: str) -> None:
    """Show what would be done and ask. Raises Stop unless the answer is yes."""
    if not sys.stdin.isatty():
        raise usage("stdin is not a terminal: review the plan, then pass --yes")
    show(lines)
    if not typer.confirm(question):
        raise failed("nothing was changed")


def _warn(unproven: bool, yes: bool) -> None:
    """Say what --unproven means, and ask again. Raises Stop unless the answer is yes."""
    if not unproven:
        return
    typer.secho(f"WARNING: --unproven: {DANGER}.", fg="red", bold=True, err=True)
    if not yes and not typer.confirm("Go on even if it is not proved? Your name is kept with the revision."):
        raise failed("nothing was changed")


def _before(client: Client, held: int) -> int:
    """The last revision that held before the one in force."""
    rows = (row["number"] for row in client.revisions() if row["status"] == "applied" and row["number"] < held)
    found = next(rows, None)
    if found is None:
        raise usage("there is no earlier revision to go back to")
    return int(found)


def _applied(done: Json) -> Iterator[Text | str]:
    if not done["changed"]:
        yield f"Nothing to change: revision {done['revision']} is in force."
        return
    add, change, delete = (done["counts"][key] for key in ("add", "change", "delete"))
    numbers = f"{add:,} added, {change:,} changed, {delete:,} deleted"
    yield f"Revision {done['revision']} is in force: {numbers}, confirmed in {took(done['seconds'])}."
    if done["proof"] == "unproven":
        yield Text(f"UNPROVEN: sent because of --unproven. Failing: {done['proof_text']}", "bold red")
    else:
        yield f"Proved in {took(done['proof_seconds'])}: {done['proof_text']}."
    yield from (Text(f"Not proved: {text}", "yellow") for text in done["not_proved"])
    if done["drifted"]:
        names = ", ".join(done["drifted"])
        yield Text(f"Held other entries than they should have, which is put right: {names}", "yellow")
    if done["offline"]:
        absent = count(len(done["offline"]), "switch", "switches")
        yield f"{absent} will get it on joining: {', '.join(done['offline'])}"


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Shows the lines of a change on stderr while they come; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only

    with Console(stderr=True).status("waiting for the controller") as status:
        yield lambda line: status.update(_told(line))


def _told(line: Json) -> str:
    if line["event"] == "proving":
        return f"proving the state after batch {line['number']} of {line['batches']}; nothing is sent yet"
    if line["event"] == "begun":
        return f"revision {line['revision']}: {line['batches']} batches for {line['switches']} switches"
    if line["event"] == "progress":
        of = f"{line['number']} of {line['batches']}"
        return f"batch {of}, {line['batch']}: {line['confirmed']} of {line['switches']} switches have confirmed"
    return f"taking revision {line['revision']} back: {line['reason']}"
