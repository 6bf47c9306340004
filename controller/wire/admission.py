"""Who stands for a switch: newcomers on trial, one connection per datapath id, quarantine for those at fault.

Lives here: what happens between a connection's handshake and its being a switch of the topology, and after its end.
Must not know: rules, plans, os-ken. Any thread may call ``handshake_done``, ``disconnected``, ``unsolicited`` and
``expect``; trials run on the event loop's.

A newcomer answers a barrier before it counts: one that cannot is no use to a change, and would hold it up. Where two
have one datapath id, the one that is there and answers keeps its place and the other is refused. (A switch that has
lost its connection without a word, and connects again, gets its place after CHALLENGE_SECONDS.)
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from clos.controller.wire.errors import Refused, SwitchError
from clos.controller.wire.events import Duplicate, Event, Joined, Left, Misbehaved, Outranked, Stranger, Uncertified
from clos.controller.wire.osken.connection import Connection
from clos.controller.wire.seat import Seat
from clos.controller.wire.session import Session

LOG = logging.getLogger(__name__)

TRIAL_SECONDS = 10.0
"""How long a newcomer may take to answer a barrier, at the most."""
CHALLENGE_SECONDS = 5.0
"""How long the holder of a place may take to say anything, when another connects as the same switch."""
CHECK_SECONDS = 0.05
STRANGERS = 256
"""Switches of no topology that stay connected; with one more the oldest goes."""
KEPT = 64
"""What a newcomer says that is kept until it counts."""
STRIKES = (0.0, 10.0, 60.0, 300.0)
"""Seconds a switch is not let in after its first, second, third and any later fault in a row."""
FORGIVEN_SECONDS = 900.0
"""After this long without a fault, the next one is the first again."""

EventOf = Callable[[str], Event]
"""Makes an event of the name of the switch that it is about."""


class Member(NamedTuple):
    """A switch that is connected and ready."""

    session: Session
    connection: Connection


class Strike(NamedTuple):
    """The last fault of a switch: the how manyth in a row, when, and until when it is not let in."""

    number: int
    at: float
    until: float
    why: str


class Admission:
    """``publish`` is given events, on the thread that ``post`` has call functions.

    ``members`` can be sent to; of those that are ``ready`` it was published that they joined. ``changed`` guards both,
    and is notified when ``ready`` has changed.
    """

    def __init__(
        self,
        names: Mapping[int, str],
        patience: float,
        publish: Callable[[Event], object],
        post: Callable[[Callable[[], object]], object],
        bound: bool = False,
        seat: Seat | None = None,
    ) -> None:
        """``bound``: a switch's certificate must name its datapath id. ``seat``: of several controllers, this one's."""
        self.changed = threading.Condition()
        self.members: dict[str, Member] = {}
        self.ready: set[str] = set()
        self._announced: set[str] = set()
        self._names = dict(names)
        self._bound, self._seat = bound, seat
        self._patience, self._publish, self._post = patience, publish, post
        self._trials: dict[Connection, list[EventOf]] = {}
        self._strangers: dict[int, Connection] = {}
        self._auxiliaries: dict[Connection, Connection] = {}
        self._strikes: dict[str, Strike] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # Any thread.

    def handshake_done(self, connection: Connection) -> None:
        """Its handshake is over."""
        with self.changed:
            if not connection.is_active:  # it ended meanwhile: ``disconnected`` was called, or has nothing to undo
                return
            self._trials[connection] = []
        connection.later(self._begin, connection)

    def disconnected(self, connection: Connection) -> list[Left]:
        """It has ended, or is somebody else from now on; gives what to publish of it."""
        dpid = connection.id or 0
        with self.changed:
            self._trials.pop(connection, None)
            self._auxiliaries.pop(connection, None)
            if self._strangers.get(dpid) is connection:
                del self._strangers[dpid]
            gone = {name: held for name, held in self.members.items() if held.connection is connection}
            for name in gone:
                del self.members[name]
            announced = self._announced.intersection(gone)
            self._announced -= announced
            self.ready -= announced
            followers = [one for one, main in self._auxiliaries.items() if main is connection]
            self.changed.notify_all()
        for held in gone.values():
            connection.later(held.session.lost)
        for one in followers:
            one.later(one.drop, "its main connection has ended")
        return [Left(name, dpid) for name in sorted(announced)]

    def unsolicited(self, connection: Connection, event_of: EventOf) -> None:
        """It reports something unasked: passed on of a switch, kept of one on trial, and of nobody else."""
        with self.changed:
            if connection in self._trials:
                if len(self._trials[connection]) < KEPT:
                    self._trials[connection].append(event_of)
                return
            name = self._names.get(connection.id or 0, "")
            if not self._stands_for(name, self._auxiliaries.get(connection, connection)):
                return
        self._publish(event_of(name))

    def expect(self, names: Mapping[int, str]) -> None:
        """A new topology. Connected switches that gain or change a name join anew."""
        with self.changed:
            self._names = dict(names)
            moved = [held.connection for name, held in self.members.items() if not self._is_named(held, name)]
            waiting = [c for dpid, c in self._strangers.items() if dpid in self._names]
        for connection in (*moved, *waiting):  # all of them first: two switches may have exchanged their names
            self._post_events(*self.disconnected(connection))
        for connection in (*moved, *waiting):
            self.handshake_done(connection)

    def again(self) -> None:
        """Every connected switch joins anew, as this controller has another seat; changes under way are cut short."""
        with self.changed:
            connections = [held.connection for held in self.members.values()]
        for connection in connections:
            self._post_events(*self.disconnected(connection))
            self.handshake_done(connection)

    def strangers(self) -> dict[int, str]:
        """The switches of no topology that are connected, by datapath id."""
        with self.changed:
            return {dpid: str(connection) for dpid, connection in self._strangers.items()}

    def forgive(self, switch: str) -> None:
        """It has confirmed a change: what it did before is forgotten."""
        self._strikes.pop(switch, None)

    def _stands_for(self, name: str, connection: Connection) -> bool:
        return name in self.members and self.members[name].connection is connection

    def _is_named(self, held: Member, name: str) -> bool:
        return self._names.get(held.connection.id or 0) == name

    def _post_events(self, *events: Event) -> None:
        for event in events:
            self._post(partial(self._publish, event))

    # The loop's thread.

    def _begin(self, connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(self._trial(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _trial(self, connection: Connection) -> None:
        dpid = connection.id
        if dpid is None:
            connection.drop("it says which ports it has, but not who it is")
        elif why := self._uncertified(connection, dpid):
            connection.drop(why)
            self._post_events(Uncertified(self._names.get(dpid, ""), dpid, address_of(connection), why))
        elif connection.auxiliary:
            self._attach(connection, dpid)
        else:
            while connection.is_active and (name := self._names.get(dpid)) is not None:
                if await self._try_to_join(name, dpid, connection):
                    return
            if connection.is_active:
                self._keep_stranger(connection, dpid)

    def _uncertified(self, connection: Connection, dpid: int) -> str:
        """Why its certificate does not let it be this switch; empty where it does, or where none is asked for."""
        named = connection.certified
        if named is None:
            return "its certificate names no datapath id (clos pki switch makes one that does)" if self._bound else ""
        if dpid in named:
            return ""
        return f"it says its datapath id is {dpid:#x}, and its certificate is for {', '.join(f'{n:#x}' for n in named)}"

    async def _try_to_join(self, name: str, dpid: int, connection: Connection) -> bool:
        """Let it stand for the switch if it may. False: names or places have changed meanwhile, so look again."""
        strike = self._strikes.get(name)
        if strike is not None and time.monotonic() < strike.until:
            connection.drop(f"{name} is in quarantine for {strike.until - time.monotonic():.0f} s more: {strike.why}")
            return True
        session = self._session(name, connection)
        connection.frame_filter = session
        try:
            await session.barrier(min(self._patience, TRIAL_SECONDS))
        except Refused as error:
            self._misbehaved(name, connection, f"refuses barriers: {error}")
            return True
        except SwitchError:  # it has been dropped, with the reason
            return True
        if not await self._has_place(name, dpid, connection):
            return True
        turn = self._seat.turn if self._seat else 0
        if self._seat is not None and not await self._take_seat(self._seat, session, connection):
            return True
        if self._seat is not None and self._seat.turn != turn:
            return False
        return self._join(name, dpid, Member(session, connection))

    def _session(self, name: str, connection: Connection) -> Session:
        close = partial(self._misbehaved, name, connection)
        if self._seat is None:
            return Session(name, connection.send, close, self._patience)
        return Session(name, connection.send, close, self._patience, self._seat.may_change)

    async def _take_seat(self, seat: Seat, session: Session, connection: Connection) -> bool:
        """Have our role at the switch. False: it was dropped, with the reason."""
        ours = seat.generation or 0
        try:
            known = await seat.take(session)
        except Refused as error:
            why = f"refuses roles, which several controllers need (OpenFlow 1.3.5 §6.3.6): {error}"
            self._misbehaved(session.switch, connection, why)
            return False
        except SwitchError:
            return False
        if known is not None:
            self._post_events(Outranked(session.switch, ours, known))
        return True

    async def _has_place(self, name: str, dpid: int, connection: Connection) -> bool:
        """Whether nobody else stands for the switch, or nobody who lives."""
        while (held := self.members.get(name)) is not None:
            if await self._answers(held):
                there, here = address_of(held.connection), address_of(connection)
                connection.drop(f"{name} (datapath id {dpid:#x}) is connected from {there} and answers")
                self._post_events(Duplicate(name, dpid, there, here))
                return False
            held.connection.drop("it answers nothing, and the same switch connected again")
            self._post_events(*self.disconnected(held.connection))
        return connection.is_active

    async def _answers(self, held: Member) -> bool:
        """Whether the holder of a place says anything when asked, or ends what it is at in time."""
        connection, loop = held.connection, asyncio.get_running_loop()
        before, end = connection.heard, loop.time() + min(self._patience, CHALLENGE_SECONDS)
        connection.probe()
        while connection.is_active and connection.heard == before and (loop.time() < end or held.session.busy):
            await asyncio.sleep(CHECK_SECONDS)
        return connection.is_active and connection.heard != before

    def _join(self, name: str, dpid: int, member: Member) -> bool:
        with self.changed:
            if not member.connection.is_active:
                return True
            if name in self.members or not self._is_named(member, name):
                return False
            self.members[name] = member
        self._post(partial(self._announce, name, dpid, member.connection))
        return True

    def _announce(self, name: str, dpid: int, connection: Connection) -> None:
        """Publish that it has joined, then what it has reported meanwhile; on the thread that hears what comes next."""
        with self.changed:
            if not self._stands_for(name, connection):  # it has ended already
                return
            self._announced.add(name)
        self._publish(Joined(name, dpid))
        with self.changed:
            kept = self._trials.pop(connection, [])
            if self._stands_for(name, connection):
                self.ready.add(name)
                self.changed.notify_all()
        for event_of in kept:
            self._publish(event_of(name))

    def _attach(self, connection: Connection, dpid: int) -> None:
        """An auxiliary connection (OpenFlow 1.3.5 §6.3.5) goes with a main one from the same host, and never is one."""
        held = self.members.get(self._names.get(dpid, ""))
        if held is None or held.connection.address[0] != connection.address[0]:
            connection.drop(f"auxiliary connection {connection.auxiliary} of a switch that is not connected from there")
            return
        with self.changed:
            others = [one for one, main in self._auxiliaries.items() if main is held.connection]
            twice = any(one.auxiliary == connection.auxiliary for one in others)
            if not twice:
                self._trials.pop(connection, None)
                self._auxiliaries[connection] = held.connection
        if twice:
            connection.drop(f"auxiliary connection {connection.auxiliary} is there already")

    def _keep_stranger(self, connection: Connection, dpid: int) -> None:
        with self.changed:
            connection.frame_filter = None
            self._trials.pop(connection, None)
            before = self._strangers.pop(dpid, None)
            if before is None and len(self._strangers) >= STRANGERS:
                before = self._strangers.pop(next(iter(self._strangers)))
            self._strangers[dpid] = connection
        if before is not None:
            before.drop("another switch of no topology has taken its place")
        self._post_events(Stranger(dpid, str(connection)))

    def _misbehaved(self, name: str, connection: Connection, why: str) -> None:
        """Drop a switch that does not keep to the protocol, and keep it out the longer the more often it does not."""
        if not connection.is_active:
            return
        now, last = time.monotonic(), self._strikes.get(name)
        number = last.number + 1 if last is not None and now - last.at < FORGIVEN_SECONDS else 1
        seconds = STRIKES[min(number, len(STRIKES)) - 1]
        self._strikes[name] = Strike(number, now, now + seconds, why)
        connection.drop(why)
        self._post_events(Misbehaved(name, why, seconds))


def address_of(connection: Connection) -> str:
    """Where it comes from."""
    host, port = connection.address[:2] if connection.address else ("?", "?")
    return f"{host}:{port}"
