"""Ending a revision that a crash cut short: every switch is read back and gets only what it lacks.

Lives here: which way it ends. Must not know: how switches are read, who asked for the revision.
"""

from __future__ import annotations

import logging
from typing import Final

from clos.controller.daemon.state import Pending, State
from clos.controller.daemon.switches.reconcile import reconcile
from clos.controller.wire.errors import Refused as SwitchRefused

LOG = logging.getLogger(__name__)

FINISH: Final = "finish"
UNDO: Final = "undo"
POLICIES: Final = (FINISH, UNDO)


def recover(state: State, policy: str = FINISH) -> None:
    """End what is pending on the switches that are connected; the others get the difference when they join.

    FINISH turns into UNDO when a switch refuses what it has to hold. The caller holds ``state.changing``.
    """
    begun = state.pending
    if begun is None:
        return
    state.roster.arrivals()  # every connected switch is read back here
    if policy == FINISH:
        refusal = _finish(state, begun)
        if not refusal:
            return
    else:
        refusal = "its apply was cut short"
    connected = [name for name, standing in state.roster.standings().items() if standing.connected]
    left = reconcile(state.wire, state.roster, connected, state.held.ruleset)
    if not state.stopping.is_set():
        state.give_up(begun, refusal, left)
        LOG.warning("revision %d was interrupted and is undone: %s", begun.number, refusal)


def _finish(state: State, begun: Pending) -> str:
    """Try to; gives what a switch has against it."""
    state.expect(state.fabric, begun.compiled.topology)
    connected = [name for name, standing in state.roster.standings().items() if standing.connected]
    failed = reconcile(state.wire, state.roster, connected, begun.compiled.ruleset)
    refused = [str(error) for error in failed.values() if isinstance(error, SwitchRefused)]
    if not refused and not state.stopping.is_set():
        state.commit(begun)
        LOG.warning("revision %d was interrupted and is completed", begun.number)
    return "; ".join(refused)
