"""``init``: intents to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.explain.inputs import read_topology
from clos.controller.intent.importers.starter import starter
from clos.controller.intent.importers.writing import write_tenant
from clos.controller.intent.schema.notation import NAME, SUBNET

NOTE = """\
# A start: every host of the topology in one network, everybody may reach everybody.
# Give endpoints their addresses, then replace the policy by who may reach whom.
"""


@answering
def init(
    topology: Annotated[Path, typer.Option("--topology", "-t", metavar="FILE", help="The topology.")],
    tenant: Annotated[str, typer.Option("--tenant", metavar="NAME", help="What the tenant is called.")] = "main",
    subnet: Annotated[str, typer.Option("--subnet", metavar="SUBNET", help="Addresses of the hosts.")] = "10.0.0.0/16",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, which must not exist yet.")
    ] = None,
) -> Answer:
    """Write permissive intents for the hosts of a topology, to begin with.

    One tenant with one network; every access and trunk host has an endpoint there, and all may reach all. Legacy hosts
    are left out: what is behind them the topology does not say.
    """
    for shape, word in ((NAME, tenant), (SUBNET, subnet)):
        try:
            shape.parse(word)
        except ValueError as error:
            raise usage(f"{word}: {error}") from None
    fabric = read_topology(topology)
    try:
        text = NOTE + write_tenant(starter(fabric, tenant, SUBNET.parse(subnet)))
    except ValueError as error:
        raise usage(str(error)) from None
    if output is None:
        return Answer({"text": text}, lambda: [text.rstrip("\n")])
    try:
        with output.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise usage(f"{output} is there already: name another file, or remove it") from None
    except OSError as error:
        raise usage(f"{output}: {error.strerror}") from None
    return Answer({"file": str(output)}, lambda: [f"Wrote {output}."])
