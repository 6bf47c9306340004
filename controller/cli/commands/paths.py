"""``paths``: what path probes see of cables and spines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, UNCHECKED, Answer, Json, answering, unchecked
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns, count, paragraph

Every = Annotated[bool, typer.Option("--all", "-a", help="Show cables that carry every frame, too.")]


@answering
def paths(state: StateDir = DEFAULT, every: Every = False) -> Answer:
    """Show cables and spines that are up but lose, corrupt or delay frames, and whether frames go around them.

    In a fabric whose topology says `probes: true` the controller sends small signed frames over every cable and spine,
    all the time. Exits with 1 when something spoils frames; with 3 when the topology has no probes, or when not every
    cable can be probed.
    """
    with controller(state) as client:
        found = client.paths()
    if not found["probes"]:
        raise unchecked("no cable is probed: write 'probes: true' in the topology's spec, and apply it")
    whole = found["probed"] == found["expected"]
    return Answer(found, lambda: _lines(found, every), FAILED if found["failures"] else OK if whole else UNCHECKED)


def _lines(found: Json, every: bool) -> Iterator[Text | str]:
    for one in found["failures"]:
        done = "frames go around it" if one["avoided"] else one["stays"]
        yield from paragraph(Text(f"{one['text']}; {done}", "yellow" if one["avoided"] else "bold red"))
    rows = [row for row in found["cables"] if every or row["bad"] or row["avoided"]]
    yield from columns(_row(row) for row in rows)
    wrong = f"{count(len(found['failures']), 'gray failure')}" if found["failures"] else "no gray failure"
    suspected = f"; {count(found['suspected'], 'way')} being looked at" if found["suspected"] else ""
    yield f"{found['probed']} of {count(found['expected'], 'cable')} probed: {wrong}{suspected}."


def _row(row: Json) -> tuple[str, str, str, str, str]:
    sent, bad = f"{row['sent']:,} probes", f"{row['bad']:,} bad"
    return row["leaf"], row["spine"], sent, bad, "avoided" if row["avoided"] else ""
