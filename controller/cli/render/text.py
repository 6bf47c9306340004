"""Words and columns: how values read on a terminal.

Lives here: layout only. Must not know: where values come from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest

from rich.text import Text

from clos.controller.compile import STAGES
from clos.controller.compile.stages import SPINE
from clos.fabric.topology import Topology

Cell = str | Text


def count(number: int, one: str, many: str = "") -> str:
    """``1 network``, ``1,204 networks``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def took(seconds: float) -> str:
    """``27 ms``, ``1.4 s``."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"


def columns(rows: Iterable[Sequence[Cell]], right: Collection[int] = (), indent: int = 0) -> list[Text]:
    """Rows as lines of aligned columns, two spaces apart; columns in ``right`` are flush right."""
    table = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column if cell is not None) for column in zip_longest(*table)]
    lines = []
    for row in table:
        line = Text(" " * indent)
        for i, cell in enumerate(row):
            gap = " " * (widths[i] - cell.cell_len)
            line.append_text(Text.assemble(gap, cell) if i in right else Text.assemble(cell, gap))
            line.append("  ")
        line.rstrip()
        lines.append(line)
    return lines


def table_name(topology: Topology, switch: str, table: int) -> str:
    """What a flow table of a switch decides: the name of its stage."""
    found = topology.switches.get(switch)
    return stage_name(table, spine=found is not None and not found.is_leaf)


def stage_name(table: int, spine: bool) -> str:
    """The name of a leaf's or a spine's stage; empty where there is none."""
    if spine:
        return SPINE.name if table == SPINE.table else ""
    return STAGES[table].name if table < len(STAGES) else ""


def some(names: Sequence[str], most: int = 4) -> str:
    """Names in a row; beyond ``most``, the first and how many more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
