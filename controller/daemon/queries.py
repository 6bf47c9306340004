"""Answers about a running daemon, put together from what it has at hand or reads back. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from clos.controller.daemon.changes.candidate import Running
from clos.controller.daemon.discovery.cabling import LinkReport
from clos.controller.daemon.state import State
from clos.controller.daemon.status import Drift, Status, SwitchReport
from clos.controller.daemon.switches.inventory import SwitchStatus, foreign_text
from clos.controller.daemon.switches.reconcile import ReadBack, compared, difference, each, read_back, remember
from clos.controller.intent.topology.identity import as_written
from clos.controller.plan import summary
from clos.fabric.dataplane.ruleset import Ruleset, SwitchState
from clos.fabric.topology import Switch


def status(state: State) -> Status:
    """The daemon and its switches at this moment."""
    held, pending, fabric, standings = state.held, state.pending, state.fabric, state.roster.standings()
    claimed = state.roster.conflicts()
    switches = [
        _switch(switch, standings.get(name, SwitchStatus()), claimed.get(name, ""))
        for name, switch in sorted(fabric.switches.items())
    ]
    return Status(
        held.number,
        pending.number if pending and not state.doing else None,
        state.doing,
        fabric.name,
        held.sources is not None and as_written(held.sources.topology.text) != as_written(state.topology.text),
        held.recompiled,
        state.started,
        state.wire.address,
        tuple(switches),
        tuple(who for _, who in sorted(state.wire.strangers().items())),
        state.roster.faults,
        sum(link.is_wrong for link in cabling(state)),
    )


def cabling(state: State) -> tuple[LinkReport, ...]:
    """Each link of the fabric, and each that it should not have; none where discovery is off."""
    return state.discovery.links() if state.discovery is not None else ()


def _switch(switch: Switch, now: SwitchStatus, claimed: str) -> SwitchReport:
    """``claimed``: who else says that it is this switch. Then it is in doubt what the fabric's own one holds."""
    about = (switch.name, switch.role, switch.dpid)
    foreign = foreign_text(len(now.foreign)) if now.foreign and now.connected else ""
    problem = claimed or "; ".join(text for text in (now.problem, foreign) if text)
    in_line = now.in_line and not claimed
    return SwitchReport(*about, now.connected, in_line, now.since, len(now.foreign), problem)


def drift(state: State, switches: Collection[str] = ()) -> tuple[Drift, ...]:
    """The switches (default: all of the fabric) read back and held against the current revision."""
    chosen = switches or state.fabric.switches
    held, standings = state.held, state.roster.standings()
    found = {name: Drift(name, error="not connected") for name in chosen}
    for reading in each(read_back(state.wire, state.wire.connected().intersection(chosen), held.ruleset)):
        found[reading.switch] = _drift(reading, held.ruleset)
        _keep(state, held, standings, reading)
    return tuple(found[name] for name in sorted(found))


def entries(state: State, switch: str) -> SwitchState:
    """What a switch holds right now. Raises SwitchError, DecodeError."""
    held, standings = state.held, state.roster.standings()
    read = state.wire.read(switch)
    _keep(state, held, standings, compared(switch, read, held.ruleset.state(switch)))
    return read.state


def _keep(state: State, held: Running, standings: Mapping[str, SwitchStatus], reading: ReadBack) -> None:
    """Remember what was read back, unless a change was under way meanwhile: then it may be halfway there."""
    if not state.changing.acquire(blocking=False):
        return
    try:
        before = standings.get(reading.switch)
        if before is not None and state.held is held and state.roster.is_still(reading.switch, before):
            remember(state.roster, before.joins, reading)
    finally:
        state.changing.release()


def _drift(reading: ReadBack, want: Ruleset) -> Drift:
    if reading.error is not None:
        return Drift(reading.switch, error=str(reading.error))
    counts = summary(difference(reading, want)).total
    return Drift(reading.switch, counts.add, counts.change, counts.delete, tuple(map(str, reading.foreign)))
