"""Bringing switches in line: read back, compare, send the difference, remember how each one stands.

Lives here: the way from "connected" to "holds what it should". Must not know: revisions, the store, who asked.
A switch that holds what it should is sent nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from clos.controller.daemon.changes.candidate import BLANK
from clos.controller.daemon.compose import merged, restricted
from clos.controller.daemon.switches.inventory import SwitchInventory
from clos.controller.plan import Plan, diff, own
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.readback import Held
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState, state_of
from clos.fabric.openflow import DecodeError

READERS = 4
"""Switches read back at a time. More would cost memory; one that is slow to answer holds up the other three at most."""


class ReadBack(NamedTuple):
    """A switch read back. ``ours``: what of it is ours to change, given only when it is not what is wanted.

    ``plan``: from there to what is wanted, given only when something is there: empty switches share a plan.
    ``foreign``: rules that are not ours, and entries in no form we know; ``error``: it could not be read.
    """

    switch: str
    equal: bool = False
    ours: SwitchState = BLANK
    plan: Plan = Plan()
    foreign: tuple[object, ...] = ()
    error: Exception | None = None

    @property
    def blank(self) -> bool:
        return not self.equal and self.error is None and self.ours == BLANK


def read_back(wire: Controller, switches: Collection[str], want: Ruleset, consent: bool = False) -> Iterator[ReadBack]:
    """Read switches back and hold them against ``want``; with ``consent`` foreign rules are ours to remove."""
    if not switches:
        return
    names = sorted(switches)
    blocks = restricted(want, names).by_switch()
    with ThreadPoolExecutor(READERS, "clos-reader") as pool:
        yield from pool.map(lambda name: _read(wire, name, blocks[name], consent), names)


def _read(wire: Controller, switch: str, blocks: list[Block], consent: bool) -> ReadBack:
    try:
        held = wire.read(switch)
    except (SwitchError, DecodeError) as error:
        return ReadBack(switch, error=error)
    return compared(switch, held, state_of(blocks), consent)


def compared(switch: str, held: Held, want: SwitchState, consent: bool = False) -> ReadBack:
    """What was read back, held against what is wanted."""
    ours, rules = own(held.state, want, consent=consent)
    foreign = (*rules, *held.foreign)
    if ours == want:
        return ReadBack(switch, True, foreign=foreign)
    plan = Plan() if ours == BLANK else diff(_alone(switch, ours), _alone(switch, want))
    return ReadBack(switch, False, ours, plan, foreign)


def _alone(switch: str, state: SwitchState) -> Ruleset:
    return Ruleset((switch,), {"": {"": Placed(Block(*state), (switch,))}})


def inspect_switches(wire: Controller, roster: SwitchInventory, switches: Iterable[str], want: Ruleset) -> None:
    """Read connected switches back and remember what they hold; send nothing."""
    joins = roster.joins(switches)
    for found in read_back(wire, joins, want):
        remember(roster, joins[found.switch], found)


def remember(roster: SwitchInventory, join: int, found: ReadBack) -> None:
    """How a switch stands by what was read on its connection ``join``."""
    if found.error is not None:
        roster.note(found.switch, join, in_line=False, seen=None, problem=str(found.error))
        return
    seen, problem = (None, "") if found.equal else (found.ours, "holds other entries than it should")
    standing = {"in_line": found.equal, "seen": seen, "foreign": found.foreign, "problem": problem}
    roster.note(found.switch, join, **standing)


def reconcile(
    wire: Controller, roster: SwitchInventory, switches: Iterable[str], want: Ruleset, *, consent: bool = False
) -> dict[str, Exception]:
    """Bring connected switches to ``want``; gives what went wrong, by switch."""
    joins = roster.joins(switches)
    return push_difference(wire, roster, joins, [*read_back(wire, joins, want, consent)], want, consent=consent)


def push_difference(
    wire: Controller,
    roster: SwitchInventory,
    joins: Mapping[str, int],
    readings: Collection[ReadBack],
    want: Ruleset,
    *,
    consent: bool = False,
) -> dict[str, Exception]:
    """Send what the readings lack, all together in the order of one plan; gives what went wrong, by switch.

    A switch that cannot follow does not keep the others from it.
    """
    plan = merged((*(found.plan for found in readings), _shared(readings, want)), joins)
    failed: dict[str, Exception] = {found.switch: found.error for found in readings if found.error is not None}
    if plan:
        fresh = {found.switch for found in readings if found.blank and not found.foreign}
        failed |= {error.switch: error for error in wire.apply(plan, rescue=True, fresh=fresh).errors}
    for found in readings:
        if found.switch not in failed:
            remember(roster, joins[found.switch], ReadBack(found.switch, True, foreign=found.foreign))
    others = (found.switch for found in readings if found.foreign and (consent or not found.equal))
    inspect_switches(wire, roster, {*failed, *others}, want)
    for switch, error in failed.items():
        roster.fault(switch, f"cannot be brought in line: {error}")
        roster.note(switch, joins[switch], problem=str(error))
    return failed


def difference(found: ReadBack, want: Ruleset) -> Plan:
    """The plan from what was read to what is wanted, whether or not the switch was empty."""
    return _shared((found,), want) if found.blank else found.plan


def _shared(readings: Iterable[ReadBack], want: Ruleset) -> Plan:
    """The plan for all empty switches: what they have in common is packed once."""
    blank = [found.switch for found in readings if found.blank]
    return diff(Ruleset(blank, {}), restricted(want, blank)) if blank else Plan()
