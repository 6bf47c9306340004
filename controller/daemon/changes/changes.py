"""Changes to a running fabric: what may be asked, one at a time.

Lives here: plans, applies, rollbacks and repairs, each on the running revision and with the switches of the topology
that it is for. Must not know: how a plan is made, sent or rolled back; HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from clos.controller.compile.numbering import from_json
from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.apply import ALLOW_OFFLINE, Applier, Order, unreachable
from clos.controller.daemon.changes.candidate import Candidate, Sources
from clos.controller.daemon.changes.ground import on_read_back
from clos.controller.daemon.errors import BRAKES, BUSY, FOLLOWER, STALE, STOPPING, UNKNOWN, Refused
from clos.controller.daemon.revisions import Revisions, avoiding
from clos.controller.daemon.status import Applied, Step
from clos.controller.daemon.switches.reconcile import inspect_switches, reconcile
from clos.controller.daemon.switches.switches import Switches
from clos.controller.intent import Text
from clos.controller.plan import moved
from clos.controller.store import APPLIED, Revision
from clos.fabric.topology import PortRef

WAIT_SECONDS = 5.0
"""How long a change waits for the one before it, and for new switches to join."""


class Changes:
    """``capacity``: the most rules each switch holds, where known. Every method may be called from any thread."""

    def __init__(
        self,
        revisions: Revisions,
        switches: Switches,
        activity: Activity,
        applier: Applier,
        capacity: Mapping[str, int] | None = None,
    ) -> None:
        self._revisions, self._switches, self._activity = revisions, switches, activity
        self._applier, self._capacity = applier, capacity

    def plan(self, intents: Iterable[Text], topology: Text | None = None) -> Candidate:
        """What the documents would change; sends nothing, waits for no change. Raises Refused with every problem.

        ``topology``: another than the one in force; before the first revision, than the daemon's file.
        """
        sources = self._revisions.next_sources(topology, intents)
        return self._revisions.builder.draft(
            sources, self._switches.with_seen(self._revisions.running), capacity=self._capacity
        )

    def plan_rollback(self, revision: int) -> Candidate:
        """What ``rollback`` would change; sends nothing, waits for no change. Raises Refused."""
        return self._back(self._applied(revision))

    def asks(self, draft: Candidate, allow: Iterable[str] = ()) -> str:
        """Why the draft takes a second person; empty when it does not."""
        return self._applier.asks(draft, frozenset(allow))

    def offline(self, draft: Candidate) -> tuple[str, ...]:
        """The switches that an apply of the draft would have to leave out at this moment."""
        then = draft.compiled.topology.switches
        dpids = {
            name: standing.dpid for name, standing in self._switches.inventory.standings().items() if standing.known
        }
        known = {name for name, dpid in dpids.items() if name not in then or then[name].dpid == dpid}
        waiting = self._switches.wire.strangers()  # a change gives them their names before it reads them back
        known.update(switch.name for switch in then.values() if switch.dpid in waiting)
        return unreachable(draft, known, self._revisions.fabric)

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
        approved_by: str = "",
    ) -> Applied:
        """Make the fabric do what the documents say; returns when every switch has confirmed it.

        ``allow``: names of brakes to release, and ``offline``. ``expect_revision``: refuse if another one is in force.
        ``approved_by``: the second person, where one has looked at exactly this. ``progress`` is called from several
        threads and must not block. Raises Refused: nothing has changed, or what had is taken back; StoreError: the
        change will be ended when the store works again.
        """
        order = Order(who, why, frozenset(allow), expect_revision, progress, approved_by)
        with self._exclusively("an apply", order):
            sources = self._revisions.next_sources(topology, intents)
            with self._meeting(sources):

                def draft() -> Candidate:
                    return self._revisions.builder.draft(
                        sources, self._switches.with_seen(self._revisions.running), capacity=self._capacity
                    )

                return self._applier.carry_out(*on_read_back(self._revisions, self._switches, draft), order)

    def rollback(
        self,
        revision: int,
        who: str = "",
        why: str = "",
        *,
        allow: Iterable[str] = (),
        progress: Callable[[Step], object] | None = None,
        expect_revision: int | None = None,
        approved_by: str = "",
    ) -> Applied:
        """Make the fabric hold exactly the rules of an earlier revision, as a new revision. Raises as ``apply``.

        The old documents are compiled under the numbers (segments, classes, tags, meters) they had, not under
        today's: only so are the rules the very ones that held then. Some of those numbers may have been given to
        others since; ``compose`` sees to it that no frame meets a rule of its number's other owner on the way.
        """
        order = Order(who, why or f"rollback to {revision}", frozenset(allow), expect_revision, progress, approved_by)
        with self._exclusively(f"a rollback to revision {revision}", order):
            old = self._applied(revision)
            if revision == self._revisions.running.number and not self._revisions.running.recompiled:
                return Applied(revision, changed=False)
            with self._meeting(self._revisions.sources_of(old)):
                found = on_read_back(self._revisions, self._switches, lambda: self._back(old))
                return self._applier.carry_out(*found, order)

    def steer(self, avoid: frozenset[PortRef], who: str, why: str) -> Applied:
        """Keep these cables out of use, and take those back that were kept so before; intents stay as they are.

        Raises as ``apply``. Switches that are not there get it when they join.
        """
        order = Order(who, why, frozenset({"uplink", ALLOW_OFFLINE}), automatic=True)
        with self._exclusively("a change of ways", order):
            running = self._revisions.running
            if running.sources is None or running.compiled is None:
                raise Refused(UNKNOWN, "no revision is applied yet: there are no ways to change")
            text = avoiding(running.sources.topology, running.compiled.topology, avoid)
            sources = Sources.of(text, running.sources.intents)

            def draft() -> Candidate:
                return self._revisions.builder.draft(
                    sources, self._switches.with_seen(self._revisions.running), capacity=self._capacity
                )

            return self._applier.carry_out(*on_read_back(self._revisions, self._switches, draft), order)

    def repair(self, switches: Iterable[str] = (), who: str = "", *, remove_foreign: bool = False) -> dict[str, str]:
        """Read connected switches back (default: all) and send what they lack; gives what went wrong, by switch.

        ``remove_foreign``: the consent to delete every rule on them that is not ours. Raises Refused.
        """
        names = tuple(switches)
        with self._exclusively("a repair", Order(who, "")):
            if not self._revisions.running.number:
                raise Refused(UNKNOWN, "no revision is applied yet: nothing to repair; run clos apply first")
            if self._revisions.running.recompiled:
                raise Refused(
                    BRAKES,
                    "another version of Clos compiled the rules in force: run clos plan and clos apply to update them",
                )
            chosen = [self._revisions.known_switch(name) for name in names] or list(self._revisions.fabric.switches)
            self._revisions.store.audit(who, "repair", {"switches": list(names), "remove_foreign": remove_foreign})
            failed = reconcile(
                self._switches.wire,
                self._switches.inventory,
                chosen,
                self._revisions.running.ruleset,
                consent=remove_foreign,
            )
            return {name: str(error) for name, error in sorted(failed.items())}

    def _applied(self, revision: int) -> Revision:
        """A revision that held once. Raises Refused."""
        found = self._revisions.get(revision)
        if found.status != APPLIED:
            raise Refused(
                UNKNOWN,
                f"revision {revision} was never in force ({found.status}): choose an applied revision (clos history)",
            )
        return found

    def _back(self, old: Revision) -> Candidate:
        """The way to a revision's documents under the numbers they had."""
        return self._revisions.builder.draft(
            self._revisions.sources_of(old),
            self._switches.with_seen(self._revisions.running),
            from_json(old.numbering),
            self._capacity,
        )

    def _must_lead(self) -> None:
        if not (self._activity.leading.is_set() and self._activity.holds_lease()):
            who = self._revisions.store.leader or "none leads at the moment: try again in a few seconds"
            raise Refused(FOLLOWER, f"this controller follows, so it changes nothing; {who}")

    @contextmanager
    def _exclusively(self, what: str, order: Order) -> Iterator[None]:
        """One change at a time, with every connected switch read back unless that takes long."""
        self._must_lead()
        self._switches.await_rejoining(self._activity, WAIT_SECONDS)
        self._switches.inventory.await_read(WAIT_SECONDS)
        if not self._activity.changing.acquire(timeout=WAIT_SECONDS):
            doing = self._activity.doing or "another change"
            raise Refused(BUSY, f"{doing} is in progress{self._switches.late()}: try again when it has finished")
        try:
            self._activity.doing = f"{what} by {order.who}" if order.who else what
            if self._activity.stopping.is_set():
                raise Refused(STOPPING, "the daemon is being stopped")
            self._must_lead()
            if self._revisions.pending is not None:
                number = self._revisions.pending.number
                raise Refused(
                    BUSY, f"revision {number} was interrupted and is being recovered: try again in a few seconds"
                )
            if order.expect not in (None, self._revisions.running.number):
                now = self._revisions.running.number
                text = f"the fabric is at revision {now}, the plan was made for {order.expect}"
                raise Refused(STALE, f"the plan is stale: {text}; run clos plan again")
            yield
        finally:
            self._activity.doing = ""
            self._activity.changing.release()

    @contextmanager
    def _meeting(self, sources: Sources) -> Iterator[None]:
        """With the switches of the sources' topology as ours; those that are new are given time to join."""
        now, then = self._revisions.fabric, self._revisions.builder.topology(sources.topology)
        if then == now:
            yield
            return
        new = {*(then.switches.keys() - now.switches.keys()), *moved(now, then)}
        self._switches.expect(now, then)
        try:
            self._switches.inventory.await_connected(new, WAIT_SECONDS)
            inspect_switches(self._switches.wire, self._switches.inventory, new, self._revisions.running.ruleset)
            yield
        finally:
            self._switches.expect(self._revisions.fabric)
