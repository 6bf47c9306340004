"""What a question is about: a topology and the intents for it, read, checked, and compiled on demand.

Must not know: flags, the running controller, what is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clos.controller.explain.errors import BadQuestion, InvalidInputs, invalid
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.controller.intent.topology.identity import NOBODY, identities_of
from clos.fabric.topology import Topology

if TYPE_CHECKING:
    from clos.controller.compile import Compiled
    from clos.controller.compile.numbering import Numbering
    from clos.controller.impact.endpoint_pairs import Snapshot

Source = Path | Text
"""A file or directory, or a document that came from elsewhere."""


class Inputs(NamedTuple):
    """A topology and the intents for it, read and checked.

    ``numbering``: the numbers that a revision gave them; None: the compiler is free to choose.
    """

    topology: Topology
    intent: Intent
    numbering: Numbering | None = None

    @property
    def snapshot(self) -> Snapshot:
        """As one side of a comparison."""
        from clos.controller.impact.endpoint_pairs import Snapshot  # noqa: PLC0415 - what only reads documents compares none

        return Snapshot(self.intent, self.topology)

    def compiled(self, previous: Compiled | None = None) -> Compiled:
        """Raises InvalidInputs when the intents do not fit into the pipeline."""
        from clos.controller.compile import CompileError, compile_fabric  # noqa: PLC0415 - what only checks compiles nothing

        try:
            return compile_fabric(self.intent, self.topology, self.numbering, previous)
        except CompileError as error:
            raise InvalidInputs(str(error)) from None


def load_inputs(
    topology: Source, intents: Sequence[Source], numbering: Numbering | None = None, before: Topology | None = None
) -> Inputs:
    """The values of these sources. ``before``: as for ``read_topology``.

    Raises BadQuestion for a path that is not there, InvalidInputs with every problem.
    """
    fabric = read_topology(topology, before)
    return Inputs(fabric, read_intents(intents, fabric), numbering)


def read_topology(source: Source, before: Topology | None = None) -> Topology:
    """``before``: an earlier topology of the fabric, whose switches keep their identities. Raises likewise."""
    known = identities_of(before) if before else NOBODY
    topology, problems = load_topology(existing(source), known)
    if topology is None:
        raise invalid(problems)
    return topology


def read_intents(sources: Sequence[Source], topology: Topology) -> Intent:
    """The intents of these sources on a topology. Raises as ``load_inputs``."""
    intent, problems = load_intent([existing(source) for source in sources], topology)
    if intent is None:
        raise invalid(problems)
    return intent


def existing(source: Source) -> Source:
    """The source. Raises BadQuestion for a path that is not there."""
    if isinstance(source, Path) and not source.exists():
        raise BadQuestion(f"{source}: no such file or directory")
    return source
