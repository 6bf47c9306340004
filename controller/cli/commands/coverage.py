"""``coverage``: which rules, and which lines of the documents, the packets of a test run have touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering, usage
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import columns, count
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.compile import origins
from clos.controller.explain.inputs import Inputs
from clos.controller.input_file import MIB, read_input, reason
from clos.controller.probe.coverage import Entries
from clos.controller.probe.gather import gather
from clos.controller.probe.touched import Account, BadRun, Sent, TouchedLine, account, of_entries, read_run

Runs = Annotated[
    list[Path] | None,
    typer.Option("--run", metavar="FILE", help="What pytest --clos-coverage=FILE wrote; repeatable."),
]
Least = Annotated[float, typer.Option("--fail-under", min=0, max=100, metavar="PERCENT", help="Of lines, else exit 1.")]
Every = Annotated[bool, typer.Option("--all", help="List lines that are touched, too.")]
MOST_BYTES = 256 * MIB


@answering
def coverage(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    run: Runs = None,
    least: Least = 0.0,
    every: Every = False,
) -> Answer:
    """Show which rules and which lines of the documents a test run has touched.

    Lists what it has not. A run is what pytest --clos-coverage=FILE wrote: the packets its tests sent. Without --run,
    the packets of probe --cover: all that hosts can be found to send. A line is touched when a packet meets a rule
    that it causes.
    """
    wanted = read(topology, intents, state)
    found = _counted(wanted, run or [])
    code = FAILED if found.percent < least else OK
    return Answer(_json(found), lambda: _lines(found, bool(run), every, least), code)


def _counted(wanted: Inputs, runs: Sequence[Path]) -> Account:
    entries = Entries(wanted.compiled().ruleset, wanted.topology)
    known = origins(wanted.intent)
    if not runs:
        pool = gather(entries, wanted.intent)
        return of_entries(entries, {n for one in pool for n in one.meeting.met}, len(pool), known)
    packets = list(dict.fromkeys(sent for path in runs for sent in _packets(path)))
    strange = sorted({str(at) for at, _ in packets if at not in wanted.topology.host_at})
    if strange:
        raise usage(f"{', '.join(strange[:3])}: no host's port of this topology; pass the topology of the run")
    return account(entries, packets, known)


def _packets(path: Path) -> list[Sent]:
    try:
        return read_run(read_input(path, MOST_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{path}: cannot be read: {reason(error)}") from None
    except BadRun as wrong:
        raise usage(f"{path}: {wrong}") from None


def _json(found: Account) -> Json:
    return {
        "packets": found.packets,
        "rules": found.rules,
        "rules_met": found.met,
        "lines": len(found.lines),
        "lines_touched": found.touched,
        "percent": round(found.percent, 1),
        "tables": [{"table": table, "rules": rules, "met": met} for table, (rules, met) in found.tables.items()],
        "objects": [_object(line) for line in found.lines],
    }


def _object(line: TouchedLine) -> Json:
    return {
        "path": line.path,
        "file": line.where.file,
        "line": line.where.line,
        "rules": line.rules,
        "met": line.met,
    }


def _lines(found: Account, of_run: bool, every: bool, least: float) -> Iterator[Text | str]:
    shown = [line for line in found.lines if every or not line.met]
    if shown:
        head = ("met", "of rules", "object", "line")
        yield from columns([head, *map(_row, shown)], right=(0, 1))
    what = "the run's tests" if of_run else "probe --cover"
    yield f"{count(found.packets, 'packet')} of {what}: {found.met:,} of {count(found.rules, 'rule')} met, "
    yield f"{found.touched:,} of {count(len(found.lines), 'line')} touched ({found.percent:.1f}%)."
    if found.percent < least:
        yield Text(f"Less than {least:g}% of lines.", "red")


def _row(line: TouchedLine) -> tuple[Text | str, ...]:
    met = f"{line.met:,}" if line.met else Text("none", "yellow")
    return met, f"{line.rules:,}", line.path, str(line.where)
