"""``doctor``: what this environment has and lacks, whether its fabric is cabled right, and the command that helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Stop, answering
from clos.controller.cli.environment import ABSENT, FINE, WRONG, Finding, findings
from clos.controller.cli.remote import DEFAULT, StateDir, controller, running
from clos.controller.cli.render.text import columns, count

STYLE = {FINE: "green", ABSENT: "yellow", WRONG: "bold red"}


@answering
def doctor(state: StateDir = DEFAULT) -> Answer:
    """Check this environment and suggest fixes.

    Says, too, whether the fabric of the controller on the state directory is cabled as designed, if one runs. Exits
    with 1 when something that Clos needs is missing or wrong.
    """
    found = [*findings(), *_cabling(state)]
    wrong = sum(finding.state == WRONG for finding in found)
    data = {"healthy": not wrong, "findings": [finding._asdict() for finding in found]}
    return Answer(data, lambda: _lines(found, wrong), FAILED if wrong else OK)


def _cabling(state: Path) -> Iterator[Finding]:
    """How the running controller's fabric is cabled; nothing where none runs or it does not look."""
    if not running(state):
        return
    try:
        with controller(state) as client:
            found = client.links()
    except Stop as stop:
        yield Finding(ABSENT, "controller", stop.message, "clos status")
        return
    if found["discovery"]:
        wrong, total = found["miscabled"], count(len(found["links"]), "link")
        answer = f"{total}, {wrong} not as designed" if wrong else f"{total}, none known to differ from the topology"
        yield Finding(WRONG if wrong else FINE, "cabling", answer, f"clos links --state {state}" if wrong else "")


def _lines(found: list[Finding], wrong: int) -> Iterator[Text | str]:
    yield from columns((Text(state, STYLE[state]), what, answer) for state, what, answer, _ in found)
    for _, what, _, remedy in found:
        if remedy:
            yield f"{what}: {remedy}"
    yield f"{count(wrong, 'problem')} found." if wrong else "No problems found."
