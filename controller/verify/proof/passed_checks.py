"""The checks that passed, so that none is made twice: by whose requirements held, and by what packets looked like.

Must not know: how a check is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from clos.controller.verify.dataplane.outcome import AclFilter
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.proof.sender_class import Pair, SenderClass
from clos.controller.verify.spec.intent_delta import IntentDelta

CheckKey = tuple[int, int, int]
"""The table, what packets look like there with the key field, and the filter (by ``id``)."""


class PassedChecks:
    """Effects of rules that passed, for one pair and one state before one filter: by effect id (atom of the key field,
    whether something must arrive). ``slot`` is the key field's; ``counts``: (all, those that must arrive), of all
    together."""

    __slots__ = ("counts", "effect_ids", "filter", "sender_classes", "slot")

    def __init__(self, slot: int, acl_filter: AclFilter | None, counts: list[int]) -> None:
        self.slot, self.filter, self.counts = slot, acl_filter, counts
        self.effect_ids: dict[int, tuple[int, bool]] = {}
        self.sender_classes: dict[SenderClass, None] = {}

    def add(self, effect_id: int, atom: int, wanted: bool) -> None:
        self.effect_ids[effect_id] = atom, wanted
        self.counts[0] += 1
        self.counts[1] += wanted

    def drop(self, effect_id: int) -> bool:
        """Forget an effect; whether it was known."""
        held = self.effect_ids.pop(effect_id, None)
        if held is None:
            return False
        self.counts[0] -= 1
        self.counts[1] -= held[1]
        return True

    def clear(self) -> None:
        """Forget all."""
        for effect_id in list(self.effect_ids):
            self.drop(effect_id)


class CheckLedger:
    """All passed checks of a fabric. ``spared``: by pair, the packets that no rule takes and that may be dropped."""

    def __init__(self) -> None:
        self.spared: dict[Pair, dict[Box, None]] = {}
        self._by_pair: dict[Pair, dict[CheckKey, PassedChecks]] = {}
        self._by_tenant: dict[str, dict[Pair, None]] = {}
        self._counts = [0, 0]

    def of(self, pair: Pair) -> dict[CheckKey, PassedChecks]:
        """What passed for a pair."""
        found = self._by_pair.get(pair)
        if found is None:
            found = self._by_pair[pair] = {}
            for profile in pair:
                if profile is not None:
                    self._by_tenant.setdefault(profile.tenant, {})[pair] = None
        return found

    def new(self, slot: int, acl_filter: AclFilter | None) -> PassedChecks:
        """Checks of which none has passed yet."""
        return PassedChecks(slot, acl_filter, self._counts)

    def counted(self) -> tuple[int, int]:
        """Sets of packets that passed, and how many of them must arrive somewhere."""
        return self._counts[0], self._counts[1]

    def looks(self) -> Iterator[int]:
        """The numbers of what packets looked like that passed."""
        return (looks >> 8 for checks in self._by_pair.values() for _, looks, _ in checks)

    def invalidate(self, tenant: str, delta: IntentDelta) -> None:
        """Forget what a tenant's changed requirements concern."""
        for done in (done for pair in self._by_tenant.get(tenant, ()) for done in self._by_pair[pair].values()):
            for effect_id in [t for t, (atom, _) in done.effect_ids.items() if delta.touches(done.slot, atom)]:
                done.drop(effect_id)

    def drop_dead(self, filters: Mapping[int, AclFilter], live: Collection[SenderClass]) -> None:
        """Drop the checks that none of these classes would pass again, or of other filters than these (by ``id``)."""
        pairs = {pair for one in live for pair in one.members}
        self.spared = {pair: boxes for pair, boxes in self.spared.items() if pair in pairs}
        self._by_tenant = {
            tenant: held
            for tenant, some in self._by_tenant.items()
            if (held := {pair: None for pair in some if pair in pairs})
        }
        for pair, checks in list(self._by_pair.items()):
            for key, checked in list(checks.items()):
                checked.sender_classes = {one: None for one in checked.sender_classes if one in live}
                gone = checked.filter is not None and id(checked.filter) not in filters
                if gone or pair not in pairs or not checked.sender_classes:
                    checked.clear()
                    del checks[key]
            if pair not in pairs:
                del self._by_pair[pair]
