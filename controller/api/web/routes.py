"""The pages: each a few lines over what the API answers. What each takes is in controller.api.permissions.

Must not know: how a session is kept, layout.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from clos.controller.api.web import views
from clos.controller.api.web.fabric_map import fabric_map
from clos.controller.api.web.pages import HEADERS, page
from clos.controller.daemon import Daemon
from clos.controller.daemon.errors import UNKNOWN, Refused
from clos.controller.daemon.hits import hits
from clos.controller.explain.errors import Unanswerable
from clos.controller.wire.glance import rules_by_table

STYLE = Path(__file__).parent / "static" / "clos.css"
RECENT = 200
"""Revisions and proposals on a page."""
DRIFT = "drift: "
"""How a fault begins that the watch has noted, and that the page shows with its meaning."""
LOG_PAGE = 100
"""Entries of the audit log on a page."""

Show = Callable[..., Any]


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the pages that only show."""
    _fabric(app, daemon)
    _switches(app, daemon)
    _paths(app, daemon)
    _tenants(app, daemon)
    _past(app, daemon)
    _questions(app, daemon)


def _fabric(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui", include_in_schema=False)
    def short() -> Response:
        return RedirectResponse("/ui/", 303)

    @app.get("/ui/style.css", include_in_schema=False)
    def style() -> Response:
        return FileResponse(STYLE, media_type="text/css", headers={**HEADERS, "Cache-Control": "max-age=3600"})

    @app.get("/ui/", include_in_schema=False)
    def overview(request: Request) -> Response:
        status = daemon.queries.status()
        links = [link for link in daemon.queries.links() if link.is_wrong]
        drawn = fabric_map(daemon.revisions.fabric, status.switches)
        about: dict[str, list[Any]] = {
            "links": links,
            "drift": [item for item in sorted(daemon.watch.found().items()) if not item[1].is_quiet],
            "faults": [fault for fault in status.faults if fault.switch and not fault.text.startswith(DRIFT)],
        }
        count = sum(len(rows) for rows in about.values())
        absent = [one for one in status.switches if not one.connected]
        count += bool(absent)  # together they are one alarm: what is wrong is most often one thing
        return page(request, "overview.html", status=status, map=drawn, count=count, absent=absent, **about)


def _switches(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/switches/{name}", include_in_schema=False)
    def switch(request: Request, name: str, table: Annotated[int | None, Query(ge=0, le=254)] = None) -> Response:
        daemon.revisions.known_switch(name)
        report = next(one for one in daemon.queries.status().switches if one.name == name)
        held = daemon.revisions.running.compiled
        rows, count = views.rules(held, name, table) if held else ([], 0)
        seen = daemon.watch.seen().get(name)
        used = rules_by_table(seen) if seen else {}
        ports = sorted(seen.ports) if seen else []
        peers = {p.port: str(peer) for p, peer in daemon.revisions.fabric.peers.items() if p.switch == name}
        peers |= {p.port: host for p, host in daemon.revisions.fabric.host_at.items() if p.switch == name}
        return page(
            request, "switch.html", switch=report, rules=rows, count=count, table=table, used=used, ports=ports,
            peers=peers, found=daemon.watch.found().get(name),
        )  # fmt: skip

    @app.get("/ui/drift", include_in_schema=False)
    def drift(request: Request) -> Response:
        watch = daemon.watch
        switches = len(daemon.revisions.fabric.switches)
        found = sorted(watch.found().items())
        return page(request, "drift.html", found=found, policy=watch.policy, seen=len(watch.seen()), switches=switches)


def _paths(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/paths", include_in_schema=False)
    def paths(request: Request) -> Response:
        fabric, gray = daemon.revisions.fabric, daemon.gray
        rows = [
            (cable, fabric.peers[cable], sent, bad, cable in fabric.avoid)
            for cable, (sent, bad) in gray.counts().items()
            if cable in fabric.peers
        ]
        told = [str(one) for one in daemon.steering.told()]
        return page(
            request, "paths.html", probes=fabric.probes, probed=gray.probed, suspected=gray.suspected,
            policy=daemon.steering.policy, told=told, cables=rows,
        )  # fmt: skip


def _tenants(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/tenants", include_in_schema=False)
    def tenants(request: Request) -> Response:
        held = daemon.revisions.running.compiled
        names = held.intent.tenants if held else {}
        return page(request, "tenants.html", tenants=list(names.values()))

    @app.get("/ui/tenants/{name}", include_in_schema=False)
    def tenant(request: Request, name: str) -> Response:
        held = views.compiled(daemon)
        found = held.intent.tenants.get(name)
        if found is None:
            raise Refused(UNKNOWN, f"there is no tenant {name} in revision {daemon.revisions.running.number}")
        record = daemon.revisions.get(daemon.revisions.running.number)
        counts = {line.path: line for line in hits(held, daemon.watch.seen()).lines}
        return page(
            request, "tenant.html", tenant=found, facts=views.tenant_facts(found), matrix=views.matrix(found),
            record=record, hits=counts,
        )  # fmt: skip


def _past(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/history", include_in_schema=False)
    def history(request: Request) -> Response:
        return page(request, "history.html", rows=daemon.revisions.history(RECENT))

    @app.get("/ui/history/{number}", include_in_schema=False)
    def revision(request: Request, number: int) -> Response:
        found = daemon.revisions.get(number)
        before = daemon.revisions.get(found.base).sources if found.base else {}
        lines = list(views.changed_lines(before, found.sources))
        can = found.status == "applied" and not found.current
        return page(request, "revision.html", found=found, lines=lines, can_return=can)

    @app.get("/ui/audit", include_in_schema=False)
    def audit(request: Request, check: bool = False) -> Response:
        store = daemon.revisions.store
        checked = store.check_audit_log() if check else None
        return page(request, "audit.html", rows=store.audit_log(LOG_PAGE), checked=checked)


def _questions(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/explain", include_in_schema=False)
    async def explain(request: Request) -> Response:
        asked = {key: request.query_params.get(key, "").strip() for key in ("from", "to", "service")}
        found, problem = None, ""
        if all(asked.values()):
            try:
                found = await run_in_threadpool(views.explained, daemon, asked["from"], asked["to"], asked["service"])
            except (Unanswerable, Refused) as error:
                problem = str(error)
        elif any(asked.values()):
            problem = "fill in all three fields"
        held = daemon.revisions.running.compiled
        tenants = held.intent.tenants.values() if held else ()
        known = [f"{tenant.name}/{name}" for tenant in tenants for name in tenant.endpoints][:2000]
        return page(request, "explain.html", asked=asked, found=found, problem=problem, known=known)
