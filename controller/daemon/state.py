"""What a running daemon works on: its store, its wire, its roster, and the revision the fabric holds.

Lives here: these parts and the few steps that need more than one of them. Must not know: who asked for what.
``held`` and ``pending`` are replaced whole, by whoever has ``changing``; anybody may read them at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import NamedTuple

from controller.compile import Compiled
from controller.compile.numbering import Numbering, TenantNumbers, from_json, to_json
from controller.daemon.draft import Drafting, Held, Sources
from controller.daemon.line import bring
from controller.daemon.roster import Roster
from controller.intent import Text
from controller.store import Revision, Store
from controller.store.store import utc_now
from controller.wire.controller import Controller
from fabric.topology import Topology


class Pending(NamedTuple):
    """A revision that has begun and not ended."""

    number: int
    sources: Sources
    compiled: Compiled


class State:
    """``topology``: the file's, which the next revision is for.

    ``changing``: held by whoever changes the fabric; ``doing``: what they do, for people.
    """

    def __init__(self, store: Store, drafting: Drafting, topology: Text) -> None:
        self.store = store
        self.drafting = drafting
        self.topology = topology
        self.roster = Roster()
        self.wire: Controller
        self.strangers: dict[int, str] = {}
        self.changing = threading.Lock()
        self.doing = ""
        self.started = utc_now()
        self.stopping = threading.Event()
        self._written: dict[str, tuple[TenantNumbers, str]] = {}
        self.held = self._current()
        self.pending = self._begun()

    def sources_of(self, revision: Revision) -> Sources:
        intents = (Text(name, text) for name, text in revision.sources.items())
        return Sources.of(Text(self.topology.name, revision.topology), intents)

    def written(self, numbering: Numbering) -> str:
        """The numbering as ``to_json`` writes it; only the tenants that have other numbers than last time cost time."""
        before, self._written = self._written, {}
        for name in sorted(numbering):
            numbers, text = before.get(name, (None, ""))
            if numbers is not numbering[name]:
                text = to_json({name: numbering[name]})[1:-1]
            self._written[name] = numbering[name], text
        return f"{{{', '.join(text for _, text in self._written.values())}}}"

    def _current(self) -> Held:
        revision = self.store.current()
        if revision is None:
            return Held()
        sources = self.sources_of(revision)
        return Held(revision.number, sources, self.drafting.compiled(sources, from_json(revision.numbering)))

    def _begun(self) -> Pending | None:
        revision = self.store.pending()
        if revision is None:
            return None
        sources, numbering = self.sources_of(revision), from_json(revision.numbering)
        return Pending(revision.number, sources, self.drafting.compiled(sources, numbering, self.held.compiled))

    @property
    def fabric(self) -> Topology:
        """The topology in force: the current revision's, before the first one the file's."""
        return self.held.compiled.topology if self.held.compiled else self.drafting.topology(self.topology)

    @property
    def installed(self) -> Held:
        """What the fabric holds, with what was seen on switches that are not in line."""
        return self.held._replace(seen=self.roster.seen())

    def commit(self, begun: Pending) -> None:
        """The fabric holds what had begun; so says the store before anybody else."""
        self.store.finish(begun.number)
        self.held = Held(*begun)
        self.pending = None
        self.expect(self.fabric)

    def give_up(self, begun: Pending, why: str, left: Collection[str] = ()) -> None:
        """The fabric holds what it held before, but for the switches ``left``."""
        if left:
            self.store.fail(begun.number, f"{why}; not taken back on {', '.join(sorted(left))}")
        else:
            self.store.undo(begun.number, why)
        self.pending = None
        self.expect(self.fabric)
        if self.held.number:
            bring(self.wire, self.roster, left, self.held.ruleset)

    def expect(self, *topologies: Topology) -> None:
        """The switches of these topologies are ours; where two give one datapath a name, the last one counts."""
        names = {switch.dpid: switch.name for topology in topologies for switch in topology.switches.values()}
        self.roster.expect(names.values())
        self.wire.expect(names)
        for dpid in names:
            self.strangers.pop(dpid, None)
