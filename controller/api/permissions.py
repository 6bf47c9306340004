"""What each path of the API takes: one table, a row per path and method. A path without a row cannot be served.

Must not know: who has which role (controller.people.roles).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.routing import BaseRoute, Route, compile_path

from clos.controller.people.roles import APPLY, APPROVE, PEOPLE, PLAN, READ

OPEN: Final = ""
"""Needs no token."""

PERMISSIONS: Final[dict[tuple[str, str], str]] = {
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): READ,
    # the fabric
    ("GET", "/v1/status"): READ,
    ("GET", "/v1/cluster"): READ,
    ("GET", "/v1/switches"): READ,
    ("GET", "/v1/switches/{name}/entries"): READ,
    ("GET", "/v1/ruleset"): READ,
    ("GET", "/v1/drift"): READ,
    ("GET", "/v1/drift/found"): READ,
    ("GET", "/v1/hits"): READ,
    ("GET", "/v1/capacity"): READ,
    ("GET", "/metrics"): READ,
    ("GET", "/v1/links"): READ,
    ("GET", "/v1/paths"): READ,
    ("GET", "/v1/why"): READ,
    ("GET", "/v1/digests"): READ,
    # the borders to a legacy network
    ("GET", "/v1/speakers"): READ,
    ("PUT", "/v1/speakers"): APPLY,
    # revisions and changes
    ("GET", "/v1/revisions"): READ,
    ("GET", "/v1/revisions/{number}"): READ,
    ("POST", "/v1/plan"): PLAN,
    ("POST", "/v1/plan/rollback"): PLAN,
    ("POST", "/v1/apply"): APPLY,
    ("POST", "/v1/rollback"): APPLY,
    ("POST", "/v1/repair"): APPLY,
    # a second pair of eyes
    ("GET", "/v1/proposals"): READ,
    ("GET", "/v1/proposals/{number}"): READ,
    ("POST", "/v1/proposals"): PLAN,
    ("POST", "/v1/proposals/{number}/approve"): APPROVE,
    ("POST", "/v1/proposals/{number}/reject"): PLAN,
    ("POST", "/v1/proposals/{number}/apply"): APPLY,
    # people
    ("POST", "/v1/login"): OPEN,
    ("POST", "/v1/logout"): READ,
    ("GET", "/v1/me"): READ,
    ("POST", "/v1/me/password"): READ,
    ("GET", "/v1/users"): PEOPLE,
    ("POST", "/v1/users"): PEOPLE,
    ("POST", "/v1/users/{name}/roles"): PEOPLE,
    ("POST", "/v1/users/{name}/password"): PEOPLE,
    ("DELETE", "/v1/users/{name}"): PEOPLE,
    ("GET", "/v1/tokens"): PEOPLE,
    ("POST", "/v1/tokens"): PEOPLE,
    ("DELETE", "/v1/tokens/{name}"): PEOPLE,
    # the audit log
    ("GET", "/v1/audit-log"): READ,
    ("POST", "/v1/audit-log/check"): READ,
    # the web page (controller.api.web)
    ("GET", "/ui"): OPEN,
    ("GET", "/ui/style.css"): OPEN,
    ("GET", "/ui/login"): OPEN,
    ("POST", "/ui/login"): OPEN,
    ("POST", "/ui/logout"): READ,
    ("GET", "/ui/"): READ,
    ("GET", "/ui/switches/{name}"): READ,
    ("GET", "/ui/drift"): READ,
    ("GET", "/ui/paths"): READ,
    ("POST", "/ui/repair"): APPLY,
    ("GET", "/ui/tenants"): READ,
    ("GET", "/ui/tenants/{name}"): READ,
    ("GET", "/ui/change"): PLAN,
    ("POST", "/ui/change"): PLAN,
    ("POST", "/ui/apply"): APPLY,
    ("GET", "/ui/history"): READ,
    ("GET", "/ui/history/{number}"): READ,
    ("GET", "/ui/rollback/{number}"): PLAN,
    ("POST", "/ui/rollback/{number}"): APPLY,
    ("GET", "/ui/proposals"): READ,
    ("GET", "/ui/proposals/{number}"): READ,
    ("POST", "/ui/proposals"): PLAN,
    ("POST", "/ui/proposals/{number}/approve"): APPROVE,
    ("POST", "/ui/proposals/{number}/reject"): PLAN,
    ("POST", "/ui/proposals/{number}/apply"): APPLY,
    ("GET", "/ui/explain"): READ,
    ("GET", "/ui/audit"): READ,
    ("GET", "/ui/people"): PEOPLE,
    ("POST", "/ui/people"): PEOPLE,
    ("POST", "/ui/people/{name}/roles"): PEOPLE,
    ("POST", "/ui/people/{name}/remove"): PEOPLE,
    ("POST", "/ui/tokens"): PEOPLE,
    ("POST", "/ui/tokens/{name}/remove"): PEOPLE,
}
"""The permission that a request takes."""

_PATTERNS = [(method, compile_path(path)[0], need) for (method, path), need in PERMISSIONS.items()]


def needed(method: str, path: str) -> str | None:
    """The permission that a request takes; None for a path and method that are not in the table.

    HEAD is as GET.
    """
    asked = "GET" if method == "HEAD" else method
    exact = PERMISSIONS.get((asked, path))
    if exact is not None:
        return exact
    return next((need for each, pattern, need in _PATTERNS if each == asked and pattern.match(path)), None)


def check_table(routes: Iterable[BaseRoute]) -> None:
    """Raises LookupError for a route that has no row: nobody would be asked who they are."""
    served: set[tuple[str, str]] = set()
    for route in routes:
        found: Any = route
        if isinstance(route, Route) or hasattr(route, "methods"):
            served.update((method, found.path) for method in found.methods if method != "HEAD")
    if missing := sorted(served - PERMISSIONS.keys()):
        raise LookupError(f"no permission is said for {missing[0][0]} {missing[0][1]}")
