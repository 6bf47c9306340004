"""``validate``: intents checked against a topology, with warnings about policies that never match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering, problem_json
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import count
from clos.controller.cli.render.warnings import warnings
from clos.controller.cli.sources import Intents, TopologyPath, read
from clos.controller.explain.inputs import Inputs
from clos.controller.intent import Problem

if TYPE_CHECKING:
    from rich.text import Text

Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when there are warnings, too.")]


@answering
def validate(
    intents: Intents, topology: TopologyPath = None, state: StateDir = DEFAULT, strict: Strict = False
) -> Answer:
    """Check intents against a topology.

    Every problem is listed at once, as FILE:LINE:COLUMN: PATH: MESSAGE, and the exit code is then 1. What is valid but
    surely not meant is a warning: a policy, or one of its services, that never matches.
    """
    wanted = read(topology, intents, state)
    found = list(warnings(wanted.intent))
    data = {"valid": True, "counts": _counts(wanted), "warnings": [problem_json(each) for each in found]}
    return Answer(data, lambda: _sound(wanted, found), FAILED if strict and found else OK)


def _counts(wanted: Inputs) -> Json:
    tenants = wanted.intent.tenants.values()
    return {
        "tenants": len(tenants),
        "networks": sum(len(tenant.networks) for tenant in tenants),
        "endpoints": sum(len(tenant.endpoints) for tenant in tenants),
        "groups": sum(len(tenant.groups) for tenant in tenants),
        "policies": sum(len(tenant.policies) for tenant in tenants),
        "shares": len(wanted.intent.shares),
    }


_ONE = {"policies": "policy"}
"""The names of one of what ``_counts`` counts, where it is not the other without its s."""


def _sound(wanted: Inputs, found: Sequence[Problem]) -> Iterator[Text | str]:
    if found:
        from rich.text import Text  # noqa: PLC0415 - most intents have no warning

        yield from (Text.assemble(("warning", "yellow"), f": {each}") for each in found)
    parts = [count(number, _ONE.get(name, name.removesuffix("s")), name) for name, number in _counts(wanted).items()]
    more = f"; {count(len(found), 'warning')}" if found else ""
    yield f"Valid on {wanted.topology.name}: {', '.join(parts)}{more}."
