"""The ground a change starts from: what the switches hold, read back just before, and what of it no proof speaks of.

Lives here: which switches are read back for a change, and the words for what was not read or is not ours. Must not
know: how a change is judged, sent or taken back.

Until drift is watched all the time, a rule that somebody deletes or adds behind our back shows only when a switch is
read. So every switch that a change touches is read before the change is proved, and all the others with them as long
as that is quick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clos.controller.daemon.changes.candidate import Candidate
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.switches.inventory import SwitchStatus, foreign_text
from clos.controller.daemon.switches.reconcile import inspect_switches
from clos.controller.daemon.switches.switches import Switches

QUICK = 100_000
"""Entries of the whole fabric: up to so many, a change reads every switch back, not only those it touches."""
SLOW_SECONDS = 5.0
"""A switch that has joined, was never read back, and has owed an answer for so long: onboarding waits for it."""
SHOWN = 3
"""Foreign entries that are written out."""


class Ground(NamedTuple):
    """``drifted``: switches that were in line and were read to hold something else; ``gaps``: what a proof of the
    change leaves out, in sentences."""

    drifted: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def on_read_back(revisions: Revisions, switches: Switches, make: Callable[[], Candidate]) -> tuple[Candidate, Ground]:
    """The draft of a change on what its switches hold right now: what was read may make it another one."""
    before, draft = switches.inventory.standings(), make()
    every = sum(revisions.running.ruleset.counts().values()) <= QUICK
    read: set[str] = set()
    while due := _due(switches, draft, every) - read:
        inspect_switches(switches.wire, switches.inventory, due, revisions.running.ruleset)
        read |= due
        draft = make()
    now = switches.inventory.standings()
    drifted = tuple(sorted(name for name in read if _in_line(before, name) and not _in_line(now, name)))
    return draft, Ground(drifted, (*_foreign(now), *_unread(revisions.running.number, now, read)))


def _due(switches: Switches, draft: Candidate, every: bool) -> set[str]:
    """The connected switches that are to be read back for a draft."""
    slow = {name for name, seconds in switches.wire.awaited().items() if seconds > SLOW_SECONDS}
    standings = switches.inventory.standings().items()
    there = {name for name, standing in standings if standing.connected and (standing.read or name not in slow)}
    return there if every else there.intersection(draft.plan.touched)


def _in_line(standings: dict[str, SwitchStatus], name: str) -> bool:
    return name in standings and standings[name].in_line


def _foreign(standings: dict[str, SwitchStatus]) -> tuple[str, ...]:
    return tuple(
        f"{name} {foreign_text(len(standing.foreign))}: {_some(standing.foreign)}"
        for name, standing in sorted(standings.items())
        if standing.connected and standing.foreign
    )


def _some(entries: tuple[object, ...]) -> str:
    more = f" and {len(entries) - SHOWN:,} more" if len(entries) > SHOWN else ""
    return ", ".join(map(str, entries[:SHOWN])) + more


def _unread(revision: int, standings: dict[str, SwitchStatus], read: set[str]) -> tuple[str, ...]:
    """Where there is a revision that switches are taken to hold without a look."""
    names = sorted(name for name, standing in standings.items() if standing.connected and name not in read)
    if not names or not revision:
        return ()
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return (f"not touched, so not read back; taken to hold what revision {revision} gave them: {shown}",)
