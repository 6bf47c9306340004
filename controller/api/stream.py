"""Answers that are long or take long: a change's progress line by line, a ruleset piece by piece."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

from fastapi.responses import JSONResponse, Response, StreamingResponse

from clos.controller.api import models
from clos.controller.api.errors import describe
from clos.controller.daemon.errors import Refused
from clos.controller.daemon.status import Applied, Begun, Proving, Step, TakingBack
from clos.controller.store import StoreError
from clos.controller.wire.apply import Progress

LOG = logging.getLogger(__name__)

NDJSON = "application/x-ndjson"
PIECE = 64 << 10

_LINES: dict[type[Any], type[models.Reply]] = {
    Proving: models.Proving,
    Begun: models.Begun,
    Progress: models.Progress,
    TakingBack: models.TakingBack,
    Applied: models.Applied,
}
"""The form of each step of a change."""

Change = Callable[[Callable[[Step], object]], Applied]


def change(run: Change) -> Response:
    """Carries out a change and answers with its lines as they come; a refusal before the first is an ordinary error.

    The change runs in a thread of its own and goes on to its end whether or not the client stays.
    """
    lines: SimpleQueue[Step | Applied | Exception] = SimpleQueue()

    def work() -> None:
        try:
            lines.put(run(lines.put))
        except Exception as error:
            if not isinstance(error, Refused | StoreError):
                LOG.exception("a change failed")
            lines.put(error)

    threading.Thread(target=work, name="clos-change", daemon=True).start()
    first = lines.get()
    if isinstance(first, Exception):
        status, document = describe(first)
        return JSONResponse(document, status)
    return StreamingResponse(_written(first, lines), media_type=NDJSON)


def _written(first: Step | Applied, lines: SimpleQueue[Step | Applied | Exception]) -> Iterator[str]:
    step: Step | Applied | Exception = first
    while not isinstance(step, Applied | Exception):
        yield _line(step)
        step = lines.get()
    yield _line(step)


def _line(step: Step | Applied | Exception) -> str:
    if isinstance(step, Exception):
        return json.dumps({"event": "error", **describe(step)[1]}) + "\n"
    return _LINES[type(step)].model_validate(step).model_dump_json() + "\n"


def pieces(chunks: Iterable[str]) -> Iterator[str]:
    """The same text in pieces of a size worth sending."""
    held: list[str] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)
