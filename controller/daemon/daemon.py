"""The daemon: store, wire and compiler joined into one thing that keeps a fabric in sync with its running revision.

Lives here: starting, stopping, and the work in the background. Must not know: HTTP, terminals, how a change is made.

One change runs at a time; readers see the revision before it or after it and never wait. A revision is recorded
before the first message leaves and ends when every switch has confirmed it or given it back; if the process dies in
between, the next start finds it pending, reads every switch back and ends it one way or the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from clos.controller.cluster.cluster import PERIOD, Cluster
from clos.controller.daemon.activity import Activity
from clos.controller.daemon.borders import Borders
from clos.controller.daemon.changes.apply import Applier, Gate
from clos.controller.daemon.changes.candidate import CandidateBuilder
from clos.controller.daemon.changes.changes import Changes
from clos.controller.daemon.changes.four_eyes import NOBODY, FourEyes
from clos.controller.daemon.changes.proof_gate import ProofGate
from clos.controller.daemon.changes.proposals import ProposedChanges
from clos.controller.daemon.changes.recovery import FINISH, recover
from clos.controller.daemon.discovery.lldp import Discovery
from clos.controller.daemon.errors import INVALID, STOPPING, Refused
from clos.controller.daemon.leadership import Leadership
from clos.controller.daemon.lock import lock_directory
from clos.controller.daemon.queries import Queries
from clos.controller.daemon.revisions import Revisions
from clos.controller.daemon.switches.onboarding import onboard
from clos.controller.daemon.switches.switches import Switches
from clos.controller.daemon.switches.tolerance import Tolerance
from clos.controller.daemon.switches.watch import REPORT, Watch
from clos.controller.daemon.telemetry.gray import GrayFailures
from clos.controller.daemon.telemetry.steering import STEER, Steering
from clos.controller.daemon.watching import watch_of
from clos.controller.input_file import read_input, reason
from clos.controller.intent import Text
from clos.controller.intent.source import MAX_BYTES
from clos.controller.people.people import People
from clos.controller.store import NotLeading, Store
from clos.controller.store.accounts import Accounts
from clos.controller.store.proposals import Proposals
from clos.controller.wire.controller import Controller
from clos.controller.wire.osken.patches import Tls
from clos.controller.wire.seat import Seat
from clos.controller.wire.session import PATIENCE
from clos.fabric.topology import Topology

LOG = logging.getLogger(__name__)

STORE = "clos.db"
NOTHING_TOLERATED = Tolerance()

GATHER_SECONDS = 10.0
"""How long an interrupted change waits for all switches before it is ended on those that are there."""
SETTLE_SECONDS = 0.05
"""Switches that join within this time of each other are onboarded together."""
LOTS = 16
"""Lots of switches that are onboarded at a time: one, and those of which only slow switches are left."""
STOP_SECONDS = 1.0
"""How long stopping waits for a change under way to notice."""
TAKEOVER_SECONDS = 3.0
"""How long a new leader waits for all switches before it ends a change: their sessions are open already."""
RETRY_SECONDS = 1.0
"""Between two attempts to end an interrupted change."""


class Parts(NamedTuple):
    """What a running daemon is made of."""

    revisions: Revisions
    switches: Switches
    activity: Activity
    changes: Changes
    queries: Queries
    proposals: ProposedChanges
    people: People
    watch: Watch
    borders: Borders
    gray: GrayFailures
    steering: Steering


class Daemon:
    """Keeps the fabric of ``topology`` in sync with the running revision of the store in ``state_dir``.

    ``gates`` may refuse a change before it is sent. ``recover``: FINISH or UNDO what a crash cut short, once all
    switches are there or ``gather`` seconds have passed. ``capacity``: the most rules each switch holds, where known.
    ``discovery``: compare the cabling with the topology. ``prove``: False is for measuring other things; every
    revision is then recorded as unproven. ``four_eyes``: which changes take a second person.
    ``drift``: REPORT, REPAIR or ASK when a switch does not hold what it should; ``watch``: look for that all the time.
    ``tolerance``: rules of others that are meant to be there.
    ``gray``: STEER around cables that spoil frames, or REPORT.
    ``cluster``: the controllers that this one is among; the store is theirs then.
    Call ``start`` and ``stop``, or use it as a context manager. Every method may be called from any thread.
    """

    def __init__(
        self,
        topology: Text | Path | str,
        state_dir: Path | str,
        of_host: str = "127.0.0.1",
        of_port: int = 6653,
        *,
        tls: Tls | None = None,
        patience: float = PATIENCE,
        gates: Sequence[Gate] = (),
        recover: str = FINISH,
        gather: float = GATHER_SECONDS,
        capacity: Mapping[str, int] | None = None,
        discovery: bool = True,
        prove: bool = True,
        four_eyes: FourEyes = NOBODY,
        drift: str = REPORT,
        watch: bool = True,
        tolerance: Tolerance = NOTHING_TOLERATED,
        gray: str = STEER,
        cluster: Cluster | None = None,
    ) -> None:
        self._topology = topology
        self.state_dir = Path(state_dir)
        self._endpoint = (of_host, of_port, tls, patience)
        self._four_eyes, self._drift, self._watches = four_eyes, drift, watch
        self._tolerance, self._gray, self._cluster = tolerance, gray, cluster
        self._gates, self._recover, self._gather, self._capacity = tuple(gates), recover, gather, capacity
        self._discovers, self._proves = discovery, prove
        self._closing = ExitStack()
        self._parts: Parts | None = None

    # Life.

    def start(self) -> None:
        """Listen for switches and onboard each that joins.

        Raises Locked (another daemon has the directory), Refused (the topology file), StoreError, CannotListen.
        """
        with ExitStack() as closing:
            closing.enter_context(lock_directory(self.state_dir))
            text, builder = _text(self._topology), CandidateBuilder()
            builder.topology(text)
            revisions = Revisions(closing.enter_context(self._store()), builder, text)
            seat = Seat() if self._cluster else None
            switches, activity = Switches(Controller({}, *self._endpoint, seat)), Activity()
            discovery = self._discovery(revisions, switches, activity) if self._discovers else None
            parts = self._joined(revisions, switches, activity, discovery)
            switches.expect(revisions.fabric)
            switches.inventory.tolerance = self._tolerance
            closing.callback(_end, parts)
            switches.wire.start()
            self._begin(closing, parts, discovery, seat)
            self._parts = parts
            self._closing = closing.pop_all()

    def _store(self) -> Store:
        """The store, and what others have written to it. Raises StoreError."""
        if self._cluster is None:
            return Store.open(self.state_dir / STORE)
        self._cluster.begin()
        return Store(self._cluster.rows)

    def _joined(
        self, revisions: Revisions, switches: Switches, activity: Activity, discovery: Discovery | None
    ) -> Parts:
        gate = ProofGate() if self._proves else None
        applier = Applier(revisions, switches, activity, gate, self._gates, self._four_eyes)
        changes = Changes(revisions, switches, activity, applier, self._capacity)
        queries = Queries(revisions, switches, activity, discovery, self._cluster)
        proposals = ProposedChanges(Proposals(revisions.store), changes)
        people = People(Accounts(revisions.store))
        watch = watch_of(revisions, switches, activity, queries, changes, self._drift)
        borders = self._borders(revisions, switches)
        seen = self._seen(revisions, switches, changes, activity)
        return Parts(revisions, switches, activity, changes, queries, proposals, people, watch, borders, *seen)

    def _begin(self, closing: ExitStack, parts: Parts, discovery: Discovery | None, seat: Seat | None) -> None:
        """All that goes on in the background."""
        activity, leadership = parts.activity, None
        pool = ThreadPoolExecutor(LOTS, "clos-onboarding")
        closing.callback(pool.shutdown, wait=False, cancel_futures=True)
        if self._cluster is None or seat is None:
            activity.takes_over.set()
            activity.leading.set()
        else:
            cluster = self._cluster
            activity.holds_lease = lambda: cluster.leads
            restores = parts.borders.restore, parts.steering.restore
            leadership = Leadership(parts.revisions, parts.switches, activity, restores, seat, lambda: cluster.leads)
            _background(closing, "clos-election", cluster.run, activity.stopping, leadership)
            _background(closing, "clos-lease", cluster.lease.run, activity.stopping)
        _background(closing, "clos-daemon", self._work, parts, pool, leadership)
        if self._watches:
            _background(closing, "clos-watch", parts.watch.run, activity.stopping)
        if discovery is not None:
            _background(closing, "clos-discovery", discovery.run, activity.stopping, activity.leading)
        runs = (("borders", parts.borders.run), ("probes", parts.gray.run), ("steering", parts.steering.run))
        for thread, run in runs:
            _background(closing, f"clos-{thread}", run, activity.stopping, activity.leading)

    def _discovery(self, revisions: Revisions, switches: Switches, activity: Activity) -> Discovery:
        discovery = Discovery(
            switches.wire,
            partial(_cabled, revisions, switches, activity),
            lambda wrong: switches.inventory.wrong_now("links", map(str, wrong)),
        )
        switches.wire.subscribe(discovery.heard)
        return discovery

    def _seen(
        self, revisions: Revisions, switches: Switches, changes: Changes, activity: Activity
    ) -> tuple[GrayFailures, Steering]:
        """What looks for gray failures, and what leads frames around them."""
        gray = GrayFailures(switches.wire, partial(_cabled, revisions, switches, activity), time.monotonic)
        tell = partial(switches.inventory.wrong_now, "gray failures")
        steering = Steering(revisions, changes, activity, gray, tell, self._gray)
        steering.restore()
        switches.wire.subscribe(gray.heard)
        return gray, steering

    def _borders(self, revisions: Revisions, switches: Switches) -> Borders:
        borders = Borders(switches.wire, revisions.store, lambda: revisions.fabric)
        borders.restore()
        switches.wire.subscribe(borders.heard)
        return borders

    def stop(self) -> None:
        """Drop the switches' connections; their rules stay. A change under way is ended by the next start."""
        parts = self._parts
        if parts is not None:
            _end(parts)
            if parts.activity.changing.acquire(timeout=STOP_SECONDS):  # so that nobody uses the store while it closes
                parts.activity.changing.release()
            self._parts = None
        self._closing.close()

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What a running daemon is asked. Each raises Refused when it is not running.

    @property
    def discovers(self) -> bool:
        """Whether the cabling is compared with the topology."""
        return self._discovers

    @property
    def revisions(self) -> Revisions:
        """The running revision and those before it."""
        return self._running.revisions

    @property
    def switches(self) -> Switches:
        """The sessions with switches, and what is known of each."""
        return self._running.switches

    @property
    def changes(self) -> Changes:
        """Plans, applies, rollbacks, repairs."""
        return self._running.changes

    @property
    def queries(self) -> Queries:
        """Status, cabling, drift, what switches hold."""
        return self._running.queries

    @property
    def proposals(self) -> ProposedChanges:
        """Changes that wait for a second person, or have had one."""
        return self._running.proposals

    @property
    def people(self) -> People:
        """Who uses this daemon, and what they may do."""
        return self._running.people

    @property
    def watch(self) -> Watch:
        """What is seen of switches all the time: drift, counters."""
        return self._running.watch

    @property
    def gray(self) -> GrayFailures:
        """Cables and spines that are up and spoil frames."""
        return self._running.gray

    @property
    def steering(self) -> Steering:
        """What leads frames around them."""
        return self._running.steering

    @property
    def borders(self) -> Borders:
        """What speaks legacy protocols at the fabric's borders."""
        return self._running.borders

    @property
    def leads(self) -> bool:
        """Whether this controller certainly leads at this moment; one alone always does."""
        return self._cluster is None or self._cluster.leads

    def advertise(self, url: str) -> None:
        """Tell the other controllers, if there are any, where our API is."""
        if self._cluster is not None:
            self._cluster.advertise(url)

    @property
    def _running(self) -> Parts:
        if self._parts is None:
            raise Refused(STOPPING, "the daemon is not running")
        return self._parts

    # The background.

    def _work(self, parts: Parts, pool: ThreadPoolExecutor, leadership: Leadership | None) -> None:
        """Ends what a crash cut short, then onboards switches as they join, until the daemon stops."""
        switches, activity = parts.switches, parts.activity
        while not activity.stopping.is_set():
            try:
                if activity.leading.is_set():
                    self._end_interrupted(parts)
                elif leadership is not None:
                    leadership.look_again()
                switches.inventory.wrong_now("the daemon", ())
                if switches.inventory.await_arrivals(RETRY_SECONDS if leadership is None else PERIOD):
                    activity.stopping.wait(SETTLE_SECONDS)
                    others = threading.Event()
                    pool.submit(_onboard, parts, switches.inventory.arrivals(), others.set)
                    while not others.wait(RETRY_SECONDS) and not activity.stopping.is_set():
                        if activity.takes_over.is_set():
                            break
            except NotLeading as error:  # it has just been deposed: whoever leads ends what was begun
                LOG.info("%s", error)
                activity.stopping.wait(PERIOD)
            except Exception as error:
                if not activity.stopping.is_set():
                    LOG.exception("the daemon's background work failed")
                    switches.inventory.wrong_now("the daemon", (f"{type(error).__name__}: {error}",))
                    activity.stopping.wait(RETRY_SECONDS)

    def _end_interrupted(self, parts: Parts) -> None:
        """End the revision that a crash cut short, here or where another controller led."""
        revisions, switches, activity, *_ = parts
        first = activity.takes_over.is_set()
        activity.takes_over.clear()
        if revisions.pending is None:
            return
        if first:
            switches.await_rejoining(activity, TAKEOVER_SECONDS)
            seconds = self._gather if self._cluster is None else min(self._gather, TAKEOVER_SECONDS)
            switches.inventory.await_connected(revisions.fabric.switches, seconds)
        with activity.changing:
            if activity.leading.is_set():
                recover(revisions, switches, activity, self._recover)


