"""From paths to values: what commands read, and what they say when it cannot be read.

Lives here: loading topologies and intents, compiling them, and the problems that end a command. Must not know:
what is asked about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from controller.cli.answer import Json, Stop, failed, usage
from controller.compile import Compiled, compile_fabric
from controller.intent import Problem, load_intent, load_topology
from controller.intent.model import Intent
from fabric.topology import Topology

TopologyPath = Annotated[
    Path, typer.Option("--topology", "-t", metavar="FILE", help="The topology.", envvar="CLOS_TOPOLOGY")
]
IntentPaths = Annotated[list[Path], typer.Argument(metavar="INTENTS...", help="Intent files, or directories of them.")]


class Wanted(NamedTuple):
    """A topology and the intents for it, read and checked."""

    topology: Topology
    intent: Intent

    def compiled(self) -> Compiled:
        return compile_fabric(self.intent, self.topology)


def read(topology: Path, intents: Sequence[Path]) -> Wanted:
    """The values of these files. Raises Stop: USAGE for a path that is not there, FAILED with every problem."""
    fabric = read_topology(topology)
    return Wanted(fabric, read_intents(intents, fabric))


def read_topology(path: Path) -> Topology:
    topology, problems = load_topology(_there(path))
    if topology is None:
        raise refused(problems)
    return topology


def read_intents(paths: Sequence[Path], topology: Topology) -> Intent:
    intent, problems = load_intent([_there(path) for path in paths], topology)
    if intent is None:
        raise refused(problems)
    return intent


def refused(problems: Sequence[Problem]) -> Stop:
    """The refusal that lists every problem."""
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return failed(count, problems, problems=[problem_json(problem) for problem in problems])


def problem_json(problem: Problem) -> Json:
    """``{"file", "line", "column", "path", "message"}``."""
    return problem._asdict()


def _there(path: Path) -> Path:
    if not path.exists():
        raise usage(f"{path}: no such file or directory")
    return path
