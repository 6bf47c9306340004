"""From paths to values: what commands read, and what they say when it cannot be read.

Lives here: loading topologies and intents from files, or those in force from the controller, and compiling them.
Must not know: what is asked about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from clos.controller.cli.answer import UNCHECKED, Stop, listing, usage
from clos.controller.cli.remote import DEFAULT, controller, running
from clos.controller.explain.errors import invalid
from clos.controller.explain.inputs import Inputs, existing, load_inputs
from clos.controller.input_file import read_input, reason
from clos.controller.intent import Problem, Text
from clos.controller.intent.source import MAX_BYTES
from clos.controller.printable import escaped

if TYPE_CHECKING:
    from clos.controller.compile.numbering import Numbering

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


def read(topology: Path | None, intents: Sequence[Path] | None, state: Path = DEFAULT) -> Inputs:
    """The values of these files; what is not given is taken from the revision in force.

    Raises as ``load_inputs``, and Stop: UNCHECKED without a controller.
    """
    if topology and intents:
        return load_inputs(topology, intents)
    if intents and not running(state):
        raise usage("missing --topology FILE")
    held = in_force(state)
    return load_inputs(topology or held.topology, intents or held.intents, held.numbering)


class Held(NamedTuple):
    """A revision's documents, and the numbers it gave to what is in them: compiled with these, its very rules."""

    topology: Text
    intents: list[Text]
    numbering: Numbering


def in_force(state: Path, number: int = 0) -> Held:
    """A revision of the controller; 0: the one in force."""
    from clos.controller.compile.numbering import from_json  # noqa: PLC0415 - for what a controller holds

    with controller(state) as client:
        number = number or client.status()["revision"]
        if not number:
            raise usage("no revision is in force yet: pass --topology FILE and INTENTS")
        found = client.revision(number)
    intents = [Text(*item) for item in found["sources"].items()]
    return Held(Text("topology.yaml", found["topology"]), intents, from_json(found["numbering"]))


def documents(paths: Sequence[Path]) -> dict[str, str]:
    """The texts of files, and of all YAML files in directories, by name: what the controller is sent."""
    found = {}
    for path in paths:
        existing(path)
        files = sorted(p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"}) if path.is_dir() else [path]
        for file in files:
            try:
                found[escaped(str(file))] = read_input(file, MAX_BYTES).decode()
            except (OSError, UnicodeDecodeError) as error:
                raise usage(f"{escaped(str(file))}: cannot be read: {reason(error)}") from None
    return found


def unreadable(problems: Sequence[Problem]) -> Stop:
    """For what is no document of the person's own, such as a dump: no answer, rather than a no."""
    return listing(UNCHECKED, invalid(problems))
