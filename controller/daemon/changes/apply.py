"""The life of a change: judged, recorded, sent, and ended as applied or as taken back.

Lives here: what happens in which order, and what when something fails. Must not know: documents, HTTP, threads.
The caller holds the change lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.daemon.changes.ending import commit, give_up
from clos.controller.daemon.changes.four_eyes import NOBODY, FourEyes
from clos.controller.daemon.changes.ground import Ground
from clos.controller.daemon.changes.proof_gate import ProofGate, unexamined
from clos.controller.daemon.changes.verdict import Verdict
from clos.controller.daemon.compiler_version import fingerprint
from clos.controller.daemon.errors import BRAKES, FOUR_EYES, GATE, OFFLINE, STOPPING, SWITCH, Refused
from clos.controller.daemon.revisions import COMPILER, Pending, Revisions
from clos.controller.daemon.status import Applied, Begun, Step, TakingBack
from clos.controller.daemon.switches.switches import Switches
from clos.controller.plan import Plan, invert, summary, summary_json
from clos.controller.store import Draft as Entry
from clos.controller.store import StoreError
from clos.controller.wire.apply import Outcome
from clos.controller.wire.bundles import BUNDLE_MESSAGES
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.topology import Topology

Gate = Callable[[Ruleset, Plan, Ruleset], Refused | None]
"""Asked before the first message of a change: what is installed, the plan, what it leads to. A refusal stops it."""

MEANS = "means"
"""The key of a revision's summary that says what the change means for packets."""
GAPS = "not_proved"
"""The key of a revision's summary that says what its proof does not speak of."""
SENTENCES_KEPT = 100
"""Of a change's impact, kept with its revision."""

ALLOW_OFFLINE = "offline"
ALLOW_UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Order:
    """A change as someone asked for it. ``progress`` must not block.

    ``allow``: names of brakes, ``offline``, and ``unproven``: to go on without a proof. ``approved_by``: the second
    person, where there is one. ``automatic``: asked for by nobody, and it changes ways only, no intent: it takes no
    second person.
    """

    who: str
    why: str
    allow: frozenset[str] = frozenset()
    expect: int | None = None
    progress: Callable[[Step], object] | None = None
    approved_by: str = ""
    automatic: bool = False

    def report(self, step: Step) -> None:
        if self.progress is not None:
            self.progress(step)


