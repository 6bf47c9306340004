"""What a lab is ordered with: a topology and intents as documents, read or refused.

Lives here: reading them. Must not know: how a lab is built, where documents come from.
"""

from __future__ import annotations

from collections.abc import Sequence

from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.fabric.topology import Topology
from clos.lab.ovs.processes import LabError


class Invalid(LabError):
    """The documents have problems: one on each line."""


def read(document: Text, documents: Sequence[Text]) -> tuple[Topology, Intent]:
    """The topology, and the intents on it. Raises Invalid with all problems of the first that has any."""
    topology, problems = load_topology(document)
    if topology is None:
        raise Invalid("\n".join(map(str, problems)))
    intent, problems = load_intent(list(documents), topology)
    if intent is None:
        raise Invalid("\n".join(map(str, problems)))
    return topology, intent
