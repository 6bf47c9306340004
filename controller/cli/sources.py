"""From paths to values: what commands read, and what they say when it cannot be read.

Lives here: loading topologies and intents from files, or those in force from the controller, and compiling them.
Must not know: what is asked about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clos.controller.cli.answer import UNCHECKED, Stop, listing, usage
from clos.controller.cli.documents import IntentPaths, Intents, TopologyPath, documents
from clos.controller.cli.remote import DEFAULT, controller, running
from clos.controller.explain.errors import invalid
from clos.controller.explain.inputs import Inputs, load_inputs
from clos.controller.intent import Problem, Text

if TYPE_CHECKING:
    from clos.controller.compile.numbering import Numbering

__all__ = ["Held", "IntentPaths", "Intents", "TopologyPath", "documents", "in_force", "read", "unreadable"]


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


def unreadable(problems: Sequence[Problem]) -> Stop:
    """For what is no document of the person's own, such as a dump: no answer, rather than a no."""
    return listing(UNCHECKED, invalid(problems))
