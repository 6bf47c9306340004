"""What a browser's form says (application/x-www-form-urlencoded). Must not know: what it means."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs

from fastapi import Request
from starlette.exceptions import HTTPException

from clos.controller.api.web.sessions import Session, same

MOST_FIELDS = 10_000


class Form(NamedTuple):
    """The fields of a form, each with its values."""

    fields: dict[str, list[str]]

    def one(self, name: str) -> str:
        """The field's value, empty without one; lines end as in files."""
        return (self.fields.get(name) or [""])[0].replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        return self.fields.get(name, [])


async def read(request: Request) -> Form:
    """The form of a request. Raises HTTPException for one that is none, or that another site's page has sent."""
    try:
        text = (await request.body()).decode()
        found = Form(parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise HTTPException(400, f"the form cannot be read: {error}") from None
    session: Session | None = getattr(request.state, "session", None)
    if session is not None and not same(session, found.one("form")):
        raise HTTPException(403, "the form is from an older login, or another site sent it: load the page again")
    return found
