"""Counters of one switch, kept beside what they count.

Lives here: packets, bytes and times of rules, groups, buckets and tables. Must not know: clocks (callers say what
time it is), how a packet came to its outcome.
Source: OpenFlow 1.3.5 §5.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clos.fabric.dataplane.outcome import Hop, Pick, Step
from clos.fabric.dataplane.rule import Rule


@dataclass(slots=True)
class Count:
    """What went through something. ``octets`` are bytes; ``since`` and ``used`` are on the caller's clock."""

    packets: int = 0
    octets: int = 0
    since: float = 0.0
    used: float = 0.0

    def add(self, packets: int, octets: int, now: float) -> None:
        self.packets += packets
        self.octets += octets
        self.used = max(self.used, now)


class Tally:
    """Packets of one outcome, added up before they are counted: ``add`` costs nothing per rule met.

    ``trail`` and ``picks`` are those of ``Step``; they are the same for each of the packets.
    """

    __slots__ = ("_open", "octets", "packets", "picks", "trail", "used")

    def __init__(self, trail: tuple[Hop, ...], picks: tuple[Pick, ...], opened: list[Tally]) -> None:
        self.trail, self.picks, self._open = trail, picks, opened
        self.packets, self.octets, self.used = 0, 0, 0.0

    def add(self, octets: int, now: float) -> None:
        if not self.packets:
            self._open.append(self)
        self.packets += 1
        self.octets += octets
        self.used = now


class Counts:
    """Counters by what they count; something never hit has none, and reads as zeros.

    Rules are told apart by identity, so that counting costs no hashing of matches.
    """

    __slots__ = ("_groups", "_open", "_rules", "_tables")

    def __init__(self) -> None:
        self._groups: dict[tuple[int, int | None], Count] = {}
        self._tables: dict[int, list[int]] = {}
        self._rules: dict[int, Count] = {}
        self._open: list[Tally] = []

    @property
    def groups(self) -> dict[tuple[int, int | None], Count]:
        """By (group, bucket index), with bucket None for the group itself."""
        self._settle()
        return self._groups

    def rule(self, rule: Rule) -> Count:
        self._settle()
        return self._rules.get(id(rule)) or Count()

    def group(self, group: int, bucket: int | None = None) -> Count:
        return self.groups.get((group, bucket)) or Count()

    def table(self, number: int) -> tuple[int, int]:
        """(lookups, matches)."""
        self._settle()
        lookups, matches = self._tables.get(number, (0, 0))
        return lookups, matches

    def started(self, rule: Rule, now: float) -> None:
        """The rule was installed at this time."""
        count = self.rule(rule)
        self._rules[id(rule)] = Count(count.packets, count.octets, now, now)

    def copy(self) -> Counts:
        """The same counts; what is installed or removed in one of the two is not in the other."""
        self._settle()
        twin = Counts()
        twin._groups, twin._tables, twin._rules = dict(self._groups), dict(self._tables), dict(self._rules)
        return twin

    def tally(self, trail: tuple[Hop, ...], picks: tuple[Pick, ...]) -> Tally:
        """A tally of packets that meet these rules and go through these groups, for as long as they are held."""
        return Tally(trail, picks, self._open)

    def record(self, step: Step, octets: int, now: float) -> None:
        """A packet of this length had this outcome."""
        tally = Tally(step.trail, step.picks, [])
        tally.add(octets, now)
        self._count(tally)

    def _settle(self) -> None:
        """Count what tallies have added up."""
        while self._open:
            tally = self._open.pop()
            self._count(tally)
            tally.packets = tally.octets = 0

    def _count(self, tally: Tally) -> None:
        times, octets, used = tally.packets, tally.octets, tally.used
        for table, rule, _ in tally.trail:
            lookups = self._tables.setdefault(table, [0, 0])
            lookups[0] += times
            if rule is not None:
                lookups[1] += times
                count = self._rules.get(id(rule))
                if count is None:
                    count = self._rules[id(rule)] = Count()
                count.add(times, octets, used)
        for group, bucket, length in tally.picks:
            self._groups.setdefault((group, bucket), Count()).add(times, length * times, used)

    def moved(self, old: Rule, new: Rule, *, keep: bool) -> None:
        """``new`` took the place of ``old``; with ``keep`` it counts on from there."""
        self._settle()
        count = self._rules.pop(id(old), None)
        if keep and count is not None:
            self._rules[id(new)] = count

    def noted(self, rule: Rule) -> Count | None:
        """What there is about a rule, to be given to ``recall``."""
        self._settle()
        return self._rules.get(id(rule))

    def recall(self, rule: Rule, count: Count | None) -> None:
        """The rule is back, with what was noted of it."""
        self._settle()
        if count is not None:
            self._rules[id(rule)] = count

    def of_group(self, group: int) -> dict[tuple[int, int | None], Count]:
        """The counts of a group and its buckets."""
        return {key: count for key, count in self.groups.items() if key[0] == group}

    def forget_rule(self, rule: Rule) -> None:
        self._settle()
        self._rules.pop(id(rule), None)

    def forget_groups(self, groups: Iterable[int]) -> None:
        gone, held = set(groups), self.groups
        for key in [key for key in held if key[0] in gone]:
            del held[key]
