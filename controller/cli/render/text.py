"""Words and columns: how values read on a terminal.

Lives here: layout only. Must not know: where values come from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from rich.text import Text

Cell = Union[str, "Text"]


def count(number: int, one: str, many: str = "") -> str:
    """``1 network``, ``1,204 networks``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def took(seconds: float) -> str:
    """``27 ms``, ``1.4 s``."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"


def columns(rows: Iterable[Sequence[Cell]], right: Collection[int] = (), indent: int = 0) -> list[Text]:
    """Rows as lines of aligned columns, two spaces apart; columns in ``right`` are flush right.

    Columns of words are wrapped where the lines would be longer than ``line_width``; nothing is cut off.
    """
    from rich.text import Text  # noqa: PLC0415 - most of what only counts shows no columns

    table = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    natural = [max(cell.cell_len for cell in column if cell is not None) for column in zip_longest(*table)]
    words = [max((_longest(cell) for cell in column if cell is not None), default=0) for column in zip_longest(*table)]
    widths = fitted(natural, words, line_width() - indent - 2 * (len(natural) - 1))
    lines = []
    for row in table:
        parts = [_wrapped(cell, widths[i]) for i, cell in enumerate(row)]
        for cells in zip_longest(*parts, fillvalue=Text("")):
            line = Text(" " * indent)
            for i, cell in enumerate(cells):
                gap = " " * (widths[i] - cell.cell_len)
                line.append_text(Text.assemble(gap, cell) if i in right else Text.assemble(cell, gap))
                line.append("  ")
            line.rstrip()
            lines.append(line)
    return lines


def paragraph(text: Cell, indent: int = 0) -> list[Text]:
    """A sentence in lines of the terminal's width; those after the first are two columns further in."""
    from rich.text import Text  # noqa: PLC0415 - as above

    whole = text if isinstance(text, Text) else Text(text)
    lines = _wrapped(whole, line_width() - indent - 2)
    return [Text(" " * (indent + 2 * (i > 0))).append_text(line) for i, line in enumerate(lines)]


def line_width() -> int:
    """Columns of the terminal (or of COLUMNS); 80 where there is none, so that files read the same everywhere."""
    return get_terminal_size((80, 24)).columns


def fitted(widths: Sequence[int], words: Sequence[int], room: int) -> list[int]:
    """Widths of columns that take no more than ``room`` together, if their longest words let them: the widest column
    gives way first.

    >>> fitted([5, 40, 60], [5, 9, 9], 80)
    [5, 38, 37]
    """
    found = list(widths)
    while sum(found) > room:
        at = max(range(len(found)), key=lambda i: (found[i] > words[i], found[i], i))
        if found[at] <= words[at]:
            return found
        found[at] -= 1
    return found


def _longest(cell: Text) -> int:
    """The length of the longest word; all of a cell that has several styles, which is not wrapped."""
    return cell.cell_len if cell.spans else max(map(len, cell.plain.split()), default=0)


def _wrapped(cell: Text, width: int) -> list[Text]:
    """The cell as lines of at most ``width``, broken between words."""
    if cell.cell_len <= width or cell.spans:
        return [cell]
    from rich.text import Text  # noqa: PLC0415 - as above

    parts = wrap(cell.plain, width, break_long_words=False, break_on_hyphens=False)
    return [Text(part, cell.style) for part in parts]


def some(names: Sequence[str], most: int = 4) -> str:
    """Names in a row; beyond ``most``, the first and how many more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
