"""Everything that goes wrong, as one form of document with the HTTP status it deserves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from clos.controller.api.models import FORMAT_VERSION
from clos.controller.api.web.pages import PAGES, error_page
from clos.controller.daemon import errors as why
from clos.controller.daemon.changes.verdict import Finding
from clos.controller.daemon.errors import Refused
from clos.controller.intent import Problem
from clos.controller.store import NotLeading, StoreError

STATUS = {
    why.INVALID: 422,
    why.LIMIT: 422,
    why.STALE: 409,
    why.BUSY: 409,
    why.BRAKES: 409,
    why.OFFLINE: 409,
    why.GATE: 409,
    why.FOUR_EYES: 409,
    why.UNKNOWN: 404,
    why.SWITCH: 502,
    why.FOLLOWER: 421,
    why.STOPPING: 503,
}

_HTTP = {
    400: "request",
    401: "token",
    403: "role",
    404: why.UNKNOWN,
    405: "method",
    413: "too-large",
    422: "account",
    503: why.BUSY,
}

Json = dict[str, Any]


def body(
    code: str,
    message: str,
    problems: Iterable[Problem] = (),
    allow: Iterable[str] = (),
    findings: Iterable[Finding] = (),
) -> Json:
    """An error as a document."""
    error: Json = {"code": code, "message": message, "problems": [p._asdict() for p in problems], "allow": list(allow)}
    if shown := [found.document() for found in findings]:
        error["counterexamples"] = shown
    return {"format_version": FORMAT_VERSION, "error": error}


def describe(error: Exception) -> tuple[int, Json]:
    """Status and document of an error; one that nobody expected is not shown."""
    match error:
        case Refused():
            return STATUS[error.code], body(error.code, error.message, error.problems, error.flags, error.findings)
        case NotLeading():
            return STATUS[why.FOLLOWER], body(why.FOLLOWER, str(error))
        case StoreError():
            return 500, body("store", str(error))
        case RequestValidationError():
            found = [_problem(row) for row in error.errors()[:100]]
            return 400, body("request", "the request is not what the API describes", found)
        case HTTPException():
            return error.status_code, body(_HTTP.get(error.status_code, "request"), str(error.detail))
    return 500, body("internal", "internal error; see the daemon's log")


def _problem(row: Any) -> Problem:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in row["loc"])
    return Problem("request", 0, 0, "".join(steps).removeprefix("."), str(row["msg"]))


def answer(request: Request, error: Exception) -> Response:
    """The response to a request that raised."""
    status, document = describe(error)
    if request.url.path.startswith(PAGES):
        return error_page(request, status, document["error"])
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else getattr(error, "headers", None)
    return JSONResponse(document, status, headers)


def install(app: FastAPI) -> None:
    """Have the app answer so."""
    for kind in (Refused, StoreError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
