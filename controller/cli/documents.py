"""Documents as texts, for a controller that reads them itself, and the options that name them.

Lives here: files and directories to texts. Must not know: what is in them: whoever only sends them loads no parser.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import usage
from clos.controller.explain.errors import BadQuestion
from clos.controller.input_file import LARGEST_DOCUMENT, read_input, reason
from clos.controller.printable import escaped

TopologyPath = Annotated[
    Path | None,
    typer.Option(
        "--topology", "-t", metavar="FILE", envvar="CLOS_TOPOLOGY", help="The topology; by default the one in force."
    ),
]
Intents = Annotated[list[Path], typer.Argument(metavar="INTENTS...", help="Intent files, or directories of them.")]
IntentPaths = Annotated[
    list[Path] | None, typer.Argument(metavar="[INTENTS...]", help="Intents; by default those in force.")
]


OneTenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="NAME", help="Replace only this tenant's documents; all others stay in force."),
]


def documents(paths: Sequence[Path]) -> dict[str, str]:
    """The texts of files, and of all YAML files in directories, by name: what the controller is sent."""
    found = {}
    for path in paths:
        if not path.exists():
            raise BadQuestion(f"{path}: no such file or directory")
        files = sorted(p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"}) if path.is_dir() else [path]
        if not files:
            raise BadQuestion(f"{path}: no *.yaml or *.yml files in this directory; nothing was asked or sent")
        for file in files:
            try:
                found[escaped(str(file))] = read_input(file, LARGEST_DOCUMENT).decode()
            except (OSError, UnicodeDecodeError) as error:
                raise usage(f"{escaped(str(file))}: cannot be read: {reason(error)}") from None
    return found
