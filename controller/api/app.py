"""The API: what may be asked of a daemon over HTTP, and nothing else. Every path is a few lines over one method.

Must not know: sockets, how a change is made. Calls that wait run in threads, so that a slow one holds up no other.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Security
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from fastapi.security import HTTPBearer

from clos.controller.api import errors, page, stream
from clos.controller.api import models as m
from clos.controller.api.permissions import check_table
from clos.controller.api.routes import audit_log, paths, people, proposals, speakers, telemetry, why
from clos.controller.api.routes.described import ERRORS, Sender, signed
from clos.controller.api.web import actions, routes
from clos.controller.api.web import people as people_page
from clos.controller.api.web.sessions import Sessions
from clos.controller.daemon import Daemon
from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.impact.export import impact_json
from clos.controller.intent import Text
from clos.controller.people.roles import Person
from clos.controller.plan import ruleset_json, to_json
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset

LINES: dict[int | str, dict[str, Any]] = ERRORS | {
    200: {
        "description": "One JSON document per line: `proving`... if that takes long, `begun`, `progress`..., "
        "then `applied` or `error`.",
        "content": {
            stream.NDJSON: {
                "schema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{name}"}
                        for name in ("Proving", "Begun", "Progress", "TakingBack", "Applied", "Failed")
                    ]
                }
            }
        },
    }
}

SwitchName = Annotated[str, Path(description="As in the topology.", max_length=m.NAME)]


def create_app(daemon: Daemon) -> FastAPI:
    """The API of a daemon, without the guard (controller.api.guard)."""
    app = FastAPI(
        title="Clos",
        version=version("clos-fabric"),
        summary="Plans, applies and explains what a fabric holds.",
        docs_url=None,  # it would load scripts from elsewhere; see page
        redoc_url=None,
        dependencies=[Security(HTTPBearer(auto_error=False))],
    )
    errors.install(app)
    _fabric(app, daemon)
    _looks(app, daemon)
    _revisions(app, daemon)
    _changes(app, daemon)
    proposals.install(app, daemon, LINES)
    people.install(app, daemon)
    audit_log.install(app, daemon)
    telemetry.install(app, daemon)
    paths.install(app, daemon)
    why.install(app, daemon)
    speakers.install(app, daemon)
    _web(app, daemon)
    _describe_lines(app)

    @app.get(page.PATH, include_in_schema=False)
    def described() -> HTMLResponse:
        return HTMLResponse(page.page(app.openapi()), headers=page.HEADERS)

    check_table(app.routes)
    return app


def _web(app: FastAPI, daemon: Daemon) -> None:
    """The pages. The guard says who the owner is, and keeps to the same sessions (controller.api.guard)."""
    app.state.sessions, app.state.is_owner = Sessions(), lambda word: False
    routes.install(app, daemon)
    people_page.install(app, daemon)
    actions.install(app, daemon, app.state.sessions, lambda word: bool(app.state.is_owner(word)))


def _fabric(app: FastAPI, daemon: Daemon) -> None:
    """The fabric as it should be, and each switch."""

    @app.get("/v1/status", responses=ERRORS, tags=["fabric"])
    def status() -> m.StatusReply:
        """The revision in force, how many switches hold it, and what went wrong lately."""
        return m.StatusReply.model_validate(daemon.queries.status())

    @app.get("/v1/cluster", responses=ERRORS, tags=["fabric"])
    def cluster() -> m.ClusterReply:
        """Which of several controllers leads: the others make no changes."""
        return m.ClusterReply.model_validate({"leads": daemon.leads, "cluster": daemon.queries.cluster()})

    @app.get("/v1/switches", responses=ERRORS, tags=["fabric"])
    def switches() -> m.SwitchesReply:
        """Every switch: whether it is connected and in sync, and if not, why."""
        return m.SwitchesReply.model_validate(daemon.queries.status())

    @app.get("/v1/switches/{name}/entries", response_class=StreamingResponse, responses=ERRORS, tags=["fabric"])
    def entries(name: SwitchName) -> Response:
        """What a switch holds right now, read back, in the form of `/v1/ruleset`."""
        state = daemon.queries.entries(name)
        held = Ruleset((name,), {"": {"": Placed(Block(*state), (name,))}})
        return _document(held)

    @app.get("/v1/ruleset", response_class=StreamingResponse, responses=ERRORS, tags=["fabric"])
    def ruleset() -> Response:
        """Everything that the switches should hold: rules, groups and meters of the revision in force."""
        return _document(daemon.revisions.running.ruleset)


def _looks(app: FastAPI, daemon: Daemon) -> None:
    """What is seen of the fabric: rules read back, cables by what switches hear of each other."""

    @app.get("/v1/drift", responses=ERRORS, tags=["fabric"])
    def drift(switch: Annotated[list[str] | None, Query(description="Default: all.")] = None) -> m.DriftReply:
        """Reads switches back and compares; sends nothing."""
        revision = daemon.queries.status().revision
        found = daemon.queries.drift(switch or ())
        rows = [m.Drifted.model_validate(row) for row in found]
        return m.DriftReply(revision=revision, in_line=all(row.in_line for row in found), switches=rows)

    @app.get("/v1/links", responses=ERRORS, tags=["fabric"])
    def links() -> m.LinksReply:
        """Each link as it is cabled, by what switches hear of each other, and links that no topology has."""
        found = daemon.queries.links()
        rows = [m.CabledLink.model_validate(link) for link in found]
        wrong = sum(link.is_wrong for link in found)
        return m.LinksReply(discovery=daemon.discovers, miscabled=wrong, links=rows)

    @app.get("/v1/digests", responses=ERRORS, tags=["fabric"])
    def digests() -> m.DigestsReply:
        """Reads connected switches back and gives a digest of what each holds, as a revision's proof has them."""
        return m.DigestsReply(digests=daemon.queries.digests())


