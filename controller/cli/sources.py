"""From paths to values: what commands read, and what they say when it cannot be read.

Lives here: loading topologies and intents from files, or those in force from the controller, and compiling them.
Must not know: what is asked about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from clos.controller.cli.answer import FAILED, UNCHECKED, Json, Stop, failed, usage
from clos.controller.cli.remote import DEFAULT, controller, running
from clos.controller.intent import Problem, Text, load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.controller.intent.topology.identity import NOBODY, identities_of
from clos.fabric.topology import Topology

if TYPE_CHECKING:
    from clos.controller.compile import Compiled
    from clos.controller.compile.numbering import Numbering
    from clos.controller.impact.endpoint_pairs import Snapshot

Source = Path | Text
"""A file or directory, or a document that came from elsewhere."""

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


class Wanted(NamedTuple):
    """A topology and the intents for it, read and checked.

    ``numbering``: the numbers that a revision gave them; None: the compiler is free to choose.
    """

    topology: Topology
    intent: Intent
    numbering: Numbering | None = None

    @property
    def side(self) -> Snapshot:
        """As one side of a comparison."""
        from clos.controller.impact.endpoint_pairs import Snapshot  # noqa: PLC0415 - what only reads documents compares none

        return Snapshot(self.intent, self.topology)

    def compiled(self, previous: Compiled | None = None) -> Compiled:
        """Raises Stop (FAILED) when the intents do not fit into the pipeline."""
        from clos.controller.compile import CompileError, compile_fabric  # noqa: PLC0415 - what only checks compiles nothing

        try:
            return compile_fabric(self.intent, self.topology, self.numbering, previous)
        except CompileError as error:
            raise failed(str(error)) from None


def read(topology: Path | None, intents: Sequence[Path] | None, state: Path = DEFAULT) -> Wanted:
    """The values of these files; what is not given is taken from the revision in force.

    Raises Stop: USAGE for a path that is not there, FAILED with every problem, UNCHECKED without a controller.
    """
    if topology and intents:
        return loaded(topology, intents)
    if intents and not running(state):
        raise usage("missing --topology FILE")
    held = in_force(state)
    return loaded(topology or held.topology, intents or held.intents, held.numbering)


def loaded(
    topology: Source, intents: Sequence[Source], numbering: Numbering | None = None, before: Topology | None = None
) -> Wanted:
    """The values of these sources. ``before``: as for ``read_topology``."""
    fabric = read_topology(topology, before)
    return Wanted(fabric, read_intents(intents, fabric), numbering)


def read_topology(source: Source, before: Topology | None = None) -> Topology:
    """``before``: an earlier topology of the fabric, whose switches keep their identities."""
    known = identities_of(before) if before else NOBODY
    topology, problems = load_topology(_there(source), known)
    if topology is None:
        raise refused(problems)
    return topology


def read_intents(sources: Sequence[Source], topology: Topology) -> Intent:
    intent, problems = load_intent([_there(source) for source in sources], topology)
    if intent is None:
        raise refused(problems)
    return intent


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
        _there(path)
        files = sorted(p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"}) if path.is_dir() else [path]
        for file in files:
            try:
                found[str(file)] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise usage(f"{file}: cannot be read: {error}") from None
    return found


def refused(problems: Sequence[Problem]) -> Stop:
    """The refusal that lists every problem."""
    return Stop(FAILED, *_listed(problems))


def unreadable(problems: Sequence[Problem]) -> Stop:
    """The same for what is no document of the person's own, such as a dump: no answer, rather than a no."""
    return Stop(UNCHECKED, *_listed(problems))


def _listed(problems: Sequence[Problem]) -> tuple[str, Sequence[Problem], Json]:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return count, problems, {"problems": [problem_json(problem) for problem in problems]}


def problem_json(problem: Problem) -> Json:
    """``{"file", "line", "column", "path", "message"}``."""
    return problem._asdict()


def _there(source: Source) -> Source:
    if isinstance(source, Path) and not source.exists():
        raise usage(f"{source}: no such file or directory")
    return source
