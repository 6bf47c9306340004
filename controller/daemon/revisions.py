"""The revisions of a daemon: the running one, one that has begun and not ended, and their documents and numbers.

Lives here: from the store to compiled values and back. Must not know: switches, who asked for what.
``running`` and ``pending`` are replaced whole, by whoever holds the change lock; anybody may read them at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from clos.controller.compile import Compiled
from clos.controller.compile.numbering import Numbering, TenantNumbers, from_json, to_json
from clos.controller.compile.quarantine import freed, reserving
from clos.controller.daemon.changes.candidate import CandidateBuilder, Running, Sources
from clos.controller.daemon.compiler_version import fingerprint
from clos.controller.daemon.errors import UNKNOWN, Refused
from clos.controller.intent import Text
from clos.controller.intent.topology.avoided import avoided_of, with_avoided
from clos.controller.store import Record, Revision, Store, StoreError
from clos.fabric.topology import PortRef, Topology

COMPILER = "compiler"
"""The key of a revision's summary that says whose rules were sent."""


def avoiding(text: Text, fabric: Topology, ports: frozenset[PortRef]) -> Text:
    """A topology's document with these cables kept out of use."""
    return Text(text.name, with_avoided(text.text, fabric.name, ports))


class Pending(NamedTuple):
    """A revision that has begun and not ended."""

    number: int
    sources: Sources
    compiled: Compiled


class Revisions:
    """``topology``: the file's, which the first revision is for. Raises StoreError for an unreadable revision."""

    def __init__(self, store: Store, builder: CandidateBuilder, topology: Text) -> None:
        self.store, self.builder, self.topology = store, builder, topology
        self._written: dict[str, tuple[TenantNumbers, str]] = {}
        self._reserved: dict[str, TenantNumbers] = {}
        self.running = self._current()
        self.pending = self._begun()

    @property
    def fabric(self) -> Topology:
        """The topology in force: the running revision's, before the first one the file's."""
        compiled = self.running.compiled
        return compiled.topology if compiled else self.builder.topology(self.topology)

    def sources_of(self, revision: Revision) -> Sources:
        """The documents of a revision."""
        intents = (Text(name, text) for name, text in revision.sources.items())
        return Sources.of(Text(self.topology.name, revision.topology), intents)

    def next_sources(self, topology: Text | None, intents: Iterable[Text]) -> Sources:
        """All documents of the next revision; ``topology``: None = the one in force.

        Switches that are known keep their identities in a new topology, unless it says otherwise.
        """
        running = self.running
        if running.sources is None or running.compiled is None:
            return Sources.of(topology or self.topology, intents)
        before = running.sources.topology
        if topology is None:
            return Sources.of(before, intents)
        fabric = running.compiled.topology
        now = self.builder.kept(avoiding(topology, fabric, frozenset()), fabric)
        return Sources.of(avoiding(now, fabric, avoided_of(before.text)), intents)

    def written(self, numbering: Numbering) -> str:
        """The numbering as ``to_json`` writes it; only the tenants that have other numbers than last time cost time."""
        before, self._written = self._written, {}
        for name in sorted(numbering):
            numbers, text = before.get(name, (None, ""))
            if numbers is not numbering[name]:
                text = to_json({name: numbering[name]})[1:-1]
            self._written[name] = numbering[name], text
        return f"{{{', '.join(text for _, text in self._written.values())}}}"

    def get(self, number: int) -> Revision:
        """A revision with its documents. Raises Refused for one that does not exist."""
        try:
            return self.store.get(number)
        except (StoreError, OverflowError) as error:
            raise Refused(UNKNOWN, str(error)) from None

    def history(self, limit: int = 50) -> tuple[Record, ...]:
        """The last revisions, newest first, whatever became of them."""
        return self.store.history(limit)

    def known_switch(self, name: str) -> str:
        """The name of a switch of the fabric. Raises Refused for one that it has not."""
        if name not in self.fabric.switches:
            raise Refused(UNKNOWN, f"no switch {name} in {self.fabric.name}")
        return name

    def reload(self, with_pending: bool) -> bool:
        """What the store says now, where others write to it; whether another revision is in force.

        ``with_pending``: also what has begun and not ended, which is the leader's to end.
        """
        before = self.running
        revision = self.store.current()
        if revision is not None and revision.number != before.number:
            sources, compiled = self._compiled(revision, before.compiled)
            self.running = Running(revision.number, sources, compiled, revision.summary.get(COMPILER) != fingerprint())
            self._reserved = {}
        self.pending = self._begun() if with_pending else None
        return self.running is not before

    def commit(self, begun: Pending, confirmed: bool) -> None:
        """The fabric holds what had begun; so says the store before anybody else.

        ``confirmed``: by every switch. Numbers that others may still use are kept out of use.
        """
        self.store.finish(begun.number)
        before = self.running.compiled.numbering if self.running.compiled else {}
        reserved = {} if confirmed else self._reserved | freed(before, begun.compiled.numbering, begun.number)
        numbering = reserving(begun.compiled.numbering, reserved) if reserved else None
        self._reserved, self.running = reserved, Running(*begun, numbering=numbering)
        self.pending = None

    def undo(self, begun: Pending, why: str, left: Iterable[str] = ()) -> None:
        """The fabric holds what it held before, but for the switches ``left``."""
        if left:
            self.store.fail(begun.number, f"{why}; not taken back on {', '.join(sorted(left))}")
        else:
            self.store.undo(begun.number, why)
        self.pending = None

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
        return Pending(revision.number, *self._compiled(revision, self.running.compiled))

    def _compiled(self, revision: Revision, on: Compiled | None = None) -> tuple[Sources, Compiled]:
        try:
            sources = self.sources_of(revision)
            return sources, self.builder.compiled(sources, from_json(revision.numbering), on)
        except (Refused, ValueError) as error:
            text = f"revision {revision.number} in the store cannot be compiled by this version of Clos: {error}"
            raise StoreError(text) from error