class Applier:
    """Carries changes out. ``gate``: None = changes are not proved; ``checks`` may refuse one before it is sent."""

    def __init__(
        self,
        revisions: Revisions,
        switches: Switches,
        activity: Activity,
        gate: ProofGate | None,
        checks: Iterable[Gate] = (),
        four_eyes: FourEyes = NOBODY,
    ) -> None:
        self._revisions, self._switches, self._activity = revisions, switches, activity
        self._gate, self._checks, self._four_eyes = gate, tuple(checks), four_eyes

    def carry_out(self, draft: Candidate, ground: Ground, order: Order) -> Applied:
        """Bring the fabric to the draft, which was made on ``ground``.

        Raises Refused; the fabric then holds what it held, or will on joining.
        """
        if (
            not draft.plan
            and draft.sources.same_as(self._revisions.running.sources)
            and not self._revisions.running.recompiled
        ):
            return Applied(draft.base, changed=False)
        if not order.approved_by and not order.automatic and (reason := self._four_eyes.asks(draft, order.allow)):
            raise Refused(FOUR_EYES, f"{reason}: clos proposal create, then somebody else approves it")
        joins = {
            name: standing.joins for name, standing in self._switches.inventory.standings().items() if standing.known
        }
        offline = unreachable(draft, frozenset(joins), self._revisions.fabric)
        judge(draft, order.allow, {name: self._why(name) for name in offline}, self._checks)
        verdict = self._examined(draft, ground, order, offline)
        number = self._begin(draft, order, verdict)
        self._revisions.pending = begun = Pending(number, draft.sources, draft.compiled)
        order.report(Begun(number, len(draft.plan.batches), len(draft.plan.touched), offline))
        outcome = self._switches.wire.apply(draft.plan, joins, order.report, fresh=self._fresh(draft))
        if not outcome.ok:
            raise self._taken_back(begun, draft, order, outcome, joins)
        try:
            self._revisions.store.record_progress(number, len(outcome.done))
            commit(self._revisions, self._switches, begun)
        except StoreError as error:
            text = f"every connected switch holds revision {number}, but the store could not record it: {error}"
            raise StoreError(f"{text}; Clos will record it later") from error
        for name, join in joins.items():
            self._switches.inventory.note(name, join, in_line=True, seen=None, problem="")
        counts = summary(draft.plan).total
        proof = verdict.word, str(verdict), verdict.seconds
        return Applied(
            number, True, counts, outcome.entries, outcome.seconds, offline, draft.interrupted, *proof,
            verdict.left_out, ground.drifted,
        )  # fmt: skip

    def _begin(self, draft: Candidate, order: Order, verdict: Verdict) -> int:
        """Record the change before its first message. Raises StoreError."""
        try:
            return self._revisions.store.begin(self._entry(draft, order, verdict))
        except StoreError as error:
            raise StoreError(f"the change could not be recorded, so nothing was sent: {error}") from error

    def asks(self, draft: Candidate, allow: Collection[str]) -> str:
        """Why the draft takes a second person; empty when it does not."""
        return self._four_eyes.asks(draft, allow)

    def _fresh(self, draft: Candidate) -> frozenset[str]:
        """The switches that hold nothing, ours or foreign; none where the plan is too small for it to matter."""
        blocks = (push.block for batch in draft.plan.batches for push in batch.pushes)
        entries = sum(len(block.rules) + len(block.groups) for block in blocks)
        if entries <= BUNDLE_MESSAGES:
            return frozenset()
        occupied = {name for _, where in draft.installed.placed() for name in where}
        foreign = {name for name, standing in self._switches.inventory.standings().items() if standing.foreign}
        return frozenset(draft.plan.touched) - occupied - foreign

    def _why(self, switch: str) -> str:
        """Why a switch cannot take part in a change."""
        standing = self._switches.inventory.standings().get(switch)
        return (standing and standing.problem) or "not connected"

    def _examined(self, draft: Candidate, ground: Ground, order: Order, offline: tuple[str, ...]) -> Verdict:
        """The verdict on the draft's plan. Raises Refused when it is not proved and nobody insists."""
        if self._gate is None:
            return unexamined(draft)
        verdict = self._gate.examine(draft, self._revisions.running.compiled, offline, order.report, ground.gaps)
        if self._activity.stopping.is_set():
            raise Refused(STOPPING, "the daemon was stopped while the change was being proved; nothing was sent")
        if not verdict.ok and ALLOW_UNPROVEN not in order.allow:
            text = f"plan rejected: {verdict}; nothing was sent"
            raise Refused(GATE, text, flags=(ALLOW_UNPROVEN,), findings=verdict.findings)
        return verdict

    def _entry(self, draft: Candidate, order: Order, verdict: Verdict) -> Entry:
        return Entry(
            order.who,
            order.why,
            {text.name: text.text for text in draft.sources.intents},
            draft.sources.topology.text,
            self._revisions.written(draft.compiled.numbering),
            {
                **summary_json(summary(draft.plan))["summary"],
                COMPILER: fingerprint(),
                MEANS: _means(draft),
                GAPS: [*verdict.left_out],
            },
            verdict.document(),
        )

    def _taken_back(
        self, begun: Pending, draft: Candidate, order: Order, outcome: Outcome, joins: Mapping[str, int]
    ) -> Refused:
        """Take back what was sent; the refusal that tells of it."""
        why = "; ".join(map(str, outcome.errors))
        if self._activity.stopping.is_set():
            text = "the daemon was stopped while the change was being sent; its next start completes or undoes it"
            return Refused(STOPPING, f"{text} ({why})")
        order.report(TakingBack(begun.number, why))
        back = invert(draft.installed, draft.plan, outcome.begun)
        left = {
            error.switch: str(error)
            for error in self._switches.wire.apply(back, joins, order.report, rescue=True).errors
        }
        for name in joins.keys() - left:
            self._switches.inventory.note(name, joins[name])  # what was read of it meanwhile counts for nothing
        for name, problem in left.items():
            self._switches.inventory.fault(name, f"could not undo revision {begun.number}: {problem}")
            self._switches.inventory.note(name, joins[name], in_line=False, problem=problem)
        give_up(self._revisions, self._switches, begun, why, left)
        base = f"revision {draft.base}" if draft.base else "nothing"
        rest = f"; {', '.join(left)} will be when connected" if left else ""
        return Refused(SWITCH, f"{why}; the change was undone: every switch is back at {base}{rest}")


def unreachable(draft: Candidate, known: Collection[str], now: Topology) -> tuple[str, ...]:
    """Switches that the plan concerns and that are not there to hear of it.

    Not those that get another name by this change: under that name they have been read back.
    """
    then = draft.compiled.topology
    absent = [name for name in draft.plan.touched if name not in known]
    renamed = {s.name for s in now.switches.values() if s.name not in then.switches and s.dpid in then.by_dpid}
    return tuple(name for name in absent if name not in renamed)


def judge(draft: Candidate, allow: Collection[str], offline: Mapping[str, str], gates: Iterable[Gate]) -> None:
    """Raises Refused when something holds the draft back: a brake, a gate, or switches ``offline`` (with reasons)."""
    held = [brake for brake in draft.brakes if brake.name not in allow]
    if held:
        text = "; ".join(brake.message for brake in held)
        raise Refused(BRAKES, f"the plan {text}", flags=tuple(brake.name for brake in held))
    if offline and ALLOW_OFFLINE not in allow:
        text = f"not connected or not read back: {_reasons(offline)}; if allowed, they get the change when they connect"
        raise Refused(OFFLINE, text, flags=(ALLOW_OFFLINE,))
    for gate in gates:
        refusal = gate(draft.installed, draft.plan, draft.compiled.ruleset)
        if refusal is not None:
            raise refusal


def _reasons(offline: Mapping[str, str]) -> str:
    """The switches, each with its reason where that says more than that it is not there."""
    plain = {"not connected", "not read back yet"}
    return ", ".join(name if why in plain else f"{name} ({why})" for name, why in offline.items())


def _means(draft: Candidate) -> list[str]:
    """What the change means for packets, in sentences; of very many the first."""
    sentences = [one.text for one in draft.difference().sentences]
    return (
        sentences
        if len(sentences) <= SENTENCES_KEPT
        else [*sentences[:SENTENCES_KEPT], f"and {len(sentences) - SENTENCES_KEPT:,} more"]
    )
