"""Senders whose packets reach the same table with the same metadata: one equivalence class, to be checked once.

Must not know: what is found out about a class.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.controller.verify.dataplane.prepared_rule import PipelineState, PreparedRule
from clos.controller.verify.dataplane.rule_list import RegisterContext
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.spec.admissions import SenderProfile
from clos.fabric.topology import PortRef

Pair = tuple[SenderProfile | None, SenderProfile | None]
"""Whose requirements hold now, and whose held before a change under way; None: nobody's."""


class PipelineEntry(NamedTuple):
    """Where the packets of a class are: a table of a switch, and what they look like there."""

    switch: str
    table: int
    state: PipelineState


class TableVisit(NamedTuple):
    """Rules that packets of a class meet, at which table, and what the packets look like there."""

    cell: RegisterContext
    table: int
    state: PipelineState


class RuleChange(NamedTuple):
    """What came or went in a cell: why a class is to be looked at again."""

    cell: RegisterContext
    changed: list[PreparedRule]


class SenderClass:
    """Senders whose packets are at one place. ``members``: by pair, the ports and the packets that come in there.
    ``visits``: where the packets were looked at, once they were: by table and number of their looks.
    """

    __slots__ = ("members", "start", "visits")

    def __init__(self, start: PipelineEntry) -> None:
        self.start = start
        self.visits: dict[Pair, dict[tuple[int, int], TableVisit]] = {}
        self.members: dict[Pair, dict[PortRef, list[Box]]] = {}
