"""Changes that take a second person: the paths under /v1/proposals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import Field, model_validator

from clos.controller.api import models as m
from clos.controller.api import stream
from clos.controller.api.routes.described import ERRORS, Number, Sender, signed
from clos.controller.daemon import Daemon
from clos.controller.intent import Text


class Proposed(m.Question):
    who: str = Field(default="", max_length=256, description="For the owner of the state directory only.")
    why: str = Field(default="", max_length=4096, description="The reason, for whoever approves it and the history.")
    sources: list[m.Document] | None = Field(default=None, max_length=10_000, description="All intent documents.")
    topology: m.Document | None = Field(default=None, description="Default: the topology in force.")
    rollback: int | None = Field(default=None, ge=1, description="Instead of documents: the revision to return to.")
    allow: list[m.Allow] = Field(default=[], max_length=10_000, description="Brakes, as for `/v1/apply`.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Proposed:
        if (self.sources is None) == (self.rollback is None):
            raise ValueError("say either sources or rollback")
        return self


class Judgement(m.Question):
    who: str = Field(default="", max_length=256, description="For the owner of the state directory only.")
    note: str = Field(default="", max_length=4096, description="For the history.")


class ProposalRow(m.Part):
    number: int
    when: str
    who: str
    why: str
    base: int = Field(description="The revision it was planned on; it can be applied on no other.")
    status: Literal["open", "approved", "rejected", "applied"]
    judged_by: str
    judged_at: str
    note: str
    revision: int | None = Field(description="As which it was applied.")
    summary: dict[str, Any] = Field(description="Counts, what it means in sentences, what brakes say.")


class ProposalsReply(m.Reply):
    proposals: list[ProposalRow] = Field(description="Newest first.")


class ProposalReply(m.Reply, ProposalRow):
    request: dict[str, Any] = Field(description="The documents, or the revision to return to, and what is allowed.")


def install(app: FastAPI, daemon: Daemon, lines: dict[int | str, dict[str, Any]]) -> None:
    """Add the paths. ``lines``: the answers of a change."""

    @app.get("/v1/proposals", responses=ERRORS, tags=["proposals"])
    def proposals(limit: Annotated[int, Query(ge=1, le=10_000)] = 50) -> ProposalsReply:
        """Changes that somebody has proposed, and what became of them."""
        return ProposalsReply(proposals=[ProposalRow.model_validate(row) for row in daemon.proposals.newest(limit)])

    @app.get("/v1/proposals/{number}", responses=ERRORS, tags=["proposals"])
    def proposal(number: Number) -> ProposalReply:
        """A proposed change with its documents."""
        return ProposalReply.model_validate(daemon.proposals.get(number))

    @app.post("/v1/proposals", responses=ERRORS, tags=["proposals"])
    def propose(request: Proposed, person: Sender) -> ProposalReply:
        """Proposes a change. Sends nothing; somebody else has to approve it."""
        who, allow = signed(person, request.who), request.allow
        if request.rollback is not None:
            return _reply(daemon.proposals.propose_rollback(request.rollback, who, request.why, allow))
        topology = Text(request.topology.name, request.topology.text) if request.topology else None
        sources = {document.name: document.text for document in request.sources or ()}
        return _reply(daemon.proposals.propose(sources, topology, who, request.why, allow))

    @app.post("/v1/proposals/{number}/approve", responses=ERRORS, tags=["proposals"])
    def approve(number: Number, request: Judgement, person: Sender) -> ProposalReply:
        """Approves what somebody else has proposed."""
        return _reply(daemon.proposals.approve(number, signed(person, request.who), request.note))

    @app.post("/v1/proposals/{number}/reject", responses=ERRORS, tags=["proposals"])
    def reject(number: Number, request: Judgement, person: Sender) -> ProposalReply:
        """Rejects a proposed change, or takes back one's own."""
        return _reply(daemon.proposals.reject(number, signed(person, request.who), request.note))

    @app.post("/v1/proposals/{number}/apply", response_class=StreamingResponse, responses=lines, tags=["proposals"])
    def apply(number: Number, request: Judgement, person: Sender) -> Response:
        """Carries out an approved change, exactly as it was approved; answers as `/v1/apply`."""
        who = signed(person, request.who)
        return stream.change(lambda progress: daemon.proposals.apply(number, who, progress))


def _reply(found: object) -> ProposalReply:
    return ProposalReply.model_validate(found)
