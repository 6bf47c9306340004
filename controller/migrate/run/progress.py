"""Where a migration stands, from the events of its journal alone.

Lives here: the fold of events, the next act, the acts to undo. Pure: it performs nothing. Must not know: devices, SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clos.controller.migrate.plan.model import Plan
from clos.controller.migrate.run.acts import ACCEPT, OPEN, UNDOABLE, Act, acts, way_back
from clos.controller.migrate.run.journal import Event

BEGUN, DONE, UNDOING = "begun", "done", "undoing"
"""States of an act: its effect may have happened; has happened; may have been undone. What is undone has no state."""

STARTED, ACT_BEGUN, ACT_DONE, ACT_UNDOING, ACT_UNDONE = "started", "act-begun", "act-done", "act-undoing", "act-undone"
LINE_SENT, LINE_ANSWERED, CONFIG, REVISION = "line-sent", "line-answered", "config", "revision"
CHECKED, FAILED, ENDED, LOSS, NOTED = "checked", "failed", "ended", "loss", "noted"
"""Kinds of events."""

FORWARD, BACK = "forward", "back"


@dataclass(frozen=True, slots=True)
class Progress:
    """``acts``: state by act; ``begun``: what was noted when an act began; ``configs``: digest by device, as last seen.

    ``revision``: the fabric's after our last change. ``direction``: of the run that was last; ``ended``: how it ended,
    None: it is under way, or was cut short.
    """

    acts: Mapping[str, str] = field(default_factory=dict)
    begun: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    revision: int | None = None
    direction: str | None = None
    ended: str | None = None
    reason: str = ""

    def state(self, act: Act) -> str | None:
        """BEGUN, DONE, UNDOING; None: not in force."""
        return self.acts.get(str(act))

    def accepted(self, phase: int) -> bool:
        """Whether the phase is in force as a whole."""
        return self.acts.get(str(Act(phase, "", ACCEPT))) == DONE

    def touched(self, phase: int) -> bool:
        """Whether anything of the phase may be in force."""
        return any(state and name.startswith(f"{phase}/") for name, state in self.acts.items())


def progress(events: Iterable[Event]) -> Progress:
    """The state after these events."""
    states: dict[str, str] = {}
    begun: dict[str, dict[str, Any]] = {}
    configs: dict[str, str] = {}
    revision, direction, ended, reason = None, None, None, ""
    for event in events:
        if event.kind in _STATES:
            states[event.act] = _STATES[event.kind]
            begun[event.act] = event.detail if event.kind == ACT_BEGUN else begun.get(event.act, {})
        elif event.kind == ACT_UNDONE:
            states.pop(event.act, None)
        elif event.kind == CONFIG:
            configs[event.detail["device"]] = event.detail["digest"]
        elif event.kind == REVISION:
            revision = event.detail["revision"]
        elif event.kind == STARTED:
            direction, ended, reason = event.detail["direction"], None, ""
        elif event.kind == ENDED:
            ended, reason = event.detail["how"], event.detail.get("reason", "")
    return Progress(states, begun, configs, revision, direction, ended, reason)


_STATES = {ACT_BEGUN: BEGUN, ACT_DONE: DONE, ACT_UNDOING: UNDOING}


def next_act(plan: Plan, now: Progress, to: int | None) -> Act | None:
    """The first act up to phase ``to`` that is not done."""
    return next((act for act in acts(plan, to) if now.state(act) != DONE), None)


def to_undo(plan: Plan, now: Progress, to: int) -> tuple[Act, ...]:
    """What may be in force of the phases behind ``to``, in the order in which it is to be undone.

    Acts that change nothing outside (checks, acceptance) are among them, so that they are made again another time.
    """
    behind = [act for act in way_back(plan) if act.phase > to]
    return tuple(act for act in behind if now.state(act) is not None)


def in_force(plan: Plan, now: Progress) -> tuple[Act, ...]:
    """The acts that have changed something, and may still be in force."""
    return tuple(act for act in acts(plan) if act.kind in UNDOABLE and now.state(act) is not None)


def current_phase(plan: Plan, now: Progress) -> int | None:
    """The last phase of which anything may be in force; None: nothing is."""
    found = [phase.number for phase in plan.phases if now.touched(phase.number)]
    return found[-1] if found else None


def opened(now: Progress, phase: int) -> bool:
    """Whether the phase has begun."""
    return now.acts.get(str(Act(phase, "", OPEN))) is not None
