"""The controller as the rest of Clos sees it: switches by name, plans in, states out, from any thread.

Lives here: starting and stopping os-ken, who is connected, and the bridge between threads and the event loop.
Must not know: why a plan is sent, where rulesets are kept.

    with Controller({1: "leaf1", 2: "spine1"}) as controller:
        controller.wait_for({"leaf1", "spine1"}, timeout=10)
        outcome = controller.apply(plan)
        state = controller.read("leaf1").state

os-ken is a singleton, so one process runs one controller at a time.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from clos.controller.plan import Plan
from clos.controller.wire.admission import Admission, EventOf
from clos.controller.wire.apply import Outcome, Progress, apply, encode_plan
from clos.controller.wire.bundles import NO_BUNDLES
from clos.controller.wire.errors import Lost
from clos.controller.wire.events import Event, Warned
from clos.controller.wire.glance import Glance, glance
from clos.controller.wire.osken import patches as osken
from clos.controller.wire.osken.connection import Connection
from clos.controller.wire.osken.listener import Listener
from clos.controller.wire.readback import Held, Reading
from clos.controller.wire.seat import Seat
from clos.controller.wire.session import PATIENCE, Session
from clos.controller.wire.switch_info import Facts, capacity, facts, request_role
from clos.fabric.dataplane.action import Output
from clos.fabric.openflow.constants import Role
from clos.fabric.openflow.messages import PacketOut

LOG = logging.getLogger(__name__)

T = TypeVar("T")
APP = "clos.controller.wire.osken.app"


class Controller:
    """Listens for the switches of a topology on ``host:port`` (port 0: any free one; see ``address``).

    ``switches``: names by datapath id. A switch with another id is reported (``Stranger``) and left alone.
    ``patience``: seconds without any answer after which a switch counts as silent and is disconnected.
    ``seat``: of several controllers, this one's; None: there is one.
    """

    def __init__(
        self,
        switches: Mapping[int, str],
        host: str = "127.0.0.1",
        port: int = 6653,
        tls: osken.Tls | None = None,
        patience: float = PATIENCE,
        seat: Seat | None = None,
    ) -> None:
        self._where = (host, port)
        self._tls = tls
        self._post: Callable[[Callable[[], object]], object] = _nowhere
        bound = tls is not None and tls.bound
        self._admission = Admission(switches, patience, self._publish, self._later, bound, seat)
        self._subscribers: list[Callable[[Event], object]] = []
        self._runtime: osken.Runtime | None = None

    # Life.

    def start(self) -> None:
        """Listen, in background threads. Raises CannotListen; RuntimeError when a controller runs in this process."""
        _raise_file_limit()
        host, port = self._where
        self._runtime = osken.Runtime(APP, host, port, self._tls, sink=self)
        LOG.info("listening on %s:%d", *self.address)

    def stop(self) -> None:
        """Drop every connection and end every thread. Rules stay on the switches."""
        if self._runtime is not None:
            self._runtime.stop()
            self._runtime = None

    def __enter__(self) -> Controller:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        address = self._listener.address
        if address is None:
            raise RuntimeError("the controller is not listening")
        return address

    @property
    def _listener(self) -> Listener:
        if self._runtime is None:
            raise RuntimeError("the controller is not started")
        return self._runtime.listener

    # Who is there.

    def connected(self) -> frozenset[str]:
        """The names of the switches that are connected and ready."""
        with self._admission.changed:
            return frozenset(self._admission.ready)

    def strangers(self) -> dict[int, str]:
        """The switches of no topology that are connected, by datapath id."""
        return self._admission.strangers()

    def awaited(self) -> dict[str, float]:
        """The switches that owe an answer, and for how many seconds the oldest one has been due."""
        with self._admission.changed:
            members = dict(self._admission.members)
        waited = {name: held.session.waited() for name, held in members.items()}
        return {name: seconds for name, seconds in waited.items() if seconds is not None}

    def wait_for(self, switches: Iterable[str], timeout: float) -> frozenset[str]:
        """Wait until they are all connected, at most ``timeout`` seconds; gives those still missing."""
        wanted, ready = frozenset(switches), self._admission.ready
        with self._admission.changed:
            self._admission.changed.wait_for(lambda: wanted <= ready, timeout)
            return wanted - ready

    def expect(self, switches: Mapping[int, str]) -> None:
        """A new topology: names by datapath id from now on. Connected switches that gain or change a name join anew."""
        self._admission.expect(switches)

    def again(self) -> None:
        """The seat is another: every connected switch joins anew, and changes under way are cut short."""
        self._admission.again()

    def subscribe(self, callback: Callable[[Event], object]) -> Callable[[], None]:
        """Have every event given to ``callback``, one at a time, on a background thread; gives the way to end it.

        A callback that takes long delays the events after it, nothing else.
        """
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # What to do with them.

    def apply(
        self,
        plan: Plan,
        only: Iterable[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
        rescue: bool = False,
        bundle: bool = True,
        fresh: Collection[str] = (),
    ) -> Outcome:
        """Carry out a plan (or what it holds for the switches ``only``); see controller.wire.apply."""
        shipments = encode_plan(plan, only)
        with self._admission.changed:
            sessions = {name: held.session for name, held in self._admission.members.items()}
        outcome = self._await(apply(sessions, shipments, progress, rescue, bundle, fresh))
        for name in outcome.confirmed:
            self._admission.forgive(name)
        for name in outcome.unbundled:
            self._publish(Warned(name, NO_BUNDLES))
        return outcome

    def read(self, switch: str, cookie: int = 0, mask: int = 0) -> Held:
        """What the switch holds: rules whose cookie equals ``cookie`` under ``mask``, all groups, all meters.

        Raises SwitchError, DecodeError.
        """
        return self.held(self.reading(switch), cookie, mask)

    def reading(self, switch: str) -> Reading:
        """A read-back that has yet to begin, by ``held``; others may watch how far it is. Raises Lost."""
        return Reading(self._session(switch))

    def held(self, reading: Reading, cookie: int = 0, mask: int = 0) -> Held:
        """Carry out a read-back, as ``read``."""
        asked = self._submit(reading.fetch(cookie, mask))
        asked.add_done_callback(lambda _: reading.end())
        try:
            found = reading.held()
            asked.result()
            return found
        finally:
            asked.cancel()  # of use when a part could not be decoded, or the wait was interrupted (Ctrl-C)

    def glance(self, switch: str) -> Glance:
        """Its counters, and a mark that tells whether its entries are what they were. Raises SwitchError."""
        return self._await(glance(self._session(switch)))

    def facts(self, switch: str) -> Facts:
        """Who made the switch, what it can do, its ports. Raises SwitchError."""
        return self._await(facts(self._session(switch)))

    def capacity(self, switch: str) -> dict[int, int]:
        """How many rules each table of the switch can hold, by its own account. Raises SwitchError."""
        return self._await(capacity(self._session(switch)))

    def request_role(self, switch: str, role: Role, generation: int) -> Role:
        """Ask for a role towards the switch; gives the one granted. Raises Refused (stale generation), Silent, Lost."""
        return self._await(request_role(self._session(switch), role, generation))

    def send_packet(self, switch: str, port: int, data: bytes) -> None:
        """Have the switch send a packet out of a port. Raises Lost when it is not connected."""
        session = self._session(switch)
        self._listener.call(session.send, PacketOut((Output(port),), data))

    def _session(self, switch: str) -> Session:
        with self._admission.changed:
            found = self._admission.members.get(switch)
        if found is None:
            raise Lost(switch, "not connected")
        return found.session

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        future = self._submit(work)
        try:
            return future.result()
        finally:
            future.cancel()  # of use when the wait itself was interrupted (Ctrl-C)

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            listener = self._listener
            if threading.get_ident() == listener.thread:
                raise RuntimeError("called on the event loop's own thread (a progress callback?): it would never end")
            return asyncio.run_coroutine_threadsafe(work, listener.loop)
        except RuntimeError:  # not started, or just stopped
            work.close()
            raise

    def _later(self, function: Callable[[], object]) -> object:
        """Have it called on the thread of os-ken's app, which is known only when it has started."""
        return self._post(function)

    # What the os-ken app calls (controller.wire.osken.app.Sink), on its thread.

    def attach(self, post: Callable[[Callable[[], object]], object]) -> None:
        self._post = post

    def handshake_done(self, connection: Connection) -> None:
        self._admission.handshake_done(connection)

    def disconnected(self, connection: Connection) -> None:
        for event in self._admission.disconnected(connection):
            self._publish(event)

    def unsolicited(self, connection: Connection, event_of: EventOf) -> None:
        self._admission.unsolicited(connection, event_of)

    def _publish(self, event: Event) -> None:
        for callback in tuple(self._subscribers):
            try:
                callback(event)
            except Exception:
                LOG.exception("a subscriber failed on %s", event)


def _nowhere(_: Callable[[], object]) -> None:
    """Until os-ken's app is there there is nothing to publish."""


def _raise_file_limit() -> None:
    """Let the process open as many files as the system lets it: each switch is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
