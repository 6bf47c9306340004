"""``migrate``: discover a legacy network, and show what was discovered."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import FAILED, OK, Answer, answering, unchecked, usage
from clos.controller.cli.render.migration import VIEWS, summary
from clos.controller.migrate.discover.assemble import Collected, network
from clos.controller.migrate.discover.files import NoOutputs, collect, keep
from clos.controller.migrate.model import Network
from clos.controller.migrate.network_json import network_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Move a legacy EIGRP/PVST+ network onto the fabric: discover it, and show it.",
)

View = Enum("View", [(name, name) for name in VIEWS])  # type: ignore[misc]
SUMMARY = View("summary")


@app.command()
@answering
def discover(
    from_files: Annotated[
        Path | None,
        typer.Option(
            "--from-files", metavar="DIR", help="Read outputs from files: DEVICE/show_*.txt, or configs/ and show/."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the outputs there, secrets removed.")
    ] = None,
) -> Answer:
    """Read a legacy network: configurations and tables of its devices, held against one another.

    Exits with 1 when a line was not understood, an output is missing or two sources contradict each other.
    """
    if from_files is None:
        raise usage("say what to read: --from-files DIR")
    devices = _collected(from_files)
    if out is not None:
        try:
            keep(devices, out)
        except OSError as fault:
            raise unchecked(f"the outputs cannot be kept in {out}: {fault.strerror}") from None
    return _answer(network(devices))


def _answer(found: Network) -> Answer:
    problems = found.unparsed or found.contradictions or found.missing
    return Answer(network_json(found), lambda: summary(found), FAILED if problems else OK)


@app.command()
@answering
def show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where outputs were kept.")],
    view: Annotated[View, typer.Argument(metavar="[VIEW]", help=f"One of {', '.join(VIEWS)}.")] = SUMMARY,
) -> Answer:
    """Show a discovered network as tables, or with --json every value of it."""
    found = network(_collected(directory))
    return Answer(network_json(found), lambda: VIEWS[view.value](found))


def _collected(directory: Path) -> tuple[Collected, ...]:
    try:
        return collect(directory)
    except NoOutputs as fault:
        raise usage(str(fault)) from None
    except OSError as fault:
        raise usage(f"{directory} cannot be read: {fault.strerror}") from None
