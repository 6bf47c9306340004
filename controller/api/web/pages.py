"""HTML from templates: one environment, and the headers every page has. Must not know: what pages show.

No scripts and nothing from elsewhere: the content security policy forbids both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse, StreamingResponse

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

PAGES = "/ui"
"""Where all pages are."""

MENU = (
    ("/ui/", "Overview", "read"),
    ("/ui/tenants", "Tenants", "read"),
    ("/ui/change", "Change", "plan"),
    ("/ui/proposals", "Proposals", "read"),
    ("/ui/history", "History", "read"),
    ("/ui/explain", "Explain", "read"),
    ("/ui/drift", "Drift", "read"),
    ("/ui/paths", "Paths", "read"),
    ("/ui/audit", "Audit log", "read"),
    ("/ui/people", "People", "people"),
)
"""The menu: where, what it is called, the permission that it takes."""


@cache
def environment() -> Environment:
    """The templates of this package; everything put into them is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for who serves

    made = Environment(
        loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["number"] = lambda value: f"{value:,}"
    made.filters["when"] = lambda value: value[:19].replace("T", " ") if value else "-"
    return made


def page(request: Request, template: str, code: int = 200, /, **values: Any) -> HTMLResponse:
    """A whole page."""
    text = environment().get_template(template).render(**_common(request), **values)
    return HTMLResponse(text, code, HEADERS)


def streamed(request: Request, template: str, lines: Iterator[dict[str, Any]], **values: Any) -> StreamingResponse:
    """A page that grows while ``lines`` come: the template's blocks ``line`` and ``end`` are macros over them.

    The browser shows what it has; no script is needed to follow a change.
    """
    made = environment().get_template(template)
    common = {**_common(request), **values}
    module: Any = made.make_module(common)

    def pieces() -> Iterator[str]:
        yield str(module.begin())
        for line in lines:
            yield str(module.line(line))
        yield str(module.end())

    return StreamingResponse(pieces(), media_type="text/html; charset=utf-8", headers=HEADERS)


def refusal_page(request: Request, message: str) -> HTMLResponse:
    """Why somebody who is known may not."""
    return page(request, "error.html", 403, heading="Not allowed", message=message, problems=(), allow=())


def error_page(request: Request, status: int, error: dict[str, Any]) -> HTMLResponse:
    """An error of the API (controller.api.errors) as a page."""
    heading = {403: "Not allowed", 404: "Not found", 409: "Not now"}.get(status, "That did not work")
    problems = [f"{p['file']}:{p['line']}: {p['path']}: {p['message']}" for p in error["problems"]]
    about = {"message": error["message"], "problems": problems, "allow": error["allow"]}
    return page(request, "error.html", status, heading=heading, **about)


def _common(request: Request) -> dict[str, Any]:
    person = getattr(request.state, "person", None)
    session = getattr(request.state, "session", None)
    allowed = person.permissions if person else frozenset()
    menu = [(path, text) for path, text, takes in MENU if takes in allowed]
    return {
        "person": person, "allowed": allowed, "menu": menu, "here": request.url.path,
        "form": session.form if session else "",
    }  # fmt: skip
