"""The daemon: store, wire and compiler joined into one thing that holds a fabric to its current revision.

Lives here: starting and stopping, taking turns, what may be asked. Must not know: HTTP, terminals, how a plan is made,
sent or taken back.

One change runs at a time; readers see the revision before it or after it and never wait. A revision is recorded
before the first message leaves and ends when every switch has confirmed it or given it back; if the process dies in
between, the next start finds it pending, reads every switch back and ends it one way or the other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clos.controller.compile.numbering import from_json
from clos.controller.daemon.changes.apply import Gate, Order, carry_out, unreachable
from clos.controller.daemon.changes.candidate import Candidate, CandidateBuilder, Sources
from clos.controller.daemon.changes.ground import on_read_back
from clos.controller.daemon.changes.proof_gate import ProofGate
from clos.controller.daemon.changes.recovery import FINISH, recover
from clos.controller.daemon.discovery.cabling import LinkReport
from clos.controller.daemon.discovery.lldp import Discovery
from clos.controller.daemon.errors import (
    BRAKES,
    BUSY,
    INVALID,
    STALE,
    STOPPING,
    SWITCH,
    UNKNOWN,
    Refused,
)
from clos.controller.daemon.lock import lock_directory
from clos.controller.daemon.queries import cabling, drift, entries, status
from clos.controller.daemon.state import State
from clos.controller.daemon.status import Applied, Drift, Status, Step
from clos.controller.daemon.switches.onboarding import onboard
from clos.controller.daemon.switches.reconcile import inspect_switches, reconcile
from clos.controller.input_file import read_input, reason
from clos.controller.intent import Text
from clos.controller.intent.source import MAX_BYTES
from clos.controller.plan import moved
from clos.controller.store import APPLIED, Record, Revision, Store, StoreError
from clos.controller.wire.controller import Controller
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.events import (
    Complaint,
    Duplicate,
    Event,
    Joined,
    Left,
    Misbehaved,
    Warned,
)
from clos.controller.wire.osken.patches import Tls
from clos.controller.wire.session import PATIENCE
from clos.fabric.dataplane.ruleset import Ruleset, SwitchState
from clos.fabric.openflow import DecodeError
from clos.fabric.openflow.digest import state_digest
from clos.fabric.openflow.errors import error_text

LOG = logging.getLogger(__name__)

STORE = "clos.db"

GATHER_SECONDS = 10.0
"""How long an interrupted change waits for all switches before it is ended on those that are there."""
WAIT_SECONDS = 5.0
"""How long a change waits for the one before it, and for new switches to join."""
SETTLE_SECONDS = 0.05
"""Switches that join within this time of each other are brought in line together."""
LATE_SECONDS = 2.0
"""A switch whose answer has been due for so long keeps others waiting."""
LOTS = 16
"""Lots of switches that are onboarded at a time: one, and those of which only slow switches are left."""
STOP_SECONDS = 1.0
"""How long stopping waits for a change under way to notice."""
RETRY_SECONDS = 1.0
"""Between two attempts to end an interrupted change."""


class Daemon:
    """Holds the fabric of ``topology`` to the current revision of the store in ``state_dir``.

    ``gates`` may refuse a change before it is sent. ``recover``: FINISH or UNDO what a crash cut short, once all
    switches are there or ``gather`` seconds have passed. ``capacity``: the most rules each switch holds, where known.
    ``discovery``: hold the cabling against the topology. ``prove``: False is for measuring other things; every
    revision is then recorded as unproven.
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
    ) -> None:
        self._topology = topology
        self.state_dir = Path(state_dir)
        self._endpoint = (of_host, of_port, tls, patience)
        self._gates, self._recover, self._gather, self._capacity = tuple(gates), recover, gather, capacity
        self._discovers, self._proves = discovery, prove
        self._closing = ExitStack()
        self._state: State | None = None

    # Life.

    def start(self) -> None:
        """Listen for switches and bring each that joins in line.

        Raises Claimed (another daemon has the directory), Refused (the topology file), StoreError, CannotListen.
        """
        with ExitStack() as closing:
            closing.enter_context(lock_directory(self.state_dir))
            text = _text(self._topology)
            drafting = CandidateBuilder()
            drafting.topology(text)
            store = closing.enter_context(Store.open(self.state_dir / STORE))
            state = State(store, drafting, text, ProofGate() if self._proves else None)
            state.wire = Controller({}, *self._endpoint)
            state.wire.subscribe(lambda event: _heard(state, event))
            if self._discovers:
                state.discovery = Discovery(state.wire, state.cabled, state.miscabled)
                state.wire.subscribe(state.discovery.heard)
            state.expect(state.fabric)
            closing.callback(self._end, state)
            state.wire.start()
            pool = ThreadPoolExecutor(LOTS, "clos-onboarding")
            closing.callback(pool.shutdown, wait=False, cancel_futures=True)
            worker = threading.Thread(target=self._work, args=(state, pool), name="clos-daemon", daemon=True)
            closing.callback(worker.join, 1.0)
            worker.start()
            if state.discovery is not None:
                explorer = threading.Thread(
                    target=state.discovery.run, args=(state.stopping,), name="clos-discovery", daemon=True
                )
                closing.callback(explorer.join, 1.0)
                explorer.start()
            self._state = state
            self._closing = closing.pop_all()

    def _end(self, state: State) -> None:
        state.stopping.set()
        state.roster.close()
        state.wire.stop()

    def stop(self) -> None:
        """Drop the switches' connections; their rules stay. A change under way is ended by the next start."""
        state = self._state
        if state is not None:
            self._end(state)
            if state.changing.acquire(timeout=STOP_SECONDS):  # so that nobody uses the store while it is closed
                state.changing.release()
            self._state = None
        self._closing.close()

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def discovers(self) -> bool:
        """Whether the cabling is held against the topology."""
        return self._discovers

    @property
    def state(self) -> State:
        """Raises Refused when the daemon is not running."""
        if self._state is None:
            raise Refused(STOPPING, "the daemon is not running")
        return self._state

    # Changing.

    def plan(self, intents: Iterable[Text], topology: Text | None = None) -> Candidate:
        """What the documents would change; sends nothing, waits for no change. Raises Refused with every problem.

        ``topology``: another than the one in force; before the first revision, than the daemon's file.
        """
        state = self.state
        sources = state.wanted(topology, intents)
        return state.drafting.draft(sources, state.installed, capacity=self._capacity)

    def plan_rollback(self, revision: int) -> Candidate:
        """What ``rollback`` would change; sends nothing, waits for no change. Raises Refused."""
        return self._back(self.state, self._applied(revision))

    def offline(self, draft: Candidate) -> tuple[str, ...]:
        """The switches that an apply of the draft would have to leave out at this moment."""
        state = self.state
        then = draft.compiled.topology.switches
        dpids = {name: standing.dpid for name, standing in state.roster.standings().items() if standing.known}
        known = {name for name, dpid in dpids.items() if name not in then or then[name].dpid == dpid}
        waiting = state.wire.strangers()  # a change gives them their names before it reads them back
        known.update(switch.name for switch in then.values() if switch.dpid in waiting)
        return unreachable(draft, known, state.fabric)

    def apply(
        self,
        intents: Iterable[Text],
        who: str = "",
        why: str = "",
        *,
        allow: Iterable[str] = (),
        progress: Callable[[Step], object] | None = None,
        expect_revision: int | None = None,
        topology: Text | None = None,
    ) -> Applied:
        """Make the fabric do what the documents say; returns when every switch has confirmed it.

        ``allow``: names of brakes to release, and ``offline``. ``expect_revision``: refuse if another one is in force.
        ``progress`` is called from several threads and must not block. Raises Refused: nothing has changed, or what
        had is taken back; StoreError: the change will be ended when the store works again.
        """
        order = Order(who, why, frozenset(allow), expect_revision, progress)
        with self._turn("an apply", order) as state:
            sources = state.wanted(topology, intents)
            with self._meeting(state, sources):

                def draft() -> Candidate:
                    return state.drafting.draft(sources, state.installed, capacity=self._capacity)

                return carry_out(state, *on_read_back(state, draft), order, self._gates)

    def rollback(
        self,
        revision: int,
        who: str = "",
        why: str = "",
        *,
        allow: Iterable[str] = (),
        progress: Callable[[Step], object] | None = None,
        expect_revision: int | None = None,
    ) -> Applied:
        """Make the fabric hold exactly the rules of an earlier revision, as a new revision. Raises as ``apply``.

        The old documents are compiled under the numbers (segments, classes, tags, meters) they had, not under
        today's: only so are the rules the very ones that held then. Some of those numbers may have been given to
        others since; ``turn`` sees to it that no frame meets a rule of its number's other owner on the way.
        """
        order = Order(who, why or f"rollback to {revision}", frozenset(allow), expect_revision, progress)
        with self._turn(f"a rollback to revision {revision}", order) as state:
            old = self._applied(revision)
            if revision == state.held.number and not state.held.recompiled:
                return Applied(revision, changed=False)
            with self._meeting(state, state.sources_of(old)):
                found = on_read_back(state, lambda: self._back(state, old))
                return carry_out(state, *found, order, self._gates)

    def _applied(self, revision: int) -> Revision:
        """A revision that held once. Raises Refused."""
        found = self.revision(revision)
        if found.status != APPLIED:
            raise Refused(
                UNKNOWN,
                f"revision {revision} was never in force ({found.status}): choose an applied revision (clos history)",
            )
        return found

    def _back(self, state: State, old: Revision) -> Candidate:
        """The way to a revision's documents under the numbers they had."""
        return state.drafting.draft(state.sources_of(old), state.installed, from_json(old.numbering), self._capacity)

    def repair(self, switches: Iterable[str] = (), who: str = "", *, remove_foreign: bool = False) -> dict[str, str]:
        """Read connected switches back (default: all) and send what they lack; gives what went wrong, by switch.

        ``remove_foreign``: the consent to delete every rule on them that is not ours. Raises Refused.
        """
        names = tuple(switches)
        with self._turn("a repair", Order(who, "")) as state:
            if not state.held.number:
                raise Refused(UNKNOWN, "no revision is applied yet: nothing to repair; run clos apply first")
            if state.held.recompiled:
                raise Refused(
                    BRAKES,
                    "another version of Clos compiled the rules in force: run clos plan and clos apply to update them",
                )
            chosen = [self._switch(state, name) for name in names] or list(state.fabric.switches)
            state.store.audit(who, "repair", {"switches": list(names), "remove_foreign": remove_foreign})
            failed = reconcile(state.wire, state.roster, chosen, state.held.ruleset, consent=remove_foreign)
            return {name: str(error) for name, error in sorted(failed.items())}

    @contextmanager
    def _turn(self, what: str, order: Order) -> Iterator[State]:
        """One change at a time, with every connected switch read back unless that takes long."""
        state = self.state
        state.roster.await_read(WAIT_SECONDS)
        if not state.changing.acquire(timeout=WAIT_SECONDS):
            raise Refused(
                BUSY,
                f"{state.doing or 'another change'} is in progress{_culprits(state)}: try again when it has finished",
            )
        try:
            state.doing = f"{what} by {order.who}" if order.who else what
            if state.stopping.is_set():
                raise Refused(STOPPING, "the daemon is being stopped")
            if state.pending is not None:
                number = state.pending.number
                raise Refused(
                    BUSY, f"revision {number} was interrupted and is being recovered: try again in a few seconds"
                )
            if order.expect not in (None, state.held.number):
                text = f"the fabric is at revision {state.held.number}, the plan was made for {order.expect}"
                raise Refused(STALE, f"the plan is stale: {text}; run clos plan again")
            yield state
        finally:
            state.doing = ""
            state.changing.release()

    @contextmanager
    def _meeting(self, state: State, sources: Sources) -> Iterator[None]:
        """With the switches of the sources' topology as ours; those that are new are given time to join."""
        now, then = state.fabric, state.drafting.topology(sources.topology)
        if then == now:
            yield
            return
        new = {*(then.switches.keys() - now.switches.keys()), *moved(now, then)}
        state.expect(now, then)
        try:
            state.roster.await_connected(new, WAIT_SECONDS)
            inspect_switches(state.wire, state.roster, new, state.held.ruleset)
            yield
        finally:
            state.expect(state.fabric)

    # Asking.

    def status(self) -> Status:
        """The daemon and its switches at this moment."""
        return status(self.state)

    def links(self) -> tuple[LinkReport, ...]:
        """Each link of the fabric as it is cabled, and links it should not have; none where discovery is off."""
        return cabling(self.state)

    def history(self, limit: int = 50) -> tuple[Record, ...]:
        """The last revisions, newest first, whatever became of them."""
        return self.state.store.history(limit)

    def revision(self, number: int) -> Revision:
        """A revision with its documents. Raises Refused for one that does not exist."""
        try:
            return self.state.store.get(number)
        except (StoreError, OverflowError) as error:
            raise Refused(UNKNOWN, str(error)) from None

    def ruleset(self) -> Ruleset:
        """What the switches should hold."""
        return self.state.held.ruleset

    def drift(self, switches: Iterable[str] = ()) -> tuple[Drift, ...]:
        """Switches (default: all) read back and compared; sends nothing. A change under way shows as drift."""
        return drift(self.state, [self._switch(self.state, name) for name in switches])

    def entries(self, switch: str) -> SwitchState:
        """What a switch holds right now, read back. Raises Refused."""
        state = self.state
        try:
            return entries(state, self._switch(state, switch))
        except (SwitchError, DecodeError) as error:
            raise Refused(SWITCH, str(error)) from None

    def digests(self) -> dict[str, str]:
        """A digest of what each connected switch holds right now, read back; others are absent. Raises Refused."""
        return {name: state_digest(self.entries(name)) for name in sorted(self.state.wire.connected())}

    def _switch(self, state: State, name: str) -> str:
        if name not in state.fabric.switches:
            raise Refused(UNKNOWN, f"no switch {name} in {state.fabric.name}")
        return name

    # The background.

    def _work(self, state: State, pool: ThreadPoolExecutor) -> None:
        """Ends what a crash cut short, then brings switches in line as they join, until the daemon stops."""
        if state.pending is not None:
            state.roster.await_connected(state.fabric.switches, self._gather)
        while not state.stopping.is_set():
            try:
                if state.pending is not None:
                    with state.changing:
                        recover(state, self._recover)
                state.roster.wrong_now("the daemon", ())
                if state.roster.await_arrivals(RETRY_SECONDS):
                    state.stopping.wait(SETTLE_SECONDS)
                    others = threading.Event()
                    pool.submit(_onboard, state, state.roster.arrivals(), others.set)
                    while not others.wait(RETRY_SECONDS) and not state.stopping.is_set():
                        pass
            except Exception as error:
                if not state.stopping.is_set():
                    LOG.exception("the daemon's background work failed")
                    state.roster.wrong_now("the daemon", (f"{type(error).__name__}: {error}",))
                    state.stopping.wait(RETRY_SECONDS)


