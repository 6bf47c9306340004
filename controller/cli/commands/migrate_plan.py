"""``migrate plan``: phases with commands, checks and the way back, from a discovered network and a fabric."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clos.controller.cli.answer import (
    FAILED,
    OK,
    Answer,
    answering,
    complain,
    failed,
    listing,
    unchecked,
    usage,
)
from clos.controller.cli.render.text import columns, count
from clos.controller.cli.sources import documents
from clos.controller.explain.errors import invalid
from clos.controller.explain.inputs import existing
from clos.controller.intent.source import Text
from clos.controller.intent.topology.file import load_topology
from clos.controller.migrate.discover.assemble import Collected, network
from clos.controller.migrate.discover.files import NoOutputs, collect
from clos.controller.migrate.discover.readers import RUNNING_CONFIG
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.plan.config_change import NoInverse
from clos.controller.migrate.plan.ground import Unplannable
from clos.controller.migrate.plan.make import Planned, Wishes, make
from clos.controller.migrate.plan.plan_json import plan_text
from clos.controller.migrate.plan.refusals import NAMES
from clos.controller.migrate.plan.writing import files, write
from clos.controller.migrate.predict.stp_changes import BadChange, vlan_list
from clos.controller.migrate.segmentation.planes import TooMany
from clos.controller.migrate.segmentation.proof import MORE
from clos.controller.migrate.segmentation.rules import NotUnderstood

if TYPE_CHECKING:
    from rich.text import Text as RichText

    from clos.fabric.topology import Topology

Way = Enum("Way", [(name, name) for name in ("strict", "exact", "lenient")])  # type: ignore[misc]
STRICT = Way("strict")
Accept = Enum("Accept", [(name, name) for name in NAMES])  # type: ignore[misc]


Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Where discovery kept the network's outputs.")]
TopologyFile = Annotated[
    Path, typer.Option("--topology", "-t", metavar="FILE", envvar="CLOS_TOPOLOGY", help="The fabric's topology.")
]
Out = Annotated[Path, typer.Option("--out", metavar="PLANDIR", help="A new directory for the plan.")]
Borders = Annotated[
    list[str] | None,
    typer.Option(
        "--border",
        metavar="HOST=DEVICE:PORT",
        help="A cable between the two: the fabric's host of mode legacy, and the legacy port. The first carries the "
        "VLANs, the others are ready.",
    ),
]
Only = Annotated[str | None, typer.Option("--only-vlan", metavar="LIST", help="Only these VLANs: 10,20-29.")]
Translation = Annotated[
    Way,
    typer.Option(
        "--translation",
        help="What becomes of access lists where intents cannot say the same. strict: no protocol and port more. "
        "exact: no packet more. lenient: whoever may open a conversation may go on doing so.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="The same as --translation strict, which is the default.")]
TransitVlan = Annotated[
    str | None, typer.Option("--transit", metavar="VLAN:SUBNET", help="The VLAN between the two; else a free one.")
]
TableSize = Annotated[
    int | None, typer.Option("--table-size", min=1, metavar="RULES", help="Rules that a switch of the fabric can hold.")
]
Accepted = Annotated[
    list[Accept] | None, typer.Option("--accept", help="Plan although discovery left this open. Several times.")
]


@answering
def plan_(
    directory: Directory,
    topology: TopologyFile,
    out: Out,
    border: Borders = None,
    only: Only = None,
    translation: Translation = STRICT,
    strict: Strict = False,
    transit: TransitVlan = None,
    table_size: TableSize = None,
    accept: Accepted = None,
) -> Answer:
    """Plan a migration: phases 0 to 6 with commands in safe order, checks, predictions, budgets and the way back.

    Writes plan.json for programs, plan.md and plan.html for people, and the fabric's intents after each step; changes
    nothing anywhere. Exits with 1 when there can be no plan, and names every reason.
    """
    if strict and translation is not STRICT:
        raise usage(f"--strict and --translation {translation.value} contradict each other")
    accepted = tuple(each.value for each in accept or ())
    wishes = Wishes(
        _name(directory), tuple(border or ()), translation.value, _vlans(only), transit, accepted, table_size
    )
    planned, content = _made(directory, topology, wishes)
    _write(content, out)
    data = json.loads(plan_text(planned.plan))
    return Answer({**data, "directory": str(out)}, lambda: _lines(planned, out), OK)


def _made(directory: Path, topology: Path, wishes: Wishes) -> tuple[Planned, dict[str, str]]:
    """The plan, and its files by name. Raises Stop with every reason why there is none."""
    fabric, text = _topology(topology)
    devices = _collected(directory)
    configs = {d.name: without_secrets(o.text) for d in devices for o in d.outputs if o.command == RUNNING_CONFIG}
    try:
        planned = make(network(devices), configs, fabric, wishes)
        return planned, files(planned, text)
    except Unplannable as fault:
        reasons = list(fault.reasons)
        raise failed(f"there is no plan: {count(len(reasons), 'reason')}", reasons, reasons=reasons) from None
    except (NotUnderstood, TooMany, NoInverse) as fault:
        raise failed(f"there is no plan: {fault}", (), reasons=[str(fault)]) from None


def _topology(path: Path) -> tuple[Topology, str]:
    existing(path)
    if path.is_dir():
        raise usage(f"{path} is a directory; name the file of the fabric's topology")
    (text,) = documents([path]).values()
    loaded = load_topology(Text(str(path), text))
    if loaded.topology is None:
        raise listing(FAILED, invalid(loaded.problems))
    return loaded.topology, text


def _collected(directory: Path) -> tuple[Collected, ...]:
    try:
        return collect(directory)
    except NoOutputs as fault:
        raise usage(str(fault)) from None
    except OSError as fault:
        raise usage(f"{directory} cannot be read: {fault.strerror}") from None


def _vlans(text: str | None) -> tuple[int, ...]:
    try:
        return () if text is None else tuple(sorted(vlan_list(text)))
    except BadChange as fault:
        raise usage(f"--only-vlan: {fault}") from None


def _name(directory: Path) -> str:
    from clos.controller.migrate.segmentation.vlans import slug  # noqa: PLC0415 - one word of it

    return slug(directory.resolve().name) or "legacy"


def _write(content: dict[str, str], out: Path) -> None:
    try:
        write(content, out)
    except FileExistsError as fault:
        raise usage(f"{fault}: say another --out, or remove it") from None
    except OSError as fault:
        raise unchecked(f"the plan cannot be written to {out}: {fault.strerror}") from None
    complain(f"the plan is in {out}: read plan.html")


def _lines(planned: Planned, out: Path) -> Iterator[RichText | str]:
    plan, proof = planned.plan, planned.ground.segmentation.proof
    rows = [("phase", "steps", "commands", "cables", "longest loss", "needs a yes for")]
    for phase in plan.phases:
        typed = sum(len(c.lines) for step in phase.steps for c in step.commands)
        plugs = sum(len(step.plugs) for step in phase.steps)
        longest = max((b.ms for step in phase.steps for b in step.budgets), default=0)
        brakes = ", ".join(brake.name for brake in phase.brakes) or "nothing"
        name = f"{phase.number} {phase.name}"
        rows.append((name, str(len(phase.steps)), str(typed), str(plugs), f"{longest} ms", brakes))
    yield from columns(rows, right=(1, 2, 3, 4))
    more = sum(d.fabric == MORE for d in plan.differences)
    yield (
        f"Access lists and policies compared for {proof.pairs:,} pairs of endpoints: "
        + ("equal." if proof.equal else f"{count(more, 'difference')} where the fabric permits more, ")
        + ("" if proof.equal else f"{len(plan.differences) - more} where it denies more; all in plan.md.")
    )
    if plan.silent:
        yield f"{count(len(plan.silent), 'thing')} known in part of hosts: see plan.md."
    tightest = max(plan.capacity, key=lambda c: c.rules, default=None)
    if tightest is not None:
        yield f"At most {tightest.rules:,} rules on a switch ({tightest.switch}, after {tightest.step})."
    yield "All commands and then all inverse commands lead back to the configurations as discovered."
