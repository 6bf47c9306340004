"""``drift``: switches that do not hold what they should, what that means for packets, and by which entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, UNCHECKED, Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import count, paragraph

Now = Annotated[bool, typer.Option("--read-back", help="Read every switch back now, instead of asking the watch.")]


@answering
def drift(state: StateDir = DEFAULT, read_back: Now = False) -> Answer:
    """Show which switches do not hold what they should, and what that means for packets.

    The controller looks at every switch all the time. What another has changed is found within seconds, told in words
    of intent, and with clos serve --drift repair mended. Exits with 1 when there is drift, with 3 when a switch has not
    been looked at.
    """
    with controller(state) as client:
        if read_back:
            now = client.drift()
            return Answer(now, lambda: _read(now), OK if now["in_line"] else FAILED)
        found = client.ask("GET", "/v1/drift/found")
    complete, wrong = found["watched"] == found["switches"], any(not row["quiet"] for row in found["found"])
    return Answer(found, lambda: _found(found), FAILED if wrong else OK if complete else UNCHECKED)


def _found(found: Json) -> Iterator[Text | str]:
    watched = f"{found['watched']} of {count(found['switches'], 'switch', 'switches')} looked at"
    if not found["found"]:
        complete = found["watched"] == found["switches"]
        yield f"No drift: {watched}, each holds what it should." if complete else f"No drift seen so far: {watched}."
    for row in found["found"]:
        numbers = f"{row['missing']} missing, {row['changed']} changed, {row['unexpected']} unexpected"
        told = f", {row['tolerated']} of them tolerated" if row["tolerated"] else ""
        style = {True: "bold red", False: "yellow", None: "red"}[row["meaning"]["harm"]]
        yield Text(f"{row['switch']} since {row['since']}: {numbers}, {len(row['foreign'])} of others{told}", style)
        for sentence in (*row["meaning"]["sentences"], row["meaning"]["why"]):
            if sentence:
                yield from paragraph(sentence, 2)
        for cause in row["meaning"]["causes"]:
            yield from paragraph(f"because: {cause}", 2)
        if row["waits"]:
            yield f"  What shall be done? clos repair {row['switch']}"
    if found["found"]:
        yield f"{watched}; policy: {found['policy']}"


def _read(found: Json) -> Iterator[Text | str]:
    if found["in_line"]:
        yield f"No drift: every switch was read back and holds revision {found['revision']}."
    for row in found["switches"]:
        if not row["in_line"]:
            numbers = f"{row['missing']} missing, {row['changed']} changed, {row['unexpected']} unexpected"
            told = row["error"] or f"{numbers}, {len(row['foreign'])} of others"
            yield Text(f"{row['switch']}: {told}", "red")
