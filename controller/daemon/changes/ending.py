"""How a revision that has begun ends: committed, or given up. The caller holds the change lock."""

from __future__ import annotations

from collections.abc import Collection

from clos.controller.daemon.revisions import Pending, Revisions
from clos.controller.daemon.switches.reconcile import reconcile
from clos.controller.daemon.switches.switches import Switches


def commit(revisions: Revisions, switches: Switches, begun: Pending) -> None:
    """The fabric holds what had begun."""
    revisions.commit(begun, switches.all_known())
    switches.expect(revisions.fabric)


def give_up(revisions: Revisions, switches: Switches, begun: Pending, why: str, left: Collection[str] = ()) -> None:
    """The fabric holds what it held before, but for ``left``: these are sent the difference if they can be."""
    revisions.undo(begun, why, left)
    switches.expect(revisions.fabric)
    running = revisions.running
    if running.number and not running.recompiled:
        reconcile(switches.wire, switches.inventory, left, running.ruleset)
