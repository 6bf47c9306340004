"""The life of a change: judged, recorded, sent, and ended as applied or as taken back.

Lives here: what happens in which order, and what when something fails. Must not know: documents, HTTP, threads.
Whoever calls holds ``state.changing``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.daemon.changes.ground import Ground
from clos.controller.daemon.changes.proof_gate import unexamined
from clos.controller.daemon.changes.verdict import Verdict
from clos.controller.daemon.compiler_version import fingerprint
from clos.controller.daemon.errors import BRAKES, GATE, OFFLINE, STOPPING, SWITCH, Refused
from clos.controller.daemon.state import COMPILER, Pending, State
from clos.controller.daemon.status import Applied, Begun, Step, TakingBack
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
SAID = 100
"""Sentences kept with a revision."""

ALLOW_OFFLINE = "offline"
ALLOW_UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Order:
    """A change as someone asked for it. ``progress`` must not block.

    ``allow``: names of brakes, ``offline``, and ``unproven``: to go on without a proof.
    """

    who: str
    why: str
    allow: frozenset[str] = frozenset()
    expect: int | None = None
    progress: Callable[[Step], object] | None = None

    def tell(self, step: Step) -> None:
        if self.progress is not None:
            self.progress(step)


def carry_out(state: State, draft: Candidate, ground: Ground, order: Order, gates: Iterable[Gate] = ()) -> Applied:
    """Bring the fabric to the draft, which was made on ``ground``.

    Raises Refused; the fabric then holds what it held, or will on joining.
    """
    if not draft.plan and draft.sources.same_as(state.held.sources) and not state.held.recompiled:
        return Applied(draft.base, changed=False)
    joins = {name: standing.joins for name, standing in state.roster.standings().items() if standing.known}
    offline = unreachable(draft, frozenset(joins), state.fabric)
    judge(draft, order.allow, {name: _why(state, name) for name in offline}, gates)
    verdict = examined(state, draft, ground, order, offline)
    number = state.store.begin(_entry(state, draft, order, verdict))
    state.pending = begun = Pending(number, draft.sources, draft.compiled)
    order.tell(Begun(number, len(draft.plan.batches), len(draft.plan.touched), offline))
    outcome = state.wire.apply(draft.plan, joins, order.tell, fresh=fresh(state, draft))
    if not outcome.ok:
        raise _taken_back(state, begun, draft, order, outcome, joins)
    try:
        state.store.record_progress(number, len(outcome.done))
        state.commit(begun)
    except StoreError as error:
        text = f"every connected switch holds revision {number}, but the store could not record it: {error}"
        raise StoreError(f"{text}; Clos will record it later") from error
    for name, join in joins.items():
        state.roster.note(name, join, in_line=True, seen=None, problem="")
    counts = summary(draft.plan).total
    proof = verdict.word, str(verdict), verdict.seconds
    return Applied(
        number, True, counts, outcome.entries, outcome.seconds, offline, draft.interrupted, *proof,
        verdict.left_out, ground.drifted,
    )  # fmt: skip


def fresh(state: State, draft: Candidate) -> frozenset[str]:
    """The switches that hold nothing, ours or foreign; none where the plan is too small for it to matter."""
    blocks = (push.block for batch in draft.plan.batches for push in batch.pushes)
    entries = sum(len(block.rules) + len(block.groups) for block in blocks)
    if entries <= BUNDLE_MESSAGES:
        return frozenset()
    occupied = {name for _, where in draft.installed.placed() for name in where}
    foreign = {name for name, standing in state.roster.standings().items() if standing.foreign}
    return frozenset(draft.plan.touched) - occupied - foreign


def unreachable(draft: Candidate, known: Collection[str], now: Topology) -> tuple[str, ...]:
    """Switches that the plan concerns and that are not there to hear of it.

    Not those that get another name by this change: under that name they have been read back.
    """
    then = draft.compiled.topology
    absent = [name for name in draft.plan.touched if name not in known]
    renamed = {s.name for s in now.switches.values() if s.name not in then.switches and s.dpid in then.by_dpid}
    return tuple(name for name in absent if name not in renamed)


def _why(state: State, switch: str) -> str:
    """Why a switch cannot take part in a change."""
    standing = state.roster.standings().get(switch)
    return (standing and standing.problem) or "not connected"


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


def examined(state: State, draft: Candidate, ground: Ground, order: Order, offline: tuple[str, ...]) -> Verdict:
    """The verdict on the draft's plan. Raises Refused when it is not proved and nobody insists."""
    if state.examiner is None:
        return unexamined(draft)
    verdict = state.examiner.examine(draft, state.held.compiled, offline, order.tell, ground.gaps)
    if state.stopping.is_set():
        raise Refused(STOPPING, "the daemon was stopped while the change was being proved; nothing was sent")
    if not verdict.ok and ALLOW_UNPROVEN not in order.allow:
        text = f"plan rejected: {verdict}; nothing was sent"
        raise Refused(GATE, text, flags=(ALLOW_UNPROVEN,), findings=verdict.findings)
    return verdict


def _entry(state: State, draft: Candidate, order: Order, verdict: Verdict) -> Entry:
    return Entry(
        order.who,
        order.why,
        {text.name: text.text for text in draft.sources.intents},
        draft.sources.topology.text,
        state.written(draft.compiled.numbering),
        {
            **summary_json(summary(draft.plan))["summary"],
            COMPILER: fingerprint(),
            MEANS: _means(draft),
            GAPS: [*verdict.left_out],
        },
        verdict.document(),
    )


def _means(draft: Candidate) -> list[str]:
    """What the change means for packets, in sentences; of very many the first."""
    said = [one.text for one in draft.difference().sentences]
    return said if len(said) <= SAID else [*said[:SAID], f"and {len(said) - SAID:,} more"]


def _taken_back(
    state: State, begun: Pending, draft: Candidate, order: Order, outcome: Outcome, joins: Mapping[str, int]
) -> Refused:
    """Take back what was sent; the refusal that tells of it."""
    why = "; ".join(map(str, outcome.errors))
    if state.stopping.is_set():
        return Refused(
            STOPPING,
            f"the daemon was stopped while the change was being sent; its next start completes or undoes it ({why})",
        )
    order.tell(TakingBack(begun.number, why))
    back = invert(draft.installed, draft.plan, outcome.begun)
    left = {error.switch: str(error) for error in state.wire.apply(back, joins, order.tell, rescue=True).errors}
    for name in joins.keys() - left:
        state.roster.note(name, joins[name])  # what was read of it meanwhile counts for nothing
    for name, problem in left.items():
        state.roster.fault(name, f"could not undo revision {begun.number}: {problem}")
        state.roster.note(name, joins[name], in_line=False, problem=problem)
    state.give_up(begun, why, left)
    base = f"revision {draft.base}" if draft.base else "nothing"
    rest = f"; {', '.join(left)} will be when connected" if left else ""
    return Refused(SWITCH, f"{why}; the change was undone: every switch is back at {base}{rest}")
