"""Roles and what each may do: one table. Must not know: passwords, HTTP, what a change is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

READ: Final = "read"
"""Look at everything: status, rules, documents, history, the audit log."""
PLAN: Final = "plan"
"""Work out what documents would change, and propose a change."""
APPROVE: Final = "approve"
"""Approve or reject what somebody else has proposed."""
APPLY: Final = "apply"
"""Change the fabric: apply, roll back, repair, drain."""
PEOPLE: Final = "people"
"""Add and remove people and services, and give them roles."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "viewer": frozenset({READ}),
    "planner": frozenset({READ, PLAN}),
    "approver": frozenset({READ, PLAN, APPROVE}),
    "operator": frozenset({READ, PLAN, APPLY}),
    "admin": frozenset({READ, PLAN, APPROVE, APPLY, PEOPLE}),
}
"""What each role may do."""

WHAT: Final = {
    READ: "look at the fabric",
    PLAN: "plan changes",
    APPROVE: "approve changes",
    APPLY: "change the fabric",
    PEOPLE: "manage people and tokens",
}
"""Permissions in words."""

PERSON, SERVICE, OWNER_KIND = "person", "service", "owner"
OWNER: Final = "owner"
"""Whoever can read the state directory: a name that no account can have."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has shown who they are. ``kind``: a person, a service, or the owner of the state directory.

    ``alone``: the controller has no accounts, so the owner gives any name for the history.
    """

    name: str
    kind: str
    roles: tuple[str, ...]
    alone: bool = False

    @property
    def permissions(self) -> frozenset[str]:
        """What the roles allow together."""
        return frozenset().union(*(ROLES.get(role, frozenset()) for role in self.roles))

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def signs_as(self, claimed: str) -> str:
        """The name that the history keeps. Only the owner may claim one; beside accounts it is said to be a claim.

        Raises ValueError when somebody else does.
        """
        if self.kind == OWNER_KIND:
            return claimed if self.alone else f"{OWNER} as {claimed}" if claimed else OWNER
        if claimed not in {"", self.name}:
            raise ValueError(f"you are {self.name}: the history keeps who is logged in, so leave out --who {claimed}")
        return self.name

    def lacks(self, permission: str) -> str:
        """Why somebody may not do something, and what would help."""
        fit = " or ".join(role for role, allowed in ROLES.items() if permission in allowed)
        held = ", ".join(self.roles) or "no role"
        return f"{self.name} may not {WHAT[permission]}: that takes the role {fit}; {self.name} has {held}"


def owner(*, alone: bool) -> Person:
    """The owner of the state directory, who may do everything."""
    return Person(OWNER, OWNER_KIND, ("admin",), alone)


def known_roles(words: Iterable[str]) -> tuple[str, ...]:
    """The roles, in the order of the table. Raises ValueError for one that there is not, or for none."""
    given = set(words)
    if unknown := sorted(given - ROLES.keys()):
        raise ValueError(f"there is no role {unknown[0]}: choose from {', '.join(ROLES)}")
    if not given:
        raise ValueError(f"name at least one role: {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in given)
