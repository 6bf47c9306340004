"""What path probes see: /v1/paths."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import Field

from clos.controller.api import models as m
from clos.controller.api.routes.described import ERRORS
from clos.controller.daemon import Daemon
from clos.controller.daemon.telemetry.steering import Told


class ProbedCable(m.Part):
    leaf: str = Field(description="The leaf's port.")
    spine: str = Field(description="The spine's port.")
    sent: int = Field(description="Probes sent over it since the controller started.")
    bad: int = Field(description="Of these, lost, corrupted or late, whichever part of their way was at fault.")
    avoided: bool = Field(description="It carries nothing while there is another way.")


class GrayFailure(m.Part):
    part: str = Field(description="up, down, egress, cable, spine, sender or hearer.")
    at: str = Field(description="The leaf's port of the cable, or a switch.")
    does: str = Field(description="loses, corrupts or delays.")
    share: float = Field(description="Of the probes through it since it began, 0 to 1.")
    sizes: list[int] = Field(description="Bytes of the frames concerned, where others are spared; empty: all.")
    text: str
    avoided: bool = Field(description="Frames go around it.")
    stays: str = Field(description="Why they do not.")


class PathsReply(m.Reply):
    probes: bool = Field(description="Whether the topology in force has probes.")
    policy: str = Field(description="steer or report.")
    probed: int = Field(description="Cables that are probed now.")
    expected: int = Field(description="Cables that should be.")
    suspected: int = Field(description="Ways that are being looked at.")
    failures: list[GrayFailure]
    cables: list[ProbedCable]


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the path."""

    @app.get("/v1/paths", responses=ERRORS, tags=["fabric"])
    def paths() -> PathsReply:
        """Every cable by probes, and what is up but loses, corrupts or delays frames."""
        fabric, gray, steering = daemon.revisions.fabric, daemon.gray, daemon.steering
        probed, expected = gray.probed
        counts = gray.counts()
        cables = [
            ProbedCable(
                leaf=str(cable), spine=str(fabric.peers[cable]), sent=sent, bad=bad, avoided=cable in fabric.avoid
            )
            for cable, (sent, bad) in counts.items()
            if cable in fabric.peers
        ]
        failures = [_failure(one) for one in steering.told()]
        return PathsReply(
            probes=fabric.probes, policy=steering.policy, probed=probed, expected=expected, suspected=gray.suspected,
            failures=failures, cables=cables,
        )  # fmt: skip


def _failure(told: Told) -> GrayFailure:
    cause = told.alarm.cause
    at = str(cause.part.at) if cause.part.cable else cause.part.at.switch
    return GrayFailure(
        part=cause.part.kind, at=at, does=cause.does, share=round(cause.share, 4), sizes=[*cause.sizes],
        text=told.text, avoided=told.avoided, stays=told.stays,
    )  # fmt: skip
