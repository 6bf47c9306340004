"""``status``: the controller, the running revision, the state of every switch, and who speaks at the borders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.borders import border_lines
from clos.controller.cli.render.text import columns, count

ReadBack = Annotated[bool, typer.Option("--read-back", help="Read every switch back and compare.")]


@answering
def status(state: StateDir = DEFAULT, read_back: ReadBack = False) -> Answer:
    """Show the controller, its revision, its switches, and what speaks at the borders to a legacy network.

    Exits with 1 when a switch does not hold what it should, or holds entries that Clos did not install, as far as is
    known: switches are read back when they join, before a change, and by --read-back. What is heard at the borders
    changes no exit code.
    """
    with controller(state) as client:
        drift = {"drift": client.drift()["switches"]} if read_back else {}
        found = {**client.status(), "switches": client.switches(), "borders": client.speakers(), **drift}
    drifted = any(not row["in_line"] for row in found.get("drift", ()))
    sound = found["in_line"] == found["expected"] and not found["foreign"] and not drifted
    return Answer(found, lambda: _status(found), OK if sound else FAILED)


def _status(found: Json) -> Iterator[Text | str]:
    held = f"revision {found['revision']}" if found["revision"] else "no revision yet"
    yield f"{found['topology']}: {held}"
    yield f"controller: up since {found['started']}, switches connect to {_address(found['openflow'])}"
    yield from _cluster(found["cluster"])
    switches = count(found["expected"], "switch", "switches")
    yield f"{switches}: {found['connected']} connected, {found['in_line']} in sync"
    yield from (Text(note, "yellow") for note in _notes(found))
    rows = [("switch", "role", "state", "since", ""), *(_switch(row) for row in found["switches"])]
    yield from columns(rows)
    yield from border_lines(found["borders"])
    for row in found.get("drift", ()):
        if not row["in_line"]:
            counts = f"{row['missing']} missing, {row['changed']} changed, {row['unexpected']} unexpected"
            lacks = row["error"] or f"{counts}, {len(row['foreign'])} that Clos did not install"
            yield Text(f"read back {row['switch']}: {lacks}", "red")


def _cluster(found: Json | None) -> Iterator[str | Text]:
    """Who leads, who follows, and how old what is said here may be."""
    if found is None:
        return
    leader = "no controller leads" if not found["leader"] else f"{found['leader']} leads (term {found['term']})"
    if found["leader"] and not found["leads"]:
        leader = f"{found['leader']} leads"
    age = (
        f"as {found['store']} was {found['age']:.1f} s ago" if found["age"] >= 0 else f"{found['store']} never answered"
    )
    yield f"controllers: {leader}; this is {found['name']}, {age}"
    last = max((row["number"] for row in found["members"]), default=0)
    for row in found["members"]:
        behind = last - row["number"]
        late = f", {count(behind, 'transaction')} behind" if behind else ""
        does, url = "leads" if row["leads"] else "follows", row["url"] or "no API yet"
        yield f"  {row['name']} {does}, up since {row['since']}, {url}{late}"
    if found["problem"]:
        yield Text(f"{found['problem']}: this controller reads and writes nothing", "red")


def _notes(found: Json) -> Iterator[str]:
    if found["doing"]:
        yield f"In progress: {found['doing']}"
    if found["pending"]:
        yield f"Revision {found['pending']} was interrupted and is being recovered"
    if found["topology_changed"]:
        yield "The topology file of clos serve differs from the one in force: run clos apply -t FILE to adopt it"
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
