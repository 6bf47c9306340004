"""The watch of a running daemon, put together: what it reads to explain a difference, and how it mends one.

Must not know: whose turn it is, words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.changes import Changes
from clos.controller.daemon.errors import Refused
from clos.controller.daemon.queries import Queries
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.switches.drift_meaning import drift_meaning
from clos.controller.daemon.switches.switches import Switches
from clos.controller.daemon.switches.watch import PERIOD, WHO, Meaning, Watch
from clos.controller.wire.errors import SwitchError


def watch_of(
    revisions: Revisions,
    switches: Switches,
    activity: Activity,
    queries: Queries,
    changes: Changes,
    policy: str,
    period: float = PERIOD,
) -> Watch:
    """A watch that has yet to run."""

    def explain(name: str) -> Callable[[], Meaning]:
        compiled = revisions.running.compiled
        if compiled is None:
            return partial(Meaning, why="no revision is in force")
        held = {}
        for switch in sorted({name, *watch.found()}):  # one that differs elsewhere has its part in where packets go
            try:
                held[switch] = switches.wire.read(switch).state
            except SwitchError as error:
                if switch == name:
                    return partial(Meaning, why=f"it could not be read back: {error}")
        return partial(drift_meaning, compiled, held, name)

    def repair(name: str) -> None:
        try:
            changes.repair((name,), WHO)
        except Refused as error:
            switches.inventory.fault(name, f"drift is not repaired: {error}")

    watch = Watch(revisions, switches, activity, queries, explain, repair, policy, period)
    return watch