def _onboard(state: State, arrived: frozenset[str], others: Callable[[], object]) -> None:
    """Onboard a lot of switches; ``others``, who have joined since, may begin when only slow ones are left of it."""
    try:
        onboard(state, arrived, others)
    except Exception as error:
        if not state.stopping.is_set():
            LOG.exception("onboarding failed: %s", ", ".join(sorted(arrived)))
            for name in arrived:
                state.roster.fault(name, f"cannot be brought in line: {type(error).__name__}: {error}")
            state.stopping.wait(RETRY_SECONDS)
            state.roster.again(arrived)
    finally:
        others()


def _text(topology: Text | Path | str) -> Text:
    """The topology's document. Raises Refused when it cannot be read."""
    if isinstance(topology, Text):
        return topology
    try:
        return Text(str(topology), read_input(Path(topology), MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(INVALID, f"{topology}: cannot be read: {reason(error)}") from None


def _culprits(state: State) -> str:
    """The switches that keep the change under way waiting, in words."""
    late = sorted((name, seconds) for name, seconds in state.wire.awaited().items() if seconds > LATE_SECONDS)
    return "".join(f", and has waited {seconds:.0f} s for {name}" for name, seconds in late[:3])


def _heard(state: State, event: Event) -> None:
    """What the wire tells, noted; runs on its thread."""
    match event:
        case Joined(switch, dpid):
            state.roster.joined(switch, dpid)
        case Left(switch):
            state.roster.left(switch)
        case Duplicate(switch, dpid, kept, refused):
            text = f"{refused} connects with its datapath id {dpid:#x} and is refused; {kept} has it and answers"
            state.roster.conflict(switch, f"{text}: give one of the two another datapath id")
        case Misbehaved(switch, text, seconds):
            state.roster.fault(switch, f"dropped: {text}")
            if seconds:
                state.roster.kept_out(switch, f"in quarantine for {seconds:.0f} s: {text}")
            else:
                state.roster.kept_out(switch, f"not connected: {text}")
        case Complaint(switch, kind, code):
            state.roster.fault(switch, f"reported an error: {error_text(kind, code)}")
        case Warned(switch, text):
            state.roster.fault(switch, text, lasting=True)
        case _:
            pass
