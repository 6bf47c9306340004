"""A plan as a row of acts: what is done, in which order, and what undoes it.

Lives here: acts and their order, there and back. Must not know: how an act is performed, what became of it.

The way back is the way there, backwards: so the commands of a step leave before the flows that carry them close, and
frames find the old way open before the new one ends. Only a cable moves right after the fabric's intents in both
directions: these are computed and proved first, and its host is without a path from then until it is plugged in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.migrate.plan.model import Phase, Plan, Speakers, Step

OPEN, BEFORE, PUSH, STATE, PLUG, AFTER, KEEP, SAVE, ACCEPT = (
    "open", "before", "push", "state", "plug", "after", "keep", "save", "accept",
)  # fmt: skip
"""Kinds: the phase is opened (brakes, nobody changed anything), checks before, a device's lines, the fabric's intents
and speakers, a cable, checks after, a device's change confirmed, the phase accepted, a device's configuration saved."""
UNDOABLE = frozenset({PUSH, STATE, PLUG})


class Act(NamedTuple):
    """One act. ``step``: empty for a phase's own. ``subject``: the device or the host."""

    phase: int
    step: str
    kind: str
    subject: str = ""

    def __str__(self) -> str:
        return "/".join(str(part) for part in self if part != "")


def acts(plan: Plan, to: int | None = None) -> Iterator[Act]:
    """All acts in order, up to and including phase ``to``."""
    speakers = Speakers()
    for phase in plan.phases:
        if to is not None and phase.number > to:
            return
        yield Act(phase.number, "", OPEN)
        for step in phase.steps:
            yield from _step(phase, step, speakers)
            speakers = step.speakers
        yield Act(phase.number, "", ACCEPT)
        yield from (Act(phase.number, "", SAVE, device) for device in changed_devices(phase))


def way_back(plan: Plan) -> Iterator[Act]:
    """All acts in the order in which they are undone."""
    cables: list[Act] = []
    for act in reversed(tuple(acts(plan))):
        if act.kind == PLUG:
            cables.append(act)
            continue
        yield from (act, *cables) if act.kind == STATE else (*cables, act)
        cables = []


def uses_fabric(plan: Plan) -> bool:
    """Whether the plan changes the fabric, or what speaks at its borders, at all."""
    return any(step.intents is not None or step.speakers != Speakers() for step in plan.steps())


def changed_devices(phase: Phase) -> tuple[str, ...]:
    """The devices that a phase configures, in the order in which it does."""
    return tuple(dict.fromkeys(each.device for step in phase.steps for each in step.commands))


def _step(phase: Phase, step: Step, speakers: Speakers) -> Iterator[Act]:
    """The acts of a step; ``speakers``: what spoke before it."""

    def act(kind: str, subject: str = "") -> Act:
        return Act(phase.number, step.id, kind, subject)

    state = [act(STATE)] if step.intents is not None or step.speakers != speakers else []
    yield act(BEFORE)
    yield from state if step.fabric_first else ()
    yield from (act(PUSH, str(number)) for number in range(len(step.commands)))
    yield from state if not step.fabric_first else ()
    yield from (act(PLUG, plug.host) for plug in step.plugs)
    yield act(AFTER)
    yield from (act(KEEP, str(number)) for number in range(len(step.commands)))


def step_of(plan: Plan, act: Act) -> Step:
    """The step of an act that is one's. Raises StopIteration."""
    return next(step for step in plan.steps() if step.id == act.step)


def speakers_before(plan: Plan, act: Act) -> Speakers:
    """What speaks at the borders before the act's step."""
    before = Speakers()
    for step in plan.steps():
        if step.id == act.step:
            break
        before = step.speakers
    return before
