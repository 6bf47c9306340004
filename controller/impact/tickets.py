"""The tickets behind a change: of policies and shares that are new, changed or gone.

Lives here: which lines a change of intents touches, as far as they name a ticket. Must not know: packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from clos.controller.impact.sentence import REMARK, Sentence
from clos.controller.intent.model import Intent, Policy, Share

Lines = dict[str, Policy | Share]


def tickets(old: Intent, new: Intent, tenants: Set[str]) -> Iterator[Sentence]:
    """One remark for every ticket of what changes; ``tenants``: those of which anything does."""
    were, are = (_lines(intent, tenants) for intent in (old, new))
    found: dict[str, list[str]] = {}
    for name in sorted(were.keys() | are.keys()):
        before, after = were.get(name), are.get(name)
        ticket = after.ticket if after is not None else before.ticket if before is not None else ""
        if ticket and before != after:
            change = "is new" if before is None else "is gone" if after is None else "changes"
            found.setdefault(ticket, []).append(f"{name} {change}")
    for ticket, lines in sorted(found.items()):
        detail: dict[str, Any] = {"ticket": ticket, "lines": lines}
        yield Sentence(REMARK, f"ticket {ticket}: {', '.join(lines)}", detail)


def _lines(intent: Intent, tenants: Set[str]) -> Lines:
    """Policies and shares by what they are called."""
    found: Lines = {}
    for name in sorted(tenants & intent.tenants.keys()):
        found |= {f"policy {policy.name} of {name}": policy for policy in intent.tenants[name].policies}
    found |= {f"share {share.name} of {share.tenant}": share for share in intent.shares.values()}
    return found
