"""What speaks legacy protocols at the fabric's borders: the path /v1/speakers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import Field

from clos.controller.api import models as m
from clos.controller.api.routes.described import ERRORS, Sender, signed
from clos.controller.daemon import Daemon


class Spoken(m.Question):
    who: str = Field(default="", max_length=256, description="Who asks, for the audit log.")
    speakers: dict[str, Any] = Field(
        description="All that is to speak from now on: `hsrp`, `eigrp`, `watches`, as in a migration's plan."
    )


class SpeakersReply(m.Reply):
    speakers: dict[str, Any] = Field(description="What is to speak.")
    hsrp: list[dict[str, Any]] = Field(description="By group: its state here, the other routers, addresses.")
    eigrp: list[dict[str, Any]] = Field(description="By process: neighbours, prefixes told and learned.")
    watches: list[dict[str, Any]] = Field(description="By border and VLAN: the root that is heard, topology changes.")
    wrong: list[str] = Field(description="What people should know, in sentences.")


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the paths."""

    @app.get("/v1/speakers", responses=ERRORS, tags=["borders"])
    def speakers() -> SpeakersReply:
        """HSRP, EIGRP and spanning-tree roots at the ports that lead to a legacy network."""
        return SpeakersReply(speakers=daemon.borders.config(), **daemon.borders.report())

    @app.put("/v1/speakers", responses=ERRORS, tags=["borders"])
    def speak(request: Spoken, person: Sender) -> SpeakersReply:
        """Replaces what speaks at the borders. Groups that go resign, processes that go say farewell."""
        daemon.borders.configure(request.speakers, signed(person, request.who))
        return SpeakersReply(speakers=daemon.borders.config(), **daemon.borders.report())
