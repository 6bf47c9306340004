"""Ending a revision that a crash cut short: every switch is read back and gets only what it lacks.

Lives here: which way it ends. Must not know: how switches are read, who asked for the revision.
"""

from __future__ import annotations

import logging
from typing import Final

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.ending import commit, give_up
from clos.controller.daemon.revisions import Pending, Revisions
from clos.controller.daemon.switches.reconcile import reconcile
from clos.controller.daemon.switches.switches import Switches
from clos.controller.wire.errors import Refused as SwitchRefused

LOG = logging.getLogger(__name__)

FINISH: Final = "finish"
UNDO: Final = "undo"
POLICIES: Final = (FINISH, UNDO)


def recover(revisions: Revisions, switches: Switches, activity: Activity, policy: str = FINISH) -> None:
    """End what is pending on the switches that are connected; the others get the difference when they join.

    FINISH turns into UNDO when a switch refuses what it has to hold. The caller holds the change lock.
    """
    begun = revisions.pending
    if begun is None:
        return
    switches.inventory.arrivals()  # every connected switch is read back here
    if policy == FINISH:
        refusal = _finish(revisions, switches, activity, begun)
        if not refusal:
            return
    else:
        refusal = "its apply was cut short"
    connected = [name for name, standing in switches.inventory.standings().items() if standing.connected]
    left = reconcile(switches.wire, switches.inventory, connected, revisions.running.ruleset)
    if not activity.stopping.is_set():
        give_up(revisions, switches, begun, refusal, left)
        LOG.warning("revision %d was interrupted and is undone: %s", begun.number, refusal)


def _finish(revisions: Revisions, switches: Switches, activity: Activity, begun: Pending) -> str:
    """Try to; gives what a switch has against it."""
    switches.expect(revisions.fabric, begun.compiled.topology)
    connected = [name for name, standing in switches.inventory.standings().items() if standing.connected]
    failed = reconcile(switches.wire, switches.inventory, connected, begun.compiled.ruleset)
    refused = [str(error) for error in failed.values() if isinstance(error, SwitchRefused)]
    if not refused and not activity.stopping.is_set():
        commit(revisions, switches, begun)
        LOG.warning("revision %d was interrupted and is completed", begun.number)
    return "; ".join(refused)