def _revisions(app: FastAPI, daemon: Daemon) -> None:
    """What was in force, and what is."""

    @app.get("/v1/revisions", responses=ERRORS, tags=["revisions"])
    def revisions(limit: Annotated[int, Query(ge=1, le=10_000)] = 50) -> m.RevisionsReply:
        """The last revisions: who, when, why, and what became of them."""
        return m.RevisionsReply(revisions=[m.Record.model_validate(row) for row in daemon.revisions.history(limit)])

    @app.get("/v1/revisions/{number}", responses=ERRORS, tags=["revisions"])
    def revision(number: Annotated[int, Path(ge=1, le=2**53)]) -> m.RevisionReply:
        """A revision with its documents."""
        return m.RevisionReply.model_validate(daemon.revisions.get(number))


def _changes(app: FastAPI, daemon: Daemon) -> None:
    @app.post("/v1/plan", response_model=m.PlanReply, responses=ERRORS, tags=["changes"])
    def plan(request: m.PlanRequest) -> Response:
        """What the documents would change. Sends nothing."""
        draft = daemon.changes.plan(_texts(request.sources), _text(request.topology) if request.topology else None)
        return JSONResponse(plan_json(daemon, draft, request.limit, request.untouched))

    @app.post("/v1/plan/rollback", response_model=m.PlanReply, responses=ERRORS, tags=["changes"])
    def plan_rollback(request: m.RollbackPlanRequest) -> Response:
        """What going back to an earlier revision would change. Sends nothing."""
        return JSONResponse(plan_json(daemon, daemon.changes.plan_rollback(request.revision), request.limit))

    @app.post("/v1/apply", response_class=StreamingResponse, responses=LINES, tags=["changes"])
    def apply(request: m.ApplyRequest, person: Sender) -> Response:
        """Makes the fabric do what the documents say. Ends when every switch has confirmed it, or given it back."""
        asked = _asked(request, person)
        topology = _text(request.topology) if request.topology else None
        return stream.change(
            lambda progress: daemon.changes.apply(
                _texts(request.sources), progress=progress, topology=topology, **asked
            )
        )

    @app.post("/v1/rollback", response_class=StreamingResponse, responses=LINES, tags=["changes"])
    def rollback(request: m.RollbackRequest, person: Sender) -> Response:
        """Makes the fabric hold exactly the rules of an earlier revision, as a new revision."""
        run = partial(daemon.changes.rollback, request.revision, **_asked(request, person))
        return stream.change(lambda progress: run(progress=progress))

    @app.post("/v1/repair", responses=ERRORS, tags=["changes"])
    def repair(request: m.RepairRequest, person: Sender) -> m.RepairReply:
        """Reads switches back and sends what they lack; with consent, deletes rules that are not Clos's."""
        failed = daemon.changes.repair(
            request.switches, signed(person, request.who), remove_foreign=request.remove_foreign
        )
        rows = [row for row in daemon.queries.status().switches if not request.switches or row.name in request.switches]
        foreign = {row.name: row.foreign for row in rows if row.foreign and row.connected}
        return m.RepairReply(failed=failed, foreign=foreign, absent=[row.name for row in rows if not row.connected])


def plan_json(daemon: Daemon, draft: Candidate, limit: int, untouched: bool = False) -> dict[str, Any]:
    """A draft as a PlanReply. ``untouched``: compare rules before and after, however many there are."""
    means = draft.difference()
    return {
        **to_json(draft.plan, limit),
        "base": draft.base,
        "brakes": [m.Brake.model_validate(brake).model_dump() for brake in draft.brakes],
        "identities": [change.text for change in draft.identities],
        "offline": daemon.changes.offline(draft),
        "interrupted": draft.interrupted,
        "difference": impact_json(means, draft.untouched(means, untouched), limit),
        "cabling": [str(link) for link in daemon.queries.links() if link.is_wrong],
    }


def _asked(request: m.Change, person: Person) -> dict[str, Any]:
    given = request.model_dump(include={"why", "allow", "expect_revision"})
    return {**given, "who": signed(person, request.who)}


def _text(document: m.Document) -> Text:
    return Text(document.name, document.text)


def _texts(documents: list[m.Document]) -> list[Text]:
    return [_text(document) for document in documents]


def _document(ruleset: Ruleset) -> Response:
    return StreamingResponse(stream.pieces(ruleset_json(ruleset)), media_type="application/json")


def _describe_lines(app: FastAPI) -> None:
    """Adds the forms of a change's lines to the description, which FastAPI finds in no signature."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        described = plain()
        schemas = described["components"]["schemas"]
        for model in (m.Proving, m.Begun, m.Progress, m.TakingBack, m.Applied, m.Failed):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[model.__name__] = schema
        return described

    app.openapi = openapi  # type: ignore[method-assign]
