"""Four eyes: which changes take a second person, who approves what the first has proposed.

Lives here: the rule and its judgement of a plan. Must not know: who people are, how an approval is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.impact.endpoint_pairs import affected_tenants

ALWAYS, BRAKES = "always", "brakes"
TENANT = "tenant="
UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class FourEyes:
    """The changes that take two: all of them; those that a brake holds or that go on unproven; those of ``tenants``."""

    always: bool = False
    brakes: bool = False
    tenants: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.always or self.brakes or bool(self.tenants)

    def asks(self, draft: Candidate, allow: Collection[str]) -> str:
        """Why this change takes a second person; empty when it does not."""
        if self.always:
            return "every change of this controller takes two people"
        if self.brakes and (held := [brake.name for brake in draft.brakes]):
            return f"a plan that a brake holds ({', '.join(held)}) takes two people"
        if self.brakes and UNPROVEN in allow:
            return "a change that may go on without a proof takes two people"
        if self.tenants and (found := sorted(self.tenants.intersection(affected_tenants(*draft.sides).tenants))):
            return f"a change that concerns tenant {', '.join(found)} takes two people"
        return ""


NOBODY = FourEyes()
"""One person is enough for every change."""


def four_eyes(words: Iterable[str]) -> FourEyes:
    """The rule in the words of an option: ``always``, ``brakes``, ``tenant=NAME``. Raises ValueError."""
    given = set(words)
    tenants = {word.removeprefix(TENANT) for word in given if word.startswith(TENANT)}
    unknown = sorted(given - {ALWAYS, BRAKES} - {f"{TENANT}{name}" for name in tenants})
    if unknown or "" in tenants:
        raise ValueError(f"unknown rule {unknown[0] if unknown else TENANT!r}: choose always, brakes or tenant=NAME")
    return FourEyes(ALWAYS in given, BRAKES in given, frozenset(tenants))
