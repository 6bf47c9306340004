"""What hosts lost, from what pairs of hosts lost: whose loss it is that packets between two did not arrive.

Lives here: the pairs and the hosts. Pure. Must not know: who probes, what a budget is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class PairLoss(NamedTuple):
    """Probes of a pair since they were last begun. ``lost``: probes and answers; ``gap_ms``: the longest time without
    either."""

    source: str
    target: str
    sent: int
    lost: int
    gap_ms: float


class Loss(NamedTuple):
    """What a host lost since the probes were last begun. ``gap_ms``: the longest time without an answer."""

    host: str
    sent: int
    lost: int
    gap_ms: float


def by_host(pairs: Iterable[PairLoss], budgets: Mapping[str, int]) -> tuple[Loss, ...]:
    """The losses of each host, the worst of its pairs. ``budgets``: milliseconds; a host that has none has 0.

    What two lose between them is the loss of the one that may lose more, and of both where neither may: a host that
    stays does not lose what one that is moved just now cannot send it.
    """
    found: dict[str, Loss] = {}
    for source, target, sent, lost, gap_ms in pairs:
        most = max(budgets.get(source, 0), budgets.get(target, 0))
        for host in (source, target):
            _, before, earlier, longest = found.get(host, Loss(host, 0, 0, 0.0))
            its = budgets.get(host, 0) == most
            longest = max(longest, gap_ms) if its and lost else longest
            found[host] = Loss(host, before + sent, earlier + lost * its, longest)
    return tuple(found[host] for host in sorted(found))
