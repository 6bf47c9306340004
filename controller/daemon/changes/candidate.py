"""Drafts: what documents would change, worked out and judged, nothing sent.

Lives here: reading sources, compiling on top of what is installed, the plan and its brakes. Must not know: switches'
sessions, the store. What was read and compiled last is remembered, so that the next draft costs what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

from clos.controller.compile import Compiled, CompileError, compile_fabric
from clos.controller.compile.numbering import Numbering
from clos.controller.daemon.compose import compose, contested, overlay
from clos.controller.daemon.errors import INVALID, LIMIT, Refused
from clos.controller.daemon.gc_control import freeze_heap
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.impact import Impact, impact_of
from clos.controller.impact.side_effects import MOST_RULES, SideEffects, side_effects
from clos.controller.intent import Loader, Problem, Text, keep_identities, load_topology
from clos.controller.intent.model import Intent
from clos.controller.plan import (
    Brake,
    IdentityChange,
    Plan,
    adoption_brake,
    brakes,
    identity_brake,
    identity_changes,
    moved,
    tenant_brakes,
)
from clos.fabric.dataplane.ruleset import EMPTY, Ruleset, SwitchState
from clos.fabric.topology import Topology

BLANK = SwitchState((), (), ())


class Sources(NamedTuple):
    """All documents of a revision. ``intents`` are sorted by name."""

    topology: Text
    intents: tuple[Text, ...] = ()

    @classmethod
    def of(cls, topology: Text, intents: Iterable[Text]) -> Sources:
        """Sorted; raises Refused when two have one name."""
        ordered = tuple(sorted(intents))
        for one, other in pairwise(ordered):
            if one.name == other.name:
                raise Refused(INVALID, f"two documents are called {one.name}: give each file a name of its own")
        return cls(topology, ordered)

    def same_as(self, other: Sources | None) -> bool:
        """Whether these say the very same, whatever the topology's file is called."""
        return other is not None and (self.topology.text, self.intents) == (other.topology.text, other.intents)


class Running(NamedTuple):
    """What the fabric holds: a revision, and what was ``seen`` on connected switches that hold something else.

    ``recompiled``: ``compiled`` is by another compiler than the one whose rules were sent, so they may differ.
    ``numbering``: what the next change is compiled on where that is not ``compiled.numbering``.
    ``boxes``: datapath ids of connected switches of which it is known what they hold.
    """

    number: int = 0
    sources: Sources | None = None
    compiled: Compiled | None = None
    recompiled: bool = False
    numbering: Numbering | None = None
    seen: Mapping[str, SwitchState] = {}
    boxes: Mapping[str, int] = {}

    @property
    def ruleset(self) -> Ruleset:
        """What every switch should hold."""
        return self.compiled.ruleset if self.compiled else EMPTY

    def installed(self, on: Topology) -> Ruleset:
        """What the switches of the topology ``on`` do hold, as far as is known.

        One that is to be another box holds nothing, unless that box has been read back.
        """
        if self.compiled is None or self.compiled.topology is on:
            return overlay(self.ruleset, self.seen)
        others = [name for name in moved(self.compiled.topology, on) if self.boxes.get(name) != on.switches[name].dpid]
        return overlay(self.ruleset, {**self.seen, **dict.fromkeys(others, BLANK)})


