"""Switches that join: read back while nothing waits, then brought in line between two changes.

Lives here: what happens to a switch from its joining until it holds what it should. Must not know: how it is read,
how plans are made.

Reading a large fabric back takes minutes; changes go on meanwhile. They leave alone what has not been read, so nobody
but the switch's owner here sends to it, and a reading is as good at the end as it was when it was made, unless the
revision has changed: then the switch is read again. Switches that join later do not wait for slow ones before
them: each lot has a thread of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.candidate import Running
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.switches.inventory import unaccounted_text
from clos.controller.daemon.switches.reconcile import ReadBack, push_difference, read_back, remember
from clos.controller.daemon.switches.switches import Switches

LOG = logging.getLogger(__name__)


def onboard(
    revisions: Revisions,
    switches: Switches,
    activity: Activity,
    arrived: Iterable[str],
    only_slow_left: Callable[[], object] = lambda: None,
) -> None:
    """Bring switches that have joined to the current revision; remember of others what they hold.

    ``only_slow_left`` is called when nobody is left to be read but switches that are slow: others may begin.
    """
    held, joins = revisions.running, switches.inventory.joins(arrived)
    for readings in read_back(switches.wire, joins, held.ruleset, only_slow_left=only_slow_left):
        _conclude(revisions, switches, activity, held, joins, readings)


def _conclude(
    revisions: Revisions,
    switches: Switches,
    activity: Activity,
    held: Running,
    joins: dict[str, int],
    readings: list[ReadBack],
) -> None:
    """Act on readings that were held against ``held``, if that is still what counts.

    What another compiler sent is left as it is: the rules this one would send are for a plan to show first. Of several
    controllers those that follow only remember.
    """
    leads = activity.leading.is_set()
    ours = held.compiled.topology.switches if held.compiled and not held.recompiled and leads else {}
    with activity.changing:
        if revisions.running is not held:
            switches.inventory.again(found.switch for found in readings)
        elif revisions.pending is None and not activity.stopping.is_set():
            for found in readings:
                if found.switch not in ours:
                    remember(switches.inventory, joins[found.switch], found)
                    if not held.number and found.ours.rules:
                        LOG.error("%s %s", found.switch, unaccounted_text(len(found.ours.rules)))
            known = [found for found in readings if found.switch in ours]
            push_difference(switches.wire, switches.inventory, joins, known, held.ruleset)
            if held.recompiled and all(standing.in_line for standing in switches.inventory.standings().values()):
                revisions.running = held._replace(recompiled=False)  # it makes the same rules
