"""What a person does on the pages: logging in, changing the fabric, approving. Each form is a call of the API, too.

Must not know: how a change is made, layout. Every form is checked to be our own page's (controller.api.web.forms).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from clos.controller.api.errors import STATUS
from clos.controller.api.routes.described import signed
from clos.controller.api.web import views
from clos.controller.api.web.forms import Form, read
from clos.controller.api.web.pages import page, streamed
from clos.controller.api.web.sessions import COOKIE, Sessions, cookie_of
from clos.controller.daemon import Daemon
from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.daemon.errors import INVALID, Refused
from clos.controller.daemon.status import Applied, Begun, Proving, TakingBack
from clos.controller.intent import Text
from clos.controller.people.people import WrongPassword
from clos.controller.people.roles import OWNER, PERSON, Person
from clos.controller.plan import Counts, summary
from clos.controller.plan.summary import PlanSummary
from clos.controller.store import StoreError
from clos.controller.wire.apply import Progress

LAST = "last"
"""The key under which the end of a change is put to its page."""
SENTENCES = 200
HOME = "/ui/"


def install(app: FastAPI, daemon: Daemon, sessions: Sessions, is_owner: Callable[[str], bool]) -> None:
    """Add the forms. ``is_owner``: whether a word is the token of the state directory."""
    _logins(app, daemon, sessions, is_owner)
    _wizard(app, daemon)
    _changes(app, daemon)
    _proposals(app, daemon)


# -- logins -----------------------------------------------------------------------------------------------


def _logins(app: FastAPI, daemon: Daemon, sessions: Sessions, is_owner: Callable[[str], bool]) -> None:
    @app.get("/ui/login", include_in_schema=False)
    def form(request: Request) -> Response:
        return page(request, "login.html", message="", name="", next=_local(request.query_params.get("next", HOME)))

    @app.post("/ui/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        form = await read(request)
        name, password, after = form.one("name").strip(), form.one("password"), _local(form.one("next"))
        try:
            token = await run_in_threadpool(_token, daemon, name, password, is_owner)
        except WrongPassword as error:
            return page(request, "login.html", 403, message=str(error), name=name, next=after)
        answer = RedirectResponse(after, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, sessions.begin(token), path="/ui", httponly=True, samesite="strict", secure=secure)
        return answer

    @app.post("/ui/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        await read(request)
        if request.state.person.kind == PERSON:
            await run_in_threadpool(daemon.people.log_out, request.state.session.token)
        sessions.end(cookie_of(request.headers.get("cookie", "")))
        answer = RedirectResponse("/ui/login", 303)
        answer.delete_cookie(COOKIE, path="/ui")
        return answer


def _token(daemon: Daemon, name: str, password: str, is_owner: Callable[[str], bool]) -> str:
    """The token of whoever logs in: a person by a password, the owner by the word in the file. Raises WrongPassword."""
    if name in {"", OWNER}:
        if is_owner(password.strip()):
            return password.strip()
        raise WrongPassword("that is not the token of the state directory; with a name, give its password")
    return daemon.people.log_in(name, password)[1].token


def _local(path: str) -> str:
    """A path of these pages: nobody is sent elsewhere after logging in."""
    return path if path.startswith(HOME) and "\\" not in path and "//" not in path else HOME


# -- the change wizard ------------------------------------------------------------------------------------


def _wizard(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/change", include_in_schema=False)
    def edit(request: Request) -> Response:
        sources = _in_force(daemon)
        name = request.query_params.get("document") or next(iter(sources), "intents.yaml")
        return page(
            request, "change.html", documents=[*sources], name=name, text=sources.get(name, ""), why="",
            problems=[], shown=[], message="",
        )  # fmt: skip

    @app.post("/ui/change", include_in_schema=False)
    async def plan(request: Request) -> Response:
        form = await read(request)
        return await run_in_threadpool(_planned, request, daemon, form)


def _planned(request: Request, daemon: Daemon, form: Form) -> Response:
    """The plan of an edited document, or the document with what is wrong at its lines."""
    name, text = form.one("name").strip(), form.one("text")
    about = {"documents": [*_in_force(daemon)], "name": name, "text": text, "why": form.one("why")}
    try:
        draft = daemon.changes.plan(_edited(daemon, form))
    except Refused as error:
        own = [problem for problem in error.problems if problem.file == name]
        other = [problem for problem in error.problems if problem.file != name]
        shown = views.numbered(text, own)
        count = len(error.problems)
        message = error.message if not count else f"{count} problem{'s' if count > 1 else ''}"
        return page(request, "change.html", STATUS[error.code], **about, problems=other, shown=shown, message=message)
    return page(request, "plan.html", **about, **_plan(daemon, draft), remove=form.one("remove"), rollback=0)


def _plan(daemon: Daemon, draft: Candidate) -> dict[str, Any]:
    """What a plan's page shows."""
    means = draft.difference()
    rules = draft.untouched(means)
    counts = summary(draft.plan)
    return {
        "base": draft.base,
        "sentences": [one.text for one in means.sentences][:SENTENCES],
        "more": max(0, len(means.sentences) - SENTENCES),
        "total": counts.total,
        "by_switch": _by_switch(counts),
        "batches": len(draft.plan.batches),
        "brakes": draft.brakes,
        "offline": daemon.changes.offline(draft),
        "strays": rules.strays,
        "untouched": rules.ok,
        "not_compared": rules.why,
        "asks": daemon.changes.asks(draft),
    }


