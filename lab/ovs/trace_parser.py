"""What Open vSwitch says it would do with a packet (``ofproto/trace``), as a value to compare with
fabric.dataplane.step.

Lives here: reading that text. Must not know: fabrics, sockets.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from clos.fabric.dataplane.outcome import Step

_TABLE = re.compile(r"^ *(\d+)\. (?:(No match)|.*?priority (\d+)(?:, cookie (0x[0-9a-f]+))?$)", re.MULTILINE)
_ACTIONS = re.compile(r"^Datapath actions: (.*)$", re.MULTILINE)
_NESTED = re.compile(r"\([^()]*\)")
_OUTPUT = re.compile(r"(?:^|,)(\d+|recirc)(?=,|$)")


class Met(NamedTuple):
    """A table visited, and the rule met there: ``priority`` None where none matched."""

    table: int
    priority: int | None
    cookie: int


class Trace(NamedTuple):
    """The rules met, and how many copies leave. A SELECT group counts as one: its bucket is chosen by hash later."""

    met: tuple[Met, ...]
    copies: int


def read(text: str) -> Trace:
    """Read a trace. Raises ValueError when it is none."""
    actions = _ACTIONS.search(text)
    if actions is None:
        raise ValueError(f"not a trace: {text[:200]!r}")
    met = tuple(
        Met(int(table), None if miss else int(priority), int(cookie or "0", 16))
        for table, miss, priority, cookie in _TABLE.findall(text)
    )
    return Trace(met, _copies(actions[1]))


def of(step: Step) -> Trace:
    """What fabric.dataplane.step says, in the same terms."""
    met = tuple(
        Met(hop.table, None, 0) if hop.rule is None else Met(hop.table, hop.rule.priority, hop.rule.cookie)
        for hop in step.trail
    )
    return Trace(met, len(step.emissions))


def _copies(actions: str) -> int:
    """Outputs among datapath actions, those inside ``clone(...)`` included."""
    plain, before = actions.replace("clone(", ",(").replace("recirc(", "recirc,("), ""
    found = 0
    while plain != before:
        before = plain
        for inner in _NESTED.findall(plain):
            found += len(_OUTPUT.findall(inner[1:-1])) if _is_clone(plain, inner) else 0
        plain = _NESTED.sub("", plain)
    return found + len(_OUTPUT.findall(plain))


def _is_clone(text: str, inner: str) -> bool:
    at = text.index(inner)
    return at == 0 or text[at - 1] == ","
