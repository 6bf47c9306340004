"""Rulesets: every rule, group and meter of a whole fabric, stored once and shared between switches.

A remote endpoint's rules are the same on every ingress leaf. So a ruleset is made of *parts* (one per
tenant, say), a part of *blocks* (rules, groups and meters that always go together) and each block says on
which switches it sits. 64 leaves that hold the same 60,000 rules then cost 60,000 rules, not four million.

Lives here: storage and views. Must not know: why a rule exists, bytes, order of change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from clos.fabric.dataplane.rule import GroupEntry, Meter, Rule

EGRESS, INGRESS = 0, 1
"""Phases: egress state is installed before the ingress state that sends frames to it, and removed after."""


class Block:
    """Rules, groups and meters that are installed together; immutable, compared by content.

    ``phase``: EGRESS or INGRESS; blocks of a lower phase are installed first and removed last.
    ``packed`` is scratch space for whoever serialises blocks: bytes are made once however many switches
    hold the block. It takes no part in equality.
    """

    __slots__ = ("groups", "meters", "packed", "phase", "rules")

    def __init__(
        self,
        rules: Iterable[Rule] = (),
        groups: Iterable[GroupEntry] = (),
        meters: Iterable[Meter] = (),
        phase: int = INGRESS,
    ) -> None:
        self.rules = tuple(rules)
        self.groups = tuple(groups)
        self.meters = tuple(meters)
        self.phase = phase
        self.packed: bytes | None = None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Block):
            return NotImplemented
        return (
            self.rules == other.rules
            and self.groups == other.groups
            and self.meters == other.meters
            and self.phase == other.phase
        )

    def __hash__(self) -> int:
        return hash((self.rules, self.groups, self.meters))

    def __bool__(self) -> bool:
        return bool(self.rules or self.groups or self.meters)

    def __repr__(self) -> str:
        return f"Block({len(self.rules)} rules, {len(self.groups)} groups, {len(self.meters)} meters)"


class Placed(NamedTuple):
    """A block and the names of the switches that hold it, sorted."""

    block: Block
    switches: tuple[str, ...]


Part = Mapping[str, Placed]
"""Blocks by key. Within one ruleset no two blocks of a switch hold the same rule key, group or meter number."""


class SwitchState(NamedTuple):
    """All of one switch's entries, sorted: what must be equal for two rulesets to be equal there."""

    rules: tuple[Rule, ...]
    groups: tuple[GroupEntry, ...]
    meters: tuple[Meter, ...]


class Ruleset:
    """The rules of a fabric: parts by name. Treat as a value; never edit a part in place."""

    __slots__ = ("parts", "switches")

    def __init__(self, switches: Iterable[str], parts: Mapping[str, Part]) -> None:
        self.switches = tuple(sorted(switches))
        self.parts = dict(parts)

    def placed(self) -> Iterator[Placed]:
        return chain.from_iterable(part.values() for part in self.parts.values())

    def blocks(self, switch: str) -> Iterator[Block]:
        """The blocks a switch holds, in the parts' order."""
        return (block for block, where in self.placed() if switch in where)

    def by_switch(self) -> dict[str, list[Block]]:
        """The blocks of every switch in one pass."""
        found: dict[str, list[Block]] = {name: [] for name in self.switches}
        for block, where in self.placed():
            for name in where:
                found[name].append(block)
        return found

    def rules(self, switch: str) -> Iterator[Rule]:
        return chain.from_iterable(block.rules for block in self.blocks(switch))

    def state(self, switch: str) -> SwitchState:
        """Everything on one switch, in canonical order: table, priority descending, match."""
        return state_of(self.blocks(switch))

    def counts(self) -> dict[str, int]:
        """Number of rules by switch."""
        total = dict.fromkeys(self.switches, 0)
        for block, where in self.placed():
            for name in where:
                total[name] += len(block.rules)
        return total

    def __eq__(self, other: object) -> bool:
        """Equal when every switch ends up with the same entries, however they are stored."""
        if self is other:
            return True
        if not isinstance(other, Ruleset):
            return NotImplemented
        return self.switches == other.switches and all(self.state(s) == other.state(s) for s in self.switches)

    def __hash__(self) -> int:
        return hash((self.switches, tuple(self.state(s) for s in self.switches)))


def state_of(blocks: Iterable[Block]) -> SwitchState:
    """The canonical state these blocks make on a switch."""
    held = list(blocks)
    rules = sorted(chain.from_iterable(b.rules for b in held), key=lambda r: (r.table, -r.priority, _match_key(r)))
    return SwitchState(
        tuple(rules),
        tuple(sorted((g for b in held for g in b.groups), key=lambda g: g.group)),
        tuple(sorted((m for b in held for m in b.meters), key=lambda m: m.meter)),
    )


def _match_key(rule: Rule) -> tuple[tuple[str, int, int], ...]:
    return tuple((name, value, -1 if mask is None else mask) for name, value, mask in rule.match)


EMPTY = Ruleset((), {})
"""No switch, no rule: what a fabric that Clos never programmed holds."""