def _by_switch(counts: PlanSummary) -> list[tuple[str, Counts]]:
    found: dict[str, Counts] = {}
    for row in counts.rows:
        held = found.get(row.switch, Counts())
        found[row.switch] = Counts(*map(sum, zip(held, row.counts, strict=True)))
    return sorted(found.items())


def _in_force(daemon: Daemon) -> dict[str, str]:
    sources = daemon.revisions.running.sources
    return {text.name: text.text for text in sources.intents} if sources else {}


def _edited(daemon: Daemon, form: Form) -> list[Text]:
    """The documents in force with the form's in place of the one of its name; without it, where it is to go."""
    name = form.one("name").strip()
    if not name:
        raise Refused(INVALID, "the document has no name: give it one, such as tenants/shop.yaml")
    sources = _in_force(daemon)
    if form.one("remove"):
        sources.pop(name, None)
    else:
        sources[name] = form.one("text")
    return [Text(*item) for item in sources.items()]


# -- changes that are carried out -------------------------------------------------------------------------


def _changes(app: FastAPI, daemon: Daemon) -> None:
    @app.post("/ui/apply", include_in_schema=False)
    async def apply(request: Request) -> Response:
        form = await read(request)
        who, why, allow = signed(request.state.person, ""), form.one("why"), form.all("allow")
        texts = await run_in_threadpool(_edited, daemon, form)
        base = _number(form.one("base"))

        def run(progress: Callable[[Any], object]) -> Applied:
            return daemon.changes.apply(texts, who, why, allow=allow, expect_revision=base, progress=progress)

        return _followed(request, run, "Applying")

    @app.get("/ui/rollback/{number}", include_in_schema=False)
    def back(request: Request, number: int) -> Response:
        shown = _plan(daemon, daemon.changes.plan_rollback(number))
        about = {"documents": [], "name": "", "text": "", "why": f"rollback to {number}", "remove": ""}
        return page(request, "plan.html", **about, **shown, rollback=number)

    @app.post("/ui/rollback/{number}", include_in_schema=False)
    async def rollback(request: Request, number: int) -> Response:
        form = await read(request)
        who, why, allow = signed(request.state.person, ""), form.one("why"), form.all("allow")
        base = _number(form.one("base"))

        def run(progress: Callable[[Any], object]) -> Applied:
            return daemon.changes.rollback(number, who, why, allow=allow, expect_revision=base, progress=progress)

        return _followed(request, run, f"Returning to revision {number}")

    @app.post("/ui/repair", include_in_schema=False)
    async def repair(request: Request) -> Response:
        form = await read(request)
        chosen, who = form.all("switch"), signed(request.state.person, "")
        foreign = bool(form.one("foreign"))
        await run_in_threadpool(daemon.changes.repair, chosen, who, remove_foreign=foreign)
        for name in chosen:
            await run_in_threadpool(daemon.watch.look, name)
        return RedirectResponse("/ui/drift", 303)


