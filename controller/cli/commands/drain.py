"""``drain``: what depends on a switch, before it is taken away for maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, UNCHECKED, Answer, Json, answering
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import count, paragraph
from clos.controller.cli.sources import TopologyPath, read
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.questions import no_switch
from clos.controller.verify.resilience.failures import (
    SWITCH,
    Failure,
    FailureVerdict,
    Kind,
    Work,
    answer,
    parts,
)

Names = Annotated[list[str], typer.Argument(metavar="SWITCH...", help="Taken away together.")]

With = Annotated[
    list[Path] | None, typer.Option("--intents", metavar="INTENTS", help="Intents; by default those in force.")
]


@answering
def drain(switches: Names, topology: TopologyPath = None, intents: With = None, state: StateDir = DEFAULT) -> Answer:
    """Prove what happens when a switch is taken away: who loses traffic, and that nobody else does.

    Sends nothing. Rules steer around a switch by themselves, as soon as its ports lose carrier: whoever has another way
    keeps it, and this is proved for all packets. Exits with 1 when a host is cut off or a claim would not hold.
    """
    wanted = read(topology, intents, state)
    for name in switches:
        if name not in wanted.topology.switches:
            raise no_switch(name, wanted.topology)
    ruleset = wanted.compiled().ruleset
    states = {name: ruleset.state(name) for name in wanted.topology.switches}
    gone = tuple(part for part in parts(wanted.topology) if part.kind == SWITCH and part.name in switches)
    verdict = answer(Work(wanted.intent, wanted.topology, states), Kind((Failure(gone),)))
    lost = _lost(wanted, verdict, switches)
    code = UNCHECKED if verdict.report.refused else FAILED if lost or verdict.report.counterexamples else OK
    return Answer(_json(switches, verdict, lost), lambda: _lines(switches, verdict, lost), code)


def _lost(wanted: Inputs, verdict: FailureVerdict, switches: list[str]) -> dict[str, list[str]]:
    """Endpoints by host, of the hosts that nothing reaches any more."""
    alone = {h.name for h in wanted.topology.hosts.values() if all(port.switch in switches for port in h.ports)}
    hosts = sorted(alone.union(verdict.torn))
    found: dict[str, list[str]] = {host: [] for host in hosts}
    for tenant in wanted.intent.tenants.values():
        for endpoint in tenant.endpoints.values():
            if endpoint.host in found:
                found[endpoint.host].append(f"{tenant.name}/{endpoint.name}")
    return found


def _json(switches: list[str], verdict: FailureVerdict, lost: dict[str, list[str]]) -> Json:
    told = [{"claim": one.claim, "text": one.text, "packet": one.packet} for one in verdict.report.counterexamples]
    refused = str(verdict.report.refused or "")
    return {"switches": switches, "cut_off": lost, "holds": [*verdict.holds], "broken": told, "unanswered": refused}


def _lines(switches: list[str], verdict: FailureVerdict, lost: dict[str, list[str]]) -> Iterator[Text | str]:
    names = " and ".join(switches)
    if verdict.report.refused:
        yield f"Without {names}: no answer: {verdict.report.refused}"
        return
    if lost:
        hosts = count(len(lost), "host")
        yield Text(f"Without {names}, {hosts} {'is' if len(lost) == 1 else 'are'} cut off from the others:", "bold red")
        for host, endpoints in lost.items():
            yield from paragraph(f"{host}: {', '.join(endpoints) or 'no endpoint'}", 2)
    else:
        yield f"Without {names}, no host is cut off."
    for found in verdict.report.counterexamples:
        yield from paragraph(Text(f"{found.claim}: {found.text}", "red"), 2)
    rest = "For all others" if lost else "For all packets"
    yield f"{rest}, these claims are proved: {', '.join(verdict.holds)}." if verdict.holds else "No claim holds."
