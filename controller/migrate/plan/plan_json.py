"""``plan.json``: a plan as text, and back, strictly.

Lives here: the machine form. Must not know: what a plan says. A file that is not a plan of this format gives BadPlan,
with every problem and its place. ``read_plan(plan_text(plan)) == plan``.
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter, ValidationError

from clos.controller.input_file import NotJson, read_json
from clos.controller.migrate.plan.model import FORMAT, Plan

_PLAN = TypeAdapter(Plan)
_AGAIN = "run clos migrate plan again"


class BadPlan(ValueError):
    """A text that is no plan; says what is wrong and where, a line each."""


def plan_text(plan: Plan) -> str:
    """The plan as JSON, the same bytes for equal plans."""
    return json.dumps(_PLAN.dump_python(plan, mode="json"), indent=1, sort_keys=False, ensure_ascii=False) + "\n"


def read_plan(text: str, name: str = "plan.json") -> Plan:
    """The plan that ``plan_text`` wrote. Raises BadPlan."""
    _check_format(text, name)
    try:
        return _PLAN.validate_json(text, strict=True)
    except ValidationError as fault:
        raise BadPlan("\n".join(_problem(name, each) for each in fault.errors(include_url=False))) from None


def _check_format(text: str, name: str) -> None:
    try:
        document = read_json(text)
    except NotJson as fault:
        raise BadPlan(f"{name}: {fault}; {_AGAIN}") from None
    number = document.get("format") if isinstance(document, dict) else None
    if number != FORMAT or isinstance(number, bool):
        raise BadPlan(f"{name}: format: {number!r}, this version reads format {FORMAT}; {_AGAIN}")


def _problem(name: str, error: object) -> str:
    assert isinstance(error, dict)
    place = ".".join(str(part) for part in error["loc"]) or "the document"
    if error["type"] in _UNKNOWN:
        return f"{name}: {place}: a plan has no such key; take it out, or {_AGAIN}"
    if error["type"] in _LACKING:
        return f"{name}: {place}: this key lacks; {_AGAIN}"
    return f"{name}: {place}: {error['msg'].removeprefix('Value error, ')}"


_UNKNOWN = frozenset({"unexpected_keyword_argument", "extra_forbidden"})
_LACKING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
"""Kinds of pydantic's problems that its own words tell of as calls in Python."""
