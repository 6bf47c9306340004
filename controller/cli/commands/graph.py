"""``graph``: a fabric as a picture."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.diagram import dot, mermaid
from clos.controller.cli.render.svg import svg
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.explain.inputs import read_topology
from clos.controller.intent.model import Intent
from clos.fabric.topology import Topology


class Notation(StrEnum):
    """What a picture is written in."""

    SVG, DOT, MERMAID = "svg", "dot", "mermaid"


SUFFIXES = {".svg": Notation.SVG, ".dot": Notation.DOT, ".gv": Notation.DOT, ".mmd": Notation.MERMAID}

FormatOption = Annotated[
    Notation | None,
    typer.Option("--format", metavar="svg|dot|mermaid", help="The notation; default: by FILE's suffix, else svg."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to FILE (.svg, .dot, .gv, .mmd) instead of stdout."),
]


@answering
def graph(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    notation: FormatOption = None,
    output: Output = None,
) -> Answer:
    """Draw a fabric as SVG, DOT or Mermaid.

    With intents, SVG shows whose hosts are whose.
    """
    chosen = notation or (_by_suffix(output) if output else Notation.SVG)
    alone = topology if not intents else None
    fabric, intent = (read_topology(alone), None) if alone else read(topology, intents, state)[:2]
    text = drawn(fabric, intent, chosen)
    if output is None:
        return Answer({"format": str(chosen), "text": text}, lambda: [text.rstrip("\n")])
    try:
        output.write_text(text)
    except OSError as error:
        raise usage(f"{output}: {error.strerror}") from None
    return Answer({"format": str(chosen), "file": str(output)}, lambda: [f"Wrote {output}."])


def _by_suffix(output: Path) -> Notation:
    """What a file of this name is to be written in. Raises Stop (USAGE) for a name that does not say."""
    found = SUFFIXES.get(output.suffix.lower())
    if found is None:
        known = ", ".join(SUFFIXES)
        raise usage(f"{output}: cannot write {output.suffix or 'a file without suffix'}; use {known}, or pass --format")
    return found


def drawn(topology: Topology, intent: Intent | None, notation: Notation) -> str:
    """The picture's text."""
    if notation is Notation.DOT:
        return dot(topology)
    if notation is Notation.MERMAID:
        return mermaid(topology)
    return svg(topology, _owners(intent) if intent else None)


def _owners(intent: Intent) -> dict[str, tuple[str, ...]]:
    """The tenants on each host."""
    found: dict[str, dict[str, None]] = {}
    for tenant in intent.tenants.values():
        for endpoint in tenant.endpoints.values():
            found.setdefault(endpoint.host, {})[tenant.name] = None
    return {host: tuple(tenants) for host, tenants in found.items()}