def _followed(request: Request, run: Callable[[Callable[[Any], object]], Applied], title: str) -> Response:
    """A page that shows a change while it is carried out. The change goes on whether or not the browser stays."""
    steps: SimpleQueue[Any] = SimpleQueue()

    def tell(step: object) -> None:
        if _is_shown(step):
            steps.put({"text": _told(step)})

    def work() -> None:
        try:
            steps.put({LAST: True, "applied": run(tell)})
        except (Refused, StoreError) as error:
            steps.put({LAST: True, "error": error})
        except Exception as error:
            steps.put({LAST: True, "error": f"internal error ({type(error).__name__}); see the controller's log"})

    def lines() -> Iterator[dict[str, Any]]:
        while True:
            step: dict[str, Any] = steps.get()
            yield step
            if LAST in step:
                return

    threading.Thread(target=work, name="clos-change", daemon=True).start()
    return streamed(request, "progress.html", lines(), title=title)


def _is_shown(step: object) -> bool:
    """Of the switches that confirm a batch every fourth part is told: on a large fabric there are thousands."""
    if not isinstance(step, Progress):
        return True
    return step.confirmed == step.switches or step.confirmed % max(1, step.switches // 4) == 0


def _told(step: object) -> str:
    match step:
        case Proving(number, batches, _):
            return f"Proving the state after batch {number} of {batches}; nothing is sent yet."
        case Begun(revision, batches, switches):
            return f"Revision {revision} is recorded: {batches} batches for {switches} switches."
        case Progress():
            return (
                f"Batch {step.number} of {step.batches} ({step.batch}): {step.confirmed} of {step.switches} confirmed."
            )
        case TakingBack(revision, reason):
            return f"Revision {revision} failed and is taken back: {reason}"
    return str(step)


def _number(word: str) -> int | None:
    return int(word) if word.isdecimal() and len(word) < 16 else None


# -- a second person --------------------------------------------------------------------------------------


def _proposals(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/ui/proposals", include_in_schema=False)
    def proposals(request: Request) -> Response:
        return page(request, "proposals.html", rows=daemon.proposals.newest(200))

    @app.get("/ui/proposals/{number}", include_in_schema=False)
    def proposal(request: Request, number: int) -> Response:
        found = daemon.proposals.get(number)
        after = found.request.get("sources", {})
        lines = list(views.changed_lines(_in_force(daemon), after)) if after else []
        return page(request, "proposal.html", found=found, lines=lines)

    @app.post("/ui/proposals", include_in_schema=False)
    async def propose(request: Request) -> Response:
        form = await read(request)
        who, why, allow = signed(request.state.person, ""), form.one("why"), form.all("allow")
        back = _number(form.one("rollback"))
        if back:
            made = await run_in_threadpool(daemon.proposals.propose_rollback, back, who, why, allow)
        else:
            texts = await run_in_threadpool(_edited, daemon, form)
            sources = {text.name: text.text for text in texts}
            made = await run_in_threadpool(daemon.proposals.propose, sources, None, who, why, allow)
        return RedirectResponse(f"/ui/proposals/{made.number}", 303)

    @app.post("/ui/proposals/{number}/approve", include_in_schema=False)
    async def approve(request: Request, number: int) -> Response:
        return await _judge(request, number, daemon.proposals.approve)

    @app.post("/ui/proposals/{number}/reject", include_in_schema=False)
    async def reject(request: Request, number: int) -> Response:
        return await _judge(request, number, daemon.proposals.reject)

    @app.post("/ui/proposals/{number}/apply", include_in_schema=False)
    async def apply(request: Request, number: int) -> Response:
        await read(request)
        who = signed(request.state.person, "")
        return _followed(request, lambda progress: daemon.proposals.apply(number, who, progress), f"Proposal {number}")


async def _judge(request: Request, number: int, how: Callable[[int, str, str], object]) -> Response:
    form = await read(request)
    person: Person = request.state.person
    await run_in_threadpool(how, number, signed(person, ""), form.one("note"))
    return RedirectResponse(f"/ui/proposals/{quote(str(number))}", 303)
