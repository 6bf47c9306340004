"""What a device's answer to a line of configuration means, and which lines are never sent.

Lives here: refusals, warnings, questions as tables. Must not know: sessions, plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
"""``unknown``: the session ended, or the device asked something, before it said what became of the line."""

_HARMLESS = re.compile(
    r"% ?(?:Access VLAN does not exist\. Creating vlan \d+|Applying VLAN changes may take|Generating|"
    r"Portfast (?:has been|will be) configured|Warning\b|The existing|This command will (?:enable|take)|"
    r"Saved |Property |NOTE\b|Info\b)",
    re.IGNORECASE,
)
"""Lines with ``%`` by which IOS says that it has done what it was told, and what it thinks of it."""
_LOG = re.compile(
    r"(?:[*.]?(?:\d+: )?[A-Z][a-z]{2} +\d+ (?:\d{4} )?[\d:.]+(?: [A-Z]+)?: )?"
    r"%[A-Z0-9_]+(?:-[A-Z0-9_]+)*-\d-[A-Z0-9_]+: .*"
)
"""A line of the log (syslog) that came in between."""
_REFUSAL = re.compile(
    r"\s*(?:%.*|Command rejected.*|.*\bcommand authorization failed.*|ERROR\b.*|Error:.*|.*: not configured as .*)",
    re.IGNORECASE,
)
QUESTION = re.compile(r"(?:\[confirm\]|\[(?:yes|no|y|n)(?:/(?:yes|no|y|n))?\]\s*:?|\?|[Pp]assword:|\]\s*[:?])[ \t]*$")
"""How a question ends; a device that waits there has not done the line."""


class LineResult(NamedTuple):
    """One line and what became of it. ``words``: the device's own, log lines aside; of UNKNOWN: why."""

    line: str
    result: str
    words: str = ""


class NotSendable(ValueError):
    """A line that is never sent as configuration; the message says which and why."""


_NEVER = (
    (re.compile(r"[^\x20-\x7e]"), "it has letters that a terminal takes as commands"),
    (
        re.compile(
            r"(?i)^\s*(?:do|end|exit-all|exit|configure|conf t|reload|copy|write|wr|erase|delete|format|squeeze)\b"
        ),
        "it is no line of configuration",
    ),
    (
        re.compile(
            r"(?i)^\s*(?:no\s+|default\s+)?(?:hostname|username|enable|aaa|line|banner|boot|crypto|ip ssh|"
            r"archive|config-register|transport|privilege)\b"
        ),
        "it touches how the device is reached or comes back",
    ),
)
"""What is in a line -> why it is not sent. The way in and the way back are the operator's own."""


def check_sendable(lines: Iterable[str]) -> None:
    """Raises NotSendable for the first line that must not be sent."""
    for line in lines:
        for pattern, why in _NEVER:
            if pattern.search(line):
                raise NotSendable(f"{line.strip()!r} is not sent: {why}")
        if not line.strip() or len(line) > 240:
            raise NotSendable(f"{line.strip()[:60]!r} is not sent: a line has 1 to 240 letters")


def understood(line: str, answer: str) -> LineResult:
    """What the answer says of the line: accepted unless the device objects."""
    words = [text.strip() for text in answer.splitlines() if text.strip() and not _LOG.fullmatch(text.strip())]
    refused = any(_REFUSAL.fullmatch(text) and not _HARMLESS.match(text) for text in words)
    return LineResult(line, REFUSED if refused else ACCEPTED, " / ".join(text for text in words if text != "^"))
