"""What tests have to say at the end: figures that workers noted, added up and printed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.figures import FIGURES

pytest_plugins = ["tests.support.controller_fixtures", "tests.support.lab_ready", "tests.support.run_limits"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded under ``FIGURES``: a table's title, its rows of counts, notes below it."""
    rows: dict[str, dict[str, Counter[str]]] = {}
    notes: dict[str, list[str]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, found in report.user_properties:
            if name == FIGURES:
                table = rows.setdefault(found["table"], {})
                for row, counts in found["rows"].items():
                    table.setdefault(row, Counter()).update(counts)
                notes.setdefault(found["table"], []).extend(found["notes"])
    for title, table in rows.items():
        _print(terminalreporter, title, table, notes[title])


def _print(out: pytest.TerminalReporter, title: str, table: dict[str, Counter[str]], notes: list[str]) -> None:
    out.section(title)
    columns = list(dict.fromkeys(name for counts in table.values() for name in counts))
    out.line(f"{'':18}" + "".join(f"{name:>16}" for name in columns))
    every: Counter[str] = Counter()
    for row, counts in sorted(table.items()):
        out.line(f"{row:18}" + "".join(f"{counts[name]:>16}" for name in columns))
        every.update(counts)
    out.line(f"{'all':18}" + "".join(f"{every[name]:>16}" for name in columns))
    for note in dict.fromkeys(notes):
        out.line(note)
