"""Answers about a running daemon, put together from what it has at hand or reads back. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from clos.controller.cluster.cluster import Cluster, ClusterReport
from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.candidate import Running
from clos.controller.daemon.discovery.cabling import LinkReport
from clos.controller.daemon.discovery.lldp import Discovery
from clos.controller.daemon.errors import SWITCH, Refused
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.status import Drift, Status, SwitchReport
from clos.controller.daemon.switches.inventory import SwitchStatus, foreign_text, unaccounted_text
from clos.controller.daemon.switches.reconcile import ReadBack, compared, difference, each, read_back, remember
from clos.controller.daemon.switches.switches import Switches
from clos.controller.daemon.switches.tolerance import Tolerance
from clos.controller.intent.topology.identity import as_written
from clos.controller.plan import summary
from clos.controller.wire.errors import SwitchError
from clos.fabric.dataplane.ruleset import Ruleset, SwitchState
from clos.fabric.openflow import DecodeError
from clos.fabric.openflow.digest import state_digest
from clos.fabric.topology import Switch


class Queries:
    """Questions to a running daemon."""

    def __init__(
        self,
        revisions: Revisions,
        switches: Switches,
        activity: Activity,
        discovery: Discovery | None,
        cluster: Cluster | None = None,
    ) -> None:
        self._revisions, self._switches, self._activity, self._discovery = revisions, switches, activity, discovery
        self._cluster = cluster

    def status(self) -> Status:
        """The daemon and its switches at this moment."""
        held, pending, fabric, standings = (
            self._revisions.running,
            self._revisions.pending,
            self._revisions.fabric,
            self._switches.inventory.standings(),
        )
        claimed, tolerance = self._switches.inventory.conflicts(), self._switches.inventory.tolerance
        switches = [
            _switch(switch, _accounted(held, standings.get(name, SwitchStatus())), claimed.get(name, ""), tolerance)
            for name, switch in sorted(fabric.switches.items())
        ]
        return Status(
            held.number,
            pending.number if pending and not self._activity.doing else None,
            self._activity.doing,
            fabric.name,
            held.sources is not None
            and as_written(held.sources.topology.text) != as_written(self._revisions.topology.text),
            held.recompiled,
            self._activity.started,
            self._switches.wire.address,
            tuple(switches),
            tuple(who for _, who in sorted(self._switches.wire.strangers().items())),
            self._switches.inventory.faults,
            sum(link.is_wrong for link in self.links()),
            self.cluster(),  # last: who leads now led when the rest was looked at
        )

    def cluster(self) -> ClusterReport | None:
        """Who leads and who follows; None where there is one controller."""
        return self._cluster.report() if self._cluster is not None else None

    def links(self) -> tuple[LinkReport, ...]:
        """Each link of the fabric, and each that it should not have; none where discovery is off."""
        return self._discovery.links() if self._discovery is not None else ()

    def drift(self, switches: Iterable[str] = ()) -> tuple[Drift, ...]:
        """The switches (default: all of the fabric) read back and compared; sends nothing.

        A change under way shows as drift. Raises Refused for a switch that the fabric has not.
        """
        chosen = list(map(self._revisions.known_switch, switches)) or list(self._revisions.fabric.switches)
        held, standings = self._revisions.running, self._switches.inventory.standings()
        found = {name: Drift(name, error="not connected") for name in chosen}
        for reading in each(
            read_back(self._switches.wire, self._switches.wire.connected().intersection(chosen), held.ruleset)
        ):
            found[reading.switch] = _drift(reading, held.ruleset)
            self._keep(held, standings, reading)
        return tuple(found[name] for name in sorted(found))

    def entries(self, switch: str) -> SwitchState:
        """What a switch holds right now, read back. Raises Refused."""
        held, standings = self._revisions.running, self._switches.inventory.standings()
        try:
            read = self._switches.wire.read(self._revisions.known_switch(switch))
        except (SwitchError, DecodeError) as error:
            raise Refused(SWITCH, str(error)) from None
        self._keep(held, standings, compared(switch, read, held.ruleset.state(switch)))
        return read.state

    def digests(self) -> dict[str, str]:
        """A digest of what each connected switch holds right now, read back; others are absent. Raises Refused."""
        return {name: state_digest(self.entries(name)) for name in sorted(self._switches.wire.connected())}

    def _keep(self, held: Running, standings: Mapping[str, SwitchStatus], reading: ReadBack) -> None:
        """Remember what was read back, unless a change was under way meanwhile: then it may be halfway there."""
        if not self._activity.changing.acquire(blocking=False):
            return
        try:
            before = standings.get(reading.switch)
            if (
                before is not None
                and self._revisions.running is held
                and self._switches.inventory.is_still(reading.switch, before)
            ):
                remember(self._switches.inventory, before.joins, reading)
        finally:
            self._activity.changing.release()


def _accounted(held: Running, now: SwitchStatus) -> SwitchStatus:
    """A standing; before the first revision, it says that the rules of Clos on a switch are nobody's."""
    if held.number or now.seen is None or not now.seen.rules:
        return now
    return replace(now, problem=unaccounted_text(len(now.seen.rules)))


def _switch(switch: Switch, now: SwitchStatus, claimed: str, tolerance: Tolerance) -> SwitchReport:
    """``claimed``: who else says that it is this switch. Then it is in doubt what the fabric's own one holds."""
    count = sum(not tolerance.covers(entry) for entry in now.foreign)
    about = (switch.name, switch.role, switch.dpid)
    foreign = foreign_text(count) if count and now.connected else ""
    problem = claimed or "; ".join(text for text in (now.problem, foreign) if text)
    in_line = now.in_line and not claimed
    return SwitchReport(*about, now.connected, in_line, now.since, count, problem)


def _drift(reading: ReadBack, want: Ruleset) -> Drift:
    if reading.error is not None:
        return Drift(reading.switch, error=str(reading.error))
    counts = summary(difference(reading, want)).total
    return Drift(reading.switch, counts.add, counts.change, counts.delete, tuple(map(str, reading.foreign)))
