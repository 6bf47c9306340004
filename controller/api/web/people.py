"""The page of people and services: who may log in, with which roles, and which programs have a token.

Must not know: what an account must be (controller.people.people says it, and its words are shown).
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from clos.controller.api.web.forms import read
from clos.controller.api.web.pages import page
from clos.controller.daemon import Daemon
from clos.controller.people.people import MOST_DAYS, NoSuchAccount
from clos.controller.people.roles import PERSON, ROLES, SERVICE, Person

HERE = "/ui/people"


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the page and its forms."""
    _people(app, daemon)
    _tokens(app, daemon)


def _people(app: FastAPI, daemon: Daemon) -> None:
    @app.get(HERE, include_in_schema=False)
    def people(request: Request) -> Response:
        return _page(request, daemon)

    @app.post(HERE, include_in_schema=False)
    async def add(request: Request) -> Response:
        form = await read(request)
        name, roles, word = form.one("name").strip(), form.all("role"), form.one("password")
        return await _done(request, daemon, lambda: daemon.people.add(name, roles, word, _by(request)))

    @app.post(HERE + "/{name}/roles", include_in_schema=False)
    async def roles(request: Request, name: str) -> Response:
        form = await read(request)
        return await _done(request, daemon, lambda: daemon.people.set_roles(name, form.all("role"), _by(request)))

    @app.post(HERE + "/{name}/remove", include_in_schema=False)
    async def remove(request: Request, name: str) -> Response:
        await read(request)
        return await _done(request, daemon, lambda: daemon.people.remove(name, PERSON, _by(request)))


def _tokens(app: FastAPI, daemon: Daemon) -> None:
    @app.post("/ui/tokens", include_in_schema=False)
    async def add(request: Request) -> Response:
        form = await read(request)
        name, roles, days = form.one("name").strip(), form.all("role"), form.one("days")
        number = int(days) if days.isdecimal() and len(days) < 5 else 0
        try:
            issued = await run_in_threadpool(daemon.people.add_service, name, roles, number, _by(request))
        except ValueError as error:
            return _page(request, daemon, str(error))
        return _page(request, daemon, token=issued.token)

    @app.post("/ui/tokens/{name}/remove", include_in_schema=False)
    async def remove(request: Request, name: str) -> Response:
        await read(request)
        return await _done(request, daemon, lambda: daemon.people.remove(name, SERVICE, _by(request)))


async def _done(request: Request, daemon: Daemon, work: Callable[[], object]) -> Response:
    """The page again, or what is wrong."""
    try:
        await run_in_threadpool(work)
    except (ValueError, NoSuchAccount) as error:
        return _page(request, daemon, str(error))
    return RedirectResponse(HERE, 303)


def _page(request: Request, daemon: Daemon, message: str = "", token: str = "") -> Response:
    people, services = daemon.people.all(PERSON), daemon.people.all(SERVICE)
    code = 422 if message else 200
    about = {"message": message, "token": token, "roles": list(ROLES), "most": MOST_DAYS}
    return page(request, "people.html", code, people=people, services=services, **about)


def _by(request: Request) -> str:
    person: Person = request.state.person
    return person.signs_as("") or person.name
