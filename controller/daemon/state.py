"""What a running daemon works on: its store, its wire, its roster, and the revision the fabric holds.

Lives here: these parts and the few steps that need more than one of them. Must not know: who asked for what.
``held`` and ``pending`` are replaced whole, by whoever has ``changing``; anybody may read them at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import NamedTuple

from clos.controller.compile import Compiled
from clos.controller.compile.numbering import Numbering, TenantNumbers, from_json, to_json
from clos.controller.compile.quarantine import freed, reserving
from clos.controller.daemon.changes.candidate import CandidateBuilder, Running, Sources
from clos.controller.daemon.changes.proof_gate import ProofGate
from clos.controller.daemon.compiler_version import fingerprint
from clos.controller.daemon.discovery.cabling import LinkReport
from clos.controller.daemon.discovery.lldp import Discovery
from clos.controller.daemon.errors import Refused
from clos.controller.daemon.switches.inventory import SwitchInventory
from clos.controller.daemon.switches.reconcile import reconcile
from clos.controller.intent import Text
from clos.controller.store import Revision, Store, StoreError
from clos.controller.store.store import utc_now
from clos.controller.wire.controller import Controller
from clos.fabric.topology import Topology

COMPILER = "compiler"
"""The key of a revision's summary that says whose rules were sent."""


class Pending(NamedTuple):
    """A revision that has begun and not ended."""

    number: int
    sources: Sources
    compiled: Compiled


class State:
    """``topology``: the file's, which the first revision is for.

    ``examiner``: None = changes are not proved. ``changing``: held by whoever changes the fabric; ``doing``: what they
    do, for people.
    """

    def __init__(
        self, store: Store, drafting: CandidateBuilder, topology: Text, examiner: ProofGate | None = None
    ) -> None:
        self.store = store
        self.drafting = drafting
        self.topology = topology
        self.examiner = examiner
        self.roster = SwitchInventory()
        self.wire: Controller
        self.discovery: Discovery | None = None
        self.changing = threading.Lock()
        self.doing = ""
        self.started = utc_now()
        self.stopping = threading.Event()
        self._written: dict[str, tuple[TenantNumbers, str]] = {}
        self.reserved: dict[str, TenantNumbers] = {}
        self.held = self._current()
        self.pending = self._begun()

    def sources_of(self, revision: Revision) -> Sources:
        intents = (Text(name, text) for name, text in revision.sources.items())
        return Sources.of(Text(self.topology.name, revision.topology), intents)

    def wanted(self, topology: Text | None, intents: Iterable[Text]) -> Sources:
        """All documents of the next revision; ``topology``: None = the one in force.

        Switches that are known keep their identities in a new topology, unless it says otherwise.
        """
        held = self.held
        if held.sources is None or held.compiled is None:
            return Sources.of(topology or self.topology, intents)
        now = self.drafting.kept(topology, held.compiled.topology) if topology else held.sources.topology
        return Sources.of(now, intents)

    def written(self, numbering: Numbering) -> str:
        """The numbering as ``to_json`` writes it; only the tenants that have other numbers than last time cost time."""
        before, self._written = self._written, {}
        for name in sorted(numbering):
            numbers, text = before.get(name, (None, ""))
            if numbers is not numbering[name]:
                text = to_json({name: numbering[name]})[1:-1]
            self._written[name] = numbering[name], text
        return f"{{{', '.join(text for _, text in self._written.values())}}}"

    def _current(self) -> Running:
        revision = self.store.current()
        if revision is None:
            return Running()
        sources, compiled = self._compiled(revision)
        return Running(revision.number, sources, compiled, revision.summary.get(COMPILER) != fingerprint())

    def _begun(self) -> Pending | None:
        revision = self.store.pending()
        if revision is None:
            return None
        return Pending(revision.number, *self._compiled(revision, self.held.compiled))

    def _compiled(self, revision: Revision, on: Compiled | None = None) -> tuple[Sources, Compiled]:
        try:
            sources = self.sources_of(revision)
            return sources, self.drafting.compiled(sources, from_json(revision.numbering), on)
        except (Refused, ValueError) as error:
            text = f"revision {revision.number} in the store cannot be compiled by this version of Clos: {error}"
            raise StoreError(text) from error

    @property
    def fabric(self) -> Topology:
        """The topology in force: the current revision's, before the first one the file's."""
        return self.held.compiled.topology if self.held.compiled else self.drafting.topology(self.topology)

    def cabled(self) -> tuple[Topology, dict[str, bool]]:
        """The topology in force; by connected switch, whether it holds the rules by which links are discovered."""
        standings = self.roster.standings().items()
        return self.fabric, {name: s.in_line and self.held.number > 0 for name, s in standings if s.connected}

    def miscabled(self, wrong: Iterable[LinkReport]) -> None:
        """These links, and no others, are not as designed."""
        self.roster.wrong_now("links", map(str, wrong))

    @property
    def installed(self) -> Running:
        """What the fabric holds, with what was seen on switches that are not in line."""
        standings = self.roster.standings().items()
        boxes = {name: standing.dpid for name, standing in standings if standing.known}
        return self.held._replace(seen=self.roster.seen(), boxes=boxes)

    def commit(self, begun: Pending) -> None:
        """The fabric holds what had begun; so says the store before anybody else."""
        self.store.finish(begun.number)
        reserved = self._reserved(begun)
        numbering = reserving(begun.compiled.numbering, reserved) if reserved else None
        self.reserved, self.held = reserved, Running(*begun, numbering=numbering)
        self.pending = None
        self.expect(self.fabric)

    def _reserved(self, begun: Pending) -> dict[str, TenantNumbers]:
        """The numbers that switches may still use which have not confirmed ``begun``."""
        if all(standing.known for standing in self.roster.standings().values()):
            return {}
        before = self.held.compiled.numbering if self.held.compiled else {}
        return self.reserved | freed(before, begun.compiled.numbering, begun.number)

    def give_up(self, begun: Pending, why: str, left: Collection[str] = ()) -> None:
        """The fabric holds what it held before, but for the switches ``left``."""
        if left:
            self.store.fail(begun.number, f"{why}; not taken back on {', '.join(sorted(left))}")
        else:
            self.store.undo(begun.number, why)
        self.pending = None
        self.expect(self.fabric)
        if self.held.number and not self.held.recompiled:
            reconcile(self.wire, self.roster, left, self.held.ruleset)

    def expect(self, *topologies: Topology) -> None:
        """The switches of these topologies are ours; where two differ, the last one counts."""
        names: dict[int, str] = {}
        for topology in topologies:
            ours = {dpid: name for dpid, name in names.items() if name not in topology.switches}
            names = ours | {switch.dpid: switch.name for switch in topology.switches.values()}
        self.roster.expect(names.values())
        self.wire.expect(names)
