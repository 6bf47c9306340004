"""Bringing switches in line: read back, compare, send the difference, remember how each one stands.

Lives here: the way from "connected" to "holds what it should". Must not know: revisions, the store, who asked.
A switch that holds what it should is sent nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain
from typing import NamedTuple

from clos.controller.daemon.changes.candidate import BLANK
from clos.controller.daemon.compose import merged, restricted
from clos.controller.daemon.switches.inventory import SwitchInventory
from clos.controller.plan import Plan, diff, own
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.readback import Held, Reading
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState, state_of
from clos.fabric.openflow import DecodeError

READERS = 4
"""Switches read back at a time, besides those that are slow. More would cost memory; a slow one has sent little."""
SLOW_READERS = 4
"""And so many slow ones: on a busy machine all may seem slow, and to ask them all at once makes them slower."""
CHECK_SECONDS = 1.0
SLOW_ENTRIES = 500
"""A switch that has sent fewer entries since the last check is slow: nobody else waits for it."""


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


def read_back(
    wire: Controller,
    switches: Collection[str],
    want: Ruleset,
    consent: bool = False,
    only_slow_left: Callable[[], object] = lambda: None,
) -> Iterator[list[ReadBack]]:
    """Read switches back and compare them with ``want``; with ``consent`` foreign rules are ours to remove.

    A switch that holds what it should is given at once; the others together, so that they share a plan, as soon as
    nobody is left but slow ones, which ``only_slow_left`` is called to say. Those come when they come.
    """
    if not switches:
        return
    names = sorted(switches)
    blocks = restricted(want, names).by_switch()
    different: list[ReadBack] = []
    with ThreadPoolExecutor(READERS + SLOW_READERS, "clos-reader") as pool:
        readers = _Readers(pool, (_Reader(wire, name, blocks[name], consent) for name in names))
        for done in readers.run():
            different += [found for found in done if not found.equal]
            yield from ([found] for found in done if found.equal)
            if readers.only_slow_left:
                only_slow_left()
                if different:
                    yield different
                    different = []


def each(readings: Iterator[list[ReadBack]]) -> Iterator[ReadBack]:
    """For who acts on every switch by itself."""
    return chain.from_iterable(readings)


class _Reader:
    """One switch being read back, in a thread of its own."""

    def __init__(self, wire: Controller, switch: str, blocks: list[Block], consent: bool) -> None:
        self._wire, self._switch, self._blocks, self._consent = wire, switch, blocks, consent
        self._reading: Reading | None = None
        self._before = 0
        self.slow = False

    def __call__(self) -> ReadBack:
        try:
            self._reading = self._wire.reading(self._switch)
            held = self._wire.held(self._reading)
        except (SwitchError, DecodeError) as error:
            return ReadBack(self._switch, error=error)
        return compared(self._switch, held, state_of(self._blocks), self._consent)

    def check(self) -> None:
        """See how far it has come since the last check."""
        entries = self._reading.entries if self._reading else 0
        self.slow, self._before = entries - self._before < SLOW_ENTRIES, entries


class _Readers:
    """Has READERS at work at a time; those that turn out to be slow do not count."""

    def __init__(self, pool: ThreadPoolExecutor, readers: Iterator[_Reader]) -> None:
        self._pool, self._waiting = pool, deque(readers)
        self._running: dict[Future[ReadBack], _Reader] = {}

    @property
    def only_slow_left(self) -> bool:
        return not self._waiting and all(reader.slow for reader in self._running.values())

    def run(self) -> Iterator[list[ReadBack]]:
        """What is read, as it is; now and then nothing, when somebody has turned out to be slow."""
        while self._waiting or self._running:
            self._begin()
            done, _ = wait(self._running, CHECK_SECONDS, FIRST_COMPLETED)
            for future in done:
                del self._running[future]
            if not done:
                for reader in self._running.values():
                    reader.check()
            yield [future.result() for future in done]

    def _begin(self) -> None:
        while self._waiting and len(self._running) < READERS + SLOW_READERS:
            if sum(not reader.slow for reader in self._running.values()) >= READERS:
                break
            reader = self._waiting.popleft()
            self._running[self._pool.submit(reader)] = reader


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
    for found in each(read_back(wire, joins, want)):
        remember(roster, joins[found.switch], found)


def remember(roster: SwitchInventory, join: int, found: ReadBack) -> None:
    """How a switch stands by what was read on its connection ``join``."""
    if found.error is not None:
        roster.note(found.switch, join, in_line=False, seen=None, problem=str(found.error))
        return
    seen, problem = (None, "") if found.equal else (found.ours, "its entries differ from the running revision")
    standing = {"in_line": found.equal, "seen": seen, "foreign": found.foreign, "problem": problem}
    roster.note(found.switch, join, **standing)


def reconcile(
    wire: Controller, roster: SwitchInventory, switches: Iterable[str], want: Ruleset, *, consent: bool = False
) -> dict[str, Exception]:
    """Bring connected switches to ``want``; gives what went wrong, by switch."""
    joins = roster.joins(switches)
    return push_difference(wire, roster, joins, [*each(read_back(wire, joins, want, consent))], want, consent=consent)


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
        roster.fault(switch, f"cannot be synchronized: {error}")
        roster.note(switch, joins[switch], problem=str(error))
    return failed


def difference(found: ReadBack, want: Ruleset) -> Plan:
    """The plan from what was read to what is wanted, whether or not the switch was empty."""
    return _shared((found,), want) if found.blank else found.plan


def _shared(readings: Iterable[ReadBack], want: Ruleset) -> Plan:
    """The plan for all empty switches: what they have in common is packed once."""
    blank = [found.switch for found in readings if found.blank]
    return diff(Ruleset(blank, {}), restricted(want, blank)) if blank else Plan()
