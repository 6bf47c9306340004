"""What the watch sees: the paths /v1/drift/found, /v1/hits, /v1/capacity, and /metrics for Prometheus."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import Field

from clos.controller.api import models as m
from clos.controller.api.routes.described import ERRORS
from clos.controller.daemon import Daemon
from clos.controller.daemon.errors import UNKNOWN, Refused
from clos.controller.daemon.hits import hits
from clos.controller.daemon.switches.watch import Found
from clos.controller.wire.glance import Glance, rules_by_table


class MeaningPart(m.Part):
    sentences: list[str] = Field(description="Whose packets fare otherwise than the intents say.")
    causes: list[str] = Field(description="The entries that differ.")
    harm: bool | None = Field(description="Whether packets fare otherwise; null: not worked out.")
    why: str = Field(description="Why not.")


class FoundDrift(m.Part):
    switch: str
    since: str
    missing: int
    changed: int
    unexpected: int
    foreign: list[str]
    tolerated: int = Field(description="Of the foreign ones, those whose cookie is tolerated (`--tolerate`).")
    quiet: bool = Field(description="All that differs is tolerated, and no packet notices.")
    waits: bool = Field(description="Whether somebody has to say what to do (`/v1/repair`).")
    meaning: MeaningPart


class FoundReply(m.Reply):
    policy: str = Field(description="report, repair or ask.")
    watched: int = Field(description="Switches that have been looked at since they connected.")
    switches: int
    found: list[FoundDrift]


class HitLine(m.Part):
    path: str
    file: str
    line: int
    denies: bool
    rules: int = Field(description="On all switches together.")
    packets: int = Field(description="Since each rule was installed.")
    bytes: int
    ticket: str
    description: str


class Counted(m.Part):
    rules: int
    packets: int
    bytes: int


class HitsReply(m.Reply):
    lines: list[HitLine] = Field(description="Policies and shares, in the order of the documents.")
    denied: Counted = Field(description="What no line names, so it was dropped.")
    counted: int = Field(description="Switches with policies whose counters have been read.")
    switches: int = Field(description="Switches with policies.")


class TableUse(m.Part):
    switch: str
    entries: int = Field(description="Rules, groups and meters that it holds.")
    rules: dict[int, int] = Field(description="Rules by table.")


class CapacityReply(m.Reply):
    switches: list[TableUse]


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the paths."""
    _drift(app, daemon)
    _counters(app, daemon)


def _drift(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/v1/drift/found", responses=ERRORS, tags=["fabric"])
    def found() -> FoundReply:
        """What the watch has found: switches that do not hold what they should, what that means, and why."""
        watch = daemon.watch
        rows = [_row(name, each) for name, each in sorted(watch.found().items())]
        switches = len(daemon.revisions.fabric.switches)
        return FoundReply(policy=watch.policy, watched=len(watch.seen()), switches=switches, found=rows)


def _row(switch: str, found: Found) -> FoundDrift:
    drift = found.drift
    return FoundDrift(
        switch=switch,
        since=found.since,
        missing=drift.missing,
        changed=drift.changed,
        unexpected=drift.unexpected,
        foreign=[*drift.foreign],
        tolerated=found.tolerated,
        quiet=found.is_quiet,
        waits=found.waits,
        meaning=MeaningPart.model_validate(found.meaning),
    )


def _counters(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/v1/hits", responses=ERRORS, tags=["fabric"])
    def hits_() -> HitsReply:
        """Which line of the intents lets how much pass, and which never did."""
        compiled = daemon.revisions.running.compiled
        if compiled is None:
            raise Refused(UNKNOWN, "no revision is in force yet: there is nothing to count")
        return HitsReply.model_validate(hits(compiled, daemon.watch.seen()))

    @app.get("/v1/capacity", responses=ERRORS, tags=["fabric"])
    def capacity() -> CapacityReply:
        """How full each switch is: the rules of each of its tables."""
        return CapacityReply(switches=[_use(name, glance) for name, glance in sorted(daemon.watch.seen().items())])

    @app.get("/metrics", responses=ERRORS, tags=["fabric"], response_class=Response)
    def metrics() -> Response:
        """Counters and states in the text format of Prometheus."""
        from clos.controller.api.metrics import CONTENT_TYPE, exposition  # noqa: PLC0415 - for who scrapes

        return Response(exposition(daemon), media_type=CONTENT_TYPE)


def _use(switch: str, glance: Glance) -> TableUse:
    return TableUse(switch=switch, entries=glance.entries, rules=rules_by_table(glance))
