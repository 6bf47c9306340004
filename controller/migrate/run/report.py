"""What a migration did, as a report: loss per host and phase, every command with its answer, checks, proofs.

Lives here: from plan and events to JSON and Markdown. Pure. Must not know: devices, SQL, terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clos.controller.migrate.plan.model import Phase, Plan
from clos.controller.migrate.run import progress as p
from clos.controller.migrate.run.acts import ACCEPT, Act
from clos.controller.migrate.run.journal import Event
from clos.controller.migrate.run.progress import Progress, current_phase, opened, progress

Json = dict[str, Any]
IN_FORCE, UNDER_WAY, NOT_BEGUN, GOING_BACK = "in force", "under way", "not begun", "going back"
"""States of a phase. ``under way`` and ``going back`` also of one that was cut short there."""


def phase_state(phase: Phase, now: Progress) -> str:
    """One of the states above."""
    if now.direction == p.BACK and now.touched(phase.number) and now.state(Act(phase.number, "", ACCEPT)) is None:
        return GOING_BACK if now.ended is None or now.ended == "stopped" else UNDER_WAY
    if now.accepted(phase.number):
        return IN_FORCE
    return UNDER_WAY if opened(now, phase.number) else NOT_BEGUN


def status_json(plan: Plan, events: Iterable[Event]) -> Json:
    """Where the migration stands."""
    told = tuple(events)
    now = progress(told)
    last = told[-1] if told else None
    return {
        "plan": plan.name,
        "phase": current_phase(plan, now),
        "phases": [
            {"number": phase.number, "name": phase.name, "state": phase_state(phase, now)} for phase in plan.phases
        ],
        "direction": now.direction,
        "ended": now.ended,
        "reason": now.reason,
        "last": None if last is None else {"at": last.when, "event": last.kind, "act": last.act},
        "in_doubt": sorted(name for name, state in now.acts.items() if state != p.DONE),
        "revision": now.revision,
    }


def report_json(plan: Plan, events: Iterable[Event]) -> Json:
    """The whole of it, for programs."""
    told = tuple(events)
    return {
        "format": 1,
        **status_json(plan, told),
        "losses": [
            *(_loss(phase.number, phase.name, f"{phase.number}/", told) for phase in plan.phases),
            _loss(p.BACK, "the way back", p.BACK, told),
        ],
        "commands": [
            {"at": event.when, "act": event.act, **event.detail} for event in told if event.kind == p.LINE_ANSWERED
        ],
        "checks": [{"at": event.when, "act": event.act, **event.detail} for event in told if event.kind == p.CHECKED],
        "revisions": [
            {"at": event.when, "act": event.act, **event.detail}
            for event in told
            if event.kind == p.REVISION and "changed" in event.detail
        ],
        "failures": [{"at": event.when, "act": event.act, **event.detail} for event in told if event.kind == p.FAILED],
        "notes": [{"at": event.when, "act": event.act, **event.detail} for event in told if event.kind == p.NOTED],
        "configurations": [{"at": event.when, **event.detail} for event in told if event.kind == p.CONFIG],
    }


def _loss(phase: int | str, name: str, act: str, events: tuple[Event, ...]) -> Json:
    """By host, its probes in acts that begin like this, those that were lost, and the longest gap. Nothing is known of
    other hosts."""
    hosts: dict[str, Json] = {}
    for event in events:
        if event.kind == p.LOSS and event.act.startswith(act):
            before = hosts.get(event.detail["host"], {"sent": 0, "lost": 0, "gap_ms": 0.0})
            hosts[event.detail["host"]] = {
                "sent": before["sent"] + event.detail["sent"],
                "lost": before["lost"] + event.detail["lost"],
                "gap_ms": max(before["gap_ms"], event.detail["gap_ms"]),
            }
    return {"phase": phase, "name": name, "hosts": dict(sorted(hosts.items()))}


def report_markdown(found: Json) -> str:
    """The report for people, from its JSON."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Json) -> Iterator[str]:
    yield f"# Migration {found['plan']}"
    yield ""
    if found["ended"]:
        yield f"The last run ended: {found['ended']}{': ' + found['reason'] if found['reason'] else ''}."
        yield ""
    yield from _table(
        ("phase", "name", "state"), ((row["number"], row["name"], row["state"]) for row in found["phases"])
    )
    yield "## Loss"
    yield ""
    rows: list[tuple[object, ...]] = [
        (loss["phase"], host, row["sent"], row["lost"], f"{row['gap_ms']:.0f}" if row["lost"] else "")
        for loss in found["losses"]
        for host, row in loss["hosts"].items()
    ]
    heads = ("phase", "host", "probes", "packets lost", "longest gap, ms")
    yield from _table(heads, rows, "No probes were sent: what hosts lost is not known.")
    yield "## Fabric"
    yield ""
    rows = [(row["at"], row["act"], row["revision"], row["proof"] or "no change") for row in found["revisions"]]
    yield from _table(("at", "act", "revision", "proof"), rows, "The fabric was not changed.")
    yield "## Failures and notes"
    yield ""
    rows = [
        (row["at"], row["act"], row.get("reason", row.get("text"))) for row in (*found["failures"], *found["notes"])
    ]
    yield from _table(("at", "act", "what"), sorted(rows), "There were none.")
    yield "## Checks"
    yield ""
    rows = [(row["at"], row["act"], row["check"], row["result"], row["words"]) for row in found["checks"]]
    yield from _table(("at", "act", "check", "result", "seen"), rows, "None was made.")
    yield "## Commands"
    yield ""
    rows = [
        (row["at"], row["device"], f"`{row['line'].strip()}`", row["result"], row["words"]) for row in found["commands"]
    ]
    yield from _table(("at", "device", "line", "result", "answer"), rows, "None was sent.")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]], none: str = "") -> Iterator[str]:
    made = [tuple(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    if not made:
        yield from (none, "") if none else ()
        return
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in made)
    yield ""