def _cabled(revisions: Revisions, switches: Switches, activity: Activity) -> tuple[Topology, dict[str, bool]]:
    """The topology in force; by connected switch, whether it holds the rules by which links are seen."""
    running = revisions.running.number > 0 and activity.leading.is_set()
    return revisions.fabric, {name: there and running for name, there in switches.in_service().items()}


def _onboard(parts: Parts, arrived: frozenset[str], others: Callable[[], object]) -> None:
    """Onboard a lot of switches; ``others``, who have joined since, may begin when only slow ones are left of it."""
    try:
        onboard(parts.revisions, parts.switches, parts.activity, arrived, others)
    except Exception as error:
        if not parts.activity.stopping.is_set():
            LOG.exception("onboarding failed: %s", ", ".join(sorted(arrived)))
            for name in arrived:
                parts.switches.inventory.fault(name, f"cannot be onboarded: {type(error).__name__}: {error}")
            parts.activity.stopping.wait(RETRY_SECONDS)
            parts.switches.inventory.again(arrived)
    finally:
        others()


def _end(parts: Parts) -> None:
    parts.activity.stopping.set()
    parts.switches.inventory.close()
    parts.switches.wire.stop()


def _background(closing: ExitStack, name: str, work: Callable[..., object], *arguments: object) -> None:
    """Run the work on a thread of its own, which is waited for at the end."""
    thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
    closing.callback(thread.join, 1.0)
    thread.start()


def _text(topology: Text | Path | str) -> Text:
    """The topology's document. Raises Refused when it cannot be read."""
    if isinstance(topology, Text):
        return topology
    try:
        return Text(str(topology), read_input(Path(topology), MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(INVALID, f"{topology}: cannot be read: {reason(error)}") from None
