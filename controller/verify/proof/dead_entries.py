"""Dropping what is dead: all that a proof remembers of rules, groups, senders and intents that are gone.

What lives is marked from the ports of hosts: the sender classes that have members, the checks that these passed, the
effects of rules that the checks rest on. Whatever else was remembered can be worked out again should it be needed.
Must not know: how anything is worked out.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.proof.compare import OutcomeComparison
from clos.controller.verify.proof.ingress_port import IngressPort
from clos.controller.verify.proof.sender_classes import SenderClasses
from clos.controller.verify.spec.specification import Specification

_AT_LEAST = 100
"""Things worked out since, before it is worth looking for dead ones."""


class DeadEntries:
    """Drops what is dead once as much was worked out as lives, so that it costs no more than that did."""

    def __init__(
        self, fabric: SymbolicFabric, judge: OutcomeComparison, senders: SenderClasses, ports: Iterable[IngressPort]
    ) -> None:
        self._fabric, self._judge, self._senders, self._ports = fabric, judge, senders, list(ports)
        self._limit = 0

    def _made(self) -> int:
        senders = self._senders
        return self._fabric.memo.made + senders.looks + senders.effects.made + self._judge.made

    def drop_in_time(self) -> None:
        """Drop what is dead if there may be as much of it as of what lives. Nothing may wait to be looked at again."""
        made = self._made()
        if not self._limit:
            self._limit = 2 * made
        if made > self._limit:
            self.drop()
            self._limit = made + max(_AT_LEAST, self._living())

    def _living(self) -> int:
        return len(self._fabric.memo) + len(self._senders.effects) + self._judge.size

    def drop(self) -> None:
        """Drop what is dead."""
        expectations = self._senders.expectations
        filters = self._fabric.drop_filters()
        known = _drop_requirements(expectations)
        permits = {id(each) for one in expectations for each in one.services.permits()}
        self._judge.drop_dead(set(filters), permits)
        self._senders.drop_dead(filters, self._fabric.drop_rules, known)
        self._fabric.drop_dead(self._readers())

    def _readers(self) -> set[Any]:
        """Those who rest on what was worked out for them."""
        hairpins = chain.from_iterable([port.specials for port in self._ports])
        return {*hairpins, *[port.reader for port in self._ports], *self._senders.readers()}


def _drop_requirements(expectations: Iterable[Specification]) -> set[int]:
    """Forget what is required for endpoints that are gone; the requirements that are remembered, by ``id``."""
    views = {id(view): view for each in expectations for view in each.views()}.values()
    endpoints = {place for view in views for place in view.places}
    return {id(requirement) for view in views for requirement in view.drop_requirements(endpoints)}
