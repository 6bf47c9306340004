"""Why one endpoint does not reach another: /v1/why."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import Field

from clos.controller.api import models as m
from clos.controller.api.routes.described import ERRORS
from clos.controller.daemon import Daemon
from clos.controller.daemon.errors import INVALID, Refused
from clos.controller.daemon.why import why
from clos.controller.explain.errors import Unanswerable


class FindingPart(m.Part):
    about: str = Field(description="intent, switch, port, link, gray, rules, drift, host or legacy.")
    ok: bool | None = Field(description="true: sound; false: a cause; null: not known.")
    text: str


class WhyReply(m.Reply):
    source: str
    target: str
    service: str
    findings: list[FindingPart] = Field(description="Causes first, then what is not known, then what is sound.")


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the path."""

    @app.get("/v1/why", responses=ERRORS, tags=["fabric"])
    def why_(source: str, target: str, service: str = "icmp") -> WhyReply:
        """What keeps one endpoint from reaching another; takes some seconds, in which the hosts are listened to."""
        try:
            found = why(daemon, source, target, service)
        except Unanswerable as error:
            raise Refused(INVALID, str(error)) from None
        rows = [FindingPart(about=one.about, ok=one.ok, text=one.text) for one in found]
        return WhyReply(source=source, target=target, service=service, findings=rows)
