"""Counters of one switch, kept beside what they count.

Lives here: packets, bytes and times of rules, groups, buckets and tables. Must not know: clocks (callers say what
time it is), how a packet came to its outcome.
Source: OpenFlow 1.3.5 §5.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clos.fabric.dataplane.outcome import Step
from clos.fabric.dataplane.rule import Rule


@dataclass(slots=True)
class Count:
    """What went through something. ``octets`` are bytes; ``since`` and ``used`` are on the caller's clock."""

    packets: int = 0
    octets: int = 0
    since: float = 0.0
    used: float = 0.0

    def add(self, octets: int, now: float) -> None:
        self.packets += 1
        self.octets += octets
        self.used = now


@dataclass(slots=True)
class Counts:
    """Counters by what they count; something never hit has none, and reads as zeros.

    ``groups`` is by (group, bucket index), with bucket None for the group itself; ``tables`` holds lookups and
    matches. Rules are told apart by identity, so that counting costs no hashing of matches.
    """

    groups: dict[tuple[int, int | None], Count] = field(default_factory=dict)
    tables: dict[int, list[int]] = field(default_factory=dict)
    _rules: dict[int, Count] = field(default_factory=dict)

    def rule(self, rule: Rule) -> Count:
        return self._rules.get(id(rule)) or Count()

    def group(self, group: int, bucket: int | None = None) -> Count:
        return self.groups.get((group, bucket)) or Count()

    def table(self, number: int) -> tuple[int, int]:
        """(lookups, matches)."""
        lookups, matches = self.tables.get(number, (0, 0))
        return lookups, matches

    def started(self, rule: Rule, now: float) -> None:
        """The rule was installed at this time."""
        count = self.rule(rule)
        self._rules[id(rule)] = Count(count.packets, count.octets, now, now)

    def copy(self) -> Counts:
        """The same counts; what is installed or removed in one of the two is not in the other."""
        return Counts(dict(self.groups), dict(self.tables), dict(self._rules))

    def record(self, step: Step, octets: int, now: float) -> None:
        """A packet of this length had this outcome."""
        for hop in step.trail:
            tally = self.tables.setdefault(hop.table, [0, 0])
            tally[0] += 1
            if hop.rule is not None:
                tally[1] += 1
                self._rules.setdefault(id(hop.rule), Count()).add(octets, now)
        for group, bucket, length in step.picks:
            self.groups.setdefault((group, bucket), Count()).add(length, now)

    def moved(self, old: Rule, new: Rule, *, keep: bool) -> None:
        """``new`` took the place of ``old``; with ``keep`` it counts on from there."""
        count = self._rules.pop(id(old), None)
        if keep and count is not None:
            self._rules[id(new)] = count

    def noted(self, rule: Rule) -> Count | None:
        """What there is about a rule, to be given to ``recall``."""
        return self._rules.get(id(rule))

    def recall(self, rule: Rule, count: Count | None) -> None:
        """The rule is back, with what was noted of it."""
        if count is not None:
            self._rules[id(rule)] = count

    def of_group(self, group: int) -> dict[tuple[int, int | None], Count]:
        """The counts of a group and its buckets."""
        return {key: count for key, count in self.groups.items() if key[0] == group}

    def forget_rule(self, rule: Rule) -> None:
        self._rules.pop(id(rule), None)

    def forget_groups(self, groups: Iterable[int]) -> None:
        gone = set(groups)
        for key in [key for key in self.groups if key[0] in gone]:
            del self.groups[key]
