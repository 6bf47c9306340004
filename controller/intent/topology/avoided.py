"""Cables that Clos itself keeps out of use, written behind a topology's text.

Lives here: the ``Avoided`` document. Must not know: why a cable is avoided, who decides it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from clos.controller.intent.schema.notation import API_VERSION, NAME, document
from clos.controller.intent.schema.shapes import Key, ListOf, Record
from clos.controller.intent.schema.topology_keys import PORT
from clos.fabric.topology import PortRef

MARK = "\n---\n# Kept by Clos: cables that it keeps out of use, by their leaves' ports.\n"
"""Begins what ``with_avoided`` adds to a document."""
AVOIDED = document(
    "Avoided",
    Record("metadata", (Key("name", NAME, "The fabric's name.", required=True),)),
    Record("avoided", (Key("ports", ListOf(PORT), "Ports of leaves.", required=True),)),
    "Cables that Clos keeps out of use.",
)


def with_avoided(text: str, fabric: str, ports: Collection[PortRef]) -> str:
    """A topology's text with these cables kept out of use, instead of those that were."""
    alone = text.partition(MARK)[0]
    if not ports:
        return alone
    head = f"apiVersion: {API_VERSION}\nkind: Avoided\nmetadata: {{name: {fabric}}}\nspec:\n  ports:\n"
    return alone + MARK + head + "".join(f"    - {port}\n" for port in sorted(ports))


def avoided_of(text: str) -> frozenset[PortRef]:
    """The cables that Clos keeps out of use, by the text of a topology in force."""
    return frozenset(_ports(text.partition(MARK)[2]))


def _ports(block: str) -> Iterator[PortRef]:
    for line in block.splitlines():
        dash, _, port = line.strip().partition("- ")
        if not dash and port:
            switch, _, number = port.rpartition(":")
            yield PortRef(switch, int(number))
