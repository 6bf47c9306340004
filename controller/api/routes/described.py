"""What paths share: the answers that every one may give, and who sends a request. Must not know: any one path."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from starlette.exceptions import HTTPException

from clos.controller.api import models as m
from clos.controller.people.roles import Person, owner

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": m.ErrorReply, "description": text}
    for status, text in (
        (400, "The request is not what is described here."),
        (401, "The token is missing, wrong or expired."),
        (403, "Whoever sends it may not; the message says which role it takes."),
        (404, "There is no such revision, switch, proposal or account."),
        (409, "Not now, or not without being allowed; `allow` says what would help."),
        (422, "The documents are wrong; every problem is listed with its place."),
        (502, "A switch refused or fell silent; what was sent is taken back."),
    )
}


def _sender(request: Request) -> Person:
    found: Person = getattr(request.state, "person", None) or owner(alone=True)
    return found


Sender = Annotated[Person, Depends(_sender)]
"""Who sends the request, as the guard found out."""

Number = Annotated[int, Path(ge=1, le=2**53)]
AccountName = Annotated[str, Path(description="Of an account.", max_length=63)]


def signed(person: Person, claimed: str) -> str:
    """The name for the history. Raises HTTPException when a person claims another's."""
    try:
        return person.signs_as(claimed)
    except ValueError as error:
        raise HTTPException(403, str(error)) from None
