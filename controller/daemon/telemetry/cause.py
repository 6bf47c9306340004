"""From probes that fared badly to the part of the fabric at fault. Pure: counts in, causes out.

Each part is a hypothesis: it spoils one share of what it meets, and all the rest fares badly at another, lower one. The
likeliest is the cause when it is much likelier than every other that most of the same bad probes met, and than bad luck
everywhere alike. What remains without the probes through it is looked at again: two faults at once are two causes.

Must not know: clocks, frames, what is done about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf, log
from typing import NamedTuple

from clos.controller.daemon.telemetry.paths import KINDS, Part, Way

LOST, CORRUPT, LATE = "loses", "corrupts", "delays"
"""What a bad probe shows of a part."""
SURE, NO_CHANCE = 5.0, 7.0
"""How much likelier a cause must be than another, and than chance, as logarithms: 150 and 1,100 times."""
UNEXPLAINED = 2.0
"""What each bad probe that did not meet the part speaks against it, as a logarithm."""
LEAST = 4
"""Bad probes without which nobody is blamed."""


class Result(NamedTuple):
    """A probe and what became of it; ``bad``: LOST, CORRUPT, LATE, or empty. ``when``: seconds of the clock."""

    when: float
    way: Way
    size: int
    bad: str = ""


class Cause(NamedTuple):
    """A part at fault: what it does, to how many of the probes ``sent`` through it since ``since``.

    ``sizes``: the sizes of frames concerned, where others are not; empty: all alike.
    """

    part: Part
    does: str
    bad: int
    sent: int
    since: float
    sizes: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        return self.bad / self.sent if self.sent else 0.0


def causes(results: Sequence[Result], hurry: bool = False) -> list[Cause]:
    """The parts at fault by these results; none where it is not certain. Delays are looked at by themselves.

    ``hurry``: of parts that no probe tells apart the smallest is taken, and of one cable's parts the likeliest.
    """
    hard = [each._replace(bad="") if each.bad == LATE else each for each in results]
    soft = [each for each in results if each.bad in ("", LATE)]
    found = _causes(hard, hurry)
    blamed = {cause.part for cause in found}
    return found + _causes([each for each in soft if blamed.isdisjoint(each.way.parts)], hurry)


def _causes(results: Sequence[Result], hurry: bool) -> list[Cause]:
    found: list[Cause] = []
    rest = list(results)
    while True:
        part = _likeliest(rest, hurry)
        if part is None:
            return found
        within = [each for each in rest if part in each.way.parts]
        while (inner := _likeliest(within, hurry, 0.0)) is not None:  # not all of it fares alike
            part, within = inner, [each for each in within if inner in each.way.parts]
        found.append(_told(part, [each for each in rest if part in each.way.parts]))
        rest = [each for each in rest if part not in each.way.parts]


def _likeliest(results: Sequence[Result], hurry: bool, unexplained: float = UNEXPLAINED) -> Part | None:
    total = sum(1 for each in results if each.bad)
    if total < LEAST:
        return None
    sent: Counter[Part] = Counter()
    bad: Counter[Part] = Counter()
    for each in results:
        parts = each.way.parts
        sent.update(parts)
        if each.bad:
            bad.update(parts)
    few = [part for part in bad if sent[part] < len(results)]
    if not few:
        return None
    split = {part: _split(bad[part], sent[part], total, len(results), unexplained) for part in few}
    scores = sorted(((split[part], -KINDS.index(part.kind), part) for part in few), reverse=True)
    (best, _, part), others = scores[0], scores[1:]
    chance = _fit(total, len(results))
    met = sent[part], bad[part]
    alike = {other for *_, other in others if other.at == part.at or (sent[other], bad[other]) == met}
    shared = Counter(other for each in results if each.bad and part in each.way.parts for other in each.way.parts)
    rivals = [score for score, _, other in others if 2 * shared[other] > bad[part] and not (hurry and other in alike)]
    sure = best - max(rivals, default=best - SURE) >= SURE and best - chance >= NO_CHANCE and bad[part] >= LEAST
    return part if sure else None


def _split(bad: int, sent: int, all_bad: int, all_sent: int, unexplained: float) -> float:
    """The logarithm of how likely the results are if one part has its own share; of none where it is the lower one."""
    rest, others = all_bad - bad, all_sent - sent
    if others and rest / others >= bad / sent:
        return -inf
    return _fit(bad, sent) + (_fit(rest, others) if others else 0.0) - unexplained * rest


def _fit(bad: int, sent: int) -> float:
    """The logarithm of how likely so many of so many are bad, at the share that fits best."""
    share = bad / sent
    return (bad * log(share) if bad else 0.0) + ((sent - bad) * log(1 - share) if bad < sent else 0.0)


def _told(part: Part, results: Iterable[Result]) -> Cause:
    through = list(results)
    since = min(each.when for each in through if each.bad)
    late = [each for each in through if each.when >= since]
    kinds = Counter(each.bad for each in late if each.bad)
    bad = sum(kinds.values())
    return Cause(part, kinds.most_common(1)[0][0], bad, len(late), since, _sizes(late))


def _sizes(results: Sequence[Result]) -> tuple[int, ...]:
    """The sizes concerned, where at least one other was tried often and never fared badly."""
    sent = Counter(each.size for each in results)
    bad = Counter(each.size for each in results if each.bad)
    share = min((bad[size] / sent[size] for size in bad), default=0.0)
    spared = [size for size in sent if size not in bad and sent[size] * share >= 3]
    return tuple(sorted(bad)) if spared else ()
