"""The audit log: the paths under /v1/audit-log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import Field

from clos.controller.api import models as m
from clos.controller.api.routes.described import ERRORS
from clos.controller.daemon import Daemon

PAGE = 10_000
"""Most entries of an answer."""


class Entry(m.Part):
    number: int
    when: str
    who: str
    action: str
    detail: dict[str, Any]
    revision: int | None
    chain: str = Field(description="SHA-256 of this entry after the one before it.")


class AuditLogReply(m.Reply):
    entries: list[Entry]


class Kept(m.Question):
    number: int = Field(ge=1, le=2**53)
    chain: str = Field(pattern="^[0-9a-f]{64}$")


class CheckRequest(m.Question):
    kept: list[Kept] = Field(default=[], max_length=1_000_000, description="Hashes that were kept elsewhere.")


class CheckReply(m.Reply):
    intact: bool = Field(description="Whether every entry is what was written, as far as the chain can tell.")
    entries: int = Field(description="Entries that fit, from the first.")
    head: str = Field(description="The hash of the last of them: keep it elsewhere.")
    kept: int = Field(description="Hashes that were sent and agree.")
    broken_at: int | None = Field(description="The number of the first entry that does not fit.")
    text: str = Field(description="What is wrong with it.")


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the paths."""

    @app.get("/v1/audit-log", responses=ERRORS, tags=["audit"])
    def audit_log(
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
        after: Annotated[int | None, Query(ge=0, le=2**53, description="Entries after this one, oldest first.")] = None,
    ) -> AuditLogReply:
        """Who did what, and when: the last entries, newest first, or those after one."""
        found = daemon.revisions.store.audit_log(limit, after=after)
        return AuditLogReply(entries=[Entry.model_validate(row) for row in found])

    @app.post("/v1/audit-log/check", responses=ERRORS, tags=["audit"])
    def check(request: CheckRequest) -> CheckReply:
        """Walks the log's chain to the first entry that was edited, removed or moved, if any."""
        found = daemon.revisions.store.check_audit_log({row.number: row.chain for row in request.kept})
        return CheckReply(
            intact=found.broken is None,
            entries=found.entries,
            head=found.head,
            kept=found.anchors,
            broken_at=found.broken and found.broken.number,
            text=found.broken.text if found.broken else "",
        )
