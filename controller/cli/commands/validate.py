"""``validate``, ``compile`` and ``schema``: intents by themselves, no fabric needed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Json, Lines, answering, problem_json
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import columns, count
from clos.controller.cli.sources import IntentPaths, Intents, TopologyPath, read
from clos.controller.cli.warnings import warnings
from clos.controller.explain.inputs import Inputs
from clos.controller.intent import Problem, json_schema

if TYPE_CHECKING:
    from clos.fabric.dataplane.ruleset import Ruleset

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
    yield from (Text.assemble(("warning", "yellow"), f": {each}") for each in found)
    parts = [count(number, _ONE.get(name, name.removesuffix("s")), name) for name, number in _counts(wanted).items()]
    more = f"; {count(len(found), 'warning')}" if found else ""
    yield f"Valid on {wanted.topology.name}: {', '.join(parts)}{more}."


@answering
def compile_(intents: IntentPaths = None, topology: TopologyPath = None, state: StateDir = DEFAULT) -> Answer:
    """Compile intents to OpenFlow rules.

    Prints how many entries each switch gets; --json prints all of them, in the form that docs/cli.md describes.
    """
    from clos.controller.plan import ruleset_json  # noqa: PLC0415 - validate, of the same module, plans nothing

    ruleset = read(topology, intents, state).compiled().ruleset
    return Answer(ruleset_json(ruleset), lambda: _sizes(ruleset))


def _sizes(ruleset: Ruleset) -> Lines:
    """Entries by switch, rules by table; blocks are counted once, however many switches hold them."""
    from clos.controller.compile import STAGES  # noqa: PLC0415 - as above

    names = [stage.name for stage in STAGES]
    found: dict[str, Counter[str]] = {switch: Counter() for switch in ruleset.switches}
    for block, switches in ruleset.placed():
        counts = Counter(names[rule.table] for rule in block.rules)
        counts += Counter(rules=len(block.rules), groups=len(block.groups), meters=len(block.meters))
        for switch in switches:
            found[switch].update(counts)
    titles = ("rules", "groups", "meters", *names)
    rows = [(switch, *(f"{counts[title]:,}" for title in titles)) for switch, counts in found.items()]
    return columns([("switch", *titles), *rows], right=range(1, len(titles) + 1))


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
