"""The roster: what is known of each switch of the fabric. Values and a lock; decides nothing, sends nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import chain, islice
from threading import Condition
from time import monotonic
from typing import Any, NamedTuple

from clos.controller.daemon.switches.tolerance import Tolerance
from clos.controller.store.store import utc_now
from clos.fabric.dataplane.ruleset import SwitchState

FAULTS_KEPT = 100
CONFLICT_SECONDS = 60.0
"""A switch that is refused tries again sooner than this (Open vSwitch within 8 s); when it has not, it is gone."""


@dataclass(frozen=True, slots=True)
class SwitchStatus:
    """One switch. ``joins``: how often it has connected; ``since``: when it last did, or left (UTC).

    ``read``: it was read back since; ``in_line``: it holds what it should, by read-back or by barrier.
    ``seen``: what it holds of ours where that is known and something else. ``foreign``: entries on it that are not
    ours. ``problem``: why it is not in line. ``dpid``: the datapath id it connected with.
    """

    connected: bool = False
    joins: int = 0
    since: str = ""
    read: bool = False
    in_line: bool = False
    seen: SwitchState | None = None
    foreign: tuple[object, ...] = ()
    problem: str = ""
    dpid: int = 0

    @property
    def known(self) -> bool:
        """Whether it is known what the switch holds right now."""
        return self.connected and (self.in_line or self.seen is not None)


def foreign_text(count: int) -> str:
    """What is said of a switch with so many foreign entries."""
    return f"holds {count:,} {'entry' if count == 1 else 'entries'} that Clos did not install"


def unaccounted_text(count: int) -> str:
    """What is said of a switch with so many rules of Clos where the store has no revision."""
    rules = f"{count:,} {'rule' if count == 1 else 'rules'}"
    return f"holds {rules} of Clos, but the store has no revision: put its store back, or apply with --allow-adopt"


class Fault(NamedTuple):
    """Something that went wrong, for people; ``switch`` may be empty."""

    when: str
    switch: str
    text: str


class Conflict(NamedTuple):
    """Another connects as the switch and is refused: ``at``, the last time it did (monotonic), and in words."""

    at: float
    text: str


def _when(fault: Fault) -> str:
    return fault.when


class SwitchInventory:
    """Standings by switch name; any thread. A standing is replaced, never changed.

    A fault is over, and forgotten, when its switch holds what it should, or is no switch of the fabric any more; a
    ``lasting`` one when the switch leaves. What is wrong with something else is over when it is no longer reported.
    """

    def __init__(self, switches: Iterable[str] = ()) -> None:
        self._changed = Condition()
        self._standings = {name: SwitchStatus() for name in switches}
        self._arrived: set[str] = set()
        self._closed = False
        self._faults: deque[Fault] = deque(maxlen=FAULTS_KEPT)
        self._lasting: set[tuple[str, str]] = set()
        self._elsewhere: dict[str, tuple[Fault, ...]] = {}
        self._conflicts: dict[str, Conflict] = {}
        self.tolerance = Tolerance()

    def expect(self, switches: Collection[str]) -> None:
        """These are the switches of the fabric from now on."""
        with self._changed:
            self._standings = {name: self._standings.get(name, SwitchStatus()) for name in switches}
            self._arrived.intersection_update(switches)
            self._forget(lambda fault: fault.switch not in self._standings)
            self._changed.notify_all()

    def standings(self) -> dict[str, SwitchStatus]:
        """Of all switches, as they are at this moment."""
        with self._changed:
            return dict(self._standings)

    def seen(self) -> dict[str, SwitchState]:
        """What connected switches hold where it is not what they should."""
        return {n: s.seen for n, s in self.standings().items() if s.connected and not s.in_line and s.seen is not None}

    def joins(self, switches: Iterable[str]) -> dict[str, int]:
        """The connected ones of the switches, and which connection of theirs this is."""
        now = self.standings()
        return {name: now[name].joins for name in switches if name in now and now[name].connected}

    # What the wire tells.

    def joined(self, switch: str, dpid: int = 0) -> None:
        """It connected; what it holds is to be read back."""
        with self._changed:
            joins = self._standings.get(switch, SwitchStatus()).joins + 1
            self._standings[switch] = SwitchStatus(True, joins, utc_now(), problem="not read back yet", dpid=dpid)
            self._arrived.add(switch)
            self._changed.notify_all()

    def left(self, switch: str) -> None:
        with self._changed:
            if switch in self._standings:
                gone = replace(self._standings[switch], connected=False, in_line=False, seen=None)
                self._standings[switch] = replace(gone, since=utc_now(), problem="not connected")
                self._arrived.discard(switch)
                self._lasting = {(name, text) for name, text in self._lasting if name != switch}
                self._changed.notify_all()

    # What reading back and sending tell. ``joins`` says of which connection it is true.

    def note(self, switch: str, joins: int, **fields: Any) -> None:
        """Change these fields of its standing, unless the switch has left or joined again since."""
        with self._changed:
            now = self._standings.get(switch)
            if now is not None and now.connected and now.joins == joins:
                self._standings[switch] = replace(now, read=True, **fields)
                if self._standings[switch].in_line:
                    self._forget(lambda fault: fault.switch == switch and (switch, fault.text) not in self._lasting)
                self._changed.notify_all()

    def is_still(self, switch: str, standing: SwitchStatus | None) -> bool:
        """Whether nothing has been noted of the switch since it stood so."""
        with self._changed:
            return standing is not None and self._standings.get(switch) is standing

    def kept_out(self, switch: str, problem: str) -> None:
        """It is not connected, and this is why."""
        with self._changed:
            now = self._standings.get(switch)
            if now is not None and not now.connected:
                self._standings[switch] = replace(now, problem=problem)

    def fault(self, switch: str, text: str, *, lasting: bool = False) -> None:
        """Note it; one that comes again is noted once, with its last time."""
        with self._changed:
            self._forget(lambda fault: (fault.switch, fault.text) == (switch, text))
            self._faults.append(Fault(utc_now(), switch, text))
            if lasting:
                self._lasting.add((switch, text))

    def wrong_now(self, where: str, texts: Iterable[str]) -> None:
        """What is wrong with something that is no switch: these, and what else was wrong ``where`` is over."""
        with self._changed:
            since = {fault.text: fault for fault in self._elsewhere.get(where, ())}
            self._elsewhere[where] = tuple(
                since.get(text) or Fault(utc_now(), "", text) for text in islice(texts, FAULTS_KEPT)
            )

    def conflict(self, switch: str, text: str) -> None:
        """Another connects as this switch, and was refused just now."""
        with self._changed:
            self._conflicts[switch] = Conflict(monotonic(), text)

    def conflicts(self) -> dict[str, str]:
        """The switches as which another connects, with what to say of it. It is over when it has stopped trying."""
        with self._changed:
            since = monotonic() - CONFLICT_SECONDS
            self._conflicts = {name: one for name, one in self._conflicts.items() if one.at > since}
            return {name: one.text for name, one in self._conflicts.items()}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What went wrong and is not over, oldest first."""
        with self._changed:
            return tuple(sorted((*self._faults, *chain.from_iterable(self._elsewhere.values())), key=_when))

    def _forget(self, over: Callable[[Fault], bool]) -> None:
        self._faults = deque((fault for fault in self._faults if not over(fault)), FAULTS_KEPT)

    # Who waits.

    def arrivals(self) -> frozenset[str]:
        """Take the switches that have joined since this was last asked."""
        with self._changed:
            found = frozenset(self._arrived)
            self._arrived.clear()
            return found

    def outdate(self, problem: str) -> None:
        """What was read of switches says nothing of what they should hold now."""
        with self._changed:
            for name, now in self._standings.items():
                if now.connected:
                    self._standings[name] = replace(now, read=False, in_line=False, seen=None, problem=problem)
            self._changed.notify_all()

    def again(self, switches: Iterable[str]) -> None:
        """These have joined and were taken, but nothing came of it."""
        with self._changed:
            self._arrived.update(name for name in switches if self._is_connected(name))
            self._changed.notify_all()

    def await_arrivals(self, timeout: float) -> bool:
        """Wait until a switch has joined that nobody has taken; False: none within so long, or closed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._arrived or self._closed, timeout) and not self._closed

    def await_connected(self, switches: Iterable[str], timeout: float) -> None:
        """Wait until these are all connected, at most so long."""
        wanted = tuple(switches)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or all(map(self._is_connected, wanted)), timeout)

    def await_read(self, timeout: float) -> None:
        """Wait until every switch that is connected has been read back, at most so long."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or all(s.read or not s.connected for s in self._standings.values()), timeout
            )

    def _is_connected(self, switch: str) -> bool:
        return switch in self._standings and self._standings[switch].connected

    def close(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
