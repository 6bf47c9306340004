"""``schema``: the JSON Schema of documents, for editors."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering
from clos.controller.intent import json_schema


class Kind(StrEnum):
    """The kinds of documents there are a schema for."""

    ANY, TENANT, SHARE, TOPOLOGY = "any", "tenant", "share", "topology"


@answering
def schema(
    kind: Annotated[
        Kind,
        typer.Argument(metavar="[any|tenant|share|topology]", help="Which documents; any: whatever they say they are."),
    ] = Kind.ANY,
) -> Answer:
    """Print the JSON Schema of intents and topologies, for editors.

    Editors with a YAML language server use it where a file begins with "# yaml-language-server: $schema=FILE".
    """
    text = json.dumps(json_schema(None if kind is Kind.ANY else kind.capitalize()), indent=2)
    return Answer(iter((text, "\n")), lambda: [text])
