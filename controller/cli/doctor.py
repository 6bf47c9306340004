"""``doctor``: what this environment has and lacks, and the command that helps."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from controller.cli.answer import FAILED, OK, Answer, answering
from controller.cli.environment import ABSENT, FINE, WRONG, Finding, findings
from controller.cli.text import columns, count

STYLE = {FINE: "green", ABSENT: "yellow", WRONG: "bold red"}


@answering
def doctor() -> Answer:
    """Check this environment, and say what to do about it.

    Exits with 4 when something that Clos needs is missing or wrong.
    """
    found = findings()
    wrong = sum(finding.state == WRONG for finding in found)
    data = {"healthy": not wrong, "findings": [finding._asdict() for finding in found]}
    return Answer(data, lambda: _lines(found, wrong), FAILED if wrong else OK)


def _lines(found: list[Finding], wrong: int) -> Iterator[Text | str]:
    yield from columns((Text(state, STYLE[state]), what, answer) for state, what, answer, _ in found)
    for _, what, _, remedy in found:
        if remedy:
            yield f"{what}: {remedy}"
    yield f"{count(wrong, 'thing')} to mend." if wrong else "Nothing that Clos needs is missing."