@dataclass(frozen=True, slots=True)
class Candidate:
    """``plan`` takes the fabric from ``installed`` to ``compiled.ruleset``.

    ``base``: the revision it changes, 0 = none; ``interrupted``: tenants without traffic while it is carried out;
    ``before``: what the fabric should hold now, None = nothing.
    """

    base: int
    sources: Sources
    compiled: Compiled
    installed: Ruleset
    plan: Plan
    brakes: tuple[Brake, ...]
    interrupted: tuple[str, ...] = ()
    before: Compiled | None = None

    @property
    def identities(self) -> tuple[IdentityChange, ...]:
        """Switches that it makes other boxes, and nodes that it gives other tags."""
        return identity_changes(self.before.topology, self.compiled.topology) if self.before else ()

    @property
    def sides(self) -> tuple[Snapshot, Snapshot]:
        """The intents before and after."""
        after = Snapshot(self.compiled.intent, self.compiled.topology)
        before = self.before
        return (Snapshot(before.intent, before.topology) if before else Snapshot(Intent(), after.topology)), after

    def difference(self) -> Impact:
        """What it means for packets, by the intents before and after."""
        return impact_of(*self.sides)

    def untouched(self, found: Impact, any_number: bool = False) -> SideEffects:
        """Whether the rules change no more than that; of many rules only if ``any_number`` may be compared."""
        most = None if any_number else MOST_RULES
        return side_effects(*self.sides, self.installed, self.compiled.ruleset, found.flows, most)


class CandidateBuilder:
    """Reads and compiles; threads take turns."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._loader = Loader()
        self._topology: tuple[Text, Topology] | None = None
        self._kept: tuple[Text, Topology, Text] | None = None
        self._last: tuple[Sources, Numbering | None, Compiled | None, Compiled] | None = None

    def compiled(self, sources: Sources, numbering: Numbering | None = None, on: Compiled | None = None) -> Compiled:
        """The sources compiled on top of ``on``. Raises Refused with every problem."""
        with self._turn:
            last = self._last
            if last and last[0] == sources and last[1] is numbering and last[2] is on:
                return last[3]
            found = self._compile(sources, numbering, on)
            self._last = sources, numbering, on, found
            return found

    def draft(
        self,
        sources: Sources,
        held: Running,
        numbering: Numbering | None = None,
        capacity: Mapping[str, int] | None = None,
    ) -> Candidate:
        """What the sources would change; with ``numbering``, under those numbers. Raises Refused."""
        compiled = self.compiled(sources, held.numbering if numbering is None else numbering, held.compiled)
        given_back: frozenset[str] = frozenset()
        if numbering is not None and held.compiled is not None:
            given_back = contested(held.compiled.numbering, compiled.numbering)
        installed = held.installed(compiled.topology)
        plan = compose(installed, compiled.ruleset, given_back)
        found = brakes(plan, installed, compiled.ruleset, capacity, compiled.topology)
        if held.compiled is not None:
            found = (*_own_brakes(held.compiled, compiled), *found)
        elif plan and (adoption := adoption_brake(held.seen)) is not None:
            found = (adoption, *found)
        return Candidate(
            held.number, sources, compiled, installed, plan, found, tuple(sorted(given_back)), held.compiled
        )

    def topology(self, text: Text) -> Topology:
        """Raises Refused with every problem."""
        known = self._topology
        if known is not None and known[0] == text:
            return known[1]
        topology, problems = load_topology(text)
        if topology is None:
            raise refused(problems)
        self._topology = text, topology
        return topology

    def kept(self, text: Text, before: Topology) -> Text:
        """A topology's document in which what is known of ``before`` keeps its identity; written down if need be."""
        known = self._kept
        if known is None or known[0] != text or known[1] is not before:
            self._kept = known = text, before, keep_identities(text, before)
        return known[2]

    def _compile(self, sources: Sources, numbering: Numbering | None, on: Compiled | None) -> Compiled:
        topology = self.topology(sources.topology)
        intent, problems = self._loader.load(sources.intents, topology)
        if intent is None:
            raise refused(problems)
        try:
            found = compile_fabric(intent, topology, numbering, on)
        except CompileError as error:
            raise Refused(LIMIT, str(error)) from None
        if on is None:
            freeze_heap()
        return found


def _own_brakes(before: Compiled, now: Compiled) -> tuple[Brake, ...]:
    """Those that have nothing to do with how many entries change."""
    found = identity_brake(before.topology, now.topology)
    return (*([found] if found else []), *tenant_brakes(before.intent.tenants, now.intent.tenants))


def refused(problems: tuple[Problem, ...]) -> Refused:
    """The refusal of documents with these problems."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Refused(INVALID, f"{problems[0]}{more}", problems)
