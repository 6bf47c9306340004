"""The classes of senders of a fabric, whose requirements hold for them, and what was found out about them.

Must not know: how a class is checked, which packets of a class the senders of a port may really send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from clos.controller.verify.dataplane.outcome import AclFilter
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.proof.compare import OutcomeComparison, Wants
from clos.controller.verify.proof.passed_checks import CheckLedger
from clos.controller.verify.proof.rule_effects import GroupBehaviour, RuleEffect, RuleEffects
from clos.controller.verify.proof.sender_class import Pair, PipelineEntry, SenderClass
from clos.controller.verify.spec.admissions import SenderProfile
from clos.controller.verify.spec.intent_delta import IntentDelta, carried, has_detours
from clos.controller.verify.spec.requirements import NOT_ADMITTED, Requirement, Requirements
from clos.controller.verify.spec.specification import Specification
from clos.fabric.topology import PortRef


class SenderClasses:
    """All classes of a fabric. ``now``: the specification that holds; ``old``: the one that also may, while a change is
    under way; ``loose``: by tenant, what the two differ in. ``looks``: how often ports were looked at."""

    def __init__(self, fabric: SymbolicFabric, judge: OutcomeComparison) -> None:
        self.fabric, self.judge, self.space = fabric, judge, fabric.space
        self.now: Specification
        self.old: Specification | None = None
        self.loose: dict[str, IntentDelta] = {}
        self.effects, self.checks = RuleEffects(fabric), CheckLedger()
        self.looks = 0
        self._moved: tuple[Specification, Specification, Specification] | None = None
        self._by_entry: dict[PipelineEntry, SenderClass] = {}
        self._by_tenant: dict[str, dict[tuple[SenderClass, Pair], None]] = {}

    @property
    def expectations(self) -> tuple[Specification, ...]:
        """The specifications that may hold."""
        return (self.now,) if self.old is None else (self.now, self.old)

    # -- who is in which class -----------------------------------------------------------------------------------------

    def join(self, start: PipelineEntry, pair: Pair, at: PortRef, box: Box) -> SenderClass:
        """Packets that come in at a port get there."""
        sender_class = self._by_entry.get(start)
        if sender_class is None:
            sender_class = self._by_entry[start] = SenderClass(start)
        sender_class.members.setdefault(pair, {}).setdefault(at, []).append(box)
        for profile in pair:
            if profile is not None:
                self._by_tenant.setdefault(profile.tenant, {})[sender_class, pair] = None
        return sender_class

    def leave(self, sender_class: SenderClass, pair: Pair, at: PortRef) -> None:
        """Packets of a port do not get there any more."""
        ports = sender_class.members.get(pair, {})
        ports.pop(at, None)
        if not ports:
            sender_class.members.pop(pair, None)
            sender_class.visits.pop(pair, None)
            for profile in pair:
                if profile is not None:
                    self._by_tenant.get(profile.tenant, {}).pop((sender_class, pair), None)

    def of(self, tenant: str) -> Iterable[tuple[SenderClass, Pair]]:
        """The classes with members of a tenant."""
        return self._by_tenant.get(tenant, ())

    # -- what is required ----------------------------------------------------------------------------------------------

    def requirements(self, pair: Pair) -> tuple[Wants, Wants | None]:
        """What must become of packets; and what had to before a change under way, if that differs."""
        new, old = pair
        loose = self.old is not None and (new != old or (new is not None and new.tenant in self.loose))
        return self._requirements(self.now, new), self._requirements(
            self.old, old
        ) if loose and self.old is not None else None

    def movers(self, box: Box, new: Requirement, old: Requirement) -> Iterable[Requirements]:
        """What must become of packets of a sender that only one of two specifications has here, while things move.

        If the other has it elsewhere: what must from there, for an endpoint that moves is one and the same. If the
        other has it nowhere: what its own specification says, with receivers of both where the other has them.
        """
        if self.old is None or (new.sender is None) == (old.sender is None):
            return ()
        here, there = (self.old, self.now) if new.sender is None else (self.now, self.old)
        sender = here.named(new.sender or old.sender or ("", ""))
        if sender is None:
            return ()
        if there.has_elsewhere(sender):
            return there.from_elsewhere(sender, box)
        return () if has_detours(sender.tenant) else self._carried(here, there).from_there(sender, box)

    def _carried(self, here: Specification, there: Specification) -> Specification:
        """The first specification with what both have where the second has it, and without what the second lacks."""
        if self._moved is None or self._moved[0] is not here or self._moved[1] is not there:
            intent = carried(here.intent, there.intent)
            self._moved = here, there, Specification(intent, here.topology, here.space, here)
        return self._moved[2]

    @staticmethod
    def _requirements(expectation: Specification, profile: SenderProfile | None) -> Wants:
        if profile is None:
            return lambda box: [(box, NOT_ADMITTED)]
        return lambda box: expectation.of(profile, box)

    def lasts(self, pair: Pair, slot: int, atom: int) -> bool:
        """Whether what passes now does so when the change under way is over."""
        if pair[0] != pair[1] and self.old is not None:
            return False
        profile = pair[0]
        delta = self.loose.get(profile.tenant) if profile is not None else None
        return delta is None or not delta.touches(slot, atom)

    # -- what is dead ----------------------------------------------------------------------------------------------

    def readers(self) -> Iterable[SenderClass | GroupBehaviour | RuleEffect]:
        """All who rest on what they read of the fabric."""
        return chain(self._by_entry.values(), self.effects.readers())

    def drop_dead(
        self, filters: Mapping[int, AclFilter], serials: Callable[[], set[int]], requirements: set[int]
    ) -> None:
        """Drop what speaks of none but senders, groups and rules that are gone, of other filters than these and other
        requirements than these (by ``id``). ``serials``: those of the rules there are, once no list of ours holds
        others."""
        self._by_entry = {start: one for start, one in self._by_entry.items() if one.members}
        live = set(self._by_entry.values())
        self.effects.drop_unused()
        self.checks.drop_dead(filters, live)
        self.effects.drop_dead(serials(), requirements, live)
        visited = {looks for one in live for visits in one.visits.values() for _, looks in visits}
        self.effects.drop_looks(visited.union(self.checks.looks()))
