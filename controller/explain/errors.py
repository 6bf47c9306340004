"""Why a question has no answer: it is badly put, or its documents are invalid. Must not know: exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clos.controller.intent import Problem


class Unanswerable(Exception):
    """A question that cannot be answered as it stands; the text says why."""


class BadQuestion(Unanswerable):
    """Names nothing that is there, or more than one thing: the asker's words, not the documents, need a change."""


class InvalidInputs(Unanswerable):
    """Documents with problems; or, without any, intents that do not fit into the pipeline."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = problems


def invalid(problems: Sequence[Problem]) -> InvalidInputs:
    """The error that lists every problem."""
    return InvalidInputs(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}", problems)
