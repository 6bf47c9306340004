"""What became of probes, per source, destination and service, beside what the intents say of them.

Lives here: verdicts and where a packet was stopped, in words. Must not know: how probes were sent, flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.compile.stages import SPINE, STAGES
from clos.controller.intent.model import Intent, Policy, Service, Where
from clos.controller.intent.reach import Flow, Ruling, passage
from clos.controller.probe.landing import Landing, arrived
from clos.controller.probe.packets import Party, Probe, opening, said
from clos.fabric.dataplane.walk import Walk
from clos.fabric.topology import Topology


class Question(NamedTuple):
    """May ``source`` open ``service`` to ``target``? ``ruling``: the intents' answer; ``probe`` asks a fabric.

    ``due``: where it must land, if it may: at the target, or at the waypoint that gets it first.
    """

    source: Party
    target: Party
    service: Service
    flow: Flow
    probe: Probe
    ruling: Ruling
    due: Landing


class Verdict(NamedTuple):
    """What a fabric answered. ``stopped``: the switch and table that dropped it, empty when it was delivered."""

    question: Question
    delivered: bool
    stopped: str

    @property
    def agrees(self) -> bool:
        """Whether the fabric did what the intents say."""
        return self.delivered is self.question.ruling.allowed

    def row(self) -> Mapping[str, object]:
        """For JSON."""
        asked = self.question
        return {
            "from": asked.source.name,
            "to": asked.target.name,
            "service": str(asked.service),
            "permitted": asked.ruling.allowed,
            "via": asked.ruling.via,
            "by": spoken(asked.ruling),
            "delivered": self.delivered,
            "stopped": self.stopped,
        }

    def __str__(self) -> str:
        asked = self.question
        ends = f"{asked.source.name} -> {asked.target.name} {asked.service}"
        permits = f"the intents {'permit' if asked.ruling.allowed else 'forbid'} it"
        by, via = spoken(asked.ruling), asked.ruling.via
        came = f"delivered{f' to {via} first' if via else ''}" if self.delivered else f"stopped at {self.stopped}"
        return f"{ends}: {came}; {permits}{by and f' ({by})'}"


def questions(
    intent: Intent, sources: Iterable[Party], targets: Iterable[Party], services: Iterable[Service]
) -> Iterator[Question]:
    """From each source to each target but itself, each service, from the source's first port."""
    asked, others = tuple(services), tuple(targets)
    for source in sources:
        for target in others:
            if source.name != target.name:
                for service in asked:
                    yield question(intent, source, target, service)


def question(intent: Intent, source: Party, target: Party, service: Service) -> Question:
    return ask(intent, source, target, service, opening(service))


def some_of(asked: Iterable[Question], most: int) -> list[Question]:
    """At most so many: what the intents permit before what they forbid, each evenly spread."""
    found: dict[bool, list[Question]] = {True: [], False: []}
    for one in asked:
        found[one.ruling.allowed].append(one)
    permitted = _spread(found[True], most)
    return permitted + _spread(found[False], most - len(permitted))


def _spread(asked: list[Question], most: int) -> list[Question]:
    return asked[:: -(-len(asked) // most)] if asked and most > 0 else []


def ask(intent: Intent, source: Party, target: Party, service: Service, flow: Flow) -> Question:
    """The same with a flow of the asker's choice: an answer, say."""
    probe = Probe(source.ports[0], said(source, target, flow), f"{source.name} -> {target.name} {service}")
    decided = passage(intent, source.end, target.end, flow, source.legacy)
    due = source.waypoints[decided.via].of(target.endpoint.ip) if decided.via else target.landing
    return Question(source, target, service, flow, probe, decided, due)


ANOTHER = "delivery to another endpoint"


def stopped(done: Walk, topology: Topology, due: Landing | None = None) -> str:
    """Where a frame ended: ``leaf1 table 1 admit``, or with an endpoint that is not ``due``; empty when it landed.

    Without ``due`` it lands wherever it reaches a host.
    """
    if not done.hops or (arrived(due, done.deliveries) if due is not None else done.deliveries):
        return ""
    if done.deliveries:
        return f"{done.deliveries[0].port.switch} {ANOTHER}"
    last = done.hops[-1]
    table = last.step.trail[-1].table
    leaf = topology.switches[last.switch].is_leaf
    return f"{last.switch} table {table} {STAGES[table].name if leaf else SPINE.name}"


def spoken(decided: Ruling) -> str:
    """The policy or share that decides, and where it is written; or why there is no way; empty when nothing speaks of
    the flow."""
    by = decided.by
    if by is None:
        return decided.astray
    kind = "policy" if isinstance(by, Policy) else "share"
    return f"{kind} {by.name}{' answers' if decided.reply else ''}, {place(by.where)}"


def place(where: Where) -> str:
    return f"{where.file}:{where.line}"
