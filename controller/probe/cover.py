"""A covering set: the fewest probes that meet every rule, and then every bucket, that a packet can meet at all.

Lives here: choosing among candidates. Must not know: where candidates come from, how probes are sent.

Choosing the fewest is set cover, which is NP-hard; greedy choice (the probe that meets most that is new, Chvátal 1979)
followed by dropping what became superfluous comes close, and ``bound`` says how close: so many rules, no two of which
any candidate meets, need as many probes.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.controller.probe.coverage import Down, Entries
from clos.controller.probe.gather import Candidate, gather
from clos.controller.probe.uncovered import Switch, Uncovered, reasons
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.topology import Topology


class Cover(NamedTuple):
    """The covering set: ``for_rules`` first, then ``for_buckets`` beyond these. ``bound``: no fewer meet all rules."""

    entries: Entries
    for_rules: tuple[Candidate, ...]
    for_buckets: tuple[Candidate, ...]
    unmet: tuple[Uncovered, ...]
    bound: int
    candidates: int

    @property
    def chosen(self) -> tuple[Candidate, ...]:
        return (*self.for_rules, *self.for_buckets)

    def rounds(self) -> dict[str, tuple[Down, tuple[Candidate, ...]]]:
        """The probes by the state of the cables they are sent in; nothing broken comes first."""
        found: dict[str, list[Candidate]] = {}
        for one in self.chosen:
            found.setdefault(one.state, []).append(one)
        return {state: (found[state][0].meeting.down, tuple(found[state])) for state in sorted(found)}


def cover(intent: Intent, topology: Topology, ruleset: Ruleset) -> Cover:
    """The covering set of a compiled intent."""
    entries = Entries(ruleset, topology)
    kept = gather(entries, intent)
    met = frozenset().union(*(one.meeting.met for one in kept))
    rules = frozenset(range(len(entries.rules)))
    for_rules = _fewest(kept, rules)
    left = met.difference(*(one.meeting.met for one in for_rules))
    switches = {name: Switch(name, ruleset.state(name), topology) for name in ruleset.switches}
    hit = [entry for number, entry in enumerate(entries.all) if number in met]
    missed = [entry for number, entry in enumerate(entries.all) if number not in met]
    unmet = tuple(reasons(missed, switches, hit))
    return Cover(entries, for_rules, _fewest(kept, left), unmet, _apart(kept, rules), len(kept))


def _fewest(kept: list[Candidate], wanted: frozenset[int]) -> tuple[Candidate, ...]:
    """Greedy set cover, sound cables first; then what others cover together is dropped."""
    sound = _greedy([one for one in kept if not one.state], wanted)
    left = wanted.difference(*(one.meeting.met for one in sound))
    return _needed([*sound, *_greedy([one for one in kept if one.state], left)], wanted)


def _greedy(kept: list[Candidate], wanted: frozenset[int]) -> list[Candidate]:
    """Lazily: what a candidate adds only shrinks, so the best of old figures is looked at again and no other."""
    left = set(wanted)
    heap = [(-len(one.meeting.met & wanted), number) for number, one in enumerate(kept)]
    heapq.heapify(heap)
    chosen = []
    while heap and left:
        was, number = heapq.heappop(heap)
        adds = len(kept[number].meeting.met & left)
        if adds == -was and adds:
            chosen.append(kept[number])
            left -= kept[number].meeting.met
        elif adds:
            heapq.heappush(heap, (-adds, number))
    return chosen


def _needed(chosen: list[Candidate], wanted: frozenset[int]) -> tuple[Candidate, ...]:
    """Without those all of whose entries others meet too; the latest are asked first."""
    times = Counter(number for one in chosen for number in one.meeting.met & wanted)
    kept = []
    for one in reversed(chosen):
        mine = one.meeting.met & wanted
        if all(times[number] > 1 for number in mine):
            times.subtract(mine)
        else:
            kept.append(one)
    return tuple(reversed(kept))


def _apart(kept: list[Candidate], wanted: frozenset[int]) -> int:
    """How many entries can be found no two of which one candidate meets: each needs a probe of its own."""
    by: dict[int, list[int]] = {}
    for number, one in enumerate(kept):
        for entry in one.meeting.met & wanted:
            by.setdefault(entry, []).append(number)
    taken: set[int] = set()
    found = 0
    for entry in sorted(by, key=lambda entry: (len(by[entry]), entry)):
        if taken.isdisjoint(by[entry]):
            taken.update(by[entry])
            found += 1
    return found
