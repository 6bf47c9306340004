"""Proposed changes: planned by one person, approved by another, then carried out exactly as approved.

Must not know: roles, HTTP. What is approved is the documents on one revision: when another one is in force, the plan
is another, and has to be proposed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.daemon.changes.changes import Changes
from clos.controller.daemon.errors import FOUR_EYES, STALE, UNKNOWN, Refused
from clos.controller.daemon.status import Applied, Step
from clos.controller.intent import Text
from clos.controller.people.roles import OWNER
from clos.controller.plan import summary, summary_json
from clos.controller.store.proposals import APPROVED, DONE, OPEN, REJECTED, Proposal, Proposals


class ProposedChanges:
    """Every method may be called from any thread, and raises Refused."""

    def __init__(self, kept: Proposals, changes: Changes) -> None:
        self._kept, self._changes = kept, changes

    def propose(
        self, sources: Mapping[str, str], topology: Text | None, who: str, why: str, allow: Iterable[str] = ()
    ) -> Proposal:
        """Keep documents as a proposed change, with what their plan means. Raises Refused with every problem."""
        draft = self._changes.plan(_texts(sources), topology)
        request = {"sources": dict(sources), "topology": topology and [*topology], "allow": sorted(set(allow))}
        return self._kept.add(who, why, draft.base, request, _summary(draft))

    def propose_rollback(self, revision: int, who: str, why: str, allow: Iterable[str] = ()) -> Proposal:
        """Keep a rollback as a proposed change."""
        draft = self._changes.plan_rollback(revision)
        request = {"rollback": revision, "allow": sorted(set(allow))}
        return self._kept.add(who, why or f"rollback to {revision}", draft.base, request, _summary(draft))

    def newest(self, limit: int = 50) -> tuple[Proposal, ...]:
        """Newest first."""
        return self._kept.newest(limit)

    def get(self, number: int) -> Proposal:
        try:
            return self._kept.get(number)
        except (KeyError, OverflowError):
            raise Refused(UNKNOWN, f"there is no proposal {number}: see clos proposal list") from None

    def draft(self, number: int) -> Candidate:
        """What the proposal would change at this moment."""
        return self._plan(self.get(number))

    def approve(self, number: int, who: str, note: str = "") -> Proposal:
        """Whoever proposed it may not."""
        found = self._open(number)
        if _identity(found.who) == _identity(who):
            raise Refused(FOUR_EYES, f"{who} proposed it, so somebody else has to approve it")
        return self._judge(number, who, APPROVED, note)

    def reject(self, number: int, who: str, note: str = "") -> Proposal:
        """Whoever proposed it may: that takes it back."""
        self._open(number)
        return self._judge(number, who, REJECTED, note)

    def apply(self, number: int, who: str, progress: Callable[[Step], object] | None = None) -> Applied:
        """Carry out an approved proposal, as it was approved."""
        found = self.get(number)
        if found.status != APPROVED:
            raise Refused(FOUR_EYES, f"proposal {number} is {found.status}, and only an approved one can be applied")
        why = f"{found.why} (proposal {number} by {found.who}, approved by {found.judged_by})".strip()
        order: dict[str, Any] = {
            "allow": found.request["allow"], "progress": progress,
            "expect_revision": found.base, "approved_by": found.judged_by,
        }  # fmt: skip
        try:
            if "rollback" in found.request:
                done = self._changes.rollback(found.request["rollback"], who, why, **order)
            else:
                sources, topology = _texts(found.request["sources"]), _topology(found)
                done = self._changes.apply(sources, who, why, topology=topology, **order)
        except Refused as error:
            if error.code == STALE:
                text = f"it was approved for revision {found.base}, and another is in force: propose it again"
                raise Refused(STALE, text) from None
            raise
        self._kept.done(number, done.revision, who)
        return done

    def _plan(self, found: Proposal) -> Candidate:
        if "rollback" in found.request:
            return self._changes.plan_rollback(found.request["rollback"])
        return self._changes.plan(_texts(found.request["sources"]), _topology(found))

    def _open(self, number: int) -> Proposal:
        found = self.get(number)
        if found.status != OPEN:
            by = f" by {found.judged_by}" if found.status in {APPROVED, REJECTED, DONE} and found.judged_by else ""
            raise Refused(STALE, f"proposal {number} is {found.status}{by} already")
        return found

    def _judge(self, number: int, who: str, status: str, note: str) -> Proposal:
        found = self._kept.judge(number, who, status, note)
        if (found.status, found.judged_by) != (status, who):
            raise Refused(STALE, f"proposal {number} is {found.status} by {found.judged_by} already")
        return found


def _identity(name: str) -> str:
    """Who it is, whatever name the owner of the state directory claims (``owner as ann``)."""
    return OWNER if name.startswith(f"{OWNER} as ") else name


def _texts(sources: Mapping[str, str]) -> list[Text]:
    return [Text(name, text) for name, text in sources.items()]


def _topology(found: Proposal) -> Text | None:
    given = found.request.get("topology")
    return Text(*given) if given else None


def _summary(draft: Candidate) -> dict[str, Any]:
    counts = summary_json(summary(draft.plan))["summary"]
    sentences = [one.text for one in draft.difference().sentences]
    return {**counts, "means": sentences[:100], "brakes": [brake.message for brake in draft.brakes]}
