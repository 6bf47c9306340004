"""``probe``: packets through a simulated fabric that a controller has programmed, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from clos.controller.cli.answer import Answer, answering, unchecked
from clos.controller.cli.options import From, To
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.probes import Proof, cover_answer, probes_answer, uncounted
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.questions import find_end, find_service
from clos.controller.explain.register_names import names_of
from clos.controller.probe.cover import cover
from clos.controller.probe.coverage import Down, Entries
from clos.controller.probe.gather import Candidate
from clos.controller.probe.landing import arrived, content
from clos.controller.probe.packets import Party, each_kind, parties, services
from clos.controller.probe.report import Question, Verdict, questions, some_of, stopped
from clos.controller.probe.simulated import NotProgrammed, Simulated
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.topology import PortRef

Most = Annotated[int, typer.Option("--most", min=1, metavar="N", help="Pairs and services tried, permitted first.")]
ByService = Annotated[str, typer.Option("--service", "-s", metavar="SERVICE", help="tcp/1433, udp/53; default: all.")]
Covering = Annotated[bool, typer.Option("--cover", help="Send the fewest packets that meet every rule, and count.")]
Every = Annotated[bool, typer.Option("--all", help="List every pair; with --cover every rule that is not met.")]


@answering
def probe(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    source: From = "",
    target: To = "",
    service: ByService = "",
    most: Most = 20_000,
    covering: Covering = False,
    every: Every = False,
) -> Answer:
    """Send packets through a simulated fabric and compare with the intents.

    From every endpoint to every other, each service the intents speak of and some they do not. A controller programs
    the simulated switches over OpenFlow. Exits with 1 when anything differs; for real switches see lab probe.
    """
    wanted = read(topology, intents, state)
    if covering:
        return covered(wanted, every)
    asked = some_of(_asked(wanted, source, target, service), most)
    return probes_answer(tried(wanted, wanted.compiled().ruleset, asked), every)


def _asked(wanted: Inputs, source: str, target: str, service: str) -> list[Question]:
    everyone = parties(wanted.intent, wanted.topology)
    wishes = each_kind(wanted.intent, find_service(service)) if service else services(wanted.intent)
    one, other = (_named(wanted, everyone, word) for word in (source, target))
    return list(questions(wanted.intent, one, other, wishes))


def _named(wanted: Inputs, everyone: list[Party], word: str) -> list[Party]:
    name = str(find_end(wanted.intent, word)) if word else ""
    return [party for party in everyone if name in ("", party.name)]


def tried(wanted: Inputs, ruleset: Ruleset, asked: Sequence[Question]) -> list[Verdict]:
    """The questions put to a simulated fabric. Raises Stop (UNCHECKED) when it cannot be programmed."""
    entries = Entries(ruleset, wanted.topology)
    try:
        with Simulated(wanted.topology, ruleset) as fabric:
            came = fabric.send_all((one.probe.at, one.probe.packet) for one in asked)
    except NotProgrammed as error:
        raise unchecked(str(error)) from None
    return [
        Verdict(one, arrived(one.due, got), stopped(entries.meet(one.probe).walk, wanted.topology, one.due))
        for one, got in zip(asked, came, strict=True)
    ]


def covered(wanted: Inputs, every: bool = False) -> Answer:
    """Send a covering set through a simulated fabric and read its counters."""
    compiled = wanted.compiled()
    found = cover(wanted.intent, wanted.topology, compiled.ruleset)
    try:
        with Simulated(wanted.topology, compiled.ruleset) as fabric:
            astray = sum(_round(fabric, *row) for row in found.rounds().values())
            counts = fabric.counted()
    except NotProgrammed as error:
        raise unchecked(str(error)) from None
    return cover_answer(found, Proof(tuple(uncounted(found, counts)), astray), names_of(compiled), every)


def _round(fabric: Simulated, down: Down, chosen: Sequence[Candidate]) -> int:
    """Send probes with these cables broken; how many ended elsewhere than computed."""
    fabric.cut(down)
    came = fabric.send_all((one.probe.at, one.probe.packet) for one in chosen)
    fabric.mend(down)
    return sum(_frames(one.meeting.walk.deliveries) != _frames(got) for one, got in zip(chosen, came, strict=True))


def _frames(deliveries: Iterable[Delivery]) -> list[tuple[PortRef, bytes]]:
    return sorted((port, content(packet)) for port, packet in deliveries)
